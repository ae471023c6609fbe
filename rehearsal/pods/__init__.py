"""Where pods run, and pods as processes."""
