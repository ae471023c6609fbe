"""Preflight's check of the images, against a local registry."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from bionemo_eks.configuration.images import ImageName
from ops.parallel import Check, run_checks
from ops.preflight import checks, images
from ops.registry import Found, Key, Registries
from ops.results import Result, Verdict
from tests.ops.reading import commands, in_order, proposed
from tests.ops.registry import PASSWORD, USER, a_registry
from tests.simulated.accounts import good, simulated_deployment
from tests.simulated.aws import ACCOUNT, Answers, denied, error

SECRET = "team/ngc"


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    with a_registry() as host:
        yield host


class OwnRegistry(Registries):
    """Asks the local registry; all others have every image."""

    def look(self, image: ImageName, key: Key | None, seconds: float) -> Found:
        if image.registry.startswith("127.0.0.1"):
            return super().look(image, key, 5)
        return Found.THERE


def secret(text: str | dict[str, str] | Exception) -> Answers:
    """Secrets Manager with such a secret."""

    def answer(SecretId: str) -> dict[str, Any]:
        assert SecretId == SECRET
        return {"SecretString": text if isinstance(text, str) else json.dumps(text)}

    return good() | {
        "secretsmanager.get_secret_value": text if isinstance(text, Exception) else answer
    }


def checked(image: str, account: Answers | None = None, **more: str) -> dict[str, Result]:
    deployment = simulated_deployment(
        {"training.image": image, **more}, account or good(), OwnRegistry()
    )
    made = checks(deployment)
    wanted: dict[str, Check] = {
        name: made[name] for name in ("Images", "Image pull secret") if name in made
    }
    return {each.name: each for each in run_checks(wanted)}


WITH_SECRET = {"training.image_pull_secret": SECRET}
KEY = {"username": USER, "password": PASSWORD}


def test_a_public_image_passes(registry: str) -> None:
    result = checked(f"{registry}/team/there:1")["Images"]
    assert result.verdict is Verdict.PASS
    assert in_order(result.said, "4")


def test_a_private_image_without_a_key_names_the_command_that_stores_one(registry: str) -> None:
    image = f"{registry}/team/locked:1"
    result = checked(image)["Images"]
    assert result.verdict is Verdict.FAIL
    assert in_order(result.said, "key", image)
    (command,) = commands(result)
    name = proposed(result)["training.image_pull_secret"]
    assert f"create-secret --region us-west-2 --name {name} " in command


def test_a_private_image_passes_with_the_right_key(registry: str) -> None:
    results = checked(f"{registry}/team/locked:1", secret(KEY), **WITH_SECRET)
    assert {each.verdict for each in results.values()} == {Verdict.PASS}, results
    assert in_order(results["Images"].said, "1", "key")


def test_a_private_image_with_a_wrong_key_fails(registry: str) -> None:
    account = secret({**KEY, "password": "another"})
    result = checked(f"{registry}/team/locked:1", account, **WITH_SECRET)["Images"]
    assert result.verdict is Verdict.FAIL
    assert in_order(result.said, "refused", "with", "key")
    assert not commands(result)


def test_a_missing_image_fails_with_the_setting_to_change(registry: str) -> None:
    image = f"{registry}/team/nothing:1"
    result = checked(image)["Images"]
    assert result.verdict is Verdict.FAIL
    assert in_order(result.said, "not", "exist", image)
    assert "training.image" in result.remedy[0].text


def test_an_unreachable_registry_is_unknown() -> None:
    result = checked("127.0.0.1:1/team/there:1")["Images"]
    assert result.verdict is Verdict.UNKNOWN
    assert "127.0.0.1:1" in result.said


@pytest.mark.parametrize(
    "text", ["no JSON", "[]", '{"username": "u"}', '{"username": "u", "password": ""}']
)
def test_a_malformed_secret_fails_with_the_command_that_rewrites_it(
    registry: str, text: str
) -> None:
    results = checked(f"{registry}/team/locked:1", secret(text), **WITH_SECRET)
    assert results["Image pull secret"].verdict is Verdict.FAIL
    assert "put-secret-value" in commands(results["Image pull secret"])[0]
    assert results["Images"].verdict is Verdict.UNKNOWN


def test_a_missing_secret_fails_with_the_command_that_creates_it(registry: str) -> None:
    missing = error("GetSecretValue", "ResourceNotFoundException")
    results = checked(f"{registry}/team/there:1", secret(missing), **WITH_SECRET)
    assert results["Image pull secret"].verdict is Verdict.FAIL
    assert f"--name {SECRET} " in commands(results["Image pull secret"])[0]
    assert results["Images"].verdict is Verdict.PASS


def test_an_unreadable_secret_leaves_the_image_unknown(registry: str) -> None:
    account = secret(denied("GetSecretValue"))
    result = checked(f"{registry}/team/locked:1", account, **WITH_SECRET)["Images"]
    assert result.verdict is Verdict.UNKNOWN
    assert in_order(result.said, "key", "GetSecretValue")


def test_no_result_shows_the_key(registry: str) -> None:
    for repository in ("there", "locked", "nothing", "broken"):
        for key in (KEY, {**KEY, "username": "another"}):
            results = checked(f"{registry}/team/{repository}:1", secret(key), **WITH_SECRET)
            assert PASSWORD not in str(results)


def test_the_accounts_own_registry_is_asked_with_the_callers_key() -> None:
    """Nodes pull from ECR with their role; it refuses every anonymous request."""
    host, seen = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com", list[Key | None]()

    class Ecr(Registries):
        def look(self, image: ImageName, key: Key | None, seconds: float) -> Found:
            if image.registry != host:
                return Found.THERE
            seen.append(key)
            return Found.THERE if key else Found.REFUSED

    token = base64.b64encode(b"AWS:letmein").decode()
    granted = {"authorizationToken": token, "expiresAt": datetime.now(UTC)}
    account = good() | {"ecr.get_authorization_token": {"authorizationData": [granted]}}
    deployment = simulated_deployment({"training.image": f"{host}/bionemo:1.2"}, account, Ecr())
    assert images.images(deployment).verdict is Verdict.PASS
    assert seen == [None, Key("AWS", "letmein")]
