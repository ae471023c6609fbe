"""The subcommands of the operations command, one per module: options, exit status, output."""
