"""A pod's service account for the watch's tests."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def account(tmp_path: Path) -> Path:
    """A service account's folder, with a token only."""
    (tmp_path / "token").write_text("a-token\n")
    return tmp_path
