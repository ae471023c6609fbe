"""Alarms on what the jobs print: the training's end, and trouble with the data set."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from bionemo_eks.jobs.dataset_job import DATA_JOB


@dataclass(frozen=True)
class Message:
    """What to tell when a line holds all of `terms`: Container Insights adds a container's name.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
    """

    name: str
    terms: tuple[str, ...]
    text: str


def messages(training: str) -> tuple[Message, ...]:
    """Return what is told of the jobs; `training` is the PyTorchJob's name."""
    return (
        Message(
            "training-succeeded",
            ("training-succeeded", "condition met"),
            "The training has ended well; its checkpoints are in the bucket. The GPU nodes go.",
        ),
        Message(
            "training-failed",
            ("training-failed", "condition met"),
            "The training has failed, after more restarts than are allowed. The GPU nodes go. "
            f"See: ./bionemo status, kubectl describe pytorchjob {training}",
        ),
        Message(
            "dataset-error",
            (DATA_JOB, "error:"),
            "The data Job reports an error. It tries again unless another try would end the same; "
            "no GPU node starts before it succeeds. See: ./bionemo status",
        ),
    )


class JobAlarms(Construct):
    """An alarm for each of `messages`, on the lines in `log_group_name`, that reaches `topic`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster_name: str,
        training: str,
        log_group_name: str,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        group = logs.LogGroup.from_log_group_name(self, "Lines", log_group_name)
        for message in messages(training):
            name = message.name.title().replace("-", "")
            lines = logs.MetricFilter(
                self,
                f"{name}Lines",
                log_group=group,
                filter_pattern=logs.FilterPattern.all_terms(*message.terms),
                metric_namespace=f"BioNeMoOnEKS/{cluster_name}",
                metric_name=name,
            )
            alarm = lines.metric(statistic="Sum", period=Duration.minutes(1)).create_alarm(
                self,
                name,
                alarm_name=f"{cluster_name}-{message.name}",
                alarm_description=message.text,
                threshold=1,
                evaluation_periods=1,
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )
            alarm.add_alarm_action(actions.SnsAction(topic))
