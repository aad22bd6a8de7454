"""The published schemas are those of the models, and change only as existing readers and records allow."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from stream.contracts import breaking_changes, make_schemas, read_schemas, write_schemas

RELEASED = Path(__file__).parent / "released"
NEWS: dict[str, Any] = json.loads((RELEASED / "NewsItem.json").read_text())


def test_the_published_schemas_are_those_of_the_models(tmp_path: Path) -> None:
    write_schemas(tmp_path)
    written = {path.stem: json.loads(path.read_text()) for path in tmp_path.iterdir()}
    assert read_schemas() == written, "run `make schemas`"


@pytest.mark.parametrize("path", sorted(RELEASED.glob("*.json")), ids=lambda path: path.stem)
def test_no_contract_breaks_what_was_released(path: Path) -> None:
    assert breaking_changes(json.loads(path.read_text()), make_schemas()[path.stem]) == []


def changed(**how: Any) -> dict[str, Any]:
    schema = copy.deepcopy(NEWS)
    schema.update(how)
    return schema


def with_field(name: str, field: dict[str, Any] | None) -> dict[str, Any]:
    fields = {**NEWS["properties"], name: field}
    return changed(properties={key: value for key, value in fields.items() if value is not None})


def test_an_optional_field_may_come() -> None:
    assert breaking_changes(NEWS, with_field("region", {"type": "string", "default": ""})) == []


def test_words_may_change() -> None:
    assert breaking_changes(NEWS, changed(description="said better")) == []


@pytest.mark.parametrize(
    ("new", "names"),
    [
        (with_field("url", None), "url is gone"),
        (changed(required=[*NEWS["required"], "url"]), "url was optional"),
        (changed(required=[name for name in NEWS["required"] if name != "id"]), "id was required"),
        (with_field("id", {"type": "integer"}), "changed from"),
        (with_field("id", {**NEWS["properties"]["id"], "maxLength": 10}), "`maxLength` changed"),
        (
            changed(
                required=[*NEWS["required"], "region"],
                properties={**NEWS["properties"], "region": {"type": "string"}},
            ),
            "region is new and required",
        ),
        (with_field("status", {**NEWS["properties"]["status"], "enum": ["normal"]}), "`enum` changed"),
        (with_field("headline", {"type": "string"}), "lost"),
        (
            with_field("body", {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None}),
            "changed from",
        ),
    ],
)
def test_what_breaks_a_reader_is_named(new: dict[str, Any], names: str) -> None:
    found = breaking_changes(NEWS, new)
    assert found
    assert any(names in each for each in found), found


def test_a_change_inside_a_nested_record_is_found() -> None:
    scored = json.loads((RELEASED / "ScoredNews.json").read_text())
    other = copy.deepcopy(scored)
    del other["$defs"]["Sentiment"]["properties"]["neutral"]
    assert any("neutral is gone" in each for each in breaking_changes(scored, other))
