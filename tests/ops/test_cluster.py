"""status and verify against a cluster's API: what they read, and what they say of silence."""

from __future__ import annotations

import base64
import io
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from kubernetes import client as kubernetes
from rich.console import Console

from bench.simulated_accounts import Answers, denied, deployment, error
from bionemo_eks import naming
from bionemo_eks.settings_reader import read_settings
from ops import show
from ops.jobs import jobs, newest
from ops.kubernetes_api import ClusterError, connected, token
from ops.results import Verdict
from ops.status import Line, lines_of, status
from ops.verify import verify
from tests.ops.cluster_api import Cluster, job, node, pod, serving, workload

CORE = {"NodeGroupType": "core"}
GPU = {"eks-node": "gpu", "NodeGroupType": "gpu"}
TRAINING = {"training.kubeflow.org/job-name": "esm1nv-pretraining"}
JOBS = "/apis/batch/v1/namespaces/default/jobs"
PODS = "/api/v1/namespaces/default/pods"
PYTORCH = "/apis/kubeflow.org/v1/namespaces/default/pytorchjobs"
NODES = "/api/v1/nodes"


def training(suspend: bool, *conditions: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "esm1nv-pretraining"},
        "spec": {"runPolicy": {"suspend": suspend}},
        "status": {"conditions": [{"type": each, "status": "True"} for each in conditions]},
    }


def healthy() -> Cluster:
    """A cluster while it trains."""
    found = Cluster()
    found.lists = {
        NODES: [
            *(node(f"core-{n}", CORE) for n in range(3)),
            *(node(f"gpu-{n}", GPU, gpus=8) for n in range(2)),
        ],
        "/apis/apps/v1/namespaces/kubeflow/deployments": [
            workload("Deployment", "training-operator", 1, 1)
        ],
        "/apis/apps/v1/namespaces/kube-system/deployments": [
            workload("Deployment", "fsx-csi-controller", 2, 2)
        ],
        "/apis/apps/v1/namespaces/kube-system/daemonsets": [
            workload("DaemonSet", "fsx-csi-node", 5, 5)
        ],
        "/api/v1/namespaces/nvidia-device-plugin/pods": [
            pod(f"nvidia-device-plugin-{n}", {}, node=f"gpu-{n}") for n in range(2)
        ],
        "/api/v1/namespaces/default/persistentvolumeclaims": [
            {
                "metadata": {"name": "fsx-static-pvc"},
                "spec": {"volumeName": "fsx-static-pv"},
                "status": {"phase": "Bound"},
            }
        ],
        JOBS: [
            job("uniref50-download-1", "uniref50-download", conditions=[_true("Complete")]),
            job("esm1nv-launcher-1", "esm1nv-launcher", conditions=[_true("Complete")]),
        ],
        PYTORCH: [training(False, "Created", "Running")],
        PODS: [
            pod("uniref50-download-1-x", {"job-name": "uniref50-download-1"}, "Succeeded"),
            *(
                pod(
                    f"esm1nv-pretraining-worker-{n}",
                    {**TRAINING, "training.kubeflow.org/replica-index": str(n)},
                    restarts=int(n == 3),
                )
                for n in range(16)
            ),
        ],
    }
    found.logs = {
        "uniref50-download-1-x": "read: done\nwrite: 150 files in 9.0 s\n",
        "esm1nv-pretraining-worker-0": "INFO x\nEpoch 0: 1%| 10/1000\rEpoch 0: 2%| 20/1000\nbye\n",
    }
    return found


def _true(kind: str, message: str = "") -> dict[str, Any]:
    return {"type": kind, "status": "True", "message": message}


@pytest.fixture
def cluster() -> Cluster:
    return healthy()


@pytest.fixture
def api(cluster: Cluster) -> Iterator[kubernetes.ApiClient]:
    with serving(cluster) as client:
        yield client


def found(api: kubernetes.ApiClient) -> dict[str, Any]:
    return {each.name: each for each in verify(api, read_settings({}))}


def test_a_healthy_cluster_passes_everything(api: kubernetes.ApiClient, cluster: Cluster) -> None:
    results = found(api)
    assert {each.verdict for each in results.values()} == {Verdict.PASS}, results
    assert results["GPUs"].said == "16 allocatable on 2 nodes"
    assert cluster.dry_runs == ["All", "All"], "nothing is really made"


@pytest.mark.parametrize(
    ("path", "items", "name", "said"),
    [
        (NODES, [node("core-1", CORE, ready=False)], "Nodes", "not Ready: core-1"),
        (NODES, [node("core-1", CORE)], "Nodes", "1 of them core; 3 are set"),
        (NODES, [node("gpu-1", GPU, gpus=7)], "GPUs", "7 allocatable, 8 paid for"),
        (NODES, [node("gpu-9", GPU, gpus=8)], "Device plugin", "missing on gpu-9"),
        ("/apis/apps/v1/namespaces/kubeflow/deployments", [], "Training operator", "not there"),
        (
            "/apis/apps/v1/namespaces/kube-system/deployments",
            [workload("Deployment", "fsx-csi-controller", 2, 0)],
            "FSx CSI controller",
            "0 of 2 pods available",
        ),
        (
            "/apis/apps/v1/namespaces/kube-system/daemonsets",
            [workload("DaemonSet", "fsx-csi-node", 5, 4)],
            "FSx CSI nodes",
            "4 of 5 ready",
        ),
        (
            "/api/v1/namespaces/default/persistentvolumeclaims",
            [{"metadata": {"name": "fsx-static-pvc"}, "status": {"phase": "Pending"}}],
            "Volume claim",
            "is Pending",
        ),
    ],
)
def test_what_is_wrong_fails_by_name(
    api: kubernetes.ApiClient,
    cluster: Cluster,
    path: str,
    items: list[dict[str, Any]],
    name: str,
    said: str,
) -> None:
    cluster.lists[path] = items
    result = found(api)[name]
    assert result.verdict is Verdict.FAIL
    assert said in result.said
    assert result.remedy


def test_no_gpu_node_is_no_fault_while_nothing_trains(
    api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    cluster.lists[NODES] = [node(f"core-{n}", CORE) for n in range(3)]
    results = found(api)
    assert results["Device plugin"].verdict is Verdict.PASS
    assert results["GPUs"].verdict is Verdict.WARN
    assert "would be started" in results["A GPU pod"].said


def test_jobs_with_their_newest_lines(api: kubernetes.ApiClient) -> None:
    told = jobs(api)
    assert (told.data, told.launcher, told.training) == ("complete", "complete", "running")
    assert told.data_line == "write: 150 files in 9.0 s"
    assert told.training_line == "Epoch 0: 2%| 20/1000"
    assert told.workers == {"Running": 16}
    assert told.restarts == 1


def test_a_failed_data_job_and_workers_that_cannot_pull(
    api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    cluster.lists[JOBS] = [
        job("uniref50-download-1", "uniref50-download", conditions=[_true("Failed", "exit code 2")])
    ]
    cluster.lists[PYTORCH] = [training(True)]
    cluster.lists[PODS] = [pod("w", TRAINING, "Pending", waiting="ImagePullBackOff")]
    lines = {line.name: line for line in lines_of(jobs(api))}
    assert lines["UniRef50 data"] == Line("Workload", "UniRef50 data", "failed: exit code 2", False)
    assert lines["ESM-1nv training"].state == "suspended: it waits for the data"
    assert lines["workers"] == Line("Workload", "workers", "1 ImagePullBackOff; 0 restarts", False)


def test_the_newest_job_counts(api: kubernetes.ApiClient, cluster: Cluster) -> None:
    old = job("uniref50-download-0", "uniref50-download", conditions=[_true("Failed", "old")])
    old["metadata"]["creationTimestamp"] = "2020-01-01T00:00:00Z"
    cluster.lists[JOBS] = [
        old,
        job("uniref50-download-1", "uniref50-download", active=1, failed=2),
    ]
    assert jobs(api).data == "running, 2 failed tries"


def test_progress_bars_end_in_carriage_returns() -> None:
    assert newest("a\rb\r\n\n") == "b"
    assert newest("\n\n") == ""


def test_the_token_is_a_signed_call_that_names_the_cluster() -> None:
    session = boto3.Session("AKIDEXAMPLE", "secret", region_name="eu-west-1")
    text = token(session, "eu-west-1", "bionemo-on-eks")
    assert text.startswith("k8s-aws-v1.")
    packed = text.removeprefix("k8s-aws-v1.")
    assert "=" not in packed
    url = urlsplit(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode())
    query = parse_qs(url.query)
    assert url.netloc == "sts.eu-west-1.amazonaws.com"
    assert query["Action"] == ["GetCallerIdentity"]
    assert query["X-Amz-Expires"] == ["60"]
    assert "x-k8s-aws-id" in query["X-Amz-SignedHeaders"][0].split(";")
    assert query["X-Amz-Signature"]


def described(endpoint: str) -> Answers:
    return {
        "eks.describe_cluster": {
            "cluster": {
                "name": "bionemo-on-eks",
                "status": "ACTIVE",
                "version": "1.35",
                "endpoint": endpoint,
                "certificateAuthority": {"data": ""},
            }
        },
        "cloudformation.describe_stacks": {"Stacks": []},
    }


def test_an_api_that_does_not_answer_is_one_line_within_three_seconds() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = f"https://127.0.0.1:{closed.getsockname()[1]}"
        began = time.monotonic()
        with (
            pytest.raises(ClusterError, match="does not answer") as told,
            connected(deployment({}, described(endpoint))),
        ):
            pass
    assert time.monotonic() - began < 3
    assert "\n" not in str(told.value)


def test_a_cluster_that_is_not_there_is_told() -> None:
    answers = {"eks.describe_cluster": error("DescribeCluster", "ResourceNotFoundException", 404)}
    with pytest.raises(ClusterError), connected(deployment({}, answers)):
        pass


def standing() -> Answers:
    """AWS' side of a deployment that stands."""
    tag = {"Key": naming.DEPLOYMENT_TAG, "Value": "bionemo-on-eks"}
    when = datetime(2026, 11, 24, tzinfo=UTC)
    return {
        **described("https://127.0.0.1:9"),
        "cloudformation.describe_stacks": {
            "Stacks": [
                {
                    "StackName": naming.stack_name(read_settings({}), stack),
                    "StackStatus": "CREATE_COMPLETE",
                    "CreationTime": when,
                }
                for stack in naming.STACKS
            ]
        },
        "eks.list_nodegroups": {"nodegroups": ["gpu"]},
        "eks.describe_nodegroup": {
            "nodegroup": {
                "status": "DEGRADED",
                "scalingConfig": {"desiredSize": 2, "maxSize": 2, "minSize": 0},
                "instanceTypes": ["p3.16xlarge"],
                "health": {"issues": [{"code": "AsgInstanceLaunchFailures", "message": "no p3"}]},
            }
        },
        "eks.list_addons": {"addons": ["coredns"]},
        "eks.describe_addon": {"addon": {"status": "ACTIVE", "addonVersion": "v1"}},
        "fsx.describe_file_systems": {
            "FileSystems": [
                {
                    "FileSystemId": "fs-0123456789abcdef0",
                    "Lifecycle": "AVAILABLE",
                    "StorageCapacity": 2400,
                    "Tags": [tag],
                },
                {"FileSystemId": "fs-0000000000000000f", "Lifecycle": "FAILED"},
            ]
        },
        "fsx.describe_data_repository_tasks": {
            "DataRepositoryTasks": [
                {
                    "TaskId": "task-0123456789abcdef0",
                    "Lifecycle": "EXECUTING",
                    "Type": "IMPORT_METADATA_FROM_REPOSITORY",
                    "CreationTime": when,
                }
            ]
        },
        "cloudwatch.get_metric_statistics": {
            "Datapoints": [{"Timestamp": when, "Sum": 2000 * 2.0**30}]
        },
        "s3.list_objects_v2": {
            "Contents": [
                {
                    "Key": "esm1nv-train/a/old.ckpt",
                    "LastModified": datetime(2026, 1, 1, tzinfo=UTC),
                },
                {"Key": "esm1nv-train/a/new.ckpt", "LastModified": when},
                {"Key": "esm1nv-train/a/log.txt", "LastModified": datetime.now(UTC)},
            ]
        },
    }


def test_status_tells_of_everything_that_stands() -> None:
    lines = status(deployment({}, standing()))
    by_part: dict[str, list[Line]] = {}
    for line in lines:
        by_part.setdefault(line.part, []).append(line)
    assert [line.good for line in by_part["Stacks"]] == [True] * 6
    (group,) = by_part["Node groups"]
    assert group.state == "DEGRADED, 2 of at most 2 p3.16xlarge, 16 GPUs; no p3"
    assert group.good is False
    (system,) = by_part["Storage"]
    assert system.state == "AVAILABLE, 2,400 GiB, 2,000 GiB free"
    (task,) = by_part["Data tasks"]
    assert task.state == "IMPORT_METADATA_FROM_REPOSITORY: EXECUTING"
    (checkpoint,) = by_part["Checkpoints"]
    assert checkpoint.name == "esm1nv-train/a/new.ckpt"
    assert checkpoint.state.startswith("2 in the bucket, newest of 2026-11-24")
    (silent,) = by_part["Workload"]
    assert silent.state.startswith("could not tell: the Kubernetes API at https://127.0.0.1:9")


def test_one_missing_permission_leaves_the_rest_standing() -> None:
    answers = standing() | {"eks.list_addons": denied("ListAddons")}
    lines = status(deployment({}, answers))
    assert Line("Add-ons", "", "could not tell: not allowed to call ListAddons") in lines
    assert sum(line.good is True for line in lines) >= 8


@pytest.mark.parametrize("width", [80, 120])
def test_tables_fit_the_terminal(width: int, api: kubernetes.ApiClient) -> None:
    out = io.StringIO()
    console = Console(file=out, width=width)
    show.status(console, status(deployment({}, standing())))
    show.results(console, list(found(api).values()))
    assert max(len(line) for line in out.getvalue().splitlines()) <= width
