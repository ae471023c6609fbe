"""Caches Kubernetes's schemas, which the library reads again for each object."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import kubernetes_validate.utils
import pytest


@pytest.fixture(scope="session", autouse=True)
def schemas_read_once() -> Iterator[None]:
    """Cache what the library reads, because the tests check thousands of objects."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("all_versions", "schema_contents"):
            read = getattr(kubernetes_validate.utils, name)
            patch.setattr(kubernetes_validate.utils, name, functools.cache(read))
        yield
