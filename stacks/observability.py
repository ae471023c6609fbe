"""Observability: a dashboard, alarms, and messages about jobs and GPU nodes."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from bionemo_eks.configuration import names
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.observability.budget import MonthlyBudget
from bionemo_eks.observability.dashboard import Dashboard, Notifications
from bionemo_eks.observability.idle_alarm import IdleAlarm
from bionemo_eks.observability.job_alarms import JobAlarms
from bionemo_eks.storage.lustre import LustreFileSystem


class ObservabilityStack(Stack):
    """The dashboard, alarms and messages of a deployment."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        file_system: LustreFileSystem,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, **stack)
        notifications = Notifications(self, "Notifications", email=settings.notifications.email)
        notifications.notify_of_gpu_nodes(
            node_group_prefix=names.node_group_prefix(settings, "gpu"),
            cluster_name=settings.cluster_name,
        )
        JobAlarms(self, "Jobs", settings=settings, topic=notifications.topic)
        IdleAlarm(self, "Idle", settings=settings, topic=notifications.topic)
        if settings.notifications.monthly_budget:
            MonthlyBudget(self, "Budget", settings=settings, topic=notifications.topic)
        Dashboard(
            self,
            "Dashboard",
            cluster_name=settings.cluster_name,
            file_system_id=file_system.file_system_id,
            capacity_gib=settings.storage.capacity_gib,
            topic=notifications.topic,
        )
        CfnOutput(self, "TopicArn", value=notifications.topic.topic_arn)
