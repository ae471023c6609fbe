"""The file system: who reaches it, what goes to S3, and the order of creation."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from bionemo_eks.storage.lustre import LustreFileSystem
from tests.constructs.bare import SUBNETS, bare_stack, only, some_vpc, waits_for

SYSTEM, ASSOCIATION = "AWS::FSx::FileSystem", "AWS::FSx::DataRepositoryAssociation"
CLIENTS = ["100.64.0.0/17", "100.64.128.0/17"]
PATHS = ["/processed", "/some-results", "/other-results"]

READ = {"s3://others/folder": "/input/0123abcd", "s3://another": "/input/4567cdef"}


def linked(template: Template) -> list[dict[str, Any]]:
    """Properties of the links of `PATHS`, then those of `READ`."""
    found = [each["Properties"] for each in template.find_resources(ASSOCIATION).values()]
    return sorted(found, key=lambda each: each["FileSystemPath"] in READ.values())


@pytest.fixture(scope="module")
def template() -> Template:
    stack = bare_stack()
    vpc = some_vpc(stack)
    system = LustreFileSystem(
        stack,
        "FileSystem",
        vpc=vpc,
        subnet=vpc.private_subnets[1],
        client_cidrs=CLIENTS,
        capacity_gib=4800,
        throughput=250,
        log_group_name="/aws/fsx/some",
        log_days=30,
    )
    system.associate(s3.Bucket(stack, "Bucket", enforce_ssl=True), PATHS)
    for address, folder in READ.items():
        system.read(address, folder)
    return Template.from_stack(stack)


def rules(template: Template, direction: str) -> list[dict[str, Any]]:
    group = only(template, "AWS::EC2::SecurityGroup")
    apart = template.find_resources(f"AWS::EC2::SecurityGroup{direction}").values()
    found = [*group.get(f"SecurityGroup{direction}", []), *(each["Properties"] for each in apart)]
    return [dict(each) for each in found]


@pytest.mark.parametrize("direction", ["Ingress", "Egress"])
def test_only_clients_and_file_servers_reach_lustres_ports(
    template: Template, direction: str
) -> None:
    found = rules(template, direction)
    passing = {
        (rule["IpProtocol"], rule["FromPort"], rule["ToPort"], rule.get("CidrIp", "itself"))
        for rule in found
    }
    ports = [("tcp", 988, 988), ("tcp", 1018, 1023)]
    # The file servers talk to each other; creation fails without it.
    assert passing == {(*port, peer) for port in ports for peer in [*CLIENTS, "itself"]}
    assert not any({"CidrIpv6", "SourcePrefixListId"} & set(rule) for rule in found)
    ((group, _),) = template.find_resources("AWS::EC2::SecurityGroup").items()
    peers = [rule for rule in found if "CidrIp" not in rule]
    key = {"Ingress": "SourceSecurityGroupId", "Egress": "DestinationSecurityGroupId"}[direction]
    assert [rule[key] for rule in peers] == [{"Fn::GetAtt": [group, "GroupId"]}] * 2


def test_the_file_system_waits_for_every_rule(template: Template) -> None:
    """FSx refuses to create one if its group allows no Lustre traffic."""
    apart = {
        name
        for direction in ("Ingress", "Egress")
        for name in template.find_resources(f"AWS::EC2::SecurityGroup{direction}")
    }
    assert apart
    assert apart <= waits_for(template, SYSTEM)


def test_it_has_the_requested_size_throughput_and_subnet(template: Template) -> None:
    template.has_resource_properties(
        SYSTEM,
        {
            "StorageCapacity": 4800,
            "SubnetIds": [SUBNETS[1]],
            "LustreConfiguration": {"PerUnitStorageThroughput": 250},
        },
    )


def test_the_nodes_kernels_can_mount_it_and_no_backup_forbids_the_links_to_s3(
    template: Template,
) -> None:
    template.has_resource_properties(
        SYSTEM,
        {
            "FileSystemTypeVersion": "2.15",
            "LustreConfiguration": {
                "DeploymentType": "PERSISTENT_2",
                "AutomaticBackupRetentionDays": 0,
            },
        },
    )


def test_its_log_group_has_a_name_and_an_arn_that_fsx_accepts_and_is_removed_with_the_stack(
    template: Template,
) -> None:
    """FSx accepts no ARN that ends in `:*`, as CDK's do."""
    configuration = only(template, SYSTEM)["LustreConfiguration"]["LogConfiguration"]
    ((group, _),) = template.find_resources("AWS::Logs::LogGroup").items()
    *arn, name = configuration["Destination"]["Fn::Join"][1]
    assert arn[-1].endswith(":log-group:")
    assert name == {"Ref": group}
    template.has_resource(
        "AWS::Logs::LogGroup",
        {
            "DeletionPolicy": "Delete",
            "Properties": {"LogGroupName": "/aws/fsx/some", "RetentionInDays": 30},
        },
    )


def test_each_path_is_linked_with_the_same_prefix_both_ways(template: Template) -> None:
    ((system, _),) = template.find_resources(SYSTEM).items()
    found = linked(template)[: len(PATHS)]
    assert [each["FileSystemPath"] for each in found] == PATHS
    for each in found:
        events = ["NEW", "CHANGED", "DELETED"]
        assert each["FileSystemId"] == {"Ref": system}
        assert each["DataRepositoryPath"]["Fn::Join"][1][-1] == each["FileSystemPath"]
        assert each["BatchImportMetaDataOnCreate"] is True
        assert each["S3"]["AutoExportPolicy"]["Events"] == events
        assert each["S3"]["AutoImportPolicy"]["Events"] == events


def test_links_are_created_one_after_another(template: Template) -> None:
    """FSx refuses a second one while it creates the first."""
    found = template.find_resources(ASSOCIATION)
    waits = {name: set(each.get("DependsOn", [])) & set(found) for name, each in found.items()}
    first, *others = found
    assert waits == {first: set()} | {
        after: {before} for before, after in itertools.pairwise([first, *others])
    }


def test_links_wait_for_the_buckets_policy(template: Template) -> None:
    """FSx tests access to the bucket when it creates a link."""
    (policy,) = template.find_resources("AWS::S3::BucketPolicy")
    for each in template.find_resources(ASSOCIATION).values():
        if each["Properties"]["FileSystemPath"] in PATHS:
            assert policy in each["DependsOn"]


def test_inputs_are_imported_and_never_exported(template: Template) -> None:
    found = linked(template)[len(PATHS) :]
    assert {each["DataRepositoryPath"]: each["FileSystemPath"] for each in found} == READ
    for each in found:
        assert each["S3"] == {"AutoImportPolicy": {"Events": ["NEW", "CHANGED", "DELETED"]}}
        assert each["BatchImportMetaDataOnCreate"] is True


def test_a_changed_folder_makes_a_new_link(template: Template) -> None:
    """An update would fail: FSx can change neither a link's folder nor its prefix."""
    names = template.find_resources(ASSOCIATION)
    assert {"0123Abcd", "4567Cdef"} == {
        name.partition("AssociationInput")[2][:8] for name in names
    } - {""}
