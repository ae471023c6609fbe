"""A local AWS for the tests in this folder, and the app deployed to it with the real CDK CLI."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from app import build
from bionemo_eks.jobs.workloads import WORKLOADS
from rehearsal.kubernetes.ledger import Ledger
from rehearsal.local_aws import clients, inventory
from rehearsal.local_aws.ledgers import LEDGER_FOLDER, ledger_path
from rehearsal.local_aws.resources import resources
from rehearsal.local_aws.server import local_aws
from rehearsal.machine.environment import ACCOUNT, child_environment
from rehearsal.programs.cdk_cli import CdkCli
from tests.context import cdk_flags, read_settings

REGION = "us-west-2"
# These hold data or take long to recreate: an update must not replace them.
LASTING = ("AWS::EKS::Cluster", "AWS::FSx::FileSystem", "AWS::S3::Bucket", "AWS::EC2::VPC")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark rehearsals as slow, too."""
    for item in items:
        if item.get_closest_marker("rehearsal"):
            item.add_marker(pytest.mark.slow)


class Account:
    """A bootstrapped account of the local AWS; `deploy` takes settings as overrides."""

    def __init__(self, endpoint: str, folder: Path) -> None:
        self.endpoint, self.folder = endpoint, folder
        self.client = clients.session(endpoint, REGION)
        self.environment = child_environment(endpoint, REGION, folder / "home")
        self.cdk = CdkCli(self.environment, folder / "cdk.out", folder / "logs")
        self.cdk.bootstrap(f"aws://{ACCOUNT}/{REGION}")
        self.fresh = inventory.take(self.client)
        self.deployed: Mapping[str, Any] | None = None
        self.settings = read_settings({})
        self.workloads = WORKLOADS
        self._seen: set[str] = set()

    def deploy(
        self, changes: Mapping[str, Any], alter: Callable[[App], None] = lambda app: None
    ) -> list[str]:
        """Synthesize with `changes`, `alter` the app, deploy all stacks; return the CLI's lines.

        No stack and no object may then refer to what no longer exists.
        """
        self.synth(changes, alter)
        self.deployed = None
        lines = self.cdk.deploy()
        self.deployed = dict(changes)
        assert self.stale_references() == set()
        return lines

    def ensure(self, changes: Mapping[str, Any]) -> None:
        """Deploy with `changes` unless they are deployed already."""
        if self.deployed != dict(changes):
            self.deploy(changes)

    def synth(
        self, changes: Mapping[str, Any], alter: Callable[[App], None] = lambda app: None
    ) -> None:
        """Write the cloud assembly in this process, because the CLI would start another Python."""
        shutil.rmtree(self.cdk.assembly, ignore_errors=True)
        app = App(
            context=cdk_flags(**changes),
            outdir=str(self.cdk.assembly),
            analytics_reporting=False,
        )
        self.settings = build(app, self.workloads)
        alter(app)
        app.synth()

    def destroy(self) -> inventory.Inventory:
        """Destroy all stacks; return what is left and did not exist before."""
        self.cdk.destroy()
        self.deployed = None
        return inventory.left(self.fresh, inventory.take(self.client))

    def stale_references(self) -> set[str]:
        """Return ids that stacks' properties, objects or charts name, but that do not exist.

        Of node groups, file systems and functions: ids by their form, and all that existed earlier.
        """
        named = json.dumps([each["properties"] for each in resources(self.endpoint, REGION)])
        named += json.dumps(self.ledger.objects) + json.dumps(self.ledger.charts)
        there = self._existing_ids()
        self._seen |= there
        by_form = {*re.findall(r"fs-[0-9a-f]{17}", named)}
        by_form |= {*re.findall(r":function:([\w-]+)", named)}
        by_form |= {each for each in self._seen if each in named}
        return by_form - there

    def _existing_ids(self) -> set[str]:
        systems = self.client("fsx").describe_file_systems()["FileSystems"]
        functions = self.client("lambda").list_functions()["Functions"]
        groups = self.client("eks").list_nodegroups(clusterName="bionemo-on-eks")["nodegroups"]
        return {
            *groups,
            *(each["FileSystemId"] for each in systems),
            *(each["FunctionName"] for each in functions),
        }

    def stack(self, name: str) -> dict[str, Any]:
        """Return a stack as CloudFormation describes it."""
        name = f"bionemo-on-eks-{name}"
        (found,) = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        described: dict[str, Any] = found
        return described

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the events of a stack's last update, in order."""
        pages = self.client("cloudformation").get_paginator("describe_stack_events")
        found: list[dict[str, Any]] = []
        for page in pages.paginate(StackName=f"bionemo-on-eks-{name}"):
            for each in page["StackEvents"]:
                found.insert(0, each)
                began = each["ResourceStatus"] in ("UPDATE_IN_PROGRESS", "CREATE_IN_PROGRESS")
                if began and each["ResourceType"] == "AWS::CloudFormation::Stack":
                    return found
        return found

    @property
    def ledger(self) -> Ledger:
        """The cluster's ledger."""
        return Ledger.load(ledger_path(self.folder / LEDGER_FOLDER, "bionemo-on-eks"))

    def physical_ids(self, *types: str) -> dict[str, str]:
        """Return the physical ids, by stack and logical id, of all resources of some types."""
        found = {}
        for stack in self.client("cloudformation").describe_stacks()["Stacks"]:
            name = stack["StackName"]
            summaries = self.client("cloudformation").list_stack_resources(StackName=name)
            for each in summaries["StackResourceSummaries"]:
                if each["ResourceType"] in types:
                    found[f"{name}/{each['LogicalResourceId']}"] = each["PhysicalResourceId"]
        return found

    def lasting(self, *more: str) -> dict[str, str]:
        """Return the ids of resources of LASTING and `more` types."""
        return self.physical_ids(*LASTING, *more)

    def node_group(self, kind: str) -> dict[str, Any]:
        """Return the node group `core` or `gpu` as EKS describes it."""
        eks = self.client("eks")
        for name in eks.list_nodegroups(clusterName="bionemo-on-eks")["nodegroups"]:
            group: dict[str, Any] = eks.describe_nodegroup(
                clusterName="bionemo-on-eks", nodegroupName=name
            )["nodegroup"]
            if group["labels"]["NodeGroupType"] == kind:
                return group
        raise AssertionError(f"no node group {kind}")


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Return an account with only CDK's bootstrap stack."""
    folder = tmp_path_factory.mktemp("rehearsal")
    with (
        pytest.MonkeyPatch.context() as patch,
        local_aws(0, REGION, folder) as running,
    ):
        patch.setenv("CDK_DEFAULT_ACCOUNT", ACCOUNT)
        yield Account(running.endpoint, folder)


@pytest.fixture
def standing(account: Account) -> Account:
    """Return the account with the deployment that cdk.json describes."""
    account.ensure({})
    return account
