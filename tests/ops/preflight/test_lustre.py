"""Preflight's checks of FSx for Lustre: its quotas, and whether the region offers it."""

from __future__ import annotations

from typing import Any

from ops.results import StepKind, Verdict
from tests.ops.accounts import one, results_in
from tests.ops.reading import needed_used_allowed, of_kind
from tests.simulated.accounts import standing
from tests.simulated.answers import OWN, quotas

LUSTRE = {"LustreConfiguration": {"DeploymentType": "PERSISTENT_2"}, "StorageCapacity": 100_000}


def test_other_file_systems_of_the_kind_count() -> None:
    systems = {
        "FileSystems": [
            LUSTRE,
            {
                **LUSTRE,
                "Tags": [OWN],
                "FileSystemId": "fs-0123456789abcdef0",
                "SubnetIds": ["subnet-0123456789abcdef0"],
            },
            {"LustreConfiguration": {"DeploymentType": "SCRATCH_2"}, "StorageCapacity": 50_000},
        ]
    }
    result = one("FSx storage quota", {}, standing(), fsx__describe_file_systems=systems)
    assert result.verdict is Verdict.FAIL
    assert needed_used_allowed(result) == [2400, 100_000, 100_800]
    short: Any = {"service~quotas__get_service_quota": quotas(L_FD6F2F22=1)}
    short["fsx__describe_file_systems"] = systems
    result = one("FSx number quota", {}, standing(), **short)
    assert result.verdict is Verdict.FAIL
    assert needed_used_allowed(result) == [1, 1, 1]
    assert "L-FD6F2F22" in result.said


def test_a_leftover_file_system_counts_and_one_being_deleted_does_not() -> None:
    left = {**LUSTRE, "FileSystemId": "fs-0123456789abcdef0", "Tags": [OWN]}
    going = {**LUSTRE, "Lifecycle": "DELETING"}
    systems = {"FileSystems": [left, going, going]}
    answer: Any = {"fsx__describe_file_systems": systems}
    assert needed_used_allowed(one("FSx storage quota", {}, **answer))[:2] == [2400, 100_000]
    assert needed_used_allowed(one("FSx number quota", {}, **answer))[:2] == [1, 1]


def test_a_file_system_without_a_fixed_size_breaks_nothing() -> None:
    tiering = {"LustreConfiguration": {"DeploymentType": "PERSISTENT_2"}}
    systems = {"FileSystems": [{**tiering, "StorageType": "INTELLIGENT_TIERING"}]}
    result = one("FSx storage quota", {}, fsx__describe_file_systems=systems)
    assert result.verdict is Verdict.PASS
    assert needed_used_allowed(result)[1] == 0


def test_a_region_without_persistent_2_fails() -> None:
    result = results_in("region without FSx PERSISTENT_2")["FSx PERSISTENT_2"]
    assert result.verdict is Verdict.FAIL
    assert of_kind(StepKind.LINK, result)


def test_the_throughput_is_reported_as_not_verified() -> None:
    text = results_in("everything in order")["FSx PERSISTENT_2"].said
    assert "500 MB/s/TiB is not checked" in text
