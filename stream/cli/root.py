"""The whole command at a glance: its root flags and the table of its commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import typer.main

from stream.cli import (
    ack,
    backtest,
    bench,
    config,
    demo,
    detection,
    doctor,
    evaluate,
    explain,
    ingest,
    label,
    nab,
    novelty,
    profile,
    promote,
    rejected,
    retrain,
    rollback,
    rules,
    run,
    score,
    send,
    silence,
    speed,
    tail,
    topics,
    train,
    undelivered,
)
from stream.cli.invocation import invocation_of
from stream.cli.printing import print_line
from stream.errors import UsageError

WATCH = "Watch the news"
RECORDS = "News in, scores and alerts out"
MODELS = "Models"
SETUP = "Set-up"


def build_command() -> Any:
    """The command with all its subcommands."""
    app = typer.Typer(
        name="newstide",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(root)

    # The commands, in the order in which the help shows them.
    app.command(rich_help_panel=WATCH)(demo.demo)
    app.command(rich_help_panel=WATCH)(run.up)
    app.command(rich_help_panel=WATCH)(run.run)
    app.command(rich_help_panel=RECORDS)(send.send)
    app.command(rich_help_panel=RECORDS)(send.replay)
    app.command(rich_help_panel=RECORDS)(ingest.ingest)
    app.command(rich_help_panel=RECORDS)(tail.tail)
    app.command(rich_help_panel=RECORDS)(backtest.backtest)
    app.add_typer(_rejected_command(), name="rejected", rich_help_panel=RECORDS)
    app.add_typer(_undelivered_command(), name="undelivered", rich_help_panel=RECORDS)
    app.add_typer(_silence_command(), name="silence", rich_help_panel=RECORDS)
    app.command(rich_help_panel=RECORDS)(ack.ack)
    app.command(rich_help_panel=MODELS)(score.score)
    app.command(rich_help_panel=MODELS)(explain.explain)
    app.command(rich_help_panel=MODELS)(evaluate.evaluate)
    app.command(rich_help_panel=MODELS)(label.label)
    app.command(rich_help_panel=MODELS)(retrain.retrain)
    app.command(rich_help_panel=MODELS)(rollback.rollback)
    app.command(rich_help_panel=MODELS)(train.train)
    app.command(rich_help_panel=MODELS)(train.export)
    app.command(rich_help_panel=MODELS)(promote.promote)
    app.command(rich_help_panel=SETUP)(doctor.doctor)
    app.add_typer(_rules_command(), name="rules", rich_help_panel=SETUP)
    app.add_typer(_profile_command(), name="profile", rich_help_panel=SETUP)
    app.command(rich_help_panel=SETUP)(topics.topics)
    app.command(rich_help_panel=SETUP)(config.config)
    app.add_typer(_bench_command(), name="bench", rich_help_panel=SETUP)
    return typer.main.get_command(app)


def _rejected_command() -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="List what could not be read, or send it once more.")
    app.command("list")(rejected.list_rejected)
    app.command("replay")(rejected.replay_rejected)
    return app


def _undelivered_command() -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="List what no sink took, or send it there once more.")
    app.command("list")(undelivered.list_undelivered)
    app.command("replay")(undelivered.replay_undelivered)
    return app


def _silence_command() -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="Hear nothing of some series for a while.")
    app.command("add")(silence.add_silence)
    app.command("list")(silence.list_silences)
    app.command("end")(silence.end_silence)
    return app


def _rules_command() -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="Check the rules of alerts, or try them on recorded news.")
    app.command("check")(rules.check_rules)
    app.command("test")(rules.try_rules)
    return app


def _profile_command() -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="What is usual: learn it from history, or show it.")
    app.command("learn")(profile.learn_profile)
    app.command("show")(profile.show_profile)
    return app


def _bench_command() -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="Measure speed, and that nothing is lost when things die.")
    app.command("score")(bench.bench_score)
    app.command("chaos")(bench.bench_chaos)
    app.command("release")(speed.bench_release)
    app.command("novelty")(novelty.bench_novelty)
    app.command("nab")(nab.bench_nab)
    app.command("budget")(detection.bench_budget)
    app.command("power")(detection.bench_power)
    app.command("series")(detection.bench_series)
    return app


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - Typer hands it over so
    if not wanted:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        print_line(f"newstide {version('newstide')}")
    except PackageNotFoundError:
        print_line("newstide (run from a source tree)")
    raise typer.Exit


def root(
    ctx: typer.Context,
    *,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="TOML file; else ./newstide.toml, if there is one.")
    ] = None,
    assign: Annotated[
        list[str] | None, typer.Option("--set", metavar="SECTION.FIELD=VALUE", help="Set any setting.")
    ] = None,
    bootstrap: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Kafka brokers, or `embedded`.")
    ] = None,
    log_format: Annotated[
        str | None, typer.Option(metavar="auto|text|json", help="How the log looks.")
    ] = None,
    log_level: Annotated[
        str | None, typer.Option(metavar="LEVEL", help="debug, info, warning, error.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a failure.")] = False,
    version: Annotated[  # noqa: ARG001 - its callback prints and exits
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Score financial news as it arrives on Kafka, and raise an alert when bad news surges."""
    invocation = invocation_of(ctx)
    invocation.config = config
    invocation.debug = debug
    for text in assign or ():
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--set {text}: write it as SECTION.FIELD=VALUE, such as --set metrics.port=0")
        invocation.overrides[name.strip()] = value
    named = {"kafka.bootstrap": bootstrap, "log.format": log_format, "log.level": log_level}
    invocation.overrides |= {name: value for name, value in named.items() if value is not None}
