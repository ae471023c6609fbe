"""The objects that the Workload stack has applied to the cluster, as deployed."""

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

# Where kubectl keeps an object as applied, to detect later what was removed from it:
# https://kubernetes.io/docs/tasks/manage-kubernetes-objects/declarative-config/#how-apply-calculates-differences-and-merges-changes
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def deployed_objects(deployment: Deployment) -> list[KubernetesObject]:
    """Return the objects of the deployed stack, with the label that CDK's handler prunes by.

    Leaves out objects that need what only CloudFormation knows, such as the volume. Raises
    ClusterError if CloudFormation does not answer.
    """
    try:
        return list(applied_objects(template(deployment, "Workload")))
    except (ClientError, BotoCoreError) as error:
        stack = names.stack_name(deployment.settings, "Workload")
        raise ClusterError(
            f"the objects that stack {stack} has deployed are unknown: {reason(error)}"
        ) from None


def as_kubectl_makes_it(item: KubernetesObject) -> KubernetesObject:
    """Return the object as `kubectl create --save-config`, which CDK uses, would create it."""
    made = copy.deepcopy(item)
    annotations = made["metadata"].setdefault("annotations", {})
    text = json.dumps(made, separators=(",", ":"), sort_keys=True)
    annotations[LAST_APPLIED] = f"{text}\n"
    return made
