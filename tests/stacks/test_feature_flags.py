"""cdk.json decides every feature flag of CDK, so that synth does not mention them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def test_no_feature_flag_is_left_to_be_configured(default: Any) -> None:
    """The CLI counts those that are unset and would be recommended otherwise.

    After an upgrade of aws-cdk-lib, set new flags to false (`npx cdk flags --unstable=flags` lists
    it), unless it is wanted: docs/architecture.md.
    """
    manifest = json.loads((Path(default.assembly.directory) / "manifest.json").read_text())
    (report,) = [
        each for each in manifest["artifacts"].values() if each["type"] == "cdk:feature-flag-report"
    ]
    unset = [
        name
        for name, flag in report["properties"]["flags"].items()
        if flag.get("userValue") is None
        and flag.get("unconfiguredBehavesLike", {}).get("v2", False) != flag["recommendedValue"]
    ]
    assert unset == []
