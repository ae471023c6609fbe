"""Why a request to AWS, or to the cluster, got no answer, in one line."""

from __future__ import annotations

from botocore.exceptions import ClientError

_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_DENIED |= {"Client.Unauthorized", "403"}
# Emulators, and partitions that lack a service.
_UNHEARD_OF = {"InvalidAction", "UnknownOperationException", "404", "501"}
_THROTTLED = {"Throttling", "ThrottlingException", "TooManyRequestsException"}
_THROTTLED |= {"RequestLimitExceeded", "SlowDown", "RequestThrottled", "503"}
_LONGEST = 200
# The code with which the rehearsal's local AWS declines what only AWS can answer.
NOT_IN_A_REHEARSAL = "NotInARehearsal"
# The address of a cluster in the local AWS, which has no API: `.invalid` is reserved (RFC 2606).
NO_API_IN_A_REHEARSAL = "https://not-in-a-rehearsal.invalid"
ONLY_AWS, _DENIED_TO = "not in a rehearsal", "not allowed to call"


def code_of(error: Exception) -> str:
    """Return AWS's code for an error; empty if the error is not from AWS."""
    if not isinstance(error, ClientError):
        return ""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_denied(error: Exception) -> bool:
    """Whether the caller lacks a permission."""
    return code_of(error) in _DENIED


def is_throttled(error: Exception) -> bool:
    """Whether AWS asks to retry later."""
    return code_of(error) in _THROTTLED


def reason(error: Exception) -> str:
    """Say in one line why a call to AWS failed."""
    if not isinstance(error, ClientError):
        return (str(error).strip().splitlines() or [type(error).__name__])[0][:_LONGEST]
    code, call = code_of(error), error.operation_name
    message = str(error.response.get("Error", {}).get("Message", ""))
    if code == NOT_IN_A_REHEARSAL:
        return ONLY_AWS
    if is_denied(error):
        return f"{_DENIED_TO} {call}"
    if is_throttled(error):
        return f"AWS throttles {call}; try again later"
    if code in _UNHEARD_OF or message.startswith("No route"):
        return f"this endpoint does not support {call}"
    # The response to a HEAD has no body, so there is only the code.
    if code.isdigit():
        head = call.startswith("Head")
        guess = "an expired login, or a name in another region" if head else "no reason given"
        return f"{call} returned {code}; {guess}"
    return f"{call}: {code}: {message}".strip(": ").splitlines()[0][:_LONGEST]


def failure_reason(error: Exception) -> str:
    """Say in one line why a request failed, whatever the cause."""
    if type(error).__module__.partition(".")[0] in ("botocore", "ops"):
        return reason(error)
    return f"unexpected answer: {type(error).__name__}: {reason(error)}"


def is_final(why: str) -> bool:
    """Whether a reason, as worded by `reason`, would stay the same if the call were repeated."""
    return why.startswith((ONLY_AWS, _DENIED_TO))
