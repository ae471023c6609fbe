"""Helm charts with pinned versions and readable release names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_eks_v2 as eks

from bionemo_eks.configuration.versions import Chart


def add_chart(
    cluster: eks.ICluster,
    construct_id: str,
    chart: Chart,
    values: Mapping[str, Any],
    *,
    wait: bool,
) -> eks.HelmChart:
    """Install `chart` with `values`; with `wait` the deployment fails unless pods become ready."""
    return cluster.add_helm_chart(
        construct_id,
        release=chart.release,
        chart=chart.chart,
        repository=chart.repository,
        version=chart.version,
        namespace=chart.namespace,
        create_namespace=chart.namespace != "kube-system",
        values=dict(values),
        wait=wait,
        timeout=Duration.minutes(10),
    )
