"""`leftovers --delete`: what it removes, and above all when it refuses to."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from ops import leftovers
from ops.aws import Deployment
from ops.cli import app
from ops.leftovers import Leftover
from tests.ops.orphans import REGION, Orphans, client, tag, tagged
from tests.ops.reading import in_order

# moto starts a whole AWS for each.
pytestmark = pytest.mark.slow

NAME = "bionemo-on-eks"


def run(*options: str, answer: str = "") -> Result:
    return CliRunner().invoke(app, ["leftovers", *options], input=answer)


def a_disk_and_a_group() -> None:
    client("logs").create_log_group(logGroupName=f"/aws/eks/{NAME}/cluster")
    client("ec2").create_volume(
        Size=200, AvailabilityZone=f"{REGION}a", TagSpecifications=tagged("volume", tag(NAME))
    )


def test_it_removes_what_is_safe_after_asking(account: Deployment) -> None:
    a_disk_and_a_group()
    refused = run("--delete", answer="n\n")
    assert refused.exit_code == 2
    assert in_order(refused.stderr, "volumes", f"/aws/eks/{NAME}/cluster"), "what it asks about"
    assert run("--delete", answer="").exit_code == 2, "no answer"
    assert len(leftovers.search(account).found) == 2
    done = run("--delete", answer="y\n")
    assert done.exit_code == 0, done.output
    assert run().exit_code == 0


def test_without_anything_left_it_says_so_in_a_line(account: Deployment) -> None:
    done = run()
    assert (done.exit_code, done.stdout.strip(), done.stderr) == (0, "Nothing is left over.", "")


def test_json_is_one_document_and_asks_nothing(account: Deployment) -> None:
    a_disk_and_a_group()
    assert run("--json", "--delete").exit_code == 2
    done = run("--json", "--delete", "--yes")
    document = json.loads(done.stdout)
    assert [each["deleted"] for each in document["found"]] == [True, True]
    assert document["could_not_tell"] == {}
    assert set(document["found"][0]) == {"kind", "id", "note", "kept", "standing"} | {
        *("deletable", "deleted")
    }
    assert done.exit_code == 0


def test_nothing_is_deleted_while_the_deployment_exists(account: Deployment) -> None:
    Orphans(NAME).plant()
    before = len(leftovers.search(account).found)
    done = run("--delete", "--yes")
    assert done.exit_code == 2
    assert "npx cdk destroy --all" in done.stderr, "what to do first"
    assert len(leftovers.search(account).found) == before
    text = " ".join(done.stdout.split())
    assert f"{NAME} is still deployed (" in text
    assert "destroy it first" in text
    assert done.stdout.rstrip().endswith("Next: make destroy")
    shown = {each["kind"] for each in json.loads(run("--json").stdout)["found"] if each["standing"]}
    assert shown, "marked in the JSON"


@pytest.mark.parametrize("kind", ["stacks", "EKS clusters", "instances"])
def test_nothing_is_deleted_if_it_is_unknown_whether_the_deployment_exists(
    kind: str, account: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DescribeStacks denied or throttled is no reason to take a live deployment's NAT gateway."""

    def silent(deployment: Deployment) -> list[Leftover]:
        raise RuntimeError("throttled")

    a_disk_and_a_group()
    monkeypatch.setitem(leftovers.KINDS, kind, silent)
    done = run("--delete", "--yes")
    assert done.exit_code == 2
    assert kind in done.stderr
    monkeypatch.undo()
    assert len(client("ec2").describe_volumes()["Volumes"]) == 1
    document = json.loads(run_with_keys(kind, monkeypatch, silent).stdout)
    assert kind in document["refused"]


def run_with_keys(
    kind: str, monkeypatch: pytest.MonkeyPatch, silent: Callable[[Deployment], list[Leftover]]
) -> Result:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setitem(leftovers.KINDS, kind, silent)
    return run("--delete", "--yes", "--json")


def test_a_kind_that_cannot_be_searched_gives_exit_status_1(
    account: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(deployment: Deployment) -> list[Leftover]:
        raise RuntimeError("denied")

    monkeypatch.setitem(leftovers.KINDS, "volumes", silent)
    done = run()
    assert done.exit_code == 1
    assert in_order(done.stdout, "volumes", "denied")


def test_after_a_deletion_it_says_to_destroy_the_failed_stack_again(account: Deployment) -> None:
    ec2, cloudformation = client("ec2"), client("cloudformation")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=tagged("vpc", tag(NAME)))[
        "Vpc"
    ]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    ec2.create_network_interface(SubnetId=subnet, Description="AWS Lambda VPC ENI-x")
    cloudformation.create_stack(
        StackName=f"{NAME}-network",
        TemplateBody='{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}',
    )
    fail_the_deletion()
    done = run("--delete", "--yes")
    assert "npx cdk destroy Network" in done.stderr
    assert done.exit_code == 2, "the stack still exists"
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []


def fail_the_deletion() -> None:
    from moto.cloudformation.models import cloudformation_backends

    (stack,) = cloudformation_backends["123456789012"][REGION].stacks.values()
    stack.status = "DELETE_FAILED"
