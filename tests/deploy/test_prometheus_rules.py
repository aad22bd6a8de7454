from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_server import program

from stream.metrics import Metrics

FOLDER = Path(__file__).parents[2] / "deploy" / "prometheus"
RULES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"][0]["rules"]
TESTS: list[dict[str, Any]] = yaml.safe_load((FOLDER / "rules_test.yml").read_text())["tests"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "rules.yml"),
        ("test", "rules", "rules_test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_accepts(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [program("promtool"), *arguments], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_is_shown_to_fire() -> None:
    fired = {
        each["alertname"] for test in TESTS for each in test.get("alert_rule_test", ()) if each["exp_alerts"]
    }
    assert fired == {rule["alert"] for rule in RULES}


def test_every_rule_says_what_it_means_and_how_bad_it_is() -> None:
    for rule in RULES:
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}
        assert set(rule["annotations"]) == {"summary", "description"}


def test_rules_ask_only_for_metrics_that_there_are() -> None:
    names = {
        name
        for family in Metrics(CollectorRegistry()).registry.collect()
        for name in (
            family.name,
            *(f"{family.name}_{end}" for end in ("total", "bucket", "sum", "count", "info")),
        )
    }
    asked = {name for rule in RULES for name in re.findall(r"\bnewstide_\w+", rule["expr"])}
    assert asked - names == set()
