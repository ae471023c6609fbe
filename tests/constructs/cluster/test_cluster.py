"""The cluster: who gets in, who reads its secrets, what is removed in which order."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from aws_cdk.assertions import Match, Template

from bionemo_eks.cluster.cluster import EksCluster
from bionemo_eks.configuration.versions import KUBERNETES_RELEASES
from tests.constructs.bare import (
    CLUSTER,
    SUBNETS,
    bare_stack,
    only,
    some_cluster,
    some_vpc,
    waits_for,
)
from tests.context import UNSTAGED

KIND, ENTRY, FUNCTION, GROUP, ROLE = (
    "AWS::EKS::Cluster",
    "AWS::EKS::AccessEntry",
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    "AWS::IAM::Role",
)
RELEASE = KUBERNETES_RELEASES["1.35"]
LOGS = f"/aws/eks/{CLUSTER}/cluster"
BLOCKS = ("203.0.113.0/24", "198.51.100.7/32")
FIRST, SECOND, THIRD = (f"arn:aws:iam::111122223333:role/{each}" for each in "abc")


@cache
def cluster(
    public: tuple[str, ...] | None = BLOCKS, admins: tuple[str, ...] = (), trust: str = ""
) -> Template:
    stack = bare_stack()
    for flag, value in UNSTAGED.items():
        stack.node.set_context(flag, value)
    vpc = some_vpc(stack)
    EksCluster(
        stack,
        "Eks",
        cluster_name=CLUSTER,
        release=RELEASE,
        vpc=vpc,
        subnets=vpc.private_subnets,
        public_access_cidrs=public,
        admins=admins,
        admin_trust=trust,
        log_group_name=LOGS,
        log_days=30,
    )
    return Template.from_stack(stack)


def endpoint(template: Template) -> dict[str, Any]:
    return dict(only(template, KIND)["ResourcesVpcConfig"])


def test_it_has_no_self_managed_addons_or_nodes_and_admits_no_one_by_default() -> None:
    cluster().has_resource_properties(
        KIND,
        {
            "BootstrapSelfManagedAddons": False,
            "AccessConfig": {
                "AuthenticationMode": "API",
                "BootstrapClusterCreatorAdminPermissions": False,
            },
        },
    )
    cluster().resource_count_is("AWS::EKS::Nodegroup", 0)


def test_secrets_are_encrypted_with_a_key_that_rotates_and_is_deleted() -> None:
    ((key, _),) = cluster().find_resources("AWS::KMS::Key").items()
    cluster().has_resource(
        "AWS::KMS::Key", {"DeletionPolicy": "Delete", "Properties": {"EnableKeyRotation": True}}
    )
    assert only(cluster(), KIND)["EncryptionConfig"] == [
        {"Resources": ["secrets"], "Provider": {"KeyArn": {"Fn::GetAtt": [key, "Arn"]}}}
    ]


def test_all_control_plane_logs_go_to_a_group_that_exists_first() -> None:
    """EKS would create it itself, keep it forever, and leave it behind."""
    found = cluster().find_resources(GROUP, {"Properties": {"LogGroupName": LOGS}})
    ((name, group),) = found.items()
    assert group["DeletionPolicy"] == "Delete"
    assert group["Properties"]["RetentionInDays"] == 30
    assert name in waits_for(cluster(), KIND)
    enabled = only(cluster(), KIND)["Logging"]["ClusterLogging"]["EnabledTypes"]
    assert {each["Type"] for each in enabled} == {
        "api",
        "audit",
        "authenticator",
        "controllerManager",
        "scheduler",
    }


def test_each_of_its_functions_logs_to_a_group_that_is_removed_with_it() -> None:
    groups = cluster().find_resources(GROUP, {"DeletionPolicy": "Delete"})
    functions = cluster().find_resources(FUNCTION).values()
    assert functions
    for each in functions:
        assert each["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] in groups


def test_its_endpoint_is_reached_from_the_vpc_and_the_blocks_given() -> None:
    config = endpoint(cluster())
    assert (config["EndpointPublicAccess"], config["EndpointPrivateAccess"]) == (True, True)
    assert config["PublicAccessCidrs"] == list(BLOCKS)
    assert config["SubnetIds"] == list(SUBNETS)


def test_a_private_endpoint_is_reached_from_the_vpc_only_and_kubectl_runs_there() -> None:
    template = cluster(public=None)
    config = endpoint(template)
    assert (config["EndpointPublicAccess"], config["EndpointPrivateAccess"]) == (False, True)
    for function in template.find_resources(FUNCTION).values():
        assert function["Properties"]["VpcConfig"]["SubnetIds"] == list(SUBNETS)


def test_kubectl_has_the_clusters_version() -> None:
    assert only(cluster(), KIND)["Version"] == "1.35"
    cluster().has_resource_properties(
        "AWS::Lambda::LayerVersion",
        {"Description": Match.string_like_regexp(r"kubectl 1\.35\.")},
    )


def test_without_admins_the_accounts_iam_decides_who_assumes_the_admin_role() -> None:
    ((name, role),) = (
        (name, each) for name, each in cluster().find_resources(ROLE).items() if "AdminRole" in name
    )
    (statement,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert ":root" in json.dumps(statement["Principal"])
    principals = [each["Properties"] for each in cluster().find_resources(ENTRY).values()]
    assert {"Fn::GetAtt": [name, "Arn"]} in [each["PrincipalArn"] for each in principals]


def test_only_the_trusted_principal_may_assume_the_admin_role() -> None:
    (role,) = (
        each for name, each in cluster(trust=FIRST).find_resources(ROLE).items() if "Admin" in name
    )
    (statement,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"AWS": FIRST}
    given = cluster(admins=(SECOND,), trust=FIRST)
    assert not [name for name in given.find_resources(ROLE) if "AdminRole" in name]


def test_given_admins_and_the_kubectl_provider_are_the_only_ones_admitted() -> None:
    template = cluster(admins=(FIRST, SECOND))
    entries = template.find_resources(ENTRY).values()
    principals = [each["Properties"]["PrincipalArn"] for each in entries]
    assert [each for each in principals if isinstance(each, str)] == [FIRST, SECOND]
    (other,) = (each for each in principals if not isinstance(each, str))
    assert "Kubectl" in json.dumps(other)
    assert not [name for name in template.find_resources(ROLE) if "AdminRole" in name]


def test_an_admins_access_entry_survives_changes_to_the_others() -> None:
    """EKS accepts no second entry for a principal, so a new resource for it would fail."""

    def entries(*admins: str) -> dict[str, str]:
        found = cluster(admins=admins).find_resources(ENTRY)
        return {str(each["Properties"]["PrincipalArn"]): name for name, each in found.items()}

    before = entries(FIRST, SECOND)
    for after in (entries(SECOND), entries(THIRD, SECOND, FIRST)):
        kept = after.keys() & before.keys()
        assert SECOND in kept
        assert all(after[each] == before[each] for each in kept)


def test_from_another_stack_manifests_land_there_and_go_to_the_same_cluster() -> None:
    stack = bare_stack()
    some = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "some"}}
    some_cluster(stack).add_manifest("Some", some)
    template = Template.from_stack(stack)
    assert only(template, "Custom::AWSCDK-EKS-KubernetesResource")["ClusterName"] == CLUSTER
    template.resource_count_is(KIND, 0)
    template.resource_count_is(FUNCTION, 0)
