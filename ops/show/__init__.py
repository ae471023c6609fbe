"""What the commands print: tables for people, that fit the terminal, and JSON for programs."""
