"""The permissions boundary and path of all roles in the app, including CDK's own."""

from __future__ import annotations

import jsii
from aws_cdk import Aspects, CfnResource, IAspect
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

_ROLE = "AWS::IAM::Role"


def govern_roles(scope: Construct, *, permissions_boundary: str, path: str) -> None:
    """Give every role below `scope` the policy with this ARN as its boundary, and the path.

    Empty: none. CDK has an aspect for boundaries, which reaches every `AWS::IAM::Role`, also those
    of its custom resources. It has none for paths.
    https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_iam.PermissionsBoundary.html
    """
    if permissions_boundary:
        policy = iam.ManagedPolicy.from_managed_policy_arn(
            scope, "PermissionsBoundary", permissions_boundary
        )
        iam.PermissionsBoundary.of(scope).apply(policy)
    if path:
        Aspects.of(scope).add(_RolePath(path))


@jsii.implements(IAspect)
class _RolePath:
    def __init__(self, path: str) -> None:
        self._path = path

    def visit(self, node: IConstruct) -> None:
        if isinstance(node, CfnResource) and node.cfn_resource_type == _ROLE:
            node.add_property_override("Path", self._path)
