"""Where pods run, and the data Job's pod as a process."""
