"""What a person sees and keeps of a rehearsal."""
