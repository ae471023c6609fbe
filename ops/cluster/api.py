"""The cluster's API with the caller's AWS login, without the AWS CLI or kubectl."""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import urllib3
from botocore.exceptions import BotoCoreError, ClientError
from kubernetes import client as kubernetes
from kubernetes.client.exceptions import ApiException

from bionemo_eks.configuration import names
from ops.aws import Deployment, stacks
from ops.reasons import NO_API_IN_A_REHEARSAL, ONLY_AWS, code_of, reason

CONNECT, READ = 1.5, 5.0
# A token's lifetime is fixed by AWS: 15 minutes.
# https://docs.aws.amazon.com/eks/latest/userguide/cluster-auth.html
_EXPIRES = 60
_PREFIX, _HEADER = "k8s-aws-v1.", "x-k8s-aws-id"
# Characters to quote of the server's message, which repeats an invalid object in full.
_LONGEST = 300


class ClusterError(RuntimeError):
    """The cluster's API does not answer, or refuses; the message is one line.

    `status`: the HTTP status, if any.
    """

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class NoClusterError(ClusterError):
    """There is no such cluster."""


def token(session: boto3.Session, region: str, cluster: str) -> str:
    """Return a bearer token: a signed call of sts:GetCallerIdentity that names the cluster.

    Format: https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster
    The client signs, because it knows which region name goes with its endpoint:
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-sts-regionalized-endpoints.html
    """
    sts = session.client("sts", region_name=region)

    def name_the_cluster(request: Any, **more: Any) -> None:
        request.headers[_HEADER] = cluster

    sts.meta.events.register("before-sign.sts.GetCallerIdentity", name_the_cluster)
    url = sts.generate_presigned_url("get_caller_identity", ExpiresIn=_EXPIRES, HttpMethod="GET")
    return _PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def _login(deployment: Deployment) -> boto3.Session:
    """Return the session of the admin role if the stacks created one, else the caller's.

    The caller may have an access entry, so nothing is lost if the role is unknown or may not be
    assumed.
    """
    name = names.stack_name(deployment.settings, "Cluster")
    try:
        outputs = stacks(deployment).get(name, {}).get("Outputs", [])
        role = next((e["OutputValue"] for e in outputs if e["OutputKey"] == "AdminRoleArn"), "")
        if not role:
            return deployment.aws.session
        answer = deployment.aws.client("sts").assume_role(RoleArn=role, RoleSessionName="bionemo")
    except (ClientError, BotoCoreError):
        return deployment.aws.session
    keys = answer["Credentials"]
    return boto3.Session(
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        region_name=deployment.settings.region,
    )


@contextmanager
def connected(deployment: Deployment) -> Iterator[kubernetes.ApiClient]:
    """A client of the cluster's API, which has answered.

    Raises ClusterError if there is no cluster, or it does not answer, or denies access.
    """
    cluster = _described(deployment)
    with tempfile.NamedTemporaryFile(suffix=".pem") as authority:
        try:
            data = cluster.get("certificateAuthority", {}).get("data", "")
            authority.write(base64.b64decode(data))
            authority.flush()
            login = token(
                _login(deployment), deployment.settings.region, deployment.settings.cluster_name
            )
        except (ClientError, BotoCoreError, ValueError) as error:
            raise ClusterError(f"no login for the cluster: {reason(error)}") from None
        configuration = kubernetes.Configuration(host=cluster["endpoint"])
        configuration.ssl_ca_cert = authority.name
        configuration.retries = urllib3.Retry(0)
        configuration.api_key = {"authorization": f"Bearer {login}"}
        with kubernetes.ApiClient(configuration) as api:
            _look(api, cluster)
            yield api


def _described(deployment: Deployment) -> dict[str, Any]:
    name = deployment.settings.cluster_name
    try:
        cluster: dict[str, Any] = deployment.aws.client("eks").describe_cluster(name=name)[
            "cluster"
        ]
    except (ClientError, BotoCoreError) as error:
        if code_of(error) == "ResourceNotFoundException":
            raise NoClusterError(f"there is no cluster {name}") from None
        raise ClusterError(reason(error)) from None
    if not cluster.get("endpoint"):
        raise ClusterError(f"{name} has no endpoint yet ({cluster.get('status', 'unknown')})")
    if cluster["endpoint"] == NO_API_IN_A_REHEARSAL:
        raise ClusterError(ONLY_AWS)
    return cluster


def _look(api: kubernetes.ApiClient, cluster: dict[str, Any]) -> None:
    try:
        kubernetes.VersionApi(api).get_code(_request_timeout=(CONNECT, READ))
        kubernetes.CoreV1Api(api).list_namespace(limit=1, _request_timeout=(CONNECT, READ))
    except ApiException as error:
        # 403 means that the caller has access, if only to some namespaces by an access entry:
        # https://docs.aws.amazon.com/eks/latest/userguide/access-policies.html
        if error.status != 403:
            raise _refused(error) from None
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise ClusterError(
            f"the Kubernetes API at {cluster['endpoint']} does not answer: {cause(error)}"
            f"{_advice(cluster, error)}"
        ) from None


def _refused(error: ApiException) -> ClusterError:
    if error.status == 401:
        return ClusterError(
            "the cluster denies you access: you must be one of cluster.admins, or allowed to "
            "assume the role in the output AdminRoleArn, by IAM and by cluster.admin_trust",
            error.status,
        )
    text = f"the Kubernetes API answers {error.status} {error.reason}"
    return ClusterError(": ".join(part for part in (text, _message(error)) if part), error.status)


def _message(error: ApiException) -> str:
    """Return the server's reason for a refusal: the message of a Status, in one line.

    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
    """
    try:
        message = json.loads(error.body or "")["message"]
    except (ValueError, TypeError, KeyError):  # a proxy's page, or nothing
        return ""
    return " ".join(str(message).split())[:_LONGEST]


def cause(error: BaseException) -> str:
    """Say in a few words why a connection failed."""
    inner = getattr(error, "reason", None)
    while isinstance(inner, BaseException):
        error, inner = inner, getattr(inner, "reason", None)
    if isinstance(error, urllib3.exceptions.SSLError | ssl.SSLError):
        return "its certificate is not the cluster's"
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return "its name cannot be resolved"
    # urllib3 also counts every failed connection as a timeout.
    if "refused" in str(error):
        return "connection refused"
    if isinstance(error, urllib3.exceptions.TimeoutError | TimeoutError):
        return "timed out"
    return type(error).__name__


def _advice(cluster: dict[str, Any], error: BaseException) -> str:
    access = cluster.get("resourcesVpcConfig", {})
    if access.get("endpointPublicAccess") is False:
        return "; its endpoint is private, so connect from inside the VPC"
    if cause(error) == "timed out":
        return "; does cluster.public_access_cidrs include your address?"
    return ""


def asked(call: Any, *arguments: Any, **options: Any) -> Any:
    """Call a method of the Kubernetes client, with timeouts; raises ClusterError for its errors."""
    try:
        return call(*arguments, _request_timeout=(CONNECT, READ), **options)
    except ApiException as error:
        raise _refused(error) from None
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise ClusterError(f"the Kubernetes API does not answer: {cause(error)}") from None


def asked_if_exists(read: Any, *arguments: str) -> Any:
    """Call a reading method as `asked` does; None if the object does not exist."""
    try:
        return asked(read, *arguments)
    except ClusterError as error:
        if error.status == 404:
            return None
        raise
