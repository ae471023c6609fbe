"""Preflight's checks of the add-ons: their versions and their configuration."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from bionemo_eks.configuration.addons import addon_configuration
from bionemo_eks.configuration.versions import KUBERNETES_RELEASES
from ops.commands import preflight
from ops.preflight import addons
from ops.results import Verdict
from tests.context import read_settings
from tests.ops.accounts import one
from tests.ops.reading import in_order
from tests.simulated.accounts import good
from tests.simulated.answers import ADDON_SCHEMAS, addon_versions
from tests.simulated.aws import denied, error


def test_an_addon_version_that_does_not_exist_is_named() -> None:
    def versions(addonName: str, **more: Any) -> dict[str, Any]:
        if addonName != "coredns":
            answer: dict[str, Any] = good()["eks.describe_addon_versions"](  # type: ignore[operator,assignment]
                addonName=addonName, **more
            )
            return answer
        return {"addons": [{"addonVersions": [{"addonVersion": "v9"}]}]}

    result = one("Add-on versions", {}, eks__describe_addon_versions=versions)
    assert result.verdict is Verdict.FAIL
    assert KUBERNETES_RELEASES["1.35"].addons["coredns"] in result.said
    assert result.said.endswith("v9"), "the version that EKS has"
    assert "vpc-cni" not in result.said


def addon_answer(addon: str, instead: Callable[[], Any]) -> Any:
    """EKS's add-ons, one of which is answered by `instead`."""

    def answer(addonName: str, kubernetesVersion: str, **more: Any) -> Any:
        return instead() if addonName == addon else addon_versions(addonName, kubernetesVersion)

    return answer


def test_an_addon_that_eks_does_not_know_is_named() -> None:
    def refuse() -> None:
        raise error("DescribeAddonVersions", "InvalidParameterException", message="unsupported")

    answer = addon_answer("coredns", refuse)
    result = one("Add-on versions", {}, eks__describe_addon_versions=answer)
    assert result.verdict is Verdict.FAIL
    assert "coredns" in result.said
    assert KUBERNETES_RELEASES["1.35"].addons["coredns"] not in result.said, "no version would do"
    assert "vpc-cni" not in result.said


def test_an_addon_that_is_not_answered_in_time_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addons, "_DEADLINE", 0.5)

    def late() -> dict[str, Any]:
        time.sleep(2)
        return {"addons": []}

    answer = addon_answer("coredns", late)
    result = one("Add-on versions", {}, eks__describe_addon_versions=answer)
    assert result.verdict is Verdict.UNKNOWN
    assert "coredns" in result.said
    assert "vpc-cni" not in result.said


def test_addons_time_out_before_their_check_does() -> None:
    assert addons._DEADLINE < preflight._LEAST


def schemas(**changes: dict[str, Any] | str) -> Any:
    """EKS's schemas of the add-ons, some changed; a string is used as it is."""
    chosen = ADDON_SCHEMAS | {key.replace("_", "-"): each for key, each in changes.items()}

    def answer(addonName: str, addonVersion: str) -> dict[str, Any]:
        assert addonVersion == KUBERNETES_RELEASES["1.35"].addons[addonName]
        schema = chosen[addonName]
        text = schema if isinstance(schema, str) else json.dumps(schema)
        return {"addonName": addonName, "configurationSchema": text}

    return answer


CLOSED = {"type": "object", "additionalProperties": False, "properties": {}}


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        (CLOSED, ["nodeSelector"]),
        ({"properties": {"nodeSelector": {"type": "string"}}}, ["nodeSelector", "string"]),
        ({"required": ["replicaCount"]}, ["replicaCount"]),
        (
            {
                "definitions": {"closed": CLOSED},
                "properties": {"nodeSelector": {"$ref": "#/definitions/closed"}},
            },
            ["nodeSelector", "NodeGroupType"],
        ),
    ],
)
def test_a_setting_that_an_addon_does_not_accept_is_named(
    schema: dict[str, Any], named: list[str]
) -> None:
    result = one("Add-on settings", {}, eks__describe_addon_configuration=schemas(coredns=schema))
    assert result.verdict is Verdict.FAIL
    assert in_order(result.said, "coredns", *named)
    assert KUBERNETES_RELEASES["1.35"].addons["coredns"] in result.said
    assert "metrics-server" not in result.said
    assert "configuration/addons.py" in result.remedy[0].text


@pytest.mark.parametrize(
    "answer",
    [
        denied("DescribeAddonConfiguration"),
        error("DescribeAddonConfiguration", "ResourceNotFoundException"),
        schemas(coredns="no JSON"),
        schemas(coredns={"type": "what?"}),
        schemas(coredns={"$ref": "https://example.org/schema.json"}),
    ],
)
def test_without_a_readable_schema_the_result_is_unknown(answer: Any) -> None:
    """Nothing is fetched from the address that a schema may name."""
    result = one("Add-on settings", {}, eks__describe_addon_configuration=answer)
    assert result.verdict is Verdict.UNKNOWN


def test_an_addon_without_a_schema_accepts_anything() -> None:
    assert addons.faults("{}", {"any": {"thing": 1}}) == []


def test_the_schema_of_every_configured_addon_is_read() -> None:
    asked: list[str] = []

    def answer(addonName: str, addonVersion: str) -> dict[str, Any]:
        asked.append(addonName)
        return {"configurationSchema": "{}"}

    result = one("Add-on settings", {}, eks__describe_addon_configuration=answer)
    assert result.verdict is Verdict.PASS
    assert (
        set(asked)
        == set(addon_configuration(read_settings({})))
        <= set(KUBERNETES_RELEASES["1.35"].addons)
    )


def test_an_addon_that_is_turned_off_is_not_checked() -> None:
    asked: list[str] = []

    def answer(addonName: str, **more: Any) -> dict[str, Any]:
        asked.append(addonName)
        return {"addons": []}

    one("Add-on versions", {"gpu.repair": "off"}, eks__describe_addon_versions=answer)
    assert "coredns" in asked
    assert "eks-node-monitoring-agent" not in asked
