"""The GPU nodes' user data: where images go, how they are pulled, huge pages."""

from __future__ import annotations

from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart

import yaml

from bionemo_eks.configuration.efa import HUGE_PAGE_MIB

# EKS adds its own part; this one has what does not depend on the cluster:
# https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html#launch-template-user-data
# What the keys do: https://awslabs.github.io/amazon-eks-ami/nodeadm/doc/api/
_NODE_CONFIG = {
    "apiVersion": "node.eks.aws/v1alpha1",
    "kind": "NodeConfig",
    "spec": {
        # Images, containers and emptyDir volumes on the local NVMe disks, combined; without NVMe,
        # nodeadm leaves them on the root volume.
        "instance": {"localStorage": {"strategy": "RAID0"}},
        # Layers are pulled and unpacked in parallel; ignored below 4 vCPUs and 7 GiB.
        "featureGates": {"FastImagePull": True},
    },
}
# On known AMIs the EFA driver reserves more; but a pod that requests more than a node has would
# make the autoscaler start one node after another. Kubelet, which counts the pages, starts later:
# https://github.com/awslabs/amazon-eks-ami (nodeadm-run.service: After=cloud-final.service)
_HUGE_PAGES = """\
#!/bin/bash
if (( $(< /proc/sys/vm/nr_hugepages) < {pages} )); then
  sysctl --write vm.nr_hugepages={pages}
fi
"""


def gpu_user_data(huge_pages_mib: int = 0) -> str:
    """Return the user data of GPU nodes: MIME multipart with one part for nodeadm.

    With `huge_pages_mib` it has a script that reserves as many MiB, unless there are more.
    """
    whole = MIMEMultipart(boundary="NODE_CONFIG")
    whole.attach(_part("application/node.eks.aws", yaml.safe_dump(_NODE_CONFIG, sort_keys=False)))
    if huge_pages_mib:
        script = _HUGE_PAGES.format(pages=-(-huge_pages_mib // HUGE_PAGE_MIB))
        whole.attach(_part("text/x-shellscript", script))
    return whole.as_string()


def _part(kind: str, text: str) -> MIMENonMultipart:
    part = MIMENonMultipart(*kind.split("/"))
    del part["MIME-Version"]  # it belongs to the whole, not to a part
    part.set_payload(text)
    return part
