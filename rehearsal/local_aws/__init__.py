"""The local AWS: ministack in its own process, and the rehearsal's requests to it."""
