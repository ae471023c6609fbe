"""The project's build backend (PEP 517): that of setuptools, for editable installs only.

Manifests, workloads and cdk.json are read from the checkout, so a wheel would not work.
"""

from __future__ import annotations

from typing import Any, NoReturn

from setuptools.build_meta import (
    build_editable,
    get_requires_for_build_editable,
    prepare_metadata_for_build_editable,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "prepare_metadata_for_build_editable",
]

_REFUSED = (
    "BioNeMo on EKS runs from its checkout and makes no wheel or source archive: "
    "run make setup, or pip install -r requirements.txt, in the checkout."
)


def build_wheel(*_: Any, **__: Any) -> NoReturn:
    """Refuse with one sentence."""
    raise SystemExit(_REFUSED)


build_sdist = build_wheel
