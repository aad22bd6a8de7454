from __future__ import annotations

from pathlib import Path

import pytest
from command import Command
from tiny_release import tiny_release

from models.errors import UnusableDataError
from models.store import ReleaseStore
from stream.cli.texts import read_texts
from stream.errors import UsageError


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return tiny_release(tmp_path / "release").path


def test_texts_are_scored_in_their_order_as_json_lines(newstide: Command, release: Path) -> None:
    ran = newstide("score", "bank run on deposits", "Apple Inc. shares fall", "--release", release, "--json")
    assert ran.code == 0
    first, second = ran.records()
    assert list(first) == ["text", "sentiment", "score", "topics", "entities", "names", "model"]
    assert first["text"] == "bank run on deposits"
    assert first["model"] == "tiny@1.0.0"
    assert sum(first["sentiment"].values()) == pytest.approx(1.0, abs=1e-5)
    assert first["score"] == pytest.approx(first["sentiment"]["positive"] - first["sentiment"]["negative"])
    assert len(first["topics"]) == 3
    assert first["entities"] == []
    assert [entity["id"] for entity in second["entities"]] == ["AAPL"]


def test_a_text_is_shown_with_all_its_figures(newstide: Command, release: Path) -> None:
    ran = newstide("score", "Apple Inc. shares fall", "bank run", "--release", release)
    assert ran.out.count("negative ") == 2
    assert "AAPL (Apple" in ran.out
    assert "topics" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


def test_a_file_is_shown_one_line_a_text(newstide: Command, release: Path, tmp_path: Path) -> None:
    file = tmp_path / "news.txt"
    file.write_text("bank run on deposits\n\n" + "shares fall " * 300 + "\n")
    ran = newstide("score", "--file", file, "--release", release)
    lines = ran.out.splitlines()
    assert len(lines) == 2
    assert "bank run on deposits" in lines[0]
    assert max(map(len, lines)) <= 80


def test_a_file_longer_than_a_chunk_is_scored_whole(newstide: Command, release: Path, tmp_path: Path) -> None:
    file = tmp_path / "many.txt"
    file.write_text("".join(f"profit {n}\n" for n in range(600)))
    ran = newstide("score", "-f", file, "--release", release, "--json")
    assert [record["text"] for record in ran.records()] == [f"profit {n}" for n in range(600)]


def test_a_dash_reads_stdin(newstide: Command, release: Path) -> None:
    ran = newstide("score", "-", "--release", release, "--json", stdin="gold up\noil down\n")
    assert [record["text"] for record in ran.records()] == ["gold up", "oil down"]


def test_without_a_text_it_says_how(newstide: Command) -> None:
    ran = newstide("score")
    assert ran.code == 2
    assert "give a text" in ran.err


def test_a_folder_that_holds_no_release_is_one_clear_line(newstide: Command, tmp_path: Path) -> None:
    ran = newstide("score", "gold", "--release", "newstide-en@0.0.1")
    assert (ran.code, "what ships is newstide-en@" in ran.err) == (2, True)
    ran = newstide("score", "gold", "--release", tmp_path / "nowhere")
    assert (ran.code, "there is no such folder" in ran.err) == (2, True)
    assert ran.err.startswith("newstide: ")
    assert "nowhere" in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "content", "texts"),
    [
        ("a.txt", "\ufeffone\r\n\r\n two \n", ["one", "two"]),
        ("a.csv", 'label,text\n1,"one\nmore"\n3,two\n', ["one\nmore", "two"]),
        ("a.csv", "headline,id\none,1\n", ["one"]),
        (
            "a.jsonl",
            '"one"\n\n{"text": "two", "headline": "no"}\n{"headline": "three"}\n',
            ["one", "two", "three"],
        ),
        ("a.NDJSON", '{"text": 5, "headline": "one"}\n', ["one"]),
    ],
)
def test_texts_are_read_by_the_name_of_their_file(
    name: str, content: str, texts: list[str], tmp_path: Path
) -> None:
    file = tmp_path / name
    file.write_bytes(content.encode())
    assert list(read_texts(str(file))) == texts


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"id\n1\n", "has no column text or headline"),
        ("a.csv", b"", "line 1: it is empty"),
        ("a.csv", b"text,id\n,1\nb,2\n", "line 2: text is empty"),
        ("a.csv", b"text,text\na,b\n", "named twice"),
        ("a.csv", b"text\n", "has no rows"),
        ("a.txt", b" \n\n", "holds no text"),
        ("a.jsonl", b'"one"\n"a\\ud800"\n', "line 2: '\\ud800' is half of a character"),
        ("a.jsonl", b'{"text": " "}\n', "line 1 has no text or headline"),
        ("a.jsonl", b"[" * 100_000, "line 1 is not JSON"),
        ("a.jsonl", b'"one"\n{broken\n', "line 2 is not JSON"),
        ("a.jsonl", b'{"id": 1}\n', "line 1 has no text or headline"),
        ("a.jsonl", b"5\n", "line 1 has no text or headline"),
        ("a.txt", b"caf\xe9\n", "can't be read as text in UTF-8"),
        ("missing.txt", None, "can't be read as text in UTF-8"),
    ],
)
def test_a_file_that_holds_no_texts_is_refused(
    name: str, content: bytes | None, says: str, tmp_path: Path
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises((UsageError, UnusableDataError)) as caught:
        list(read_texts(str(file)))
    assert str(caught.value).startswith(str(file))
    assert says in str(caught.value)


def test_evaluate_prints_exactly_its_figures_as_json(
    newstide: Command, release: Path, tmp_path: Path
) -> None:
    data = tmp_path / "dev.csv"
    data.write_text("text,label\nbank run,negative\nprofit up,positive\ngold,neutral\n")
    ran = newstide("evaluate", "--data", data, "--task", "sentiment", "--release", release, "--json")
    figures = ran.record()
    assert list(figures) == ["task", "n", "accuracy", "macro_f1", "weighted_f1", "ece", "release"]
    assert (figures["task"], figures["n"], figures["release"]) == ("sentiment", 3, "tiny@1.0.0")
    assert all(0 <= figures[name] <= 1 for name in ("accuracy", "macro_f1", "weighted_f1", "ece"))


def test_evaluate_shows_classes_and_confusion(newstide: Command, release: Path, tmp_path: Path) -> None:
    data = tmp_path / "dev.csv"
    data.write_text("text,label\nbank run,negative\nprofit up,positive\n")
    ran = newstide("evaluate", "--data", data, "--task", "sentiment", "--release", release)
    assert "macro_f1" in ran.out
    assert "precision" in ran.out
    assert "true \\ answer" in ran.out


def test_evaluate_of_many_classes_shows_those_most_confused(
    newstide: Command, release: Path, tmp_path: Path
) -> None:
    data = tmp_path / "dev.csv"
    data.write_text("text,label\nbank run,earnings\nprofit up,Earnings\ngold,IPO\noil,IPO\nfed,Macro\n")
    ran = newstide("evaluate", "--data", data, "--task", "topic", "--release", release)
    assert "most often confused" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("data", "task", "code", "says"),
    [
        ("text,label\na,bad\n", "sentiment", 2, "label 'bad'"),
        ("id\n1\n", "sentiment", 2, "no column 'text'"),
        ("text,label\na,negative\n", "mood", 2, "task is 'mood'"),
    ],
)
def test_evaluate_of_wrong_data_is_one_clear_line(
    data: str, task: str, code: int, says: str, newstide: Command, release: Path, tmp_path: Path
) -> None:
    file = tmp_path / "dev.csv"
    file.write_text(data)
    ran = newstide("evaluate", "--data", file, "--task", task, "--release", release)
    assert ran.code == code
    assert says in ran.err
    assert ran.err.count("\n") == 1


def test_each_language_is_read_by_the_release_set_for_it(
    newstide: Command, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ReleaseStore(str(tmp_path / "store"), cache=tmp_path / "cache")
    for version, alias in (("1", "production"), ("2", "chinese")):
        ref = store.publish(tiny_release(tmp_path / version, version, seed=int(version)))
        store.set_alias(alias, ref.name, ref.version)
    monkeypatch.setenv("NEWSTIDE_RELEASES__STORE", store.url)
    monkeypatch.setenv("NEWSTIDE_RELEASES__LANGUAGES", "zh=chinese,ja=production")
    texts = ("\u592e\u884c\u52a0\u606f", "bank run", "\u80a1\u4ef7\u4e0b\u8dcc", "\u30c8\u30e8\u30bf")
    ran = newstide("score", *texts, "--json")
    assert [(each["text"], each["model"]) for each in ran.records()] == list(
        zip(texts, ("tiny@2", "tiny@1", "tiny@2", "tiny@1"), strict=True)
    )
    ran = newstide("score", *texts, "--release", release, "--json")
    assert {each["model"] for each in ran.records()} == {"tiny@1.0.0"}


def test_each_company_has_a_score_of_its_own_and_other_names_are_shown(newstide: Command) -> None:
    text = "Nokia gains as Ericsson slips, says Laura Pell of Quellmont Robotics"
    told = newstide("score", text, "--json").records()[0]
    scores = {entity["id"]: entity["score"] for entity in told["entities"]}
    assert scores["NOK"] > 0 > scores["ERIC"]
    assert {"kind": "person", "name": "Laura Pell", "start": 36, "end": 46} in told["names"]
    shown = newstide("score", "Apple sues Quellmont Robotics in Berlin")
    assert shown.code == 0
    assert "also named Quellmont Robotics (organisation), Berlin (place)" in " ".join(shown.out.split())
    assert "AAPL (Apple Inc.)" in shown.out
