"""The training program's own sizes, formulas and limits, so that they exist only once.

Its modules `architecture`, `failures`, `memory`, `peaks`, `precision` and `strategy` need only the
standard library, and import each other by plain names, as in the pod.
"""

from __future__ import annotations

import sys

from bionemo_eks.jobs.places import PROGRAMS

_FOLDER = str(PROGRAMS / "esm2")
sys.path.insert(0, _FOLDER)
try:
    from architecture import SIZES, Architecture, architecture
    from failures import TrainingError
    from memory import GB, RESERVED, Estimate, estimate, too_much
    from peaks import PEAKS
    from precision import FP8, FP8_MULTIPLE, LEAST_FP8, uneven
    from strategy import strategy
finally:
    sys.path.remove(_FOLDER)

__all__ = [
    "FP8",
    "FP8_MULTIPLE",
    "GB",
    "LEAST_FP8",
    "PEAKS",
    "RESERVED",
    "SIZES",
    "Architecture",
    "Estimate",
    "TrainingError",
    "architecture",
    "estimate",
    "strategy",
    "too_much",
    "uneven",
]
