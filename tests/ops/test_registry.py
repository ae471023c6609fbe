"""What a registry is asked, and what its answers mean."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bionemo_eks.configuration.images import image_name
from ops.registry import Found, Key, Registries, RegistryError
from tests.ops.registry import PASSWORD, USER, Asked, a_registry

ASKED = Asked()
FITS, WRONG = Key(USER, PASSWORD), Key(USER, "another")


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    with a_registry(ASKED) as host:
        yield host


def look(registry: str, repository: str, key: Key | None = None) -> Found:
    return Registries().look(image_name(f"{registry}/{repository}:1"), key, 5)


@pytest.mark.parametrize(
    ("repository", "key", "found"),
    [
        ("team/there", None, Found.THERE),
        ("team/there", FITS, Found.THERE),
        ("team/nothing", None, Found.MISSING),
        ("team/locked", None, Found.REFUSED),
        ("team/locked", WRONG, Found.REFUSED),
        ("team/locked", FITS, Found.THERE),
        ("team/basic", None, Found.REFUSED),
        ("team/basic", WRONG, Found.REFUSED),
        ("team/basic", FITS, Found.THERE),
    ],
)
def test_an_image_is_found_refused_or_missing(
    registry: str, repository: str, key: Key | None, found: Found
) -> None:
    assert look(registry, repository, key) is found


def test_a_key_is_sent_only_to_a_registry_that_asks(registry: str) -> None:
    ASKED.all.clear()
    look(registry, "team/there", FITS)
    look(registry, "team/moved", FITS)
    assert ASKED.all
    assert not [path for _, path, with_key in ASKED.all if with_key]


def test_no_layer_is_fetched(registry: str) -> None:
    ASKED.all.clear()
    look(registry, "team/locked", FITS)
    assert [method for method, path, _ in ASKED.all if path != "/token"] == ["HEAD", "HEAD"]


def test_a_registry_that_fails_is_named(registry: str) -> None:
    with pytest.raises(RegistryError, match=rf"{registry} answered 500"):
        look(registry, "team/broken")
    with pytest.raises(RegistryError, match=r"127\.0\.0\.1:1: "):
        look("127.0.0.1:1", "team/there")


def test_a_key_does_not_show_in_what_is_printed() -> None:
    assert PASSWORD not in repr(FITS)
