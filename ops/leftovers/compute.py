"""Instances, their disks, and their launch templates."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from bionemo_eks.configuration.tags import DEPLOYMENT_TAG
from ops.aws import Deployment
from ops.leftovers.model import Leftover, ours, stack_in, tags_of

_STATES = ["pending", "running", "stopping", "stopped"]
# Tags that the EBS CSI driver puts on a pod's volume:
# https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/tagging.md
_OF_A_POD = ("kubernetes.io/created-for/", "ebs.csi.aws.com/", "CSIVolumeName")


def instances_left(deployment: Deployment) -> Iterable[Leftover]:
    """Instances that are running or could run again."""
    states = [{"Name": "instance-state-name", "Values": _STATES}]
    for reservation in deployment.aws.pages(
        "ec2", "describe_instances", "Reservations", Filters=states
    ):
        for item in reservation["Instances"]:
            if ours(deployment, tags_of(item)):
                state = item["State"]["Name"]
                note = f"{item['InstanceType']}, {state}"
                yield Leftover("instances", item["InstanceId"], note, state=state, stack="Cluster")


def volumes(deployment: Deployment) -> Iterable[Leftover]:
    """Disks. Nodes' disks may be deleted; a pod's may hold the only copy of something."""
    ec2 = deployment.aws.client("ec2")
    for item in deployment.aws.pages("ec2", "describe_volumes", "Volumes"):
        tags = tags_of(item)
        if not ours(deployment, tags):
            continue
        own = tags.get(DEPLOYMENT_TAG) == deployment.settings.cluster_name
        of_a_node = own and not any(key.startswith(_OF_A_POD) for key in tags)
        safe = of_a_node and item["State"] == "available"
        note = f"{item['Size']} GiB, {item['State']}"
        if not of_a_node:
            note += "; may hold a pod's data"
        remove = partial(ec2.delete_volume, VolumeId=item["VolumeId"])
        yield Leftover(
            "volumes", item["VolumeId"], note, delete=remove if safe else None, stack="Cluster"
        )


def templates(deployment: Deployment) -> Iterable[Leftover]:
    """Launch templates of node groups."""
    ec2 = deployment.aws.client("ec2")
    for item in deployment.aws.pages("ec2", "describe_launch_templates", "LaunchTemplates"):
        if ours(deployment, tags_of(item)):
            name = item["LaunchTemplateId"]
            remove = partial(ec2.delete_launch_template, LaunchTemplateId=name)
            stack = stack_in(deployment, tags_of(item))
            yield Leftover(
                "launch templates", name, item["LaunchTemplateName"], delete=remove, stack=stack
            )
