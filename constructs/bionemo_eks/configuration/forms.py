"""The types of the settings' values, with their format in words."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticKnownError

from bionemo_eks.configuration.errors import refused

# Partition `aws`, as in cdk.json; a new region will be named like the others.
_DIRECTION = r"(central|(north|south)?(east|west)|north|south)"
REGION_PATTERN = rf"^(af|ap|ca|eu|il|me|mx|sa|us)-{_DIRECTION}-[1-9]$"
# IAM users and roles only: an access entry accepts neither groups nor wildcards.
# https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html
# A path of printable characters, and a name of up to 64:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
PRINCIPAL_PATTERN = (
    r"^arn:aws:iam::[0-9]{12}:(user|role)/([\x21-\x2e\x30-\x7e]+/)*[A-Za-z0-9_+=,.@-]{1,64}$"
)
# 8 hexadecimal digits until 2018, 17 since:
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html
RESOURCE_ID = r"([0-9a-f]{8}|[0-9a-f]{17})"
# A registry and its port, a repository in lowercase, a tag, a digest:
# https://pkg.go.dev/github.com/distribution/reference
_REPOSITORY = r"[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*"
_IMAGE = (
    rf"^([A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?/)?{_REPOSITORY}(/{_REPOSITORY})*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$"
)
_WHOLE = re.compile(r"^\s*-?[0-9]+(\.0+)?\s*$")
# No Local Zones, such as us-west-2-lax-1a: they have no EKS control plane and no FSx.
# https://docs.aws.amazon.com/eks/latest/userguide/local-zones.html
ZONE_PATTERN = r"[a-z]{2}(-[a-z]+)+-[0-9]+[a-z]"


@dataclass(frozen=True)
class Form:
    """The format of a value, in words, for messages and for docs/settings.md.

    A value that `may_hold_password` is not repeated in a message if it may contain one. `names`
    returns known values, of which the nearest is suggested.
    """

    words: str
    may_hold_password: bool = False
    names: Callable[[], Sequence[str]] | None = None


Arn = Annotated[
    str,
    StringConstraints(pattern=PRINCIPAL_PATTERN),
    Form("ARNs of IAM users or roles, such as arn:aws:iam::111122223333:role/platform"),
]
ArnOrNone = Annotated[
    str,
    StringConstraints(pattern=rf"^({PRINCIPAL_PATTERN.strip('^$')})?$"),
    Form(
        "the ARN of an IAM user or role, such as arn:aws:iam::111122223333:role/platform, or empty"
    ),
]
ImageReference = Annotated[
    str,
    StringConstraints(pattern=_IMAGE, max_length=255),
    Form("an image reference, such as nvcr.io/nvidia/clara/bionemo-framework:1.2"),
]
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
SecretName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9/_+=.@-]{0,512}$"),
    Form("a secret's name of up to 512 letters, digits and / _ + = . @ -, or empty"),
]
# https://docs.aws.amazon.com/eks/latest/userguide/eks-linux-ami-versions.html
AmiRelease = Annotated[
    str,
    StringConstraints(pattern=r"^([0-9]+\.[0-9]+\.[0-9]+-20[0-9]{6})?$"),
    Form("a release version of EKS's AMIs, such as 1.35.3-20261012, or empty"),
]
Layout = Literal["pod-per-gpu", "pod-per-node"]
Experiment = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"),
    Form("up to 100 letters, digits, dots, underscores and hyphens"),
]
Steps = Annotated[int, Field(ge=1, le=10**9)]
Zone = Annotated[
    str,
    StringConstraints(pattern=f"^{ZONE_PATTERN}$"),
    Form("two availability zones, such as us-west-2a"),
]
SubnetId = Annotated[
    str,
    StringConstraints(pattern=rf"^subnet-{RESOURCE_ID}$"),
    Form("subnet IDs, such as subnet-0123456789abcdef0"),
]
Block = Annotated[str, Form("1 to 40 public IPv4 blocks, such as 203.0.113.0/24")]
VpcBlock = Annotated[str, Form("an IPv4 block between /16 and /22, such as 10.1.0.0/21")]
ProxyUrl = Annotated[
    str,
    Form("an http URL, such as http://proxy.example.org:3128, or empty", may_hold_password=True),
]
# As Python's urllib reads no_proxy: it does not support CIDR blocks.
# https://docs.python.org/3/library/urllib.request.html#urllib.request.ProxyHandler
Unproxied = Annotated[
    str,
    StringConstraints(pattern=r"^\.?[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?(:[0-9]{1,5})?$"),
    Form("host names, domains or addresses, such as .example.org, but no CIDR blocks"),
]
_TAG_CHARACTERS = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]"
TagKey = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=f"^{_TAG_CHARACTERS}*$")
]
TagValue = Annotated[str, StringConstraints(max_length=256, pattern=f"^{_TAG_CHARACTERS}*$")]
RetentionDays = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731]


class Group(BaseModel):
    """A group of settings: frozen; unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)

    @field_validator("*", mode="before")
    @classmethod
    def _as_it_is_written(cls, value: Any, info: ValidationInfo) -> Any:
        """Accept numbers and booleans only as written: pydantic reads true as 1, 4_0 as 40."""
        annotation = cls.model_fields[str(info.field_name)].annotation
        if annotation is bool and str(value).lower() not in ("true", "false"):
            raise PydanticKnownError("bool_parsing")
        if annotation is int and not _WHOLE.match(str(value)):
            raise PydanticKnownError("int_parsing")
        if get_origin(annotation) is Literal and isinstance(value, bool):
            raise PydanticKnownError("literal_error", {"expected": "one of them"})
        return value


def one_of(table: dict[str, Any], value: str) -> str:
    """Return `value` if it is a key of `table`; refuse it otherwise."""
    if value not in table:
        raise refused("not one of the allowed values")
    return value


def unless(reason: str, value: str) -> str:
    """Return `value`, or refuse it for `reason` if there is one."""
    if reason:
        raise refused(reason)
    return value


def ip_block(value: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Return an address block; for an address without a prefix, the block of that address only."""
    try:
        return ipaddress.ip_network(value)
    except ValueError as error:
        raise refused(str(error)) from None
