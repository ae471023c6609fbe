"""Whose account it is, and whether CDK can work in it."""

from __future__ import annotations

from botocore.exceptions import ClientError

from ops.aws import Deployment
from ops.results import Result, failed, passed, unknown

# What CDK's templates need: MIN_BOOTSTRAP_STACK_VERSION of DefaultStackSynthesizer (aws-cdk-lib)
BOOTSTRAP_LEAST = 6
TOOLKIT = "CDKToolkit"


def account(found: Deployment) -> Result:
    """Whose account, as whom."""
    return passed("Account", f"{found.account}, {found.settings.region}, as {found.caller}")


def bootstrap(found: Deployment) -> Result:
    """The bootstrap stack, and its version."""
    name, region = "CDK bootstrap", found.settings.region
    remedy = f"npx cdk bootstrap aws://{found.account}/{region}"
    try:
        answer = found.aws.client("cloudformation").describe_stacks(StackName=TOOLKIT)
    except ClientError as error:
        if "does not exist" in str(error):
            return failed(name, f"{region} of this account has never been bootstrapped", remedy)
        raise
    (stack,) = answer["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
    version = outputs.get("BootstrapVersion", "")
    if not version.isdigit():
        return unknown(name, f"stack {TOOLKIT} does not tell its version")
    if int(version) < BOOTSTRAP_LEAST:
        return failed(name, f"version {version}; at least {BOOTSTRAP_LEAST} is needed", remedy)
    return passed(name, f"version {version}")
