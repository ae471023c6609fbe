"""Deploy, change, destroy, deploy again: with the real CDK CLI, against the local AWS."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App

from bionemo_eks.versions import KUBERNETES_RELEASES
from rehearsal.cdk_cli import CdkError
from rehearsal.cluster_view import node_groups, placements

pytestmark = [pytest.mark.rehearsal, pytest.mark.xdist_group("rehearsal")]

# What holds data, or costs an hour to make anew: an update must not replace it.
LASTING = ("AWS::EKS::Cluster", "AWS::FSx::FileSystem", "AWS::S3::Bucket", "AWS::EC2::VPC")
BUCKET = "bionemo-on-eks-111122223333-us-west-2"


def keys(account: Any, kind: str) -> set[str]:
    return {key for key in account.ledger.objects if key.startswith(f"{kind}/")}


def steps_after(account: Any, count: int) -> list[tuple[str, str]]:
    return [(each["verb"], each["key"]) for each in account.ledger.steps[count:]]


def test_everything_stands_and_every_pod_has_a_node(standing: Any) -> None:
    placed = placements(standing.ledger, node_groups(standing.client, "bionemo-on-eks"))
    assert {pod["metadata"]["name"] for pod, node in placed if node is None} == set()
    workers = [node for pod, node in placed if "esm1nv-pretraining-worker" in str(pod["metadata"])]
    assert sorted(map(str, workers)) == ["gpu-1"] * 8 + ["gpu-2"] * 8
    assert standing.node_group("gpu")["scalingConfig"]["desiredSize"] == 0
    assert set(standing.ledger.charts) == {"nvidia-device-plugin", "cluster-autoscaler"}
    job = standing.ledger.objects["PyTorchJob/default/esm1nv-pretraining"]
    assert job["spec"]["runPolicy"]["suspend"] is True


def test_a_second_deployment_changes_nothing(standing: Any) -> None:
    before = len(standing.ledger.steps)
    lines = standing.deploy({})
    assert len([line for line in lines if "(no changes)" in line]) == 6
    assert len(standing.ledger.steps) == before
    assert any("Number of stacks with differences: 0" in line for line in standing.cdk.diff())


@pytest.mark.parametrize("change", [{"dataset.seed": "7"}, {"dataset.num_csv_files": "40"}])
def test_the_data_jobs_parameters_change(standing: Any, change: dict[str, str]) -> None:
    jobs, lasting = keys(standing, "Job"), standing.physical_ids(*LASTING)
    before = len(standing.ledger.steps)
    standing.deploy(change)
    (data_job,) = [key for key in keys(standing, "Job") - jobs if "uniref50" in key]
    (old_data_job,) = [key for key in jobs - keys(standing, "Job") if "uniref50" in key]
    steps = steps_after(standing, before)
    assert ("apply", data_job) in steps
    assert ("prune", old_data_job) in steps
    # No training may read what is being replaced: the suspension is applied again.
    assert ("apply", "PyTorchJob/default/esm1nv-pretraining") in steps
    # The launcher waits for the Job by name, so it follows; volume and operator stay as they are.
    assert {key.split("/")[0] for _, key in steps} <= {"Job", "Role", "PyTorchJob", "ConfigMap"}
    assert standing.physical_ids(*LASTING) == lasting
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
    # Launcher and watch alone are new; the training is changed where it is, and the data stays.
    assert removed == {key for key in jobs if "launcher" in key or "watch" in key}


def test_the_training_is_switched_off(standing: Any) -> None:
    before = len(standing.ledger.steps)
    standing.deploy({"training.enabled": "false"})
    steps = steps_after(standing, before)
    assert ("apply", "PyTorchJob/default/esm1nv-pretraining") in steps
    assert {key.rpartition("-")[0] for key in keys(standing, "Job")} == {
        "Job/default/uniref50-download"
    }


def test_the_number_of_gpu_nodes_changes(standing: Any) -> None:
    group = standing.node_group("gpu")["nodegroupName"]
    standing.deploy({"gpu.nodes": "3"})
    after = standing.node_group("gpu")
    assert after["nodegroupName"] == group
    assert after["scalingConfig"]["maxSize"] == 3
    job = standing.ledger.objects["PyTorchJob/default/esm1nv-pretraining"]
    assert job["spec"]["pytorchReplicaSpecs"]["Worker"]["replicas"] == 24
    policy = job["spec"]["elasticPolicy"]
    assert policy["minReplicas"] == policy["maxReplicas"] == 24


def test_the_gpu_instance_type_changes(standing: Any) -> None:
    before = standing.node_group("gpu")["nodegroupName"]
    standing.deploy({"gpu.instance_type": "g5.12xlarge"})
    assert standing.node_group("gpu")["instanceTypes"] == ["g5.12xlarge"]
    # Another group has another name, and messages about it go on.
    assert standing.node_group("gpu")["nodegroupName"] != before
    placed = placements(standing.ledger, node_groups(standing.client, "bionemo-on-eks"))
    assert all(node for _, node in placed)
    standing.deploy({})
    assert standing.node_group("gpu")["instanceTypes"] == ["p3.16xlarge"]


def test_a_new_deployment_keeps_the_autoscalers_number(standing: Any) -> None:
    eks = standing.client("eks")
    name = standing.node_group("gpu")["nodegroupName"]
    eks.update_nodegroup_config(
        clusterName="bionemo-on-eks",
        nodegroupName=name,
        scalingConfig={"minSize": 0, "maxSize": 2, "desiredSize": 2},
    )
    # The tag makes new launch templates, so that both groups are really updated.
    before = standing.node_group("gpu")["launchTemplate"]
    standing.deploy({"tags": '{"team": "proteins"}', "training.max_steps": "3000"})
    group = standing.node_group("gpu")
    assert group["launchTemplate"] != before
    assert group["scalingConfig"]["desiredSize"] == 2


def test_two_kinds_of_change_to_a_node_group_are_refused_as_by_eks(standing: Any) -> None:
    with pytest.raises(CdkError, match="cannot be combined with other updates"):
        standing.deploy({"gpu.disk_gib": "300", "gpu.nodes": "3"})
    standing.deploy({"gpu.disk_gib": "300"})
    standing.deploy({"gpu.disk_gib": "300", "gpu.nodes": "3"})
    assert standing.node_group("gpu")["scalingConfig"]["maxSize"] == 3
    # The way back is two steps as well; the next test's is the second.
    standing.deploy({"gpu.disk_gib": "300"})


def test_an_addons_version_changes(standing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    release = KUBERNETES_RELEASES["1.35"]
    monkeypatch.setitem(release.addons, "metrics-server", "v0.9.0-eksbuild.4")
    monkeypatch.setitem(release.addons, "vpc-cni", "v1.22.4-eksbuild.2")
    lasting = standing.physical_ids(*LASTING, "AWS::EKS::Addon", "AWS::EKS::Nodegroup")
    standing.deploy({})
    eks = standing.client("eks")
    for name in ("metrics-server", "vpc-cni"):
        addon = eks.describe_addon(clusterName="bionemo-on-eks", addonName=name)["addon"]
        assert addon["addonVersion"] == release.addons[name]
    assert standing.physical_ids(*LASTING, "AWS::EKS::Addon", "AWS::EKS::Nodegroup") == lasting
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
    (workload,) = standing.client("cloudformation").describe_stacks(
        StackName="bionemo-on-eks-workload"
    )["Stacks"]
    assert workload["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert standing.ledger.objects == objects
    standing.deploy({"training.max_steps": "4000"})


def test_destroy_leaves_the_bucket_and_the_next_deployment_takes_it(standing: Any) -> None:
    s3 = standing.client("s3")
    s3.put_object(Bucket=BUCKET, Key="esm1nv-train/last.ckpt", Body=b"weights")
    assert standing.destroy() == {"S3 buckets": {BUCKET}}

    standing.deploy({"kubernetes_version": "1.34"})
    assert s3.get_object(Bucket=BUCKET, Key="esm1nv-train/last.ckpt")["Body"].read() == b"weights"
    lasting = standing.physical_ids(*LASTING, "AWS::EKS::Nodegroup", "AWS::EKS::Addon")
    standing.deploy({"kubernetes_version": "1.35"})
    eks = standing.client("eks")
    assert eks.describe_cluster(name="bionemo-on-eks")["cluster"]["version"] == "1.35"
    assert {standing.node_group(kind)["version"] for kind in ("core", "gpu")} == {"1.35"}
    after = standing.physical_ids(*LASTING, "AWS::EKS::Nodegroup", "AWS::EKS::Addon")
    assert after == lasting

    with pytest.raises(CdkError, match=r"1\.35 to 1\.34"):
        standing.deploy({"kubernetes_version": "1.34"})
    standing.deploy({"storage.keep_bucket": "false"})
    assert standing.destroy() == {}
