"""The Price List, which the emulator lacks: prices come from AWS or from the project's table.

https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html
"""

from __future__ import annotations

from typing import Any

from ops.reasons import NOT_IN_A_REHEARSAL
from rehearsal.local_aws.calls import routing


def register() -> None:
    """Add the Price List to the services that the emulator answers for."""
    routing.add("pricing", "AWSPriceListService", {"GetProducts": _products})


def _products(asked: dict[str, Any]) -> Any:
    raise routing.CallError(400, NOT_IN_A_REHEARSAL, "Prices come only from AWS")
