"""ESM-2 in fp8: what synth passes on, and what it refuses."""

from __future__ import annotations

import pytest

from bionemo_eks.configuration.instance_types import GPU_INSTANCE_TYPES
from bionemo_eks.configuration.reader import SettingsError
from bionemo_eks.jobs.workloads.esm2 import arguments
from tests.context import read_settings

ESM2 = {"training.workload": "esm2"}
FP8 = {"training.precision": "fp8", "gpu.instance_type": "p5.48xlarge"}


def message(**changes: str) -> str:
    with pytest.raises(SettingsError) as refused:
        read_settings(ESM2 | changes)
    return str(refused.value)


def test_only_fp8_is_another_argument() -> None:
    """So that a training from before the setting keeps its pods."""
    plain, bf16, fp8 = (
        arguments(read_settings(ESM2 | {"gpu.instance_type": "p5.48xlarge"} | changes))
        for changes in ({}, {"training.precision": "bf16"}, FP8)
    )
    assert bf16 == plain
    assert fp8 == [*plain, "--precision", "fp8"]


@pytest.mark.parametrize("name", GPU_INSTANCE_TYPES)
def test_fp8_is_for_gpus_from_sm89_on(name: str) -> None:
    changes = FP8 | {"gpu.instance_type": name}
    if name.startswith(("p5", "p6", "g6", "g7")):
        read_settings(ESM2 | changes)
        return
    text = " ".join(message(**changes).split())
    assert name in text
    if not name.startswith(("p3", "g4dn")):  # those cannot train ESM-2 at all
        assert f"{name} cannot train in fp8" in text
        assert "8.9 or later: H100, H200, B200, B300, L4, L40S, RTX PRO Server 6000" in text
        assert 'training.precision is "fp8". Allowed: bf16, fp8' in text


@pytest.mark.parametrize(
    ("changes", "setting"),
    [
        ({"training.size": "2x40x4x64"}, "training.size"),
        ({"training.size": "2x32x4x72"}, "training.size"),
        ({"training.unit_tokens": "16400"}, "training.unit_tokens"),
    ],
)
def test_fp8_takes_multiples_of_32(changes: dict[str, str], setting: str) -> None:
    text = message(**FP8 | changes)
    assert "fp8 needs multiples of 32" in text
    assert f'{setting} is "{changes[setting]}"' in text
    read_settings(ESM2 | changes | {"gpu.instance_type": "p5.48xlarge"})
