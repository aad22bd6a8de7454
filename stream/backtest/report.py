"""The page of a backtest: one HTML file that needs nothing else, neither network nor script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from html import escape
from importlib.resources import files
from typing import Any

from stream.backtest.band import Bar, bars_around
from stream.backtest.drawing import Mark, draw
from stream.backtest.figures import lives_of
from stream.backtest.news import Event
from stream.backtest.volume import CountRun
from stream.events import Alert, Evidence
from stream.watch.rules import WatchRules

_MOST_CHARTS = 20
_MOST_ROWS = 500
_HEADLINE = 160


def news_report(
    figures: Mapping[str, Any], alerts: Sequence[Alert], events: Sequence[Event], rules: WatchRules
) -> str:
    """The page for a span of news: figures, all alerts in a table, the gravest with chart and evidence."""
    lives = lives_of(alerts)
    gravest = sorted(lives, key=lambda life: (-max(each.surprise for each in life), life[0].as_of))
    shown = sorted(gravest[:_MOST_CHARTS], key=lambda life: life[0].as_of)
    return _page(
        figures,
        [
            _table(lives),
            *(_section(life, events, rules) for life in shown),
        ],
    )


def count_report(figures: Mapping[str, Any], runs: Sequence[CountRun]) -> str:
    """The page for count series: for each its chart with labelled windows, the band and the alarms."""
    lives = lives_of([alert for run in runs for alert in run.alerts])
    return _page(figures, [*map(_count_section, runs), _table(lives)])


def _section(life: Sequence[Alert], events: Sequence[Event], rules: WatchRules) -> str:
    first = life[0]
    bars, bucket = bars_around(events, life, rules)
    chart = draw(bars, bucket, _marks(life), caption=f"{first.series} around {first.as_of:%d %B %Y %H:%M}")
    most = max(life, key=lambda each: each.surprise)
    evidence = next((each.evidence for each in reversed(life) if each.evidence), ())
    return (
        f'<section><h2><span class="dot {escape(most.severity)}"></span>{escape(first.series)} '
        f"<small>{escape(first.rule)}, {first.as_of:%d %B %Y %H:%M} UTC</small></h2>"
        f"<p>{_sentence(most)}</p>{chart}{_legend(bucket)}{_evidence(evidence)}</section>"
    )


def _count_section(run: CountRun) -> str:
    table = run.table
    bars = [
        Bar(at, count, 0.0, judged.expected, judged.usual_most)
        for (at, count), judged in zip(table.rows, run.judged, strict=True)
    ]
    spans = [(window.start, window.end) for window in table.windows]
    chart = draw(bars, table.bucket, _marks(run.alerts), spans, caption=f"{table.name}, the whole span")
    said = ""
    if run.nab is not None and run.nab.score is not None:
        said = (
            f"NAB score {run.nab.score:.1f} of 100: {run.nab.tp} of {run.nab.windows} labelled windows found, "
            f"{run.nab.fp} alarms outside them. "
        )
    fired = sum(alert.status == "firing" for alert in run.alerts)
    return (
        f"<section><h2>{escape(table.name)}</h2><p>{said}{fired} alarms in all.</p>{chart}"
        f"{_legend(table.bucket, windows=bool(spans))}</section>"
    )


def _marks(alerts: Iterable[Alert]) -> list[Mark]:
    marks = []
    for alert in alerts:
        kind = "alarm" if alert.status == "firing" else "end"
        if alert.status != "updated":
            marks.append(Mark(alert.as_of, kind, f"{alert.status} {alert.as_of:%d %b %Y %H:%M} UTC"))
    return marks


def _sentence(alert: Alert) -> str:
    sources = f" from {alert.sources} publishers" if alert.sources else ""
    return (
        f"{alert.observed:g} in {_span(alert.window_seconds)}{sources}, where {alert.expected:.3g} were expected: "
        f"surprise {alert.surprise:.1f} (p = {alert.p_value:.2g})."
    )


def _span(seconds: int) -> str:
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds % size == 0:
            return f"{seconds // size} {name}{'s' if seconds != size else ''}"
    return f"{seconds} seconds"


def _evidence(evidence: Sequence[Evidence]) -> str:
    if not evidence:
        return ""
    rows = "".join(
        f"<tr><td>{each.published_at:%d %b %H:%M}</td><td>{_linked(each)}</td><td>{escape(each.source)}</td>"
        f'<td class="number">{each.score:+.2f}</td></tr>'
        for each in evidence
    )
    return (
        "<table><caption>Evidence</caption><tr><th>time</th><th>headline</th><th>publisher</th><th>score</th></tr>"
        f"{rows}</table>"
    )


def _linked(evidence: Evidence) -> str:
    headline = evidence.headline
    text = escape(headline if len(headline) <= _HEADLINE else headline[: _HEADLINE - 1] + "…")
    # Only the web's own schemes: a link in news must not run anything.
    if evidence.url and evidence.url.startswith(("https://", "http://")):
        return f'<a href="{escape(evidence.url)}" rel="noreferrer noopener">{text}</a>'
    return text


def _legend(bucket: timedelta, *, windows: bool = False) -> str:
    parts = [
        f'<span class="key counted"></span>counted in {_span(int(bucket.total_seconds()))}',
        '<span class="key copies"></span>copies',
        '<span class="key expected"></span>expected',
        '<span class="key band"></span>usual range',
        '<span class="key alarm"></span>alarm',
        '<span class="key end"></span>its end',
    ]
    if windows:
        parts[1] = '<span class="key window"></span>labelled'
    return f'<p class="legend">{"".join(f"<span>{part}</span>" for part in parts)}</p>'


def _table(lives: Sequence[Sequence[Alert]]) -> str:
    if not lives:
        return "<section><h2>Alerts</h2><p>None.</p></section>"
    rows = "".join(
        f"<tr><td>{life[0].as_of:%d %b %Y %H:%M}</td><td>{escape(life[0].series)}</td>"
        f"<td>{escape(life[0].rule)}</td><td>{escape(life[-1].severity)}</td>"
        f'<td class="number">{max(each.surprise for each in life):.1f}</td>'
        f"<td>{escape(life[-1].status)}</td></tr>"
        for life in lives[:_MOST_ROWS]
    )
    more = f"<p>{len(lives) - _MOST_ROWS} more in alerts.jsonl.</p>" if len(lives) > _MOST_ROWS else ""
    return (
        "<section><h2>Alerts</h2><table><tr><th>fired (UTC)</th><th>series</th><th>rule</th><th>severity</th>"
        f"<th>surprise</th><th>at the end</th></tr>{rows}</table>{more}</section>"
    )


def _page(figures: Mapping[str, Any], sections: Sequence[str]) -> str:
    style = files("stream.backtest").joinpath("report.css").read_text("utf-8")
    low, high = figures["alarms_per_day_ci95"]
    budget = figures["budget_per_day"]
    tiles = [
        ("alarms", f"{figures['alarms']}"),
        ("a day", f"{figures['alarms_per_day']:.3g}", f"95 %: {low:.2g} to {high:.2g}"),
        ("series", f"{figures['series']}", f"{figures['series_days']:.4g} series-days"),
        ("records", f"{figures['records']}", f"{figures['rejected']} rejected"),
    ]
    tiles.insert(2, ("false alarms allowed", f"{budget:.3g}", "a day, by the budget"))
    if figures["nab"] is not None:
        tiles.insert(0, ("NAB score", f"{figures['nab']['score']}", "standard profile, of 100"))
    shown = "".join(
        f'<div class="tile"><b>{escape(tile[1])}</b>{escape(tile[0])}'
        f"<small>{escape(tile[2]) if len(tile) > 2 else ''}</small></div>"  # noqa: PLR2004 - a tile's remark
        for tile in tiles
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>newstide backtest</title><style>\n{style}</style></head><body><main>"
        f"<h1>What newstide would have said</h1><p>{escape(figures['from'][:16])} to "
        f"{escape(figures['to'][:16])}, "
        f'UTC</p><div class="tiles">{shown}</div>\n{chr(10).join(sections)}\n</main></body></html>\n'
    )
