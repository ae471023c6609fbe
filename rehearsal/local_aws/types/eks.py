"""EKS types that the emulator's CloudFormation lacks; its EKS service has them."""

from __future__ import annotations

import json
from typing import Any

from rehearsal.local_aws.in_process import client
from rehearsal.local_aws.types import references
from rehearsal.local_aws.types.provisioner import Made, Properties, ResourceType, Wanted

# The add-ons available in EKS:
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


def _asked(properties: Properties, *names: str) -> dict[str, Any]:
    """Return some properties as EKS's calls spell them; each call has the cluster."""
    asked = {name: properties[name] for name in ("ClusterName", *names) if name in properties}
    lower: dict[str, Any] = _lower(asked)
    return lower


def _lower(value: Any) -> Any:
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: _lower(each) for name, each in value.items()}
    return [_lower(each) for each in value] if isinstance(value, list) else value


def _tags(properties: Properties) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in properties.get("Tags", [])}


_OF_AN_ADDON = ("AddonName", "AddonVersion", "ConfigurationValues", "PodIdentityAssociations")


def _make_addon(wanted: Wanted) -> Made:
    properties = wanted.properties
    cluster, name = properties["ClusterName"], properties["AddonName"]
    if name not in _ADDONS:
        raise ValueError(f"Addon {name} specified is not supported")
    for association in properties.get("PodIdentityAssociations", []):
        references.role(association["RoleArn"])
    # An add-on's configuration must be JSON text.
    json.loads(properties.get("ConfigurationValues", "{}"))
    asked = _asked(properties, *_OF_AN_ADDON)
    made = client("eks").create_addon(**asked, tags=_tags(properties))
    return f"{cluster}|{name}", {"Arn": made["addon"]["addonArn"]}


def _update_addon(physical_id: str, old: Properties, wanted: Wanted) -> Made:
    new = wanted.properties
    if any(old[name] != new[name] for name in ("ClusterName", "AddonName")):
        return _make_addon(wanted)
    client("eks").update_addon(**_asked(new, *_OF_AN_ADDON))
    return physical_id, {}


def _delete_addon(physical_id: str, properties: Properties) -> None:
    client("eks").delete_addon(**_asked(properties, "AddonName"))


def _make_entry(wanted: Wanted) -> Made:
    properties = wanted.properties
    references.principal(properties["PrincipalArn"])
    eks, entry = client("eks"), _asked(properties, "PrincipalArn")
    eks.create_access_entry(**entry, tags=_tags(properties))
    for policy in properties.get("AccessPolicies", []):
        scope = {"type": policy["AccessScope"]["Type"]}
        eks.associate_access_policy(**entry, policyArn=policy["PolicyArn"], accessScope=scope)
    return f"{properties['PrincipalArn']}|{properties['ClusterName']}", {}


def _update_entry(physical_id: str, old: Properties, wanted: Wanted) -> Made:
    if old["PrincipalArn"] == wanted.properties["PrincipalArn"]:
        return physical_id, {}
    return _make_entry(wanted)


def _delete_entry(physical_id: str, properties: Properties) -> None:
    client("eks").delete_access_entry(**_asked(properties, "PrincipalArn"))


def _make_identity(wanted: Wanted) -> Made:
    references.role(wanted.properties["RoleArn"])
    asked = _asked(wanted.properties, "Namespace", "ServiceAccount", "RoleArn")
    made = client("eks").create_pod_identity_association(**asked)["association"]
    return made["associationArn"], {"AssociationId": made["associationId"]}


def _update_identity(physical_id: str, old: Properties, wanted: Wanted) -> Made:
    new = wanted.properties
    if any(old[name] != new[name] for name in ("ClusterName", "Namespace", "ServiceAccount")):
        return _make_identity(wanted)
    references.role(new["RoleArn"])
    client("eks").update_pod_identity_association(
        **_asked(new, "RoleArn"), associationId=_association(physical_id)
    )
    return physical_id, {}


def _delete_identity(physical_id: str, properties: Properties) -> None:
    client("eks").delete_pod_identity_association(
        **_asked(properties), associationId=_association(physical_id)
    )


def _association(physical_id: str) -> str:
    return physical_id.rpartition("/")[2]


TYPES = {
    "AWS::EKS::Addon": ResourceType(_make_addon, _delete_addon, _update_addon),
    "AWS::EKS::AccessEntry": ResourceType(_make_entry, _delete_entry, _update_entry),
    "AWS::EKS::PodIdentityAssociation": ResourceType(
        _make_identity, _delete_identity, _update_identity
    ),
}
