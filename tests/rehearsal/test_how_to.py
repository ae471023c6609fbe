"""docs/how-to.md, command by command, on one deployment of the local AWS."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bionemo_eks.jobs.places import FSX
from rehearsal.local_aws.reserved import reserved
from rehearsal.local_aws.server import local_aws
from rehearsal.machine.environment import ACCOUNT, ROOT
from tests.context import read_settings
from tests.rehearsal.conftest import REGION, Account
from tests.rehearsal.how_to import Block, blocks

BUCKET = f"bionemo-on-eks-{ACCOUNT}-{REGION}"
LOGS = "/aws/containerinsights/bionemo-on-eks/application"
RESERVATION = {
    "gpu.purchase": "capacity-reservation",
    "gpu.capacity_reservation_id": "cr-0123456789abcdef0",
}


class Reader:
    """Follows the page in order, and records the deployed settings as in cdk.json.

    A shell runs `./bionemo` as written. `make deploy` and `make destroy` would start another Python
    each time to synthesize the app, so this process does it, and combines consecutive deployments;
    the CDK command line runs them. The make targets have their own tests.
    """

    def __init__(self, account: Account, folder: Path) -> None:
        self.account = account
        self.kept: dict[str, str] = {}
        self._due = False
        iam = account.client("iam")
        iam.create_user(UserName="ada")
        iam.create_role(RoleName="platform", AssumeRolePolicyDocument="{}")
        self._placeholders = {"ACCOUNT": ACCOUNT, "FOLDER": str(folder / "brought")}

    def follow(self, command: str) -> None:
        """Run one command; it must succeed, and print something."""
        for name, value in self._placeholders.items():
            command = re.sub(rf"\b{name}\b", value, command)
        print(f"$ {command}")
        words = shlex.split(command)
        if words[:3] == ["npx", "cdk", "bootstrap"]:
            print("\n".join(self.account.cdk.bootstrap(words[3])))
        elif words[:2] == ["make", "deploy"]:
            settings = words[2].removeprefix("CONTEXT=").split()
            self.kept |= dict(each.split("=", 1) for each in settings)
            self._due = True
        elif words[:2] == ["make", "destroy"]:
            self.catch_up()
            print("\n".join(self.account.cdk.destroy()))
            self._run("./bionemo leftovers")
        else:
            self.catch_up()
            self._run(command)

    def catch_up(self) -> None:
        """Run the pending deployments."""
        if self._due:
            self._due = False
            first = self.account.deployed is None
            print("\n".join(self.account.deploy(self.kept)))
            if first:
                self._put_a_checkpoint()

    def _run(self, command: str) -> None:
        """Run it with the settings of cdk.json, except those in the command."""
        kept = [f"{name}={value}" for name, value in self.kept.items() if name not in command]
        done = subprocess.run(
            ["bash", "-c", command + "".join(f" -c {shlex.quote(each)}" for each in kept)],
            cwd=ROOT,
            env=self.account.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        output = done.stdout + done.stderr
        print(output)
        # 1: warnings, such as permissions that only AWS can decide on.
        assert done.returncode in (0, 1), output
        assert done.stdout.strip()
        assert "Traceback" not in output

    def _put_a_checkpoint(self) -> None:
        """Put into the bucket what the first training would leave."""
        settings = read_settings(self.kept)
        folder = settings.workload.program.results(settings).removeprefix(f"{FSX}/")
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w") as file:
            file.writestr("archive/data.pkl", b"weights")
        key = f"{folder}/checkpoints/step=1000-last.ckpt"
        self.account.client("s3").put_object(Bucket=BUCKET, Key=key, Body=whole.getvalue())


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Return a reader with an account that has the reservation in the page."""
    folder = tmp_path_factory.mktemp("how-to")
    with (
        pytest.MonkeyPatch.context() as patch,
        local_aws(0, REGION, folder, reserved=reserved(read_settings(RESERVATION))) as running,
    ):
        patch.setenv("CDK_DEFAULT_ACCOUNT", ACCOUNT)
        yield Reader(Account(running.endpoint, folder), folder)


@pytest.mark.rehearsal
def test_the_page_can_be_followed_in_order(reader: Reader) -> None:
    client, headings = reader.account.client, []
    for block in blocks():
        if not block.rehearsed:
            continue
        headings.append(block.heading)
        for command in block.commands:
            reader.follow(command)
        if block.heading == "Get and use the model":
            assert client("logs").describe_log_groups(logGroupNamePrefix=LOGS)["logGroups"]
        if block.heading == "Spot":
            reader.catch_up()
            look_at_what_was_changed(reader.account)
    assert len({*headings}) == 10, "a recipe is no longer rehearsed"
    assert client("eks").list_clusters()["clusters"] == []
    assert BUCKET not in {each["Name"] for each in client("s3").list_buckets()["Buckets"]}


def look_at_what_was_changed(account: Account) -> None:
    """What the previous deployments requested is deployed."""
    cluster = account.client("eks").describe_cluster(name="bionemo-on-eks")["cluster"]
    assert cluster["version"] == "1.36"
    open_to = cluster["resourcesVpcConfig"]["publicAccessCidrs"]
    assert set(open_to) == {"203.0.113.0/24", "198.51.100.7/32"}
    # Its purchase option as the autoscaler and pods see it.
    assert account.node_group("gpu")["labels"]["WorkerType"] == "SPOT"
    entries = account.client("eks").list_access_entries(clusterName="bionemo-on-eks")
    assert f"arn:aws:iam::{ACCOUNT}:role/platform" in entries["accessEntries"]
    assert not [key for key in account.ledger.objects if key.startswith("Job/default/esm1nv")]


def shells() -> list[Block]:
    return [each for each in blocks() if each.language == "sh"]


def test_everything_that_can_be_rehearsed_is_rehearsed() -> None:
    """The rest calls AWS or a cluster's own API, or is a second deployment.

    test_inputs.py tests a rehearsal within a rehearsal.
    """
    outside = (
        *("aws ", "kubectl ", "./bionemo retry ", "./bionemo preflight --offers"),
        ".venv/bin/python -m rehearsal ",
    )
    second = ('make deploy CONTEXT="cluster_name=', "./bionemo preflight -c cluster_name=")
    left_out = [each for block in shells() if not block.rehearsed for each in block.commands]
    assert [each for each in left_out if not each.startswith((*outside, *second))] == []


def test_the_query_and_the_logs_are_those_of_the_training() -> None:
    (query,) = [each for each in blocks() if each.language == "text"]
    page_says = read_settings({}).workload
    assert f"/{page_says.job}-worker-/" in query.text
    assert LOGS in (ROOT / "docs" / "how-to.md").read_text(encoding="utf-8")
