"""Runs the real CDK CLI, passes on its lines as they come, and says why it failed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rehearsal.machine import processes
from rehearsal.machine.environment import ROOT

# A line of `--progress events`: stack | done/all | time | status | type | construct and reason.
_EVENT = re.compile(
    r"^(?P<stack>\S+) \|\s*(?P<done>\d+)(?:/(?P<all>\d+))? \| [^|]+\| (?P<status>[A-Z_]+)\s*"
    r"\| (?P<type>\S+)\s*\| (?P<rest>.*)$"
)
_EXITED = re.compile(r": Subprocess exited with error \d+$")
_NOT_INSTALLED = "The CDK command line is not installed here.\n  Install it: make setup"
_STACK_DONE = re.compile(r"^\s*✅\s+(?P<stack>\w+) \((?P<name>[^)]+)\)")


class CdkError(RuntimeError):
    """A CDK CLI command failed; the message has the reasons."""


@dataclass(frozen=True)
class CdkCli:
    """The CLI of package.json, in an environment that leads only to the local AWS.

    `cdk synth` writes the folder `assembly`, and the other commands read it; `logs` gets the whole
    output of each command. `project` has cdk.json; the CLI writes there what it looks up in the
    account.
    """

    environment: Mapping[str, str]
    assembly: Path
    logs: Path
    project: Path = ROOT

    def synth(self, context: list[str]) -> list[str]:
        """Run `cdk synth` with `-c` for each `key=value` of `context`."""
        options = [part for each in context for part in ("-c", each)]
        return self._run("synth", "--quiet", "--output", str(self.assembly), *options)

    def bootstrap(self, environment: str, qualifier: str = "") -> list[str]:
        """Run `cdk bootstrap` for `aws://ACCOUNT/REGION`.

        It runs outside the project: next to a cdk.json the CLI would also synthesize the app, into
        cdk.out, which another command may be using.
        """
        own = ["--qualifier", qualifier] if qualifier else []
        return self._run("bootstrap", environment, *own, folder=self.logs)

    def deploy(self, on_line: Callable[[str], None] = lambda line: None) -> list[str]:
        """Deploy all stacks, with the flags from README."""
        return self._run(
            *("deploy", "--all", "--concurrency", "3", "--require-approval", "never"),
            *("--import-existing-resources", "--progress", "events"),
            *("--app", str(self.assembly)),
            on_line=on_line,
        )

    def diff(self) -> list[str]:
        """Run `cdk diff --fail`; CdkError if there are differences."""
        return self._run("diff", "--fail", "--app", str(self.assembly))

    def destroy(self, on_line: Callable[[str], None] = lambda line: None) -> list[str]:
        """Run `cdk destroy --all --force`."""
        return self._run(
            "destroy", "--all", "--force", "--app", str(self.assembly), on_line=on_line
        )

    def _run(
        self,
        command: str,
        *arguments: str,
        folder: Path | None = None,
        on_line: Callable[[str], None] = lambda line: None,
    ) -> list[str]:
        """Return the command's lines; raise CdkError with the reasons if it fails."""
        lines: list[str] = []
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"cdk-{command}.log"
        with log.open("w", encoding="utf-8") as sink:

            def read(line: str) -> None:
                sink.write(f"{line}\n")
                lines.append(line)
                on_line(line)

            try:
                status = processes.run(
                    ["cdk", command, *arguments, "--no-color", "--no-notices"],
                    environment=self.environment,
                    folder=folder or self.project,
                    on_line=read,
                )
            except FileNotFoundError:
                raise CdkError(_NOT_INSTALLED) from None
        if status:
            raise CdkError(f"cdk {command} failed.\n{reasons(lines)}\n  Whole output: {log}")
        return lines


def reasons(lines: list[str]) -> str:
    """Return a failed command's reasons: failed resources, else its last lines.

    Of a traceback, only the exceptions, without the calls.
    """
    failed = []
    for line in lines:
        event = _EVENT.match(line)
        if event and event["status"].endswith("_FAILED") and "cancelled" not in event["rest"]:
            failed.append(f"  {event['status']} {event['type']} {event['rest']}")
    last = [line for line in lines if line.strip()][-8:]
    return "\n".join(dict.fromkeys(failed)) or "\n".join(
        f"  {line}" for line in _raised(lines) or last
    )


def _raised(lines: list[str]) -> list[str]:
    """Return the lines of the last exception in a Python traceback, if any."""
    began = [number for number, line in enumerate(lines) if line.startswith("Traceback ")]
    if not began:
        return []
    after = lines[began[-1] + 1 :]
    raised = itertools.dropwhile(lambda line: line.startswith(" "), after)
    return [line for line in raised if line.strip() and not _EXITED.search(line)][:8]


class StackProgress:
    """Follows the stacks through the lines of deploy and destroy.

    `status` has the progress of the active stacks; `read` returns a line to print when one is done.
    """

    def __init__(self) -> None:
        self._counts: dict[str, str] = {}

    @property
    def status(self) -> str:
        """The active stacks, each with its finished resources."""
        return ", ".join(f"{stack} {count}" for stack, count in self._counts.items())

    def read(self, line: str) -> str | None:
        """Read a line of the CLI; return a line to print when a stack is done."""
        event = _EVENT.match(line)
        if event:
            everything = f"/{event['all']}" if event["all"] else ""
            self._counts[event["stack"]] = f"{event['done']}{everything}"
            return None
        done = _STACK_DONE.match(line)
        if done is None:
            return None
        count = self._counts.pop(done["name"], "")
        total = count.rpartition("/")[2]
        # The CLI also counts the stack itself.
        return f"{done['stack']:<14} {f'{int(total) - 1:>3} resources' if total else 'no changes'}"
