"""Service Quotas, which the emulator lacks: the made-up account's quotas.

They suffice for all settings: a rehearsal shows what is requested, not what an account has.
https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_Operations.html
"""

from __future__ import annotations

from typing import Any

from ops.preflight.lustre import NUMBER, STORAGE
from ops.preflight.quotas import ADDRESSES, VPCS
from rehearsal.local_aws.calls import routing

# By service and code; VPCs, addresses and file systems are AWS's defaults.
_VALUES = {
    "ec2": {ADDRESSES: 5},
    "vpc": {VPCS: 5},
    "fsx": {STORAGE: 2_000_000, NUMBER: 100},
}
# For EC2's other quotas, which count vCPUs by instance family.
_VCPUS = 100_000


def _quota(asked: dict[str, Any]) -> dict[str, Any]:
    service, code = asked["ServiceCode"], asked["QuotaCode"]
    value = _VALUES.get(service, {}).get(code, _VCPUS if service == "ec2" else None)
    if value is None:
        raise routing.CallError(400, "NoSuchResourceException", f"There is no quota {code}.")
    return {"Quota": _row(service, code, value)}


def _quotas(asked: dict[str, Any]) -> dict[str, Any]:
    service = asked["ServiceCode"]
    return {
        "Quotas": [_row(service, code, value) for code, value in _VALUES.get(service, {}).items()]
    }


def _row(service: str, code: str, value: float) -> dict[str, Any]:
    return {"ServiceCode": service, "QuotaCode": code, "Value": value}


_ACTIONS = {
    "GetServiceQuota": _quota,
    "GetAWSDefaultServiceQuota": _quota,
    "ListServiceQuotas": _quotas,
    "ListAWSDefaultServiceQuotas": _quotas,
}


def register() -> None:
    """Add Service Quotas to the services that the emulator answers for."""
    routing.add("servicequotas", "ServiceQuotasV20190624", _ACTIONS)
