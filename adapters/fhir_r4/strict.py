"""JSON as FHIR allows it, and nothing else.

What no JSON may have, `gateway.source.objects` refuses. Here is what FHIR forbids everywhere:
null members, empty arrays, objects and texts, control characters, resource ids that are not
ids, and a key that stands twice. One habit of senders is allowed: a resource id written as a
JSON number is read as its decimal digits. It is never written so.
"""

import re
from collections.abc import Iterator
from typing import Any

from gateway.errors import SenderError

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
"""A key from outside is only repeated if it looks like one; otherwise it may be a name."""
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")

Path = tuple[str | int, ...]


def check(document: Any, line: str) -> dict[str, Any]:
    """The document, every part of which has passed the rules above. `line` is its place."""
    if not isinstance(document, dict):
        raise SenderError("not a resource", rule="fhir.type", at=line)
    for path, rule, problem in _faults(document, ()):
        at = ", ".join(filter(None, (line, place(document, path))))
        raise SenderError(problem, rule=rule, at=at)
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


Fault = tuple[Path, str, str]


def _faults(value: Any, path: Path) -> Iterator[Fault]:
    if isinstance(value, dict):
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
    for key in getattr(value, "twice", ()):
        yield (*path, key), "json.key_twice", "a key that stands twice"
    if not value:
        yield path, "fhir.empty", "an empty object"
    if "resourceType" in value and "id" in value:
        value["id"] = _id(value["id"])
        yield from _id_faults(value["id"], (*path, "id"))
    for key, item in value.items():
        if item is None:
            yield (*path, key), "fhir.null", "null"
        yield from _faults(item, (*path, key))


def _id(value: Any) -> Any:
    # JSON has no leading zeros, so the digits are exactly what the sender wrote.
    return str(value) if type(value) is int and 0 <= value < 10**64 else value


def _id_faults(value: Any, path: Path) -> Iterator[Fault]:
    if not isinstance(value, str):
        yield path, "fhir.id_type", "a resource id that is not a text"
    elif not _ID.fullmatch(value):
        yield path, "fhir.id", "a resource id that is not an id"
