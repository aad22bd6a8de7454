"""`newstide doctor`: whether newstide can run here, and what to do where it can't."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import typer

from stream.cli.check_sinks import check_sinks
from stream.cli.checks import (
    Finding,
    check_companies,
    check_config,
    check_embedded,
    check_languages,
    check_model,
    check_port,
    check_python,
)
from stream.cli.connect import connection_of
from stream.cli.invocation import invocation_of
from stream.cli.printing import Json, console, print_json
from stream.errors import BrokerRefusedError, BrokerUnavailableError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from stream.bus import Connection, TopicState
    from stream.cli.invocation import Invocation
    from stream.settings import Settings

_STYLE = {"ok": "green", "warn": "yellow", "fail": "red"}
_CHECK_WIDTH = 9
_BROKER_SECONDS = 15.0


def doctor(ctx: typer.Context, *, as_json: Json = False) -> None:
    """Check packages, settings, model, broker, topics and ports, and say what to do; exit 1 if one fails."""
    out = console()
    failed = False
    for finding in _findings(invocation_of(ctx)):
        failed |= finding.status == "fail"
        if as_json:
            print_json(
                {
                    "check": finding.check,
                    "status": finding.status,
                    "says": finding.says,
                    "fix": finding.fix or None,
                }
            )
        else:
            _print(out, finding)
    if failed:
        raise typer.Exit(1)


def _findings(invocation: Invocation) -> Iterator[Finding]:
    yield from check_python()
    try:
        loaded = invocation.load()
    except UsageError as error:
        yield Finding("config", "fail", str(error), "mend it; `newstide config` shows every setting")
        return
    yield from check_config(loaded)
    settings = loaded.settings
    yield from check_model(settings)
    yield from check_languages(settings)
    yield from check_companies(settings)
    yield from check_port(settings)
    yield from check_embedded(settings)
    yield from check_sinks(settings)
    yield from asyncio.run(_broker_findings(settings))


async def _broker_findings(settings: Settings) -> list[Finding]:
    """The broker answers and lets this user in, and the topics are there and right."""
    from stream.bus import describe_topics

    try:
        connection = connection_of(settings)
        states = await asyncio.wait_for(describe_topics(connection), _BROKER_SECONDS)
    except (BrokerRefusedError, UsageError) as error:
        return [Finding("broker", "fail", str(error), "change the setting it names")]
    except (BrokerUnavailableError, TimeoutError) as error:
        return [_unreachable(connection, str(error) or f"no answer within {_BROKER_SECONDS:g} s")]
    return [_reachable(connection), *_topic_findings(states, settings.topics.partitions)]


def _topic_findings(states: Sequence[TopicState], partitions: int) -> list[Finding]:
    """What is wrong with the topics; `partitions` is what the settings say of the wide ones."""
    findings: list[Finding] = []
    missing = [state.topic.name for state in states if not state.exists]
    if missing:
        fix = "newstide topics --create"
        findings.append(Finding("topics", "fail", f"missing: {', '.join(missing)}", fix))
    for state in states:
        if not state.exists:
            continue
        has = f"{state.topic.name} has {state.partitions} partitions, topics.partitions is {partitions}"
        if state.problem:
            fix = "change the topic with your cluster's own tools"
            findings.append(Finding("topics", "fail", f"{state.topic.name}: {state.problem}", fix))
        elif state.topic.wide and state.partitions != partitions:
            findings.append(Finding("topics", "warn", has, f"set topics.partitions to {state.partitions}"))
    return findings or [Finding("topics", "ok", f"all {len(states)} are there, with what they need")]


def _reachable(connection: Connection) -> Finding:
    how = connection.security_protocol
    if connection.sasl_username is not None:
        how += f" as {connection.sasl_username}"
    return Finding("broker", "ok", f"{connection.bootstrap} answers, {how}")


def _unreachable(connection: Connection, says: str) -> Finding:
    if connection.embedded:
        says = f"the embedded broker does not run at {connection.bootstrap}"
        return Finding("broker", "warn", says, "`newstide up` starts it")
    return Finding("broker", "fail", says, "start it, or correct kafka.bootstrap")


def _print(out: Console, finding: Finding) -> None:
    from rich.table import Table
    from rich.text import Text

    row = Table.grid(padding=(0, 1))
    row.add_column(width=len("warn"))
    row.add_column(width=_CHECK_WIDTH)
    row.add_column(overflow="fold")
    says = Text(finding.says + (f"\n-> {finding.fix}" if finding.fix else ""))
    row.add_row(Text(finding.status, _STYLE[finding.status]), Text(finding.check, "bold"), says)
    out.print(row)
