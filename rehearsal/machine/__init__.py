"""This machine: environment, folders, processes, and signals."""
