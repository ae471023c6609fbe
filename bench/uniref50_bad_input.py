"""Prints the preparation's messages for bad input: `python -m bench.uniref50_bad_input`.

Bad input includes faulty servers and disks.

For each case it also prints how many files have their final names: none, or the whole data set.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.uniref50_speed import PROGRAM

SIZES = ("--val-size", "10", "--test-size", "20", "--num-csv-files", "3", "--attempts", "2")
FILES = 9
RECORDS = b"".join(b">r%d n\nACGT\n" % number for number in range(200))
PACKED = gzip.compress(RECORDS)
# The program must either accept it, as the reference does, or print one message.
CONTENTS = {
    "empty file": b"",
    "no record": b"\n\n",
    "truncated gzip": PACKED[:-20],
    "corrupt gzip": PACKED[:100] + b"\xff" * 20 + PACKED[120:],
    "HTML instead of FASTA": b"<!DOCTYPE html><html>Sign in</html>",
    "fewer records than val-size + test-size": RECORDS[:150],
    "a byte that is not a letter": b">a\nAC\xe9\n" + RECORDS,
    "CRLF line endings": RECORDS.replace(b"\n", b"\r\n"),
    "lower case": RECORDS.lower(),
    "blank lines": RECORDS.replace(b"ACGT", b"\nAC\n\nGT"),
    "> inside a description": RECORDS.replace(b" n", b" > n >"),
    "a header without description": RECORDS.replace(b" n", b""),
    "a sequence on one line of 40,000 letters": b">a\n" + b"ACDE" * 10_000 + b"\n" + RECORDS,
    "a missing final newline": RECORDS[:-1],
}
FAULTS = ("wrong MD5", "404", "503", "a server that stalls")


class _Handler(http.server.BaseHTTPRequestHandler):
    """A server with one fault."""

    def __init__(self, fault: str, *arguments: object) -> None:
        self.fault = fault
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        if self.path.endswith("RELEASE.metalink"):
            self._metalink()
        elif self.fault in ("404", "503"):
            self.send_error(int(self.fault))
        else:
            self._send(PACKED, stalls=self.fault.endswith("stalls"))

    def _metalink(self) -> None:
        md5 = "0" * 32 if self.fault == "wrong MD5" else hashlib.md5(PACKED).hexdigest()
        text = (
            f'<metalink><version>2026_04</version><files><file name="a.gz"><size>{len(PACKED)}'
            f'</size><hash type="md5">{md5}</hash></file></files></metalink>'
        )
        self._send(text.encode(), stalls=False)

    def _send(self, body: bytes, *, stalls: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if stalls else body)
        self.wfile.flush()
        time.sleep(5 if stalls else 0)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving(fault: str) -> Iterator[str]:
    handler = functools.partial(_Handler, fault)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/a.gz"
        server.shutdown()


def show(case: str, root: Path, *options: str, limit: str = "") -> bool:
    """Run the program, print its message; return whether that or the data set is right."""
    command = [sys.executable, str(PROGRAM), "--root", str(root), *options, *SIZES]
    if limit:
        command = ["sh", "-c", f'ulimit -f {limit}; exec "$@"', "sh", *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    files = len(list(root.glob("processed/*/*.csv")))
    complete = (root / "processed/_SUCCESS").exists()
    message = done.stderr.strip() or "accepted"
    print(f"{case}: exit {done.returncode}, {files} files\n    {message}")
    if done.returncode == 0:
        return complete and files == FILES
    one = done.stderr.count("\n") == 1 and done.stderr.startswith("error: ")
    return one and not complete and not files


def main() -> int:
    good = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, (case, content) in enumerate(CONTENTS.items()):
            source = folder / f"input-{number}"
            source.write_bytes(content)
            good.append(show(case, folder / f"root-{number}", "--fasta", str(source)))
        for fault in FAULTS:
            with serving(fault) as url:
                good.append(show(fault, folder / fault, "--url", url, "--timeout", "1"))
        source = folder / "good.gz"
        source.write_bytes(PACKED)
        full, closed = folder / "full", folder / "closed"
        good.append(show("no space (ulimit -f 1)", full, "--fasta", str(source), limit="1"))
        closed.write_text("a file where the folder should be")
        good.append(show("a root that cannot be created", closed, "--fasta", str(source)))
    print(f"{len(good)} cases, {sum(good)} correct")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
