"""This machine: environment, folders, processes, and being stopped."""
