"""AWS as the commands see it: clients with timeouts and retries, and one deployment."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoCredentialsError
from botocore.exceptions import ConnectionError as NoConnection

from bionemo_eks.configuration import names
from bionemo_eks.configuration.regions import unheard_of
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.tags import DEPLOYMENT_TAG
from ops.login_advice import no_login
from ops.parallel import side_by_side
from ops.reasons import reason
from ops.registry import Registries

T = TypeVar("T")

# `total_max_attempts` counts the first attempt too, `max_attempts` would not:
# https://botocore.amazonaws.com/v1/documentation/api/latest/reference/config.html
CONFIG = Config(
    connect_timeout=2,
    read_timeout=4,
    retries={"mode": "standard", "total_max_attempts": 3},
    user_agent_extra="bionemo-on-eks",
    max_pool_connections=40,
)
# Seconds for the first request, once there are credentials: who is the caller?
_IDENTITY = 4.0


class AwsError(RuntimeError):
    """AWS cannot be reached, or there is no login; the message says how to fix it."""


class Aws:
    """Clients for one region, each created once; thread-safe.

    `registries`: where the nodes pull images from.
    """

    registries = Registries()

    def __init__(self, region: str, session: boto3.Session | None = None) -> None:
        self.region = region
        self.session = session or _session(region)
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def client(self, service: str, region: str = "") -> Any:
        """Return the client of `service`, in another region if given."""
        key = (service, region or self.region)
        # Creating a client is not thread-safe; using one is.
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self.session.client(service, region_name=key[1], config=CONFIG)
            return self._clients[key]

    @property
    def is_local(self) -> bool:
        """Whether the endpoint is on this machine, as in a rehearsal."""
        host = urlsplit(self.client("sts").meta.endpoint_url).hostname or ""
        return host == "localhost" or host.startswith("127.") or host == "::1"

    def pages(self, service: str, call: str, key: str, **arguments: Any) -> list[Any]:
        """Return the items under `key` of all pages of a call."""
        client = self.client(service)
        if not client.can_paginate(call):
            items: list[Any] = getattr(client, call)(**arguments).get(key, [])
            return items
        pages = client.get_paginator(call).paginate(**arguments)
        return [item for page in pages for item in page.get(key, [])]


def _session(region: str) -> boto3.Session:
    """Return a session whose own calls, such as those for a role's credentials, have timeouts."""
    core = botocore.session.get_session()
    core.set_default_client_config(CONFIG)
    return boto3.Session(region_name=region, botocore_session=core)


class _Answers:
    """Remembered answers; each question is asked once, by the first thread that needs it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given: dict[str, Future[Any]] = {}

    def once(self, question: str, ask: Callable[[], T]) -> T:
        with self._lock:
            first = question not in self._given
            answer: Future[T] = self._given.setdefault(question, Future())
        if first:
            try:
                answer.set_result(ask())
            except Exception as error:
                answer.set_exception(error)
        return answer.result()


@dataclass(frozen=True)
class Deployment:
    """A deployment's settings, and its account.

    It remembers AWS's answers; `dataclasses.replace(deployment)` asks again. `patience`: seconds
    for that second attempt, if it has more than the first.
    """

    settings: Settings
    aws: Aws
    account: str
    caller: str
    patience: float = 0.0
    _answers: _Answers = field(default_factory=_Answers, init=False, compare=False, repr=False)

    @property
    def partition(self) -> str:
        """`aws`, `aws-cn` or `aws-us-gov`."""
        return self.caller.split(":")[1]

    def within(self, seconds: float) -> float:
        """Return the seconds for one check's requests: its own, or more with patience.

        Always a little less than the check has, so that it can say what is unanswered.
        """
        return max(seconds, self.patience - 0.5)

    def once(self, question: str, ask: Callable[[], T]) -> T:
        """Return the answer of `ask`, which several checks need, asking only once.

        Raises what `ask` raised, every time.
        """
        return self._answers.once(question, ask)


def connection(region: str) -> Aws:
    """Return AWS for the caller's credentials; AwsError without a usable configuration."""
    try:
        return Aws(region)
    except (BotoCoreError, OSError) as error:
        raise AwsError(_not_logged_in(error)) from None


def log_in(aws: Aws) -> Aws:
    """Find the caller's credentials, in this thread, however long it takes; AwsError without any.

    A profile may ask for an MFA code, or run a program that opens a browser:
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
    """
    try:
        keys = aws.session.get_credentials()
        if keys is None:
            raise NoCredentialsError
        keys.get_frozen_credentials()  # assumes a role if there is one
    except (HTTPClientError, NoConnection) as error:
        raise AwsError(_unreachable(reason(error), aws.region)) from None
    except Exception as error:  # a profile's program may fail in any way
        raise AwsError(_not_logged_in(error)) from None
    return aws


def deployment_of(settings: Settings, aws: Aws | None = None) -> Deployment:
    """Return the deployment that `settings` describe, in the caller's account.

    Raises AwsError without valid credentials, or without an answer.
    """
    aws = aws or log_in(connection(settings.region))
    sts = "AWS's identity service"
    look = side_by_side({sts: lambda: _identity(aws)}, _IDENTITY)[sts]
    if not look.done():
        raise AwsError(_unreachable(f"no answer from {sts} within {_IDENTITY:.0f} s", aws.region))
    try:
        identity = look.result()
    except (HTTPClientError, NoConnection) as error:
        raise AwsError(_unreachable(reason(error), aws.region)) from None
    except (BotoCoreError, ClientError) as error:
        raise AwsError(_not_logged_in(error)) from None
    except ValueError as error:  # an invalid endpoint
        raise AwsError(_unreachable(reason(error), aws.region)) from None
    return Deployment(settings, aws, identity["Account"], identity["Arn"])


def _identity(aws: Aws) -> dict[str, Any]:
    identity: dict[str, Any] = aws.client("sts").get_caller_identity()
    return identity


def _not_logged_in(error: Exception) -> str:
    session = botocore.session.get_session()
    try:
        profiles = session.available_profiles
    except (BotoCoreError, OSError):  # the same error again
        profiles = []
    return no_login(error, session.profile, profiles)


def _unreachable(why: str, region: str) -> str:
    return (
        f"AWS cannot be reached: {why}\n"
        "  Check the network, the proxy (HTTPS_PROXY), and AWS_ENDPOINT_URL and AWS_CA_BUNDLE if "
        f"set.{unheard_of(region)}"
    )


def stacks(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """Return the deployment's existing CloudFormation stacks, by name.

    All of `names.STACKS`: a Network stack may remain from before `network.vpc_id` was set.
    """
    own = {names.stack_name(deployment.settings, stack) for stack in names.STACKS}

    def ask() -> list[dict[str, Any]]:
        return deployment.aws.pages("cloudformation", "describe_stacks", "Stacks")

    return {
        each["StackName"]: each
        for each in deployment.once("stacks", ask)
        if each["StackName"] in own and each["StackStatus"] != "DELETE_COMPLETE"
    }


def template(deployment: Deployment, stack: str) -> dict[str, Any]:
    """Return the template of one of `names.STACKS` as it was deployed; ClientError without it."""
    name = names.stack_name(deployment.settings, stack)

    def ask() -> dict[str, Any]:
        body = deployment.aws.client("cloudformation").get_template(StackName=name)["TemplateBody"]
        # boto3 has parsed JSON, but not what an emulator returns as text.
        found: dict[str, Any] = json.loads(body) if isinstance(body, str) else body
        return found

    return deployment.once(f"template {stack}", ask)


def is_updatable(status: str) -> bool:
    """Whether a stack in `status` holds its resources, so that a deployment updates it."""
    return status.endswith("_COMPLETE") and status not in ("DELETE_COMPLETE", "ROLLBACK_COMPLETE")


def holds_resources(status: str) -> bool:
    """Whether a stack in `status` may hold resources, however its last change went.

    Two states hold none: an unexecuted change set, and a creation that was rolled back.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
    """
    return status not in ("", "REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_COMPLETE")


def is_own(deployment: Deployment, tags: list[dict[str, str]] | None) -> bool:
    """Whether tags include the deployment's own."""
    own = {"Key": DEPLOYMENT_TAG, "Value": deployment.settings.cluster_name}
    return own in [{"Key": tag.get("Key"), "Value": tag.get("Value")} for tag in tags or []]


def instances(deployment: Deployment) -> list[dict[str, Any]]:
    """Return all running or starting instances in the region."""
    states = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]

    def ask() -> list[dict[str, Any]]:
        return [
            each
            for one in deployment.aws.pages(
                "ec2", "describe_instances", "Reservations", Filters=states
            )
            for each in one["Instances"]
        ]

    return deployment.once("instances", ask)


def file_systems(deployment: Deployment) -> list[dict[str, Any]]:
    """Return all FSx file systems in the region."""
    return deployment.once(
        "file systems", lambda: deployment.aws.pages("fsx", "describe_file_systems", "FileSystems")
    )


def clusters(deployment: Deployment) -> list[str]:
    """Return the names of all EKS clusters in the region."""
    return deployment.once(
        "clusters", lambda: deployment.aws.pages("eks", "list_clusters", "clusters")
    )
