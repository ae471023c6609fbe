"""One rehearsal from start to end: bootstrap, deploy, show, compare, destroy, show what is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from bionemo_eks.configuration.cdk_context import settings_of
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.jobs.workloads import WORKLOADS
from ops.show.verdict import NEXT, bionemo, show_verdict
from rehearsal.here import run_pods
from rehearsal.inputs import bring, put, refuse_what_is_elsewhere, what_is_next, with_own_file
from rehearsal.kubernetes.ledger import Ledger
from rehearsal.kubernetes.relay import relay
from rehearsal.local_aws import clients, inventory
from rehearsal.local_aws.ledgers import LEDGER_FOLDER, ledger_path
from rehearsal.local_aws.reserved import reserved
from rehearsal.local_aws.resources import resources
from rehearsal.local_aws.server import local_aws
from rehearsal.machine.environment import ACCOUNT, ROOT, child_environment
from rehearsal.machine.workspace import (
    KEPT,
    LOGS,
    PAGE,
    TRAINED,
    keep,
    refuse_unusable_folder,
    workspace,
)
from rehearsal.output import artifacts, deployment, page, report
from rehearsal.output.steps import Steps
from rehearsal.past_its_end import only_the_version_has_ended, refused_by_aws
from rehearsal.programs import kubeconfig, kubectl
from rehearsal.programs.cdk_cli import CdkCli, StackProgress
from rehearsal.programs.cluster import Cluster
from rehearsal.programs.templates import objects_of

# 0: all well; 1: warnings, such as permissions that only AWS can decide on.
_OPS_FINE = (0, 1)
_INDENT = 3
# The setting that the update on the cluster of --kubeconfig changes.
_CHANGED = "training.max_steps"


class RehearsalError(RuntimeError):
    """The rehearsal cannot continue; the message says why."""


@dataclass(frozen=True)
class Options:
    """The user's choices: settings as `key=value`, a real cluster, what to keep and where.

    `port`: 0 picks a free one; `train`: run the training here, too; `fasta`: the user's own
    sequences instead of made-up ones.
    """

    context: list[str]
    keep: bool = False
    kubeconfig: Path | None = None
    port: int = 0
    folder: Path = KEPT
    train: bool = False
    fasta: Path | None = None


def rehearse(options: Options, console: Console) -> None:
    """Run every step; raise the error of the first that fails."""
    given = options.context
    options = replace(options, context=with_own_file(given, options.fasta))
    settings = settings_of(ROOT, WORKLOADS, options.context)
    refuse_what_is_elsewhere(settings, options.train)
    if options.kubeconfig:
        kubectl.refuse_another_machine()
        kubeconfig.server_of(options.kubeconfig)
    # Resolve symbolic links, so that what is kept replaces their target.
    kept = Path(os.path.realpath(options.folder))
    refuse_unusable_folder(kept)
    steps = Steps(console)
    with workspace() as folder:
        with (
            _cluster(options, steps) as (cluster, address),
            local_aws(
                options.port, settings.region, folder, address, reserved(settings)
            ) as running,
            cluster.steps_end() if cluster else nullcontext(),
        ):
            deployed, cost = _Rehearsal(
                options, settings, folder, running.endpoint, steps, cluster
            ).run()
        page.write(
            folder / PAGE, page.Rehearsed(settings, options.context, deployed, cost, steps.spans)
        )
        keep(folder, kept, () if options.keep else (PAGE, TRAINED))
    console.print()
    console.print(steps.summary())
    console.print(f"HTML page of what was created: {kept / PAGE}", soft_wrap=True)
    if options.keep:
        console.print(f"Objects, charts and resources: {kept}")
    if options.train:
        console.print(f"Model, metrics, curve and embeddings: {kept / TRAINED}")
    show_verdict(
        console,
        "Passed. Nothing reached AWS.",
        what_is_next(bionemo("preflight", given), changed=options.context != given),
    )


@contextmanager
def _cluster(options: Options, steps: Steps) -> Iterator[tuple[Cluster | None, str]]:
    """Yield the user's cluster, if any, and the address of the relay to it.

    The cluster is cleared last, when nothing can send it more steps.
    """
    if options.kubeconfig is None:
        yield None, ""
        return
    cluster = Cluster(options.kubeconfig, steps.say)
    with relay(cluster.take) as address, cluster.cleared():
        yield cluster, address


class _Rehearsal:
    """The steps, and their shared state."""

    def __init__(
        self,
        options: Options,
        settings: Settings,
        folder: Path,
        endpoint: str,
        steps: Steps,
        cluster: Cluster | None,
    ) -> None:
        self._options, self._settings, self._steps = options, settings, steps
        self._cluster = cluster
        self._endpoint, self._folder = endpoint, folder
        self._client = clients.session(endpoint, settings.region)
        self._environment = child_environment(endpoint, settings.region, self._folder / "home")
        logs = self._folder / LOGS
        self._cdk = CdkCli(self._environment, self._folder / "cdk.out", logs)
        # For the update of a real cluster.
        self._changed = CdkCli(self._environment, self._folder / "cdk.out-changed", logs / "update")

    def run(self) -> tuple[deployment.Deployment, page.Cost]:
        """Run the steps; return what was deployed, and what a run of it would cost."""
        step = self._steps.step
        with step("Synthesize: cdk synth"):
            self._cdk.synth(self._options.context)
        if self._cluster and self._options.kubeconfig:
            with step("Check the cluster of --kubeconfig"):
                self._ask_the_cluster(self._cluster, self._options.kubeconfig)
        with step("Bootstrap: cdk bootstrap"):
            self._cdk.bootstrap(
                f"aws://{ACCOUNT}/{self._settings.region}",
                self._settings.account.bootstrap_qualifier,
            )
        pods, logs, fasta = self._folder / "pod", self._folder / LOGS, self._options.fasta
        put(self._client, self._settings, fasta, self._options.train, pods / "fsx", self._steps)
        before = inventory.take(self._client)
        with step("Check the account: bionemo preflight"):
            self._check_the_account()
        with step("Deploy: cdk deploy --all") as status:
            self._cdk.deploy(self._follow(status.update))
        ledgers = self._folder / LEDGER_FOLDER
        ledger = Ledger.load(ledger_path(ledgers, self._settings.cluster_name))
        with step("What is deployed"):
            deployed = self._show(ledger)
            self._keep(ledger)
            cost = self._cost()
        with step("Check its status: bionemo status"):
            self._operate("status")
        trained = self._folder / TRAINED if self._options.train else None
        bring(self._client, pods / "fsx")
        run_pods(ledger, self._settings, pods, logs, self._steps, trained, fasta)
        with step("Compare: cdk diff"):
            self._cdk.diff()
            self._steps.say("No differences.")
        if self._cluster:
            with step(f"Update {_CHANGED}: cdk deploy --all") as status:
                self._changed.deploy(self._follow(status.update))
        with step("Destroy: cdk destroy --all") as status:
            self._cdk.destroy(self._follow(status.update))
        if self._cluster:
            with step("What is left on the cluster of --kubeconfig"):
                self._look_at_the_cluster(self._cluster)
        with step("What is left: bionemo leftovers"):
            self._operate("leftovers")
            self._show_what_it_overlooks(inventory.left(before, inventory.take(self._client)))
        return deployed, cost

    def _follow(self, update: Callable[[str], None]) -> Callable[[str], None]:
        """Return a reader of the CLI's lines: prints finished stacks, counts the others."""
        progress = StackProgress()

        def read(line: str) -> None:
            finished = progress.read(line)
            if finished:
                self._steps.say(finished)
            update(progress.status)

        return read

    def _show(self, ledger: Ledger) -> deployment.Deployment:
        deployed = deployment.take(self._client, self._endpoint, self._settings, ledger)
        deployment.show(self._steps.console, deployed)
        if self._cluster:
            charts = ", ".join(ledger.charts)
            self._steps.say(
                f"Not applied to the cluster of --kubeconfig: charts {charts}; add-ons."
            )
        if deployed.unplaced:
            raise RehearsalError(f"No node has room for {', '.join(deployed.unplaced)}.")
        return deployed

    def _keep(self, ledger: Ledger) -> None:
        """Write the files for --keep."""
        if self._options.keep:
            made = resources(self._endpoint, self._settings.region)
            artifacts.write(self._folder, ledger, made)

    def _cost(self) -> page.Cost:
        """Return the estimate of `bionemo cost`, or why there is none."""
        done = self._ops("cost", "--json")
        return json.loads(done.stdout) if done.returncode in _OPS_FINE else done.stderr.strip()

    def _ask_the_cluster(self, cluster: Cluster, file: Path) -> None:
        """Check, before the slow steps, that the user's cluster answers and lacks these objects."""
        server = kubeconfig.server_of(file)
        assembly = self._cdk.assembly
        cluster.begin(kubectl.extract(assembly, self._folder / "tools"), objects_of(assembly))
        version = cluster.ask(server)
        context = [each for each in self._options.context if not each.startswith(f"{_CHANGED}=")]
        self._changed.synth([*context, f"{_CHANGED}={self._settings.training.max_steps + 1}"])
        cluster.expect(objects_of(self._changed.assembly))
        cluster.refuse_existing()
        self._steps.say(f"{server} answers, {version}. It has none of the deployment's objects.")

    def _look_at_the_cluster(self, cluster: Cluster) -> None:
        left = cluster.left()
        cluster.clear()
        if left:
            raise RehearsalError(
                f"Destroying the deployment left {', '.join(left)} on the cluster of "
                "--kubeconfig. The rehearsal has now removed them."
            )
        self._steps.say("Nothing is left there.")

    def _check_the_account(self) -> None:
        """Run preflight; report a version past its end of support, but rehearse it anyway."""
        try:
            self._operate("preflight")
        except RehearsalError:
            if not only_the_version_has_ended(self._ops("preflight", "--json").stdout):
                raise
        for part in refused_by_aws(self._settings, datetime.now(UTC).date()):
            self._steps.say(f"AWS would refuse {part}; the local AWS accepts it.")

    def _show_what_it_overlooks(self, left: inventory.Inventory) -> None:
        """Print what is left that `bionemo leftovers` has not listed."""
        if set(left) <= {"S3 buckets"}:  # the retained one
            return
        listed = {
            each["id"] for each in json.loads(self._ops("leftovers", "--json").stdout)["found"]
        }
        report.show_left(self._steps.console, inventory.without(left, listed))

    def _operate(self, command: str) -> None:
        """Show what a `bionemo` command says about the local AWS."""
        done = self._ops(command)
        for line in (*done.stdout.splitlines(), *done.stderr.splitlines()):
            # Only the rehearsal prints what to do next.
            if not line.startswith(NEXT):
                self._steps.say(line)
        # A command that printed nothing has checked nothing, whatever its exit status.
        if done.returncode not in _OPS_FINE or not done.stdout.strip():
            raise RehearsalError(f"bionemo {command} failed with exit status {done.returncode}.")

    def _ops(self, *command: str) -> subprocess.CompletedProcess[str]:
        options = [part for each in self._options.context for part in ("-c", each)]
        return subprocess.run(
            [sys.executable, "-m", "ops", *command, *options],
            cwd=ROOT,
            # The rehearsal indents each line of its tables.
            env={**self._environment, "COLUMNS": str(self._steps.console.width - _INDENT)},
            capture_output=True,
            text=True,
            check=False,
        )
