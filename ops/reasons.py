"""Why a question to AWS, or to what stands there, got no answer: in a line, for people."""

from __future__ import annotations

from botocore.exceptions import ClientError

_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Client.Unauthorized"}
# Emulators, and partitions that lack a service.
_UNHEARD_OF = {"InvalidAction", "UnknownOperationException", "404", "501"}
_THROTTLED = {"Throttling", "ThrottlingException", "TooManyRequestsException"}
_THROTTLED |= {"RequestLimitExceeded", "SlowDown", "RequestThrottled", "503"}
_LONGEST = 200
# The code with which the rehearsal's local AWS leaves a question open that AWS alone can answer.
NOT_IN_A_REHEARSAL = "NotInARehearsal"
ONLY_AWS, _DENIED_TO = "not in a rehearsal", "not allowed to call"


def code_of(error: Exception) -> str:
    """Return AWS' code for an error; empty if it is none of AWS'."""
    if not isinstance(error, ClientError):
        return ""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_denied(error: Exception) -> bool:
    """Whether the caller lacks a permission."""
    return code_of(error) in _DENIED or code_of(error) == "403"


def is_throttled(error: Exception) -> bool:
    """Whether AWS asks to come back later."""
    return code_of(error) in _THROTTLED


def reason(error: Exception) -> str:
    """Say in a line why a call to AWS gave no answer."""
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
        return f"this endpoint does not know {call}"
    # The answer to a HEAD has no body, so the code is all there is.
    if code.isdigit():
        head = call.startswith("Head")
        guess = "an expired login, or another region's name" if head else "no reason is given"
        return f"{call} is answered with {code}; {guess}"
    return f"{call}: {code}: {message}".strip(": ").splitlines()[0][:_LONGEST]


def failure_reason(error: Exception) -> str:
    """Say in a line why a look failed, whatever it failed of."""
    if type(error).__module__.partition(".")[0] in ("botocore", "ops"):
        return reason(error)
    return f"an answer that is not understood: {type(error).__name__}: {reason(error)}"


def is_final(said: str) -> bool:
    """Whether a reason, as `reason` words it, would be the same when asked again."""
    return said.startswith((ONLY_AWS, _DENIED_TO))
