"""The objects that the Workload stack has handed to the cluster, as it deployed them."""

from __future__ import annotations

import copy
import json

from botocore.exceptions import BotoCoreError, ClientError

from bionemo_eks.configuration import names
from bionemo_eks.jobs.applied import applied_objects
from bionemo_eks.jobs.manifests import KubernetesObject
from ops.aws import Deployment, template
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
    try:
        return list(applied_objects(template(deployment, "Workload")))
    except (ClientError, BotoCoreError) as error:
        stack = names.stack_name(deployment.settings, "Workload")
        raise ClusterError(
            f"what the stack {stack} has deployed is not known: {reason(error)}"
        ) from None


def as_kubectl_makes_it(item: KubernetesObject) -> KubernetesObject:
    """Return the object with what `kubectl create --save-config`, CDK's way, writes into it."""
    made = copy.deepcopy(item)
    annotations = made["metadata"].setdefault("annotations", {})
    text = json.dumps(made, separators=(",", ":"), sort_keys=True)
    annotations[LAST_APPLIED] = f"{text}\n"
    return made
