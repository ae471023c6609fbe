"""Writes docs/settings.md: `python -m bionemo_eks > docs/settings.md`."""

from __future__ import annotations

import sys

from bionemo_eks.configuration.page import settings_page
from bionemo_eks.jobs.workloads import WORKLOADS

sys.stdout.write(settings_page(WORKLOADS))
