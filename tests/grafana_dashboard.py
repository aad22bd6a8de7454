"""The Grafana dashboard as its JSON stands in the project, and its queries asked of a real Prometheus."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from prometheus_server import PrometheusServer

GRAFANA = Path(__file__).parents[1] / "deploy" / "grafana"
DASHBOARD: dict[str, Any] = json.loads((GRAFANA / "dashboards" / "newstide.json").read_text())
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES: list[tuple[str, str]] = [
    (panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]
]
"""Each panel's title and query, as it stands in the JSON, variables and all."""


def filled(expr: str) -> str:
    """`expr` with Grafana's variables filled as Grafana fills them, at a scrape each second."""
    return expr.replace("$instance", ".*").replace("$__rate_interval", "5s").replace("$__range", "1m")


def query_of(title: str) -> str:
    """The one query of a panel, ready to be asked."""
    (expr,) = (expr for panel, expr in QUERIES if panel == title)
    return filled(expr)


def empty_queries(prometheus: PrometheusServer) -> list[str]:
    """The queries that have no value now, each after its panel's title."""
    return [f"{title}: {expr}" for title, expr in QUERIES if not prometheus.numbers(filled(expr))]
