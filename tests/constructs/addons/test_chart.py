"""A Helm chart as CDK's kubectl provider installs it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk.assertions import Template

from bionemo_eks.addons.chart import add_chart
from bionemo_eks.configuration.versions import CHARTS, Chart
from tests.constructs.bare import CLUSTER, bare_stack, only, some_cluster

KIND = "Custom::AWSCDK-EKS-HelmChart"


def installed(
    chart: Chart, values: dict[str, Any] | None = None, *, wait: bool = True
) -> dict[str, Any]:
    stack = bare_stack()
    add_chart(some_cluster(stack), "Chart", chart, values or {}, wait=wait)
    return only(Template.from_stack(stack), KIND)


@pytest.mark.parametrize("name", CHARTS)
def test_it_is_the_pinned_one_with_a_readable_release_name(name: str) -> None:
    chart, found = CHARTS[name], installed(CHARTS[name])
    assert found["ClusterName"] == CLUSTER
    assert (found["Release"], found["Chart"]) == (name, chart.chart)
    assert (found["Repository"], found["Version"]) == (chart.repository, chart.version)


@pytest.mark.parametrize("name", CHARTS)
def test_its_namespace_exists(name: str) -> None:
    found = installed(CHARTS[name])
    assert found["Namespace"] == CHARTS[name].namespace
    # Every cluster has kube-system.
    assert found.get("CreateNamespace", False) == (found["Namespace"] != "kube-system")


def test_its_values_arrive_as_given() -> None:
    values = {"gfd": {"enabled": True}, "tolerations": [{"key": "a", "operator": "Exists"}]}
    assert json.loads(installed(CHARTS["nvidia-device-plugin"], values)["Values"]) == values


@pytest.mark.parametrize("wait", [True, False])
def test_the_deployment_waits_for_its_pods_only_on_request(wait: bool) -> None:
    found = installed(CHARTS["cluster-autoscaler"], wait=wait)
    assert found.get("Wait", False) is wait
    # Less than the 15 minutes that the provider's function has.
    assert found["Timeout"] == "600s"
