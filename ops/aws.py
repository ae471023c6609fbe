"""AWS as the commands see it: clients with time-outs and retries, and one deployment in it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bionemo_eks.settings import Settings

# https://docs.aws.amazon.com/boto3/latest/guide/retries.html
_CONFIG = Config(
    connect_timeout=3,
    read_timeout=8,
    retries={"mode": "standard", "max_attempts": 3},
    user_agent_extra="bionemo-on-eks",
    max_pool_connections=30,
)


class AwsError(RuntimeError):
    """AWS cannot be reached as anybody; the text says how to mend it."""


class Aws:
    """Clients for one region, each made once; may be used from many threads."""

    def __init__(self, region: str, session: boto3.Session | None = None) -> None:
        self.region = region
        self.session = session or boto3.Session(region_name=region)
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def client(self, service: str, region: str = "") -> Any:
        """Return the client of `service`, in another region if given."""
        key = (service, region or self.region)
        # Making a client is not thread-safe; using one is.
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self.session.client(
                    service, region_name=key[1], config=_CONFIG
                )
            return self._clients[key]

    def pages(self, service: str, call: str, key: str, **arguments: Any) -> list[Any]:
        """Return the items under `key` of all pages of a call."""
        client = self.client(service)
        if not client.can_paginate(call):
            found: list[Any] = getattr(client, call)(**arguments).get(key, [])
            return found
        pages = client.get_paginator(call).paginate(**arguments)
        return [item for page in pages for item in page.get(key, [])]


@dataclass(frozen=True)
class Deployment:
    """A deployment's settings, and whose account it is in."""

    settings: Settings
    aws: Aws
    account: str
    caller: str

    @property
    def partition(self) -> str:
        """`aws`, `aws-cn` or `aws-us-gov`."""
        return self.caller.split(":")[1]


def deployment(settings: Settings, aws: Aws | None = None) -> Deployment:
    """Return the deployment that `settings` describe, in the caller's account.

    Raises AwsError without valid credentials, or without an answer.
    """
    aws = aws or Aws(settings.region)
    try:
        identity = aws.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise AwsError(
            f"No AWS account: {error}\n"
            "  Log in first: aws sso login, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY."
        ) from None
    return Deployment(settings, aws, identity["Account"], identity["Arn"])


def stacks(found: Deployment) -> dict[str, dict[str, Any]]:
    """Return the deployment's CloudFormation stacks that exist, by name."""
    prefix = f"{found.settings.cluster_name}-"
    everything = found.aws.pages("cloudformation", "describe_stacks", "Stacks")
    return {
        each["StackName"]: each
        for each in everything
        if each["StackName"].startswith(prefix) and each["StackStatus"] != "DELETE_COMPLETE"
    }
