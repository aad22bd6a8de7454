from __future__ import annotations

from datetime import timedelta

import pytest
from watching import BANK, at, drawn, good, play, print_of, signal, told, withdrawal

from stream.events import Alert
from stream.watch.rules import WatchRules
from stream.watch.watcher import Watcher

# Six hours with a bad story an hour, then quiet: every test's bank has this past.
PAST = "1" + "." * 29 + "o" + "." * 29
SURGE_STARTS = 360

LADDER = WatchRules(warning_surprise=8.0, critical_surprise=12.0)
"""Severities far enough above the level of an alarm that an alert begins as `info` and climbs."""


def bank() -> Watcher:
    watcher = Watcher(LADDER)
    assert play(watcher, drawn(PAST * 6)) == []
    return watcher


def surge(picture: str, watcher: Watcher | None = None) -> list[Alert]:
    """What a picture raises after the past, with an hour of silence behind it."""
    watcher = watcher or bank()
    alerts = play(watcher, drawn(picture, start=SURGE_STARTS))
    watcher.advance(at(SURGE_STARTS + len(picture.replace(" ", "")) + 70))
    return alerts + watcher.drain().alerts


@pytest.mark.parametrize("picture", ["3", "111", "1.. ..1 ... 1..", "oooo oooo oooo"])
def test_a_few_bad_stories_or_many_good_ones_raise_nothing(picture: str) -> None:
    assert surge(picture) == []


def test_a_surge_fires_grows_and_is_resolved_when_it_was_quiet_for_long_enough() -> None:
    #  minute 360
    #         2 2 2 2      9 9 9      silence
    #           ^ firing    ^ updated       ^ resolved: once the window is usual, and 15 minutes of quiet
    alerts = surge("2222 .... 999")
    assert told(alerts)[0] == "firing"
    assert told(alerts)[-1] == "resolved"
    assert set(told(alerts)[1:-1]) == {"updated"}
    first, last = alerts[0], alerts[-1]
    assert {alert.alert_id for alert in alerts} == {first.alert_id}
    assert first.onset == at(SURGE_STARTS)
    assert first.as_of <= at(SURGE_STARTS + 4)
    assert [alert.surprise for alert in alerts[:-1]] == sorted(alert.surprise for alert in alerts[:-1])
    assert at(SURGE_STARTS + 11 + 15) < last.as_of <= at(SURGE_STARTS + 11 + 15 + 15)
    assert (last.observed, last.p_value, last.mean_score) == (0.0, 1.0, None)
    assert last.severity == alerts[-2].severity


def test_an_alert_says_its_figures_with_six_digits() -> None:
    first = surge("222 22")[0]
    assert (first.rule, first.series, first.window_seconds, first.model) == (
        "negative_surge",
        BANK,
        300,
        "tide@1",
    )
    assert (first.status, first.severity, first.observed) == ("firing", "info", 5.0)
    for figure in (first.expected, first.p_value, first.surprise, first.mean_score, first.baseline_score):
        assert figure is not None
        assert float(f"{figure:.6g}") == figure


def test_the_alert_id_names_series_rule_and_onset() -> None:
    assert surge("9")[0].alert_id == surge("9.9")[0].alert_id
    other = Watcher(WatchRules())
    play(other, drawn(PAST * 6, series="company:OTHER"))
    assert (
        play(other, drawn("9", series="company:OTHER", start=SURGE_STARTS))[0].alert_id
        != surge("9")[0].alert_id
    )


def test_bad_stories_of_one_publisher_are_no_surge_until_another_copies_one() -> None:
    watcher = bank()
    some = [signal(minute=SURGE_STARTS + n / 10, source="alpha", text=f"s{n}") for n in range(9)]
    assert play(watcher, some) == []
    copy = signal(minute=SURGE_STARTS + 2, source="gamma", text="s3")
    fired = play(watcher, [copy])
    assert told(fired) == ["firing"]
    assert (fired[0].sources, fired[0].observed) == (2, 9.0)


def test_one_bad_story_that_everybody_copies_is_no_surge() -> None:
    copies = [
        signal(minute=SURGE_STARTS + n / 10, source=f"wire{n}", fingerprint=print_of("x", differing=n % 9))
        for n in range(60)
    ]
    assert play(bank(), copies) == []


def test_what_grows_within_one_minute_is_said_once_in_it() -> None:
    #  a minute brings 40 bad stories: one alert fires; the next minute says how far it grew
    alerts = surge("9 9")
    watcher = bank()
    many = [signal(minute=SURGE_STARTS + n / 100) for n in range(40)]
    assert told(play(watcher, many)) == ["firing"]
    assert told(play(watcher, [signal(minute=SURGE_STARTS + 1)])) == ["updated"]
    assert told(alerts)[0] == "firing"


def test_a_surge_that_goes_on_stays_open() -> None:
    #  resolve needs 15 quiet minutes: the story every ten minutes in between does not make a second alert
    alerts = surge("999. .... .... 4... .... 4... .... 4...")
    assert told(alerts).count("firing") == 1
    assert told(alerts)[-1] == "resolved"


def test_after_an_end_the_series_cools_down() -> None:
    #  999 ---- resolved -- 30 minutes -- then it may fire again
    watcher = bank()
    assert told(surge("999", watcher))[-1] == "resolved"
    ended = SURGE_STARTS + 3 + 29
    assert play(watcher, drawn("999", start=ended + 10)) == []
    again = play(watcher, drawn("999", start=ended + 31))
    assert told(again)[0] == "firing"
    assert again[0].onset > at(ended)


def test_severity_rises_with_surprise_and_breadth_and_never_falls() -> None:
    severities = [alert.severity for alert in surge("2222 2222 9999 .... .... ....")]
    assert severities[0] == "info"
    assert severities == sorted(severities, key=["info", "warning", "critical"].index)
    assert severities[-1] == "critical"


def test_a_narrow_surge_is_never_critical() -> None:
    watcher = bank()
    narrow = [signal(minute=SURGE_STARTS + n / 10, source=f"wire{n % 4}") for n in range(80)]
    assert {alert.severity for alert in play(watcher, narrow)} == {"info", "warning"}


def test_evidence_is_what_weighs_most_in_an_order_that_a_replay_repeats() -> None:
    watcher = bank()
    stories = [
        signal(
            minute=SURGE_STARTS + n / 10,
            news_id=f"s{n}",
            negative=0.95 if n == 6 else 0.8,
            weight=0.5 if n == 0 else 1.0,
            url="https://news.example/s6" if n == 6 else None,
            source="alpha" if n < 7 else "beta",
        )
        for n in range(8)
    ]
    fired = play(watcher, stories)[0]
    assert [each.news_id for each in fired.evidence] == ["s6", "s1", "s2", "s3", "s4"]
    assert {each.why for each in fired.evidence} == {"new bad news, weight 1.00"}
    assert (fired.evidence[0].score, fired.evidence[0].url) == (-0.9, "https://news.example/s6")


def retraction(taken: int, *, after: float = 5.0) -> list[Alert]:
    """A surge of eight stories, so many of which are taken back."""
    watcher = bank()
    stories = [signal(minute=SURGE_STARTS + n / 10, news_id=f"s{n}") for n in range(8)]
    play(watcher, stories)
    for n in range(taken):
        watcher.withdraw(withdrawal(f"s{n}", SURGE_STARTS + after))
    return watcher.drain().alerts


def test_an_alert_that_stands_only_thanks_to_what_is_taken_back_is_retracted() -> None:
    alerts = retraction(6)
    assert told(alerts)[-1] == "retracted"
    assert alerts[-1].observed == 2.0
    assert alerts[-1].as_of == at(SURGE_STARTS + 5)
    assert not {"s0", "s1", "s2", "s3", "s4"} & {each.news_id for each in alerts[-1].evidence}


def test_an_alert_that_stands_without_what_is_taken_back_is_said_anew_without_it() -> None:
    alerts = retraction(1)
    assert set(told(alerts)) == {"updated"}
    assert "s0" not in {each.news_id for each in alerts[-1].evidence}
    assert alerts[-1].observed < 8


def test_an_alert_is_said_anew_without_a_story_that_it_counted_but_did_not_name() -> None:
    watcher = bank()
    bad = [signal(minute=SURGE_STARTS + number / 2, news_id=f"b{number}") for number in range(16)]
    alerts = play(watcher, bad)
    named = {each.news_id for each in alerts[-1].evidence}
    said = []
    for news_id in [each.news_id for each in bad if each.news_id not in named][:2]:
        watcher.withdraw(withdrawal(news_id, SURGE_STARTS + 8))
        said += watcher.drain().alerts
    assert told(said) == ["updated", "updated"]
    assert said[1].observed == said[0].observed - 1
    assert {each.news_id for each in said[1].evidence} == named


@pytest.mark.parametrize("minutes", [20, 40])
def test_a_surge_of_a_day_has_all_its_sources_and_its_evidence_and_stays_one(minutes: int) -> None:
    watcher = Watcher(WatchRules())
    past = [good(minute=day * 1440 + hour * 60) for day in range(28) for hour in (15, 17)]
    assert play(watcher, past) == []
    start = 28 * 1440 + 720
    alerts = play(
        watcher, [signal(minute=start + number * minutes, source=f"house{number}") for number in range(40)]
    )
    first = alerts[0]
    assert first.window_seconds > 20 * 3600
    assert (first.onset, len(first.evidence)) == (at(start), 5)
    assert first.sources == first.observed
    # It goes on, and is said to: no end and no second alert while bad news keeps coming.
    assert set(told(alerts[1:])) == {"updated"}
    assert alerts[-1].sources > first.sources


def test_a_retraction_holds_also_when_the_window_has_moved_on() -> None:
    assert told(retraction(6, after=12.0))[-1] == "retracted"


def test_what_is_taken_back_when_the_alert_has_ended_says_nothing() -> None:
    assert told(retraction(5, after=90.0))[-1] == "resolved"


def test_a_retracted_alert_leaves_no_cool_down() -> None:
    watcher = bank()
    play(watcher, [signal(minute=SURGE_STARTS + n / 10, news_id=f"s{n}") for n in range(8)])
    for n in range(8):
        watcher.withdraw(withdrawal(f"s{n}", SURGE_STARTS + 2))
    assert told(watcher.drain().alerts)[-1] == "retracted"
    again = play(watcher, drawn("9", start=SURGE_STARTS + 3))
    assert told(again)[0] == "firing"
    assert again[0].onset == at(SURGE_STARTS + 3)


def test_a_correction_to_good_news_takes_away_what_the_alert_stands_on() -> None:
    watcher = bank()
    play(watcher, [signal(minute=SURGE_STARTS + n / 10, news_id=f"s{n}") for n in range(8)])
    better = [
        good(minute=SURGE_STARTS + 3 + n / 10, news_id=f"c{n}", revises=f"s{n}", status="corrected")
        for n in range(6)
    ]
    assert told(play(watcher, better))[-1] == "retracted"


def test_taking_back_what_no_alert_stands_on_says_nothing() -> None:
    watcher = bank()
    play(watcher, [signal(minute=SURGE_STARTS - 60, news_id="before", text="before")])
    play(watcher, drawn("9", start=SURGE_STARTS))
    watcher.withdraw(withdrawal("before", SURGE_STARTS + 0.9))
    assert watcher.drain().alerts == []


def test_a_fall_of_the_mean_fires_its_own_rule() -> None:
    #  hours of good news, then as many neutral-to-bad stories, none of which counts as bad by itself
    watcher = Watcher(WatchRules())
    assert play(watcher, drawn("o" * 600)) == []
    sour = [signal(minute=600 + n, negative=0.4, positive=0.15, source=f"w{n % 4}") for n in range(30)]
    bad = [signal(minute=614 + n / 10, negative=0.7, source=f"w{n}") for n in range(3)]
    alerts = play(watcher, sorted([*sour, *bad], key=lambda each: each.published_at))
    shift = [alert for alert in alerts if alert.rule == "mean_shift"]
    assert shift[0].status == "firing"
    assert shift[0].mean_score is not None
    assert shift[0].baseline_score is not None
    assert shift[0].mean_score < shift[0].baseline_score - 0.25
    assert {alert.alert_id for alert in shift}.isdisjoint(
        a.alert_id for a in alerts if a.rule == "negative_surge"
    )


def test_a_later_onset_is_never_that_of_the_alert_before() -> None:
    rules = WatchRules(bin_seconds=60, cool_down=timedelta(minutes=1), quiet=timedelta(minutes=1))
    watcher = Watcher(rules)
    play(watcher, drawn(PAST * 6))
    first = play(watcher, drawn("9", start=SURGE_STARTS))[0]
    second = play(watcher, drawn("9", start=SURGE_STARTS + 25))
    assert told(second)[-2:] == ["resolved", "firing"]
    assert second[-1].onset == at(SURGE_STARTS + 25)
    assert second[-1].alert_id != first.alert_id
