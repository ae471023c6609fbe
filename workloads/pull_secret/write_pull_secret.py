"""Writes a registry's key from Secrets Manager into the Secret that pods pull images with.

    python3 write_pull_secret.py --secret NAME --region REGION --registry HOST
      --namespace default --name NAME --marker KEY

The secret is a JSON object with `username` and `password`. It exits with 0 when the Secret is
written, with 1 and the reason when it is not; it never prints the key itself. JOB_NAME and JOB_UID
in its environment name the Job that owns the Secret.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from api_server import ApiError, ApiServer

# https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
_SERVER = "https://kubernetes.default.svc"
_TYPE = "kubernetes.io/dockerconfigjson"
_CONFIG = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 5})


class KeyFormError(ValueError):
    """The secret does not have the expected form; the text does not repeat it."""


def read_key(text: str) -> tuple[str, str]:
    """Return the user and password from a secret's text; KeyFormError if it has none."""
    try:
        held = json.loads(text)
        user, password = held["username"], held["password"]
    except (ValueError, TypeError, KeyError):
        raise KeyFormError("the secret is not a JSON object with username and password") from None
    if not (isinstance(user, str) and isinstance(password, str) and user and password):
        raise KeyFormError("the secret's username and password must be non-empty strings")
    return user, password


def secret_object(
    name: str, registry: str, key: tuple[str, str], marker: str, owner: Mapping[str, str]
) -> dict[str, Any]:
    """Return the Secret with the key to one registry, and an empty `marker` next to it.

    https://kubernetes.io/docs/concepts/configuration/secret/#docker-config-secrets
    """
    user, password = key
    auth = _encoded(f"{user}:{password}")
    logins = {"auths": {registry: {"username": user, "password": password, "auth": auth}}}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": _TYPE,
        "metadata": {
            "name": name,
            "labels": {"app.kubernetes.io/part-of": "bionemo-on-eks"},
            "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", **owner}],
        },
        "data": {".dockerconfigjson": _encoded(json.dumps(logins)), marker: ""},
    }


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class Secrets(ApiServer):
    """The Secrets of one namespace, write-only."""

    def apply(self, secret: Mapping[str, Any]) -> None:
        """Create or replace a Secret with server-side apply; ApiError if refused.

        Unlike `kubectl apply` it keeps no copy of it in an annotation.
        https://kubernetes.io/docs/reference/using-api/server-side-apply/
        """
        name = secret["metadata"]["name"]
        options = urlencode({"fieldManager": name, "force": "true"})
        path = f"{self._path('v1', 'secrets')}/{quote(name)}?{options}"
        headers = {"Content-Type": "application/apply-patch+yaml"}
        body = json.dumps(secret).encode()
        if self._answer(path, method="PATCH", body=body, headers=headers) is None:
            raise ApiError(f"{path} does not exist")


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Write a registry's key into a Secret.")
    for name in ("secret", "region", "registry", "namespace", "name", "marker"):
        parser.add_argument(f"--{name}", required=True)
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None, api: type[Secrets] = Secrets) -> int:
    """Write the Secret; return the exit status."""
    options = arguments(given)
    owner = {"name": os.environ["JOB_NAME"], "uid": os.environ["JOB_UID"]}
    try:
        client = boto3.client("secretsmanager", region_name=options.region, config=_CONFIG)
        text = client.get_secret_value(SecretId=options.secret).get("SecretString", "")
        made = secret_object(options.name, options.registry, read_key(text), options.marker, owner)
        api(_SERVER, options.namespace).apply(made)
    except (BotoCoreError, ClientError, KeyFormError, ApiError) as error:
        print(f"error: {options.secret}: {error}", file=sys.stderr)
        return 1
    print(f"the key to {options.registry} is in the Secret {options.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
