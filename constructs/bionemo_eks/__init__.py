"""The project's own constructs: units of logic that the stacks put together."""
