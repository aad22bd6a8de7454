"""The measurements themselves, small: they run, and their figures belong together."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import Command
from monitoring import put_tiny_release

from stream.bench import chaos, score
from stream.bench.apache import kafka_home


def test_scoring_is_measured_alone_and_through_kafka(
    tmp_path: Path, newstide: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_tiny_release(tmp_path)
    monkeypatch.setattr(score, "_LATENCY_SECONDS", 2.0)
    newstide.flags = ("--set", f"broker.data_dir={tmp_path}")
    ran = newstide("bench", "score", "--count", 1500, "--rounds", 1, "--no-usual", "--json")
    assert ran.code == 0, ran.err
    figures = ran.record()
    assert (figures["broker"], figures["release"]) == ("embedded", "tiny@1.0.0")
    assert figures["usual_per_s"] is figures["plain_over_usual"] is None
    assert 0 < figures["kafka_per_s"] < figures["plain_per_s"]
    assert figures["kafka_over_plain"] == pytest.approx(
        figures["kafka_per_s"] / figures["plain_per_s"], abs=1e-2
    )
    assert 0 < figures["p50_ms"] <= figures["p99_ms"]


@pytest.mark.kafka
def test_a_killed_worker_and_a_killed_broker_lose_and_double_nothing(
    newstide: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kafka_home() is None:
        pytest.skip("KAFKA_HOME is not set: set it to the folder of an Apache Kafka to run this test")
    monkeypatch.setattr(chaos, "_UNDER_LOAD_SECONDS", 0.5)
    ran = newstide("bench", "chaos", "--kills", 1, "--broker-kills", 1, "--json")
    assert ran.code == 0, ran.err
    figures = ran.record()
    assert figures["sent"] == figures["scored"] + figures["rejected"] > 0
    assert (figures["lost"], figures["doubled"], figures["kills"], figures["stopped"]) == (0, 0, 1, 0)
    assert "kill -9 of a worker, 1 of 1" in ran.err
    assert "kill -9 of the broker, 1 of 1" in ran.err
