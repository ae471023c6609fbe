"""The local AWS: ministack in a process of its own, and what the rehearsal asks of it."""
