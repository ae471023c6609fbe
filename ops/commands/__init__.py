"""The subcommands of the operations command, one a module: options, exit status, output."""
