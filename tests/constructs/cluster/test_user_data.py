"""The GPU nodes' user data, compared with what EKS and nodeadm document."""

from __future__ import annotations

import email
import subprocess
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import yaml

from bionemo_eks.cluster.user_data import gpu_user_data


@pytest.fixture(scope="module")
def message() -> Message:
    return email.message_from_string(gpu_user_data())


@pytest.fixture(scope="module")
def config(message: Message) -> dict[str, Any]:
    (part,) = [each for each in message.walk() if not each.is_multipart()]
    assert part.get_content_type() == "application/node.eks.aws"
    found: dict[str, Any] = yaml.safe_load(str(part.get_payload()))
    return found


def test_it_has_the_format_that_eks_can_merge_with_its_own(message: Message) -> None:
    """https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html"""
    assert message["MIME-Version"] == "1.0"
    assert message.get_content_type() == "multipart/mixed"
    assert not message.defects


def test_nodeadm_can_read_it_and_the_cluster_is_left_to_eks(config: dict[str, Any]) -> None:
    """https://awslabs.github.io/amazon-eks-ami/nodeadm/doc/api/"""
    assert (config["apiVersion"], config["kind"]) == ("node.eks.aws/v1alpha1", "NodeConfig")
    # EKS sets them, and a group without a custom AMI must not.
    assert not {"cluster", "kubelet"} & set(config["spec"])


def test_local_disks_are_striped_and_images_pulled_fast(config: dict[str, Any]) -> None:
    assert config["spec"]["instance"]["localStorage"]["strategy"] == "RAID0"
    assert config["spec"]["featureGates"]["FastImagePull"] is True


def test_it_is_within_ec2s_size_limit() -> None:
    """16 kB: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html"""
    assert len(gpu_user_data(5120).encode()) < 16 * 1024


@pytest.mark.parametrize(("there", "made"), [(0, 2560), (2559, 2560), (2560, None), (21121, None)])
def test_a_script_sets_huge_pages_aside_unless_there_are_as_many(
    tmp_path: Path, there: int, made: int | None
) -> None:
    *_, script = email.message_from_string(gpu_user_data(5120)).walk()
    assert script.get_content_type() == "text/x-shellscript"
    (tmp_path / "pages").write_text(f"{there}\n")
    text = str(script.get_payload()).replace("/proc/sys/vm/nr_hugepages", f"{tmp_path}/pages")
    stub = 'sysctl() { echo "$@"; }\n'
    done = subprocess.run(["bash", "-c", stub + text], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (f"--write vm.nr_hugepages={made}" if made else "")
