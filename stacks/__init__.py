"""The stacks: units of deployment, each a thin file that connects constructs."""
