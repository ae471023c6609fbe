"""Reads of a kubeconfig file which server it leads to, before anything is sent there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


class KubeconfigError(RuntimeError):
    """A file that leads kubectl to no server, or not to the one meant; the text names it."""


def server_of(path: Path) -> str:
    """Return the address of the cluster of the current context.

    Raises KubeconfigError when there is none: kubectl would then take http://localhost:8080.
    https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _unusable(path, f"it cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, yaml.YAMLError):
        raise _unusable(path, "it is not YAML") from None
    if not isinstance(content, dict):
        raise _unusable(path, "it has no settings")
    current = content.get("current-context")
    if not current:
        raise _unusable(path, "it has no current-context")
    cluster = _named(content, "contexts", current, "context").get("cluster")
    server = _named(content, "clusters", cluster, "cluster").get("server")
    if not (isinstance(server, str) and server.strip()):
        raise _unusable(path, f"the cluster of its current-context, {current}, has no server")
    return server


def _named(content: dict[str, Any], kind: str, name: Any, inner: str) -> dict[str, Any]:
    """Return what the list `kind` has by `name`; nothing if there is no such entry."""
    entries = content.get(kind)
    for each in entries if isinstance(entries, list) else []:
        if isinstance(each, dict) and each.get("name") == name:
            found = each.get(inner)
            return found if isinstance(found, dict) else {}
    return {}


def _unusable(path: Path, why: str) -> KubeconfigError:
    return KubeconfigError(
        f"--kubeconfig {path} leads to no cluster: {why}.\n"
        "  Give a file as this writes it: kubectl config view --minify --flatten"
    )
