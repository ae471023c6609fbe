"""EKS's description of a cluster."""

from __future__ import annotations

from tests.simulated.aws import Answers


def described(endpoint: str, *, public: bool = True) -> Answers:
    return {
        "eks.describe_cluster": {
            "cluster": {
                "name": "bionemo-on-eks",
                "status": "ACTIVE",
                "version": "1.35",
                "endpoint": endpoint,
                "certificateAuthority": {"data": ""},
                "resourcesVpcConfig": {"endpointPublicAccess": public},
            }
        },
        "cloudformation.describe_stacks": {"Stacks": []},
    }
