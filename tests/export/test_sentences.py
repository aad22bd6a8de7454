from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from command import Command
from tiny_training import tiny_encoder

from models.training import sentences
from models.training.sentences import signs_of
from stream.events import NewsItem

pytestmark = pytest.mark.train


@pytest.fixture
def _tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = tiny_encoder(tmp_path / "encoder")
    monkeypatch.setattr(sentences, "packaged_encoder", lambda: encoder)


@pytest.mark.usefixtures("_tiny")
def test_a_text_has_the_same_signs_in_any_order_and_each_sign_tells_texts_apart() -> None:
    texts = [
        "oil falls",
        "the bank gains after the court",
        "fed meets",
        "gold of the chief falls as oil gains",
    ]
    found = signs_of(texts, 32)
    assert {len(each) for each in found.values()} == {32}
    assert set(b"".join(found.values())) == {0, 1}
    assert signs_of([*reversed(texts), texts[0]], 32) == found
    assert len(set(found.values())) == 4


@pytest.mark.usefixtures("_tiny")
def test_the_bench_holds_the_fingerprint_against_an_encoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    newstide = Command(tmp_path, monkeypatch, capsys)
    began = datetime(2026, 1, 1, tzinfo=UTC)
    file = tmp_path / "news.jsonl"
    file.write_bytes(
        b"".join(
            NewsItem(
                id=str(number),
                source="wire",
                published_at=began + timedelta(hours=number),
                headline=f"Firm {number} raises its dividend by {number % 9}% after a deal with bank {number * 7}",
                tickers=(f"F{number % 5}",),
            ).to_json()
            + b"\n"
            for number in range(600)
        )
    )
    told = newstide("bench", "novelty", file, "--signals", 0, "--encoder", "--json").record()
    names = [each["recipe"] for each in told["quality"]["compared"]]
    assert names[-3:] == [
        "all-MiniLM-L6-v2, 64 signs", "newstide v2, 64 bytes, and 64 signs", "all-MiniLM-L6-v2, 256 signs",
    ]  # fmt: skip
    ran = newstide("bench", "novelty", "--encoder")
    assert (ran.code, "--encoder is about FILE" in ran.err) == (2, True)
