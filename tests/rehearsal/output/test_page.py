"""The page that a rehearsal writes names everything and is self-contained."""

from __future__ import annotations

from itertools import pairwise

import pytest

from rehearsal.output import architecture
from rehearsal.output.steps import Span
from tests.rehearsal.output.deployment import (
    BUCKET,
    CLUSTER,
    STACKS,
    deployment,
    page,
    pod,
    resource,
    resources,
)
from tests.rehearsal.output.parsed import Parsed


def test_it_names_everything_created_and_the_cost() -> None:
    text = Parsed(page(["gpu.nodes=2"])).text
    for name in (*STACKS, "data-0", "worker-0", "gpu-1", "programs", "coredns", "device-plugin"):
        assert name in text
    for each in resources():
        assert each["physical_id"] in text
    for shown in (
        "-c gpu.nodes=2",
        "Deploy: cdk deploy --all",
        "12.4",
        "nvidia.com/gpu=present:NoSchedule",
    ):
        assert shown in text
    for figure in ("2,134.28", "2,255.07", "4,798.58", "2 x 48.6 h", "A note."):
        assert figure in text


def test_without_an_estimate_it_says_why() -> None:
    text = Parsed(page(cost="g5.12xlarge: no rate is known")).text
    assert "g5.12xlarge: no rate is known" in text


def test_it_is_self_contained() -> None:
    parsed = Parsed(page())
    outside = [each for each in parsed.addresses if not each.startswith(("#", "data:"))]
    assert outside == []
    assert not {"script", "img", "iframe", "object", "base"} & {*parsed.elements}
    assert not [each for each in parsed.styles if "url(" in each or "@import" in each]


def test_its_links_lead_somewhere_and_ids_are_unique() -> None:
    parsed = Parsed(page())
    assert len(parsed.ids) == len({*parsed.ids})
    links = {each.removeprefix("#") for each in parsed.addresses if each.startswith("#")}
    assert len(links) == 7
    assert links | {*parsed.named} <= {*parsed.ids}


def test_values_are_escaped() -> None:
    bad = "<script>alert(1)</script>\"'&"
    spoiled = Parsed(
        page(
            [f"tags={bad}"],
            cost=f"no: {bad}",
            pods=[(pod(bad), bad)],
            resources=[*resources(), resource("workload", "Logs::LogGroup", bad)],
            addons=[{"addonName": bad, "addonVersion": bad}],
            stacks=[*deployment().stacks, Span(bad, 9.0, 1.0)],
        )
    )
    assert spoiled.elements.count("script") == 0
    assert spoiled.text.count(bad) >= 7


def test_stacks_that_took_no_time_have_a_timeline() -> None:
    assert "0.0" in Parsed(page(stacks=[Span(STACKS[0], 0.0, 0.0)])).text


def test_the_architecture_is_drawn_from_the_resources() -> None:
    drawing = architecture.draw(deployment())
    drawn = {box.title: " ".join(box.lines) for box in drawing.boxes}
    assert "VPC 10.1.0.0/21, 100.64.0.0/16" in drawn
    assert "PublicSubnet1: 10.1.2.0/26, NAT gateway" in drawn["us-west-2a"]
    assert "NodeSubnet2: 100.64.128.0/17" in drawn["us-west-2b"]
    assert f"Amazon EKS {CLUSTER}, Kubernetes 1.35" in drawn
    assert "3 to 9 x m5.xlarge 1 pods" in drawn["Node group core"]
    assert "0 to 2 x p4d.24xlarge 8 GPUs per node 1 pods" in drawn["Node group gpu"]
    assert drawn["S3 bucket"].replace(" ", "") == BUCKET
    assert drawing.link is not None
    assert drawing.link[-1] == "/processed"


def test_more_zones_and_functions_fit() -> None:
    more = [
        *resources(),
        *(resource("cluster", "Lambda::Function", f"function-{number}") for number in range(9)),
        resource("storage", "FSx::DataRepositoryAssociation", "dra-2", FileSystemPath="/esm2"),
    ]
    boxes = architecture.draw(deployment(resources=more)).boxes
    vpc = boxes[0]
    inside = [box for box in boxes[1:] if box.x < vpc.x + vpc.width]
    assert all(vpc.y < box.y and box.bottom < vpc.bottom for box in inside)
    assert all(box.x + box.width < vpc.x + vpc.width for box in inside)
    on_the_right = [box for box in boxes[1:] if box not in inside]
    assert [box.kind for box in on_the_right] == ["lambda", "cloudwatch", "s3"]
    assert all(above.bottom < below.y for above, below in pairwise(on_the_right))
    assert max(box.x + box.width for box in boxes) <= architecture.WIDTH


@pytest.mark.parametrize(
    "gone", ["FSx::FileSystem", "S3::Bucket", "FSx::DataRepositoryAssociation"]
)
def test_without_both_ends_there_is_no_link(gone: str) -> None:
    left = [each for each in resources() if each["type"] != f"AWS::{gone}"]
    assert architecture.draw(deployment(resources=left)).link is None
    assert gone.partition("::")[2] not in Parsed(page(resources=left)).text
