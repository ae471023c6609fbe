"""boto3 clients for the local AWS, which ignore the user's own configuration."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import boto3
import botocore.session

from rehearsal.machine.environment import ACCOUNT


def session(endpoint: str, region: str) -> Callable[[str], Any]:
    """Return a function that makes a boto3 client for a service of the local AWS."""
    made = boto3.Session(
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="rehearsal",
        region_name=region,
        botocore_session=_unconfigured(),
    )
    return lambda service: made.client(service, endpoint_url=endpoint)


def _unconfigured() -> Any:
    """Return a session that reads no AWS_* variables and no files: the user's may be malformed.

    https://botocore.amazonaws.com/v1/documentation/api/latest/reference/config.html has the names.
    """
    session = botocore.session.Session()
    for name, (_, _, default, convert) in session.SESSION_VARIABLES.items():
        session.session_var_map[name] = (None, None, default, convert)
    for name in ("config_file", "credentials_file"):
        session.session_var_map[name] = (None, None, os.devnull, None)
    return session
