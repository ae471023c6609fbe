"""What the commands print: tables that fit the terminal, and JSON for programs."""
