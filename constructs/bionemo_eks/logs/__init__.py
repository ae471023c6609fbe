"""Log groups: how long they are kept, and that they go with their stack."""
