"""The training operator's manifests: valid, with least privilege and a strict PyTorchJob schema."""

from __future__ import annotations

import copy
import json
from typing import Any

import kubernetes_validate
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bionemo_eks.configuration.scheduling import CORE_LABELS, CORE_SELECTOR, GPU_TAINT
from bionemo_eks.configuration.versions import IMAGES, KUBERNETES_RELEASES
from bionemo_eks.jobs import manifests
from bionemo_eks.jobs.dataset_job import dataset_objects
from bionemo_eks.jobs.training_job import training_job
from bionemo_eks.jobs.training_operator import operator_objects
from rehearsal.kubernetes.custom_objects import PRESERVE, refusals
from tests.context import read_settings
from tests.manifests.crd_rules import structural_errors, typed_fields

IMAGE = IMAGES["training-operator"].reference
VERSIONS = sorted(KUBERNETES_RELEASES, key=lambda version: int(version.partition(".")[2]))
ENDS = [VERSIONS[0], VERSIONS[-1]]


def _load(file: str, **values: object) -> list[dict[str, Any]]:
    return manifests.load(f"training-operator/{file}.yaml", values)


NAMESPACE, CRD = _load("namespace")[0], _load("pytorchjob-crd")[0]
SERVICE_ACCOUNT, ROLE, BINDING, DEPLOYMENT = operator_objects("default")
OBJECTS = [NAMESPACE, CRD, SERVICE_ACCOUNT, ROLE, BINDING, DEPLOYMENT]

VERSION = CRD["spec"]["versions"][0]
SCHEMA: dict[str, Any] = VERSION["schema"]["openAPIV3Schema"]
POD = DEPLOYMENT["spec"]["template"]["spec"]
CONTAINER = POD["containers"][0]


PROJECT_JOB = training_job(read_settings({}), dataset_objects(read_settings({}))[-1])

# The shape of the 2024 blueprint's job: an autoscaler's metrics, limits by name, a toleration.
BLUEPRINT_JOB: dict[str, Any] = {
    "apiVersion": "kubeflow.org/v1",
    "kind": "PyTorchJob",
    "metadata": {"name": "esm1nv-pretraining", "namespace": "default"},
    "spec": {
        "nprocPerNode": "8",
        "elasticPolicy": {
            "rdzvBackend": "c10d",
            "minReplicas": 1,
            "maxReplicas": 16,
            "maxRestarts": 100,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {
                        "name": "cpu",
                        "target": {"type": "Utilization", "averageUtilization": 80},
                    },
                }
            ],
        },
        "pytorchReplicaSpecs": {
            "Worker": {
                "replicas": 16,
                "restartPolicy": "OnFailure",
                "template": {
                    "metadata": {"annotations": {"sidecar.istio.io/inject": "false"}},
                    "spec": {
                        "tolerations": [
                            {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
                        ],
                        "volumes": [
                            {"name": "fsx", "persistentVolumeClaim": {"claimName": "fsx-static"}}
                        ],
                        "containers": [
                            {
                                "name": "pytorch",
                                "image": "example.org/bionemo:1.2",
                                "imagePullPolicy": "Always",
                                "env": [{"name": "NCCL_DEBUG", "value": "INFO"}],
                                "command": ["python3", "-m", "torch.distributed.run"],
                                "resources": {
                                    "limits": {"nvidia.com/gpu": 1, "memory": "30.5Gi"},
                                    "requests": {"nvidia.com/gpu": "1", "cpu": "500m"},
                                },
                                "volumeMounts": [{"name": "fsx", "mountPath": "/fsx"}],
                            }
                        ],
                    },
                },
            }
        },
    },
}


def _with_everything() -> dict[str, Any]:
    """Return a job that uses many features: probes, affinity, sidecars, a Master."""
    job = copy.deepcopy(BLUEPRINT_JOB)
    del job["spec"]["elasticPolicy"]
    replicas = job["spec"]["pytorchReplicaSpecs"]
    replicas["Master"] = copy.deepcopy(replicas["Worker"]) | {"replicas": 1}
    pod = replicas["Worker"]["template"]["spec"]
    selector = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["a"]}]}
    pod["affinity"] = {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [selector]}
        },
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {
                    "weight": 1,
                    "podAffinityTerm": {
                        "topologyKey": "kubernetes.io/hostname",
                        "labelSelector": {"matchLabels": {"app": "a"}},
                    },
                }
            ]
        },
    }
    pod["topologySpreadConstraints"] = [
        {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    ]
    pod["initContainers"] = [{"name": "wait", "image": "busybox", "args": ["true"]}]
    pod["volumes"] += [
        {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "8Gi"}},
        {"name": "conf", "configMap": {"name": "conf", "items": [{"key": "a", "path": "b"}]}},
        {"name": "token", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
        {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}},
    ]
    pod["containers"].append(
        {
            "name": "exporter",
            "image": "exporter:1",
            "ports": [{"name": "metrics", "containerPort": 9400}],
            "livenessProbe": {"httpGet": {"path": "/", "port": "metrics"}, "periodSeconds": 5},
            "env": [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
            "envFrom": [{"secretRef": {"name": "keys", "optional": True}}],
            "securityContext": {"capabilities": {"drop": ["ALL"], "add": ["IPC_LOCK"]}},
        }
    )
    return job


GOOD_JOBS = {
    "of this project": PROJECT_JOB,
    "of the 2024 blueprint": BLUEPRINT_JOB,
    "with everything": _with_everything(),
}


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


class TestSchema:
    def test_is_structural(self) -> None:
        assert structural_errors(SCHEMA) == []

    @pytest.mark.parametrize(
        "bad",
        [
            {"type": "array", "items": {"type": "string"}},
            {"type": "object", "properties": {"a": {}}},
            {"type": "object", "properties": {"a": {"$ref": "#/b"}}},
            {"type": "object", "additionalProperties": False},
            {"type": "object", "properties": {"a": {"type": "array"}}},
            {"type": "object", "anyOf": [{"properties": {"a": {"minimum": 1}}}]},
            {
                "type": "object",
                "properties": {"a": {"type": "integer"}},
                "not": {"properties": {"a": {"type": "string"}}},
            },
        ],
        ids=str,
    )
    def test_that_check_notices_one_that_is_not_structural(self, bad: dict[str, Any]) -> None:
        assert structural_errors(bad)

    def test_it_requires_no_field_that_it_would_prune(self) -> None:
        """An API server accepts such a schema, but then no object."""

        def undescribed(node: Any) -> list[str]:
            if not isinstance(node, dict):
                return []
            described = node.get("properties", {})
            children = [*described.values(), node.get("items"), node.get("additionalProperties")]
            below = [name for child in children for name in undescribed(child)]
            named = node.get("required", [])
            return below + [name for name in named if name not in described]

        assert undescribed({"required": ["a"], "properties": {"b": {}}}) == ["a"]
        assert undescribed(SCHEMA) == []

    def test_status_and_scale_point_at_described_fields(self) -> None:
        assert VERSION["subresources"]["status"] == {}
        for path in VERSION["subresources"]["scale"].values():
            assert _described(path), path
        for column in VERSION["additionalPrinterColumns"]:
            if not column["jsonPath"].startswith(".metadata"):
                assert _described(column["jsonPath"].replace("[-1:]", ".[]")), column

    @pytest.mark.parametrize("name", GOOD_JOBS)
    def test_accepts_the_job(self, name: str) -> None:
        assert refusals(SCHEMA, GOOD_JOBS[name]) == []

    @pytest.mark.parametrize("restarts", ["Always", "OnFailure", "Never", "ExitCode"])
    def test_accepts_every_restart_policy(self, restarts: str) -> None:
        assert refusals(SCHEMA, _changed("Worker.restartPolicy", restarts)) == []

    @pytest.mark.parametrize("quantity", [1, "1", "0.5", "500m", "64Gi", "1e3", "+2", ".5", "1E"])
    def test_accepts_every_form_of_a_quantity(self, quantity: object) -> None:
        assert refusals(SCHEMA, _changed("pytorch.resources.limits.cpu", quantity)) == []


# Short names for places in a job.
_WORKER = ("spec", "pytorchReplicaSpecs", "Worker")
_PLACES: dict[str, tuple[str | int, ...]] = {
    "spec": ("spec",),
    "Worker": _WORKER,
    "pod": (*_WORKER, "template", "spec"),
    "pytorch": (*_WORKER, "template", "spec", "containers", 0),
}
_REMOVED = object()


def _changed(where: str, value: object) -> dict[str, Any]:
    """Return the project's job with one field set or removed; `where` is place.field.field."""
    job: dict[str, Any] = copy.deepcopy(PROJECT_JOB)
    place, *fields = where.split(".")
    at: Any = job
    for step in (*_PLACES[place], *fields[:-1]):
        at = at.setdefault(step, {}) if isinstance(at, dict) else at[step]
    if value is _REMOVED:
        del at[fields[-1]]
    else:
        at[fields[-1]] = value
    return job


def _described(json_path: str) -> bool:
    node = SCHEMA
    for name in filter(None, json_path.split(".")):
        free = node.get("items" if name == "[]" else "additionalProperties")
        node = node.get("properties", {}).get(name) or free or {}
    return "type" in node


class TestSchemaRejects:
    @pytest.mark.parametrize(
        ("where", "value"),
        [
            ("spec.nprocPerNod", "8"),
            ("spec.elasticPolcy", {"minReplicas": 1}),
            ("spec.elasticPolicy.maxReplica", 16),
            ("spec.runPolicy.suspended", True),
            ("spec.pytorchReplicaSpec", {}),
            ("Worker.replica", 16),
            ("pod.nodeSelecter", {"eks-node": "gpu"}),
            ("pod.toleration", []),
            ("pytorch.imgae", "a"),
            ("pytorch.resources.limit", {"nvidia.com/gpu": 1}),
            ("pytorch.securityContext.runAsNonroot", True),
            ("pytorch.env", [{"name": "A", "valeu": "1"}]),
            ("pytorch.volumeMounts", [{"name": "fsx", "mountpath": "/fsx"}]),
            ("pod.volumes", [{"name": "shm", "emptydir": {}}]),
            ("pod.affinity.nodeAffinty", {}),
        ],
    )
    def test_a_misspelled_field(self, where: str, value: object) -> None:
        assert refusals(SCHEMA, _changed(where, value))

    @pytest.mark.parametrize(
        ("where", "value"),
        [
            ("Worker.replicas", "16"),
            ("Worker.replicas", -1),
            ("Worker.restartPolicy", "OnFailuer"),
            ("spec.runPolicy.suspend", "true"),
            ("spec.runPolicy.cleanPodPolicy", "Nothing"),
            ("spec.elasticPolicy.rdzvBackend", "c10"),
            ("spec.elasticPolicy.minReplicas", 0),
            ("pytorch.resources.limits.memory", "16GB"),
            ("pytorch.env", [{"name": "A", "value": 1}]),
            ("pytorch.image", _REMOVED),
            ("pytorch.args", "--config"),
            ("pod.tolerations", [{"key": "nvidia.com/gpu", "operator": "Exist"}]),
            ("pod.containers", []),
            ("spec.pytorchReplicaSpecs", _REMOVED),
            ("spec.pytorchReplicaSpecs", {}),
        ],
    )
    def test_a_wrong_value(self, where: str, value: object) -> None:
        assert refusals(SCHEMA, _changed(where, value))

    def test_a_replica_type_that_the_operator_does_not_know(self) -> None:
        for kind in ("worker", "Wroker", "Chief"):
            assert refusals(SCHEMA, _changed(f"spec.pytorchReplicaSpecs.{kind}", _worker()))

    def test_a_job_without_the_container_that_the_operator_needs(self) -> None:
        assert refusals(SCHEMA, _changed("pytorch.name", "trainer"))

    def test_processes_per_pod_given_twice(self) -> None:
        # PROJECT_JOB has elasticPolicy.nProcPerNode; the operator rejects the newer field with it.
        assert refusals(SCHEMA, _changed("spec.nprocPerNode", "8"))
        job = _changed("spec.nprocPerNode", "8")
        del job["spec"]["elasticPolicy"]["nProcPerNode"]
        assert refusals(SCHEMA, job) == []

    @settings(deadline=None)  # the machine may be busy
    @given(data=st.data(), name=st.sampled_from(sorted(GOOD_JOBS)))
    def test_any_field_with_a_typo(self, data: st.DataObject, name: str) -> None:
        job = copy.deepcopy(GOOD_JOBS[name])
        fields = [field for field in typed_fields(SCHEMA, job) if field[0] == "spec"]
        *parents, field = data.draw(st.sampled_from(fields))
        at: Any = job
        for step in parents:
            at = at[step]
        misspelled = data.draw(_misspellings(field))
        at[misspelled] = at.pop(field)
        assert refusals(SCHEMA, job), f"{parents}: {misspelled} was accepted"


def _worker() -> dict[str, Any]:
    worker: dict[str, Any] = copy.deepcopy(PROJECT_JOB["spec"]["pytorchReplicaSpecs"]["Worker"])
    return worker


def _misspellings(word: str) -> st.SearchStrategy[str]:
    """Words one typo away from `word` that are no field's name."""
    slips = {word[:at] + word[at + 1 :] for at in range(len(word))}
    slips |= {word[:at] + letter + word[at:] for at in range(len(word) + 1) for letter in "sxe"}
    slips |= {word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)}
    slips |= {word.lower(), word[:1].upper() + word[1:]}
    return st.sampled_from(sorted(slips - FIELD_NAMES - {""}))


def _names(schema: dict[str, Any]) -> set[str]:
    found = set(schema.get("properties", {}))
    for child in schema.get("properties", {}).values():
        found |= _names(child)
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            found |= _names(schema[word])
    return found


FIELD_NAMES = _names(SCHEMA)


def test_only_rare_leaves_accept_any_content() -> None:
    """No part of the schema that the project's own job uses accepts arbitrary content."""

    def free(schema: dict[str, Any], instance: Any, path: str) -> list[str]:
        if schema.get(PRESERVE):
            return [path]
        if isinstance(instance, list):
            return [
                found for item in instance for found in free(schema["items"], item, path + "[]")
            ]
        if not isinstance(instance, dict):
            return []
        described, rest = schema.get("properties", {}), schema.get("additionalProperties", {})
        return [
            found
            for name, item in instance.items()
            for found in free(described.get(name, rest), item, f"{path}.{name}")
        ]

    assert free(SCHEMA, PROJECT_JOB, "") == []
