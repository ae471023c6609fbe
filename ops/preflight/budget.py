"""The budget: whether Billing records the costs that it counts."""

from __future__ import annotations

from botocore.exceptions import ClientError

from bionemo_eks.configuration.tags import DEPLOYMENT_TAG
from ops.aws import Deployment
from ops.reasons import code_of
from ops.results import Result, command, passed, unknown, warned

_NAME = "Cost allocation tag"
_ACTIVATE = command(
    "aws ce update-cost-allocation-tags-status --cost-allocation-tags-status "
    f"TagKey={DEPLOYMENT_TAG},Status=Active"
)


def cost_allocation_tag(deployment: Deployment) -> Result:
    """Whether Billing records costs by the deployment's tag; otherwise the budget stays at 0.

    https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/activating-tags.html
    """
    try:
        tags = deployment.aws.pages(
            "ce", "list_cost_allocation_tags", "CostAllocationTags", TagKeys=[DEPLOYMENT_TAG]
        )
    except ClientError as error:
        # In an organization only the management account may ask, and activate.
        if code_of(error).startswith("AccessDenied"):
            return unknown(
                _NAME,
                f"this account may not check whether {DEPLOYMENT_TAG} is an active cost allocation "
                "tag, without which the budget counts nothing; in an organization, the management "
                "account can check and activate it",
            )
        raise
    states = {each["TagKey"]: each["Status"] for each in tags}
    state = states.get(DEPLOYMENT_TAG)
    if state == "Active":
        return passed(_NAME, f"{DEPLOYMENT_TAG} is active: the budget counts costs with this tag")
    if state is None:
        return warned(
            _NAME,
            f"Billing does not know the tag {DEPLOYMENT_TAG} yet, so the budget counts nothing",
            "A day after the first deployment, when Billing has seen the tag, run:",
            _ACTIVATE,
        )
    return warned(
        _NAME,
        f"{DEPLOYMENT_TAG} is not an active cost allocation tag, so the budget counts nothing",
        "Activate it; costs count from then on, within a day:",
        _ACTIVATE,
    )
