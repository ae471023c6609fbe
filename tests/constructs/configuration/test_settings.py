"""Settings: any input is accepted, or answered with one clear message."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bionemo_eks.configuration.advice import advice
from bionemo_eks.configuration.cdk_context import read_context, settings_of
from bionemo_eks.configuration.page import settings_page
from bionemo_eks.configuration.reader import SettingsError, setting_fields, settings_model
from bionemo_eks.configuration.versions import KUBERNETES_RELEASES
from bionemo_eks.jobs.workloads import WORKLOADS
from tests.context import read_settings

ADMIN = "arn:aws:iam::111122223333:role/platform"
SUBNET = "subnet-0123456789abcdef0"
ROOT = Path(__file__).resolve().parents[3]
MODEL = settings_model(WORKLOADS["esm1nv"], WORKLOADS)
NAMES = [name for name, _ in setting_fields(MODEL)]
TEXTS = st.one_of(
    st.text(max_size=30),
    st.from_regex(r"-?[0-9]{1,12}", fullmatch=True),
    st.sampled_from(["true", "false", "", "null", "[]", "{}", '["a"]', "1,2", "[", "{", "NaN"]),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


def message_for(context: dict[str, Any]) -> str:
    """The message for `context`; empty when it is accepted."""
    try:
        read_settings(context)
    except SettingsError as error:
        return str(error) or "(an empty message)"
    return ""


def accepted_or_told(context: dict[str, Any]) -> None:
    text = message_for(context)
    assert text != "(an empty message)"
    assert "pydantic" not in text
    assert "Traceback" not in text
    assert len(text) < 20_000


@given(name=st.sampled_from(NAMES), value=TEXTS)
@hypothesis_settings(max_examples=400, deadline=None)
def test_any_text_for_any_setting(name: str, value: str) -> None:
    """As `-c name=value` hands it over."""
    text = message_for({name: value})
    if text:
        group, _, plain = name.rpartition(".")
        assert plain in text or f"'{group}'" in text
        assert "llowed" in text


@given(block=st.dictionaries(st.sampled_from([*NAMES, *(n.split(".")[0] for n in NAMES)]), VALUES))
@hypothesis_settings(max_examples=300, deadline=None)
def test_any_block_in_cdk_json(block: dict[str, Any]) -> None:
    accepted_or_told({"bionemo": block})


@given(name=st.sampled_from(NAMES), value=VALUES)
@hypothesis_settings(max_examples=400, deadline=None)
def test_any_value_for_any_setting_in_cdk_json(name: str, value: Any) -> None:
    group, _, inner = name.rpartition(".")
    accepted_or_told({"bionemo": {group: {inner: value}} if group else {name: value}})


WHOLE = [name for name, field in setting_fields(MODEL) if field.annotation is int]


@given(name=st.sampled_from(WHOLE), value=VALUES | st.from_regex(r"[0-9_ .e+-]{1,6}"))
@hypothesis_settings(max_examples=400, deadline=None)
def test_a_whole_number_is_taken_only_as_one_writes_it(name: str, value: Any) -> None:
    group, _, inner = name.partition(".")
    if not message_for({"bionemo": {group: {inner: value}}}):
        assert not isinstance(value, bool)
        assert re.fullmatch(r"\s*-?[0-9]+(\.0+)?\s*", str(value))


@pytest.mark.parametrize("key", [name.replace(".", "-").replace("_", "-") for name in NAMES])
def test_a_setting_in_another_spelling_is_not_overlooked(key: str) -> None:
    if key not in NAMES:
        assert f"There is no setting '{key}'. Did you mean" in message_for({key: "1"})


def test_cdks_own_keys_are_left_alone() -> None:
    keys = json.loads((ROOT / "cdk.json").read_text())["context"].keys() - {"bionemo"}
    looked_up = [
        "availability-zones:account=111122223333:region=us-west-2",
        "vpc-provider:account=111122223333:filter.vpc-id=vpc-1:region=us-west-2",
        "acknowledged-issue-numbers",
        "cli-telemetry",
    ]
    assert message_for(dict.fromkeys([*keys, *looked_up], "x")) == ""


@given(context=st.dictionaries(st.text(max_size=20), VALUES, max_size=4))
@hypothesis_settings(max_examples=300, deadline=None)
def test_any_context_at_all(context: dict[str, Any]) -> None:
    accepted_or_told(context)


@given(block=VALUES)
@hypothesis_settings(max_examples=100, deadline=None)
def test_any_thing_in_place_of_the_block(block: Any) -> None:
    accepted_or_told({"bionemo": block})


@pytest.mark.parametrize(
    ("context", "parts"),
    [
        ({"gpu.nodes": "0"}, ["'gpu.nodes' is \"0\"", "from 1 to 64", "-c gpu.nodes="]),
        ({"gpu.node": "1"}, ["no setting 'gpu.node'", "Did you mean 'gpu.nodes'?"]),
        ({"gpu_nodes": "1"}, ["no setting 'gpu_nodes'", "'gpu.nodes'"]),
        ({"gpu": "3"}, ["'gpu' is a group", "gpu.nodes"]),
        ({"region": "us-west"}, ["not of the allowed form", "such as us-west-2"]),
        ({"gpu.instance_type": "p9.large"}, ["p3.16xlarge", "not one of the allowed values"]),
        ({"kubernetes_version": "1.30"}, ["1.29, 1.32, 1.33, 1.34, 1.35"]),
        ({"storage.capacity_gib": "2000"}, ["1200, or a multiple of 2400"]),
        ({"cluster.admins": "me"}, ["cluster.admins", "arn:aws"]),
        ({"core.nodes": "5", "core.max_nodes": "4"}, ["core.nodes and core.max_nodes"]),
        ({"gpu.availability_zone": "us-west-2c"}, ["us-west-2a, us-west-2b"]),
        (
            {"region": "eu-west-1", "network.availability_zones": "us-east-1a,us-east-1b"},
            ["region"],
        ),
        ({"tags": '{"aws:x": "1"}'}, ["AWS reserves tag keys"]),
        ({"tags": '{"team#1": "a"}'}, ["'tags' is", "keys and values of letters"]),
        ({"tags": '{"team": "a#1"}'}, ["'tags' is", "keys and values of letters"]),
        ({"tags": '{"bionemo-on-eks/deployment": "x"}'}, ["the project's own tag"]),
        ({"cluster.admins": f"{ADMIN},{ADMIN}"}, ["an admin is named twice"]),
        ({"cluster.public_access_cidrs": "10.0.0.0/8"}, ["10.0.0.0/8 is not of the internet"]),
        ({"cluster.public_access_cidrs": "8.8.8.8/32,100.64.0.0/10"}, ["100.64.0.0/10 is not"]),
        ({"cluster.public_access_cidrs": "fd00::/8"}, ["is not an IPv4 block"]),
        ({"cluster.public_access_cidrs": ",".join(["8.8.8.8/32"] * 41)}, ["1 to 40 IPv4 blocks"]),
        ({"network.pod_cidr": "192.168.0.0/16"}, ["192.168.0.0/16, which AWS does not take"]),
        (
            {"network.vpc_id": "vpc-12345678", "network.node_subnet_ids": f"{SUBNET},{SUBNET}"},
            ["names a subnet twice"],
        ),
        ({"gpu-nodes": "1"}, ["no setting 'gpu-nodes'", "'gpu.nodes'"]),
        ({" gpu.nodes": "1"}, ["no setting ' gpu.nodes'", "'gpu.nodes'"]),
        ({"bionemo": {"gpu.nodes": 4}}, ["stands in its group", '"gpu": {"nodes": ...}']),
        ({"bionemo": {"gpu": {"nodes": True}}}, ["'gpu.nodes' is true", "a whole number"]),
        ({"bionemo": {"network": {"flow_log_days": True}}}, ["is true: not one of the allowed"]),
        ({"bionemo": {"gpu": []}}, ["'gpu' is []: must be an object"]),
        ({"bionemo": "{}"}, ["With -c, settings are named one by one"]),
        ({"gpu.nodes": "4_0"}, ["must be a whole number"]),
        ({"storage.keep_bucket": "off"}, ["must be true or false"]),
        ({"region": "us-wset-2"}, ["not of the allowed form", "us-west-2"]),
        ({"region": "us-gov-west-1"}, ["outside China and GovCloud"]),
        ({"bionemo": [1]}, ["must be an object"]),
        ({"bionemo": {"gpu": 3}}, ["gpu"]),
    ],
)
def test_messages_name_the_setting_the_value_and_what_is_allowed(
    context: dict[str, Any], parts: list[str]
) -> None:
    with pytest.raises(SettingsError) as error:
        read_settings(context)
    for part in parts:
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("context", "concerned"),
    [
        (
            {"network.vpc_cidr": "100.64.0.0/16"},
            {"network.vpc_cidr": '"100.64.0.0/16"', "network.pod_cidr": None},
        ),
        ({"network.pod_cidr": "10.0.0.0/16"}, {"network.pod_cidr": '"10.0.0.0/16"'}),
        (
            {"network.node_subnet_ids": SUBNET},
            {"network.vpc_id": None, "network.node_subnet_ids": f'["{SUBNET}"]'},
        ),
        (
            {"network.availability_zones": "us-west-2a,us-west-2a"},
            {"network.availability_zones": '["us-west-2a", "us-west-2a"]'},
        ),
        (
            {"core.nodes": "5", "core.max_nodes": "4"},
            {"core.nodes": '"5"', "core.max_nodes": '"4"'},
        ),
        (
            {"gpu.purchase": "capacity-reservation"},
            {"gpu.purchase": '"capacity-reservation"', "gpu.capacity_reservation_id": None},
        ),
        (
            {"dataset.preparation": "bionemo", "dataset.url": "https://example.com/a.gz"},
            {"dataset.preparation": '"bionemo"', "dataset.url": '"https://example.com/a.gz"'},
        ),
        (
            {"region": "eu-west-1", "network.availability_zones": "us-east-1a,us-east-1b"},
            {
                "region": '"eu-west-1"',
                "network.availability_zones": '["us-east-1a", "us-east-1b"]',
            },
        ),
        (
            {"gpu.availability_zone": "eu-west-1a"},
            {"region": None, "gpu.availability_zone": '"eu-west-1a"'},
        ),
        (
            {"gpu.availability_zone": "us-west-2c"},
            {"network.availability_zones": None, "gpu.availability_zone": '"us-west-2c"'},
        ),
    ],
)
def test_settings_that_do_not_go_together_are_all_named_with_their_values(
    context: dict[str, str], concerned: dict[str, str | None]
) -> None:
    """No other is named; None stands for a default."""
    with pytest.raises(SettingsError) as error:
        read_settings(context)
    _, *lines, _ = str(error.value).splitlines()
    assert [line.split()[0] for line in lines] == list(concerned)
    for line, value in zip(lines, concerned.values(), strict=True):
        assert (f" is {value}. Allowed: " if value else " has its default. Allowed: ") in line


@pytest.mark.parametrize(
    ("vpc", "pods", "fits"),
    [
        ("10.1.0.0/21", "100.64.0.0/16", True),
        ("10.1.0.0/21", "10.2.0.0/16", True),
        ("10.1.0.0/21", "10.0.0.0/16", False),
        ("10.2.0.0/21", "10.0.0.0/16", True),
        ("10.1.0.0/21", "172.16.0.0/16", False),
        ("10.1.0.0/21", "198.19.0.0/16", False),
        ("172.16.0.0/21", "172.20.0.0/16", True),
        ("172.16.0.0/21", "172.31.0.0/16", False),
        ("192.168.0.0/21", "100.64.0.0/16", True),
        ("100.64.0.0/21", "100.65.0.0/16", True),
        ("100.64.0.0/21", "10.0.0.0/16", False),
        ("198.19.0.0/20", "100.64.0.0/16", True),
    ],
)
def test_a_second_block_is_one_that_aws_takes(vpc: str, pods: str, fits: bool) -> None:
    context = {"network.vpc_cidr": vpc, "network.pod_cidr": pods}
    if fits:
        assert read_settings(context).network.pod_cidr == pods
        return
    with pytest.raises(SettingsError, match="does not take as second block"):
        read_settings(context)


@pytest.mark.parametrize("block", ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "203.0.113.0/24"])
def test_addresses_of_the_internet_may_reach_the_endpoint(block: str) -> None:
    found = read_settings({"cluster.public_access_cidrs": block})
    assert found.cluster.public_access_cidrs == [block]


def test_with_an_existing_vpc_one_zone_may_be_named() -> None:
    context = {"network.vpc_id": "vpc-12345678", "network.availability_zones": "us-west-2c"}
    assert read_settings(context).gpu_zone == "us-west-2c"


def test_the_command_line_wins_over_the_file_and_cdks_own_keys_are_left_alone() -> None:
    found = read_settings(
        {"bionemo": {"gpu": {"nodes": 3}}, "gpu.nodes": "5", "@aws-cdk/core:x": True, "a:b": 1}
    )
    assert found.gpu.nodes == 5
    assert found.gpu.instance_type == "p3.16xlarge"


@pytest.mark.parametrize("value", ['["us-west-2a","us-west-2c"]', "us-west-2a, us-west-2c"])
def test_lists_are_taken_as_json_or_with_commas(value: str) -> None:
    assert read_settings({"network.availability_zones": value}).zones == (
        "us-west-2a",
        "us-west-2c",
    )


@pytest.mark.parametrize(
    ("changes", "workers", "gpus", "per_worker"),
    [
        ({}, 16, 16, 1),
        ({"training.layout": "pod-per-node"}, 2, 16, 8),
        ({"gpu.instance_type": "g5.12xlarge", "gpu.nodes": "3"}, 12, 12, 1),
        ({"gpu.instance_type": "p3.2xlarge", "training.layout": "pod-per-node"}, 2, 2, 1),
    ],
)
def test_sizes_derive(changes: dict[str, str], workers: int, gpus: int, per_worker: int) -> None:
    found = read_settings(changes)
    assert (found.workers, found.gpus, found.gpus_per_worker) == (workers, gpus, per_worker)


def test_the_settings_page_is_what_the_code_says() -> None:
    assert (ROOT / "docs/settings.md").read_text() == settings_page(WORKLOADS), "run: make format"


def test_the_block_in_cdk_json_holds_the_defaults(tmp_path: Path) -> None:
    """Of the file as it was committed: a user edits it, and may test what is then deployed."""
    show = ["git", "-C", str(ROOT), "show", "HEAD:cdk.json"]
    committed = subprocess.run(show, capture_output=True, check=False)
    if committed.returncode:
        pytest.skip("not a git checkout")
    (tmp_path / "cdk.json").write_bytes(committed.stdout)
    assert settings_of(tmp_path, WORKLOADS) == read_settings({})


@pytest.mark.parametrize(
    "region", ["us-east-1", "ap-southeast-5", "ca-west-1", "il-central-1", "mx-central-1"]
)
def test_regions_are_accepted(region: str) -> None:
    assert read_settings({"region": region}).zones == (f"{region}a", f"{region}b")


def test_context_files_and_options_in_the_clis_order(tmp_path: Path) -> None:
    (tmp_path / "cdk.context.json").write_text('{"x:a": 1, "x:b": 1, "gpu.nodes": 4}')
    (tmp_path / "cdk.json").write_text('{"context": {"x:b": 2, "bionemo": {"gpu": {"nodes": 3}}}}')
    found = read_context(tmp_path, ["x:b=3"])
    assert (found["x:a"], found["x:b"]) == (1, "3")
    assert settings_of(tmp_path, WORKLOADS).gpu.nodes == 4


@pytest.mark.parametrize("option", ["gpu.nodes", "=3", ""])
def test_an_option_without_a_value_is_told(option: str) -> None:
    with pytest.raises(SettingsError, match="key=value"):
        read_context(ROOT, [option])


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("cdk.json", "{", "cdk.json is not JSON"),
        ("cdk.json", "[]", "cdk.json must be a JSON object"),
        ("cdk.json", '{"context": null}', '"context" in cdk.json must be an object'),
        ("cdk.context.json", "null", "cdk.context.json must be a JSON object"),
        ("cdk.context.json", "\x00", "cdk.context.json is not JSON"),
        ("cdk.json", '\ufeff{"context": {"gpu.node": 1}}', "Did you mean 'gpu.nodes'?"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SettingsError, match=re.escape(said)):
        settings_of(tmp_path, WORKLOADS)


def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "cdk.json").mkdir()
    with pytest.raises(SettingsError, match=r"cdk\.json cannot be read"):
        settings_of(tmp_path, WORKLOADS)


@pytest.mark.parametrize(
    ("version", "today", "said"),
    [
        ("1.35", date(2026, 11, 24), ""),
        ("1.33", date(2026, 7, 29), ""),
        ("1.33", date(2026, 7, 30), "standard support ended on 2026-07-29"),
        ("1.29", date(2026, 11, 24), "AWS creates no new cluster"),
        ("1.35", date(2028, 4, 1), "extended support ended on 2028-03-27"),
    ],
)
def test_support_that_has_ended_is_told_with_its_date(version: str, today: date, said: str) -> None:
    found = advice(read_settings({"kubernetes_version": version}), today)
    text = found.get("kubernetes-support", "")
    assert said in text
    assert bool(said) == bool(text)


def test_an_endpoint_that_is_open_to_all_is_told() -> None:
    today = date(2026, 11, 24)
    assert "public-endpoint" in advice(read_settings({}), today)
    for changes in (
        {"cluster.endpoint": "private"},
        {"cluster.public_access_cidrs": "203.0.113.0/24"},
    ):
        assert "public-endpoint" not in advice(read_settings(changes), today)


def test_the_default_version_has_standard_support_into_2027() -> None:
    release = KUBERNETES_RELEASES[read_settings({}).kubernetes_version]
    assert release.standard_support_until >= date(2027, 1, 1)


def test_cdk_json_is_read_by_people() -> None:
    """The settings come first; feature flags follow."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    assert next(iter(context)) == "bionemo"
