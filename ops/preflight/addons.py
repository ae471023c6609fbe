"""The EKS add-ons: do the pinned versions exist, and do they accept their configuration?"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from bionemo_eks.configuration.addons import addon_configuration, addon_versions
from ops.aws import Deployment
from ops.parallel import side_by_side
from ops.project import VERSIONS_FILE
from ops.reasons import code_of
from ops.results import Result, failed, passed, unknown

_CONFIGURATION = "constructs/bionemo_eks/configuration/addons.py"
# Seconds for all add-ons together: less than the minimum of three that preflight leaves its checks,
# so that the answer names the add-on.
_DEADLINE = 2.5


def versions(deployment: Deployment) -> Result:
    """Whether the pinned versions exist for this Kubernetes version."""
    name, release = "Add-on versions", deployment.settings.release
    pinned, seconds = addon_versions(deployment.settings), deployment.within(_DEADLINE)
    # Created before the time counts: all checks create theirs now, one by one; not AWS's delay.
    client = deployment.aws.client("eks")
    looked = side_by_side(
        {addon: partial(_offered, client, release.version, addon) for addon in pinned}, seconds
    )
    if late := _late(looked, seconds):
        return unknown(name, late)
    wrong = []
    for addon, wanted in pinned.items():
        offered = looked[addon].result()
        if offered is None:
            wrong.append(f"{addon} (unknown to EKS)")
        elif wanted not in offered:
            instead = ", ".join(offered[:3]) or "none"
            wrong.append(f"{addon} {wanted}; available: {instead}")
    if wrong:
        place = f"Kubernetes {release.version} in {deployment.settings.region}"
        return failed(
            name, f"do not exist for {place}: {'; '.join(wrong)}", f"Change them in {VERSIONS_FILE}"
        )
    return passed(name, f"all {len(pinned)} exist for Kubernetes {release.version}")


def _late(looked: Mapping[str, Future[Any]], seconds: float) -> str:
    """Name the add-ons without an answer; empty if there are none."""
    late = [addon for addon, future in looked.items() if not future.done()]
    return f"no answer for {', '.join(late)} within {seconds:g} s" if late else ""


def _offered(client: Any, version: str, addon: str) -> list[str] | None:
    """Versions of an add-on for a Kubernetes version; None if EKS does not know its name.

    https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeAddonVersions.html
    """
    pages = client.get_paginator("describe_addon_versions")
    try:
        rows = [
            row
            for page in pages.paginate(addonName=addon, kubernetesVersion=version)
            for row in page.get("addons", [])
        ]
    except ClientError as error:
        if code_of(error) not in ("InvalidParameterException", "ResourceNotFoundException"):
            raise
        return None
    return [each["addonVersion"] for row in rows for each in row.get("addonVersions", [])]


def configuration(deployment: Deployment) -> Result:
    """Whether each pinned version accepts its configuration; otherwise EKS rejects the add-on.

    https://docs.aws.amazon.com/eks/latest/userguide/updating-an-add-on.html
    """
    name, pinned = "Add-on settings", addon_versions(deployment.settings)
    configured = addon_configuration(deployment.settings)
    client = deployment.aws.client("eks")
    asked: dict[str, Callable[[], str]] = {
        addon: partial(_schema, client, addon, pinned[addon]) for addon in configured
    }
    seconds = deployment.within(_DEADLINE)
    looked = side_by_side(asked, seconds)
    if late := _late(looked, seconds):
        return unknown(name, late)
    wrong = [
        f"{addon} {pinned[addon]}: {fault}"
        for addon, settings in configured.items()
        for fault in faults(looked[addon].result(), settings)
    ]
    if wrong:
        return failed(
            name, f"EKS would refuse {'; '.join(wrong)}", f"Change it in {_CONFIGURATION}"
        )
    return passed(name, f"{len(asked)} add-ons accept their configuration")


def _schema(client: Any, addon: str, version: str) -> str:
    """https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeAddonConfiguration.html"""
    answer = client.describe_addon_configuration(addonName=addon, addonVersion=version)
    return str(answer.get("configurationSchema") or "{}")


def faults(schema: str, settings: Mapping[str, Any]) -> list[str]:
    """Return the faults in an add-on's configuration, according to its JSON schema.

    Each names the key, as a dotted path. Raises jsonschema's SchemaError for an invalid schema,
    ValueError for invalid JSON.
    """
    # Imported here because it takes longer than most commands: it reads every JSON Schema draft.
    from jsonschema.validators import Draft7Validator, validator_for
    from referencing import Registry

    document = json.loads(schema)
    kind = validator_for(document, default=Draft7Validator)
    kind.check_schema(document)
    # An empty registry: references to other documents are not fetched.
    validator = kind(document, registry=Registry())
    errors = sorted(validator.iter_errors(dict(settings)), key=lambda error: error.json_path)
    return [
        f"{error.json_path.removeprefix('$').lstrip('.')} {error.message}".strip()
        for error in errors
    ]
