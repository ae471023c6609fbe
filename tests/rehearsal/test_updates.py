"""Deploy, change, destroy, deploy again: with the real CDK CLI, against the local AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from aws_cdk import App

from bionemo_eks.configuration.versions import KUBERNETES_RELEASES
from bionemo_eks.jobs.dataset_job import dataset_objects
from rehearsal.pods.view import node_groups, placements
from rehearsal.programs.cdk_cli import CdkError

pytestmark = pytest.mark.rehearsal

BUCKET = "bionemo-on-eks-111122223333-us-west-2"


CHARTS = {"nvidia-device-plugin", "cluster-autoscaler"}


@pytest.fixture(autouse=True)
def charts_stay(account: Any) -> Iterator[None]:
    """No update removes a chart, not even to reinstall it: its pods would be removed, too."""
    yield
    if not account.client("eks").list_clusters()["clusters"]:
        return
    assert {verb for verb, _ in steps_after(account, 0)} & {"helm uninstall"} == set()
    assert set(account.ledger.charts) == CHARTS


def keys(account: Any, kind: str) -> set[str]:
    return {key for key in account.ledger.objects if key.startswith(f"{kind}/")}


def steps_after(account: Any, count: int) -> list[tuple[str, str]]:
    return [(each["verb"], each["key"]) for each in account.ledger.steps[count:]]


def test_everything_is_deployed_and_every_pod_has_a_node(standing: Any) -> None:
    placed = placements(standing.ledger, node_groups(standing.client, "bionemo-on-eks"))
    assert {pod["metadata"]["name"] for pod, node in placed if node is None} == set()
    workers = [node for pod, node in placed if "esm1nv-pretraining-worker" in str(pod["metadata"])]
    assert sorted(map(str, workers)) == ["gpu-1"] * 8 + ["gpu-2"] * 8
    assert standing.node_group("gpu")["scalingConfig"]["desiredSize"] == 0
    job = standing.ledger.objects["PyTorchJob/default/esm1nv-pretraining"]
    assert job["spec"]["runPolicy"]["suspend"] is True


def test_a_second_deployment_changes_nothing(standing: Any) -> None:
    before = len(standing.ledger.steps)
    lines = standing.deploy({})
    assert len([line for line in lines if "(no changes)" in line]) == 6
    assert len(standing.ledger.steps) == before
    assert any("Number of stacks with differences: 0" in line for line in standing.cdk.diff())


def test_the_data_jobs_parameters_change(standing: Any) -> None:
    jobs, lasting = keys(standing, "Job"), standing.lasting()
    before = len(standing.ledger.steps)
    standing.deploy({"dataset.seed": "7", "dataset.num_csv_files": "40"})
    (data_job,) = [key for key in keys(standing, "Job") - jobs if "uniref50" in key]
    (old_data_job,) = [key for key in jobs - keys(standing, "Job") if "uniref50" in key]
    steps = steps_after(standing, before)
    assert ("apply", data_job) in steps
    assert ("prune", old_data_job) in steps
    # No training may read data that is being replaced: it is suspended again.
    assert ("apply", "PyTorchJob/default/esm1nv-pretraining") in steps
    # Launcher and watch have the Job's name, so they change; volume and operator do not.
    assert {key for _, key in steps if key.startswith("Deployment/")} == {
        "Deployment/default/esm1nv-watch"
    }
    assert {key.split("/")[0] for _, key in steps} <= {
        "ConfigMap",
        "Deployment",
        "Job",
        "PyTorchJob",
        "Role",
    }
    assert standing.lasting() == lasting
    standing.deploy({})
    assert keys(standing, "Job") == jobs


def test_the_trainings_parameters_change(standing: Any) -> None:
    jobs, before = keys(standing, "Job"), len(standing.ledger.steps)
    standing.deploy({"training.max_steps": "2000", "training.micro_batch_size": "4"})
    job = standing.ledger.objects["PyTorchJob/default/esm1nv-pretraining"]
    arguments = job["spec"]["pytorchReplicaSpecs"]["Worker"]["template"]["spec"]["containers"][0][
        "args"
    ]
    assert {"trainer.max_steps=2000", "model.micro_batch_size=4"} <= set(arguments)
    steps = steps_after(standing, before)
    assert ("apply", "PyTorchJob/default/esm1nv-pretraining") in steps
    removed = {key for verb, key in steps if verb != "apply"}
    # The launcher is new, and so is the data Job, which checks the batch against the data;
    # training and watch are changed in place, and the data stays.
    assert removed == {key for key in jobs if "launcher" in key or "uniref50" in key}
    assert ("apply", "Deployment/default/esm1nv-watch") in steps


def test_the_training_is_switched_off(standing: Any) -> None:
    before = len(standing.ledger.steps)
    standing.deploy({"training.enabled": "false"})
    steps = steps_after(standing, before)
    assert ("apply", "PyTorchJob/default/esm1nv-pretraining") in steps
    assert {key.rpartition("-")[0] for key in keys(standing, "Job")} == {
        "Job/default/uniref50-download"
    }


@pytest.mark.parametrize("nodes", [3, 1])
def test_the_number_of_gpu_nodes_changes(standing: Any, nodes: int) -> None:
    group = standing.node_group("gpu")["nodegroupName"]
    standing.deploy({"gpu.nodes": str(nodes)})
    after = standing.node_group("gpu")
    assert after["nodegroupName"] == group
    assert after["scalingConfig"]["maxSize"] == nodes
    job = standing.ledger.objects["PyTorchJob/default/esm1nv-pretraining"]
    assert job["spec"]["pytorchReplicaSpecs"]["Worker"]["replicas"] == 8 * nodes
    policy = job["spec"]["elasticPolicy"]
    assert policy["minReplicas"] == policy["maxReplicas"] == 8 * nodes


def test_the_gpu_instance_type_changes(standing: Any) -> None:
    before = {kind: standing.node_group(kind)["nodegroupName"] for kind in ("core", "gpu")}
    lasting, charts = standing.lasting(), standing.ledger.charts
    standing.deploy({"gpu.instance_type": "g5.12xlarge"})
    group = standing.node_group("gpu")
    assert group["instanceTypes"] == ["g5.12xlarge"]
    # The new group has another name, and the old one is gone.
    names = standing.client("eks").list_nodegroups(clusterName="bionemo-on-eks")["nodegroups"]
    assert set(names) == {before["core"], group["nodegroupName"]}
    assert group["nodegroupName"] != before["gpu"]
    assert standing.lasting() == lasting
    assert standing.ledger.charts == charts
    placed = placements(standing.ledger, node_groups(standing.client, "bionemo-on-eks"))
    assert all(node for _, node in placed)


def test_the_gpu_zone_of_an_existing_file_system_does_not_change(standing: Any) -> None:
    """It would replace the file system, whose export is in use."""
    systems = standing.client("fsx").describe_file_systems()["FileSystems"]
    ledger = standing.ledger
    with pytest.raises(CdkError, match=r"Export bionemo-on-eks-storage:\S+ cannot be updated"):
        standing.deploy({"gpu.availability_zone": "us-west-2b"})
    assert standing.stack("storage")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert standing.client("fsx").describe_file_systems()["FileSystems"] == systems
    assert standing.ledger == ledger


def test_a_new_deployment_keeps_the_autoscalers_size(standing: Any) -> None:
    eks = standing.client("eks")
    name = standing.node_group("gpu")["nodegroupName"]
    eks.update_nodegroup_config(
        clusterName="bionemo-on-eks",
        nodegroupName=name,
        scalingConfig={"minSize": 0, "maxSize": 2, "desiredSize": 2},
    )
    # The tag creates new launch templates, so that both groups are really updated.
    before = standing.node_group("gpu")["launchTemplate"]
    standing.deploy({"tags": '{"team": "proteins"}', "training.max_steps": "3000"})
    group = standing.node_group("gpu")
    assert group["launchTemplate"] != before
    assert group["scalingConfig"]["desiredSize"] == 2


def test_two_kinds_of_change_to_a_node_group_are_refused_as_by_eks(standing: Any) -> None:
    with pytest.raises(CdkError, match="cannot be combined with other updates"):
        standing.deploy({"gpu.disk_gib": "300", "gpu.nodes": "3"})
    # Separately they work: this is the first; other tests change the number.
    standing.deploy({"gpu.disk_gib": "300"})


def test_an_addons_version_changes(standing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    release = KUBERNETES_RELEASES["1.35"]
    monkeypatch.setitem(release.addons, "metrics-server", "v0.9.0-eksbuild.4")
    monkeypatch.setitem(release.addons, "vpc-cni", "v1.22.4-eksbuild.2")
    lasting = standing.lasting("AWS::EKS::Addon", "AWS::EKS::Nodegroup")
    standing.deploy({})
    eks = standing.client("eks")
    for name in ("metrics-server", "vpc-cni"):
        addon = eks.describe_addon(clusterName="bionemo-on-eks", addonName=name)["addon"]
        assert addon["addonVersion"] == release.addons[name]
    assert standing.lasting("AWS::EKS::Addon", "AWS::EKS::Nodegroup") == lasting
    standing.deployed = None


def test_a_refused_object_fails_and_rolls_back(standing: Any) -> None:
    objects = standing.ledger.objects

    def misspell(app: App) -> None:
        cluster: Any = app.node.find_child("Workload").node.find_child("Cluster")
        cluster.add_manifest(
            "Broken",
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "broken", "namespace": "default"},
                "dat": {"a": "b"},
            },
        )

    with pytest.raises(CdkError, match="'dat' was unexpected"):
        standing.deploy({"training.max_steps": "4000"}, misspell)
    assert standing.stack("workload")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert standing.ledger.objects == objects
    standing.deploy({})


def test_destroy_leaves_the_bucket_and_the_next_deployment_adopts_it(standing: Any) -> None:
    s3 = standing.client("s3")
    s3.put_object(Bucket=BUCKET, Key="esm1nv-train/last.ckpt", Body=b"weights")
    assert standing.destroy() == {"S3 buckets": {BUCKET}}
    standing.deploy({})
    assert s3.get_object(Bucket=BUCKET, Key="esm1nv-train/last.ckpt")["Body"].read() == b"weights"


def test_unexported_files_stop_the_removal(standing: Any) -> None:
    (system,) = standing.client("fsx").describe_file_systems()["FileSystems"]

    def oldest_waits(seconds: float) -> None:
        standing.client("cloudwatch").put_metric_data(
            Namespace="AWS/FSx",
            MetricData=[
                {
                    "MetricName": "AgeOfOldestQueuedMessage",
                    "Dimensions": [
                        {"Name": "FileSystemId", "Value": system["FileSystemId"]},
                        {"Name": "Publisher", "Value": "AutoExport"},
                    ],
                    "Value": seconds,
                }
            ],
        )

    oldest_waits(312)
    with pytest.raises(CdkError, match="still wait for their export to S3, the oldest for 312 s"):
        standing.destroy()
    assert standing.client("fsx").describe_file_systems()["FileSystems"] == [system]
    associations = standing.client("fsx").describe_data_repository_associations()["Associations"]
    assert {each["FileSystemPath"] for each in associations} == {
        *("/processed", "/esm1nv-train", "/esm2-train")
    }
    oldest_waits(0)
    assert standing.destroy() == {"S3 buckets": {BUCKET}}


def test_a_deployment_that_failed_within_a_manifest_can_be_retried(
    account: Any,
) -> None:
    """What the first has created stays, and the second's provider finds it."""
    first, *_ = dataset_objects(account.settings)
    broken = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}, "dat": {}}

    def spoil(app: App) -> None:
        cluster: Any = app.node.find_child("Workload").node.find_child("Cluster")
        resource = cluster.node.find_child("manifest-Dataset").node.default_child
        resource.add_property_override("Manifest", json.dumps([first, broken]))

    if account.deployed is not None:
        account.destroy()
    with pytest.raises(CdkError, match="'dat' was unexpected"):
        account.deploy({}, spoil)
    left = f"{first['kind']}/default/{first['metadata']['name']}"
    assert left in account.ledger.objects
    account.deploy({})
    assert keys(account, "Job")


def test_an_incompletely_exported_data_set_stops_the_removal(standing: Any) -> None:
    s3 = standing.client("s3")
    manifest = {"files": [{"path": "train/x000.csv", "bytes": 4}]}
    s3.put_object(Bucket=BUCKET, Key="processed/_SUCCESS", Body=json.dumps(manifest).encode())
    with pytest.raises(CdkError, match=r"1 of the 1 files .* such as processed/train/x000.csv"):
        standing.destroy()
    assert len(standing.client("fsx").describe_file_systems()["FileSystems"]) == 1
    s3.put_object(Bucket=BUCKET, Key="processed/train/x000.csv", Body=b"rows")
    assert standing.destroy() == {"S3 buckets": {BUCKET}}


def test_a_bucket_that_need_not_be_kept_is_deleted_too(standing: Any) -> None:
    standing.deploy({"storage.keep_bucket": "false"})
    assert standing.destroy() == {}
