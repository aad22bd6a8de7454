"""Draws a series as SVG: what was counted, what was expected, and where it was alarming."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from math import log10, sqrt

from stream.backtest.band import Bar

_WIDTH, _HEIGHT = 920, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 14, 30
_MOST_BARS = 860
_TICKS = 6


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment worth a line: an alarm, or its end."""

    at: datetime
    kind: str
    text: str


def draw(
    bars: Sequence[Bar],
    bucket: timedelta,
    marks: Sequence[Mark] = (),
    windows: Sequence[tuple[datetime, datetime]] = (),
    *,
    caption: str,
) -> str:
    """An SVG element of a chart. Heights go by the square root, so that small counts are seen beside large ones.

    Args:
        bars: the buckets, in the order of time; at least one.
        bucket: their width.
        marks: lines with a text.
        windows: spans to shade: labelled anomalies.
        caption: what is told to those who can't see it.
    """
    bars, bucket = _coarser(bars, bucket)
    frame = _Frame(bars[0].at, bars[-1].at + bucket, _highest(bars))
    parts = [
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(caption)}">',
        *(_shade(frame, begin, end) for begin, end in windows),
        _band(frame, bars, bucket),
        _counts(frame, bars, bucket, copies=True),
        _counts(frame, bars, bucket, copies=False),
        _expected(frame, bars, bucket),
        *_grid(frame),
        *(_mark(frame, mark) for mark in marks),
        "</svg>",
    ]
    return "\n".join(part for part in parts if part)


class _Frame:
    """Where a time and a count lie in the picture."""

    def __init__(self, begin: datetime, end: datetime, most: float) -> None:
        self.begin, self.end, self.most = begin, end, max(most, 1.0)

    def x(self, at: datetime) -> float:
        part = (at - self.begin) / (self.end - self.begin)
        return round(_LEFT + min(max(part, 0.0), 1.0) * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(self, count: float) -> float:
        part = sqrt(min(max(count, 0.0), self.most) / self.most)
        return round(_HEIGHT - _BOTTOM - part * (_HEIGHT - _TOP - _BOTTOM), 1)


def _coarser(bars: Sequence[Bar], bucket: timedelta) -> tuple[list[Bar], timedelta]:
    """Few enough bars for the picture: of several, the highest of each figure."""
    together = -(-len(bars) // _MOST_BARS)
    if together == 1:
        return list(bars), bucket
    groups = [bars[n : n + together] for n in range(0, len(bars), together)]
    merged = [
        Bar(
            group[0].at,
            max(bar.counted for bar in group),
            max(bar.copies for bar in group),
            max((bar.expected for bar in group if bar.expected is not None), default=None),
            max((bar.most for bar in group if bar.most is not None), default=None),
        )
        for group in groups
    ]
    return merged, together * bucket


def _highest(bars: Sequence[Bar]) -> float:
    return max(max(bar.counted + bar.copies, bar.most or 0.0) for bar in bars)


def _band(frame: _Frame, bars: Sequence[Bar], bucket: timedelta) -> str:
    steps = [(bar.at, bar.most) for bar in bars if bar.most is not None]
    if not steps:
        return ""
    path = "".join(f"H{frame.x(at)}V{frame.y(most)}" for at, most in steps)
    floor = frame.y(0.0)
    begin, end = frame.x(steps[0][0]), frame.x(steps[-1][0] + bucket)
    return f'<path class="band" d="M{begin} {floor}{path}H{end}V{floor}Z"/>'


def _expected(frame: _Frame, bars: Sequence[Bar], bucket: timedelta) -> str:
    steps = [(bar.at, bar.expected) for bar in bars if bar.expected is not None]
    if not steps:
        return ""
    path = "".join(f"H{frame.x(at)}V{frame.y(expected)}" for at, expected in steps)
    start = f"M{frame.x(steps[0][0])} {frame.y(steps[0][1])}"
    return f'<path class="expected" d="{start}{path}H{frame.x(steps[-1][0] + bucket)}"/>'


def _counts(frame: _Frame, bars: Sequence[Bar], bucket: timedelta, *, copies: bool) -> str:
    floor = frame.y(0.0)
    path = "".join(
        f"M{frame.x(bar.at)} {floor}V{frame.y(height)}H{frame.x(bar.at + bucket)}V{floor}Z"
        for bar in bars
        if (height := bar.counted + (bar.copies if copies else 0.0)) and (not copies or bar.copies)
    )
    return f'<path class="{"copies" if copies else "counted"}" d="{path}"/>' if path else ""


def _shade(frame: _Frame, begin: datetime, end: datetime) -> str:
    left, right = frame.x(begin), frame.x(end)
    high = _HEIGHT - _TOP - _BOTTOM
    return f'<rect class="window" x="{left}" y="{_TOP}" width="{right - left:.1f}" height="{high}"/>'


def _mark(frame: _Frame, mark: Mark) -> str:
    x = frame.x(mark.at)
    return (
        f'<line class="mark {escape(mark.kind)}" x1="{x}" x2="{x}" y1="{_TOP - 6}" y2="{_HEIGHT - _BOTTOM}">'
        f"<title>{escape(mark.text)}</title></line>"
    )


def _grid(frame: _Frame) -> list[str]:
    floor = _HEIGHT - _BOTTOM
    parts = [f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{floor}" y2="{floor}"/>']
    for count in _heights(frame.most):
        y = frame.y(count)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{count:g}</text>')
    step = (frame.end - frame.begin) / _TICKS
    form = "%d %b %H:%M" if frame.end - frame.begin < timedelta(days=12) else "%d %b %Y"
    for number in range(_TICKS):
        at = frame.begin + number * step
        parts.append(f'<text x="{frame.x(at)}" y="{_HEIGHT - 10}">{at.strftime(form)}</text>')
    return parts


def _heights(most: float) -> list[float]:
    """Round counts to draw lines at: three or so, below the highest."""
    whole = 10.0 ** int(log10(most))
    steps = [step * whole for step in (1.0, 2.0, 5.0)]
    return [whole / 10.0] * (whole > 1.0) + [step for step in steps if step <= most]
