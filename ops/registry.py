"""Asks container registries whether they have an image: its manifest, not its layers.

https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import base64
import http.client
import ipaddress
import json
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import urlencode, urlsplit

from bionemo_eks.configuration.images import DOCKER_HUB, ImageName

# https://github.com/opencontainers/image-spec/blob/v1.1.1/media-types.md
# https://distribution.github.io/distribution/spec/manifest-v2-2/
_MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_REFUSED = (401, 403)


class Found(Enum):
    """A registry's answer about an image."""

    THERE = "there"
    # No credentials, or wrong ones. Some registries also refuse what does not exist.
    REFUSED = "refused"
    MISSING = "missing"


class RegistryError(RuntimeError):
    """A registry did not answer; the message says why, in one line."""


@dataclass(frozen=True)
class Key:
    """A user and a password for a registry."""

    user: str
    password: str = field(repr=False)

    @property
    def basic(self) -> str:
        """The Authorization header: https://www.rfc-editor.org/rfc/rfc7617"""
        return f"Basic {base64.b64encode(f'{self.user}:{self.password}'.encode()).decode()}"


class Registries:
    """All reachable registries."""

    def look(self, image: ImageName, key: Key | None, seconds: float) -> Found:
        """Ask for the image's manifest, without credentials if None, `seconds` per request.

        Raises RegistryError if there is no answer, or one that violates the specification.
        """
        address = f"{_address(image.registry)}/v2/{image.repository}/manifests/{image.version}"
        try:
            status, challenge = _head(address, "", seconds)
            if status == 401:
                allowed = _allowed(challenge, key, seconds)
                if not allowed:
                    return Found.REFUSED
                status, _ = _head(address, allowed, seconds)
        except (OSError, ValueError, http.client.HTTPException) as error:
            why = str(getattr(error, "reason", "") or error) or type(error).__name__
            raise RegistryError(f"{image.registry}: {why}") from None
        if status in _REFUSED:
            return Found.REFUSED
        if status == 404:
            return Found.MISSING
        if status != 200:
            raise RegistryError(f"{image.registry} answered {status}")
        return Found.THERE


def _address(registry: str) -> str:
    host = "registry-1.docker.io" if registry == DOCKER_HUB else registry
    return f"{'http' if _is_this_machine(host) else 'https'}://{host}"


def _is_this_machine(host: str) -> bool:
    """Whether a registry needs no TLS, as in docker for those on the local machine."""
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _head(address: str, allowed: str, seconds: float) -> tuple[int, str]:
    """Return the status for the manifest, and the challenge of a refusal."""
    request = urllib.request.Request(address, headers={"Accept": _MANIFESTS}, method="HEAD")
    if allowed:
        # Not to be forwarded on redirects.
        request.add_unredirected_header("Authorization", allowed)
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("WWW-Authenticate", "")


def _allowed(challenge: str, key: Key | None, seconds: float) -> str:
    """Return the header that a challenge asks for; empty if it is not available."""
    scheme, _, rest = challenge.partition(" ")
    if scheme.lower() != "bearer":
        return key.basic if key else ""
    asked = urllib.request.parse_keqv_list(urllib.request.parse_http_list(rest))
    realm = urlsplit(asked["realm"])
    if realm.scheme != "https" and not _is_this_machine(realm.netloc):
        raise ValueError(f"tokens come from {realm.netloc} without TLS")
    wanted: dict[str, str] = {name: asked[name] for name in ("service", "scope") if name in asked}
    request = urllib.request.Request(f"{asked['realm']}?{urlencode(wanted)}")
    if key:
        request.add_unredirected_header("Authorization", key.basic)
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            answer_json: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code in _REFUSED:
            return ""
        raise
    token = answer_json.get("token") or answer_json.get("access_token")
    return f"Bearer {token}" if token else ""
