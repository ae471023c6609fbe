"""A watched deployment: its course, the watch, the template's alarms, and the messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from acts import Act, Limits, act
from bionemo_eks.configuration.names import metrics_namespace
from bionemo_eks.observability.idle_alarm import IdleAlarm
from bionemo_eks.observability.job_alarms import JobAlarms
from cloudwatch_metrics import values
from job_states import Look, states
from stall import Progress
from tests.constructs.bare import bare_stack
from tests.context import read_settings
from tests.simulated.cloudwatch import CloudWatch
from tests.workloads.watch.course import Course

SETTINGS = read_settings({})
NAMESPACE = metrics_namespace(SETTINGS)
# Minutes within which a failure is reported.
SOON = 5
WORKLOAD = SETTINGS.workload
NO_LIMITS = Limits()


@cache
def alarms() -> tuple[dict[str, Any], ...]:
    stack = bare_stack()
    topic = sns.Topic(stack, "Topic")
    JobAlarms(stack, "Jobs", settings=SETTINGS, topic=topic)
    IdleAlarm(stack, "Idle", settings=SETTINGS, topic=topic)
    found = Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm").values()
    return tuple(each["Properties"] for each in found)


def metrics() -> Iterator[dict[str, Any]]:
    """The metrics that alarms use, including those of expressions."""
    for alarm in alarms():
        parts = [
            each["MetricStat"]["Metric"]
            for each in alarm.get("Metrics", [])
            if "MetricStat" in each
        ]
        yield from parts or [alarm]


class Deployment:
    """A course, the watch over it with `limits`, and CloudWatch."""

    def __init__(self, limits: Limits = NO_LIMITS) -> None:
        self.course, self.cloudwatch, self.limits = Course(), CloudWatch(), limits
        self.doings: list[Act] = []
        self.cloudwatch.add_alarms(alarms())

    def after(self, minutes: int, *, watched: bool = True) -> Deployment:
        """Let time pass; `watched` or not."""
        for _ in range(minutes):
            if watched:
                # The watch is recreated for each look, because it keeps no relevant state.
                seen = self._seen()
                self.cloudwatch.publish(NAMESPACE, values(states(seen)))
                doing = act(seen, self.limits)
                if doing:
                    self.course.change(doing)
                    self.doings.append(doing)
            self.cloudwatch.tick()
            self.course.passes()
        return self

    def _seen(self) -> Look:
        look = self.course.look()
        progress = Progress(self.course.log, WORKLOAD.progress.pattern, self.limits.stall_minutes)
        return replace(look, progress=progress.seen(look.training, look.workers, look.now))

    def uses(self, per_cent: float, minutes: int) -> Deployment:
        """Let time pass with GPU nodes up, and their GPUs used this much."""
        for _ in range(minutes):
            cluster = {"ClusterName": SETTINGS.cluster_name}
            self.cloudwatch.publish(
                "ContainerInsights", {"node_gpu_utilization": per_cent}, **cluster
            )
            self.after(1)
        return self

    def mails(self) -> list[str]:
        return [name.removeprefix("bionemo-on-eks-") for _, name in self.cloudwatch.mails]


def deployed(limits: Limits = NO_LIMITS) -> Deployment:
    """A deployment whose watch starts some minutes after its alarms."""
    deployment = Deployment(limits).after(20, watched=False)
    deployment.course.deploy()
    return deployment.after(3)


def trains(limits: Limits = NO_LIMITS) -> Deployment:
    deployment = deployed(limits)
    deployment.course.end_data("Complete")
    deployment.after(2).course.end_launcher()
    deployment.after(10).course.nodes_come()
    return deployment.after(30)
