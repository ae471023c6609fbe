"""The login to the cluster, and the messages when the cluster does not answer."""

from __future__ import annotations

import base64
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
import urllib3
from kubernetes import client as kubernetes

from ops.cluster import api
from ops.cluster.api import ClusterError, NoClusterError, asked, cause, connected, token
from ops.reasons import NO_API_IN_A_REHEARSAL
from tests.ops.cluster.described import described
from tests.ops.cluster_api import NAMESPACES, NODES, Cluster, serving
from tests.ops.reading import in_order
from tests.simulated.accounts import simulated_deployment
from tests.simulated.answers import WHEN
from tests.simulated.aws import Answers, denied, error

ADMIN = "arn:aws:iam::111122223333:role/bionemo-admin"


def why(answers: Answers) -> str:
    with pytest.raises(ClusterError) as raised, connected(simulated_deployment({}, answers)):
        pass
    assert "\n" not in str(raised.value)
    return str(raised.value)


@contextmanager
def a_port(*, listens: bool) -> Iterator[int]:
    """A port that accepts connections and stays silent, or refuses them."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if listens:
            server.listen()
        yield server.getsockname()[1]


def signed_call(text: str) -> tuple[str, dict[str, str]]:
    """Host and query of the call that a token holds."""
    assert text.startswith("k8s-aws-v1.")
    packed = text.removeprefix("k8s-aws-v1.")
    assert "=" not in packed
    url = urlsplit(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode())
    return url.netloc, {key: value for key, (value,) in parse_qs(url.query).items()}


@pytest.mark.parametrize(
    ("endpoints", "region", "host", "signed_for"),
    [
        ("", "eu-west-1", "sts.eu-west-1.amazonaws.com", "eu-west-1"),
        ("regional", "us-west-2", "sts.us-west-2.amazonaws.com", "us-west-2"),
        # The global endpoint accepts only what is signed for its own region.
        ("legacy", "us-west-2", "sts.amazonaws.com", "us-east-1"),
        ("legacy", "af-south-1", "sts.af-south-1.amazonaws.com", "af-south-1"),
    ],
)
def test_the_token_is_a_call_signed_for_its_host_that_names_the_cluster(
    endpoints: str, region: str, host: str, signed_for: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_STS_REGIONAL_ENDPOINTS", raising=False)
    if endpoints:
        monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", endpoints)
    session = boto3.Session("AKIDEXAMPLE", "secret", region_name=region)
    netloc, query = signed_call(token(session, region, "bionemo-on-eks"))
    assert netloc == host
    assert query["X-Amz-Credential"].split("/")[2:4] == [signed_for, "sts"]
    assert query["Action"] == "GetCallerIdentity"
    assert query["X-Amz-Expires"] == "60"
    assert set(query["X-Amz-SignedHeaders"].split(";")) == {"host", "x-k8s-aws-id"}
    assert query["X-Amz-Signature"]


def test_the_signature_covers_the_clusters_name() -> None:
    session = boto3.Session("AKIDEXAMPLE", "secret", region_name="eu-west-1")
    signatures = {
        signed_call(token(session, "eu-west-1", name))[1]["X-Amz-Signature"] for name in "ab"
    }
    assert len(signatures) == 2


def test_a_refused_connection_is_reported_as_such_within_three_seconds() -> None:
    began = time.monotonic()
    with a_port(listens=False) as port:
        text = why(described(f"https://127.0.0.1:{port}"))
    assert time.monotonic() - began < 3
    assert in_order(text, f"127.0.0.1:{port}", "refused")


def test_a_private_endpoint_is_named_as_the_reason() -> None:
    with a_port(listens=False) as port:
        public = why(described(f"https://127.0.0.1:{port}"))
        private = why(described(f"https://127.0.0.1:{port}", public=False))
    assert (in_order(public, "private"), in_order(private, "private")) == (False, True)


def test_silence_is_reported_as_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (api.CONNECT, api.READ) == (1.5, 5.0), "seconds, within a command's time limit"
    monkeypatch.setattr(api, "READ", 0.2)
    with a_port(listens=True) as port:
        text = why(described(f"http://127.0.0.1:{port}"))
    assert in_order(text, f"127.0.0.1:{port}", "timed out")
    assert "cluster.public_access_cidrs" in text


UNKNOWN_NAME = urllib3.exceptions.NameResolutionError("x", cast(Any, None), socket.gaierror())


@pytest.mark.parametrize(
    "error",
    [
        ssl.SSLError("bad"),
        urllib3.exceptions.SSLError("bad"),
        TimeoutError(),
        ConnectionRefusedError("Connection refused"),
        UNKNOWN_NAME,
    ],
)
def test_a_cause_is_reported_however_deeply_it_is_wrapped(error: Exception) -> None:
    wrapped = urllib3.exceptions.MaxRetryError(cast(Any, None), "/", error)
    assert cause(wrapped) == cause(error) != type(error).__name__


def test_causes_with_different_fixes_are_told_apart() -> None:
    refused = ConnectionRefusedError("Connection refused")
    causes = (ssl.SSLError("bad"), TimeoutError(), refused, UNKNOWN_NAME)
    assert len({cause(error) for error in causes}) == len(causes)


def test_a_missing_cluster_is_reported() -> None:
    answers: Answers = {
        "eks.describe_cluster": error("DescribeCluster", "ResourceNotFoundException", 404)
    }
    with pytest.raises(NoClusterError), connected(simulated_deployment({}, answers)):
        pass


@pytest.mark.parametrize("path", ["/version/", NAMESPACES])
def test_a_caller_with_few_permissions_still_gets_in(
    path: str, api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    """An access entry for some namespaces does not allow listing them."""
    cluster.refusals["GET", path] = (403, f"{path} is forbidden")
    with connected(simulated_deployment({}, described(api.configuration.host))) as own:
        assert asked(kubernetes.CoreV1Api(own).list_node).items


def test_the_servers_reason_for_a_refusal_is_reported_in_one_line(
    api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    cluster.refusals["GET", NODES] = (
        403,
        'User "viewer" cannot list\n resource "nodes"' + "!" * 999,
    )
    with pytest.raises(ClusterError) as raised:
        asked(kubernetes.CoreV1Api(api).list_node)
    assert in_order(str(raised.value), "403", 'User "viewer" cannot list resource "nodes"')
    assert len(str(raised.value)) < 400
    assert raised.value.status == 403


def test_a_caller_without_access_is_told_how_to_get_it(cluster: Cluster) -> None:
    cluster.refused = 401
    with serving(cluster) as api:
        text = why(described(api.configuration.host))
    assert "cluster.admins" in text
    assert "AdminRoleArn" in text


def with_admin_role(endpoint: str) -> Answers:
    outputs = [{"OutputKey": "AdminRoleArn", "OutputValue": ADMIN}]
    stack = {
        "StackName": "bionemo-on-eks-cluster",
        "StackStatus": "CREATE_COMPLETE",
        "CreationTime": WHEN,
        "Outputs": outputs,
    }

    def assumed(RoleArn: str, RoleSessionName: str) -> dict[str, Any]:
        assert RoleArn == ADMIN
        keys = {"AccessKeyId": "ASIAADMINEXAMPLE1", "SecretAccessKey": "s", "SessionToken": "t"}
        return {"Credentials": {**keys, "Expiration": WHEN}}

    return {
        **described(endpoint),
        "cloudformation.describe_stacks": {"Stacks": [stack]},
        "sts.assume_role": assumed,
    }


def signer(cluster: Cluster, answers: Answers) -> str:
    """The access key that signed the token sent to the cluster."""
    with connected(simulated_deployment({}, answers)) as api:
        login = api.configuration.api_key["authorization"].removeprefix("Bearer ")
    return signed_call(login)[1]["X-Amz-Credential"].partition("/")[0]


def test_the_login_uses_the_admin_role_if_the_stacks_created_one(
    api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    assert signer(cluster, with_admin_role(api.configuration.host)) == "ASIAADMINEXAMPLE1"


@pytest.mark.parametrize(
    "refused",
    [
        {"sts.assume_role": denied("AssumeRole")},
        {"cloudformation.describe_stacks": denied("DescribeStacks")},
    ],
)
def test_without_the_admin_role_callers_log_in_as_themselves(
    api: kubernetes.ApiClient, cluster: Cluster, refused: Answers
) -> None:
    assert signer(cluster, with_admin_role(api.configuration.host) | refused) == "testing"


def test_a_rehearsals_cluster_has_no_api_and_none_is_called() -> None:
    assert why(described(NO_API_IN_A_REHEARSAL)) == "not in a rehearsal"
