"""The Observability stack's constructs."""
