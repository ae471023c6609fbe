"""The objects that the Workload stack has handed to the cluster, as it deployed them."""

from __future__ import annotations

import copy
import json

from botocore.exceptions import BotoCoreError, ClientError

from bionemo_eks.configuration import names
from bionemo_eks.jobs.applied import applied_objects
from bionemo_eks.jobs.manifests import KubernetesObject
from ops.aws import Deployment
from ops.cluster.api import ClusterError
from ops.reasons import reason

# What kubectl keeps of an object that it has made, to know later what was taken out of it:
# https://kubernetes.io/docs/tasks/manage-kubernetes-objects/declarative-config/#how-apply-calculates-differences-and-merges-changes
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def deployed_objects(deployment: Deployment) -> list[KubernetesObject]:
    """Return the objects of the stack that stands, with the label by which CDK's handler prunes.

    An object that needs what CloudFormation knows alone, such as the volume, is left out. Raises
    ClusterError when CloudFormation does not tell.
    """
    stack = names.stack_name(deployment.settings, "Workload")
    try:
        answer = deployment.aws.client("cloudformation").get_template(StackName=stack)
    except (ClientError, BotoCoreError) as error:
        raise ClusterError(
            f"what the stack {stack} has deployed is not known: {reason(error)}"
        ) from None
    # boto3 has parsed it where it is JSON.
    template = answer["TemplateBody"]
    return list(applied_objects(json.loads(template) if isinstance(template, str) else template))


def as_kubectl_makes_it(item: KubernetesObject) -> KubernetesObject:
    """Return the object with what `kubectl create --save-config`, CDK's way, writes into it."""
    made = copy.deepcopy(item)
    annotations = made["metadata"].setdefault("annotations", {})
    text = json.dumps(made, separators=(",", ":"), sort_keys=True)
    annotations[LAST_APPLIED] = f"{text}\n"
    return made
