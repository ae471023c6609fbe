"""An AWS that answers each call from a table, validated against botocore's models."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import boto3
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from bionemo_eks.configuration.images import ImageName
from ops.aws import Aws
from ops.registry import Found, Key, Registries

ACCOUNT, REGION = "111122223333", "us-west-2"
Answer = Mapping[str, Any] | Exception | Callable[..., Mapping[str, Any]]
Answers = dict[str, Answer]
_DENIED = "AccessDenied"


def denied(operation: str) -> ClientError:
    """The error of a caller without permission."""
    return error(operation, _DENIED, 403)


def in_pages(
    key: str, *pages: list[Any], token: str = "NextToken", asked: str = "", **more: Any
) -> Callable[..., Mapping[str, Any]]:
    """A paginated answer, with each page's items under `key` and AWS's token for the next.

    `asked`: the token's argument, if it has a different name; `more`: what else an answer contains
    as long as there is a next page.
    """

    def answer(**arguments: Any) -> Mapping[str, Any]:
        at = int(arguments.get(asked or token, 0))
        following = {token: str(at + 1), **more} if at + 1 < len(pages) else {}
        return {key: pages[at], **following}

    return answer


def error(operation: str, code: str, status: int = 400, message: str = "") -> ClientError:
    """An error as AWS returns it."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": message or code},
            "ResponseMetadata": {"HTTPStatusCode": status},
        },
        operation,
    )


@lru_cache
def _session(region: str) -> boto3.Session:
    """One session per region: it reads the service models once."""
    return boto3.Session(
        aws_access_key_id="testing", aws_secret_access_key="testing", region_name=region
    )


# Creating a client is not thread-safe, and preflight's checks create theirs in parallel.
_CREATING = threading.Lock()


@lru_cache
def _client(service: str, region: str) -> Any:
    """One client per service and region, because creating clients is slow."""
    return _session(region).client(service)


def _twin(client: Any) -> Any:
    """The same client with its own attributes; `copy` would loop in botocore's `__getattr__`."""
    twin: Any = object.__new__(client.__class__)
    twin.__dict__.update(client.__dict__)
    return twin


LOCKED = "locked.example.org"


class AllImages(Registries):
    """Registries that have every image: `LOCKED` requires a key, any key; the others none."""

    def look(self, image: ImageName, key: Key | None, seconds: float) -> Found:
        return Found.REFUSED if image.registry == LOCKED and key is None else Found.THERE


class SimulatedAws(Aws):
    """Answers each call from a table, keyed by `service.operation`, and never calls AWS.

    `broken`: failed assertions about requests and answers, for the test to raise.
    """

    registries: Registries = AllImages()

    def __init__(self, answers: Answers, region: str = REGION) -> None:
        super().__init__(region, _session(region))
        self._answers = answers
        self.calls: list[str] = []
        self.regions: dict[str, str] = {}
        self.broken: list[AssertionError] = []

    def client(self, service: str, region: str = "") -> Any:
        self.regions[service] = region or self.region
        with _CREATING:
            client = _twin(_client(service, region or self.region))
        client._make_api_call = lambda operation, arguments: self._answer(
            service, client, operation, arguments
        )
        return client

    def _answer(self, service: str, client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        name = f"{service}.{xform_name(operation)}"
        self.calls.append(name)
        try:
            return self._validated(name, client, operation, arguments)
        except ClientError as refusal:
            raise _with_the_services_code(service, refusal) from None
        except AssertionError as broken:  # a check would take it for an odd answer from AWS
            self.broken.append(broken)
            raise

    def _validated(self, name: str, client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        """Validate request and answer against botocore's model of the call."""
        model = client.meta.service_model.operation_model(operation)
        _validate(model.input_shape, arguments)
        answer = self._answers.get(name)
        if answer is None:
            raise AssertionError(f"no answer for {name} {arguments}")
        if isinstance(answer, Exception):
            raise answer
        given = answer(**arguments) if callable(answer) else answer
        _validate(model.output_shape, dict(given))
        return given


def _with_the_services_code(service: str, refusal: ClientError) -> ClientError:
    """The error with the service's own code: EC2 has its own for a missing permission.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
    """
    if service == "ec2" and refusal.response["Error"]["Code"] == _DENIED:
        return error(refusal.operation_name, "UnauthorizedOperation", 403)
    return refusal


def _validate(shape: Any, value: dict[str, Any]) -> None:
    if shape is not None:
        report = ParamValidator().validate(value, shape)
        assert not report.has_errors(), report.generate_report()
