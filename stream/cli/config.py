"""`newstide config`: every setting, its value and where it came from."""

from __future__ import annotations

import typer

from stream.cli.invocation import invocation_of
from stream.cli.printing import Json, console, print_json


def config(ctx: typer.Context, *, as_json: Json = False) -> None:
    """Show every setting, its value and where it came from (secrets are masked)."""
    rows = [(name, _harmless(value), origin) for name, value, origin in invocation_of(ctx).load().rows()]
    if as_json:
        for name, value, origin in rows:
            print_json({"name": name, "value": value, "origin": origin})
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    table.add_column("setting", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("from", overflow="fold")
    for name, value, origin in rows:
        style = "dim" if origin == "default" else "bold"
        table.add_row(Text(name), Text(_shown(value), style), Text(origin, style))
    console().print(table)


def _harmless(value: object) -> object:
    """`value` with what feeds' addresses hold of passwords and keys left out."""
    if not (isinstance(value, list) and any(isinstance(each, dict) for each in value)):
        return value
    from stream.sources.feed import shown

    return [{**each, "url": shown(each["url"])} for each in value]


def _shown(value: object) -> str:
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "\n".join(_shown(each) for each in value)
    if isinstance(value, dict):
        return " ".join(f"{key}={each}" for key, each in value.items() if each is not None)
    return str(value)
