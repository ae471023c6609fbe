"""Network: the VPC, its subnets and its gateways."""

from __future__ import annotations

from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import Construct

from bionemo_eks.configuration.settings import Settings
from bionemo_eks.network.vpc import Network


class NetworkStack(Stack):
    """The VPC with public, routable private and large node subnets."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, **stack: Any
    ) -> None:
        super().__init__(scope, construct_id, **stack)
        self._zones = list(settings.zones)
        Validations.of(self).acknowledge(
            Acknowledgment(
                id="CloudFormation-Validate::W3010",
                reason="The zones are a setting: GPU nodes are offered in some of them only.",
            )
        )
        network = settings.network
        self.subnets = Network(
            self,
            "Network",
            vpc_cidr=network.vpc_cidr,
            pod_cidr=network.pod_cidr,
            zones=settings.zones,
            nat_gateways=1 if network.nat_gateways == "one" else len(settings.zones),
            flow_log_days=network.flow_log_days,
        ).subnets

    @property
    def availability_zones(self) -> list[str]:
        """The settings' zones: `ec2.Vpc` needs them, and CDK would look them up in the account.

        https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.Stack.html#availabilityzones
        """
        return self._zones
