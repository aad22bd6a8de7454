from __future__ import annotations

import math
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from grafana_dashboard import DASHBOARD, GRAFANA, PANELS, QUERIES, empty_queries, query_of
from prometheus_client import CollectorRegistry
from prometheus_server import PrometheusServer, until

from stream.events import RejectReason
from stream.health import Health, HealthServer, LoopReporter
from stream.metrics import Metrics
from stream.metrics.loops import Loop
from stream.metrics.score import STAGES

RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "rules.yml"


def run_a_little(metrics: Metrics, reporters: dict[Loop, LoopReporter]) -> None:
    """What one second of a busy monitor reports, through the methods that it uses."""
    for reporter in reporters.values():
        reporter.polled(10)
        reporter.lag(0, 7)
        reporter.committed(0, 10, 0.012)
    reporters["watch"].aborted(0, "KafkaError")
    metrics.records_in(10)
    metrics.scored(9)
    metrics.language("en")
    metrics.rejected(RejectReason.NOT_JSON)
    metrics.batch(9, 270, 300, model_batches=1)
    for stage in STAGES:
        metrics.stage_seconds(stage, 0.01)
    for _ in range(9):
        metrics.from_receipt(0.02)
        metrics.end_to_end_from_published(3.0)
        metrics.sentiment("Earnings", 0.6, 0.3, 0.1)
    metrics.swap("swapped")
    metrics.copies("market", 2)
    metrics.stories(7)
    metrics.late_signals()
    metrics.disordered_signals()
    metrics.watched_series(12)
    metrics.alert("negative_surge", "firing")
    metrics.open_alerts({"critical": 1})
    metrics.notified("desk", "delivered", "firing", 0.2)
    metrics.notification_tried("desk", "ok")
    metrics.notification_queue("desk", 1)
    metrics.groups(3, 1, 1)
    metrics.feed("ok", "wire")
    metrics.feed_items(3, "wire")


@pytest.fixture
def target() -> Iterator[HealthServer]:
    """A metrics port of a monitor that is busy for as long as the test asks."""
    metrics, health = Metrics(CollectorRegistry(), version="test"), Health()
    metrics.model_in_force("newstide-en", "1.0.0")
    metrics.model_in_force("newstide-zh", "1.0.0", ("zh",))
    inputs: dict[Loop, str] = {"score": "news.raw", "watch": "news.signals"}
    reporters = {
        loop: LoopReporter(
            loop, topic, metrics=metrics, health=health, monotonic=time.monotonic, unix=time.time
        )
        for loop, topic in inputs.items()
    }
    for reporter in reporters.values():
        reporter.assigned([0])
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.2):
            run_a_little(metrics, reporters)

    worker = threading.Thread(target=work)
    with HealthServer(metrics.registry, health, clock=time.monotonic) as server:
        worker.start()
        yield server
        stop.set()
        worker.join()


def test_no_query_of_the_dashboard_is_empty_while_the_monitor_works(
    target: HealthServer, tmp_path: Path
) -> None:
    with PrometheusServer(tmp_path, [f"127.0.0.1:{target.port}"], rules=RULES) as prometheus:
        until(lambda: prometheus.numbers('up{job="newstide"} == 1'), "the first scrape")
        try:
            until(lambda: not empty_queries(prometheus), "all queries to have a value", seconds=30)
        except AssertionError:
            pytest.fail("no value:\n" + "\n".join(empty_queries(prometheus)))
        assert prometheus.label_values("newstide_build_info", "instance") == [f"127.0.0.1:{target.port}"]
        (mean_score,) = prometheus.numbers(query_of("Mean score, by topic"))
        (padding,) = prometheus.numbers(query_of("Padding waste"))
        until(
            lambda: prometheus.numbers(query_of("Unaccounted for")) == [0.0],
            "in to be scored plus rejected",
        )
    assert math.isclose(mean_score, -0.5, abs_tol=0.01)
    assert math.isclose(padding, 0.1, abs_tol=0.01)


def test_the_dashboard_is_what_the_code_writes() -> None:
    written = subprocess.run(
        [sys.executable, str(GRAFANA / "build.py"), "-"], capture_output=True, check=True, text=True
    ).stdout
    assert written == (GRAFANA / "dashboards" / "newstide.json").read_text(), (
        "write it again: python deploy/grafana/build.py"
    )


def test_every_panel_says_what_it_is_for_and_has_its_own_number() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    for panel in PANELS:
        assert panel["title"]
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"]


def test_every_query_asks_the_datasource_that_is_provisioned() -> None:
    source = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yaml").read_text())
    (uid,) = (each["uid"] for each in source["datasources"])
    for panel in PANELS:
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == uid
    for variable in DASHBOARD["templating"]["list"]:
        assert variable["datasource"]["uid"] == uid


def test_every_metric_is_shown_on_the_dashboard() -> None:
    metrics = Metrics(CollectorRegistry())
    shown = " ".join(expr for _, expr in QUERIES)
    own = [family.name for family in metrics.registry.collect() if family.name.startswith("newstide_")]
    assert [name for name in own if name not in shown] == []
