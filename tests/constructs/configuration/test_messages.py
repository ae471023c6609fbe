"""The message about a setting that is unknown or whose value is not allowed."""

from __future__ import annotations

import json
import re
from typing import Any, Literal, get_origin

import pytest

from bionemo_eks.configuration.reader import SettingsError, setting_fields
from tests.context import MODEL, read_settings, refusal

ADMIN = "arn:aws:iam::111122223333:role/platform"
FIELDS = dict(setting_fields(MODEL))


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("cluster_name", "xn--a", ["letters"]),
        ("cluster_name", "sg-a", ["letters"]),
        ("gpu.nodes", "0", ["1", "64"]),
        ("gpu.nodes", "4_0", ["1", "64"]),
        ("gpu.nodes", True, ["1", "64"]),
        ("region", "us-west", ["us-west-2"]),
        ("region", "us-wset-2", ["us-west-2"]),
        ("region", "us-gov-west-1", ["China", "GovCloud"]),
        ("gpu.instance_type", "p9.large", ["p3.16xlarge", "p5.48xlarge"]),
        ("kubernetes_version", "1.30", ["1.29", "1.32", "1.33", "1.34", "1.35"]),
        ("storage.capacity_gib", "2000", ["1200", "2400"]),
        ("storage.keep_bucket", "off", ["true", "false"]),
        ("network.flow_log_days", True, ["1", "30", "731"]),
        ("cluster.admins", ["me"], ["arn:aws:iam::"]),
        ("cluster.admins", [ADMIN, ADMIN], ["arn:aws:iam::"]),
        ("cluster.public_access_cidrs", ["10.0.0.0/8"], ["203.0.113.0/24"]),
        ("cluster.public_access_cidrs", ["8.8.8.8/32", "100.64.0.0/10"], ["203.0.113.0/24"]),
        ("cluster.public_access_cidrs", ["fd00::/8"], ["IPv4"]),
        ("cluster.public_access_cidrs", ["10.0.0.0/99"], ["IPv4"]),
        ("cluster.public_access_cidrs", ["8.8.8.8/32"] * 41, ["1", "40"]),
        ("cluster.admins", ["arn:aws:iam::111122223333:role/"], ["arn:aws:iam::"]),
        ("cluster.admins", ["arn:aws:iam::111122223333:role/a/"], ["arn:aws:iam::"]),
        ("cluster.admins", ["arn:aws-cn:iam::111122223333:role/a"], ["arn:aws:iam::"]),
        ("cluster.admins", [f"arn:aws:iam::111122223333:role/{'a' * 65}"], ["arn:aws:iam::"]),
        ("network.vpc_cidr", "10.1.0.0/24", ["/16", "/22"]),
        ("network.vpc_cidr", "10.1.0.0", ["/16", "/22"]),
        ("network.vpc_cidr", "127.0.0.0/16", ["/16", "/22"]),
        ("network.vpc_cidr", "224.0.0.0/16", ["/16", "/22"]),
        ("network.vpc_id", "vpc-0123456789", ["vpc-0123456789abcdef0"]),
        ("network.node_subnet_ids", ["subnet-012345678"], ["subnet-0123456789abcdef0"]),
        ("network.availability_zones", ["us-west-2-lax-1a", "us-west-2a"], ["us-west-2a"]),
        ("gpu.availability_zone", "us-west-2-lax-1a", ["us-west-2a"]),
        ("gpu.capacity_reservation_id", "cr-0123456789", ["cr-0123456789abcdef0"]),
        ("training.image", "nvcr.io/NVIDIA/bionemo:1.2", ["image reference"]),
        ("training.image", "nvcr.io/nvidia/bionemo:", ["image reference"]),
        ("training.image", "nvcr.io//bionemo", ["image reference"]),
        ("tags", {"Team": "a", "team": "b"}, ["letters", "digits"]),
        ("tags", {f"k{number}": "v" for number in range(41)}, ["up to 40"]),
        (
            "dataset.url",
            "ftp://mirror.example.org/u.fasta.gz",
            ["HTTP or HTTPS", "s3://bucket/key"],
        ),
        ("dataset.url", "s3://bucket", ["s3://bucket/key"]),
        ("dataset.url", "s3://Bucket/u.fasta", ["s3://bucket/key"]),
        ("dataset.url", "s3://bucket/folder/", ["s3://bucket/key"]),
        ("dataset.url", "s3://bucket/../u.fasta", ["s3://bucket/key"]),
        ("dataset.url", "s3://bucket/my file.fasta", ["no spaces"]),
        ("dataset.url", "s3://bucket/$(HOME).fasta", ["no spaces, quotes or $"]),
        ("dataset.url", "/home/me/u.fasta", ["a path below /fsx"]),
        ("dataset.url", "/fsx/../etc/passwd", ["a path below /fsx"]),
        ("dataset.url", "/fsx/", ["a path below /fsx"]),
        ("dataset.val_size", 0, ["auto", "records", "share"]),
        ("dataset.val_size", 1.5, ["auto", "records", "share"]),
        ("dataset.test_size", "all", ["auto", "records", "share"]),
        ("dataset.test_size", True, ["auto", "records", "share"]),
        ("dataset.url", "https://mirror.example.org:99999/u.fasta.gz", ["HTTP or HTTPS"]),
        ("dataset.url", "https://mirror.example.org/?a=b.gz", ["file"]),
        ("dataset.url", "https://mirror.example.org/a b.gz", ["spaces"]),
        ("dataset.url", "https://mirror.example.org/$(HOME).gz", ["quotes or $"]),
        ("dataset.url", "https:///u.fasta.gz", ["HTTP or HTTPS"]),
        ("dataset.http_proxy", "proxy.example.org:3128", ["http://proxy.example.org:3128"]),
        ("dataset.http_proxy", "http://proxy.example.org/path", ["http://proxy.example.org:3128"]),
        ("dataset.https_proxy", "https://proxy.example.org", ["http://proxy.example.org:3128"]),
        ("dataset.https_proxy", "http://proxy:0", ["http://proxy.example.org:3128"]),
        ("dataset.no_proxy", ["10.0.0.0/8"], ["no CIDR blocks"]),
        ("tags", {"aws:x": "1"}, ["letters", "digits"]),
        ("tags", {"team#1": "a"}, ["letters", "digits"]),
        ("tags", {"team": "a#1"}, ["letters", "digits"]),
        ("tags", {"bionemo-on-eks/deployment": "x"}, ["letters", "digits"]),
    ],
)
def test_a_message_names_the_setting_the_value_what_is_allowed_and_how_to_set_it(
    name: str, value: Any, allowed: list[str]
) -> None:
    group, _, plain = name.rpartition(".")
    text = refusal({"bionemo": {group: {plain: value}} if group else {plain: value}})
    first, *_ = text.splitlines()
    assert f"'{name}'" in first
    assert json.dumps(value)[:200] in first
    (offered,) = re.findall(r"Allowed: (.*?)\. Default: ", text)
    assert re.search(".*".join(map(re.escape, allowed)), offered)
    assert json.dumps(FIELDS[name].get_default()) in text
    assert f"-c {name}=" in text


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("region", "us-wst-2", "us-west-2"),
        ("region", "eu-centrl-1", "eu-central-1"),
        ("gpu.instance_type", "p4d.24xlrge", "p4d.24xlarge"),
        ("gpu.instance_type", "p4d.24xlarge,p4de.24xlrge", "p4de.24xlarge"),
        ("core.instance_type", "M5.xlarge", "m5.xlarge"),
        ("gpu.purchase", "ondemand", "on-demand"),
        ("cluster.endpoint", "public-and-privat", "public-and-private"),
    ],
)
def test_the_nearest_name_is_suggested(name: str, value: str, meant: str) -> None:
    assert f"Did you mean '{meant}'?" in refusal({name: value})


@pytest.mark.parametrize(
    ("value", "shown"),
    [("Zürich", "Zürich"), ("東京", "東京"), ("a\x1b[2Jb", "u001b"), ("a\u202eb", "u202e")],
)
def test_letters_are_shown_as_written_and_control_codes_escaped(value: str, shown: str) -> None:
    text = refusal({"region": value})
    assert shown in text
    assert all(each.isprintable() or each == "\n" for each in text)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("8.8.8.8", ["8.8.8.8/32"]),
        ("8.8.8.0/255.255.255.0", ["8.8.8.0/24"]),
        ("8.8.8.8,8.8.8.8/32", ["8.8.8.8/32"]),
    ],
)
def test_an_address_is_passed_on_in_the_form_that_eks_expects(given: str, taken: list[str]) -> None:
    settings = read_settings({"cluster.public_access_cidrs": given})
    assert settings.cluster.public_access_cidrs == taken


@pytest.mark.parametrize("name", ["dataset.url", "dataset.http_proxy", "dataset.https_proxy"])
@pytest.mark.parametrize(
    "value",
    [
        "https://me:secret@mirror.example.org/u.fasta.gz",
        "http://me:secret@proxy.example.org:3128",
        "ftp://me:secret@mirror.example.org/u.fasta.gz",
        "https://me:secret@[mirror/u.fasta.gz",
        "https://me:secret/@mirror.example.org/u.fasta.gz",
        "me:secret@proxy.example.org:3128",
        ["http://me:secret@proxy.example.org:3128"],
    ],
)
def test_a_password_is_refused_and_not_repeated(name: str, value: Any) -> None:
    group, _, plain = name.partition(".")
    text = refusal({"bionemo": {group: {plain: value}}})
    assert text.startswith(
        f"Setting '{name}' is not repeated here because it may hold a password: "
    )
    assert "secret" not in text
    if str(value).startswith(("https://me:secret@m", "http://")):
        assert "a user and password are not allowed in it: they would appear in the Job" in text


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("cluster.public_access_cidrs", "8.8.8.8/32,100.64.0.0/10", "100.64.0.0/10"),
        ("cluster.public_access_cidrs", "8.8.8.8/32,fd00::/8", "fd00::/8"),
        ("tags", '{"team": "a", "aws:x": "1"}', "aws:x"),
        ("tags", '{"team": "a", "bionemo-on-eks/deployment": "x"}', "bionemo-on-eks/deployment"),
    ],
)
def test_the_wrong_value_of_several_is_named(name: str, value: str, wrong: str) -> None:
    first, *_ = refusal({name: value}).splitlines()
    reason = first.rpartition("]: " if name != "tags" else "}: ")[2]
    assert wrong in reason
    assert "8.8.8.8" not in reason
    assert "team" not in reason


def accepted(name: str, value: str) -> bool:
    """Whether a setting accepts a value, on its own or together with others."""
    try:
        read_settings({name: value})
    except SettingsError as error:
        return f"'{name}'" not in str(error)
    return True


def choices(name: str) -> list[str]:
    (offered,) = re.findall(r"Allowed: (.*?)\. Default: ", refusal({name: "nothing-like-it"}))
    return str(offered).split(", ")


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, field in FIELDS.items()
        if get_origin(field.annotation) is Literal or field.examples
    ],
)
def test_every_value_that_a_message_offers_is_accepted(name: str) -> None:
    for value in choices(name):
        assert accepted(name, value), value


@pytest.mark.parametrize(
    "name", [name for name, field in FIELDS.items() if field.annotation is int]
)
def test_the_bounds_in_a_message_are_the_real_ones(name: str) -> None:
    (offered,) = re.findall(r"Allowed: (.*?)\. Default: ", refusal({name: "-1"}))
    numbers = [int(each) for each in re.findall(r"\d+", offered)]
    for beyond in (min(numbers) - 1, max(numbers) + 1):
        assert not accepted(name, str(beyond)), beyond
    for bound in (min(numbers), max(numbers)):
        assert accepted(name, str(bound)), bound


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("gpu.node", "gpu.nodes"),
        ("gpu_nodes", "gpu.nodes"),
        ("gpu-nodes", "gpu.nodes"),
        (" gpu.nodes", "gpu.nodes"),
        ("gpu.instance-type", "gpu.instance_type"),
    ],
)
def test_an_unknown_name_is_reported_with_the_nearest_known_one(key: str, meant: str) -> None:
    text = refusal({key: "1"})
    assert f"'{key}'" in text
    assert f"'{meant}'" in text
    assert "docs/settings.md" in text


def test_a_group_in_place_of_a_setting_is_reported_with_its_settings() -> None:
    text = refusal({"gpu": "3"})
    assert all(name in text for name in FIELDS if name.startswith("gpu."))


def test_a_dotted_name_in_the_file_is_reported_as_it_should_be_written() -> None:
    assert '"gpu": {"nodes": ...}' in refusal({"bionemo": {"gpu.nodes": 4}})


@pytest.mark.parametrize("group", [[], 3, "x", None])
def test_a_group_that_is_not_an_object_is_named_with_its_value(group: Any) -> None:
    text = refusal({"bionemo": {"gpu": group}})
    assert "'gpu'" in text
    assert json.dumps(group) in text


@pytest.mark.parametrize("block", ["{}", [1], None, 3])
def test_a_block_that_is_not_an_object_is_answered_with_how_to_set_settings(
    block: Any,
) -> None:
    text = refusal({"bionemo": block})
    assert json.dumps(block) in text
    assert "cdk.json" in text
    assert "-c gpu.nodes=2" in text


def test_several_bad_settings_are_reported_at_once() -> None:
    text = refusal({"gpu.nodes": "0", "region": "moon", "core.max_nodes": "2"})
    assert all(name in text for name in ("gpu.nodes", "region", "core.max_nodes"))
