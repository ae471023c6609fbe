"""The Storage stack's constructs."""
