"""The form of names and labels: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from rehearsal.kubernetes.objects import KubernetesObject

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(rf"{_LABEL.pattern}(\.{_LABEL.pattern})*")
_QUALIFIED = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_LABEL_LENGTH, _SUBDOMAIN_LENGTH = 63, 253
# Kinds whose name becomes part of a host name or, for a Job, of its pods' label.
_SHORT_NAMES = {"Job", "Namespace"}
# Kinds whose name only has to be valid in an API path.
_PATH_NAMES = {"Role", "RoleBinding"}


def is_label(text: str) -> bool:
    """Whether `text` is an RFC 1123 DNS label, as in names of containers and volumes."""
    return len(text) <= _LABEL_LENGTH and bool(_LABEL.fullmatch(text))


def is_subdomain(text: str) -> bool:
    """Whether `text` is an RFC 1123 DNS subdomain, as in names of most objects."""
    return len(text) <= _SUBDOMAIN_LENGTH and bool(_SUBDOMAIN.fullmatch(text))


def problems(item: KubernetesObject) -> Iterator[str]:
    """Yield what is wrong with an object's name, labels and annotations."""
    metadata = item["metadata"]
    yield from _name_problems(item["kind"], metadata["name"])
    yield from label_problems("metadata.labels", metadata.get("labels", {}))
    for key in metadata.get("annotations", {}):
        yield from _key_problems("metadata.annotations", key.lower())


def _name_problems(kind: str, name: str) -> Iterator[str]:
    if kind in _PATH_NAMES:
        fine = name not in ("", ".", "..") and not set("/%") & set(name)
    else:
        short = kind in _SHORT_NAMES and len(name) > _LABEL_LENGTH
        fine = is_subdomain(name) and not short
    if not fine:
        yield (
            f'metadata.name: Invalid value: "{name}": a lowercase RFC 1123 subdomain must consist '
            "of lower case alphanumeric characters, '-' or '.', and be no longer than "
            f"{_LABEL_LENGTH if kind in _SHORT_NAMES else _SUBDOMAIN_LENGTH}"
        )


def label_problems(where: str, labels: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with the keys and values of labels, or of a selector."""
    for key, value in labels.items():
        yield from _key_problems(where, key)
        if value and not _is_qualified(value):
            yield (
                f'{where}: Invalid value: "{value}": a valid label must be an empty string or '
                "consist of alphanumeric characters, '-', '_' or '.', and be no longer than 63"
            )


def _key_problems(where: str, key: str) -> Iterator[str]:
    prefix, slash, name = key.rpartition("/")
    if not _is_qualified(name) or (slash and not is_subdomain(prefix)):
        yield (
            f'{where}: Invalid value: "{key}": a qualified name must consist of alphanumeric '
            "characters, '-', '_' or '.', with an optional DNS subdomain prefix and '/'"
        )


def _is_qualified(text: str) -> bool:
    return len(text) <= _LABEL_LENGTH and bool(_QUALIFIED.fullmatch(text))
