"""Puts the layers of settings together and keeps where each value came from."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource, TomlConfigSettingsSource

from models.faults import advice, field_of
from stream.errors import UsageError
from stream.logs import mask
from stream.settings.sections import Settings

DEFAULT_FILE = Path("newstide.toml")
"""Read from the working directory where no other file is named."""

_PREFIX = "NEWSTIDE_"
_MASK = "**********"
_SHOWN = 120
_SERVICE_LINK = re.compile(r"_SERVICE_(HOST|PORT(_.+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$")
_Layer = dict[str, tuple[object, str]]
"""What one layer sets: the value and its origin, by name."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and the origin of every value by its name (`kafka.bootstrap`).

    An origin is `default`, the name of the TOML file, `environment NEWSTIDE_…` or `flag`.
    """

    settings: Settings
    origins: Mapping[str, str]

    def rows(self) -> Iterator[tuple[str, object, str]]:
        """Each name, its value as plain data with secrets masked, and its origin."""
        plain = self.settings.model_dump(mode="json")
        plain["releases"]["store"] = self.settings.release_store
        plain["ingest"]["state_dir"] = str(self.settings.ingest_dir)
        for name, origin in self.origins.items():
            section, field = name.split(".")
            yield name, _masked(plain[section][field]), origin


def _masked(value: object) -> object:
    """`value` without the passwords that a URL in it may carry."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [_masked(each) for each in value]
    if isinstance(value, dict):
        return {name: _masked(each) for name, each in value.items()}
    return value


def load_settings(config: Path | None = None, overrides: Mapping[str, str] | None = None) -> Loaded:
    """Merge defaults, the TOML file, the environment and `overrides` (`section.field` to its text).

    Raises:
        UsageError: if a name is unknown or a value wrong; the text names it, its origin and the fix.
    """
    names = {f"{section}.{field}" for section, model in _sections() for field in model.model_fields}
    origins = dict.fromkeys(sorted(names, key=_place), "default")
    merged: dict[str, dict[str, object]] = {}
    for layer in (_from_file(config, names), _from_environment(names), _from_flags(overrides or {}, names)):
        for name, (value, origin) in layer.items():
            section, field = name.split(".")
            merged.setdefault(section, {})[field] = value
            origins[name] = origin
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        raise UsageError("\n".join(_explain(one, origins) for one in error.errors())) from error
    return Loaded(settings, origins)


def _sections() -> Iterator[tuple[str, type[BaseModel]]]:
    for section, info in Settings.model_fields.items():
        model = info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield section, model


def _place(name: str) -> tuple[int, int]:
    """Where a name stands in the order that the sections are written in."""
    section, field = name.split(".")
    sections = dict(_sections())
    return list(sections).index(section), list(sections[section].model_fields).index(field)


def _from_file(config: Path | None, names: set[str]) -> _Layer:
    path = config or DEFAULT_FILE
    if not path.is_file():
        if config is None:
            return {}
        what = "it is no file" if path.exists() else "there is no such file"
        raise UsageError(f"--config {config}: {what}: give the path of a TOML file")
    try:
        tables = TomlConfigSettingsSource(Settings, path)()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not TOML: {error}") from error
    layer: _Layer = {}
    for section, table in tables.items():
        if not isinstance(table, Mapping):
            raise UsageError(f"{path}: {section!r} stands outside any table: put it under [section]")
        for field, value in table.items():
            layer[_known(f"{section}.{field}", names, f"{path}")] = (value, str(path))
    return layer


def _from_environment(names: set[str]) -> _Layer:
    for variable, value in os.environ.items():
        # The library reads names in any case, so any case is checked.
        name = variable.upper()
        if name.startswith(_PREFIX) and value and not _is_service_link(name, value):
            _known(name, {_variable(known) for known in names}, "the environment")
    tables = EnvSettingsSource(Settings)()
    return {
        f"{section}.{field}": (value, f"environment {_variable(f'{section}.{field}')}")
        for section, table in tables.items()
        for field, value in table.items()
    }


def _from_flags(overrides: Mapping[str, str], names: set[str]) -> _Layer:
    return {_known(name, names, "a flag"): (value, "flag") for name, value in overrides.items()}


def _variable(name: str) -> str:
    return _PREFIX + name.upper().replace(".", "__")


def _is_service_link(variable: str, value: str) -> bool:
    """Kubernetes sets `NEWSTIDE_PORT=tcp://…` and the like in every pod beside a Service named newstide."""
    return bool(_SERVICE_LINK.search(variable)) or (
        variable.endswith("_PORT") and value.startswith(("tcp://", "udp://", "sctp://"))
    )


def _known(name: str, names: set[str], origin: str) -> str:
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "`newstide config` lists what there is"
    raise UsageError(f"unknown setting {name!r} in {origin}: {hint}")


def _explain(error: ErrorDetails, origins: Mapping[str, str]) -> str:
    """Say one failed check as `name is value (origin): what to give instead`."""
    location = [str(part) for part in error["loc"]]
    value = error["input"]
    if error["type"] == "across_fields":
        context: dict[str, Any] = error["ctx"]
        location.append(context["field"])
        value = value.get(context["field"]) if isinstance(value, Mapping) else value
    name = field_of(location)
    origin = origins.get(".".join(location[:2]), "default")
    shown = _MASK if _is_secret(location) else repr(value)
    if len(shown) > _SHOWN:
        shown = shown[: _SHOWN - 1] + "…"
    return f"{name} is {shown} (from {origin}): {advice(error)}"


def _is_secret(location: list[str]) -> bool:
    model = dict(_sections()).get(location[0])
    field = model.model_fields.get(location[1]) if model is not None and len(location) > 1 else None
    # A list of tables may hold a secret in any of them: such a field says so by having no `repr`.
    return field is not None and (not field.repr or "SecretStr" in str(field.annotation))
