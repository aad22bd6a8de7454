from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
from command import Command

from models.errors import ModelError
from stream.cli import PATH_OPTIONS, hoist, main
from stream.cli import config as config_command
from stream.cli.invocation import Invocation
from stream.cli.printing import print_json, print_line, shorten
from stream.cli.root import build_command
from stream.errors import BrokerRefusedError


def failing_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_self: Invocation, _flags: object = None) -> None:
        raise error

    monkeypatch.setattr(Invocation, "load", load)


def test_ctrl_c_while_the_command_is_still_being_loaded_leaves_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupting:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "stream.cli.root":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "stream.cli.root", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupting(), *sys.meta_path])
    with pytest.raises(SystemExit) as ended:
        main(["config"])
    assert ended.value.code == 130
    assert capsys.readouterr() == ("", "")


def test_help_names_every_command(newstide: Command) -> None:
    ran = newstide("--help")
    assert ran.code == 0
    for name in (
        *("send", "replay", "ingest", "tail", "rejected", "score", "evaluate"),
        *("label", "train", "export", "doctor", "topics", "config"),
    ):
        assert f" {name} " in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("up --bootstrap k:9092", "--bootstrap k:9092 up"),
        ("--config a.toml up --set a=b --debug", "--set a=b --debug --config a.toml up"),
        ("run score --bootstrap=k:9092 --log-level debug", "--bootstrap=k:9092 --log-level debug run score"),
        ("score -- --debug", "score -- --debug"),
        ("--bootstrap k:9092 up", "--bootstrap k:9092 up"),
        ("up --bootstrap", "--bootstrap up"),
    ],
)
def test_a_root_flag_may_stand_behind_the_command(written: str, meant: str) -> None:
    assert hoist(written.split()) == meant.split()


@pytest.mark.parametrize("words", [["--out", ""], ["--out="]])
def test_an_empty_path_is_not_the_folder_that_the_command_runs_in(
    newstide: Command, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("labelled.csv").write_text("text,label\nAcme gains,positive\n")
    ran = newstide("evaluate", "--task", "sentiment", "labelled.csv", *words)
    assert (ran.code, ran.out) == (2, "")
    assert (
        ran.err
        == "newstide: --out is empty: give it a path, or leave it out ('.' is the folder you are in)\n"
    )
    assert [each.name for each in tmp_path.iterdir()] == ["labelled.csv"]


def test_no_option_that_takes_a_path_is_forgotten() -> None:
    def options(command: Any) -> Iterator[str]:
        for each in command.params:
            if each.param_type_name == "option" and each.type_descriptor.annotation in {Path, list[Path]}:
                yield from each.opts
        for each in getattr(command, "commands", {}).values():
            yield from options(each)

    assert set(options(build_command())) == PATH_OPTIONS


def test_help_loads_nothing_heavy() -> None:
    heavy = ("onnxruntime", "aiokafka", "numpy", "pydantic", "torch", "httpx", "prometheus_client")
    program = f"""
import sys
from stream.cli import main
try:
    main(["--help"])
except SystemExit:
    pass
print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stderr.strip() == "[]"


def test_the_version_is_printed(newstide: Command) -> None:
    ran = newstide("--version")
    assert ran.code == 0
    assert ran.out.startswith("newstide ")


def test_a_source_tree_that_was_never_installed_has_no_version(
    newstide: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", missing)
    assert newstide("--version").out == "newstide (run from a source tree)\n"


def test_an_unknown_command_is_wrong_use(newstide: Command) -> None:
    ran = newstide("frobnicate")
    assert ran.code == 2
    assert "frobnicate" in ran.err


def test_config_shows_each_value_with_its_origin(newstide: Command) -> None:
    Path("newstide.toml").write_text(
        '[kafka]\nbootstrap = "a:1"\n[ingest]\nfeeds = [{url = "https://u:pw@a.example/rss?token=t1", source = "A"}]\n'
    )
    ran = newstide("--set", "metrics.port=0", "--log-level", "debug", "config", "--json")
    rows = {row["name"]: row for row in ran.records()}
    assert rows["kafka.bootstrap"] == {"name": "kafka.bootstrap", "value": "a:1", "origin": "newstide.toml"}
    assert rows["metrics.port"] == {"name": "metrics.port", "value": 0, "origin": "flag"}
    assert rows["log.level"]["value"] == "DEBUG"
    assert rows["score.group"]["origin"] == "default"
    assert "pw" not in ran.out
    assert "t1" not in ran.out


def test_config_prints_a_table_that_fits(newstide: Command) -> None:
    Path("other.toml").write_text('[ingest]\nfeeds = ["https://a.example/rss"]\n')
    ran = newstide("--config", "other.toml", "--bootstrap", "b:2", "config")
    assert "url=https://a.example/rss" in ran.out
    assert "b:2" in ran.out
    assert "\x1b" not in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


def test_a_setting_without_value_is_wrong_use(newstide: Command) -> None:
    ran = newstide("--set", "metrics.port", "config")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("newstide: --set metrics.port: write it as SECTION.FIELD=VALUE")


def test_each_wrong_setting_is_one_line(newstide: Command) -> None:
    ran = newstide("--set", "metrics.port=x", "--set", "score.batch_tokens=1", "config")
    assert ran.code == 2
    assert [line.split(" is ")[0] for line in ran.err.splitlines()] == [
        "newstide: score.batch_tokens",
        "newstide: metrics.port",
    ]


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ModelError("no such release"), 1, "newstide: no such release"),
        (BrokerRefusedError("wrong password"), 1, "newstide: wrong password"),
        (
            ExceptionGroup("tasks", [ExceptionGroup("inner", [BrokerRefusedError("first")]), ValueError()]),
            1,
            "newstide: first",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            1,
            "newstide: the output can't be written: No space left on device: make room, or choose another place",
        ),
        (
            RecursionError("maximum recursion depth exceeded"),
            1,
            (
                "newstide: internal error: RecursionError: maximum recursion depth exceeded;"
                " run with --debug for the traceback"
            ),
        ),
        (
            ValueError("broken\n pipe dream"),
            1,
            "newstide: internal error: ValueError: broken pipe dream; run with --debug for the traceback",
        ),
    ],
)
def test_a_failure_ends_in_one_clear_line(
    error: Exception, code: int, line: str, newstide: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_with(error, monkeypatch)
    ran = newstide("config")
    assert (ran.code, ran.out, ran.err) == (code, "", line + "\n")


def test_debug_shows_the_traceback(newstide: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    failing_with(ValueError("broken"), monkeypatch)
    with pytest.raises(ValueError, match="broken"):
        newstide("--debug", "config")


def test_ctrl_c_ends_without_a_traceback(newstide: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    failing_with(KeyboardInterrupt(), monkeypatch)
    ran = newstide("config")
    assert (ran.code, ran.err) == (130, "")


def test_ctrl_c_before_any_command_ends_quietly(newstide: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def build() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("stream.cli.root.build_command", build)
    assert newstide("config").code == 130


@pytest.mark.parametrize("command", [["config"], ["config", "--json"]])
def test_a_reader_that_goes_away_is_no_error(command: list[str], tmp_path: Path) -> None:
    program = f"""
import os, sys
read, write = os.pipe()
os.close(read)
os.dup2(write, 1)
from stream.cli import main
main({command!r})
"""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        cwd=Path.cwd(),
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": str(Path.cwd())},
    )
    assert ran.stderr == ""
    assert ran.returncode == 1


def test_json_keeps_letters_and_writes_unknown_kinds_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "Zürich", "path": Path("a/b")})
    print_line("end")
    first, last = capsys.readouterr().out.splitlines()
    assert json.loads(first) == {"name": "Zürich", "path": "a/b"}
    assert "ü" in first
    assert last == "end"


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("short", 10, "short"),
        ("a  b\nc", 10, "a b c"),
        ("0123456789", 5, "0123…"),
        ("\x1b[31mred\x07", 20, "[31mred"),
        ("anything", 0, "…"),
    ],
)
def test_text_is_cut_and_made_harmless(text: str, width: int, shown: str) -> None:
    assert shorten(text, width) == shown


def test_a_list_of_plain_values_is_shown_line_by_line() -> None:
    assert config_command._shown(["a", "b"]) == "a\nb"
