"""What GPU nodes are told at their start: where images go, how they are pulled, huge pages."""

from __future__ import annotations

from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart

import yaml

from bionemo_eks.configuration.efa import HUGE_PAGE_MIB

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
# EFA's driver sets more aside, on the AMIs that were seen; a pod that asks for what a node lacks
# would have the autoscaler start one after the other. The kubelet, which counts them, starts later:
# https://github.com/awslabs/amazon-eks-ami (nodeadm-run.service: After=cloud-final.service)
_HUGE_PAGES = """\
#!/bin/bash
if (( $(< /proc/sys/vm/nr_hugepages) < {pages} )); then
  sysctl --write vm.nr_hugepages={pages}
fi
"""


def gpu_user_data(huge_pages_mib: int = 0) -> str:
    """Return the user data of GPU nodes: MIME multipart with one part for nodeadm.

    With `huge_pages_mib` there is a script that sets aside as many MiB, unless there are more.
    """
    whole = MIMEMultipart(boundary="NODE_CONFIG")
    whole.attach(_part("application/node.eks.aws", yaml.safe_dump(_NODE_CONFIG, sort_keys=False)))
    if huge_pages_mib:
        script = _HUGE_PAGES.format(pages=-(-huge_pages_mib // HUGE_PAGE_MIB))
        whole.attach(_part("text/x-shellscript", script))
    return whole.as_string()


def _part(kind: str, text: str) -> MIMENonMultipart:
    part = MIMENonMultipart(*kind.split("/"))
    del part["MIME-Version"]  # of the whole, not of a part
    part.set_payload(text)
    return part
