"""As transformer_engine/common/recipe/__init__.py."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(repr=False)
class Recipe:
    """How values are scaled."""


@dataclass(repr=False)
class DelayedScaling(Recipe):
    """By the maxima of earlier steps: the only one here with state."""


@dataclass(repr=False)
class Float8CurrentScaling(Recipe):
    """By the tensor's own maximum."""


@dataclass(repr=False)
class MXFP8BlockScaling(Recipe):
    """By the maximum of each 32 values; here, too, by the tensor's."""
