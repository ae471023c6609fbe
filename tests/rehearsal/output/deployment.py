"""A small made-up deployment, and the page of its rehearsal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rehearsal.kubernetes.ledger import Ledger
from rehearsal.output.deployment import Deployment
from rehearsal.output.page import Cost, Rehearsed, render
from rehearsal.output.steps import Span
from rehearsal.pods.view import NodeGroupView
from tests.context import read_settings

CLUSTER = "bionemo-on-eks"
STACKS = [f"{CLUSTER}-{name}" for name in ("network", "storage", "cluster", "workload")]
BUCKET = f"{CLUSTER}-111122223333-us-west-2"
LONG = "kubectl-provider-with-a-name-of-sixty-three-letters-in-all-or-so"
TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
ITEMS = [{"name": "GPU nodes, training", "counted": "2 x 48.6 h", "dollars": 2134.28}]
WAY = {"name": "these settings", "hours": {"total": 50.1}, "items": ITEMS, "total": 2255.07}
COST: Cost = {
    "prices": "the project's table",
    "notes": ["A note."],
    "ways": [WAY, {**WAY, "name": "2024 blueprint", "total": 4798.58}],
}


def resource(stack: str, kind: str, name: str, **properties: Any) -> dict[str, Any]:
    return {
        "stack": f"{CLUSTER}-{stack}",
        "type": f"AWS::{kind}",
        "physical_id": name,
        "logical_id": f"{name.title().replace('-', '')}0A1B2C3D",
        "properties": properties,
    }


def subnet(name: str, zone: str, block: str) -> dict[str, Any]:
    tags = [{"Key": "Name", "Value": f"Network/Vpc/{name}"}]
    return resource(
        "network", "EC2::Subnet", f"subnet-{name}",
        AvailabilityZone=zone, CidrBlock=block, Tags=tags,
    )  # fmt: skip


def resources() -> list[dict[str, Any]]:
    lustre = {"StorageCapacity": 2400, "LustreConfiguration": {"PerUnitStorageThroughput": 500}}
    return [
        resource("network", "EC2::VPC", "vpc-1", CidrBlock="10.1.0.0/21"),
        resource("network", "EC2::VPCCidrBlock", "block-1", CidrBlock="100.64.0.0/16"),
        subnet("PublicSubnet1", "us-west-2a", "10.1.2.0/26"),
        subnet("NodeSubnet1", "us-west-2a", "100.64.0.0/17"),
        subnet("NodeSubnet2", "us-west-2b", "100.64.128.0/17"),
        resource("network", "EC2::NatGateway", "nat-1", SubnetId="subnet-PublicSubnet1"),
        resource("storage", "FSx::FileSystem", "fs-1", **lustre),
        resource("storage", "FSx::DataRepositoryAssociation", "dra-1", FileSystemPath="/processed"),
        resource("storage", "S3::Bucket", BUCKET),
        resource("cluster", "EKS::Cluster", CLUSTER, Version="1.35"),
        resource("cluster", "Lambda::Function", LONG),
        resource("workload", "Logs::LogGroup", "watch"),
    ]


def pod(name: str, gpus: int = 0) -> dict[str, Any]:
    asked = {"cpu": "2", "memory": "4Gi", **({"nvidia.com/gpu": str(gpus)} if gpus else {})}
    container = {"name": "main", "resources": {"requests": asked, "limits": asked}}
    return {"metadata": {"name": name}, "spec": {"containers": [container]}}


def deployment(**changes: Any) -> Deployment:
    ledger = Ledger("1.35")
    data = {"program.py": "import os\n"}
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "programs"}, "data": data}
    ledger.create([item])
    ledger.charts["device-plugin"] = {
        "release": "device-plugin", "version": "0.20.0", "namespace": "kube-system",
    }  # fmt: skip
    return Deployment(
        **{
            "resources": resources(),
            "stacks": [Span(name, 2.0 * at, 1.5) for at, name in enumerate(STACKS)],
            "groups": [
                NodeGroupView("core", ("m5.xlarge",), 3, 9, 0, {"NodeGroupType": "core"}, []),
                NodeGroupView("gpu", ("p4d.24xlarge",), 0, 2, 8, {"eks-node": "gpu"}, [TAINT]),
            ],
            "addons": [{"addonName": "coredns", "addonVersion": "v1.13.2-eksbuild.31"}],
            "ledger": ledger,
            "pods": [(pod("data-0"), "core-1"), (pod("worker-0", 1), "gpu-1")],
            **changes,
        }
    )


def page(context: list[str] | None = None, cost: Cost = COST, **changes: Any) -> str:
    """Return the page of a rehearsal with `context` and a deployment with `changes`."""
    steps = [Span("Deploy: cdk deploy --all", 0.0, 12.4), Span("Remove", 12.5, 4.1)]
    ended = datetime(2026, 11, 26, 10, 45, tzinfo=UTC)
    return render(
        Rehearsed(read_settings({}), context or [], deployment(**changes), cost, steps, ended)
    )
