"""The architecture as nested boxes, drawn from the resources that were created."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rehearsal.output.deployment import Deployment
from rehearsal.pods.view import NodeGroupView

# In the picture's units; _LETTER is the width of the widest letter, _LINE the height of a line.
WIDTH = 960
_LETTER, _LINE, _TITLE, _PAD, _GAP = 7, 17, 24, 12, 16
_INSIDE = 620  # the VPC's width; everything else is to its right
_HASH = re.compile(r"[0-9A-F]{8}$")


@dataclass(frozen=True)
class Box:
    """A box with its title and lines of text; `kind` is its CSS class."""

    kind: str
    x: int
    y: int
    width: int
    height: int
    title: str
    lines: tuple[str, ...] = ()

    @property
    def texts(self) -> list[tuple[int, str]]:
        """Each line with the y of its baseline."""
        first = self.y + _TITLE + _LINE
        return [(first + number * _LINE, line) for number, line in enumerate(self.lines)]

    @property
    def bottom(self) -> int:
        """The y of its lower edge."""
        return self.y + self.height


@dataclass(frozen=True)
class Drawing:
    """The boxes, outer ones first, and a link between two as (x1, x2, y, text)."""

    boxes: list[Box]
    link: tuple[int, int, int, str] | None

    @property
    def height(self) -> int:
        """Down to the lowest box."""
        return max(box.bottom for box in self.boxes) + 1


def draw(deployment: Deployment) -> Drawing:
    """Lay out the VPC with cluster and file system, and everything else to its right."""
    made = _Made(deployment.resources)
    inner = _row(_zones(made), _PAD + 1, 1 + _TITLE + _PAD, _INSIDE - 2 * _PAD)
    inner += _cluster(deployment, made, _below(inner))
    systems = _row(_file_systems(made), _PAD + 1, _below(inner), _INSIDE - 2 * _PAD)
    vpc = Box("vpc", 1, 1, _INSIDE, _below(inner + systems) - 1, _vpc(made))
    left = _INSIDE + 3 * _GAP
    services = _column(_services(made), left, 1, WIDTH - left - 1)
    buckets = _column(
        [("s3", "S3 bucket", (each["physical_id"],)) for each in made.of("S3::Bucket")],
        left,
        # Next to the file system, to which it is linked.
        max(_below(services), systems[0].y if systems else 0),
        WIDTH - left - 1,
    )
    return Drawing([vpc, *inner, *systems, *services, *buckets], _link(systems, buckets, made))


class _Made:
    """What was created, by type."""

    def __init__(self, resources: Sequence[dict[str, Any]]) -> None:
        self._resources = resources

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the resources of the type `AWS::{kind}`."""
        return [each for each in self._resources if each["type"] == f"AWS::{kind}"]

    def values(self, kind: str, name: str) -> list[Any]:
        """Return one property of all resources of a type."""
        return [each["properties"][name] for each in self.of(kind)]


_Content = tuple[str, str, tuple[str, ...]]


def _vpc(made: _Made) -> str:
    blocks = made.values("EC2::VPC", "CidrBlock") + made.values("EC2::VPCCidrBlock", "CidrBlock")
    return f"VPC {', '.join(blocks)}"


def _zones(made: _Made) -> list[_Content]:
    """Return each zone with its subnets and their NAT gateways."""
    gateways = made.values("EC2::NatGateway", "SubnetId")
    zones: dict[str, list[str]] = {}
    for each in sorted(made.of("EC2::Subnet"), key=_name):
        nat = ", NAT gateway" if each["physical_id"] in gateways else ""
        text = f"{_name(each)}: {each['properties']['CidrBlock']}{nat}"
        zones.setdefault(each["properties"]["AvailabilityZone"], []).append(text)
    return [("zone", zone, tuple(subnets)) for zone, subnets in sorted(zones.items())]


def _name(resource: dict[str, Any]) -> str:
    """Return the last part of CDK's Name tag, else the id."""
    tags = {each["Key"]: each["Value"] for each in resource["properties"].get("Tags", ())}
    return str(tags.get("Name", resource["physical_id"])).rpartition("/")[2]


def _cluster(deployment: Deployment, made: _Made, top: int) -> list[Box]:
    width = _INSIDE - 2 * _PAD
    groups = [_group(each, deployment) for each in deployment.groups]
    x, y = 1 + 2 * _PAD, top + _TITLE + _PAD
    boxes = _row(groups, x, y, width - 2 * _PAD)
    (cluster,) = made.of("EKS::Cluster")
    version = cluster["properties"]["Version"]
    title = f"Amazon EKS {cluster['physical_id']}, Kubernetes {version}"
    return [Box("eks", 1 + _PAD, top, width, _below(boxes) - _GAP + _PAD - top, title), *boxes]


def _group(group: NodeGroupView, deployment: Deployment) -> _Content:
    nodes = f"{group.now}" if group.now == group.most else f"{group.now} to {group.most}"
    pods = [node for _, node in deployment.pods if (node or "").startswith(f"{group.name}-")]
    lines = [f"{nodes} x {', '.join(group.instance_types)}"]
    if group.gpus:
        lines.append(f"{group.gpus} GPUs per node")
    lines.append(f"{len(pods)} pods of the deployment")
    return (f"nodes {group.name}", f"Node group {group.name}", tuple(lines))


def _file_systems(made: _Made) -> list[_Content]:
    found: list[_Content] = []
    for each in made.of("FSx::FileSystem"):
        has = each["properties"]
        throughput = has["LustreConfiguration"]["PerUnitStorageThroughput"]
        size = f"{has['StorageCapacity']:,} GiB, {throughput} MB/s per TiB"
        found.append(("fsx", "FSx for Lustre, /fsx", (each["physical_id"], size)))
    return found


def _services(made: _Made) -> list[_Content]:
    functions = [_HASH.sub("", each["logical_id"]) for each in made.of("Lambda::Function")]
    contents: list[_Content] = []
    if functions:
        contents.append(("lambda", "Lambda functions", tuple(functions)))
    if made.of("SNS::Topic"):
        contents.append(("sns", "SNS topic", ("training finished, problems",)))
    counts = {
        "alarms": len(made.of("CloudWatch::Alarm")),
        "dashboards": len(made.of("CloudWatch::Dashboard")),
        "log groups": len(made.of("Logs::LogGroup")),
    }
    counted = tuple(f"{what}: {count}" for what, count in counts.items() if count)
    return [*contents, ("cloudwatch", "CloudWatch", counted)]


def _link(systems: list[Box], buckets: list[Box], made: _Made) -> tuple[int, int, int, str] | None:
    """Return the line from file system to bucket, labeled with the linked paths."""
    linked = made.values("FSx::DataRepositoryAssociation", "FileSystemPath")
    if not systems or not buckets or not linked:
        return None
    y = buckets[0].y + buckets[0].height // 2
    system = systems[-1]
    return system.x + system.width, buckets[0].x, y, ", ".join(linked)


def _below(boxes: Iterable[Box]) -> int:
    return max((box.bottom for box in boxes), default=0) + _GAP


def _row(contents: Sequence[_Content], x: int, y: int, width: int) -> list[Box]:
    """Return boxes side by side, as tall as the tallest."""
    if not contents:
        return []
    each = (width - _GAP * (len(contents) - 1)) // len(contents)
    texts = [_wrapped(lines, each) for _, _, lines in contents]
    height = max(_height(text) for text in texts)
    return [
        Box(kind, x + number * (each + _GAP), y, each, height, title, texts[number])
        for number, (kind, title, _) in enumerate(contents)
    ]


def _column(contents: Sequence[_Content], x: int, y: int, width: int) -> list[Box]:
    """Return boxes below each other."""
    boxes: list[Box] = []
    for kind, title, lines in contents:
        text = _wrapped(lines, width)
        boxes.append(Box(kind, x, y, width, _height(text), title, text))
        y = boxes[-1].bottom + _GAP
    return boxes


def _wrapped(lines: Iterable[str], width: int) -> tuple[str, ...]:
    letters = (width - 2 * _PAD) // _LETTER
    return tuple(part for line in lines for part in textwrap.wrap(line, letters))


def _height(lines: Sequence[str]) -> int:
    return _TITLE + _LINE * len(lines) + _PAD
