"""A person who does what preflight says: carries out each step of a remedy on an account."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from bionemo_eks.configuration.names import STACKS
from ops.preflight.capacity import pinned
from ops.results import Step, StepKind
from tests.simulated.aws import ACCOUNT, REGION
from tests.simulated.capacity import OFFER, OFFERED_FROM, block, reserved
from tests.simulated.changing import Account
from tests.simulated.given_vpc import Subnet

# What a person writes in place of `...` where not every word is accepted.
FREE = {
    "account.permissions_boundary": f"arn:aws:iam::{ACCOUNT}:policy/free",
    "account.kms_key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/mrk-{'0' * 32}",
}
# Runs `./bionemo` with arguments on the account, and returns what it prints.
Bionemo = Callable[..., str]


class Person:
    """Carries out the steps of a remedy; an impossible step raises an AssertionError.

    `folder` is where `--pin` writes.
    """

    def __init__(self, account: Account, bionemo: Bionemo, folder: Path) -> None:
        self._account, self._bionemo, self._folder = account, bionemo, folder

    def carry_out(self, steps: Sequence[Step]) -> None:
        """Carry out the steps in order."""
        for step in steps:
            match step.kind:
                case StepKind.COMMAND:
                    self._run(shlex.split(step.text))
                case StepKind.OPTIONS:
                    self._choose(shlex.split(step.text))
                case StepKind.ARN:
                    self._account.refused.discard(step.text.rpartition("/")[2])
                case StepKind.SENTENCE:
                    self._follow(step.text)
                case StepKind.LINK:
                    assert step.text.startswith("https://"), step.text

    def _follow(self, sentence: str) -> None:
        """Set what a sentence says to set."""
        for key, value in re.findall(r'Set ([\w.]+) to "([^"]+)"', sentence):
            self._account.settings[key] = value

    def _choose(self, words: list[str]) -> None:
        """Add the options; if they leave a value open, choose one that is free."""
        assert set(words[::2]) == {"-c"}, words
        for each in words[1::2]:
            key, _, value = each.partition("=")
            self._account.settings[key] = FREE.get(key, "another") if value == "..." else value

    def _run(self, words: list[str]) -> None:
        match words:
            case ["./bionemo", "status", "--watch"]:
                self._account.wait()
            case ["./bionemo", *arguments]:
                self._bionemo_on_the_account(arguments)
            case ["npx", "cdk", "bootstrap", *options]:
                self._bootstrap(options)
            case ["npx", "cdk", "destroy", *which]:
                chosen = STACKS if which == ["--all"] else which
                assert set(chosen) <= set(STACKS), words
                self._account.destroy(*chosen)
            case ["npx", "cdk", "rollback", stack]:
                self._account.rollback(stack)
            case ["npx", "cdk", "context", "--reset", which, "--force"]:
                assert which == "vpc-provider:*"  # what CDK remembers, which here is nothing
            case ["aws", "s3", "mb", bucket, "--region", _]:
                self._account.in_s3.add(bucket.removeprefix("s3://"))
            case ["aws", "s3", "cp", what, where, *options]:
                self._copy(what, where.removeprefix("s3://"), "--recursive" in options)
            case ["aws", service, operation, *options]:
                self._aws(f"{service} {operation}", dict(pairwise(options)))
            case _:
                raise AssertionError(f"cannot run {words}")

    def _copy(self, what: str, where: str, several: bool) -> None:
        """Copy a file of this folder, or a folder with a model."""
        assert where.partition("/")[0] in self._account.in_s3, "no such bucket"
        assert where.endswith(f"/{what}"), where
        names = ("/config.json", "/model.safetensors") if several else ("",)
        self._account.in_s3 |= {where + name for name in names}

    def _bionemo_on_the_account(self, arguments: list[str]) -> None:
        output = self._bionemo(*arguments, *(["--yes"] if "--delete" in arguments else []))
        if "--use" in arguments:
            kind = arguments[arguments.index("--use") + 1]
            self._account.settings["gpu.instance_type"] = kind
        if "--offers" in arguments:
            self._buy(output)
        if "--pin" in arguments:
            self._account.settings |= pinned(self._folder)
        if arguments == ["leftovers"]:  # a person deletes file systems, once they are listed
            systems = self._account.file_systems
            assert all(each["FileSystemId"] in output for each in systems)
            systems.clear()

    def _buy(self, output: str) -> None:
        """Buy the first Capacity Block in a list, and set what the list says to set."""
        assert f"--capacity-block-offering-id {OFFER}" in output
        chosen = dict(re.findall(r"-c ([\w.]+)=(\S+)", output.rpartition("Then, with the ID")[2]))
        bought = "cr-0bbbbbbbbbbbbbbbb"
        self._account.settings |= {**chosen, "gpu.capacity_reservation_id": bought}
        row = block(
            CapacityReservationId=bought,
            AvailabilityZone=chosen["gpu.availability_zone"],
            StartDate=OFFERED_FROM,
            EndDate=OFFERED_FROM + timedelta(hours=96),
            State="scheduled",
            AvailableInstanceCount=0,
        )
        self._account.overrides["ec2.describe_capacity_reservations"] = reserved(row)

    def _bootstrap(self, options: list[str]) -> None:
        if "--cloudformation-execution-policies" in options:
            self._account.refused = {each for each in self._account.refused if ":" not in each}
        else:
            assert options == [f"aws://{ACCOUNT}/{REGION}"], options
            self._account.bootstrap = "33"
        self._account.overrides.pop("cloudformation.describe_stacks", None)

    def _aws(self, call: str, options: dict[str, str]) -> None:
        assert options["--region"] == self._account.settings.get("region", REGION)
        match call:
            case "service-quotas request-service-quota-increase":
                code = options["--quota-code"].replace("-", "_")
                self._account.limits[code] = float(options["--desired-value"])
            case "cloudformation delete-stack":
                stack = options["--stack-name"].rpartition("-")[2].title()
                self._account.destroy(stack)
            case "eks describe-cluster-versions":
                self._account.settings["kubernetes_version"] = "1.34"
            case "secretsmanager create-secret" | "secretsmanager put-secret-value":
                assert options["--secret-string"] == "file://key.json"
                login = {"username": "$oauthtoken", "password": "a key"}
                held = {"SecretString": json.dumps(login)}
                self._account.overrides["secretsmanager.get_secret_value"] = held
            case "s3api get-bucket-policy":
                assert self._account.bucket_policy
            case "s3api delete-bucket-policy":
                self._account.bucket_policy = False
            case "ec2 modify-vpc-attribute":
                (option,) = (each for each in options if each.startswith("--enable-dns-"))
                assert json.loads(options[option]) == {"Value": True}
                word = option.rpartition("-")[2].title()
                self._account.vpc.dns.add(f"enableDns{word}")
            case "ec2 create-tags":
                key, value = re.fullmatch(r"Key=(.*),Value=(.*)", options["--tags"]).groups()  # type: ignore[union-attr]
                (subnet,) = self._subnets("id", options["--resources"])
                subnet.tags[key] = value
            case "ec2 create-vpc-endpoint":
                for subnet in self._account.vpc.subnets:
                    subnet.s3 |= subnet.table()["RouteTableId"] == options["--route-table-ids"]
            case _:
                raise AssertionError(f"cannot call {call}")

    def _subnets(self, key: str, value: str) -> list[Subnet]:
        return [each for each in self._account.vpc.subnets if getattr(each, key) == value]
