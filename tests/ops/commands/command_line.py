"""The command line, in front of a simulated account."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ops.aws import Aws
from ops.cli import app
from ops.commands import base, cost, preflight
from tests.context import read_settings
from tests.simulated.accounts import good
from tests.simulated.aws import Answers, SimulatedAws


class Line:
    """Runs a command on a good account with some answers changed; `logins` counts its logins."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._patch, self._folder = monkeypatch, folder
        self.logins = 0

    def __call__(self, answers: Answers, *arguments: str, answer: str = "") -> Result:
        table = good() | answers
        where = SimulatedAws(table, read_settings({}).region)

        def connection(region: str) -> Aws:
            self.logins += 1
            return where

        for module in (base, cost):
            self._patch.setattr(module, "connection", connection)
        for module in (base, preflight):
            self._patch.setattr(module, "ROOT", self._folder)
        done = CliRunner().invoke(app, list(arguments), answer, env={"COLUMNS": "80"})
        assert not where.broken, where.broken
        assert isinstance(done.exception, SystemExit | None), done.exception
        return done
