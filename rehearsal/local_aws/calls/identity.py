"""Answers for STS and IAM: the caller is a user, whose permissions are unknown.

The emulator treats every caller as the account's root user, who may do everything; it cannot show
IAM's decisions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from ministack import app

from ops.reasons import NOT_IN_A_REHEARSAL
from rehearsal.local_aws.calls.routing import Answer
from rehearsal.machine.environment import ACCOUNT

_USER = f"arn:aws:iam::{ACCOUNT}:user/rehearsal"


def register() -> None:
    """Answer these calls before the emulator does."""
    _put_before("sts", "GetCallerIdentity", _caller)
    _put_before("iam", "SimulatePrincipalPolicy", _undecided)


def _put_before(service: str, wanted: str, answer: Callable[[], Answer]) -> None:
    original = app.SERVICE_HANDLERS[service]

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Any:
        asked = parse_qs(body.decode(errors="replace"))
        if asked.get("Action") == [wanted]:
            return answer()
        return await original(method, path, headers, body, query)

    app.SERVICE_HANDLERS[service] = handle


def _caller() -> Answer:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""
    return _xml(
        200,
        "<GetCallerIdentityResponse><GetCallerIdentityResult>"
        f"<Arn>{escape(_USER)}</Arn><UserId>AIDAREHEARSAL</UserId><Account>{ACCOUNT}</Account>"
        "</GetCallerIdentityResult></GetCallerIdentityResponse>",
    )


def _undecided() -> Answer:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html"""
    return _xml(
        400,
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{NOT_IN_A_REHEARSAL}</Code>"
        "<Message>The local AWS does not decide on permissions</Message></Error></ErrorResponse>",
    )


def _xml(status: int, text: str) -> Answer:
    return status, {"Content-Type": "text/xml"}, text.encode()
