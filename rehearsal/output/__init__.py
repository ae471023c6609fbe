"""The output of a rehearsal: tables on the terminal, an HTML page, YAML files."""
