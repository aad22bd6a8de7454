from __future__ import annotations

import random
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from command import Command
from tiny_training import tiny_encoder, write_csv

from models.release import Release

pytestmark = pytest.mark.train

MOODS = {"bad": "falls", "good": "gains", "meh": "meets"}


def rows(count: int) -> list[tuple[str, str, str, str]]:
    """Texts of two companies, each with its own mood, and the part that each is for."""
    draw = random.Random(4)
    found = []
    for number in range(count):
        part = ("train", "train", "train", "val", "test")[number % 5]
        first, second = (draw.choice(list(MOODS)) for _ in range(2))
        filler = " ".join(
            draw.choices(("the", "of", "in", "for", "as", "its", "deal", "court", "chief"), k=4)
        )
        text = f"bank {MOODS[first]} {filler} firm {MOODS[second]}"
        found += [(text, first, "bank", part), (text, second, "firm", part)]
    return found


def test_texts_of_ones_own_become_a_release_that_answers_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    newstide = Command(tmp_path, monkeypatch, capsys)
    data = write_csv(tmp_path / "mine.csv", rows(220), ("text", "label", "entity", "split"))
    encoder = tiny_encoder(tmp_path / "encoder")
    ran = newstide(
        "train", "--data", data, "--labels", "good=positive,bad=negative,meh=neutral", "--out", tmp_path / "run",
        "--start", encoder, "--epochs", 6, "--licence", "CC0-1.0", "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    told = ran.record()
    assert set(told["data"]["counts"]) == {"negative", "neutral", "positive"}
    ran = newstide(
        "export", told["checkpoint"], "--out", tmp_path / "mine", "--name", "mine", "--version", "1"
    )
    assert ran.code == 0, ran.err
    release = Release.open(tmp_path / "mine")
    assert set(release.manifest.heads) == {"sentiment", "entity"}
    assert [(each.name, each.licence) for each in release.manifest.lineage.datasets] == [("mine", "CC0-1.0")]
    ours = [
        (text, {"bad": "negative", "good": "positive", "meh": "neutral"}[label], name)
        for text, label, name, _ in rows(220)
    ]
    test = write_csv(tmp_path / "test.csv", ours[-80:], ("text", "label", "entity"))
    told = newstide("evaluate", "--task", "entity", test, "--release", release.path, "--json").record()
    assert told["n"] == told["several"]["n"] == 80
    assert told["release"] == "mine@1"
    told = newstide("evaluate", "--task", "sentiment", test, "--release", release.path, "--json").record()
    assert told["n"] == 80
