"""An alarm on GPU nodes that are running, and cost money, while their GPUs are idle."""

from __future__ import annotations

import math

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from bionemo_eks.configuration import names
from bionemo_eks.configuration.settings import Settings

# Percent, on average over all GPUs of the cluster.
IDLE_BELOW = 5
# Minutes. The watch's checks drift, so not every minute has one.
_PERIOD = 5
# The value while no training should run, which never triggers the alarm.
_BUSY = 100


class IdleAlarm(Construct):
    """Notifies `topic` of idle GPUs while a training should run.

    The CloudWatch agent publishes `node_gpu_utilization` per GPU and per cluster; without GPU nodes
    there is no value, and no alarm. The watch knows whether a training should run: it is not
    suspended and has not ended. GPUs that are idle before that, as with fixed nodes, are idle by
    choice.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-enhanced-EKS.html
    https://github.com/aws/amazon-cloudwatch-agent/blob/main/translator/translate/otel/exporter/awsemf/kubernetes.go
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, topic: sns.ITopic
    ) -> None:
        super().__init__(scope, construct_id)
        minutes, job = settings.notifications.idle_minutes, settings.workload.job
        namespace, period = names.metrics_namespace(settings), Duration.minutes(_PERIOD)

        def state(name: str) -> cloudwatch.Metric:
            return cloudwatch.Metric(
                namespace=namespace, metric_name=name, statistic="Minimum", period=period
            )

        use = cloudwatch.Metric(
            namespace="ContainerInsights",
            metric_name="node_gpu_utilization",
            dimensions_map={"ClusterName": settings.cluster_name},
            statistic="Average",
            period=period,
        )
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
        use_while_training = cloudwatch.MathExpression(
            expression=f"IF(created OR running, use, {_BUSY})",
            using_metrics={
                "created": state("TrainingCreated"),
                "running": state("TrainingRunning"),
                "use": use,
            },
            label="GPU use while a training should run, %",
            period=period,
        )
        alarm = use_while_training.create_alarm(
            self,
            "Alarm",
            alarm_name=f"{settings.cluster_name}-gpus-idle",
            alarm_description=f"GPU nodes are running, but GPU use has been below {IDLE_BELOW} % "
            f"for {minutes} minutes, while {job} should run. The nodes cost money. See: "
            f"./bionemo status, kubectl logs {job}-worker-0",
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            threshold=IDLE_BELOW,
            evaluation_periods=math.ceil(minutes / _PERIOD),
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(topic))
