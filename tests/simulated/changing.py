"""A simulated account that the commands of a remedy change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bionemo_eks.configuration import names
from tests.context import read_settings
from tests.simulated.accounts import good, standing
from tests.simulated.answers import bootstrapped, quotas, simulated, stacked, subnets
from tests.simulated.aws import ACCOUNT, Answers, error
from tests.simulated.given_vpc import GivenVpc

# The stacks that depend on a stack; `cdk destroy` removes them too.
_DEPENDANTS = {
    "Network": names.STACKS[1:],
    "Storage": ("Workload", "Observability"),
    "Cluster": ("Addons", "Workload", "Observability"),
    "Addons": ("Workload", "Observability"),
    "Workload": (),
    "Observability": (),
}
INTERFACE = "AWS Lambda VPC ENI-bionemo-on-eks-cluster-EksHandler1A2B3C-aB3dE-" + "0" * 36
_NOTHING: Answers = {
    "elbv2.describe_load_balancers": {"LoadBalancers": []},
    "elb.describe_load_balancers": {"LoadBalancerDescriptions": []},
    "fsx.describe_backups": {"Backups": []},
    "ec2.describe_nat_gateways": {"NatGateways": []},
    "ec2.describe_volumes": {"Volumes": []},
    "ec2.describe_security_groups": {"SecurityGroups": []},
    "ec2.describe_launch_templates": {"LaunchTemplates": []},
    "ec2.describe_instances": {"Reservations": []},
    "kms.list_keys": {"Keys": []},
    "resourcegroupstaggingapi.get_resources": {"ResourceTagMappingList": []},
    "iam.list_roles": {"Roles": []},
}


@dataclass
class Account:
    """The account's contents; the commands of a remedy change them as AWS would.

    `settings` are the person's; `stacks` maps those of `names.STACKS` to their status; `interface`
    says that a function of the Cluster stack has left a network interface, which prevents the
    stack's deletion; `in_s3` has other people's buckets, and their objects as `bucket/key`;
    `overrides` replace any of AWS's answers.
    """

    settings: dict[str, str] = field(default_factory=dict)
    stacks: dict[str, str] = field(default_factory=dict)
    clusters: list[str] = field(default_factory=list)
    version: str = "1.35"
    log_groups: set[str] = field(default_factory=set)
    interface: bool = False
    bootstrap: str = "33"
    refused: set[str] = field(default_factory=set)
    limits: dict[str, float] = field(default_factory=dict)
    file_systems: list[dict[str, Any]] = field(default_factory=list)
    bucket: bool = False
    bucket_policy: bool = False
    vpc: GivenVpc = field(default_factory=GivenVpc)
    in_s3: set[str] = field(default_factory=set)
    overrides: Answers = field(default_factory=dict)

    def answers(self) -> Answers:
        """Return AWS's present answers."""
        stacks = ((name.lower(), status) for name, status in self.stacks.items())
        table = good() | _NOTHING
        if self.stacks:
            table["ec2.describe_addresses"] = standing()["ec2.describe_addresses"]
        return table | {
            "cloudformation.describe_stacks": stacked(*stacks),
            "ssm.get_parameter": (
                bootstrapped(self.bootstrap)
                if self.bootstrap
                else error("GetParameter", "ParameterNotFound")
            ),
            "iam.simulate_principal_policy": simulated(*self.refused),
            "service-quotas.get_service_quota": quotas(**self.limits),
            "eks.list_clusters": {"clusters": self.clusters},
            "eks.describe_cluster": {"cluster": {"version": self.version}},
            "fsx.describe_file_systems": {"FileSystems": self.file_systems},
            **self.vpc.answers(),
            "ec2.describe_subnets": self._subnets,
            "ec2.describe_network_interfaces": {"NetworkInterfaces": self._interfaces()},
            "ec2.delete_network_interface": self._delete_interface,
            "s3.head_bucket": self._head_bucket,
            "s3.head_object": self._head_object,
            "s3.get_bucket_notification_configuration": {},
            "s3.get_bucket_policy": (
                {"Policy": "{}"}
                if self.bucket_policy
                else error("GetBucketPolicy", "NoSuchBucketPolicy", 404)
            ),
            "s3.list_buckets": {"Buckets": [{"Name": self._bucket()}] if self.bucket else []},
            "logs.describe_log_groups": self._groups,
            "logs.delete_log_group": self._delete_group,
            **self.overrides,
        }

    def _subnets(self, **asked: Any) -> dict[str, Any]:
        """The subnets of the given VPC, or the file system's by its id."""
        return subnets(**asked) if "SubnetIds" in asked else self.vpc.rows(**asked)

    def _head_bucket(self, Bucket: str, **more: Any) -> dict[str, Any]:
        if Bucket in self.in_s3 or (self.bucket and Bucket == self._bucket()):
            return {}
        raise error("HeadBucket", "404", 404)

    def _head_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        if f"{Bucket}/{Key}" in self.in_s3:
            return {"ContentLength": 1}
        raise error("HeadObject", "404", 404)

    def _bucket(self) -> str:
        return names.bucket_name(read_settings(self.settings), ACCOUNT)

    def _interfaces(self) -> list[dict[str, Any]]:
        row = {"NetworkInterfaceId": "eni-1", "Status": "available", "Description": INTERFACE}
        return [row] if self.interface else []

    def _delete_interface(self, NetworkInterfaceId: str) -> dict[str, Any]:
        assert self.interface, f"{NetworkInterfaceId} does not exist"
        self.interface = False
        return {}

    def _groups(self, logGroupNamePrefix: str, **more: Any) -> dict[str, Any]:
        listed = [name for name in self.log_groups if name.startswith(logGroupNamePrefix)]
        return {"logGroups": [{"logGroupName": name} for name in sorted(listed)]}

    def _delete_group(self, logGroupName: str) -> dict[str, Any]:
        self.log_groups.remove(logGroupName)
        return {}

    def destroy(self, *stacks: str) -> None:
        """Destroy stacks and those that depend on them, as `cdk destroy` does.

        EKS's late writes recreate its log group after CloudFormation has deleted it:
        https://github.com/terraform-aws-modules/terraform-aws-eks/issues/2763
        """
        wanted = set(stacks).union(*(_DEPENDANTS[stack] for stack in stacks))
        for stack in reversed(names.STACKS):
            status = self.stacks.get(stack, "")
            if stack not in wanted or not status:
                continue
            assert not status.endswith("_IN_PROGRESS"), f"{stack} is {status}: it cannot be deleted"
            if stack == "Cluster" and self.interface:
                self.stacks[stack] = "DELETE_FAILED"
                return
            del self.stacks[stack]
            self._remove_contents(stack)

    def _remove_contents(self, stack: str) -> None:
        """Remove the stack's contents."""
        if stack == "Storage":
            self.file_systems.clear()
        if stack == "Cluster":
            self.clusters.clear()
            self.log_groups.add(names.control_plane_log_group(read_settings(self.settings)))

    def rollback(self, stack: str) -> None:
        """Return a stack to its previous state, as `cdk rollback` does."""
        assert self.stacks[stack] in {"UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED"}, self.stacks
        self.stacks[stack] = "UPDATE_ROLLBACK_COMPLETE"

    def wait(self) -> None:
        """Let operations in progress end, successfully unless they are rollbacks."""
        for stack, status in list(self.stacks.items()):
            if status.startswith("DELETE_IN_PROGRESS"):
                del self.stacks[stack]
                self._remove_contents(stack)
            else:
                self.stacks[stack] = status.replace("_IN_PROGRESS", "_COMPLETE")
