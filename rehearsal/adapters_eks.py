"""EKS types that the emulator's CloudFormation lacks; its EKS service has them.

Two that it has behave as on AWS only with a little help: a node group keeps the autoscaler's
number and takes one kind of change at a time; a cluster has a security group, and goes up one minor
version at a time.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.services import ec2, eks

from rehearsal.handlers import Made, Properties, answered, first, handler


def _lower(properties: Properties, *names: str) -> dict[str, Any]:
    return {name[0].lower() + name[1:]: properties[name] for name in names if name in properties}


def _tags(properties: Properties) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in properties.get("Tags", [])}


def _addon_body(properties: Properties) -> dict[str, Any]:
    names = ("AddonName", "AddonVersion", "ConfigurationValues", "PodIdentityAssociations")
    return {**_lower(properties, *names), "tags": _tags(properties)}


def _make_addon(logical_id: str, properties: Properties, stack: str) -> Made:
    cluster, name = properties["ClusterName"], properties["AddonName"]
    # An add-on's configuration is JSON text; EKS refuses anything else.
    json.loads(properties.get("ConfigurationValues", "{}"))
    answered(eks._create_addon(cluster, _addon_body(properties)))
    return f"{cluster}|{name}", {"Arn": eks._addons[f"{cluster}/{name}"]["addonArn"]}


def _update_addon(
    physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str
) -> Made:
    if any(old[name] != new[name] for name in ("ClusterName", "AddonName")):
        return _make_addon(logical_id, new, stack)
    answered(eks._update_addon(new["ClusterName"], new["AddonName"], _addon_body(new)))
    return physical_id, {}


def _delete_addon(physical_id: str, properties: Properties) -> None:
    eks._delete_addon(properties["ClusterName"], properties["AddonName"])


def _make_entry(logical_id: str, properties: Properties, stack: str) -> Made:
    cluster, principal = properties["ClusterName"], properties["PrincipalArn"]
    body = {"principalArn": principal, "tags": _tags(properties)}
    answered(eks._create_access_entry(cluster, body))
    for policy in properties.get("AccessPolicies", []):
        scope = {"type": policy["AccessScope"]["Type"], "namespaces": []}
        asked = {"policyArn": policy["PolicyArn"], "accessScope": scope}
        answered(eks._associate_access_policy(cluster, principal, asked))
    return f"{principal}|{cluster}", {}


def _update_entry(
    physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str
) -> Made:
    if old["PrincipalArn"] == new["PrincipalArn"]:
        return physical_id, {}
    return _make_entry(logical_id, new, stack)


def _delete_entry(physical_id: str, properties: Properties) -> None:
    eks._delete_access_entry(properties["ClusterName"], properties["PrincipalArn"])


def _make_identity(logical_id: str, properties: Properties, stack: str) -> Made:
    cluster = properties["ClusterName"]
    body = _lower(properties, "Namespace", "ServiceAccount", "RoleArn")
    answer = json.loads(answered(eks._create_pod_identity_association(cluster, body)))
    association = answer["association"]
    return association["associationArn"], {"AssociationId": association["associationId"]}


def _update_identity(
    physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str
) -> Made:
    if {**old, "Tags": None} == {**new, "Tags": None}:
        return physical_id, {}
    _delete_identity(physical_id, old)
    return _make_identity(logical_id, new, stack)


def _delete_identity(physical_id: str, properties: Properties) -> None:
    association = physical_id.rpartition("/")[2]
    eks._delete_pod_identity_association(properties["ClusterName"], association)


# What EKS changes by UpdateNodegroupVersion, and by UpdateNodegroupConfig or TagResource.
_NEW_NODES = ("Version", "ReleaseVersion", "LaunchTemplate")
_SAME_NODES = ("ScalingConfig", "Labels", "Taints", "UpdateConfig", "Tags")


def one_kind_of_change_at_a_time(original: Callable[..., Made]) -> Callable[..., Made]:
    """Wrap the emulator's node group update: EKS refuses new nodes together with new settings.

    https://github.com/aws/aws-cdk/issues/16644
    """

    def update(
        physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> Made:
        def changed(names: tuple[str, ...]) -> list[str]:
            return [name for name in names if old.get(name) != new.get(name)]

        in_place = old.get("NodegroupName") == new.get("NodegroupName")
        if in_place and changed(_NEW_NODES) and changed(_SAME_NODES):
            raise ValueError(
                "Version and ReleaseVersion updates cannot be combined with other updates "
                f"({', '.join([*changed(_NEW_NODES), *changed(_SAME_NODES)])})"
            )
        return original(physical_id, old, new, stack, logical_id)

    return update


def with_a_security_group(original: Callable[..., Made]) -> Callable[..., Made]:
    """Wrap the emulator's cluster creation: EKS makes a security group in the cluster's VPC.

    https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html
    """

    def create(logical_id: str, properties: Properties, stack: str) -> Made:
        physical_id, attributes = original(logical_id, properties, stack)
        config = eks._clusters[physical_id]["resourcesVpcConfig"]
        config["vpcId"] = ec2._subnets[config["subnetIds"][0]]["VpcId"]
        group = {
            "GroupName": f"eks-cluster-sg-{physical_id}",
            "GroupDescription": "EKS created security group",
            "VpcId": config["vpcId"],
        }
        answer = answered(ec2._create_security_group(group))
        config["clusterSecurityGroupId"] = first(r"<groupId>([^<]+)", answer)
        return physical_id, {
            **attributes,
            "ClusterSecurityGroupId": config["clusterSecurityGroupId"],
        }

    return create


def without_its_security_group(original: Callable[..., None]) -> Callable[..., None]:
    """Wrap the emulator's cluster deletion: the group goes with the cluster."""

    def delete(physical_id: str, properties: Properties) -> None:
        config = eks._clusters.get(physical_id, {}).get("resourcesVpcConfig", {})
        original(physical_id, properties)
        ec2._security_groups.pop(config.get("clusterSecurityGroupId"), None)

    return delete


def keep_the_autoscalers_number(original: Callable[..., Made]) -> Callable[..., Made]:
    """Wrap the emulator's node group update: sizes are sent only when the template's change.

    https://github.com/eksctl-io/eksctl/issues/3532
    """

    def update(
        physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> Made:
        key = f"{new['ClusterName']}/{physical_id}"
        before = dict(eks._nodegroups.get(key, {}).get("scalingConfig", {}))
        made = original(physical_id, old, new, stack, logical_id)
        if made[0] == physical_id and old.get("ScalingConfig") == new.get("ScalingConfig"):
            eks._nodegroups[key]["scalingConfig"] = before
        return made

    return update


def one_minor_version_at_a_time(original: Callable[..., Made]) -> Callable[..., Made]:
    """Wrap the emulator's cluster update: EKS goes neither down nor up two versions at once.

    https://docs.aws.amazon.com/eks/latest/userguide/update-cluster.html
    """

    def update(
        physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> Made:
        minors = [int(each["Version"].partition(".")[2]) for each in (old, new)]
        if minors[1] - minors[0] not in (0, 1):
            raise ValueError(
                f"Unsupported Kubernetes minor version update from {old['Version']} "
                f"to {new['Version']}"
            )
        return original(physical_id, old, new, stack, logical_id)

    return update


HANDLERS = {
    "AWS::EKS::Addon": handler(_make_addon, _update_addon, _delete_addon),
    "AWS::EKS::AccessEntry": handler(_make_entry, _update_entry, _delete_entry),
    "AWS::EKS::PodIdentityAssociation": handler(_make_identity, _update_identity, _delete_identity),
}
