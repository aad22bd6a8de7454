"""The published JSON Schemas of the records, and what may change in them.

A record stays in a topic for days or years, and readers are upgraded at different times. So within a major
version a contract may only gain optional fields: a field that goes, changes its type, bounds or values, or
becomes required or optional, breaks a reader or a record that exists.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from stream.events import CONTRACTS

_WORDS_ONLY = frozenset({"description", "title", "examples"})
_MISSING = object()


def make_schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of each contract, as it is written, by its name."""
    return {contract.__name__: contract.model_json_schema(mode="serialization") for contract in CONTRACTS}


def write_schemas(folder: Path) -> list[Path]:
    """Write each schema to `folder/<name>.json`; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, schema in make_schemas().items():
        path = folder / f"{name}.json"
        path.write_text(
            json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        written.append(path)
    return written


def read_schemas() -> dict[str, dict[str, Any]]:
    """The published schemas, from the package."""
    found = files("stream").joinpath("schemas").iterdir()
    return {
        Path(each.name).stem: json.loads(each.read_text(encoding="utf-8"))
        for each in found
        if each.name.endswith(".json")
    }


def breaking_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What in `new` an existing reader or record could not live with, one sentence each; empty where nothing."""
    return list(_broken(_resolved(old, old), _resolved(new, new), "record"))


def _resolved(schema: Any, root: Mapping[str, Any]) -> Any:
    """`schema` with its references followed and its words left out: only what decides remains."""
    if isinstance(schema, list):
        return [_resolved(each, root) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:
        return _resolved(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    kept = {key: value for key, value in schema.items() if key not in _WORDS_ONLY | {"$defs"}}
    if "properties" in schema:
        # A field may be called `title` or `description`: names of fields are never words only.
        kept["properties"] = {name: _resolved(each, root) for name, each in schema["properties"].items()}
    return {key: value if key == "properties" else _resolved(value, root) for key, value in kept.items()}


def _broken(old: Any, new: Any, where: str) -> Iterator[str]:
    if not isinstance(old, dict) or not isinstance(new, dict):
        if old != new:
            yield f"{where} changed from {json.dumps(old)} to {json.dumps(new)}"
        return
    had, has = set(old.get("required", ())), set(new.get("required", ()))
    fields = old.get("properties", {})
    for name in sorted(has - set(fields)):
        yield f"{where}.{name} is new and required: records that exist do not have it"
    for name, field in fields.items():
        if name not in new.get("properties", {}):
            yield f"{where}.{name} is gone: a reader may need it"
            continue
        if (name in had) != (name in has):
            yield f"{where}.{name} was {'required' if name in had else 'optional'} and is not any more"
        yield from _broken(field, new["properties"][name], f"{where}.{name}")
    for key in sorted((set(old) | set(new)) - {"required", "properties"}):
        yield from _broken_word(key, old.get(key, _MISSING), new.get(key, _MISSING), where)


def _broken_word(key: str, before: Any, after: Any, where: str) -> Iterator[str]:
    """What changed in one of a schema's other words: its type, a bound, its alternatives."""
    if before is _MISSING or after is _MISSING:
        yield f"{where} {'gained' if before is _MISSING else 'lost'} `{key}`"
    elif isinstance(before, dict):
        yield from _broken(before, after, f"{where}[{key}]")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _broken(one, other, f"{where}.{key}[{number}]")
    elif before != after:
        yield f"{where} `{key}` changed from {json.dumps(before)} to {json.dumps(after)}"
