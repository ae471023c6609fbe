"""Every private name of the emulator that the rehearsal uses, and what for.

A new version of ministack may change them without a word; this file's test then says which. What a
service's own calls can do is done by them (`in_process`).
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
    """A private name: its module, what it is used for, and what is expected of it.

    Of a function that are the names of `parameters`; of a table the `fields` of each entry.
    """

    module: str
    name: str
    use: str
    parameters: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()

    @property
    def value(self) -> Any:
        """What stands behind the name now."""
        return getattr(import_module(self.module), self.name)

    def wrap(self, around: Callable[..., Any]) -> None:
        """Let `around(original, *arguments, **options)` be called in its place."""
        wrapped = functools.partial(around, self.value)
        setattr(import_module(self.module), self.name, wrapped)


RESOURCE_TYPES = Private(
    f"{_CLOUDFORMATION}.provisioners",
    "_RESOURCE_HANDLERS",
    "to add resource types to CloudFormation, and to correct some that it has",
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
# Without an underscore, but meant for CloudFormation alone.
BUCKET_CONFLICT = Private(
    f"{_CLOUDFORMATION}.provisioners",
    "s3_bucket_name_conflict",
    "to let a deployment have the name of the bucket that it adopts",
    parameters=("name",),
)
RESOLVE_OUTPUTS = Private(
    f"{_CLOUDFORMATION}.stacks",
    "_resolve_stack_outputs",
    "to hold exports that other stacks use",
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
    "to give a VPC a second block of addresses, for which EC2's call is missing",
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
    "to read of a launch template what EC2's answer leaves out",
    fields=("Versions",),
)
TEMPLATE_ANSWER = Private(
    "ministack.services.ec2",
    "_lt_data_xml",
    "to answer with types and cards of a launch template's interfaces",
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
    "to say that there is no Kubernetes API behind a cluster",
    parameters=("port",),
)
NODE_GROUPS = Private(
    "ministack.services.eks",
    "_nodegroups",
    "to change a node group's sizes, for which EKS' call is missing",
    fields=("scalingConfig",),
)
ALL = [each for each in vars().values() if isinstance(each, Private)]


def wrap_type(kind: str, verb: str, around: Callable[..., Any]) -> None:
    """Let `around(original, *arguments)` be what makes, updates or deletes a resource type.

    `verb` is create, update or delete; the arguments are in `types.provisioner`.
    """
    handler = RESOURCE_TYPES.value[kind]
    handler[verb] = functools.partial(around, handler[verb])


def argument(
    name: str, function: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]
) -> Any:
    """Return the argument of a call by its parameter's name, wherever it stands, if it is given."""
    return inspect.signature(function).bind(*arguments, **options).arguments.get(name)
