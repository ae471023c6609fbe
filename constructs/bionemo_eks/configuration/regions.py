"""The regions of AWS that the SDK knows."""

from __future__ import annotations

from collections.abc import Sequence


def known_regions() -> Sequence[str]:
    """Return the names of the regions of partition `aws` that have EKS, as botocore has them."""
    # Here, for it is asked for where a name is wrong alone.
    from botocore.session import get_session

    names: list[str] = get_session().get_available_regions("eks", partition_name="aws")
    return names
