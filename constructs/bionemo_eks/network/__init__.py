"""The Network stack's constructs."""
