"""Adds the types and cards of network interfaces, which the emulator's answers omit.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_LaunchTemplateInstanceNetworkInterfaceSpecification.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from rehearsal.local_aws import private

_LEFT_OUT = {"InterfaceType": "interfaceType", "NetworkCardIndex": "networkCardIndex"}
# The start of an interface in EC2's answer; the emulator writes its index first.
_BEGINS = "<item><deviceIndex>"


def register() -> None:
    """Add them to EC2's answers."""
    private.TEMPLATE_ANSWER.wrap(whole)


def whole(answer: Callable[[Mapping[str, Any]], str], data: Mapping[str, Any]) -> str:
    """Return EC2's XML `answer` about a template's `data`, with what it omits."""
    interfaces = iter(data.get("NetworkInterfaces", []))
    return re.sub(_BEGINS, lambda _: f"<item>{_text(next(interfaces))}<deviceIndex>", answer(data))


def _text(interface: Mapping[str, Any]) -> str:
    return "".join(
        f"<{name}>{interface[given]}</{name}>"
        for given, name in _LEFT_OUT.items()
        if given in interface
    )
