"""A real cluster: runs the kubectl commands of CDK's handler on it, then cleans it up.

The handler: https://github.com/aws/aws-cdk/blob/main/packages/@aws-cdk/custom-resource-handlers/lib/aws-eks-v2/kubectl-handler/apply/__init__.py
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rehearsal.kubernetes.objects import KubernetesObject, group_of
from rehearsal.kubernetes.relay import Step
from rehearsal.programs.kubectl import Kubectl, KubectlError, KubectlTimeoutError

# The time-out of CDK's function: `timeout` in aws-cdk-lib/aws-eks-v2/lib/kubectl-provider.ts.
_HANDLER_SECONDS = 15 * 60
_ATTEMPTS = 3
# Pods have grace periods, and a claim stays as long as a pod that uses it.
_CLEAR_SECONDS = 10 * 60
_POLL_SECONDS, _REPORT_SECONDS = 1, 10
_PRUNE_LABEL = "aws.cdk.eks/prune-"
# The default allow list of `kubectl apply --prune`:
# https://kubernetes.io/docs/tasks/manage-kubernetes-objects/declarative-config/#how-to-delete-objects
_PRUNED = (
    "configmaps,endpoints,namespaces,persistentvolumeclaims,persistentvolumes,pods,"
    "replicationcontrollers,secrets,services,jobs.batch,cronjobs.batch,ingresses.networking.k8s.io,"
    "daemonsets.apps,deployments.apps,replicasets.apps,statefulsets.apps"
)


class ClusterError(RuntimeError):
    """Objects of the deployment exist already, or remain at the end; the message lists them."""


class Cluster:
    """A cluster for a rehearsal's objects; `say` gets a line for each step."""

    def __init__(self, kubeconfig: Path, say: Callable[[str], None]) -> None:
        self._kubeconfig, self._say = kubeconfig, say
        self._changed = threading.Event()
        self._objects: list[KubernetesObject] = []
        self._kubectl = self._steps = Kubectl(Path("kubectl"), kubeconfig, say)

    def begin(self, program: Path, objects: Iterable[KubernetesObject]) -> None:
        """Set the kubectl to use, and the objects that the deployment applies."""
        self.expect(objects)
        self._kubectl = Kubectl(program, self._kubeconfig, self._say)
        self._steps = Kubectl(program, self._kubeconfig, self._say)

    def expect(self, objects: Iterable[KubernetesObject]) -> None:
        """Add the objects of an updated deployment, most of which are the same."""
        known = {_name(each): each for each in (*self._objects, *objects)}
        self._objects = [*known.values()]

    def ask(self, server: str) -> str:
        """Return the cluster's version; KubectlError if it does not answer, or denies this user.

        The first request is one that `apply` makes, and that anonymous users may not make.
        """
        try:
            for path in ("/api", "/version"):
                answer = self._kubectl.run("get", "--raw", path, "--request-timeout=10s")
        except KubectlError as error:
            raise KubectlError(
                f"The cluster of --kubeconfig {self._kubeconfig}, {server}, cannot be used.\n"
                f"{error}\n"
                "  Nothing has been applied. Fix the file, or rehearse without --kubeconfig."
            ) from None
        return str(json.loads(answer).get("gitVersion", "version unknown"))

    def refuse_existing(self) -> None:
        """Raise ClusterError for objects with the same names, or that a prune would remove."""
        labels = self._prune_labels()
        found = {_name(each): each for each in [*self._existing(), *self._labeled(labels)]}
        if not found:
            return
        message = (
            f"The cluster of --kubeconfig {self._kubeconfig} has objects that the deployment "
            f"would change, and remove at the end:\n{_listed(found)}\n"
            "  Nothing has been applied. Use another cluster, such as a new kind cluster."
        )
        # The others are certainly not this project's.
        ours = [name for name, each in found.items() if labels & {*_labels(each)}]
        if ours:
            message += (
                "\n  If a killed rehearsal left them, and no deployment uses them, remove them:\n"
                f"{self._commands(ours)}"
            )
        raise ClusterError(message)

    def take(self, step: Step) -> None:
        """Run a step of CDK's handler; KubectlError with kubectl's message if it fails."""
        self._changed.set()
        options = {"create": ["--save-config"], "apply": [], "delete": []}[step.verb]
        if step.prune_label is not None:
            options = ["--prune", "-l", step.prune_label]
        try:
            printed = self._run_again(step, options)
        except KubectlTimeoutError:
            raise
        except KubectlError as error:
            # As in the handler, a failed deletion does not stop the removal. A time-out does.
            if step.verb != "delete":
                raise
            printed = str(error)
        for line in printed.splitlines():
            self._say(line)

    def _run_again(self, step: Step, options: Sequence[str]) -> str:
        for attempt in range(_ATTEMPTS):
            try:
                return self._steps.run(
                    *(step.verb, "-f", "-", *options), items=step.items, seconds=_HANDLER_SECONDS
                )
            except KubectlError as error:
                if "i/o timeout" not in str(error) or attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("not reached")

    @contextmanager
    def steps_end(self) -> Iterator[None]:
        """End all steps with the block, because nothing would remove what they create later."""
        try:
            yield
        finally:
            self._steps.close()

    @contextmanager
    def cleared(self) -> Iterator[None]:
        """Remove all that the rehearsal applied, however the block ends."""
        try:
            yield
        except BaseException as error:
            try:
                self.clear()
            except (ClusterError, KubectlError) as left:
                error.add_note(str(left))
            raise
        self.clear()

    def clear(self) -> None:
        """Remove the objects that exist; ClusterError if some stay."""
        if not self._changed.is_set():
            return
        try:
            self._remove(time.monotonic() + _CLEAR_SECONDS)
        except KubectlError as error:
            raise ClusterError(
                f"What was applied to the cluster of --kubeconfig {self._kubeconfig} may still be "
                f"there.\n  {error}\n  Remove it:\n"
                f"{self._commands(map(_name, self._objects[::-1]))}"
            ) from None
        self._changed.clear()

    def left(self) -> list[str]:
        """Return what `cdk destroy` has left, and is not being deleted."""
        return [
            _name(each) for each in self._existing() if "deletionTimestamp" not in each["metadata"]
        ]

    def _remove(self, deadline: float) -> None:
        spoken = time.monotonic()
        while left := [*self._existing(), *self._pods()]:
            alive = [each for each in left if "deletionTimestamp" not in each["metadata"]]
            if alive:
                # Pods are removed with their owners.
                wanted = [_reference(each) for each in alive if each["kind"] != "Pod"]
                if wanted:
                    self._kubectl.run(
                        *("delete", "-f", "-", "--ignore-not-found", "--wait=false"), items=wanted
                    )
            if time.monotonic() > deadline:
                raise ClusterError(
                    f"The cluster of --kubeconfig {self._kubeconfig} is still deleting objects "
                    f"after {_CLEAR_SECONDS} s:\n{_listed(map(_held, left))}"
                )
            if time.monotonic() - spoken > _REPORT_SECONDS:
                spoken = time.monotonic()
                self._say(f"Still there: {', '.join(map(_name, left))}")
            time.sleep(_POLL_SECONDS)

    def _existing(self) -> list[KubernetesObject]:
        """Return the objects that exist, those of custom kinds first."""
        defined = {_defines(each): each for each in self._objects if _defines(each)}
        custom = [each for each in self._objects if _kind(each) in defined]
        found = self._get(each for each in self._objects if each not in custom)
        there = {_defines(each) for each in found}
        known = [each for each in custom if _kind(each) in there]
        try:
            return [*self._get(known), *found]
        except KubectlError as error:
            # The definition is too new, or almost gone, so its kind is not served.
            if "no matches for kind" not in str(error) and "could not find" not in str(error):
                raise
            return found

    def _get(self, items: Iterable[KubernetesObject]) -> list[KubernetesObject]:
        asked = [_reference(each) for each in items]
        if not asked:
            return []
        return _items(
            self._kubectl.run("get", "-f", "-", "--ignore-not-found", "-o", "json", items=asked)
        )

    def _prune_labels(self) -> set[str]:
        every = {label for each in self._objects for label in _labels(each)}
        return {label for label in every if label.startswith(_PRUNE_LABEL)}

    def _labeled(self, labels: Iterable[str]) -> Iterator[KubernetesObject]:
        """Yield what `apply --prune` would find, whatever its name."""
        for label in sorted(labels):
            yield from _items(self._kubectl.run("get", _PRUNED, "-A", "-l", label, "-o", "json"))

    def _pods(self) -> list[KubernetesObject]:
        """Return the pods owned by one of the objects, which are removed after it."""
        owners = {(each["kind"], each["metadata"]["name"]) for each in self._objects}
        namespaces = sorted(
            {each["metadata"].get("namespace", "default") for each in self._objects}
        )
        return [
            pod
            for namespace in namespaces
            for pod in _items(self._kubectl.run("get", "pods", "-n", namespace, "-o", "json"))
            for owner in pod["metadata"].get("ownerReferences", [])
            if (owner["kind"], owner["name"]) in owners
        ]

    def _commands(self, names: Iterable[str]) -> str:
        lines = []
        for each in names:
            kind, *namespace, name = each.split("/")
            where = f" --namespace {namespace[0]}" if namespace else ""
            lines.append(
                f"    kubectl --kubeconfig {self._kubeconfig} delete {kind.lower()}/{name}{where}"
            )
        return "\n".join(lines)


def _items(printed: str) -> list[KubernetesObject]:
    """Return the objects of `-o json`: none, one, or a list."""
    if not printed:
        return []
    found = json.loads(printed)
    items: list[KubernetesObject] = found["items"] if found["kind"] == "List" else [found]
    return items


def _reference(item: KubernetesObject) -> KubernetesObject:
    """Return the part of an object that names it."""
    names = ("name", "namespace")
    return {
        "apiVersion": item["apiVersion"],
        "kind": item["kind"],
        "metadata": {name: item["metadata"][name] for name in names if name in item["metadata"]},
    }


def _labels(item: KubernetesObject) -> dict[str, str]:
    labels: dict[str, str] = item["metadata"].get("labels", {})
    return labels


def _kind(item: KubernetesObject) -> tuple[str, str]:
    return group_of(item), item["kind"]


def _defines(item: KubernetesObject) -> tuple[str, str] | None:
    """Return the kind that an object defines, if it is a CustomResourceDefinition."""
    if item["kind"] != "CustomResourceDefinition":
        return None
    # Existing objects are whole; others have only what the template has.
    return item["spec"]["group"], item["spec"]["names"]["kind"]


def _name(item: KubernetesObject) -> str:
    metadata = item["metadata"]
    kind = item["kind"] if not group_of(item) else f"{item['kind']}.{group_of(item)}"
    return "/".join(filter(None, (kind, metadata.get("namespace"), metadata["name"])))


def _held(item: KubernetesObject) -> str:
    finalizers = ", ".join(item["metadata"].get("finalizers", []))
    return f"{_name(item)} (finalizers: {finalizers or 'none'})"


def _listed(names: Iterable[str]) -> str:
    return "\n".join(f"    {each}" for each in names)
