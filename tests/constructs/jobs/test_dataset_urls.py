"""URLs of a data set: what the setting accepts and what the program accepts."""

from __future__ import annotations

import json
import subprocess
import sys

from bionemo_eks.configuration.addresses import wrong_with_url
from bionemo_eks.jobs.dataset_job import PROGRAM_FOLDER

ADDRESSES = [
    "https://b.s3.us-west-2.amazonaws.com/u.fasta.gz?X-Amz-Signature=a%2Fb&X-Amz-Expires=900",
    "https://[::1]:8443/u.fasta.gz",
    "https://mirror.example.org/u.fasta.gz#part",
    "https://mirror.example.org/pub@2/u.fasta.gz",
    "s3://bucket/u.fasta.gz",
    "https://",
    "https:///u.fasta.gz",
    "https://[::1/u.fasta.gz",
    "https://mirror.example.org/a b.gz",
    "https://mirror.example.org/a\tb.gz",
    "https://mirror.example.org",
    "https://mirror.example.org/folder/",
    "https://mirror.example.org/?u.fasta.gz",
    "https://mirror.example.org:0/u.fasta.gz",
    "https://mirror.example.org:65536/u.fasta.gz",
    "https://mirror.example.org:port/u.fasta.gz",
    "https://me@mirror.example.org/u.fasta.gz",
    "ftp://me:secret@mirror.example.org/",
    "https://me:secret@[mirror/u.fasta.gz",
]


def test_program_and_setting_accept_the_same_urls_and_give_the_same_reasons() -> None:
    """Except for local files, which only the program accepts. All in one process."""
    code = """
import contextlib, io, json, sys
sys.path.insert(0, sys.argv.pop(1))
import command_line
for url in sys.argv[1:]:
    printed = io.StringIO()
    with contextlib.redirect_stderr(printed), contextlib.suppress(SystemExit):
        command_line.parser("").parse_args(["--root", "x", "--url", url])
    print(json.dumps(printed.getvalue()))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(PROGRAM_FOLDER), *ADDRESSES],
        capture_output=True,
        text=True,
        check=True,
    )
    for url, line in zip(ADDRESSES, done.stdout.splitlines(), strict=True):
        printed = json.loads(line).replace("http, https or file URL", "http or https URL")
        why = wrong_with_url(url)
        assert bool(printed) == bool(why), url
        assert printed.strip().endswith(why), url
        assert "secret" not in printed
