"""What pods print, as text alone: it goes to a terminal, which would obey it."""

from __future__ import annotations

import re

# Progress bars move the cursor and colour what they write: CSI and OSC sequences, other escapes,
# and control characters but for those that end a line. A tab becomes a space.
# https://invisible-island.net/xterm/ctlseqs/ctlseqs.html
_CONTROL = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|\x1b\][^\x07\x1b\r\n]*(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)


def plain_lines(text: str) -> list[str]:
    """Return the lines that say something; progress bars end in CR, not LF."""
    plain = _CONTROL.sub("", text).replace("\t", " ")
    return [line.strip() for line in re.split(r"[\r\n]+", plain) if line.strip()]
