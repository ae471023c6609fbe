"""Updates the table of GPU instance types from AWS: `python -m ops.instance_types [REGION ...]`.

The table is constructs/bionemo_eks/configuration/instance_types.yaml. What EC2 does not report,
such as compute capabilities and retirement dates, is kept from the existing table.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from bionemo_eks.configuration.instance_types import GPU_TABLE
from ops.aws import Aws, AwsError, connection, log_in
from ops.reasons import failure_reason

# Together they have every type that AWS offers.
_REGIONS = ("us-east-1", "us-east-2", "us-west-2")
_HEADER = """\
# EC2 instance types with NVIDIA GPUs that the GPU nodes may have. Written by
# `python -m ops.instance_types`, which asks ec2:DescribeInstanceTypes. Edit by hand only what is
# above `types`, and `retired`, the day by which AWS's customers had to leave a type.
# compute_capabilities: https://developer.nvidia.com/cuda-gpus
# families: every type of these is included.
# gpu_memory_mib: of one GPU. nvme_gb: all disks of the instance together. network_cards: by index,
# identical ones grouped, with the interfaces that each supports and whether one may be an EFA.
"""


class TableError(RuntimeError):
    """The table cannot be written; the message says why."""


def renewed(
    table: Mapping[str, Any], described: Iterable[Mapping[str, Any]], source: str, today: date
) -> dict[str, Any]:
    """Return `table` updated with what EC2 has `described`; types it no longer describes stay.

    Raises TableError for a GPU whose compute capability is not in the table, and if it is unclear
    which network cards have EFA.
    """
    rows = {each["InstanceType"]: _row(each) for each in described}
    unknown = {row["gpu"] for row in rows.values()} - set(table["compute_capabilities"])
    if unknown:
        raise TableError(
            f"No compute capability is known for {', '.join(sorted(unknown))}: add it to "
            f"compute_capabilities in {GPU_TABLE.name}; https://developer.nvidia.com/cuda-gpus"
        )
    kept = {name: row for name, row in table["types"].items() if name not in rows}
    families = list(table["families"])
    types = sorted((kept | rows).items(), key=lambda item: _order(families, item))
    return {**table, "source": source, "date": today, "types": dict(types)}


def _order(families: Sequence[str], item: tuple[str, Mapping[str, Any]]) -> tuple[int, str, int]:
    name, row = item
    family = name.partition(".")[0]
    # Types of no listed family are listed one by one: old ones, which come first.
    return families.index(family) if family in families else -1, family, row["vcpus"]


def _row(described: Mapping[str, Any]) -> dict[str, Any]:
    (gpu,) = described["GpuInfo"]["Gpus"]
    network = described["NetworkInfo"]
    return {
        "vcpus": described["VCpuInfo"]["DefaultVCpus"],
        "memory_gib": described["MemoryInfo"]["SizeInMiB"] // 1024,
        "gpus": gpu["Count"],
        "gpu": gpu["Name"],
        "gpu_memory_mib": gpu["MemoryInfo"]["SizeInMiB"],
        "nvme_gb": described.get("InstanceStorageInfo", {}).get("TotalSizeInGB", 0),
        "addresses_per_interface": network["Ipv4AddressesPerInterface"],
        "network_cards": _network_cards(described["InstanceType"], network),
    }


def _network_cards(name: str, network: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the cards, identical ones grouped.

    EC2 reports the number of EFAs, not their cards. It is all of them, or all but card 0:
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-acc-inst-types.html
    """
    cards = sorted(network["NetworkCards"], key=lambda each: each["NetworkCardIndex"])
    efas = network.get("EfaInfo", {}).get("MaximumEfaInterfaces", 0)
    if efas not in (0, len(cards) - 1, len(cards)):
        raise TableError(f"{name} has {efas} EFAs on {len(cards)} network cards: which are they?")
    each_card = [
        (card["MaximumNetworkInterfaces"], index >= len(cards) - efas)
        for index, card in enumerate(cards)
    ]
    return [
        {"interfaces": interfaces, "efa": efa, "count": len(list(alike))}
        for (interfaces, efa), alike in groupby(each_card)
    ]


def text_of(table: Mapping[str, Any]) -> str:
    """Return the table as YAML, one type per line."""
    above = {key: value for key, value in table.items() if key != "types"}
    lines = [f"  {name}: {_one_line(row)}" for name, row in table["types"].items()]
    parts = [_HEADER.rstrip("\n"), _block(above), "types:", *lines]
    return "\n".join(parts) + "\n"


def _block(value: Mapping[str, Any]) -> str:
    text: str = yaml.safe_dump(value, sort_keys=False, width=100)
    return text.rstrip("\n")


def _one_line(value: Mapping[str, Any]) -> str:
    text: str = yaml.safe_dump(value, sort_keys=False, default_flow_style=True, width=1e9)
    return text.strip()


def described_in(aws: Aws, table: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return EC2's description, in a region, of the types and families in `table`."""
    families = table["families"]
    single = [name for name in table["types"] if name.partition(".")[0] not in families]
    names = [*(f"{family}.*" for family in families), *single]
    filters = [{"Name": "instance-type", "Values": names}]
    return aws.pages("ec2", "describe_instance_types", "InstanceTypes", Filters=filters)


def renew(path: Path, regions: Sequence[str], today: date) -> list[str]:
    """Rewrite the table at `path`; return the types that no region describes anymore.

    Raises AwsError without credentials, TableError for what it cannot write.
    """
    table = yaml.safe_load(path.read_text(encoding="utf-8"))
    described = {
        each["InstanceType"]: each
        for region in regions
        for each in described_in(log_in(connection(region)), table)
    }
    source = f"ec2:DescribeInstanceTypes in {', '.join(regions)}"
    text = text_of(renewed(table, described.values(), source, today))
    path.write_text(text, encoding="utf-8")
    return [
        name
        for name, row in table["types"].items()
        if name not in described and "retired" not in row
    ]


def main(regions: Sequence[str]) -> int:
    """Update the project's table; return the exit status."""
    regions = regions or _REGIONS
    try:
        gone = renew(GPU_TABLE, regions, datetime.now(UTC).date())
    except (AwsError, TableError) as error:
        print(error, file=sys.stderr)
        return 2
    except Exception as error:  # whatever AWS answers; nothing has been written
        print(f"EC2's types cannot be read: {failure_reason(error)}", file=sys.stderr)
        return 2
    for name in gone:
        print(
            f"{name}: not described in {', '.join(regions)}. If AWS has retired it, add the date."
        )
    print(f"{GPU_TABLE.name}: written. See git diff.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
