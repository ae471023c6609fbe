"""Every private name of the emulator that the rehearsal uses, and its purpose.

A new version of ministack may change them without notice; tests/rehearsal/local_aws/test_private.py
detects that. Where a service's public calls suffice, they are used instead (`in_process`).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

_CLOUDFORMATION = "ministack.services.cloudformation"


@dataclass(frozen=True)
class Private:
    """A private name: its module, its use, and what is expected of it.

    For a function, the names of its `parameters`; for a table, the `fields` of each entry.
    """

    module: str
    name: str
    use: str
    parameters: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()

    @property
    def value(self) -> Any:
        """The current value of the name."""
        return getattr(import_module(self.module), self.name)

    def wrap(self, around: Callable[..., Any]) -> None:
        """Replace it with `around(original, *arguments, **options)`."""
        wrapped = functools.partial(around, self.value)
        setattr(import_module(self.module), self.name, wrapped)


RESOURCE_TYPES = Private(
    f"{_CLOUDFORMATION}.provisioners",
    "_RESOURCE_HANDLERS",
    "to add resource types to CloudFormation, and to correct some of its own",
    fields=("create", "update", "delete"),
)
STACKS = Private(
    _CLOUDFORMATION,
    "_stacks",
    "to list resources with their properties, and to find what a deletion still needs",
    fields=("StackStatus", "_resources", "_template"),
)
DEPLOY_STACK = Private(
    f"{_CLOUDFORMATION}.changesets",
    "_deploy_stack_async",
    "to know which resources a deployment adopts",
    parameters=("imports",),
)
# It has no underscore, but is meant only for CloudFormation.
BUCKET_CONFLICT = Private(
    f"{_CLOUDFORMATION}.provisioners",
    "s3_bucket_name_conflict",
    "to let a deployment use the name of the bucket that it adopts",
    parameters=("name",),
)
RESOLVE_OUTPUTS = Private(
    f"{_CLOUDFORMATION}.stacks",
    "_resolve_stack_outputs",
    "to protect exports that other stacks import",
    parameters=("stack_id",),
)
DELETE_RESOURCE = Private(
    f"{_CLOUDFORMATION}.stacks",
    "_delete_resource",
    "to cancel the deletion of what is still needed",
    parameters=("stack_name", "logical_id"),
)
WITH_DEPENDENCIES = Private(
    f"{_CLOUDFORMATION}.stacks",
    "_with_dependencies",
    "to find what a resource depends on",
    parameters=("logical_ids", "res_defs", "remaining"),
)
VPCS = Private(
    "ministack.services.ec2",
    "_vpcs",
    "to add a second address block to a VPC, because EC2's call is missing",
    fields=("CidrBlock",),
)
EC2_ACTIONS = Private(
    "ministack.services.ec2",
    "_ACTION_MAP",
    "to add a call that EC2 lacks",
)
LAUNCH_TEMPLATES = Private(
    "ministack.services.ec2",
    "_launch_templates",
    "to read what EC2's answer omits from a launch template",
    fields=("Versions",),
)
TEMPLATE_ANSWER = Private(
    "ministack.services.ec2",
    "_lt_data_xml",
    "to add types and cards of a launch template's interfaces to answers",
    parameters=("data",),
)
CLUSTERS = Private(
    "ministack.services.eks",
    "_clusters",
    "to give a cluster its VPC and its security group",
    fields=("resourcesVpcConfig",),
)
CLUSTER_ENDPOINT = Private(
    "ministack.services.eks",
    "_cluster_endpoint",
    "to report that a cluster has no Kubernetes API",
    parameters=("port",),
)
NODE_GROUPS = Private(
    "ministack.services.eks",
    "_nodegroups",
    "to change a node group's sizes, because EKS's call is missing",
    fields=("scalingConfig",),
)
ALL = [each for each in vars().values() if isinstance(each, Private)]


def wrap_type(kind: str, verb: str, around: Callable[..., Any]) -> None:
    """Let `around(original, *arguments)` create, update or delete a resource type.

    `verb` is create, update or delete; the arguments are in `types.provisioner`.
    """
    handler = RESOURCE_TYPES.value[kind]
    handler[verb] = functools.partial(around, handler[verb])


def argument(
    name: str, function: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]
) -> Any:
    """Return a call's argument by its parameter's name; None if it is not given."""
    return inspect.signature(function).bind(*arguments, **options).arguments.get(name)
