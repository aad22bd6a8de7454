"""News counted once however often it is copied, corrected and taken back: real fingerprints, through the watcher."""

from __future__ import annotations

import random

import pytest
from watching import BANK, at, drawn, signal, told, withdrawal

from stream.bench.pairs import COPIES
from stream.events import MARKET, Alert, Signal
from stream.score.fingerprint import fingerprint
from stream.watch.rules import WatchRules
from stream.watch.watcher import Watcher

RULES = WatchRules()
STORY = "Harbor Trust halts withdrawals at 14 branches as depositors of Northport line up overnight"
SECOND = "Regulator orders Harbor Trust to hand over its books after a night of queues in Northport"
COMMA, COLON, STOP = "\uff0c", "\uff1a", "\u3002"
CHINESE = COMMA.join(("湘电股份晚间公告", "全资子公司涉嫌合同诈骗", "总金额约为3.7亿元"))
NEWS = (
    STORY,
    SECOND,
    "Rating of Harbor Trust cut to junk, agency doubts that it can refinance 2.1 billion in May",
    "Chief executive Elena Marsh leaves Harbor Trust with immediate effect",
    "Insurer Calder freezes its credit lines to Harbor Trust",
    "Shares in Harbor Trust suspended after losing 61 percent in twenty minutes",
    "Prosecutors search the offices of Harbor Trust over accounts hidden since 2019",
    "Central bank says it stands ready, Harbor Trust asks for emergency loan",
)


SURGE = drawn("9999")
"""Thirty-six bad stories of the bank in four minutes."""


def article(headline: str, minute: float, *, series: str = BANK, **fields: object) -> Signal:
    """An article as SCORE would send it."""
    return signal(series, minute, fingerprint=fingerprint(headline), headline=headline, **fields)  # type: ignore[arg-type]  # passed on


def copies_of(headline: str, count: int) -> list[str]:
    """Copies as wires and portals make them."""
    dice = random.Random(7)
    rules = [
        COPIES[name] for name in ("source", "update", "case", "points", "word dropped", "figures rewritten")
    ]
    return [dice.choice(rules)(headline, dice) for _ in range(count)]


def negatives(watcher: Watcher, series: str = BANK) -> int:
    return sum(counted.negative for counted in watcher._series[series].bins.values())


def observe(watcher: Watcher, signals: list[Signal]) -> list[Alert]:
    for each in signals:
        watcher.observe(each)
    return watcher.drain().alerts


@pytest.mark.parametrize("series", [BANK, MARKET])
def test_two_hundred_copies_of_one_story_count_once_and_raise_no_alert(series: str) -> None:
    watcher = Watcher(RULES)
    burst = [
        article(copy, number / 40, series=series, source=f"outlet {number}")
        for number, copy in enumerate([STORY, *copies_of(STORY, 200)])
    ]
    for each in burst:
        watcher.observe(each)
    output = watcher.drain()
    assert negatives(watcher, series) == 1
    assert output.alerts == []
    assert [(story.story_id, story.copies) for story in output.stories] == (
        [(burst[0].news_id, 201)] if series == MARKET else []
    )


def test_two_hundred_copies_amid_a_surge_add_one_to_what_the_alert_counts() -> None:
    plain = [article(STORY, 0), *SURGE]
    copied = [article(copy, 1 + number / 200) for number, copy in enumerate(copies_of(STORY, 200))]
    alone = observe(Watcher(RULES), plain)
    amid = observe(Watcher(RULES), sorted([*plain, *copied], key=lambda each: each.published_at))
    assert told(alone)[0] == told(amid)[0] == "firing"
    assert alone[-1].observed == amid[-1].observed


def test_a_new_development_from_other_outlets_counts() -> None:
    watcher = Watcher(RULES)
    observe(watcher, [article(copy, number / 40) for number, copy in enumerate(copies_of(STORY, 50))])
    observe(watcher, [article(copy, 5 + number / 40) for number, copy in enumerate(copies_of(SECOND, 50))])
    assert negatives(watcher) == 2


def test_chinese_copies_count_once_and_another_story_of_the_company_counts() -> None:
    watcher = Watcher(RULES)
    copies = (
        CHINESE,
        CHINESE.replace(COMMA, " "),
        CHINESE + STOP,
        CHINESE.replace("晚间公告", "公告"),
        f"快讯{COLON}{CHINESE}",
    )
    observe(watcher, [article(copy, number) for number, copy in enumerate(copies)])
    assert negatives(watcher) == 1
    observe(watcher, [article(COMMA.join(("湘电股份董事长因个人原因辞职", "股价跌停", "成交12.4亿元")), 6)])
    assert negatives(watcher) == 2


def test_copies_of_the_wrong_text_count_nothing_after_the_correction() -> None:
    watcher = Watcher(RULES)
    wrong = article(STORY, 0, news_id="wrong")
    right = article(
        "Harbor Trust opens 14 branches at night for depositors of Northport",
        1,
        revises="wrong",
        status="corrected",
        negative=0.1,
        positive=0.5,
        news_id="right",
    )
    observe(watcher, [wrong])
    assert negatives(watcher) == 1
    observe(watcher, [right])
    observe(watcher, [article(copy, 2 + number / 40) for number, copy in enumerate(copies_of(STORY, 30))])
    assert negatives(watcher) == 0


def surging() -> tuple[Watcher, Alert]:
    """A watcher with an open alert on the surge."""
    watcher = Watcher(RULES)
    alerts = observe(watcher, SURGE)
    assert told(alerts)[0] == "firing"
    return watcher, alerts[-1]


def test_an_alert_whose_news_are_all_taken_back_is_retracted() -> None:
    watcher, alert = surging()
    for number, each in enumerate(SURGE):
        watcher.withdraw(withdrawal(each.news_id, 4 + number / 100))
    after = watcher.drain().alerts
    assert (after[-1].status, after[-1].alert_id) == ("retracted", alert.alert_id)
    assert (negatives(watcher), watcher.open_alerts()) == (0, [])


def test_an_alert_that_loses_a_named_story_but_still_stands_is_updated() -> None:
    watcher, alert = surging()
    named = {each.news_id for each in alert.evidence}
    taken = next(each for each in SURGE if each.news_id in named)
    watcher.withdraw(withdrawal(taken.news_id, 4))
    after = watcher.drain().alerts
    assert set(told(after)) == {"updated"}
    assert {each.alert_id for each in after} == {alert.alert_id}
    assert after[-1].observed == len(SURGE) - 1
    assert taken.news_id not in {each.news_id for each in after[-1].evidence}


def test_an_alert_whose_news_are_corrected_to_good_news_is_retracted() -> None:
    watcher, alert = surging()
    better = [
        article(
            f"{each.headline}, corrected",
            4 + number / 100,
            revises=each.news_id,
            status="corrected",
            negative=0.05,
            positive=0.7,
        )
        for number, each in enumerate(SURGE)
    ]
    after = observe(watcher, better)
    assert (after[-1].status, after[-1].alert_id) == ("retracted", alert.alert_id)
    assert negatives(watcher) == 0


def test_a_copy_that_is_taken_back_corrects_the_story_and_leaves_the_count() -> None:
    watcher = Watcher(RULES)
    first = article(STORY, 0, series=MARKET, source="alpha")
    copy = article(STORY.upper(), 1, series=MARKET, source="beta")
    for each in (first, copy):
        watcher.observe(each)
    watcher.drain()
    watcher.withdraw(withdrawal(copy.news_id, 2))
    (story,) = watcher.drain().stories
    assert (story.copies, story.sources, story.novelty) == (1, ("alpha",), 1.0)
    assert negatives(watcher, MARKET) == 1
    watcher.withdraw(withdrawal(first.news_id, 3))
    assert watcher.drain().untold == [first.news_id]
    assert negatives(watcher, MARKET) == 0


def test_the_figures_of_a_told_story_follow_its_correction() -> None:
    watcher = Watcher(RULES)
    watcher.observe(article(STORY, 0, series=MARKET, news_id="wrong", negative=0.9))
    watcher.observe(article(STORY, 1, series=MARKET, negative=0.9))
    watcher.observe(
        article(
            STORY + " again",
            2,
            series=MARKET,
            revises="wrong",
            status="corrected",
            negative=0.1,
            positive=0.6,
        )
    )
    (story,) = watcher.drain().stories
    assert story.copies == 2
    assert story.sentiment.negative == pytest.approx((0.9 + 0.1) / 2)
    assert story.last_seen_at == at(2)


def test_while_two_versions_run_side_by_side_the_same_headline_counts_once_and_strangers_stay_apart() -> None:
    watcher = Watcher(RULES)
    dice = random.Random(1)
    former = [article(headline, 0, series=MARKET, news_id=headline[:5]) for headline in NEWS]
    former = [each.model_copy(update={"fingerprint": dice.randbytes(63).hex() + "01"}) for each in former]
    latter = [article(headline, 1, series=MARKET) for headline in NEWS]
    other = article("Acme opens a plant in Merton", 2, series=MARKET)
    for each in [*former, *latter, other]:
        watcher.observe(each)
    stories = watcher.drain().stories
    assert [story.copies for story in stories] == [2] * len(NEWS) + [1]


def test_a_headline_is_not_compared_word_for_word_with_stories_of_other_companies() -> None:
    watcher = Watcher(RULES)
    first = article(STORY, 0, series=MARKET, companies=("BANK",))
    watcher.observe(first.model_copy(update={"fingerprint": signal().fingerprint[:-2] + "01"}))
    watcher.observe(article(STORY, 1, series=MARKET, companies=("OTHER",)))
    watcher.observe(article(STORY, 2, series=MARKET, companies=("BANK",)))
    assert [story.copies for story in watcher.drain().stories] == [2, 1]
