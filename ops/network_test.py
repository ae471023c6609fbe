"""NCCL's own test between the GPU nodes: its cost, its run, and its results."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from kubernetes import client as kubernetes

from bionemo_eks.configuration.settings import Settings
from bionemo_eks.jobs.network_test import LOWEST, network_test_objects
from bionemo_eks.jobs.places import NAMESPACE
from ops.aws import Deployment
from ops.cluster.api import ClusterError, asked, connected
from ops.cluster.jobs import job_state, jobs, worker_state
from ops.cost.prices import hourly_prices
from ops.results import Result, command, failed, passed, unknown

# Nodes take about 10 minutes to start, the image a few more, the test two.
_LIMIT = 45 * 60
_LOOK = 15.0
_PRICES_WITHIN = 3.0
_OVER = ("Succeeded", "Failed", "Completed", "Error")
_INDEX = "batch.kubernetes.io/job-completion-index"
# The test's table: size, count, type, redop, root, and twice time, algbw, busbw, wrong.
# https://github.com/NVIDIA/nccl-tests/blob/master/doc/PERFORMANCE.md
_ROW = re.compile(r"^ *(\d+) +\d+ +\w+ +\w+ +-?\d+ +[\d.]+ +[\d.]+ +([\d.]+) +(\S+)", re.MULTILINE)
_MEAN = re.compile(r"^# Avg bus bandwidth *: *([\d.]+)", re.MULTILINE)
_NETWORK = re.compile(r"Using network (.+)")
_PROVIDER = re.compile(r"NET/OFI Selected provider is (\w+)")


class NetworkTestError(RuntimeError):
    """A test failed; the message is one line."""


@dataclass(frozen=True)
class Found:
    """What a test printed: NCCL's network, libfabric's provider, GB/s on the bus by bytes.

    `mean`: GB/s over all sizes; `wrong`: number of incorrect values.
    """

    network: str
    provider: str
    rows: dict[int, float]
    mean: float
    wrong: int


def read(log: str) -> Found:
    """Return the results in a test's log; ValueError if it has no table."""
    rows = {int(size): float(rate) for size, rate, _ in _ROW.findall(log)}
    mean = _MEAN.search(log)
    if not rows or mean is None:
        raise ValueError("the test printed no table")
    network, provider = _NETWORK.search(log), _PROVIDER.search(log)
    return Found(
        network[1].strip() if network else "",
        provider[1] if provider else "",
        rows,
        float(mean[1]),
        sum(int(wrong) for _, _, wrong in _ROW.findall(log) if wrong.isdigit()),
    )


def cost(deployment: Deployment) -> str:
    """Say what the nodes cost while a test runs."""
    settings = deployment.settings
    known = hourly_prices(deployment.aws, settings.gpu.types, _PRICES_WITHIN)
    dollars = [known.hourly[each] for each in settings.gpu.types if each in known.hourly]
    many = f"{settings.gpu.nodes} x {settings.gpu.instance_type}"
    if not dollars:
        return f"The test runs on {many}; their price is unknown."
    hour = settings.gpu.nodes * max(dollars)
    return (
        f"The test runs on {many}: ${hour:,.2f} an hour On-Demand ({known.source}), from the "
        "first node's start until about 10 minutes after the test. About 25 minutes in total cost "
        f"${hour * 25 / 60:,.2f}."
    )


def hindrance(deployment: Deployment) -> str:
    """Say why no test can run now; empty if one can. ClusterError if that is unknown."""
    settings = deployment.settings
    if settings.gpu.nodes < 2:
        return "gpu.nodes is 1, but the test is for the network between nodes"
    old = [each.name for each in settings.gpu_instances if each.compute_capability < LOWEST]
    if old:
        return f"the test's image has no code for the GPUs of {' and '.join(old)}"
    with connected(deployment) as api:
        found = jobs(api, settings.workload)
    if "workers" in found.silent:
        raise ClusterError(found.silent["workers"])
    holding = {state: count for state, count in found.workers.items() if state not in _OVER}
    if not holding:
        return ""
    said = ", ".join(f"{count} {state}" for state, count in holding.items())
    return f"the training's workers hold the GPU nodes ({said}); wait until it ends, or suspend it"


def run(deployment: Deployment, say: Callable[[str], None]) -> str:
    """Run a test and return its log; leaves nothing behind.

    NetworkTestError if it fails or does not end, ClusterError if the cluster refuses it. A login
    lasts 15 minutes, so each poll uses a new one; an unanswered poll does not end the test.
    """
    name = f"network-test-{uuid.uuid4().hex[:8]}"
    with _made(deployment, name, say):
        until, before = time.monotonic() + _LIMIT, ""
        while time.monotonic() < until:
            try:
                state, now, log = _look(deployment, name)
            except ClusterError as error:
                if 400 <= error.status < 500:
                    raise
                state, now, log = "", str(error), ""
            if state == "complete":
                return log
            if state.startswith("failed"):
                say(log or "The first pod has printed nothing.")
                raise NetworkTestError(f"it has {state}; its last lines are above")
            if now != before:
                say(now)
            before = now
            time.sleep(_LOOK)
    raise NetworkTestError(f"it has not ended after {_LIMIT // 60} minutes: {before}")


@contextmanager
def _made(deployment: Deployment, name: str, say: Callable[[str], None]) -> Iterator[None]:
    """Create the test's objects, and delete them whatever happens."""
    service, job = network_test_objects(deployment.settings, name, _LIMIT)
    try:
        with connected(deployment) as api:
            asked(kubernetes.CoreV1Api(api).create_namespaced_service, NAMESPACE, service)
            asked(kubernetes.BatchV1Api(api).create_namespaced_job, NAMESPACE, job)
        yield
    finally:
        try:
            with connected(deployment) as api:
                _remove(api, name)
        except ClusterError as error:
            say(f"{error}. To delete the rest: kubectl delete job,service -n {NAMESPACE} {name}")


def _remove(api: kubernetes.ApiClient, name: str) -> None:
    batch, core = kubernetes.BatchV1Api(api), kubernetes.CoreV1Api(api)
    for delete in (batch.delete_namespaced_job, core.delete_namespaced_service):
        try:
            asked(delete, name, NAMESPACE, propagation_policy="Background")
        except ClusterError as error:
            if error.status != 404:
                raise


def _look(deployment: Deployment, name: str) -> tuple[str, str, str]:
    """Return a test's state, its pods' states, and once it has ended the log."""
    with connected(deployment) as api:
        state = job_state(asked(kubernetes.BatchV1Api(api).read_namespaced_job, name, NAMESPACE))
        pods = asked(
            kubernetes.CoreV1Api(api).list_namespaced_pod,
            NAMESPACE,
            label_selector=f"job-name={name}",
        ).items
        over = state.startswith(("complete", "failed"))
        return state, _pod_states(pods, deployment.settings), _log(api, pods) if over else ""


def _log(api: kubernetes.ApiClient, pods: list[Any]) -> str:
    """Return the first pod's log, or nothing if it never ran."""
    first = [each for each in pods if (each.metadata.annotations or {}).get(_INDEX) == "0"]
    for each in first:
        if each.status.phase != "Pending":
            text = asked(
                kubernetes.CoreV1Api(api).read_namespaced_pod_log, each.metadata.name, NAMESPACE
            )
            return str(text)
    return ""


def _pod_states(pods: list[Any], settings: Settings) -> str:
    states = [worker_state(each) for each in pods]
    running = states.count("Running")
    others = sorted({each for each in states if each != "Running"})
    more = f" ({', '.join(others)})" if others else ""
    return f"{running} of {settings.gpu.nodes} pods running{more}"


def node_gbits(deployment: Deployment) -> float | None:
    """Return the Gbit/s that a node's cards can do together, None if AWS does not report it.

    With EFA, only the cards that have one; else card 0.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkCardInfo.html
    """
    settings = deployment.settings
    try:
        (described,) = deployment.aws.client("ec2").describe_instance_types(
            InstanceTypes=[settings.gpu.types[0]]
        )["InstanceTypes"]
        cards_described = described["NetworkInfo"]["NetworkCards"]
        peaks = {each["NetworkCardIndex"]: each["PeakBandwidthInGbps"] for each in cards_described}
        cards = enumerate(settings.gpu_instance.network_cards)
        used = [index for index, card in cards if card.efa] if settings.efa else [0]
        return float(sum(peaks[index] for index in used))
    except (ClientError, BotoCoreError, KeyError, ValueError):
        return None


def results(deployment: Deployment, log: str) -> list[Result]:
    """Return the results of a test: NCCL's transport and the bus bandwidth."""
    try:
        found = read(log)
    except ValueError as error:
        return [unknown("Network test", str(error))]
    return [_transport(deployment.settings, found), _bandwidth(deployment, found)]


def _transport(settings: Settings, found: Found) -> Result:
    name = "NCCL's transport"
    said = found.network or "NCCL did not say"
    said += f", provider {found.provider}" if found.provider else ""
    if settings.efa and found.provider != "efa":
        look = command("kubectl describe node -l eks-node=gpu")
        return failed(
            name, f"{said}; not EFA, which the nodes have", "Check the nodes for EFAs:", look
        )
    if not settings.efa:
        said += f"; without EFA: {settings.no_efa or 'gpu.efa is off'}"
    return passed(name, said)


def _bandwidth(deployment: Deployment, found: Found) -> Result:
    name, largest = "Bus bandwidth", max(found.rows)
    size = f"{largest / 2**30:g} GiB"
    said = f"{found.rows[largest]:,.1f} GB/s at {size}, {found.mean:,.1f} over all sizes"
    gbits = node_gbits(deployment)
    if gbits is None:
        said += "; the type's bandwidth is unknown"
    else:
        said += f"; a {deployment.settings.gpu.types[0]} can send {gbits / 8:,.1f} GB/s"
        said += f" ({gbits:,.0f} Gbit/s)"
    if found.wrong:
        return failed(name, f"{said}; {found.wrong} values are wrong")
    return passed(name, said)
