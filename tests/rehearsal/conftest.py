"""A local AWS for the tests of this folder, and the app deployed to it by the real CDK CLI."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from app import build
from bionemo_eks.settings import Settings
from rehearsal import inventory
from rehearsal.adapters_kubectl import ledger_path
from rehearsal.cdk_cli import CdkCli
from rehearsal.environment import ACCOUNT, ROOT, child_environment
from rehearsal.ledger import Ledger
from rehearsal.server import LEDGER_FOLDER, local_aws

REGION = "us-west-2"


class Account:
    """A bootstrapped account of the local AWS; `deploy` takes settings as overrides."""

    def __init__(self, endpoint: str, folder: Path) -> None:
        self.endpoint, self._folder = endpoint, folder
        self.client = inventory.session(endpoint, REGION)
        environment = child_environment(endpoint, REGION, folder / "home")
        self.cdk = CdkCli(environment, folder / "cdk.out", folder / "logs")
        self.cdk.bootstrap(f"aws://{ACCOUNT}/{REGION}")
        self.fresh = inventory.take(self.client)
        self.deployed: Mapping[str, Any] | None = None
        self.settings = Settings()

    def deploy(
        self, changes: Mapping[str, Any], alter: Callable[[App], None] = lambda app: None
    ) -> list[str]:
        """Synthesise with `changes`, `alter` the app, deploy all stacks; return the CLI's lines."""
        self.synth(changes, alter)
        self.deployed = None
        lines = self.cdk.deploy()
        self.deployed = dict(changes)
        return lines

    def ensure(self, changes: Mapping[str, Any]) -> None:
        """Deploy with `changes` unless that is what stands."""
        if self.deployed != dict(changes):
            self.deploy(changes)

    def synth(
        self, changes: Mapping[str, Any], alter: Callable[[App], None] = lambda app: None
    ) -> None:
        """Write the cloud assembly: in this process, for the CLI would start a Python anew."""
        shutil.rmtree(self.cdk.assembly, ignore_errors=True)
        context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
        app = App(
            context={**context, **changes},
            outdir=str(self.cdk.assembly),
            analytics_reporting=False,
        )
        self.settings = build(app)
        alter(app)
        app.synth()

    def destroy(self) -> inventory.Inventory:
        """Destroy all stacks; return what is left that was not there before."""
        self.cdk.destroy()
        self.deployed = None
        return inventory.left(self.fresh, inventory.take(self.client))

    @property
    def ledger(self) -> Ledger:
        """What the cluster has been told."""
        return Ledger.load(ledger_path(self._folder / LEDGER_FOLDER, "bionemo-on-eks"))

    def physical_ids(self, *types: str) -> dict[str, str]:
        """Return logical to physical id of all resources of some types."""
        found = {}
        for stack in self.client("cloudformation").describe_stacks()["Stacks"]:
            name = stack["StackName"]
            summaries = self.client("cloudformation").list_stack_resources(StackName=name)
            for each in summaries["StackResourceSummaries"]:
                if each["ResourceType"] in types:
                    found[f"{name}/{each['LogicalResourceId']}"] = each["PhysicalResourceId"]
        return found

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
    """Return an account in which nothing but the CDK's bootstrap stack stands."""
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
