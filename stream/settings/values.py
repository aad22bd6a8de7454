"""What the sections share: their base, the kinds of values, and how text becomes one of them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

LAST_PORT = 65_535


def wrong(field: str, message: str) -> PydanticCustomError:
    """A check across fields failed; `field` is the one to name, with its value and origin, to the user."""
    return PydanticCustomError("across_fields", "{message}", {"field": field, "message": message})


def from_text(value: object) -> object:
    """Read a list given as text, by the environment or a flag: a JSON array, or values between commas."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return json.loads(value)
    return [part.strip() for part in value.split(",") if part.strip()]


def pairs_from_text(value: object) -> object:
    """Read pairs given as text, by the environment or a flag: `a=b` between commas, or a table of JSON or TOML."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("{"):
        return _table(value)
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    if not all(sign for _, sign, _ in pairs):
        raise ValueError("give pairs such as zh=chinese, with commas between them")
    return {name.strip(): meant.strip() for name, _, meant in pairs}


def _table(told: str) -> object:
    """A table as JSON writes it, or TOML on one line."""
    try:
        return json.loads(told)
    except ValueError:
        pass
    try:
        return tomllib.loads(f"table = {told.strip()}")["table"]
    except tomllib.TOMLDecodeError as error:
        raise ValueError("give pairs such as zh=chinese, with commas between them") from error


def existing_file(path: Path) -> Path:
    """Check that `path` is a file; what is in it, its reader checks."""
    if not path.is_file():
        raise ValueError("there is no such file: give the path of an existing one")
    return path


def upper(value: object) -> object:
    """Text in upper case, so that nobody has to remember the case of a name."""
    return value.upper() if isinstance(value, str) else value


def lower(value: object) -> object:
    """Text in lower case, so that nobody has to remember the case of a name."""
    return value.lower() if isinstance(value, str) else value


ExistingFile = Annotated[Path, AfterValidator(existing_file)]
Port = Annotated[int, Field(ge=0, le=LAST_PORT)]
Name = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9._-]+$")]
Paths = Annotated[tuple[ExistingFile, ...], NoDecode, BeforeValidator(from_text)]


class Section(BaseModel):
    """What all sections share: no unknown field, no change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True)
