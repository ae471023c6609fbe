"""The cluster's API with the caller's own AWS login: no aws command line, no kubectl."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import urllib3
from botocore.exceptions import BotoCoreError, ClientError
from botocore.signers import RequestSigner
from kubernetes import client as kubernetes
from kubernetes.client.exceptions import ApiException

from ops.aws import Deployment, stacks
from ops.results import reason

CONNECT, READ = 1.5, 5.0
# What a token is good for once it is there: AWS fixes 15 minutes.
# https://docs.aws.amazon.com/eks/latest/userguide/cluster-auth.html
_EXPIRES = 60
_PREFIX = "k8s-aws-v1."


class ClusterError(RuntimeError):
    """The cluster's API gives no answer; the text is one line."""


def token(session: boto3.Session, region: str, cluster: str) -> str:
    """Return a bearer token: a signed call of sts:GetCallerIdentity that names the cluster.

    Format: https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster
    """
    sts = session.client("sts", region_name=region)
    signer = RequestSigner(
        sts.meta.service_model.service_id,
        region,
        "sts",
        "v4",
        session.get_credentials(),
        session.events,
    )
    url = signer.generate_presigned_url(
        {
            "method": "GET",
            "url": f"{sts.meta.endpoint_url}/?Action=GetCallerIdentity&Version=2011-06-15",
            "body": {},
            "headers": {"x-k8s-aws-id": cluster},
            "context": {},
        },
        region_name=region,
        expires_in=_EXPIRES,
        operation_name="",
    )
    return _PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def _login(found: Deployment) -> boto3.Session:
    """Return the caller's session, or that of the admin role where the stacks made one."""
    name = f"{found.settings.cluster_name}-cluster"
    outputs = stacks(found).get(name, {}).get("Outputs", [])
    role = next((e["OutputValue"] for e in outputs if e["OutputKey"] == "AdminRoleArn"), "")
    if not role:
        return found.aws.session
    try:
        answer = found.aws.client("sts").assume_role(RoleArn=role, RoleSessionName="bionemo")
    except (ClientError, BotoCoreError):
        # The caller may have an access entry of their own.
        return found.aws.session
    keys = answer["Credentials"]
    return boto3.Session(
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        region_name=found.settings.region,
    )


@contextmanager
def connected(found: Deployment) -> Iterator[kubernetes.ApiClient]:
    """A client of the cluster's API that has been seen to answer.

    Raises ClusterError when there is no cluster, it does not answer, or lets the caller not in.
    """
    name = found.settings.cluster_name
    try:
        cluster = found.aws.client("eks").describe_cluster(name=name)["cluster"]
    except (ClientError, BotoCoreError) as error:
        raise ClusterError(reason(error)) from None
    if not cluster.get("endpoint"):
        raise ClusterError(f"{name} has no endpoint yet ({cluster.get('status', 'unknown')})")
    with tempfile.NamedTemporaryFile(suffix=".pem") as authority:
        authority.write(base64.b64decode(cluster.get("certificateAuthority", {}).get("data", "")))
        authority.flush()
        configuration = kubernetes.Configuration(host=cluster["endpoint"])
        configuration.ssl_ca_cert = authority.name
        configuration.retries = urllib3.Retry(0)
        configuration.api_key = {
            "authorization": "Bearer " + token(_login(found), found.settings.region, name)
        }
        with kubernetes.ApiClient(configuration) as api:
            _look(api, cluster["endpoint"])
            yield api


def _look(api: kubernetes.ApiClient, endpoint: str) -> None:
    try:
        kubernetes.VersionApi(api).get_code(_request_timeout=(CONNECT, READ))
        kubernetes.CoreV1Api(api).list_namespace(limit=1, _request_timeout=(CONNECT, READ))
    except ApiException as error:
        if error.status in (401, 403):
            raise ClusterError(
                "the cluster does not let you in: be one of cluster.admins, or be allowed to "
                "assume the role in the output AdminRoleArn"
            ) from None
        raise ClusterError(f"the Kubernetes API answers {error.status} {error.reason}") from None
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise ClusterError(
            f"the Kubernetes API at {endpoint} does not answer ({type(error).__name__}); "
            "with cluster.endpoint private, ask from inside the VPC"
        ) from None


def asked(call: Any, *arguments: Any, **options: Any) -> Any:
    """Call a method of the Kubernetes client, with time-outs; ClusterError in place of its own."""
    try:
        return call(*arguments, _request_timeout=(CONNECT, READ), **options)
    except ApiException as error:
        raise ClusterError(f"the Kubernetes API answers {error.status} {error.reason}") from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise ClusterError(f"the Kubernetes API does not answer ({type(error).__name__})") from None
