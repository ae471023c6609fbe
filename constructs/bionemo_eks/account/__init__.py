"""What an account requires of all stacks."""
