"""What GPU nodes are told at their start: where images go, and how they are pulled."""

from __future__ import annotations

from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart

import yaml

# EKS adds its own part, and takes what does not depend on the cluster from this one:
# https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html#launch-template-user-data
# What the keys do: https://awslabs.github.io/amazon-eks-ami/nodeadm/doc/api/
_NODE_CONFIG = {
    "apiVersion": "node.eks.aws/v1alpha1",
    "kind": "NodeConfig",
    "spec": {
        # Images, containers and emptyDir volumes on the local NVMe disks, all of them as one; where
        # the type has none, nodeadm leaves them on the root volume.
        "instance": {"localStorage": {"strategy": "RAID0"}},
        # Layers come and are unpacked side by side; ignored below 4 vCPUs and 7 GiB.
        "featureGates": {"FastImagePull": True},
    },
}


def gpu_user_data() -> str:
    """Return the user data of GPU nodes: MIME multipart with one part for nodeadm."""
    part = MIMENonMultipart("application", "node.eks.aws")
    del part["MIME-Version"]  # of the whole, not of a part
    part.set_payload(yaml.safe_dump(_NODE_CONFIG, sort_keys=False))
    whole = MIMEMultipart(boundary="NODE_CONFIG")
    whole.attach(part)
    return whole.as_string()
