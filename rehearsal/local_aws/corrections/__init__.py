"""Corrects what the emulator does differently from AWS."""

from __future__ import annotations

from rehearsal.local_aws.corrections import (
    adoption,
    capacity_blocks,
    deletion,
    eks_updates,
    exports_in_use,
    launch_templates,
    metric_math,
    prompt_answers,
)

PARTS = (
    adoption,
    capacity_blocks,
    deletion,
    eks_updates,
    exports_in_use,
    launch_templates,
    metric_math,
    prompt_answers,
)
