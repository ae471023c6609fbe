"""The table of GPU instance types is renewed from what EC2 describes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from bionemo_eks.configuration.instance_types import GPU_INSTANCE_TYPES, GPU_TABLE, gpu_types
from ops import instance_types
from ops.aws import Aws
from tests.simulated.aws import Answer, SimulatedAws, denied

TODAY = date(2026, 12, 1)
P4D, B300 = GPU_INSTANCE_TYPES["p4d.24xlarge"], GPU_INSTANCE_TYPES["p6-b300.48xlarge"]


def described(
    name: str, gpu: str = "A100", cards: Sequence[int] = (15,) * 4, efas: int = 4, **more: Any
) -> dict[str, Any]:
    """An instance type as EC2 describes it: the figures of p4d.24xlarge unless given."""
    listed = [
        {"NetworkCardIndex": index, "MaximumNetworkInterfaces": most}
        for index, most in enumerate(cards)
    ]
    return {
        "InstanceType": name,
        "VCpuInfo": {"DefaultVCpus": 96},
        "MemoryInfo": {"SizeInMiB": 1152 * 1024},
        "GpuInfo": {"Gpus": [{"Name": gpu, "Count": 8, "MemoryInfo": {"SizeInMiB": 40960}}]},
        "InstanceStorageInfo": {"TotalSizeInGB": 8000},
        "NetworkInfo": {
            "Ipv4AddressesPerInterface": 50,
            # EC2 lists them in no fixed order.
            "NetworkCards": listed[::-1],
            **({"EfaInfo": {"MaximumEfaInterfaces": efas}} if efas else {}),
        },
        **more,
    }


class Renewal:
    """The program, in front of a made-up EC2, on a copy of the table."""

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path) -> None:
        self.path = folder / GPU_TABLE.name
        self.path.write_text(GPU_TABLE.read_text(encoding="utf-8"), encoding="utf-8")
        self.asked: list[list[str]] = []
        self._patch = patch

    def __call__(self, *types: dict[str, Any], answer: Answer | None = None) -> int:
        def describe(Filters: list[dict[str, Any]]) -> dict[str, Any]:
            (each,) = Filters
            assert each["Name"] == "instance-type"
            self.asked.append(each["Values"])
            return {"InstanceTypes": list(types)}

        def connection(region: str) -> Aws:
            return SimulatedAws({"ec2.describe_instance_types": answer or describe}, region)

        self._patch.setattr(instance_types, "connection", connection)
        self._patch.setattr(instance_types, "log_in", lambda aws: aws)
        self._patch.setattr(instance_types, "GPU_TABLE", self.path)
        return instance_types.main(["us-east-1", "us-west-2"])

    @property
    def types(self) -> dict[str, Any]:
        return dict(gpu_types(self.path))


@pytest.fixture
def renewal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Renewal:
    return Renewal(monkeypatch, tmp_path)


def test_a_type_that_ec2_describes_unchanged_stays_as_it_is(renewal: Renewal) -> None:
    assert renewal(described("p4d.24xlarge")) == 0
    assert renewal.types == GPU_INSTANCE_TYPES
    for wanted in renewal.asked:
        assert {"p4d.*", "g6e.*", "g4dn.12xlarge"} <= set(wanted)
    assert len(renewal.asked) == 2, "each region is asked"


def test_the_table_says_where_it_is_from_and_how_to_renew_it(renewal: Renewal) -> None:
    renewal(described("p4d.24xlarge"))
    text = renewal.path.read_text(encoding="utf-8")
    assert "python -m ops.instance_types" in text
    table = yaml.safe_load(text)
    assert table["source"] == "ec2:DescribeInstanceTypes in us-east-1, us-west-2"
    assert isinstance(table["date"], date)
    assert table["date"] > date(2026, 8, 21)


def test_changed_figures_and_new_types_are_added(renewal: Renewal) -> None:
    larger = described("p4d.24xlarge", InstanceStorageInfo={"TotalSizeInGB": 16000})
    assert renewal(larger, described("p4d.48xlarge", efas=0)) == 0
    assert renewal.types["p4d.24xlarge"].nvme_gb == 16000
    assert not any(card.efa for card in renewal.types["p4d.48xlarge"].network_cards)
    assert set(renewal.types) == {*GPU_INSTANCE_TYPES, "p4d.48xlarge"}


def test_a_type_that_is_no_longer_described_stays_and_is_reported(
    renewal: Renewal, capsys: pytest.CaptureFixture[str]
) -> None:
    every = [name for name in GPU_INSTANCE_TYPES if name not in ("p3.16xlarge", "p4de.24xlarge")]
    assert renewal(*(described(name) for name in every)) == 0
    assert renewal.types["p4de.24xlarge"] == GPU_INSTANCE_TYPES["p4de.24xlarge"]
    assert renewal.types["p3.16xlarge"].retired == date(2025, 12, 20)
    text = capsys.readouterr().out
    assert "p4de.24xlarge: not described in us-east-1, us-west-2" in text
    assert "p3.16xlarge" not in text, "it is known to be retired"


def test_the_card_without_efa_is_card_0(renewal: Renewal) -> None:
    cards = [card.interfaces for card in B300.network_cards]
    renewal(described("p6-b300.48xlarge", "B300", cards, efas=16))
    assert renewal.types["p6-b300.48xlarge"].network_cards == B300.network_cards


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (described("p5.48xlarge", "H900"), ["H900", "compute_capabilities"]),
        (described("p4d.24xlarge", efas=2), ["p4d.24xlarge", "2 EFAs on 4 network cards"]),
    ],
)
def test_what_is_unknown_is_refused_and_nothing_is_written(
    renewal: Renewal, odd: dict[str, Any], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert renewal(odd) == 2
    message = capsys.readouterr().err
    for part in words:
        assert part in message
    assert renewal.path.read_text(encoding="utf-8") == GPU_TABLE.read_text(encoding="utf-8")


def test_without_permission_it_says_so(
    renewal: Renewal, capsys: pytest.CaptureFixture[str]
) -> None:
    assert renewal(answer=denied("DescribeInstanceTypes")) == 2
    assert "not allowed to call DescribeInstanceTypes" in capsys.readouterr().err


def test_the_committed_table_is_as_the_program_writes_it() -> None:
    text = GPU_TABLE.read_text(encoding="utf-8")
    assert instance_types.text_of(yaml.safe_load(text)) == text
