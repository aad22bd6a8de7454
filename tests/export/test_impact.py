from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from command import Command
from tiny_training import WORDS, tiny_config, tiny_encoder, write_csv

from models.errors import ModelError, UnusableDataError
from models.training import impact
from models.training.impact import measure_impact
from models.training.moves import APART, Moved, read_moves, split_by_date
from models.training.ridge import fit_ridge
from models.training.train import run

pytestmark = pytest.mark.train

BEGAN = datetime(2020, 1, 1, 9, tzinfo=UTC)


def moves(folder: Path, *, told: float, count: int = 240, seed: int = 1) -> Path:
    """News of which one word says `told` of the return that followed; the rest of it is chance."""
    draw = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        good = bool(draw.integers(2))
        words = [*draw.choice(WORDS, 6), "gains" if good else "falls"]
        change = (told if good else -told) + 0.01 * draw.normal()
        rows.append(
            (" ".join(words), f"{BEGAN + timedelta(hours=9 * number):%Y-%m-%d %H:%M:%S}", f"{change}")
        )
    draw.shuffle(rows)
    return write_csv(folder / "moves.csv", rows, ("text", "DATE", "CHANGE"))


def test_what_the_text_says_of_the_return_is_found_on_later_days(tmp_path: Path) -> None:
    encoder = tiny_encoder(tmp_path / "encoder")
    report = measure_impact(moves(tmp_path, told=0.02), start=encoder, out=tmp_path / "out")
    assert report.gain > 0.4
    assert report.gain_interval[0] > 0
    assert report.gain == pytest.approx(1 - report.mse / min(report.mse_mean, report.mse_zero))
    assert report.measured_since > report.learned_until + APART
    assert report.correlation > 0.7
    assert "the text says something" in report.verdict
    page = json.loads((tmp_path / "out" / impact.FILE).read_text())
    assert len(page["weights"]) == 32
    assert page["report"]["n"] == report.n


def test_returns_are_drawn_by_what_was_guessed_beside_the_report_of_the_direction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    newstide = Command(tmp_path, monkeypatch, capsys)
    data, head, drawn = moves(tmp_path, told=0.02), tmp_path / "head", tmp_path / "drawn"
    measure_impact(data, start=tiny_encoder(tmp_path / "encoder"), out=head)
    ran = newstide("evaluate", "--task", "impact", data, "--release", head, "--out", drawn, "--json")
    told = ran.record()
    assert (ran.code, ran.err.count("written: ")) == (0, 4)
    assert not {"guessed", "followed"} & told.keys()
    for name in ("confusion.png", "roc.png", "returns.png"):
        assert (drawn / name).read_bytes().startswith(b"\x89PNG")
    report = (drawn / "report.txt").read_text(encoding="utf-8")
    right = next(line for line in report.splitlines() if "accuracy" in line).split()
    assert right == ["accuracy", f"{told['accuracy']:.4f}", str(told["n"])]
    assert f"mean squared error {told['mse']:.6f}" in report


def test_a_head_that_was_kept_is_measured_on_later_news(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    newstide = Command(tmp_path, monkeypatch, capsys)
    encoder, out, data = tiny_encoder(tmp_path / "encoder"), tmp_path / "out", moves(tmp_path, told=0.02)
    learned = measure_impact(data, start=encoder, out=out)
    # The news that it was measured on then is all that is late enough in the same file.
    again = impact.measure_kept(data, out)
    assert again.left_out > learned.learned
    assert again.model_copy(update={"left_out": 0}) == learned
    told = newstide("evaluate", "--task", "impact", data, "--release", out, "--json").record()
    assert (told["n"], told["accuracy"] > 0.8) == (learned.n, True)
    assert told["accuracy_commoner"] < 0.7
    assert (
        "news of days that the head may have learned from"
        in newstide("evaluate", "--task", "impact", data, "--release", out).out
    )
    early = write_csv(tmp_path / "e.csv", [("oil", "2020-01-02", "0.1")], ("text", "DATE", "CHANGE"))
    other = tmp_path / "other"
    other.mkdir()
    (other / impact.FILE).write_text("{}")
    narrow = tmp_path / "narrow"
    narrow.mkdir()
    page = json.loads((out / impact.FILE).read_text())
    (narrow / impact.FILE).write_text(
        json.dumps(page | {name: [1.0] for name in ("weights", "centre", "scale")})
    )
    uneven, gone = tmp_path / "uneven", tmp_path / "gone"
    for folder, change in ((uneven, {"centre": [1.0]}), (gone, {"start": "runs/gone"})):
        folder.mkdir()
        (folder / impact.FILE).write_text(json.dumps(page | change))
    assert page["start"] == str(encoder.resolve()), "found from any folder"
    for file, folder, code, fault in (
        (early, out, 2, "of its 1 news 0 are later than"),
        (data, uneven, 1, "is no head that can be read"),
        (data, gone, 1, "says that its encoder is 'runs/gone', and that is not there"),
        (data, tmp_path / "none", 2, "holds no impact.json"),
        (data, other, 1, "train it again"),
        (data, narrow, 1, "holds 1 weights, but its encoder encoder gives 32 numbers"),
    ):
        ran = newstide("evaluate", "--task", "impact", file, "--release", folder)
        assert (ran.code, fault in ran.err) == (code, True), ran.err


def test_a_head_that_an_older_version_kept_is_measured_too(tmp_path: Path) -> None:
    out, data = tmp_path / "out", moves(tmp_path, told=0.02)
    measure_impact(data, start=tiny_encoder(tmp_path / "encoder"), out=out)
    page = json.loads((out / impact.FILE).read_text())
    for name in ("accuracy", "macro_f1", "weighted_f1", "accuracy_commoner"):
        del page["report"][name]
    (out / impact.FILE).write_text(json.dumps(page))
    assert impact.measure_kept(data, out).accuracy > 0.8


def test_a_few_days_tell_nothing_of_how_sure_a_head_is(tmp_path: Path) -> None:
    out = tmp_path / "out"
    learned = measure_impact(moves(tmp_path, told=0.02), start=tiny_encoder(tmp_path / "encoder"), out=out)
    late = learned.measured_since + timedelta(days=400)
    rows = [
        (" ".join(WORDS[n // 8 : n // 8 + 2] + WORDS[n % 8 :][:9]), str(late + timedelta(days=n % 4)), "0.1")
        for n in range(40)
    ]
    with pytest.raises(UnusableDataError, match=r"40 are later than .* of 5 days or more"):
        impact.measure_kept(write_csv(tmp_path / "e.csv", rows, ("text", "DATE", "CHANGE")), out)


def test_a_kept_head_reads_with_the_encoder_that_it_learned_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(impact, "write_multilingual_encoder", tiny_encoder)
    _, name = impact.features_of(["profit"], None, name="multilingual-e5-small")
    assert name == "multilingual-e5-small"


def test_chance_is_not_taken_for_knowledge(tmp_path: Path) -> None:
    report = measure_impact(moves(tmp_path, told=0.0), start=tiny_encoder(tmp_path / "encoder"))
    assert report.gain_interval[0] <= 0
    assert "the text says something" not in report.verdict


def test_the_verdict_goes_by_the_interval(tmp_path: Path) -> None:
    report = measure_impact(moves(tmp_path, told=0.0), start=tiny_encoder(tmp_path / "encoder"))
    for interval, said in (
        ((0.1, 0.2), "the text says something"),
        ((-0.1, 0.2), "can't be told from a guess"),
        ((-0.2, -0.1), "worse than a guess"),
    ):
        assert said in report.model_copy(update={"gain_interval": interval}).verdict


def test_features_may_come_from_a_checkpoint(tmp_path: Path) -> None:
    checkpoint = run(tiny_config(tmp_path, epochs=1))
    report = measure_impact(moves(tmp_path, told=0.02), start=checkpoint)
    assert (report.encoder, report.gain > 0) == ("checkpoint", True)


def test_chinese_news_is_read_by_the_multilingual_encoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(impact, "write_multilingual_encoder", tiny_encoder)
    monkeypatch.setattr(impact, "packaged_encoder", lambda: tiny_encoder(tmp_path / "english"))
    for text, name in (("公司盈利", "multilingual-e5-small"), ("profit", "all-MiniLM-L6-v2")):
        features, encoder = impact.features_of([text], None)
        assert (features.shape, encoder) == ((1, 32), name)


def test_the_mean_row_of_a_text_is_the_same_in_any_company(tmp_path: Path) -> None:
    encoder = tiny_encoder(tmp_path / "encoder")
    alone, _ = impact.features_of(["oil falls"], encoder)
    beside, _ = impact.features_of(["oil falls", "the bank gains after the court as its chief"], encoder)
    assert np.allclose(alone[0], beside[0], atol=1e-5)


def test_days_lie_between_what_is_learned_and_what_is_measured(tmp_path: Path) -> None:
    news = [Moved(f"a {n}", BEGAN + timedelta(days=n // 4), 0.0) for n in range(200)]
    early, late = split_by_date(news, tmp_path)
    assert early[-1].at.date() + APART < late[0].at.date()
    assert len(early) == 140
    with pytest.raises(ModelError, match="20 news are too few"):
        split_by_date(news[:20], tmp_path)
    with pytest.raises(ModelError, match="60 news are too few"):
        split_by_date(news[:60], tmp_path)


def test_a_ridge_on_nothing_but_chance_shrinks_to_the_mean() -> None:
    draw = np.random.default_rng(3)
    features, returns = draw.normal(size=(300, 40)), draw.normal(size=300)
    ridge = fit_ridge(features, returns)
    assert ridge.guess(features).std() < 0.3 * returns.std()
    assert impact.gain_of(np.ones(3), np.zeros(3)) == 0.0


def test_rows_are_sorted_by_date_and_each_text_counts_once(tmp_path: Path) -> None:
    rows = [("b", "2020-01-02", "0.1"), ("a", "2020-01-01 10:00", "-0.2"), ("B!", "2020-01-03", "0.3")]
    path = write_csv(tmp_path / "m.csv", rows, ("text", "DATE", "CHANGE"))
    assert [(each.text, each.change) for each in read_moves(path)] == [("a", -0.2), ("b", 0.1)]


def test_times_with_a_zone_and_without_are_put_in_order(tmp_path: Path) -> None:
    rows = [("b", "2020-01-02 09:00", "0.1"), ("a", "2020-01-02T09:30+08:00", "0.2")]
    path = write_csv(tmp_path / "m.csv", rows, ("text", "DATE", "CHANGE"))
    found = read_moves(path)
    assert [each.text for each in found] == ["a", "b"]
    # The day is that of the clock there.
    assert [each.at.day for each in found] == [2, 2]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"text,DATE\n", "there is no column 'CHANGE'"),
        (b"text,DATE,CHANGE\na,soon,0.1\n", "line 2, DATE: 'soon' is no time"),
        (b"text,DATE,CHANGE\na,2020-01-01,much\n", "line 2, CHANGE: 'much' is no return"),
        (b"text,DATE,CHANGE\na,2020-01-01,nan\n", "line 2, CHANGE: 'nan' is no return"),
        (b"text,DATE,CHANGE\n ,2020-01-01,0.1\n", "line 2, text: it is empty"),
        (b"text,DATE,CHANGE\na,9999-12-31T23:59:59-05:00,0.1\n", "is no time"),
        (b"text,DATE,CHANGE\na,x,1\nb,y,1\n", "(?s)line 2, DATE.*line 3, DATE"),
        (b"text,DATE,CHANGE\n" + b"a,x,1\n" * 25, "and 5 more lines"),
        (b"text,DATE,CHANGE\na,2020-01-01\n", "line 2, CHANGE: the line ends before"),
        (b"text,DATE,CHANGE\n\xff,2020-01-01,0.1\n", "byte 0xff is no UTF-8"),
    ],
)
def test_a_wrong_row_is_named(content: bytes, fault: str, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(ModelError, match=fault):
        read_moves(tmp_path / "m.csv")
    with pytest.raises(ModelError, match=r"none\.csv can't be read"):
        read_moves(tmp_path / "none.csv")


def test_the_commands_tell_it_beside_the_naive_guesses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    newstide = Command(tmp_path, monkeypatch, capsys)
    encoder, data = tiny_encoder(tmp_path / "encoder"), moves(tmp_path, told=0.02)
    monkeypatch.setattr(impact, "packaged_encoder", lambda: encoder)
    told = newstide("evaluate", "--task", "impact", data, "--json").record()
    assert told["task"] == "impact"
    assert told["mse"] < told["mse_zero"]
    ran = newstide("evaluate", "--task", "impact", data)
    for part in ("head", "mean", "zero", "95 % of resamples", "the text says something"):
        assert part in " ".join(ran.out.split())
    ran = newstide("train", "--task", "impact", "--data", data, "--start", encoder, "--out", tmp_path / "out")
    assert (ran.code, (tmp_path / "out/impact.json").exists()) == (0, True)
    ran = newstide("train", "--task", "impact", "--data", data, "--start", tmp_path / "nobody")
    assert ran.code == 2
    assert "nobody': there is no such folder" in ran.err
    told = newstide("train", "--task", "impact", "--data", data, "--check", "--json").record()
    assert told["learned"] > told["n"] > 0
    assert "to learn from" in newstide("train", "--task", "impact", "--data", data, "--check").out
    told = newstide("train", "--task", "impact", "--data", data, "--start", encoder, "--json").record()
    assert told["encoder"] == "encoder"
    (tmp_path / "file").write_text("")
    ran = newstide(
        "train", "--task", "impact", "--data", data, "--start", encoder, "--out", tmp_path / "file"
    )
    assert (ran.code, "give another --out" in ran.err) == (1, True)
