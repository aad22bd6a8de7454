"""What `newstide bench novelty` measures, on headlines by invented templates."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from command import Command

from stream.bench import novelty, remembering
from stream.bench.novelty import labelled_pairs, measure_quality, pair_name
from stream.bench.pairs import COPIES, OTHERS, make_pairs
from stream.bench.recipes import RECIPES
from stream.bench.remembering import measure_cost
from stream.errors import UsageError
from stream.events import NewsItem

NAMES = ("Quillane", "Voltridge", "Brackendyne", "Phytalon Labs", "Streambirch", "Mirabelt", "Sallowfield")
BROKERS = ("UBS", "Barclays", "Jefferies", "Baird")
START = datetime(2026, 1, 5, tzinfo=UTC)


def items(count: int) -> list[NewsItem]:
    """News by a few templates, an hour apart."""
    dice = random.Random(1)
    made = []
    for number in range(count):
        name, broker = dice.choice(NAMES), dice.choice(BROKERS)
        figure = f"${dice.randrange(10, 99)}.{dice.randrange(10, 99)}"
        headline = dice.choice(
            (
                f"{broker} Maintains Buy on {name}, Raises Price Target to {figure}",
                f"{name} Reports Q{dice.randrange(1, 5)} EPS {figure}, Sales {figure}B vs $1.10B Estimate",
                f"{name} shares fall {dice.randrange(3, 40)}% after plant {number} stops work on Tuesday",
            )
        )
        at = START + timedelta(hours=number)
        made.append(
            NewsItem(id=f"n{number}", source="w", published_at=at, headline=headline, tickers=(name[:4],))
        )
    return made


@pytest.fixture(scope="module")
def news() -> list[NewsItem]:
    return items(500)


def test_every_rule_makes_another_text_of_some_headline_and_the_same_pairs_each_time(
    news: list[NewsItem],
) -> None:
    headlines = [item.headline for item in news]
    pairs = make_pairs(headlines, 0.5)
    assert {pair.rule for pair in pairs} == {*COPIES, *OTHERS}
    assert all(pair.one != pair.other for pair in pairs)
    assert make_pairs(headlines, 0.5) == pairs


def test_a_headline_without_spaces_is_cut_by_its_characters() -> None:
    text = "湘电股份晚间公告全资子公司涉嫌合同诈骗"
    pairs = {pair.rule: pair.other for pair in make_pairs([text], 1.0)}
    assert text.startswith(pairs["end cut"])
    assert text.endswith(pairs["start cut"])
    assert len(pairs["word dropped"]) == len(text) - 1


@pytest.mark.parametrize("text", ["Too short to cut", "1 2 3 4 5 6 7 8"])
def test_a_rule_that_does_not_apply_makes_no_pair(text: str) -> None:
    assert "word dropped" not in {pair.rule for pair in make_pairs([text], 1.0)}


def test_pairs_that_were_read_and_labelled_are_known_by_their_hash(
    news: list[NewsItem], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    near = next(
        (one, other)
        for one, other in pairwise(news)
        if one.tickers == other.tickers and one.headline != other.headline
    )
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({pair_name(near[1].headline, f" {near[0].headline}"): 1}))
    monkeypatch.setattr(novelty, "_LABELS", labels)
    (pair,) = labelled_pairs(news)
    assert (pair.one, pair.other, pair.same) == (near[0].headline, near[1].headline, True)
    report = measure_quality(news)
    assert report.labelled == 1
    assert report.in_use[0].real_false == 0.0


def test_the_recipe_in_use_is_shown_at_several_thresholds_and_held_against_others(
    news: list[NewsItem],
) -> None:
    report = measure_quality(news)
    assert [each.recipe for each in report.compared] == [*RECIPES]
    levels = [each.threshold for each in report.in_use]
    assert levels == sorted(levels)
    for lower, higher in pairwise(report.in_use):
        assert lower.recall >= higher.recall
    assert report.rules["case"] == 1.0
    assert report.rules["weeks apart"] < 0.5
    assert report.in_use[2].precision > 0.8
    assert report.in_use[2].real_recall is None


def test_too_few_headlines_are_refused() -> None:
    with pytest.raises(UsageError, match="too few pairs"):
        measure_quality(items(10))


def test_a_stream_is_remembered_within_its_capacity_and_its_copies_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remembering, "_WEIGHED", 500)
    cost = measure_cost(2_000, 300, 2)
    assert (cost.signals, cost.remembered) == (2_000, 300)
    assert 0 < cost.copies < 1_000
    assert len(cost.microseconds) == 10
    assert 200 < cost.bytes_per_story < 5_000


def test_the_command_prints_figures_for_people_and_for_programs(
    newstide: Command, news: list[NewsItem], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembering, "_WEIGHED", 500)
    file = tmp_path / "news.jsonl"
    file.write_bytes(b"".join(item.to_json() + b"\n" for item in news) + b'{"id": 7}\n')
    ran = newstide("bench", "novelty", file, "--signals", 1000, "--capacity", 100, "--rounds", 1)
    assert ran.code == 0, ran.err
    for part in ("only look alike", "weeks apart", "100 stories remembered", "tenth by tenth"):
        assert part in " ".join(ran.out.split())
    told = newstide("bench", "novelty", file, "--signals", 0, "--json").record()
    assert told["cost"] is None
    assert [each["recipe"] for each in told["quality"]["compared"]] == [*RECIPES]
    told = newstide("bench", "novelty", "--signals", 1, "--json").record()
    assert (told["quality"], told["cost"]["signals"]) == (None, 1_000)
    assert newstide("bench", "novelty", tmp_path / "none.csv").code == 2
