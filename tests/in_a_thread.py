"""Serve from a thread for as long as a test needs it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer

# Seconds between checks whether to stop. socketserver's default of half a second would be
# most of such a test's duration.
POLL = 0.01


@contextmanager
def in_a_thread(server: BaseServer) -> Iterator[None]:
    """Serve, and stop serving at the end; the server's own `with` closes its socket."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": POLL})
    thread.daemon = True
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
