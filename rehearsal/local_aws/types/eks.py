"""EKS types that the emulator's CloudFormation lacks; its EKS service has them."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import eks

from rehearsal.local_aws.types import references
from rehearsal.local_aws.types.handlers import Made, Properties, answered, handler

# The add-ons that EKS has:
# https://docs.aws.amazon.com/eks/latest/userguide/workloads-add-ons-available-eks.html
# https://docs.aws.amazon.com/eks/latest/userguide/community-addons.html
_ADDONS = {
    "adot",
    "amazon-cloudwatch-observability",
    "amazon-sagemaker-hyperpod-taskgovernance",
    "aws-ebs-csi-driver",
    "aws-efs-csi-driver",
    "aws-fsx-csi-driver",
    "aws-guardduty-agent",
    "aws-mountpoint-s3-csi-driver",
    "aws-network-flow-monitoring-agent",
    "aws-privateca-connector-for-kubernetes",
    "aws-secrets-store-csi-driver-provider",
    "cert-manager",
    "coredns",
    "eks-node-monitoring-agent",
    "eks-pod-identity-agent",
    "external-dns",
    "fluent-bit",
    "kube-proxy",
    "kube-state-metrics",
    "metrics-server",
    "prometheus-node-exporter",
    "snapshot-controller",
    "vpc-cni",
}


def _lower(properties: Properties, *names: str) -> dict[str, Any]:
    return {name[0].lower() + name[1:]: properties[name] for name in names if name in properties}


def _tags(properties: Properties) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in properties.get("Tags", [])}


def _addon_body(properties: Properties) -> dict[str, Any]:
    names = ("AddonName", "AddonVersion", "ConfigurationValues", "PodIdentityAssociations")
    return {**_lower(properties, *names), "tags": _tags(properties)}


def _make_addon(logical_id: str, properties: Properties, stack: str) -> Made:
    cluster, name = properties["ClusterName"], properties["AddonName"]
    if name not in _ADDONS:
        raise ValueError(f"Addon {name} specified is not supported")
    for association in properties.get("PodIdentityAssociations", []):
        references.role(association["RoleArn"])
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
    references.principal(principal)
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
    references.role(properties["RoleArn"])
    body = _lower(properties, "Namespace", "ServiceAccount", "RoleArn")
    answer = json.loads(answered(eks._create_pod_identity_association(cluster, body)))
    association = answer["association"]
    return association["associationArn"], {"AssociationId": association["associationId"]}


def _update_identity(
    physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str
) -> Made:
    if any(old[name] != new[name] for name in ("ClusterName", "Namespace", "ServiceAccount")):
        return _make_identity(logical_id, new, stack)
    references.role(new["RoleArn"])
    association = physical_id.rpartition("/")[2]
    body = _lower(new, "RoleArn")
    answered(eks._update_pod_identity_association(new["ClusterName"], association, body))
    return physical_id, {}


def _delete_identity(physical_id: str, properties: Properties) -> None:
    association = physical_id.rpartition("/")[2]
    eks._delete_pod_identity_association(properties["ClusterName"], association)


HANDLERS = {
    "AWS::EKS::Addon": handler(_make_addon, _update_addon, _delete_addon),
    "AWS::EKS::AccessEntry": handler(_make_entry, _update_entry, _delete_entry),
    "AWS::EKS::PodIdentityAssociation": handler(_make_identity, _update_identity, _delete_identity),
}
