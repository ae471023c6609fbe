"""The end of each command's output: a verdict, and a command to paste."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest
from kubernetes import client as kubernetes

from ops.commands import ready
from ops.show.verdict import NEXT, make
from tests.ops.cluster_api import JOBS, NODES, Cluster, condition, job
from tests.ops.commands.command_line import Line
from tests.ops.status.deployments import stacked, standing
from tests.simulated.answers import quotas
from tests.simulated.aws import Answers, denied, error
from tests.simulated.capacity import running

MORE = ["-c", "gpu.nodes=2", "-c", 'tags={"owner": "me"}']
ASKED = " ".join(map(shlex.quote, MORE))


def ending(line: Line, answers: Answers, *arguments: str) -> tuple[str, str]:
    """The verdict, after an empty line, and the next command, the last line."""
    *above, following = line(answers, *arguments).stdout.rstrip("\n").split("\n")
    assert following.startswith(NEXT), following
    verdict = " ".join("\n".join(above).rpartition("\n\n")[2].split())
    return verdict, following.removeprefix(NEXT)


@pytest.mark.parametrize(
    ("answers", "verdict", "following"),
    [
        ({}, "Passed", f"make deploy CONTEXT={shlex.quote(ASKED)}"),
        ({"s3.head_bucket": denied("HeadBucket")}, "Passed", "make deploy CONTEXT="),
        (
            {"service-quotas.get_service_quota": quotas(L_417A185B=0)},
            "Not passed: 1 of ",
            f"fix each as shown above, then ./bionemo preflight {ASKED}",
        ),
        (
            {"service-quotas.get_service_quota": denied("GetServiceQuota")},
            "Not passed: no result for ",
            f"./bionemo preflight --patience 60 {ASKED}",
        ),
    ],
)
def test_preflight_ends_with_its_verdict_and_the_next_command(
    line: Line, answers: Answers, verdict: str, following: str
) -> None:
    shown, then = ending(line, answers, "preflight", *MORE)
    assert shown.startswith(verdict)
    assert then.startswith(following)


def test_settings_in_the_proposed_make_command_reach_the_shell_unchanged(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("deploy:\n\t@printf '%s\\n' $(CONTEXT)\n")
    given = ["tags={'price': '$9'}", 'tags={"a": "b c"}']
    done = subprocess.run(
        make("deploy", given), shell=True, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["-c", given[0], "-c", given[1]]


def test_verify_ends_with_its_verdict_and_the_next_command(
    line: Line, api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    answers = standing(api.configuration.host, ec2__describe_instances=running())
    shown, then = ending(line, answers, "verify")
    assert (shown.partition(":")[0], then) == ("Passed", "./bionemo status --watch")
    assert ending(line, standing(), "verify")[1].endswith("then ./bionemo verify"), "unknown"
    cluster.lists[NODES] = []
    shown, then = ending(line, answers, "verify", *MORE)
    assert shown.startswith("Not passed")
    assert then.endswith(f"then ./bionemo verify {ASKED}")


def test_cost_ends_with_what_it_did_not_buy_and_the_next_command(line: Line) -> None:
    shown, then = ending(line, {}, "cost")
    assert "nothing was bought" in shown
    assert then == "./bionemo preflight"


def test_status_ends_with_the_parts_in_trouble_and_the_next_command(
    line: Line, api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    host = api.configuration.host
    assert ending(line, standing(host), "status") == (
        "Everything is fine.",
        "./bionemo status --watch",
    )
    coming = standing(host, cloudformation__describe_stacks=stacked("UPDATE_IN_PROGRESS"))
    shown, then = ending(line, coming, "status")
    assert shown.endswith("Stacks.")
    assert then == "./bionemo status --watch"
    cluster.lists[JOBS] = [job("x", "uniref50-download", conditions=[condition("Failed", "full")])]
    shown, then = ending(line, standing(host), "status")
    assert shown.endswith("Workload.")
    assert "./bionemo retry data|training" in then


def test_status_without_a_deployment_says_how_to_deploy(line: Line) -> None:
    missing = error("DescribeCluster", "ResourceNotFoundException", 404)
    answers = standing(
        cloudformation__describe_stacks={"Stacks": []}, eks__describe_cluster=missing
    )
    assert ending(line, answers, "status") == ("Nothing is deployed.", "make deploy")


@pytest.mark.parametrize("command", ["preflight", "verify", "cost", "status"])
def test_programs_get_only_json(line: Line, command: str) -> None:
    assert json.loads(line(standing(), command, "--json").stdout)


def test_a_person_who_declines_is_told_how_to_deploy_later(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ready, "at_a_terminal", lambda: True)
    done = line({}, "ready", *MORE, answer="n\n")
    assert f"Next: make deploy CONTEXT={shlex.quote(ASKED)}" in done.stderr
