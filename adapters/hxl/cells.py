"""Values to cells and back.

A spreadsheet runs a text that begins like a formula. Such a text gets an apostrophe in front,
and so does one that already has apostrophes there, so that exactly one can be taken off again.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")
_INTEGER = re.compile(r"-?[0-9]{1,15}")
_NUMBER = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,3})?")
_WITHHELD = re.compile(r"([a-z][a-z0-9_]*):([a-z_]+)")


def cell(value: Any, kind: str) -> str:
    """The cell for a value."""
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "withheld":
        return " ".join(f"{field}:{reason}" for field, reason in value.items())
    if kind != "text":
        return repr(value)
    return f"'{value}" if _FORMULA.match(value) else str(value)


def value(text: str, kind: str) -> Any:
    """The value of a cell. Raises `ValueError` (which says nothing) if it is none of its kind."""
    if kind == "text":
        return text[1:] if _GUARDED.match(text) else text
    if kind == "withheld":
        return _withheld(text)
    if kind == "boolean" and text in {"true", "false"}:
        return text == "true"
    if kind == "integer" and _INTEGER.fullmatch(text):
        return int(text)
    if kind == "number" and _NUMBER.fullmatch(text):
        return _number(text)
    raise ValueError


def _number(text: str) -> int | float:
    number = int(text) if text.lstrip("-").isdigit() else float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _withheld(text: str) -> Mapping[str, str]:
    matches = [_WITHHELD.fullmatch(part) for part in text.split(" ")]
    found = {match[1]: match[2] for match in matches if match}
    if len(found) < len(matches):
        raise ValueError
    return found
