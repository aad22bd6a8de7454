"""One run of the command: its root flags, and the settings that they and a command's own flags give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from stream.settings import Loaded, Settings


@dataclass(slots=True)
class Invocation:
    """What stood before the command's name. Filled by the root command, read by the commands."""

    config: Path | None = None
    overrides: dict[str, str] = field(default_factory=dict)
    debug: bool = False

    def load(self, flags: Mapping[str, object] | None = None) -> Loaded:
        """Settings with the origin of each. `flags` are the command's own; None means not given.

        Raises:
            UsageError: if a setting is unknown or wrong.
        """
        from stream.settings import load_settings

        given = {name: str(value) for name, value in (flags or {}).items() if value is not None}
        return load_settings(self.config, self.overrides | given)


def on_command_line(ctx: typer.Context, *names: str) -> list[str]:
    """Which of these parameters of the running command stood on the command line."""
    return [
        name
        for name in names
        if (origin := ctx.get_parameter_source(name)) is not None and origin.name == "COMMANDLINE"
    ]


def settings_of(ctx: typer.Context, flags: Mapping[str, object] | None = None) -> Settings:
    """The settings of the running command."""
    return invocation_of(ctx).load(flags).settings


def invocation_of(ctx: typer.Context) -> Invocation:
    """The invocation that a command belongs to."""
    found = ctx.find_object(Invocation)
    if found is None:
        raise AssertionError("main() hands an Invocation to every command")
    return found
