"""Words that sound foreign in English must not come back; each has a better one."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.context import ROOT

# Patterns, and what to write instead. A space stands for any white space, also across lines of a
# comment.
BETTER = {
    r"\banew\b": "again; or a verb: recreate, rewrite, start over",
    r"\bmend(s|ed|ing)?\b": "fix, repair",
    r"(?<!')\bAWS'(?!s)": "AWS's",
    r"(?<!')\bEKS'(?!s)": "EKS's",
    r"(?<!')\bFSx'(?!s)": "FSx's",
    r"\bcould not tell\b": "unknown; or: could not determine",
    r"\bthe way of 2024\b": "the 2024 blueprint",
    r"\bthe blueprint of 2024\b": "the 2024 blueprint",
    r"\b(is|are) to be had\b": "is available",
    r"\bat the most\b": "at most",
    r"\bwhoever\b": "anyone who; or name the actor",
    r"\bnobody\b": "no one; or name the actor",
    r"\bgoes on\b": "continues",
    r"\bfor people\b": "readable; or nothing",
    r"\bsource document\b": "the 2024 blueprint",
    r"\b(behaviour|colour|spelt|learnt)": "American spelling",
    r"\w(itialis|ummaris|ecognis|rganis|ynthesis)(e|ed|es|ing)\b": "American spelling: -ize",
}
# Code in CloudFormation templates is not updated for its wording only.
_KINDS = ("*.md", "*.py", "*.yaml", "*.sh", "*.html", ":!constructs/bionemo_eks/functions")
_PATTERNS = {
    re.compile(pattern.replace(" ", r"[\s#]+"), re.IGNORECASE): better
    for pattern, better in BETTER.items()
}


def pages() -> list[Path]:
    """The texts that Git tracks, without this file."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", *_KINDS], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split("\0")
    found = [ROOT / name for name in listed if name]
    return [path for path in found if path.exists() and path != Path(__file__).resolve()]


def hits(text: str) -> Iterator[tuple[int, str, str]]:
    """Line, word and the better word of each hit."""
    for pattern, better in _PATTERNS.items():
        for match in pattern.finditer(text):
            yield text.count("\n", 0, match.start()) + 1, match.group(), better


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It is made anew.", "anew"),
        ("Mending", "Mending"),
        ("AWS' own", "AWS'"),
        ("# the way\n# of 2024", "the way\n# of 2024"),
        ("AWS's own, and {'AWS': 1}", ""),
        ("amended, a manew", ""),
    ],
)
def test_a_word_is_found(text: str, found: str) -> None:
    assert [word for _, word, _ in hits(text)] == ([found] if found else [])


def test_no_such_word_is_left() -> None:
    paths = pages()
    if not paths:
        pytest.skip("not a Git checkout")
    left = [
        f"{path.relative_to(ROOT)}:{line}: {' '.join(word.split())} -> {better}"
        for path in paths
        for line, word, better in sorted(hits(path.read_text(encoding="utf-8")))
    ]
    if left:
        pytest.fail("\n".join(["", *left]), pytrace=False)
