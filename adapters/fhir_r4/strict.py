"""JSON as FHIR allows it, and nothing else.

Python's parser keeps the last of two equal keys, reads NaN, and lets half a character through.
Here each of these is refused, and so are what FHIR forbids everywhere: null members, empty
arrays, objects and texts, control characters, and resource ids that are not ids.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from gateway.errors import SenderError

DEPTH = 64
"""The deepest R4 sample seen is 13 levels; a document may wrap one more Bundle."""
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
"""A key from outside is only repeated if it looks like one; otherwise it may be a name."""
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")

Path = tuple[str | int, ...]


class _Repeated(dict[str, Any]):
    """An object in which some key stood twice. Kept until its place is known."""

    key = ""


def load(content: bytes) -> dict[str, Any]:
    """The document, every part of which has passed the rules above."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise SenderError("not UTF-8", rule="json.encoding") from None
    try:
        document = json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float
        )
    except json.JSONDecodeError as error:
        rule = "json.truncated" if _truncated(text, error) else "json.syntax"
        at = f"line {error.lineno}, column {error.colno}"
        raise SenderError("not JSON", rule=rule, at=at) from None
    except RecursionError:
        raise SenderError("nested too deeply", rule="json.depth") from None
    except ValueError:
        # Python refuses integers of more than 4300 digits.
        raise SenderError("a number out of range", rule="json.number") from None
    if not isinstance(document, dict):
        raise SenderError("not a resource", rule="fhir.type")
    for path, rule, problem in _faults(document, ()):
        raise SenderError(problem, rule=rule, at=place(document, path))
    return document


def place(document: dict[str, Any], path: Path) -> str:
    """A path as people read it: `entry 3, Patient.gender`. Holds no value and no odd key."""
    before, holder = "", document
    if len(path) > 1 and path[0] == "entry" and isinstance(path[1], int):
        before = f"entry {path[1] + 1}, "
        entry = document["entry"][path[1]]
        if path[2:3] == ("resource",) and isinstance(entry["resource"], dict):
            holder, path = entry["resource"], path[3:]
    root = holder.get("resourceType")
    keys = [root if isinstance(root, str) else "?", *(key for key in path if isinstance(key, str))]
    return before + ".".join(shown(key) for key in keys)


def shown(key: str) -> str:
    """A key of the sender, if it is one that may be repeated."""
    return key if IDENTIFIER.fullmatch(key) else "?"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        repeated = _Repeated(found)
        repeated.key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return repeated
    return found


def _constant(name: str) -> NoReturn:
    raise SenderError("a number JSON does not have", rule="json.number")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise SenderError("a number out of range", rule="json.number")
    return value


def _truncated(text: str, error: json.JSONDecodeError) -> bool:
    rest = text[error.pos :].rstrip()
    words = ("true", "false", "null", "-")
    return error.msg.startswith("Unterminated") or any(word.startswith(rest) for word in words)


Fault = tuple[Path, str, str]


def _faults(value: Any, path: Path) -> Iterator[Fault]:
    if len(path) > DEPTH:
        yield path, "json.depth", "nested too deeply"
    elif isinstance(value, dict):
        yield from _object_faults(value, path)
    elif isinstance(value, list):
        if not value:
            yield path, "fhir.empty", "an empty array"
        for number, item in enumerate(value):
            yield from _faults(item, (*path, number))
    elif isinstance(value, str):
        if not value:
            yield path, "fhir.empty", "an empty text"
        elif _FORBIDDEN.search(value):
            yield path, "fhir.string", "a character FHIR does not allow"


def _object_faults(value: dict[str, Any], path: Path) -> Iterator[Fault]:
    if isinstance(value, _Repeated):
        yield (*path, value.key), "json.duplicate_key", "a key that stands twice"
    if not value:
        yield path, "fhir.empty", "an empty object"
    if "resourceType" in value and "id" in value:
        yield from _id_faults(value["id"], (*path, "id"))
    for key, item in value.items():
        if item is None:
            yield (*path, key), "fhir.null", "null"
        yield from _faults(item, (*path, key))


def _id_faults(value: Any, path: Path) -> Iterator[Fault]:
    if not isinstance(value, str):
        yield path, "fhir.id_type", "a resource id that is not a text"
    elif not _ID.fullmatch(value):
        yield path, "fhir.id", "a resource id that is not an id"
