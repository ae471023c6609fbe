"""Pods' output as plain text: a terminal would obey its control characters."""

from __future__ import annotations

import re

# Progress bars move the cursor and color their text: CSI and OSC sequences, other escapes, and
# control characters other than line ends. A tab becomes a space.
# https://invisible-island.net/xterm/ctlseqs/ctlseqs.html
_CONTROL = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|\x1b\][^\x07\x1b\r\n]*(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)


def plain_lines(text: str) -> list[str]:
    """Return the nonempty lines; progress bars end in CR, not LF."""
    plain = _CONTROL.sub("", text).replace("\t", " ")
    return [line.strip() for line in re.split(r"[\r\n]+", plain) if line.strip()]
