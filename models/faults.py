"""What pydantic finds wrong with a setting, in the words of those who set it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_core import ErrorDetails

_WANTED = {
    "float": "a number",
    "int": "a whole number",
    "bool": "true or false",
    "string": "a text",
    "dict": "a table",
    "model": "a table",
    "model_attributes": "a table",
    "tuple": "a list",
    "list": "a list",
    "path": "a path",
}
"""By the kind of value that was looked for."""

_NAME = "use only letters, digits and . _ -"
_SHAPES = {
    r"^[A-Za-z0-9._-]+$": _NAME,
    r"^[A-Za-z0-9._-]*$": _NAME,
    r"^[a-z]{2,3}$": "give two or three letters, such as en",
    r"^[A-Za-z0-9._+-]+(@[A-Za-z0-9._+-]+)?$": "give a name or NAME@VERSION, of letters, digits and . _ + -",
}
"""What a pattern asks for."""


def field_of(location: Sequence[str | int]) -> str:
    """The name of a setting, with dots, without what only says by which of several forms it was read."""
    parts = [str(part) for part in location]
    return ".".join(part for part in parts if not any(mark in part for mark in "[("))


def advice(error: ErrorDetails) -> str:
    """What the value should have been."""
    kind, _, how = error["type"].rpartition("_")
    if how in ("parsing", "type") and kind in _WANTED:
        return f"give {_WANTED[kind]}"
    if error["type"] == "int_parsing_size":
        return "give a smaller number"
    if error["type"] == "int_from_float":
        return "give a whole number"
    if error["type"] == "string_pattern_mismatch":
        pattern = error["ctx"]["pattern"]
        return _SHAPES.get(pattern, f"it should look like {pattern}")
    message: str = error["msg"].removeprefix("Value error, ")
    return message.replace("Input should be", "it should be").replace("a valid tuple", "a list")
