"""The account, and whether it is bootstrapped for CDK."""

from __future__ import annotations

from botocore.exceptions import ClientError

from ops.aws import Deployment, is_updatable
from ops.reasons import code_of, is_denied
from ops.results import Result, Step, command, failed, passed, unknown

# CDK's templates need it: MIN_BOOTSTRAP_STACK_VERSION of DefaultStackSynthesizer (aws-cdk-lib)
BOOTSTRAP_LEAST = 6
TOOLKIT = "CDKToolkit"
_QUALIFIER = "hnb659fds"


def account(deployment: Deployment) -> Result:
    """The account, the region, and the caller."""
    return passed(
        "Account", f"{deployment.account}, {deployment.settings.region}, as {deployment.caller}"
    )


def qualifier(deployment: Deployment) -> str:
    """Return the qualifier in the names of CDK's parameter and roles: the setting or CDK's default.

    https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-customizing.html
    """
    return deployment.settings.account.bootstrap_qualifier or _QUALIFIER


def bootstrap(deployment: Deployment) -> Result:
    """The bootstrap version, read where CDK reads it: the bootstrap stack may have any name."""
    name, parameter = "CDK bootstrap", f"/cdk-bootstrap/{qualifier(deployment)}/version"
    try:
        answer = deployment.aws.client("ssm").get_parameter(Name=parameter)
    except ClientError as error:
        if is_denied(error):
            return _of_the_stack(deployment, name)
        if code_of(error) != "ParameterNotFound":
            raise
        said = f"{deployment.settings.region} is not bootstrapped in this account"
        return failed(name, f"{said}: there is no parameter {parameter}", _first(deployment))
    return _judged(deployment, name, answer["Parameter"]["Value"], f"parameter {parameter}")


def _of_the_stack(deployment: Deployment, name: str) -> Result:
    """The version from the stack, for a caller who may not read the parameter."""
    region = deployment.settings.region
    try:
        answer = deployment.aws.client("cloudformation").describe_stacks(StackName=TOOLKIT)
    except ClientError as error:
        if "does not exist" in str(error):
            # The stack may have another name, which this caller cannot find out.
            return unknown(name, f"not allowed to read SSM, and {region} has no stack {TOOLKIT}")
        raise
    (stack,) = answer["Stacks"]
    given = {each["ParameterKey"]: each["ParameterValue"] for each in stack.get("Parameters", [])}
    own = qualifier(deployment)
    if given.get("Qualifier", own) != own:
        return unknown(name, f"stack {TOOLKIT} has a qualifier other than {own}")
    if not is_updatable(stack["StackStatus"]):
        return failed(name, f"stack {TOOLKIT} is {stack['StackStatus']}", *_again(deployment))
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
    return _judged(deployment, name, outputs.get("BootstrapVersion", ""), f"stack {TOOLKIT}")


def _judged(deployment: Deployment, name: str, version: str, where: str) -> Result:
    if not version.isdigit():
        return unknown(name, f"{where} has no version")
    if int(version) < BOOTSTRAP_LEAST:
        said = f"version {version}; at least {BOOTSTRAP_LEAST} is required"
        return failed(name, said, *_again(deployment))
    return passed(name, f"version {version}")


def _bootstrap(deployment: Deployment) -> str:
    own = deployment.settings.account.bootstrap_qualifier
    options = f" --qualifier {own}" if own else ""
    return f"npx cdk bootstrap aws://{deployment.account}/{deployment.settings.region}{options}"


def _again(deployment: Deployment) -> tuple[Step | str, ...]:
    """The steps that bring the bootstrap up to date."""
    return (
        command(_bootstrap(deployment)),
        f"Add --toolkit-stack-name if its stack is not named {TOOLKIT}.",
    )


def _first(deployment: Deployment) -> Step:
    """The command for a first bootstrap; it must not replace that of another qualifier.

    https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-customizing.html
    """
    own = qualifier(deployment)
    named = "" if own == _QUALIFIER else f" --toolkit-stack-name {TOOLKIT}-{own}"
    return command(f"{_bootstrap(deployment)}{named}")
