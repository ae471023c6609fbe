"""Time spans as text."""

from __future__ import annotations


def span(seconds: float) -> str:
    """A time span as text: 1 h 02 min, 3 min 05 s, 12 s."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
