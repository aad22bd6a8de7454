from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from command import Command, Ran
from prometheus_client import CollectorRegistry
from tiny_release import tiny_release

from models.errors import ModelError
from models.release import Release
from stream.bus import Connection, TopicState
from stream.cli import checks, doctor
from stream.health import Health, HealthServer
from stream.topics import RAW, STORIES


@pytest.fixture
def newstide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """With a whole release in force, and a metrics port that is surely free."""
    release = tiny_release(tmp_path / "release")

    def in_force(_settings: object) -> Release:
        return release

    monkeypatch.setattr("stream.parts.release_of", in_force)
    command = Command(tmp_path, monkeypatch, capsys)
    command.flags = ("--set", "metrics.port=0")
    return command


def findings(ran: Ran) -> dict[str, dict[str, str]]:
    return {record["check"]: record for record in ran.records()}


def statuses(ran: Ran) -> dict[str, str]:
    return {record["check"]: record["status"] for record in ran.records()}


def test_without_a_broker_the_embedded_one_is_only_a_warning(newstide: Command) -> None:
    newstide.flags += ("--set", "broker.port=1")
    ran = newstide("doctor", "--json")
    assert ran.code == 0
    fine = [
        "python",
        "packages",
        "runtime",
        "config",
        "data",
        "model",
        "provider",
        "companies",
        "port",
        "embedded",
    ]
    assert statuses(ran) == dict.fromkeys(fine, "ok") | {"broker": "warn"}
    assert findings(ran)["broker"]["fix"] == "`newstide up` starts it"
    assert "tiny@1.0.0" in findings(ran)["model"]["says"]


def test_a_broker_of_ones_own_that_is_not_there_fails(newstide: Command) -> None:
    newstide.flags += ("--bootstrap", "127.0.0.1:1")
    ran = newstide("doctor", "--json")
    assert ran.code == 1
    assert findings(ran)["broker"]["status"] == "fail"
    assert "127.0.0.1:1" in findings(ran)["broker"]["says"]
    assert "embedded" not in findings(ran)


def test_findings_are_lines_that_fit_with_what_to_do_below(newstide: Command) -> None:
    newstide.flags += ("--set", "broker.port=1")
    ran = newstide("doctor")
    lines = ran.out.splitlines()
    assert lines[0].startswith("ok   python    3.")
    assert "-> `newstide up` starts it" in lines[-1]
    assert max(map(len, lines)) <= 80


def test_topics_that_are_missing_or_differ_are_told(newstide: Command, embedded: Connection) -> None:
    newstide.flags += ("--bootstrap", embedded.bootstrap)
    ran = newstide("doctor", "--json")
    assert ran.code == 1
    assert findings(ran)["broker"]["says"] == f"{embedded.bootstrap} answers, PLAINTEXT"
    assert findings(ran)["topics"]["fix"] == "newstide topics --create"
    assert newstide("topics", "--create").code == 0
    assert findings(newstide("doctor", "--json"))["topics"]["status"] == "ok"
    ran = newstide("--set", "topics.partitions=5", "doctor", "--json")
    assert ran.code == 0
    assert "news.raw has 3 partitions, topics.partitions is 5" in ran.out


def test_a_wrong_setting_is_told_and_ends_the_examination(newstide: Command) -> None:
    newstide.flags = ("--set", "score.batch_tokens=x")
    ran = newstide("doctor", "--json")
    assert ran.code == 1
    assert list(findings(ran)) == ["python", "packages", "runtime", "config"]
    assert "score.batch_tokens is 'x'" in findings(ran)["config"]["says"]


def test_wrong_tls_files_are_told(newstide: Command, tmp_path: Path) -> None:
    pem = tmp_path / "ca.pem"
    pem.write_text("no certificate")
    newstide.flags += ("--bootstrap", "a:1", "--set", "kafka.security_protocol=SSL")
    newstide.flags += ("--set", f"kafka.ssl_cafile={pem}")
    broker = findings(newstide("doctor", "--json"))["broker"]
    assert broker["status"] == "fail"
    assert "kafka.ssl_cafile" in broker["says"]


def test_an_unfit_release_fails(newstide: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_settings: object) -> Release:
        raise ModelError("there is no release")

    monkeypatch.setattr("stream.parts.release_of", none)
    newstide.flags += ("--set", "broker.port=1")
    ran = newstide("doctor", "--json")
    assert ran.code == 1
    assert findings(ran)["model"]["says"] == "there is no release"


def test_an_unsigned_release_is_told_where_a_key_is_set(newstide: Command) -> None:
    newstide.flags += ("--set", "broker.port=1", "--set", "releases.key=geheim")
    ran = newstide("doctor", "--json")
    assert findings(ran)["signature"]["status"] == "warn"
    assert "geheim" not in ran.out


def test_an_unreadable_table_of_companies_fails(newstide: Command, tmp_path: Path) -> None:
    table = tmp_path / "own.csv"
    table.write_text("nonsense\n1\n")
    newstide.flags += ("--set", "broker.port=1", "--set", f"score.companies={table}")
    ran = newstide("doctor", "--json")
    assert findings(ran)["companies"]["status"] == "fail"
    assert "own.csv" in findings(ran)["companies"]["says"]


def test_a_newstide_that_already_listens_is_well(newstide: Command) -> None:
    with HealthServer(CollectorRegistry(), Health(), clock=time.monotonic) as server:
        newstide.flags = ("--set", f"metrics.port={server.port}", "--set", "broker.port=1")
        port = findings(newstide("doctor", "--json"))["port"]
    assert port["status"] == "ok"
    assert "a newstide listens" in port["says"]


def test_a_port_that_another_program_has_fails(newstide: Command, foreign_port: int) -> None:
    newstide.flags = ("--set", f"metrics.port={foreign_port}", "--set", "broker.port=1")
    ran = newstide("doctor", "--json")
    assert ran.code == 1
    assert "metrics.port=0" in findings(ran)["port"]["fix"]


@pytest.fixture
def foreign_port() -> Iterator[int]:
    """Another program's HTTP server, which knows nothing of newstide."""

    class Elsewhere(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_a_folder_that_may_not_be_written_fails(newstide: Command, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    newstide.flags += ("--set", f"broker.data_dir={file}/data", "--set", "broker.port=1")
    assert findings(newstide("doctor", "--json"))["data"]["status"] == "fail"


def knows(*present: str) -> Callable[[str], str]:
    def version(name: str) -> str:
        if name not in present:
            raise PackageNotFoundError(name)
        return "1.0"

    return version


def test_packages_that_are_missing_or_lie_over_each_other_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "version", knows("aiokafka", "onnxruntime", "onnxruntime-gpu"))
    monkeypatch.setattr(checks, "OLDEST_PYTHON", (9, 9))
    python, packages, runtime = checks.check_python()
    assert (python.status, packages.status, runtime.status) == ("fail", "fail", "warn")
    assert packages.says == "missing: tokenizers, numpy, pydantic"
    monkeypatch.setattr(checks, "version", knows())
    assert list(checks.check_python())[2].status == "fail"


def test_a_missing_embedded_broker_is_told(newstide: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "find_spec", lambda _name: None)
    newstide.flags += ("--set", "broker.port=1")
    assert "newstide[embedded]" in findings(newstide("doctor", "--json"))["embedded"]["fix"]


def test_a_topic_that_would_lose_its_state_fails() -> None:
    states = [TopicState(STORIES, True, 3, "cleanup.policy must be compact"), TopicState(RAW, True, 3, None)]
    (finding,) = doctor._topic_findings(states, 3)
    assert finding.status == "fail"
    assert finding.says == "news.stories: cleanup.policy must be compact"


def test_who_signed_in_is_told() -> None:
    connection = Connection("a:1", security_protocol="SASL_SSL", sasl_username="ada", sasl_password="pw")
    assert doctor._reachable(connection).says == "a:1 answers, SASL_SSL as ada"
