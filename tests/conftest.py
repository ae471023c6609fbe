"""Shared by all tests: the app's templates, synthesized once per set of settings."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from app import build
from bionemo_eks.configuration import names
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.workload import Workloads
from bionemo_eks.jobs.workloads import WORKLOADS
from tests.context import UNSTAGED, cdk_flags, read_settings

_THE_USERS_OWN = {"CONTEXT", "YES", "DRY_RUN", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
_THE_USERS_OWN |= {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"}
_THE_USERS_OWN |= {"PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH"}


def pytest_sessionstart() -> None:
    """Give the tests the same environment everywhere, and let their children be stopped.

    A process in the background, or under nohup, inherits ignored signals.
    """
    _forget_the_users_own()
    for each, act in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(each) is signal.SIG_IGN:
            signal.signal(each, act)


def _forget_the_users_own() -> None:
    """Remove account, make's settings, and a terminal's width and colors from the environment."""
    for name in [*os.environ]:
        if name.startswith(("AWS_", "CDK_", "BIONEMO_")) or name in _THE_USERS_OWN:
            del os.environ[name]
    os.environ |= {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


class Synthesized:
    """One deployment's templates, by the stacks' short names, and its settings."""

    def __init__(self, overrides: Mapping[str, Any], workloads: Workloads = WORKLOADS) -> None:
        # Validation takes most of a synthesis; the rehearsals' templates are validated.
        self._folder = TemporaryDirectory(prefix="bionemo-synthesized-")
        app = App(
            context=cdk_flags(**overrides) | UNSTAGED,
            outdir=self._folder.name,
            analytics_reporting=False,
            builtin_cloud_formation_validation=False,
        )
        self.settings: Settings = build(app, workloads)
        self.stacks = {name: app.node.find_child(name) for name in names.STACKS}
        self.assembly = app.synth()
        # Parsed for each caller: a test may change what it gets.
        self._texts: dict[str, str] = {}

    def json(self, stack: str) -> dict[str, Any]:
        """Return one template as CloudFormation receives it."""
        if stack not in self._texts:
            artifact = self.assembly.get_stack_artifact(self.stacks[stack].artifact_id)  # type: ignore[attr-defined]
            self._texts[stack] = Path(artifact.template_full_path).read_text(encoding="utf-8")
        template: dict[str, Any] = json.loads(self._texts[stack])
        return template

    def template(self, stack: str) -> Template:
        """Return one template for CDK's assertions."""
        return Template.from_json(self.json(stack))

    def resources(self, stack: str, kind: str) -> dict[str, dict[str, Any]]:
        """Return the resources of one CloudFormation type, by logical id."""
        return {
            name: each
            for name, each in self.json(stack)["Resources"].items()
            if each["Type"] == kind
        }

    def all_resources(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Return (stack, logical id, resource) for everything."""
        return [
            (stack, name, resource)
            for stack in names.STACKS
            for name, resource in self.json(stack).get("Resources", {}).items()
        ]

    def kubernetes_objects(self, stack: str) -> list[dict[str, Any]]:
        """Return the Kubernetes objects that a stack applies; tokens as `<token>`."""
        objects: list[dict[str, Any]] = []
        for resource in self.resources(stack, "Custom::AWSCDK-EKS-KubernetesResource").values():
            objects.extend(json.loads(_text(resource["Properties"]["Manifest"])))
        return objects

    def charts(self) -> dict[str, dict[str, Any]]:
        """Return the charts' properties by release, with `Values` parsed."""
        charts = {}
        for resource in self.resources("Addons", "Custom::AWSCDK-EKS-HelmChart").values():
            properties = resource["Properties"]
            values = json.loads(_text(properties["Values"]))
            charts[properties["Release"]] = {**properties, "Values": values}
        return charts


def _text(value: Any) -> str:
    """Join an Fn::Join; what only AWS can resolve becomes `<token>`."""
    if isinstance(value, str):
        return value
    return "".join(part if isinstance(part, str) else "<token>" for part in value["Fn::Join"][1])


@cache
def _synthesized(overrides: tuple[tuple[str, Any], ...]) -> Synthesized:
    return Synthesized(dict(overrides))


@pytest.fixture(scope="session")
def synth() -> Callable[..., Synthesized]:
    """Return a function that synthesizes the app with settings given as `**{"gpu.nodes": 3}`."""

    def make(**overrides: Any) -> Synthesized:
        return _synthesized(tuple(sorted(overrides.items())))

    return make


@pytest.fixture(scope="session")
def default(synth: Callable[..., Synthesized]) -> Synthesized:
    """Return the deployment that cdk.json describes."""
    return synth()


@pytest.fixture
def settings() -> Callable[..., Settings]:
    """Return a function that makes settings from overrides."""

    def make(**overrides: Any) -> Settings:
        return read_settings(overrides)

    return make
