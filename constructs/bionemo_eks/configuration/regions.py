"""The regions of AWS that the SDK knows."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def known_regions() -> Sequence[str]:
    """Return the names of the regions of partition `aws` that have EKS, as botocore has them."""
    # Here, for it is asked for where a name is wrong alone.
    from botocore.session import get_session

    names: list[str] = get_session().get_available_regions("eks", partition_name="aws")
    return names


def unheard_of(region: str) -> str:
    """Return a line for a region that the SDK does not know, with the nearest; empty if it does.

    It may be new, so that is for when nothing answers there.
    """
    names = known_regions()
    if region in names:
        return ""
    near = difflib.get_close_matches(region, names, n=1, cutoff=0.6)
    meant = f": did you mean {near[0]}?" if near else ""
    return f"\n  The AWS SDK that is installed here knows no region {region}{meant}"
