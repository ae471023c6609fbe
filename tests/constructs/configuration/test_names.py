"""Names: AWS accepts them, they distinguish deployments, and they do not change."""

from __future__ import annotations

import re

import pytest

from bionemo_eks.configuration import names
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.tags import DEPLOYMENT_TAG
from tests.context import read_settings

ACCOUNT = "111122223333"
DEFAULT = read_settings({})
# The longest that the settings allow, and the region with the longest name.
LONGEST = read_settings({"cluster_name": "a" * 30, "region": "ap-southeast-1"})
ANOTHER = read_settings({"cluster_name": "another"})


@pytest.mark.parametrize("settings", [DEFAULT, LONGEST])
def test_s3_accepts_the_buckets_name(settings: Settings) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""
    name = names.bucket_name(settings, ACCOUNT)
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", name)


def test_the_next_deployment_finds_the_bucket_and_no_other_does() -> None:
    found = names.bucket_name(DEFAULT, ACCOUNT)
    assert found == names.bucket_name(read_settings({"gpu.nodes": "5"}), ACCOUNT)
    others = [
        names.bucket_name(ANOTHER, ACCOUNT),
        names.bucket_name(DEFAULT, "444455556666"),
        names.bucket_name(read_settings({"region": "eu-west-1"}), ACCOUNT),
    ]
    assert found not in others


def test_cloudformation_accepts_the_stacks_names() -> None:
    """128 letters, digits and hyphens, starting with a letter."""
    for stack in names.STACKS:
        assert re.fullmatch(r"[a-z][a-z0-9-]{0,127}", names.stack_name(LONGEST, stack))


def test_two_deployments_of_one_account_share_no_stack_and_no_log_group() -> None:
    def made(settings: Settings) -> set[str]:
        return {
            *(names.stack_name(settings, stack) for stack in names.STACKS),
            names.control_plane_log_group(settings),
            names.lustre_log_group(settings),
            *(names.insights_log_group(settings, kind) for kind in names.INSIGHTS_LOGS),
        }

    assert not made(DEFAULT) & made(ANOTHER)


def test_log_groups_have_the_names_that_the_services_write_to() -> None:
    """Under another name the service creates its own group, which nothing removes."""
    assert names.control_plane_log_group(DEFAULT) == "/aws/eks/bionemo-on-eks/cluster"
    assert names.lustre_log_group(DEFAULT).startswith("/aws/fsx/")
    assert (
        names.insights_log_group(DEFAULT, "application")
        == "/aws/containerinsights/bionemo-on-eks/application"
    )


def test_with_an_existing_vpc_there_is_no_network_stack() -> None:
    given = read_settings({"network.vpc_id": "vpc-12345678"})
    assert names.stacks(DEFAULT) == names.STACKS
    assert set(names.STACKS) - set(names.stacks(given)) == {"Network"}


def test_everything_carries_the_deployments_tag_besides_the_users() -> None:
    settings = read_settings({"tags": '{"team": "folding"}'})
    assert names.deployment_tags(settings) == {"team": "folding", DEPLOYMENT_TAG: "bionemo-on-eks"}


def test_a_name_follows_the_content_and_nothing_else() -> None:
    name = names.name_with_hash("job", {"a": 1, "b": [2]})
    assert name == names.name_with_hash("job", {"b": [2], "a": 1})
    assert name != names.name_with_hash("job", {"a": 1, "b": [3]})
    assert re.fullmatch(r"job-[0-9a-f]{8}", name)
