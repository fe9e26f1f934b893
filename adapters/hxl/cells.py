"""Values to cells and back. What a spreadsheet must not run is `gateway.source`'s business."""

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn

from gateway.source.tables import Cell

_INTEGER = re.compile(r"-?[0-9]{1,16}")
_NUMBER = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,3})?")
_REASON = re.compile(r"([a-z][a-z0-9_]*):([a-z_]+)")


def cell(value: Any, kind: str) -> Cell:
    """The cell for a value: a number for a number, else a text."""
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "reasons":
        return " ".join(f"{field}:{reason}" for field, reason in value.items())
    if kind == "geometry":
        return json.dumps(value, separators=(",", ":"))
    return value  # type: ignore[no-any-return]


def value(cell: Any, kind: str) -> Any:
    """The value of a cell. Raises `ValueError` (which says nothing) if it is none of its kind."""
    if not isinstance(cell, str):
        return _typed(cell, kind)
    if kind == "text":
        return cell
    if kind == "reasons":
        return _reasons(cell)
    if kind == "geometry":
        return _geometry(cell)
    if kind == "boolean" and cell in {"true", "false"}:
        return cell == "true"
    if kind == "integer" and _INTEGER.fullmatch(cell):
        return int(cell)
    if kind == "number" and _NUMBER.fullmatch(cell):
        return _finite(int(cell) if cell.lstrip("-").isdigit() else float(cell))
    raise ValueError


def _typed(cell: Any, kind: str) -> Any:
    # A number where a text is due may have lost leading zeros already.
    if kind == "boolean" and isinstance(cell, bool):
        return cell
    if isinstance(cell, bool) or not isinstance(cell, int | Decimal):
        raise ValueError  # noqa: TRY004 - callers know one error
    if kind == "integer" and isinstance(cell, int):
        return value(str(cell), kind)
    if kind == "number":
        return cell if isinstance(cell, int) and abs(cell) < 1 << 53 else _finite(float(cell))
    raise ValueError


def _finite(number: float) -> int | float:
    if not math.isfinite(number):
        raise ValueError
    return number


def _reasons(text: str) -> Mapping[str, str]:
    matches = [_REASON.fullmatch(part) for part in text.split(" ")]
    found = {match[1]: match[2] for match in matches if match}
    if len(found) < len(matches):
        raise ValueError
    return found


def _geometry(text: str) -> Any:
    try:
        found = json.loads(text, parse_float=_exact, parse_constant=_refuse)
    except RecursionError:
        raise ValueError from None
    if not isinstance(found, dict) or found.keys() != {"type", "coordinates"}:
        raise ValueError
    return found


def _exact(text: str) -> float:
    return _finite(float(text))


def _refuse(text: str) -> NoReturn:
    raise ValueError
