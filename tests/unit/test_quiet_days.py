"""Twenty simulated trading days on which nothing happens, and days with a bank run: what WATCH makes of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from watching import BANK, START, signal

from stream.events import MARKET, Alert
from stream.watch.rules import WatchRules
from stream.watch.watcher import Watcher

HOURS, ITEMS, COMPANIES = 6.5, 2_000, 60
RUN_STARTS = timedelta(hours=4)
RUN = (5, 10, 20, 40)
"""Novel bad stories in each quarter of an hour."""

Item = tuple[datetime, str, bool]


def ordinary(dice: random.Random, opens: datetime) -> list[Item]:
    """A day of news: scattered over the companies, one of five bad."""
    return [
        (
            opens + timedelta(hours=HOURS * dice.random()),
            f"company:C{dice.randrange(COMPANIES)}",
            dice.random() < 0.2,
        )
        for _ in range(ITEMS)
    ]


def bank_run(dice: random.Random, opens: datetime) -> Iterator[Item]:
    """Up to two stories an hour in the morning, then the run."""
    for hour in range(6):
        for _ in range(dice.randrange(3)):
            yield opens + timedelta(hours=hour + dice.random()), BANK, dice.random() < 0.3
    for quarter, stories in enumerate(RUN):
        for _ in range(stories):
            yield opens + RUN_STARTS + timedelta(minutes=15 * (quarter + dice.random())), BANK, True


def watch(watcher: Watcher, items: list[Item], dice: random.Random) -> list[Alert]:
    for at, company, bad in sorted(items):
        chance = dice.uniform(0.55, 0.95) if bad else dice.uniform(0.02, 0.4)
        positive = (1.0 - chance) * (0.2 if bad else dice.uniform(0.1, 0.9))
        text, source = dice.random(), f"wire{dice.randrange(12)}"
        for series in (MARKET, company):
            each = signal(
                series, negative=chance, positive=positive, text=text, source=source, published_at=at
            )
            watcher.observe(each)
        watcher.advance(at)
    return watcher.drain().alerts


@pytest.mark.usefixtures("uncounted")
def test_twenty_quiet_days_in_a_row_raise_nothing() -> None:
    dice = random.Random(20)
    watcher = Watcher(WatchRules())
    weekdays = [day for day in range(28) if (START + timedelta(days=day)).weekday() < 5]
    for day in weekdays:
        alerts = watch(watcher, ordinary(dice, START + timedelta(days=day)), dice)
        assert [(alert.series, alert.rule, alert.as_of) for alert in alerts] == []


@pytest.mark.usefixtures("uncounted")
@pytest.mark.parametrize("seed", range(4))
def test_a_bank_run_fires_on_the_bank_early_and_on_no_other_company(seed: int) -> None:
    dice = random.Random(seed)
    watcher = Watcher(WatchRules())
    alerts = watch(watcher, [*ordinary(dice, START), *bank_run(dice, START)], dice)
    first = alerts[0]
    assert (first.series, first.rule, first.status) == (BANK, "negative_surge", "firing")
    # The build-up takes half an hour; the alert comes within a quarter of an hour of it.
    assert RUN_STARTS < first.as_of - START < RUN_STARTS + timedelta(minutes=45)
    assert first.sources >= 3
    assert {alert.series for alert in alerts} <= {BANK, MARKET}
    assert "critical" in {alert.severity for alert in alerts if alert.series == BANK}
