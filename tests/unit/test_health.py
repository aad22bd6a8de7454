from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from stream.errors import NewstideError
from stream.health import (
    Check,
    Health,
    HealthServer,
    LoopReporter,
    Report,
    Watchdog,
    WatchdogThread,
    responds,
)
from stream.health import server as server_module
from stream.metrics import Metrics

STALL, GRACE = 60.0, 30.0


@pytest.fixture
def health() -> Health:
    """A health whose loop `score` started at 0 and got three partitions at 10."""
    health = Health(stall_seconds=STALL, rebalance_grace_seconds=GRACE)
    health.expect("score", 0.0)
    health.assigned("score", 3, 10.0)
    return health


def failed(report: Report) -> set[str]:
    return {check.name for check in report.checks if not check.ok}


def test_a_watchdog_lets_an_idle_loop_wait_for_ever() -> None:
    dog = Watchdog(bound_seconds=60)
    assert not dog.stalled(1e9, 0, has_work=False)
    assert not dog.stalled(60, 0, has_work=True)
    assert dog.stalled(60.001, 0, has_work=True)


def test_a_process_without_loops_is_alive_and_ready() -> None:
    assert Health().alive(5).ok
    assert Health().ready(5).ok


def test_before_the_first_assignment_a_loop_is_alive_but_not_ready() -> None:
    health = Health(stall_seconds=STALL, rebalance_grace_seconds=GRACE)
    health.expect("score", 0)
    assert health.alive(GRACE).ok
    assert failed(health.ready(1)) == {"score.assigned"}
    assert health.ready(1).failures == "score.assigned: starting for 1 s"


def test_a_loop_that_never_gets_partitions_is_stuck_after_grace_and_bound() -> None:
    health = Health(stall_seconds=STALL, rebalance_grace_seconds=GRACE)
    health.expect("score", 0)
    assert health.alive(GRACE + STALL).ok
    assert failed(health.alive(GRACE + STALL + 1)) == {"score.assigned"}


def test_a_loop_that_polls_is_ready_though_nothing_comes(health: Health) -> None:
    health.polled("score", 0, 1000)
    assert health.ready(1001).ok
    assert health.alive(1001).ok


def test_a_loop_left_without_partitions_stands_by_and_is_ready(health: Health) -> None:
    health.assigned("score", 0, 20)
    report = health.ready(21)
    assert report.ok
    assert report.checks[0].reason == "standing by: none is left"


#   10 assigned     40 not ready     70 stuck
#   |----------------|----------------|
#          half the bound      the bound
def test_a_loop_that_stops_polling_is_not_ready_before_it_is_stuck(health: Health) -> None:
    assert health.ready(40).ok
    assert failed(health.ready(40.1)) == {"score.poll"}
    assert health.alive(70).ok
    assert failed(health.alive(70.1)) == {"score.poll"}


def test_polling_without_committing_what_lies_behind_is_no_progress(health: Health) -> None:
    health.waiting("score", 0, 5, 20)
    for now in range(21, 100):
        health.polled("score", 0, now)
        health.waiting("score", 0, 5, now)
    assert failed(health.ready(99)) == {"score.commit"}
    assert failed(health.alive(99)) == {"score.commit"}
    assert "5 records behind, last commit never" in health.alive(99).failures


def test_records_in_hand_wait_for_their_commit(health: Health) -> None:
    health.polled("score", 7, 20)
    assert health.has_work("score")
    health.polled("score", 0, 75)
    assert failed(health.ready(75)) == {"score.commit"}
    health.committed("score", 76)
    assert not health.has_work("score")
    assert health.ready(77).ok


def test_each_commit_begins_the_wait_anew_while_a_backlog_is_worked_off(health: Health) -> None:
    health.waiting("score", 0, 10_000, 20)
    for now in range(21, 500, 10):
        health.polled("score", 100, now)
        health.committed("score", now + 1)
    assert health.has_work("score")
    report = health.ready(500)
    assert report.ok
    assert "last commit 8.0 s ago" in report.checks[2].reason


def test_a_lag_that_vanishes_without_a_commit_is_no_work(health: Health) -> None:
    health.waiting("score", 0, 1, 20)
    health.waiting("score", 0, 0, 21)
    health.polled("score", 0, 200)
    assert health.ready(200).ok


def test_a_rebalance_has_its_grace_and_forgets_what_waited(health: Health) -> None:
    health.waiting("score", 0, 5, 20)
    health.rebalancing("score", 30)
    health.rebalancing("score", 45)
    assert health.ready(60).ok
    assert failed(health.ready(60.1)) == {"score.assigned"}
    assert health.alive(120).ok
    assert failed(health.alive(120.1)) == {"score.assigned"}
    health.assigned("score", 1, 121)
    assert health.ready(122).ok
    assert not health.has_work("score")


def test_a_loop_that_waits_for_its_broker_is_not_ready_but_is_not_stuck(health: Health) -> None:
    health.waiting("score", 0, 5, 20)
    health.broker_away("score", 30)
    assert health.alive(10_000).ok
    assert health.ready(10_000).failures == "score.broker: it has been away for 9970 s"
    health.polled("score", 0, 10_000)
    assert failed(health.ready(10_000 + GRACE + 1)) == {"score.assigned"}
    health.assigned("score", 3, 10_001)
    assert health.ready(10_002).ok


def test_a_rebalance_after_the_broker_came_back_has_its_whole_grace(health: Health) -> None:
    health.broker_away("score", 30)
    health.rebalancing("score", 10_000)
    assert health.ready(10_000 + GRACE).ok
    assert not health.ready(10_000 + GRACE + 1).ok


def test_each_loop_is_asked_for_itself(health: Health) -> None:
    health.expect("watch", 0)
    health.assigned("watch", 3, 10)
    health.polled("score", 0, 100)
    assert failed(health.alive(100)) == {"watch.poll"}


class Clock:
    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def reporting() -> tuple[LoopReporter, Metrics, Health, Clock]:
    metrics, health, clock = Metrics(CollectorRegistry()), Health(), Clock()
    reporter = LoopReporter(
        "score",
        "news.raw",
        metrics=metrics,
        health=health,
        monotonic=clock,
        unix=lambda: 1_000_000 + clock(),
    )
    return reporter, metrics, health, clock


def test_what_waits_for_the_partitions_is_called_each_time_they_are_assigned() -> None:
    called: list[int] = []
    reporter = LoopReporter(
        "watch",
        "news.signals",
        metrics=Metrics(CollectorRegistry()),
        health=Health(),
        monotonic=Clock(),
        unix=Clock(),
        once_assigned=lambda: called.append(1),
    )
    reporter.rebalancing()
    assert not called
    reporter.assigned([0])
    reporter.assigned([0, 1])
    assert len(called) == 2


def test_a_reporter_tells_metrics_and_health_the_same(
    reporting: tuple[LoopReporter, Metrics, Health, Clock],
) -> None:
    reporter, metrics, health, clock = reporting
    value = metrics.registry.get_sample_value
    assert value("newstide_ready") == 0
    reporter.assigned([0, 2])
    assert value("newstide_ready") == 1
    reporter.lag(0, 40)
    clock.now = 5
    reporter.polled(40)
    assert value("newstide_last_progress_timestamp_seconds", {"loop": "score"}) is None
    reporter.aborted(0, "KafkaError")
    reporter.committed(0, 40, 0.02)
    assert value("newstide_last_progress_timestamp_seconds", {"loop": "score"}) == 1_000_005
    reporter.lag(0, 0)
    clock.now = 9
    reporter.polled(0)
    assert value("newstide_last_progress_timestamp_seconds", {"loop": "score"}) == 1_000_009
    assert value("newstide_records_processed_total", {"loop": "score"}) == 40
    assert value("newstide_transactions_total", {"loop": "score", "outcome": "committed"}) == 1
    assert value("newstide_transactions_total", {"loop": "score", "outcome": "aborted"}) == 1
    assert value("newstide_stage_duration_seconds_count", {"stage": "produce"}) == 1
    assert value("newstide_assigned_partitions", {"loop": "score"}) == 2
    assert health.ready(9).ok


def test_a_reporter_of_watch_does_not_time_the_stages_of_score() -> None:
    metrics, health = Metrics(CollectorRegistry()), Health()
    reporter = LoopReporter(
        "watch", "news.signals", metrics=metrics, health=health, monotonic=Clock(), unix=Clock()
    )
    reporter.committed(0, 3, 0.02)
    assert (
        metrics.registry.get_sample_value("newstide_stage_duration_seconds_count", {"stage": "produce"}) == 0
    )


def test_a_partition_that_is_not_ours_has_no_lag_to_show(
    reporting: tuple[LoopReporter, Metrics, Health, Clock],
) -> None:
    reporter, metrics, health, _clock = reporting

    def shown(partition: str) -> float | None:
        labels = {"topic": "news.raw", "partition": partition}
        return metrics.registry.get_sample_value("newstide_consumer_lag_records", labels)

    reporter.assigned([0])
    reporter.lag(0, 3)
    reporter.lag(1, 3)
    assert (shown("0"), shown("1")) == (3, None)
    reporter.rebalancing()
    assert shown("0") is None
    assert not health.has_work("score")
    reporter.broker_away()
    assert "score.broker" in health.ready(0).failures


GOOD, BAD = Report(()), Report((Check("score.poll", False, "last poll 61.0 s ago"),))


def test_the_watchdog_ends_the_process_when_it_fails_twice_running(caplog: pytest.LogCaptureFixture) -> None:
    answers, ended = [BAD, GOOD, BAD, BAD], list[int]()
    dog = WatchdogThread(lambda: answers.pop(0), end=ended.append)
    assert [dog.look() for _ in range(4)] == [False, False, False, True]
    assert ended == [1]
    assert "score.poll: last poll 61.0 s ago" in caplog.text


def test_the_watchdog_thread_looks_by_itself_and_ends_the_process() -> None:
    ended = threading.Event()
    with WatchdogThread(lambda: BAD, every_seconds=0.001, end=lambda _code: ended.set()):
        assert ended.wait(10)


def test_the_watchdog_thread_stops_with_its_block() -> None:
    looked = threading.Event()

    def check() -> Report:
        looked.set()
        return GOOD

    with WatchdogThread(check, every_seconds=0.001) as dog:
        assert looked.wait(10)
    assert not dog._thread.is_alive()


@pytest.fixture
def served(health: Health) -> Iterator[tuple[HealthServer, Clock]]:
    clock = Clock(11.0)
    metrics = Metrics(CollectorRegistry())
    metrics.records_in(5)
    with HealthServer(metrics.registry, health, clock=clock) as server:
        yield server, clock


def ask(server: HealthServer, path: str, method: str = "GET") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_metrics_are_served_on_the_same_port(served: tuple[HealthServer, Clock]) -> None:
    status, body = ask(served[0], "/metrics")
    assert status == 200
    assert b"\nnewstide_news_in_total 5.0\n" in body


def test_readiness_says_why_it_fails(served: tuple[HealthServer, Clock]) -> None:
    server, clock = served
    assert ask(server, "/readyz")[0] == 200
    clock.now = 50.0
    status, body = ask(server, "/readyz")
    answer = json.loads(body)
    assert (status, answer["status"]) == (503, "failing")
    assert {"name": "score.poll", "ok": False, "reason": "last poll 40.0 s ago"} in answer["checks"]
    assert ask(server, "/healthz")[0] == 200
    clock.now = 71.0
    assert ask(server, "/healthz")[0] == 503


def test_other_paths_and_methods_are_answered_with_what_there_is(
    served: tuple[HealthServer, Clock],
) -> None:
    server, _clock = served
    assert ask(server, "/nothing") == (404, b"there are /metrics, /healthz and /readyz\n")
    assert ask(server, "/metrics", "POST")[0] == 405
    assert ask(server, "/healthz", "HEAD") == (200, b"")


def test_a_client_that_says_nothing_does_not_keep_others_waiting(served: tuple[HealthServer, Clock]) -> None:
    with socket.create_connection(("127.0.0.1", served[0].port)):
        assert ask(served[0], "/healthz")[0] == 200


async def test_an_event_loop_that_runs_responds(health: Health) -> None:
    server = HealthServer(
        CollectorRegistry(), health, clock=Clock(11.0), event_loop=asyncio.get_running_loop()
    )
    with server:
        status, body = await asyncio.to_thread(ask, server, "/healthz")
    assert status == 200
    assert json.loads(body)["checks"][0] == {"name": "event_loop", "ok": True, "reason": "it responds"}


def test_an_event_loop_that_is_stuck_or_closed_does_not_respond() -> None:
    loop = asyncio.new_event_loop()
    assert responds(loop, within=0.01) == Check("event_loop", False, "it did not respond within 0.01 s")
    loop.close()
    assert responds(loop) == Check("event_loop", False, "it is closed")


def test_the_port_is_free_again_after_close() -> None:
    first = HealthServer(CollectorRegistry(), Health(), clock=time.monotonic).start()
    first.close()
    first.close()
    with HealthServer(CollectorRegistry(), Health(), clock=time.monotonic, port=first.port) as second:
        assert second.url == f"http://127.0.0.1:{first.port}"


def test_a_port_in_use_is_named_with_the_setting_and_the_fix() -> None:
    with (
        HealthServer(CollectorRegistry(), Health(), clock=time.monotonic) as server,
        pytest.raises(NewstideError, match=rf"metrics\.port is {server.port}.*set another port"),
    ):
        HealthServer(CollectorRegistry(), Health(), clock=time.monotonic, port=server.port)
    assert not server._thread.is_alive()


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("192.0.2.1", r"metrics\.host is '192\.0\.2\.1', which is no address of this machine"),
        ("no such host.invalid", r"metrics\.host is 'no such host\.invalid', which is no known name"),
    ],
)
def test_a_host_that_is_not_this_machine_is_named(host: str, message: str) -> None:
    with pytest.raises(NewstideError, match=message):
        HealthServer(CollectorRegistry(), Health(), clock=time.monotonic, host=host)


def test_a_port_that_needs_more_rights_is_named() -> None:
    assert "set one above 1023" in str(server_module._explain("127.0.0.1", 80, PermissionError(13, "denied")))
    assert "could not be opened: odd" in str(server_module._explain("127.0.0.1", 80, OSError(5, "odd")))


@pytest.mark.skipif(not socket.has_ipv6, reason="this Python has no IPv6")
def test_it_listens_on_ipv6_too() -> None:
    try:
        server = HealthServer(CollectorRegistry(), Health(), clock=time.monotonic, host="::1")
    except NewstideError:
        pytest.skip("this machine has no IPv6 loopback")
    with server:
        assert server.url == f"http://[::1]:{server.port}"
