"""Runs the `newstide` command inside a test, as a user would."""

from __future__ import annotations

import io
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stream.cli import main


@dataclass(frozen=True)
class Ran:
    """How the command ended, and what it said."""

    code: int
    out: str
    err: str

    def records(self) -> list[dict[str, Any]]:
        """The lines of JSON on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]

    def record(self) -> dict[str, Any]:
        """The one line of JSON on stdout."""
        (only,) = self.records()
        return only


class Command:
    """`newstide` in a folder of its own, without this user's settings; 80 columns, no terminal."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name in list(os.environ):
            if name.upper().startswith("NEWSTIDE_"):
                monkeypatch.delenv(name)
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.delenv("FORCE_COLOR", raising=False)
        monkeypatch.chdir(folder)
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.flags: tuple[str, ...] = ()
        """Root flags of every run."""

    def __call__(self, *arguments: object, stdin: str = "") -> Ran:
        """Run it; `stdin` is what it reads there."""
        self._monkeypatch.setattr(
            sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
        )
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([*self.flags, *map(str, arguments)])
        said = self._capsys.readouterr()
        return Ran(int(end.value.code or 0), said.out, said.err)
