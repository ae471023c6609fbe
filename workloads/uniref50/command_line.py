"""The program's command line: its options and their validation."""

from __future__ import annotations

import argparse
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cores
from layout import USUAL, Size, Wanted
from server import Patience

URL = "https://ftp.uniprot.org/pub/databases/uniprot/uniref/uniref50/uniref50.fasta.gz"
EXIT_DONE, EXIT_AGAIN, EXIT_WRONG, EXIT_TERMINATED = 0, 1, 2, 143
_EPILOG = f"""exit status: {EXIT_DONE} the data set is complete; {EXIT_AGAIN} failed, another run
resumes from there; {EXIT_WRONG} the parameters or the input are wrong, another run would fail the
same way; {EXIT_TERMINATED} stopped by SIGTERM. Proxies: http_proxy, https_proxy, no_proxy."""


def _number(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not allowed: give a whole number from {least} to {most}"
            )
        return value

    return number


def _size(text: str) -> Size:
    """The size of a split: records, or a share of them."""
    try:
        value = float(text)
    except ValueError:
        value = -1
    if 0 <= value <= 2**31 and value == int(value):
        return int(value)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not allowed: give a whole number from 0 to {2**31}, or a share above 0 "
            "and below 1"
        )
    return value


def _url(text: str) -> str:
    why = _wrong_with(text)
    if why:
        # An address with @ is not repeated: it may hold a password.
        shown = "this address" if "@" in text else repr(text)
        raise argparse.ArgumentTypeError(f"{shown} is not allowed: {why}")
    return text


def _wrong_with(url: str) -> str:
    """What is wrong with an address; empty if it is valid.

    The setting dataset.url has the same rules (constructs/bionemo_eks/configuration/addresses.py).
    """
    no_url = "give an http, https or file URL"
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:  # brackets without an address
        return no_url
    if "@" in parts.netloc:
        return "a user and password are not allowed in it: they would appear in the Job and its log"
    known = parts.hostname is not None and parts.scheme in {"http", "https"}
    if not (known or url.startswith("file:/")) or not url.isprintable() or " " in url:
        return no_url
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        return "a port is a number from 1 to 65535"
    if not parts.path.rpartition("/")[2]:
        return "it names no file"
    return ""


@dataclass(frozen=True)
class _Number:
    """An option that takes a whole number."""

    option: str
    least: int
    most: int
    default: int
    help: str
    metavar: str = "N"

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            self.option,
            type=_number(self.least, self.most),
            default=self.default,
            metavar=self.metavar,
            help=self.help,
        )


def _numbers() -> list[_Number]:
    wanted = Wanted()
    return [
        _Number(
            "--num-csv-files", 1, 10_000, wanted.num_csv_files, "files per split (%(default)s)"
        ),
        _Number("--seed", 0, 2**63 - 1, wanted.seed, "seed of the shuffle (%(default)s)"),
        _Number(
            "--workers",
            1,
            256,
            cores.available(),
            "worker processes (the CPU limit of this container or machine: %(default)s)",
        ),
        _Number("--connections", 1, 16, 4, "connections to the server (%(default)s)"),
        _Number(
            "--timeout",
            1,
            3600,
            round(Patience.stall),
            "reconnect after this long with almost no data (%(default)s)",
            "SECONDS",
        ),
        _Number(
            "--attempts",
            1,
            1000,
            Patience.attempts,
            "give up after N attempts in a row without data (%(default)s: about six hours)",
        ),
        _Number(
            "--global-batch-size",
            0,
            2**31,
            0,
            "sequences per training step: a data set that is too small for it is an error "
            "(0: no check)",
        ),
    ]


def parser(description: str) -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(description=description, epilog=_EPILOG)
    add = parser.add_argument
    add("--root", type=Path, required=True, metavar="DIR", help="folder for raw/ and processed/")
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--url",
        type=_url,
        default=URL,
        help="FASTA, plain or gzip; http, https or file (%(default)s)",
    )
    source.add_argument("--fasta", type=Path, metavar="FILE", help="the same, a local file")
    add(
        "--await",
        type=Path,
        action="append",
        default=[],
        dest="awaited",
        metavar="FILE",
        help="wait until another service has put it there; repeatable",
    )
    for name, usual in USUAL.items():
        add(
            f"--{name}-size",
            type=_size,
            metavar="N",
            help="records, or a share of them such as 0.01 "
            f"({usual.share:g} of them, at most {usual.most:,})".replace("%", "%%"),
        )
    for number in _numbers():
        number.add_to(parser)
    add("--keep-raw", action="store_true", help="keep the download in raw/")
    add("--replace", action="store_true", help="replace a data set with other parameters")
    return parser


def wanted_by(options: argparse.Namespace) -> Wanted:
    """Return how to split the records."""
    return Wanted(
        options.val_size,
        options.test_size,
        options.num_csv_files,
        options.seed,
        # The least that a training run can use: see `too_small`.
        max(options.num_csv_files, options.global_batch_size),
    )
