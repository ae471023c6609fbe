"""Log groups: their retention, and their removal with their stack."""
