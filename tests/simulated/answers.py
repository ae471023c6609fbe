"""AWS's answers to the operations command; each also checks the request."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bionemo_eks.configuration.versions import KUBERNETES_RELEASES
from tests.simulated.aws import ACCOUNT, error

CALLER = f"arn:aws:sts::{ACCOUNT}:assumed-role/Engineer/me"
# IAM Identity Center's roles have a path, which their sessions' ARNs lack.
ROLE = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/Engineer"
OWN = {"Key": "bionemo-on-eks/deployment", "Value": "bionemo-on-eks"}
WHEN = datetime(2026, 1, 1, tzinfo=UTC)
ZONES = ("us-west-2a", "us-west-2b", "us-west-2c")

# The quotas of an account that can deploy, by (service, code).
QUOTAS = {
    ("ec2", "L-417A185B"): 192,
    ("ec2", "L-7212CCBC"): 192,
    ("ec2", "L-C4BD4855"): 1920,
    ("ec2", "L-DB2E81BA"): 192,
    ("ec2", "L-3819A6DF"): 192,
    ("ec2", "L-1216C47A"): 256,
    ("ec2", "L-2C8F52B3"): 1,
    ("ec2", "L-0263D0A3"): 5,
    ("vpc", "L-F678F1CE"): 5,
    ("fsx", "L-8F1B9C74"): 100_800,
    ("fsx", "L-FD6F2F22"): 100,
}


def quotas(**changes: float) -> Callable[..., dict[str, Any]]:
    """An account's quotas, with some codes (`L_417A185B=0`) changed."""

    def answer(ServiceCode: str, QuotaCode: str) -> dict[str, Any]:
        value = changes.get(QuotaCode.replace("-", "_"), QUOTAS[ServiceCode, QuotaCode])
        return {"Quota": {"QuotaCode": QuotaCode, "Value": float(value)}}

    return answer


def addon_versions(addonName: str, kubernetesVersion: str) -> dict[str, Any]:
    pinned = KUBERNETES_RELEASES[kubernetesVersion].addons[addonName]
    return {"addons": [{"addonName": addonName, "addonVersions": [{"addonVersion": pinned}]}]}


_ANY = {"type": "object"}
_OFF = {"type": "object", "properties": {"enabled": {"type": "boolean"}}}
# Configuration schemas of the add-ons that get a configuration, much shortened.
ADDON_SCHEMAS: dict[str, Any] = {
    # https://github.com/aws/eks-node-monitoring-agent/blob/v1.7.0/charts/configuration.schema.json
    "eks-node-monitoring-agent": {
        "properties": {
            "nodeAgent": {
                "properties": {"nodeSelector": _ANY, "monitors": _ANY},
                "additionalProperties": False,
            },
            "dcgmAgent": {
                "properties": {"tolerations": {"type": "array"}},
                "additionalProperties": False,
            },
        },
        "additionalProperties": False,
    },
    "coredns": {"properties": {"nodeSelector": _ANY}, "additionalProperties": False},
    "metrics-server": {"properties": {"nodeSelector": _ANY}, "additionalProperties": False},
    "amazon-cloudwatch-observability": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "properties": {
            "tolerations": {"type": "array"},
            "applicationSignals": _OFF,
            "dcgmExporter": _OFF,
            "manager": {
                "properties": {"nodeSelector": _ANY, "applicationSignals": _ANY},
                "additionalProperties": False,
            },
        },
        "additionalProperties": False,
    },
}


def addon_schema(addonName: str, addonVersion: str) -> dict[str, Any]:
    """EKS's answer with the configuration schema of one version of an add-on."""
    schema = json.dumps(ADDON_SCHEMAS[addonName])
    about = {"addonName": addonName, "addonVersion": addonVersion}
    return {**about, "configurationSchema": schema}


def role(RoleName: str) -> dict[str, Any]:
    assert RoleName == "Engineer"
    return {
        "Role": {
            "Path": "/aws-reserved/sso.amazonaws.com/",
            "RoleName": RoleName,
            "RoleId": "AROAEXAMPLEEXAMPLE",
            "Arn": ROLE,
            "CreateDate": WHEN,
        }
    }


def simulated(*refused: str) -> Callable[..., dict[str, Any]]:
    """IAM's simulation, which allows all except the actions and roles in `refused`.

    One result per action, each with one result per resource, as IAM answers.
    """

    def decision(action: str, resource: str) -> str:
        denied = action in refused or any(each in resource for each in refused)
        return "implicitDeny" if denied else "allowed"

    def answer(
        PolicySourceArn: str, ActionNames: list[str], ResourceArns: list[str], **more: Any
    ) -> dict[str, Any]:
        assert PolicySourceArn == ROLE or ":role/cdk-" in PolicySourceArn, PolicySourceArn
        results = []
        for action in ActionNames:
            each = {resource: decision(action, resource) for resource in ResourceArns}
            # The most restrictive one counts: "implicitDeny" sorts after "allowed".
            result = {"EvalActionName": action, "EvalDecision": max(each.values())}
            specific = [
                {"EvalResourceName": resource, "EvalResourceDecision": one}
                for resource, one in each.items()
            ]
            results.append({**result, "ResourceSpecificResults": specific})
        return {"EvaluationResults": results}

    return answer


def stacked(*statuses: tuple[str, str], cluster: str = "bionemo-on-eks") -> Callable[..., Any]:
    """CloudFormation with CDK's toolkit and the given stacks, each a (stack, status)."""

    def stack(name: str, status: str, **outputs: str) -> dict[str, Any]:
        listed = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
        about = {"StackName": name, "StackStatus": status, "CreationTime": WHEN}
        return {**about, "Outputs": listed}

    def answer(StackName: str = "", **more: Any) -> dict[str, Any]:
        toolkit = stack("CDKToolkit", "CREATE_COMPLETE", BootstrapVersion="33")
        if StackName:
            assert StackName == "CDKToolkit"
            return {"Stacks": [toolkit]}
        own = [stack(f"{cluster}-{name}", status) for name, status in statuses]
        return {"Stacks": [toolkit, *own]}

    return answer


def newest_ami(Name: str, day: str = "20261012") -> dict[str, Any]:
    """AWS's public parameter with the newest AMI release for a Kubernetes version."""
    version = Name.split("/")[5]
    assert Name.endswith("/amazon-linux-2023/x86_64/nvidia/recommended/release_version")
    return {"Parameter": {"Name": Name, "Type": "String", "Value": f"{version}.3-{day}"}}


def bootstrapped(version: str = "33", qualifier: str = "hnb659fds") -> Callable[..., Any]:
    """SSM with the bootstrap's version, and AWS's own parameters for its AMIs."""

    def answer(Name: str) -> dict[str, Any]:
        if Name.startswith("/aws/service/eks/optimized-ami/"):
            return newest_ami(Name)
        if Name != f"/cdk-bootstrap/{qualifier}/version":
            raise error("GetParameter", "ParameterNotFound")
        return {"Parameter": {"Name": Name, "Type": "String", "Value": version}}

    return answer


def default_quotas(ServiceCode: str, **more: Any) -> dict[str, Any]:
    codes = [code for service, code in QUOTAS if service == ServiceCode]
    return {"Quotas": [{"QuotaCode": code} for code in codes]}


def cluster_versions(clusterVersions: list[str], **more: Any) -> dict[str, Any]:
    return {
        "clusterVersions": [
            {
                "clusterVersion": version,
                "versionStatus": "STANDARD_SUPPORT",
                "endOfStandardSupportDate": datetime(2027, 3, 27, tzinfo=UTC),
                "endOfExtendedSupportDate": datetime(2028, 3, 27, tzinfo=UTC),
            }
            for version in clusterVersions
        ]
    }


def no_bucket(Bucket: str, ExpectedBucketOwner: str) -> dict[str, Any]:
    assert f"-{ACCOUNT}-" in Bucket
    assert ExpectedBucketOwner == ACCOUNT
    raise error("HeadBucket", "404", 404)


def zone(name: str, zone_id: str = "") -> dict[str, Any]:
    """A zone as EC2 describes it."""
    number = zone_id or f"usw2-az{'abc'.index(name[-1]) + 1}"
    about = {"ZoneName": name, "ZoneId": number}
    return {**about, "State": "available", "ZoneType": "availability-zone"}


def file_system(**changes: Any) -> dict[str, Any]:
    """The deployment's file system as FSx describes it."""
    return {
        "FileSystemId": "fs-0123456789abcdef0",
        "Lifecycle": "AVAILABLE",
        "StorageCapacity": 2400,
        "SubnetIds": ["subnet-0123456789abcdef0"],
        "LustreConfiguration": {"DeploymentType": "PERSISTENT_2"},
        "Tags": [OWN],
        **changes,
    }


def subnets(SubnetIds: list[str]) -> dict[str, Any]:
    return {"Subnets": [{"SubnetId": SubnetIds[0], "AvailabilityZone": "us-west-2a"}]}


def deployed(path: str = "", key: str = "") -> Callable[..., Any]:
    """Templates of existing stacks: the roles' path, and the key of the cluster and its file
    system; without `key` the cluster uses the stack's own."""
    role = {"Type": "AWS::IAM::Role", "Properties": {"Path": path} if path else {}}
    secrets = key or {"Fn::GetAtt": ["EksSecretsKey", "Arn"]}
    encryption = {"Resources": ["secrets"], "Provider": {"KeyArn": secrets}}
    resources = {
        "cluster": {
            "Role": role,
            "Eks": {"Type": "AWS::EKS::Cluster", "Properties": {"EncryptionConfig": [encryption]}},
        },
        "storage": {
            "Lustre": {
                "Type": "AWS::FSx::FileSystem",
                "Properties": {"KmsKeyId": key} if key else {},
            }
        },
    }

    def answer(StackName: str) -> dict[str, Any]:
        stack = StackName.rpartition("-")[2]
        return {"TemplateBody": json.dumps({"Resources": resources[stack]})}

    return answer


def described_key(**changes: Any) -> dict[str, Any]:
    """A usable key, as KMS describes it."""
    usable = {"KeyState": "Enabled", "KeyUsage": "ENCRYPT_DECRYPT", "KeySpec": "SYMMETRIC_DEFAULT"}
    return {"KeyMetadata": {"KeyId": "01234567-89ab-cdef-0123-456789abcdef", **usable, **changes}}


def key_policy(*statements: dict[str, Any]) -> dict[str, str]:
    """A key's policy: the account's own statement, and the given ones or those for AWS's roles."""
    own = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    named = [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/{role}"},
            "Action": "kms:Decrypt",
        }
        for role in ("AWSServiceRoleForAutoScaling", "AWSServiceRoleForFSxS3Access_fs-1")
    ]
    return {"Policy": json.dumps({"Statement": [own, *(statements or named)]})}
