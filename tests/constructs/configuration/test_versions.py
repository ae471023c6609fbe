"""The pinned versions: those of one row belong together, and each can be installed."""

from __future__ import annotations

import importlib
import re
from datetime import timedelta
from importlib.metadata import version as installed_version

import pytest

from bionemo_eks.configuration.versions import CHARTS, IMAGES, KUBERNETES_RELEASES
from tests.context import ROOT, read_settings

VERSIONS = list(KUBERNETES_RELEASES)


def minor(version: str) -> int:
    return int(version.partition(".")[2])


def test_the_versions_ascend() -> None:
    """A warning suggests its last row."""
    assert [minor(each) for each in VERSIONS] == sorted({minor(each) for each in VERSIONS})
    assert read_settings({}).kubernetes_version in VERSIONS


@pytest.mark.parametrize("version", VERSIONS)
def test_a_row_holds_what_goes_with_its_version(version: str) -> None:
    release = KUBERNETES_RELEASES[version]
    assert release.version == version
    assert release.autoscaler.startswith(f"v{version}.")
    assert release.addons["kube-proxy"].startswith(f"v{version}.")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_has_the_same_addons_all_pinned(version: str) -> None:
    release = KUBERNETES_RELEASES[version]
    assert set(release.addons) == set(KUBERNETES_RELEASES[VERSIONS[0]].addons)
    for name, pinned in release.addons.items():
        assert re.fullmatch(r"v\d+\.\d+\.\d+-eksbuild\.\d+", pinned), name


@pytest.mark.parametrize("version", VERSIONS)
def test_extended_support_is_a_year_more(version: str) -> None:
    """https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html"""
    release = KUBERNETES_RELEASES[version]
    longer = release.extended_support_until - release.standard_support_until
    assert longer in (timedelta(days=365), timedelta(days=366))


@pytest.mark.parametrize("version", VERSIONS)
def test_kubectl_of_the_same_version_is_installed_and_of_a_deployments_requirements(
    version: str,
) -> None:
    release = KUBERNETES_RELEASES[version]
    package = importlib.import_module(f"aws_cdk.{release.kubectl_layer_package}")
    assert hasattr(package, release.kubectl_layer_class)
    distribution = f"aws-cdk.{release.kubectl_layer_package.replace('_', '-')}"
    required = (ROOT / "requirements.txt").read_text().splitlines()
    assert f"{distribution}=={installed_version(distribution)}" in required


@pytest.mark.parametrize("name", IMAGES)
def test_images_are_pinned_with_a_reason(name: str) -> None:
    registry_and_name, _, tag = IMAGES[name].reference.rpartition(":")
    assert "/" in registry_and_name
    assert tag not in ("", "latest")
    assert IMAGES[name].reason


@pytest.mark.parametrize("name", CHARTS)
def test_charts_are_pinned_with_a_reason_under_their_releases_names(name: str) -> None:
    chart = CHARTS[name]
    assert chart.release == name
    assert re.fullmatch(r"v?\d+\.\d+\.\d+", chart.version)
    assert chart.repository.startswith("https://")
    assert chart.reason
