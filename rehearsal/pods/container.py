"""A pod's container as this machine runs it: its own command line, with folders for its mounts.

Mount paths in arguments and environment become these folders; in its output the folders become
mount paths again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rehearsal.kubernetes.ledger import Ledger


class PodError(RuntimeError):
    """A pod cannot run here, or its process failed; the message says why."""


class Container:
    """One container of `pod`, whose command is `python3`.

    `python`: the interpreter to use instead of the image's. `shared` has the folders of claims,
    common to all pods, by volume name; `own` those of all other volumes.
    """

    def __init__(
        self,
        ledger: Ledger,
        pod: Mapping[str, Any],
        container: Mapping[str, Any],
        *,
        python: str,
        shared: Path,
        own: Path,
    ) -> None:
        self._container, self._python = container, python
        self.mounts = {
            mount["mountPath"]: _place(ledger, pod, mount["name"], shared, own)
            for mount in container["volumeMounts"]
        }

    def command(self) -> list[str]:
        """Return the command line; PodError if it does not begin with python3."""
        whole = [*self._container.get("command", []), *self._container["args"]]
        if whole[0] != "python3":
            raise PodError(f"The container runs {whole[0]}, which this machine may not have.")
        return [self._python if part == "python3" else self.here(part) for part in whole]

    def environment(self, fields: Mapping[str, str]) -> dict[str, str]:
        """Return its variables; `fields` has the pod's fields that they refer to, by path."""
        return {
            each["name"]: self.here(each["value"])
            if "value" in each
            else fields[each["valueFrom"]["fieldRef"]["fieldPath"]]
            for each in self._container["env"]
        }

    def here(self, part: str) -> str:
        """Return a container path as a path on this machine; anything else unchanged."""
        for path, place in self.mounts.items():
            if part == path or part.startswith(f"{path}/"):
                return str(place) + part[len(path) :]
        return part

    def there(self, line: str) -> str:
        """Return a line with this machine's paths replaced by the container's."""
        for path, place in self.mounts.items():
            line = line.replace(str(place), path)
        return line


def _place(ledger: Ledger, pod: Mapping[str, Any], volume: str, shared: Path, own: Path) -> Path:
    """Create the folder of a volume; a ConfigMap's holds its files."""
    (found,) = [each for each in pod["volumes"] if each["name"] == volume]
    place = (shared if "persistentVolumeClaim" in found else own) / volume
    place.mkdir(parents=True, exist_ok=True)
    if "configMap" in found:
        for name, text in one(ledger, "ConfigMap", found["configMap"]["name"])["data"].items():
            (place / name).write_text(text, encoding="utf-8")
    return place


def one(ledger: Ledger, kind: str, prefix: str) -> dict[str, Any]:
    """Return the only object of a kind whose name begins with `prefix`."""
    (found,) = [
        item
        for item in ledger.objects.values()
        if item["kind"] == kind and item["metadata"]["name"].startswith(prefix)
    ]
    return found
