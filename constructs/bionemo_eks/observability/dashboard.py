"""Messages, alarms and a dashboard."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

_INSIGHTS = "ContainerInsights"
# https://docs.aws.amazon.com/fsx/latest/LustreGuide/fs-metrics.html
_FSX = "AWS/FSx"
LOW_SPACE_SHARE = 0.1


class Notifications(Construct):
    """A topic for alarms and for GPU nodes that start and stop."""

    def __init__(self, scope: Construct, construct_id: str, *, email: str) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(self, "Topic", enforce_ssl=True)
        # For alarms of this account; the target below adds EventBridge's permission.
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisAccount",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        if email:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))

    def notify_of_gpu_nodes(self, *, node_group_prefix: str, cluster_name: str) -> None:
        """Send a message when a GPU node starts, stops, or is not available.

        A managed node group's Auto Scaling group is called `eks-<node group>-<id>`:
        https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html
        """
        rule = events.Rule(
            self,
            "GpuNodes",
            description="GPU nodes of the training that start and go",
            event_pattern=events.EventPattern(
                source=["aws.autoscaling"],
                detail_type=[
                    "EC2 Instance Launch Successful",
                    "EC2 Instance Launch Unsuccessful",
                    "EC2 Instance Terminate Successful",
                ],
                detail={"AutoScalingGroupName": [{"prefix": f"eks-{node_group_prefix}"}]},
            ),
        )
        event = events.EventField
        rule.add_target(
            targets.SnsTopic(
                self.topic,
                message=events.RuleTargetInput.from_text(
                    f"{cluster_name}, GPU nodes: {event.from_path('$.detail-type')}, "
                    f"{event.from_path('$.detail.EC2InstanceId')}, at {event.time}. "
                    "How far the training is: ./bionemo status"
                ),
            )
        )


class Dashboard(Construct):
    """One page for GPUs, nodes and file system, and alarms that notify `topic`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster_name: str,
        file_system_id: str,
        capacity_gib: int,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        self._topic = topic
        cluster = {"ClusterName": cluster_name}
        file_system = {"FileSystemId": file_system_id}
        free = _metric(_FSX, "FreeDataStorageCapacity", file_system, "Sum", 1)
        failed = _metric(_INSIGHTS, "cluster_failed_node_count", cluster, "Maximum", 5)
        self._alarm(
            "LittleSpace",
            free,
            capacity_gib * 2**30 * LOW_SPACE_SHARE,
            cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            "Less than a tenth of the file system is free: writing checkpoints will fail",
        )
        self._alarm(
            "FailedNodes",
            failed,
            1,
            cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            "A node of the cluster is unhealthy",
        )
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=cluster_name,
            widgets=[
                [
                    _graph("GPU use, %", _gpu("node_gpu_utilization", cluster)),
                    _graph("GPU memory, %", _gpu("node_gpu_memory_utilization", cluster)),
                ],
                [
                    _graph("Nodes", _metric(_INSIGHTS, "cluster_node_count", cluster, "Average")),
                    _graph("Free space, bytes", free),
                ],
                [
                    _graph("Read, bytes", _metric(_FSX, "DataReadBytes", file_system, "Sum", 1)),
                    _graph("Write, bytes", _metric(_FSX, "DataWriteBytes", file_system, "Sum", 1)),
                ],
            ],
        )

    def _alarm(
        self,
        construct_id: str,
        metric: cloudwatch.Metric,
        threshold: float,
        comparison: cloudwatch.ComparisonOperator,
        description: str,
    ) -> None:
        alarm = metric.create_alarm(
            self,
            construct_id,
            alarm_description=description,
            threshold=threshold,
            evaluation_periods=3,
            comparison_operator=comparison,
            treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
        )
        alarm.add_alarm_action(actions.SnsAction(self._topic))


def _metric(
    namespace: str, name: str, dimensions: Mapping[str, str], statistic: str, minutes: int = 5
) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map=dict(dimensions),
        statistic=statistic,
        period=Duration.minutes(minutes),
    )


def _gpu(name: str, dimensions: Mapping[str, str]) -> cloudwatch.Metric:
    return _metric(_INSIGHTS, name, dimensions, "Average", 1)


def _graph(title: str, metric: cloudwatch.Metric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=[metric], width=12)
