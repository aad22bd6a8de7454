from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from stream.cli import main
from stream.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("newstide:")}


def test_there_is_all_that_the_monitor_needs() -> None:
    others = {"kafka", "alertmanager", "prometheus", "grafana"}
    assert set(OURS) == {"topics", "score", "watch", "notify"}
    assert set(SERVICES) == set(OURS) | others
    assert SERVICES["score"]["deploy"]["replicas"] == 2


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting_and_its_value_is_accepted(name: str) -> None:
    sections: dict[str, dict[str, str]] = {}
    for variable, value in OURS[name]["environment"].items():
        prefix, section, field = re.split(r"(?<=NEWSTIDE)_|__", variable)
        assert prefix == "NEWSTIDE"
        sections.setdefault(section.lower(), {})[field.lower()] = value
    Settings.model_validate(sections)


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_that_newstide_has(name: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*SERVICES[name]["command"], "--help"])
    assert ended.value.code == 0


def test_every_service_is_asked_for_its_health() -> None:
    for name, service in SERVICES.items():
        if name in {"score", "watch", "notify"}:
            assert "healthcheck" not in service, "the image's own is meant"
        else:
            assert service["healthcheck"]


def test_services_start_after_what_they_need() -> None:
    conditions = {"service_healthy", "service_completed_successfully"}
    for service in SERVICES.values():
        for needed, how in service.get("depends_on", {}).items():
            assert needed in SERVICES
            assert how["condition"] in conditions


def test_ports_are_open_to_this_machine_only() -> None:
    for service in SERVICES.values():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:")


def test_what_is_mounted_is_there() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


def test_our_services_run_with_the_least_rights() -> None:
    for service in OURS.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]


def test_prometheus_asks_each_replica_on_the_port_that_is_set() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    (found,) = config["scrape_configs"][0]["dns_sd_configs"]
    assert set(found["names"]) == {"score", "watch", "notify"}
    for name in found["names"]:
        assert SERVICES[name]["environment"]["NEWSTIDE_METRICS__PORT"] == str(found["port"])
        assert SERVICES[name]["environment"]["NEWSTIDE_METRICS__HOST"] == "0.0.0.0"  # noqa: S104 - in a container


def test_kafka_answers_inside_and_outside_at_the_address_it_tells() -> None:
    kafka = SERVICES["kafka"]["environment"]
    advertised = dict(each.split("://") for each in kafka["KAFKA_ADVERTISED_LISTENERS"].split(","))
    listening = dict(each.split("://") for each in kafka["KAFKA_LISTENERS"].split(","))
    assert advertised["INSIDE"] == OURS["score"]["environment"]["NEWSTIDE_KAFKA__BOOTSTRAP"]
    assert listening["OUTSIDE"] == ":29092"
    assert SERVICES["kafka"]["ports"] == ["127.0.0.1:29092:29092"]
