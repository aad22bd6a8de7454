from __future__ import annotations

import json
from datetime import timedelta

import pytest
from watching import BANK, at, drawn, good, play, signal, told, withdrawal

from stream.errors import StateError
from stream.events import MARKET, Alert, Signal
from stream.watch.novelty import Arrival
from stream.watch.rules import WatchRules
from stream.watch.watcher import Watcher

RULES = WatchRules(bin_seconds=60)


def restored(state: dict[str, bytes], rules: WatchRules = RULES) -> Watcher:
    watcher = Watcher(rules)
    for key, value in state.items():
        watcher.restore(key, value)
    watcher.settle()
    return watcher


def saved(watcher: Watcher) -> dict[str, bytes]:
    return {key: value for key, value in watcher.drain().state if value is not None}


def surging() -> Watcher:
    """A watcher with an open alert on the bank, of which all is said."""
    watcher = Watcher(RULES)
    play(watcher, drawn("9999"))
    watcher.advance(at(4) + RULES.grace)
    assert told(watcher.drain().alerts) == ["updated"]
    return watcher


def test_a_new_watcher_knows_nothing_and_says_nothing() -> None:
    watcher = Watcher(RULES)
    watcher.advance(at(0))
    output = watcher.drain()
    assert (watcher.clock, watcher.series_count, watcher.open_alerts()) == (None, 0, [])
    assert (output.alerts, output.stories, output.untold, output.state, output.behind) == ([], [], [], [], 0)


def test_the_clock_is_the_largest_event_time_of_the_partition_and_survives_a_restart() -> None:
    watcher = Watcher(RULES)
    play(watcher, [])
    for each in (signal(minute=5), signal("company:OTHER", minute=9), signal(minute=7)):
        watcher.observe(each)
    assert watcher.clock == at(9)
    assert restored(saved(watcher)).clock == at(9)


def test_no_series_is_late_by_the_clock_of_another() -> None:
    watcher = Watcher(RULES)
    play(watcher, [signal("company:FAST", minute=600)])
    watcher.observe(signal(BANK, minute=0))
    assert watcher.drain().late == {}


def test_what_arrived_is_counted_by_kind_of_series() -> None:
    watcher = Watcher(RULES)
    for each in (
        signal(MARKET, 30, text="a"),
        signal(MARKET, 31, text="a"),
        signal(BANK, 30, news_id="b"),
        signal(BANK, 30, news_id="b"),
        signal("topic:legal", 30),
        signal("topic:legal", 3),
    ):
        watcher.observe(each)
    output = watcher.drain()
    assert output.novel == {"market": 1, "company": 1, "topic": 1}
    assert output.copies == {"market": 1, "company": 1}
    assert output.late == {"topic": 1}
    assert watcher.drain().novel == {}


def test_time_alone_ends_an_alert_once_the_grace_is_over() -> None:
    #  surge        30 quiet minutes        + 10 of grace
    #  0 ......................... 29 ......... 39
    watcher = surging()
    assert [(each.series, each.kind, each.severity) for each in watcher.open_alerts()] == [
        (BANK, "company", "critical")
    ]
    watcher.advance(at(42))
    assert watcher.drain().alerts == []
    watcher.advance(at(43))
    ended = watcher.drain()
    assert told(ended.alerts) == ["resolved"]
    assert ended.alerts[0].as_of == at(33)
    assert [key for key, _ in ended.state] == [BANK]
    assert watcher.open_alerts() == []


def test_a_tick_that_says_nothing_writes_nothing() -> None:
    watcher = surging()
    watcher.advance(at(20))
    watcher.advance(at(15))
    assert watcher.drain().state == []


def test_a_record_beyond_the_bound_of_exactness_is_counted_and_not_dropped() -> None:
    watcher = Watcher(RULES)
    play(watcher, [signal(minute=0)])
    watcher.advance(at(60))
    watcher.observe(signal(minute=49))
    watcher.withdraw(withdrawal("x", 40))
    watcher.observe(signal(minute=50))
    output = watcher.drain()
    assert output.behind == 2
    assert output.novel == {"company": 2}


def test_a_restored_watcher_says_what_the_former_would_have_said() -> None:
    signals = drawn("1..o .... 2222 2... .... 9...")
    whole = Watcher(RULES)
    expected = play(whole, signals)
    for cut in range(1, len(signals)):
        first = Watcher(RULES)
        early = play_and_keep(first, signals[:cut])
        second = restored(early[1])
        assert early[0] + play(second, signals[cut:]) == expected


def play_and_keep(watcher: Watcher, signals: list[Signal]) -> tuple[list[Alert], dict[str, bytes]]:
    for each in signals:
        watcher.observe(each)
    output = watcher.drain()
    return output.alerts, {key: value for key, value in output.state if value is not None}


def test_a_drain_writes_only_what_changed_since_the_last() -> None:
    watcher = Watcher(RULES)
    for n in range(20):
        watcher.observe(signal(minute=n, text=f"s{n}"))
    assert sorted(saved(watcher)) == [BANK, *(f"{BANK}\x1frecent\x1f{n}" for n in range(3))]
    watcher.observe(signal(minute=20, text="s3"))
    assert sorted(saved(watcher)) == [BANK, f"{BANK}\x1frecent\x1f0"]


def test_records_of_stories_that_left_the_memory_are_deleted() -> None:
    watcher = Watcher(RULES)
    for n in range(9):
        watcher.observe(signal(minute=n))
    watcher.drain()
    watcher.observe(signal(minute=25 * 60))
    state = dict(watcher.drain().state)
    assert state[f"{BANK}\x1frecent\x1f0"] is None
    assert state[f"{BANK}\x1frecent\x1f1"] is not None
    # A chunk that is written and gone within one drain is deleted too.
    few = Watcher(WatchRules(capacity=1))
    for n in range(9):
        few.observe(signal(minute=n))
    state = dict(few.drain().state)
    assert state[f"{BANK}\x1frecent\x1f0"] is None


def test_stories_that_stand_where_a_smaller_ring_put_them_move_to_their_place() -> None:
    first = Watcher(RULES)
    first.observe(signal())
    core = json.loads(saved(first)[BANK]) | {"span": [8_180, 8_180]}
    watcher = restored({BANK: json.dumps(core).encode()})
    for n in range(8_180, 8_212):
        watcher.observe(signal(minute=n / 60, text=f"story {n}", news_id=f"s{n}"))
    state = saved(watcher)
    # As it was saved when a key came again after 1,024 chunks, with what an earlier stop left there.
    moved = {
        f"{BANK}\x1frecent\x1f{int(key.rpartition(chr(31))[2]) % 1024}" if "recent" in key else key: value
        for key, value in state.items()
    }
    assert moved.keys() != state.keys()
    again = restored(moved)
    again.observe(signal(minute=140, text="story 8200", news_id="copy"))
    written = dict(again.drain().state)
    assert {key for key, value in written.items() if value is None} == moved.keys() - state.keys()
    kept = {key for key, value in written.items() if value is not None}
    assert kept == state.keys()
    once_more = restored({key: value for key, value in written.items() if value is not None})
    once_more.observe(signal(minute=141, text="story 8210", news_id="another"))
    assert once_more.drain().arrivals[("company", Arrival.COPY)] == 1


def test_a_tombstone_undoes_what_was_restored() -> None:
    watcher = Watcher(RULES)
    watcher.observe(signal())
    state = saved(watcher)
    again = Watcher(RULES)
    for key, value in state.items():
        again.restore(key, value)
        again.restore(key, None)
    assert again.series_count == 0


def test_a_series_that_was_silent_for_a_week_is_forgotten_with_its_records() -> None:
    watcher = Watcher(RULES)
    watcher.observe(signal("company:OLD"))
    watcher.observe(signal(BANK, minute=60 * 24))
    watcher.drain()
    watcher.advance(at(60 * 24 * 7 + 11))
    state = dict(watcher.drain().state)
    assert {key: value for key, value in state.items() if "OLD" in key} == {
        "company:OLD": None,
        "company:OLD\x1frecent\x1f0": None,
    }
    assert watcher.series_count == 1


def test_a_series_that_comes_back_after_a_week_starts_anew_without_any_tick() -> None:
    watcher = Watcher(RULES)
    for n in range(10):
        watcher.observe(signal(minute=n))
    watcher.drain()
    watcher.observe(signal(minute=60 * 24 * 7 + 10))
    state = dict(watcher.drain().state)
    assert state[f"{BANK}\x1frecent\x1f1"] is None
    core = state[BANK]
    assert core is not None
    assert json.loads(core)["span"] == [0, 1]


def test_an_open_alert_of_a_series_that_comes_back_after_a_week_is_resolved_first() -> None:
    watcher = surging()
    assert told(play(watcher, [signal(minute=60 * 24 * 8)])) == ["resolved"]


def test_an_article_that_arrives_after_its_withdrawal_never_counts() -> None:
    watcher = Watcher(RULES)
    watcher.withdraw(withdrawal("hoax", 0))
    watcher.withdraw(withdrawal("hoax", 0))
    again = restored(saved(watcher))
    for each in (signal(news_id="hoax", text="hoax"), signal(text="hoax"), signal(MARKET, news_id="hoax")):
        again.observe(each)
    output = again.drain()
    assert output.novel == {}
    assert output.copies == {"company": 1}
    assert output.arrivals["market", Arrival.WITHDRAWN] == 1
    assert output.stories == []


def test_a_copy_that_was_withdrawn_before_it_came_adds_nothing() -> None:
    watcher = Watcher(RULES)
    watcher.withdraw(withdrawal("copy", 0))
    watcher.observe(signal(MARKET, news_id="first", text="words"))
    watcher.observe(signal(MARKET, news_id="copy", text="words"))
    assert [story.copies for story in watcher.drain().stories] == [1]


def test_the_memory_of_withdrawals_is_bounded_and_the_same_after_a_restart() -> None:
    watcher = Watcher(RULES)
    for n in range(4_100):
        watcher.withdraw(withdrawal(f"w{n}", 0))
    state = saved(watcher)
    assert len(state) <= 129
    for each in (watcher, restored(state)):
        each.observe(signal(news_id="w3"))
        each.observe(signal("company:OTHER", news_id="w4"))
        output = each.drain()
        assert output.novel == {"company": 1}
        assert output.arrivals["company", Arrival.WITHDRAWN] == 1


def test_a_corrected_article_counts_again_after_it_was_withdrawn() -> None:
    watcher = Watcher(RULES)
    watcher.observe(signal(MARKET, news_id="a", text="words"))
    watcher.withdraw(withdrawal("a", 1))
    assert watcher.drain().untold == ["a"]
    watcher.observe(signal(MARKET, minute=2, news_id="b", revises="a", status="corrected", text="better"))
    stories = watcher.drain().stories
    assert [(story.story_id, story.headline) for story in stories] == [("a", "headline of b")]


def test_stories_are_told_for_the_market_only_and_grow_with_their_copies() -> None:
    watcher = Watcher(RULES)
    watcher.observe(signal(BANK, text="words"))
    first = signal(
        MARKET, 5, text="words", news_id="a", source="alpha", companies=("BANK",), topics=("legal",)
    )
    watcher.observe(first)
    watcher.observe(
        good(MARKET, 3, text="words", source="beta", companies=("BANK", "OTHER"), topics=("legal", "banks"))
    )
    stories = watcher.drain().stories
    assert len(stories) == 1
    story = stories[0]
    assert (story.story_id, story.copies) == ("a", 2)
    assert story.novelty == pytest.approx(0.5, abs=0.01)
    assert (story.first_seen_at, story.last_seen_at) == (at(3), at(5))
    assert (story.sources, story.companies, story.topics) == (
        ("alpha", "beta"),
        ("BANK", "OTHER"),
        ("legal", "banks"),
    )
    assert story.sentiment.negative == pytest.approx(0.425)
    assert watcher.drain().stories == []


def test_a_story_goes_on_after_a_restart() -> None:
    watcher = Watcher(RULES)
    watcher.observe(signal(MARKET, text="words", news_id="a", companies=("BANK",)))
    again = restored(saved(watcher))
    again.observe(signal(MARKET, 1, text="words", companies=("BANK",)))
    assert [(story.story_id, story.copies) for story in again.drain().stories] == [("a", 2)]


def broken(key: str, **changes: object) -> dict[str, bytes]:
    """The saved state of two series and a withdrawal, with one record changed."""
    watcher = Watcher(RULES)
    play(watcher, [])
    for each in drawn("9"):
        watcher.observe(each)
    watcher.withdraw(withdrawal("x", 0))
    state = saved(watcher)
    body = json.loads(state[key])
    state[key] = json.dumps(body | changes).encode()
    return state


CHUNK = f"{BANK}\x1frecent\x1f0"


@pytest.mark.parametrize(
    ("key", "changes", "says"),
    [
        (BANK, {"v": 1}, "has version 1"),
        (BANK, {"bin_seconds": 90}, "has bins of 90 s, of which watch.bin_seconds, 60, is no part"),
        (BANK, {"bin_seconds": 30}, "has bins of 30 s, of which watch.bin_seconds, 60, is no part"),
        (BANK, {"bins": 7}, "is damaged"),
        (BANK, {"lives": {"negative_surge": {}}}, "is damaged"),
        (BANK, {"span": [0, 99]}, "no record holds it"),
        (CHUNK, {"v": None}, "has version None"),
        (CHUNK, {"stories": [[1, 2]]}, "is damaged"),
        ("control\x1f0", {"ids": None}, "is damaged"),
    ],
)
def test_state_that_cannot_be_read_back_is_named(key: str, changes: dict[str, object], says: str) -> None:
    with pytest.raises(StateError, match=says) as raised:
        restored(broken(key, **changes))
    assert repr(key) in str(raised.value)


@pytest.mark.parametrize(
    ("records", "says"),
    [
        ({"market": b"{"}, "can't be read"),
        ({"market": b"[]"}, "can't be read"),
        ({"a\x1fb\x1fc\x1fd": b"{}"}, "no known form"),
        ({"market\x1frecent\x1f0": b"{}"}, "belongs to no saved series"),
    ],
)
def test_records_that_are_no_state_are_named(records: dict[str, bytes], says: str) -> None:
    with pytest.raises(StateError, match=says):
        restored(records)


def test_a_rule_that_the_state_does_not_know_starts_fresh() -> None:
    state = broken(BANK, lives={})
    assert restored(state).open_alerts() == []


def test_a_far_future_tick_leaves_no_alert_open() -> None:
    watcher = surging()
    watcher.advance(at(0) + timedelta(days=3000))
    assert told(watcher.drain().alerts) == ["resolved"]
    assert watcher.series_count == 0


def test_state_of_whole_minutes_goes_on_in_half_ones() -> None:
    """As after an upgrade: what was open stays open, what was counted can be taken back, and nothing starts anew."""
    halves = WatchRules(bin_seconds=30)
    before = drawn("1..o .... 2222")
    watcher = Watcher(RULES)
    for each in before:
        watcher.observe(each)
    state = saved(watcher)
    upgraded = restored(state, halves)
    assert upgraded.open_alerts() == watcher.open_alerts() != []
    more = signal(minute=12, news_id="next")
    _, written = play_and_keep(upgraded, [more])
    # What is written with finer bins is written whole, so that no later restart finds some of each.
    assert set(written) == set(state)
    again = restored(written, halves)
    said = []
    for after in (upgraded, again):
        for story in (*before, more):
            after.withdraw(withdrawal(story.news_id, 12))
        said.append(told(after.drain().alerts))
    assert said[0] == said[1]
    assert said[0][-1] == "retracted"
