"""What to do about a login that does not work: the reason, and the remedy.

Where logins are kept: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sso.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from botocore import exceptions as aws

from ops.reasons import code_of, reason

_ANY = (
    "Log in first: aws sso login, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY."
)
_SSO = (aws.SSOTokenLoadError, aws.UnauthorizedSSOTokenError, aws.TokenRetrievalError)
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
# A file in the cache: botocore raises its key if it is unreadable or not JSON.
_CACHE_KEY = re.compile(r"[0-9a-f]{40}")


def no_login(error: Exception, profile: str | None, profiles: Iterable[str] = ()) -> str:
    """Return why there is no login, followed by how to get one.

    `profile`: the one in use, if any is named; `profiles`: those that exist.
    """
    why, remedy = _advice(error, f" --profile {profile}" if profile else "", list(profiles))
    return f"No AWS account: {why}\n  {remedy}"


def _advice(error: Exception, option: str, profiles: list[str]) -> tuple[str, str]:
    relogin = f"Log in again, which replaces it: aws sso login{option}"
    if isinstance(error, KeyError) and _CACHE_KEY.fullmatch(str(error.args[0])):
        file = f"~/.aws/sso/cache/{error.args[0]}.json"
        return f"the login in {file} cannot be read", relogin
    # Only cached logins contain times, which dateutil parses.
    if type(error).__module__.startswith("dateutil"):
        return f"a login in ~/.aws/sso/cache is damaged: {reason(error)}", relogin
    if isinstance(error, _SSO):
        return reason(error), f"Log in: aws sso login{option}"
    if code_of(error) in _EXPIRED:
        return (
            "the login has expired",
            f"Log in again: aws sso login{option}, or renew the keys in AWS_*.",
        )
    if isinstance(error, aws.ProfileNotFound):
        known = (
            f"Set AWS_PROFILE to one of {', '.join(profiles)}; or create it"
            if profiles
            else "Create it"
        )
        return reason(error), f"{known}: aws configure sso{option}"
    if isinstance(error, aws.ConfigParseError):
        return reason(error), "Fix that file, or name another: AWS_CONFIG_FILE=/path/to/file"
    if isinstance(error, aws.PartialCredentialsError):
        return reason(error), "Set the missing one, too, or unset all AWS_* keys and log in."
    if isinstance(error, OSError) and error.filename:
        return reason(error), f"{error.filename} must exist and be readable; or log in another way."
    return reason(error), _ANY
