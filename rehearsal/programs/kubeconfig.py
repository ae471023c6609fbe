"""Reads the server from a kubeconfig file, before anything is sent there."""

from __future__ import annotations

from pathlib import Path

import yaml
from kubernetes.config.config_exception import ConfigException
from kubernetes.config.kube_config import ConfigNode


class KubeconfigError(RuntimeError):
    """A file with which kubectl would find no server, or the wrong one; the message names it."""


def server_of(path: Path) -> str:
    """Return the address of the cluster of the current context.

    Raises KubeconfigError if there is none: kubectl would then use http://localhost:8080.
    https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = ConfigNode(path.name, yaml.safe_load(text))  # type: ignore[no-untyped-call]
        context = content["contexts"].get_with_name(content["current-context"])["context"]
        server = content["clusters"].get_with_name(context["cluster"])["cluster"]["server"]
    except OSError as error:
        raise _unusable(path, f"it cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, yaml.YAMLError):
        raise _unusable(path, "it is not YAML") from None
    except ConfigException as error:
        raise _unusable(path, str(error)) from None
    except (AttributeError, TypeError):
        raise _unusable(path, "it is not a kubeconfig file") from None
    if not (isinstance(server, str) and server.strip()):
        raise _unusable(path, "the cluster of its current-context has no server")
    return server


def _unusable(path: Path, why: str) -> KubeconfigError:
    return KubeconfigError(
        f"--kubeconfig {path} names no cluster: {why}.\n"
        "  Use a file like the output of: kubectl config view --minify --flatten"
    )
