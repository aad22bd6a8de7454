"""Writes the Grafana dashboard: `python deploy/grafana/build.py` after a change here.

`panels.py` says what is shown, and this file how it is drawn. A test writes it again and compares, and asks a
real Prometheus each query.
"""
# ruff: noqa: INP001 - a script, not a part of a package

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders import dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders.common import (
    ReduceDataOptions,
    StackingConfig,
    VizLegendOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from panels import ROWS, Panel

DASHBOARD: Final = Path(__file__).parent / "dashboards" / "newstide.json"
SOURCE: Final = DataSourceRef(type_val="prometheus", uid="newstide-prometheus")


def build() -> dashboard.Dashboard:
    """The dashboard with its one variable, the processes."""
    board = (
        dashboard.Dashboard("newstide")
        .uid("newstide")
        .description("News in, scores and alerts out.")
        .tags(["newstide"])
        .editable()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .refresh("10s")
        .time("now-30m", "now")
        .timezone("utc")
        .with_variable(
            dashboard.QueryVariable("instance")
            .label("Process")
            .datasource(SOURCE)
            .query("label_values(newstide_build_info, instance)")
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(VariableSort.ALPHABETICAL_ASC)
            .multi(True)
            .include_all(True)
            .all_value(".*")
        )
    )
    numbers = itertools.count(1)
    for title, panels in ROWS:
        board = board.with_row(dashboard.Row(title).id(next(numbers)))
        for panel in panels:
            board = board.with_panel(_draw(panel).id(next(numbers)))
    return board


def _draw(panel: Panel) -> timeseries.Panel | stat.Panel | table.Panel:
    height = 5 if panel.kind == "number" else 8
    drawing = _empty(panel)
    drawing = (
        drawing.title(panel.title)
        .description(panel.says)
        .unit(panel.unit)
        .datasource(SOURCE)
        .span(panel.width)
        .height(height)
    )
    for letter, query in zip("ABCDEFGH", panel.queries, strict=False):
        target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend).ref_id(letter)
        if panel.kind == "table":
            target = target.instant().format(PromQueryFormat.TABLE)
        elif panel.kind == "number":
            target = target.instant()
        else:
            target = target.range()
        drawing = drawing.with_target(target.datasource(SOURCE))
    return drawing


def _empty(panel: Panel) -> timeseries.Panel | stat.Panel | table.Panel:
    if panel.kind == "table":
        return table.Panel()
    if panel.kind == "number":
        steps = [Threshold(value=None, color="green")]
        if panel.alarm_above is not None:
            steps.append(Threshold(value=panel.alarm_above, color="red"))
        return (
            stat.Panel()
            .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
            .thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
        )
    lines = (
        timeseries.Panel()
        .legend(
            VizLegendOptions()
            .show_legend(True)
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
        )
        .tooltip(VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    )
    if panel.kind == "stack":
        lines = lines.stacking(StackingConfig().mode(StackingMode.NORMAL)).fill_opacity(40)
    return lines


def to_json() -> str:
    """The dashboard as it is provisioned: the same bytes each time."""
    return json.dumps(json.loads(JSONEncoder(sort_keys=True).encode(build().build())), indent=1) + "\n"


if __name__ == "__main__":
    text = to_json()
    if sys.argv[1:] == ["-"]:
        sys.stdout.write(text)
    else:
        DASHBOARD.write_text(text)
