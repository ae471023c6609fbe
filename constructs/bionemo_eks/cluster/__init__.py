"""The Cluster stack's constructs."""
