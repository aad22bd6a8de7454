"""What the documents say is there."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from stream.cli import main
from stream.settings import Settings, load_settings
from stream.topics import TOPICS

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "newstide.example.toml"
PAGES = (
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "docs/alerts.md",
    "deploy/README.md",
    "deploy/SECURITY.md",
)
GROUPS = {"rejected", "bench", "silence", "undelivered"}
"""Commands that are only the first word of one."""

SETTINGS = {f"{section}.{field}" for section, one in Settings() for field in type(one).model_fields}


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def commands_in(page: str) -> set[tuple[str, ...]]:
    """The commands that stand in code: `newstide tail alerts` is `tail`, `newstide rejected list` both words."""
    text = text_of(page)
    spans = re.findall(r"`([^`\n]+)`", text)
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    return {found for code in [*spans, *lines] if (found := command_in(code))}


def command_in(code: str) -> tuple[str, ...]:
    words = shlex.split(code.partition("#")[0]) if code.strip().startswith("newstide ") else []
    rest = words[1:]
    while rest and rest[0] in {"--bootstrap", "--config", "--set"}:
        rest = rest[2:]
    if not rest or not re.fullmatch(r"[a-z]+", rest[0]):
        return ()
    return tuple(rest[:2]) if rest[0] in GROUPS and len(rest) > 1 else (rest[0],)


COMMANDS = sorted({command for page in PAGES for command in commands_in(page)})


def test_the_pages_name_commands_of_each_kind() -> None:
    some = {("up",), ("run",), ("rejected", "list"), ("bench", "score"), ("topics",)}
    assert some <= {*COMMANDS}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_in_the_pages_exists(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    assert "Usage: newstide " + " ".join(command) in capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES)
def test_every_flag_in_a_line_of_commands_exists(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", text_of(page), re.DOTALL)
    for line in (line for block in blocks for line in block.splitlines()):
        command = command_in(line)
        if not command:
            continue
        words = shlex.split(line.partition("#")[0])
        flags = [word for word in words[words.index(command[0]) :] if word.startswith("--")]
        with pytest.raises(SystemExit):
            main([*command, "--help"])
        said = capsys.readouterr().out
        assert [flag for flag in flags if flag not in said] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_in_the_pages_exists(page: str) -> None:
    rules = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", text_of(page), re.MULTILINE)) <= rules


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_in_the_pages_exists(page: str) -> None:
    sections = "|".join(Settings.model_fields)
    text = text_of(page)
    named = set(re.findall(rf"`(?:--set )?((?:{sections})\.[a-z_]+)\b(?:=[^`]*| = [^`]*)?`", text))
    named |= set(re.findall(r"--set ([a-z_.]+)=", text))
    named |= {
        f"{section.lower()}.{field.lower()}"
        for section, field in re.findall(r"NEWSTIDE_([A-Z]+)__([A-Z_]+[A-Z])", text)
    }
    assert {name for name in named if not name.endswith((".py", ".toml"))} <= SETTINGS


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_a_file_leads_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", text_of(page)):
        if "://" not in target:
            assert ((ROOT / page).parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("page", PAGES)
def test_every_path_in_code_exists(page: str) -> None:
    rooms = "stream|models|export|tests|deploy"
    for path in re.findall(rf"`((?:{rooms})/[A-Za-z0-9_./]*)`", text_of(page)):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", [*PAGES, EXAMPLE.name])
def test_no_page_knows_the_machine_it_was_written_on(page: str) -> None:
    assert not re.search(r"/(work|root|home)/|\.\./shared", text_of(page))


def test_every_error_line_that_is_explained_is_one_that_the_code_can_say() -> None:
    sources = (ROOT / "stream" / "bus" / name for name in ("connection.py", "admin.py"))
    # A text that goes over several lines of code is put together.
    said = re.sub(r'"\s*f?"', "", "".join(source.read_text(encoding="utf-8") for source in sources))
    table = text_of("deploy/SECURITY.md").partition("| the line says |")[2]
    lines = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    pieces = [
        piece.strip()
        for cell in lines
        for text in re.findall(r"`([^`]+)`", cell)
        for piece in text.split("…")
        if piece.strip(" :")
    ]
    assert len(pieces) > len(lines)
    assert [piece for piece in pieces if piece not in said] == []


def test_the_table_of_topics_is_that_of_the_code() -> None:
    table = dict(re.findall(r"^\| `([a-z.]+)` \| .* \| ([^|]+) \|$", text_of("README.md"), re.MULTILINE))
    kept = {topic.name: "the newest of each key" for topic in TOPICS if topic.compacted}
    kept |= {topic.name: f"{topic.retention_days} days" for topic in TOPICS if not topic.compacted}
    kept["news.labels"] = "10 years"
    assert table == kept


def test_the_example_file_loads_and_sets_nothing_but_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings(EXAMPLE).settings == Settings()


def test_the_example_file_names_every_setting() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    set_there = {f"{section}.{field}" for section, table in tomllib.loads(text).items() for field in table}
    assert set_there <= SETTINGS
    section, named = "", set(set_there)
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif found := re.match(r"# ([a-z_]+) = ", line):
            named.add(f"{section}.{found[1]}")
    assert named == SETTINGS
