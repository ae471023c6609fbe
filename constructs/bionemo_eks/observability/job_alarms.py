"""Alarms on the jobs' states: how the training ends, and what keeps it from running.

The watch (`workloads/watch`) publishes the states, Container Insights the containers' metrics. No
alarm depends on the text of a log, except the stall alarm, which depends on its absence.
"""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from bionemo_eks.configuration import names
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.jobs.places import NAMESPACE

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-enhanced-EKS.html
_INSIGHTS = "ContainerInsights"
# Minutes without a value after which the watch counts as silent. Updating it takes one or two.
SILENT_MINUTES = 15
# Minutes that a pod may wait on its node for its volume or its network. A new node's driver needs a
# minute or more to start.
CANNOT_START_MINUTES = 5
# Failed minutes, of so many, for what is retried: no message about a failure that a retry fixes.
_TRIES, _OF = 3, 5
# Metrics of the watch, as named in `workloads/watch/cloudwatch_metrics.py`.
WATCHING = "Watching"


@dataclass(frozen=True)
class Message:
    """The message to send while the watch's `metric` is at `threshold` or above.

    `looks`: how many checks (of the last five, if more than one) must have found it so.
    """

    name: str
    metric: str
    text: str
    threshold: float = 1
    looks: int = 1


def messages(settings: Settings) -> tuple[Message, ...]:
    """Return the messages about the states that the watch publishes."""
    job, pending = settings.workload.job, settings.notifications.pending_minutes
    return (*_ends(job, _nodes(settings)), *_obstacles(job, pending), _stall(settings))


def _nodes(settings: Settings) -> str:
    """Say what happens to the GPU nodes when no worker runs."""
    if settings.gpu.scaling == "fixed":
        return (
            "gpu.scaling is fixed: the GPU nodes keep running, and cost money, until make destroy."
        )
    return "The GPU nodes are scaling down."


def _ends(job: str, nodes: str) -> tuple[Message, ...]:
    """Return the messages about how data Job, launcher and training end."""
    return (
        Message(
            "training-succeeded",
            "TrainingSucceeded",
            f"Training succeeded; its checkpoints are in the bucket. {nodes}",
        ),
        Message(
            "training-failed",
            "TrainingFailed",
            f"Training failed. {nodes} For the reason: ./bionemo status, "
            f"kubectl describe pytorchjob {job}. After fixing it: ./bionemo retry training",
        ),
        Message(
            "dataset-error",
            "DataFailed",
            "The data Job failed and will not retry; no GPU node starts. For the reason: "
            "./bionemo status. After fixing it: ./bionemo retry data",
        ),
        Message(
            "launcher-failed",
            "LauncherFailed",
            "The launcher gave up, so the training does not start. For the reason: ./bionemo "
            "status. After fixing it: ./bionemo retry training",
        ),
        Message(
            "training-out-of-time",
            "TrainingOutOfTime",
            "The training has used up its time (training.max_hours), or its Capacity Block is "
            f"about to end. It is suspended with a last checkpoint. {nodes} To resume: "
            "raise training.max_hours, or set the id of another block, and run make deploy",
        ),
    )


def _obstacles(job: str, pending: int) -> tuple[Message, ...]:
    """Return the messages about pods that do not start or keep failing."""
    return (
        Message(
            "workers-pending",
            "WorkersPendingMinutes",
            f"Workers have been waiting for a GPU node for {pending} minutes. See: "
            f"kubectl describe pod {job}-worker-0; often the zone has no capacity",
            threshold=pending,
        ),
        Message(
            "pod-cannot-start",
            "CannotStartMinutes",
            "A pod of the data Job, the launcher or the training does not start because its volume "
            "or its network is missing. See: kubectl describe pods; ./bionemo verify",
            threshold=CANNOT_START_MINUTES,
        ),
        Message(
            "job-out-of-memory",
            "JobsOutOfMemory",
            "A container of the data Job or the launcher was killed because it exceeded its memory "
            "limit. The Job retries a few times. See: ./bionemo status",
        ),
        Message(
            "init-image-missing",
            "InitContainersWithoutImage",
            "The image of an init container cannot be pulled. See: kubectl describe pods",
            looks=_TRIES,
        ),
    )


_ON_STALL = {
    "tell": "No action is taken (training.on_stall)",
    "restart": "It is restarted once from its newest checkpoint, and suspended if that does not "
    "help",
    "suspend": "It is suspended. {nodes} To resume: ./bionemo retry training",
}


def _stall(settings: Settings) -> Message:
    """Return the message about a training that runs without progress."""
    done = _ON_STALL[settings.training.on_stall].format(nodes=_nodes(settings))
    return Message(
        "training-stalled",
        "TrainingStalled",
        "All workers run, but none has printed a line of progress for "
        f"{settings.notifications.stall_minutes} minutes. {done}. "
        f"See: ./bionemo status, kubectl logs {settings.workload.job}-worker-0",
    )


class JobAlarms(Construct):
    """Alarms on a deployment's jobs that notify `topic`; the metrics need not exist yet."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, topic: sns.ITopic
    ) -> None:
        super().__init__(scope, construct_id)
        self._cluster, self._topic = settings.cluster_name, topic
        namespace = names.metrics_namespace(settings)
        for message in messages(settings):
            self._add_message(namespace, message)
        self._add_silence(namespace, settings.workload.watch)
        self._add_insights(settings.workload.watch)

    def _add_message(self, namespace: str, message: Message) -> None:
        alarm = self._alarm(
            message.name,
            # A single 0 is enough to leave ALARM, so that the next failure is reported.
            _metric(namespace, message.metric, "Minimum"),
            message.text,
            threshold=message.threshold,
            periods=_OF if message.looks > 1 else 1,
            datapoints=message.looks,
            # Nothing is known while the watch is down: alarms keep their state.
            treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
        )
        alarm.add_alarm_action(actions.SnsAction(self._topic))

    def _add_silence(self, namespace: str, watch: str) -> None:
        """Notify when the watch falls silent, but not before its first value.

        A new alarm starts in INSUFFICIENT_DATA, and an action is for a change from one state to
        another: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
        """
        alarm = self._alarm(
            "watch-silent",
            _metric(namespace, WATCHING, "SampleCount"),
            f"The watch has published no states for {SILENT_MINUTES} minutes, so nothing about the "
            f"jobs would be reported. See: kubectl get pods, kubectl logs deployment/{watch}",
            comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            periods=SILENT_MINUTES,
            treat_missing_data=cloudwatch.TreatMissingData.MISSING,
        )
        alarm.add_insufficient_data_action(actions.SnsAction(self._topic))

    def _add_insights(self, watch: str) -> None:
        """Add alarms on what Container Insights counts in the cluster's pods and in the watch."""
        cluster = {"ClusterName": self._cluster}
        of_the_watch = {**cluster, "Namespace": NAMESPACE, "PodName": watch}
        found = (
            (
                "image-missing",
                "pod_container_status_waiting_reason_image_pull_error",
                cluster,
                "A pod's image cannot be pulled: a wrong name, no access, or no route to the "
                "registry. See: kubectl get pods --all-namespaces",
                _TRIES,
            ),
            (
                "out-of-memory",
                "pod_container_status_terminated_reason_oom_killed",
                cluster,
                "A container was killed because it exceeded its memory limit, and was restarted. "
                "See: kubectl get pods --all-namespaces, ./bionemo status",
                1,
            ),
            (
                "watch-crashes",
                "pod_container_status_waiting_reason_crash_loop_back_off",
                of_the_watch,
                f"The watch keeps crashing. See: kubectl logs deployment/{watch} --previous",
                _TRIES,
            ),
        )
        for name, metric, dimensions, text, minutes in found:
            alarm = self._alarm(
                name,
                _metric(_INSIGHTS, metric, "Maximum", dimensions),
                text,
                periods=_OF,
                datapoints=minutes,
                # Kubelet's states come and go between retries.
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )
            alarm.add_alarm_action(actions.SnsAction(self._topic))

    def _alarm(
        self,
        name: str,
        metric: cloudwatch.Metric,
        text: str,
        *,
        threshold: float = 1,
        comparison: cloudwatch.ComparisonOperator = (
            cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
        ),
        periods: int = 1,
        datapoints: int | None = None,
        treat_missing_data: cloudwatch.TreatMissingData,
    ) -> cloudwatch.Alarm:
        return metric.create_alarm(
            self,
            name.title().replace("-", ""),
            alarm_name=f"{self._cluster}-{name}",
            alarm_description=text,
            threshold=threshold,
            comparison_operator=comparison,
            evaluation_periods=periods,
            datapoints_to_alarm=datapoints,
            treat_missing_data=treat_missing_data,
        )


def _metric(
    namespace: str, name: str, statistic: str, dimensions: dict[str, str] | None = None
) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map=dimensions or {},
        statistic=statistic,
        period=Duration.minutes(1),
    )
