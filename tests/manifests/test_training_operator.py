"""The training operator's manifests: valid, and with least privilege."""

from __future__ import annotations

import json
from typing import Any

import kubernetes_validate
import pytest

from bionemo_eks.configuration.scheduling import CORE_LABELS, CORE_SELECTOR, GPU_TAINT
from bionemo_eks.configuration.versions import IMAGES, KUBERNETES_RELEASES
from bionemo_eks.jobs import manifests
from bionemo_eks.jobs.training_operator import operator_objects
from tests.manifests.jobs import PROJECT_JOB

IMAGE = IMAGES["training-operator"].reference
VERSIONS = sorted(KUBERNETES_RELEASES, key=lambda version: int(version.partition(".")[2]))
ENDS = [VERSIONS[0], VERSIONS[-1]]


def _load(file: str, **values: object) -> list[dict[str, Any]]:
    return manifests.load(f"training-operator/{file}.yaml", values)


NAMESPACE, CRD = _load("namespace")[0], _load("pytorchjob-crd")[0]
SERVICE_ACCOUNT, ROLE, BINDING, DEPLOYMENT = operator_objects("default")
OBJECTS = [NAMESPACE, CRD, SERVICE_ACCOUNT, ROLE, BINDING, DEPLOYMENT]

POD = DEPLOYMENT["spec"]["template"]["spec"]
CONTAINER = POD["containers"][0]


class TestKubernetesAcceptsThem:
    @pytest.mark.parametrize("version", ENDS)
    @pytest.mark.parametrize("manifest", OBJECTS, ids=lambda found: found["kind"])
    def test_against_its_schemas(self, manifest: dict[str, Any], version: str) -> None:
        kubernetes_validate.validate(manifest, version, strict=True)

    def test_fixed_names(self) -> None:
        assert NAMESPACE["metadata"]["name"] == "kubeflow"
        named = DEPLOYMENT["metadata"]
        assert (named["namespace"], named["name"]) == ("kubeflow", "training-operator")
        assert CONTAINER["image"] == IMAGE

    def test_the_deployment_selects_its_own_pods(self) -> None:
        selector = DEPLOYMENT["spec"]["selector"]["matchLabels"]
        assert selector
        assert selector.items() <= DEPLOYMENT["spec"]["template"]["metadata"]["labels"].items()

    def test_the_crd_is_small_enough_to_be_stored_twice(self) -> None:
        # kubectl apply keeps a copy in an annotation of at most 262,144 bytes; a CloudFormation
        # template, which also holds everything else, may have 1 MB.
        assert len(json.dumps(CRD)) < 60_000


class TestTheOperatorsPod:
    def test_its_probes_ask_what_it_serves(self) -> None:
        # v1.7.0 binds its probes to :8081 and its metrics to :8080 by default.
        ports = {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}
        assert ports["metrics"] == 8080
        for probe, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
            asked = CONTAINER[probe]["httpGet"]
            assert (ports[asked["port"]], asked["path"]) == (8081, path)

    def test_handles_only_pytorchjobs_in_the_jobs_namespace(self) -> None:
        assert "--enable-scheme=pytorchjob" in CONTAINER["args"]
        assert f"--namespace={PROJECT_JOB['metadata']['namespace']}" in CONTAINER["args"]

    def test_never_runs_twice_at_a_time(self) -> None:
        # There is no leader election, so two would both create a job's pods.
        assert DEPLOYMENT["spec"]["replicas"] == 1
        assert DEPLOYMENT["spec"]["strategy"]["type"] == "Recreate"

    def test_runs_on_core_nodes_and_on_no_gpu_node(self) -> None:
        assert POD["nodeSelector"] == CORE_SELECTOR
        assert CORE_SELECTOR.items() <= CORE_LABELS.items()
        tolerated = {toleration.get("key") for toleration in POD.get("tolerations", [])}
        assert not tolerated & {None, GPU_TAINT[0]}

    def test_requests_few_resources(self) -> None:
        resources = CONTAINER["resources"]
        assert resources["requests"] == {"cpu": "100m", "memory": "128Mi"}
        assert resources["limits"].keys() == {"memory"}  # a CPU limit would only throttle it

    def test_meets_the_restricted_pod_security_standard(self) -> None:
        assert _restricted_breaches(POD) == []
        assert CONTAINER["securityContext"]["readOnlyRootFilesystem"] is True
        labels = NAMESPACE["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"

    @pytest.mark.parametrize(
        "change",
        [
            {"runAsNonRoot": False},
            {"runAsUser": 0},
            {"seccompProfile": {"type": "Unconfined"}},
        ],
        ids=str,
    )
    def test_that_check_notices_a_violation(self, change: dict[str, Any]) -> None:
        assert _restricted_breaches(POD | {"securityContext": POD["securityContext"] | change})


def _restricted_breaches(pod: dict[str, Any]) -> list[str]:
    """Return violations of https://kubernetes.io/docs/concepts/security/pod-security-standards/."""
    found = [name for name in ("hostNetwork", "hostPID", "hostIPC") if pod.get(name)]
    found += [volume["name"] for volume in pod.get("volumes", []) if "hostPath" in volume]
    for container in pod["containers"] + pod.get("initContainers", []):
        context = pod.get("securityContext", {}) | container.get("securityContext", {})
        facts = {
            "runAsNonRoot": context.get("runAsNonRoot") is True,
            # distroless/static names no user: without a uid the kubelet refuses runAsNonRoot.
            "runAsUser": context.get("runAsUser", 0) > 0,
            "seccompProfile": context.get("seccompProfile", {}).get("type") == "RuntimeDefault",
            "allowPrivilegeEscalation": context.get("allowPrivilegeEscalation") is False,
            "capabilities": context.get("capabilities") == {"drop": ["ALL"]},
            "readOnlyRootFilesystem": context.get("readOnlyRootFilesystem") is True,
            "privileged": not context.get("privileged"),
        }
        found += [name for name, kept in facts.items() if not kept]
    return found


# What v1.7.0 calls for PyTorchJobs, read from its source (files under pkg/controller.v1).
CALLS = {
    # pytorch/pytorchjob_controller.go
    ("kubeflow.org", "pytorchjobs"): "get list watch delete",
    ("kubeflow.org", "pytorchjobs/status"): "update",
    # common/job_controller.go: GenOwnerReference sets blockOwnerDeletion
    ("kubeflow.org", "pytorchjobs/finalizers"): "update",
    # control/pod_control.go, control/service_control.go
    ("", "pods"): "get list watch create delete",
    ("", "services"): "get list watch create delete",
    # client-go's recorder
    ("", "events"): "create patch",
    # pytorch/hpa.go, through the cache of controller-runtime
    ("autoscaling", "horizontalpodautoscalers"): "get list watch create update delete",
}


class TestPermissions:
    def test_cover_every_call_and_nothing_else(self) -> None:
        granted: dict[tuple[str, str], set[str]] = {}
        for rule in ROLE["rules"]:
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    granted.setdefault((group, resource), set()).update(rule["verbs"])
        assert granted == {call: set(verbs.split()) for call, verbs in CALLS.items()}

    def test_apply_only_in_the_jobs_namespace(self) -> None:
        assert {found["kind"] for found in (ROLE, BINDING)} == {"Role", "RoleBinding"}
        namespaces = {found["metadata"]["namespace"] for found in (ROLE, BINDING, PROJECT_JOB)}
        assert namespaces == {"default"}

    def test_belong_to_the_operator(self) -> None:
        assert BINDING["roleRef"]["name"] == ROLE["metadata"]["name"]
        subject = BINDING["subjects"][0]
        account = SERVICE_ACCOUNT["metadata"]
        assert (subject["namespace"], subject["name"]) == (account["namespace"], account["name"])
        assert account["namespace"] == DEPLOYMENT["metadata"]["namespace"]
        assert POD["serviceAccountName"] == account["name"]
