"""docs/settings.md."""

from __future__ import annotations

from pathlib import Path

from bionemo_eks.configuration.page import settings_page
from bionemo_eks.jobs.workloads import WORKLOADS

ROOT = Path(__file__).resolve().parents[3]


def test_the_settings_page_is_what_the_code_says() -> None:
    assert (ROOT / "docs/settings.md").read_text() == settings_page(WORKLOADS), "run: make format"
