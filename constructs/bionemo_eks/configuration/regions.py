"""The AWS regions that the SDK knows."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def known_regions() -> Sequence[str]:
    """Return the names of botocore's regions of partition `aws` that have EKS."""
    # Imported here because it is needed only for a wrong name.
    from botocore.session import get_session

    names: list[str] = get_session().get_available_regions("eks", partition_name="aws")
    return names


def unheard_of(region: str) -> str:
    """Return a line about a region that the SDK does not know, with the nearest; empty if it does.

    The region may be new, so use this only when nothing answers there.
    """
    names = known_regions()
    if region in names:
        return ""
    near = difflib.get_close_matches(region, names, n=1, cutoff=0.6)
    meant = f": did you mean {near[0]}?" if near else ""
    return f"\n  The installed AWS SDK knows no region {region}{meant}"
