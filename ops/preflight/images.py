"""The container images: can the nodes pull them, and with which credentials?"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from botocore.exceptions import ClientError

from bionemo_eks.configuration.images import ImageName, image_name
from bionemo_eks.jobs.images import images as images_of
from ops.aws import Deployment
from ops.parallel import side_by_side
from ops.project import VERSIONS_FILE
from ops.reasons import ONLY_AWS, code_of, failure_reason
from ops.registry import Found, Key
from ops.results import Result, Step, command, failed, options, passed, unknown

_IMAGES, _SECRET = "Images", "Image pull secret"
_SETTING = "training.image_pull_secret"
# Seconds for all images together, and for each of up to three requests to a registry.
_DEADLINE = 2.5
# A private Amazon ECR registry, from which nodes pull with their role:
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
_ECR = re.compile(r"\d{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com")


class _FormError(ValueError):
    """The secret's text does not have the documented form."""


@dataclass(frozen=True)
class _Look:
    """What was found, and whether with credentials; `unclear` says why there are none."""

    found: Found
    with_key: bool = False
    unclear: str = ""


def images(deployment: Deployment) -> Result:
    """Whether each image in the manifests exists, publicly or with the credentials."""
    if deployment.aws.is_local:
        return unknown(_IMAGES, ONLY_AWS)
    named, seconds = images_of(deployment.settings), deployment.within(_DEADLINE)
    looked = side_by_side(
        {reference: partial(_look, deployment, reference, seconds) for reference in named}, seconds
    )
    wrong, unclear, keys = dict[str, _Look](), [], 0
    for reference, future in looked.items():
        if not future.done():
            unclear.append(f"{reference}: no answer within {seconds:g} s")
        elif error := future.exception():
            unclear.append(f"{reference}: {failure_reason(error)}")  # type: ignore[arg-type]
        elif (look := future.result()).unclear:
            unclear.append(f"{reference} needs a key: {look.unclear}")
        elif look.found is Found.THERE:
            keys += look.with_key
        else:
            wrong[reference] = look
    if wrong:
        said = [f"{_fault(each)}: {name} ({named[name]})" for name, each in wrong.items()]
        return failed(_IMAGES, "; ".join([*said, *unclear]), *_remedy(deployment, wrong))
    if unclear:
        return unknown(_IMAGES, "; ".join(unclear))
    with_key = f", {keys} of them with a key" if keys else ""
    return passed(_IMAGES, f"all {len(named)} can be pulled{with_key}")


def _look(deployment: Deployment, reference: str, seconds: float) -> _Look:
    """Ask without credentials first, then with them, if there are any."""
    image, registries = image_name(reference), deployment.aws.registries
    found = registries.look(image, None, seconds)
    have = _key_for(deployment, image)
    if found is not Found.REFUSED or have is None:
        return _Look(found)
    try:
        key = have()
    except (ClientError, _FormError) as error:
        return _Look(found, unclear=failure_reason(error))
    return _Look(registries.look(image, key, seconds), with_key=True)


def _key_for(deployment: Deployment, image: ImageName) -> Callable[[], Key] | None:
    """Return how to get the nodes' credentials for an image's registry; None if they have none."""
    ecr = _ECR.fullmatch(image.registry)
    if ecr:
        return partial(_of_ecr, deployment, ecr[1])
    training = deployment.settings.training
    if training.image_pull_secret and image.registry == image_name(training.image).registry:
        return partial(_of_the_secret, deployment)
    return None


def _of_ecr(deployment: Deployment, region: str) -> Key:
    """The caller's credentials: https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html"""
    answer = deployment.aws.client("ecr", region).get_authorization_token()
    token = base64.b64decode(answer["authorizationData"][0]["authorizationToken"]).decode()
    user, _, password = token.partition(":")
    return Key(user, password)


def _of_the_secret(deployment: Deployment) -> Key:
    """The credentials in the secret named by `training.image_pull_secret`.

    Read as in workloads/pull_secret/write_pull_secret.py; a test compares the two.
    """

    def ask() -> Key:
        name = deployment.settings.training.image_pull_secret
        answer = deployment.aws.client("secretsmanager").get_secret_value(SecretId=name)
        try:
            held = json.loads(answer["SecretString"])
            user, password = held["username"], held["password"]
        except (ValueError, TypeError, KeyError):
            raise _FormError("the secret is not a JSON object with username and password") from None
        if not (isinstance(user, str) and isinstance(password, str) and user and password):
            raise _FormError("username and password in the secret must be nonempty strings")
        return Key(user, password)

    return deployment.once("image pull secret", ask)


def secret(deployment: Deployment) -> Result:
    """Whether the secret exists, in the form that the cluster's Job reads."""
    if deployment.aws.is_local:
        return unknown(_SECRET, ONLY_AWS)
    name = deployment.settings.training.image_pull_secret
    try:
        _of_the_secret(deployment)
    except _FormError as error:
        return failed(
            _SECRET, f"{name}: {error}", *_write_secret(deployment, "put-secret-value", name)
        )
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        said = f"Secrets Manager has no secret {name} in {deployment.settings.region}"
        return failed(_SECRET, said, *_write_secret(deployment, "create-secret", name))
    return passed(_SECRET, f"{name} contains a username and a password")


def _write_secret(deployment: Deployment, call: str, name: str) -> tuple[Step | str, ...]:
    named = f"--{'name' if call == 'create-secret' else 'secret-id'} {name}"
    return (
        'Write {"username": "…", "password": "…"} to a file key.json (for NGC: $oauthtoken and the '
        "API key), then:",
        command(
            f"aws secretsmanager {call} --region {deployment.settings.region} {named} "
            "--secret-string file://key.json"
        ),
    )


def _fault(look: _Look) -> str:
    if look.found is Found.MISSING:
        return "does not exist"
    return "refused with the key" if look.with_key else "needs a key, or does not exist"


def _remedy(deployment: Deployment, wrong: dict[str, _Look]) -> list[Step | str]:
    training = deployment.settings.training
    mine = wrong.pop(training.image, None)
    steps: list[Step | str] = []
    if wrong:
        steps.append(f"Change it in {VERSIONS_FILE}")
    if mine is None:
        return steps
    if mine.found is Found.MISSING:
        return [*steps, "Set training.image to an existing image."]
    if mine.with_key:
        return [
            *steps,
            "Check that the key has not expired and may pull this image; to replace it, write a "
            "new one to the secret.",
        ]
    name = training.image_pull_secret or "bionemo-image-key"
    return [
        *steps,
        *_write_secret(deployment, "create-secret", name),
        "and name it:",
        options(f"-c {_SETTING}={name}"),
        "Or copy the image to your own Amazon ECR registry, and set training.image: see "
        "docs/operations.md, An image that needs a key.",
    ]
