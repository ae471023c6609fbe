"""Settings of a company's account: their allowed formats."""

from __future__ import annotations

import pytest

from bionemo_eks.configuration.reader import SettingsError
from tests.context import COMPANY, read_settings

CDKS = "@aws-cdk/core:bootstrapQualifier"


def test_valid_values_are_accepted() -> None:
    account = read_settings(COMPANY).account
    assert account.permissions_boundary == COMPANY["account.permissions_boundary"]
    assert account.role_path == "/teams/biology/"
    assert account.kms_key == COMPANY["account.kms_key"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("permissions_boundary", "limits"),
        ("permissions_boundary", "arn:aws:iam::111122223333:role/limits"),
        ("role_path", "teams"),
        ("role_path", "/teams"),
        ("role_path", "/"),
        ("role_path", "/te ams/"),
        ("kms_key", "alias/mine"),
        ("kms_key", "arn:aws:kms:us-west-2:111122223333:alias/mine"),
        ("bootstrap_qualifier", "longer-than-ten"),
        ("bootstrap_qualifier", "a.b"),
    ],
)
def test_a_malformed_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"account\.{name}.*{value}"):
        read_settings({f"account.{name}": value})


def test_a_key_of_another_region_is_refused() -> None:
    """EKS and FSx accept none."""
    with pytest.raises(SettingsError, match=r"account\.kms_key.*not in region eu-west-1"):
        read_settings({**COMPANY, "region": "eu-west-1"})


def test_cdks_own_name_for_the_qualifier_is_the_same_setting() -> None:
    assert read_settings({CDKS: "mine"}).account.bootstrap_qualifier == "mine"
    both = {CDKS: "mine", "account.bootstrap_qualifier": "mine"}
    assert read_settings(both).account.bootstrap_qualifier == "mine"
    with pytest.raises(SettingsError, match=r"account\.bootstrap_qualifier.*theirs"):
        read_settings({CDKS: "mine", "account.bootstrap_qualifier": "theirs"})


@pytest.mark.parametrize(
    "value", ["default", "kubeflow", "kube-system", "kube-mine", "Team", "a,a", "x" * 41, "-a"]
)
def test_a_reserved_or_invalid_namespace_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match=r"cluster\.job_namespaces"):
        read_settings({"cluster.job_namespaces": value})


def test_custom_namespaces_are_accepted() -> None:
    settings = read_settings({"cluster.job_namespaces": "team-a,biology"})
    assert settings.cluster.job_namespaces == ["team-a", "biology"]
