"""The stacks: units of deployment, each a thin file that wires constructs together."""
