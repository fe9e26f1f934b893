"""One case, however it was written, as the flat keys a mapping names."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from adapters.commcare.scope import CASE_TYPE, Scope, shown
from gateway.errors import SenderError

Fields = dict[str, Any]

CASE_NS = "http://commcarehq.org/case/transaction/v2"

MOVED = {
    "case_name": "properties/case_name",
    "case_type": CASE_TYPE,
    "owner_id": "properties/owner_id",
    "external_id": "properties/external_id",
    "date_opened": "properties/date_opened",
    "last_modified": "date_modified",
    "server_last_modified": "server_date_modified",
    "close": "closed",
}
"""What API v2 calls otherwise than v1, or has in another place."""

_ATTRIBUTES = {"@case_id": "case_id", "@date_modified": "date_modified", "@user_id": "user_id"}
_INDEX = {"#text": "case_id", "@case_type": "case_type", "@relationship": "relationship"}
_ACTIONS = ("create", "update")
_NESTED = ("properties", "indices")
FULL = ("child_cases", "parent_cases")
"""Whole cases inside a case of API v1, by the name of the index."""


TIMES = frozenset({"@date_modified", "date_modified", "date_opened", "timeStart", "timeEnd"})
_HOURS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}[+-][0-9]{2}")


def answer(value: Any, key: str = "") -> Any:
    """The value of a key; white space alone is no answer, as an app leaves it in a question.

    Phones write the zone of their own times in hours alone (ISO 8601), which RFC 3339 spells
    with minutes.
    """
    if not isinstance(value, str):
        return value
    if value[-3:-2] in ("-", "+") and key.rsplit("/", 1)[-1] in TIMES and _HOURS.fullmatch(value):
        return f"{value}:00"
    return value if value.strip() else ""


def flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every leaf below a value, by path. Lists are leaves: what repeats is for others to know."""
    if not isinstance(value, dict) or not value:
        yield path, answer("" if value == {} else value, path)
        return
    for key, inner in value.items():
        name = path if key == "#text" else f"{path}/{key}"
        if isinstance(inner, dict):
            yield from flat(inner, name)
        else:
            yield name, answer(inner, key)


def case_fields(case: Mapping[str, Any], scope: Scope, *, at: str) -> Fields:
    """The fields of a case in JSON of either API."""
    found: Fields = {}
    for key, value in case.items():
        if key in FULL and value:
            children = list(value.values()) if isinstance(value, dict) else value
            _full(found, key, children, scope, at=at)
        elif key in _NESTED:
            for path, inner in flat(value, key):
                put(found, path, inner, scope, at=at)
        else:
            put(found, MOVED.get(key, key), answer(value, key), scope, at=at)
    _links(found, scope)
    return found


def _full(found: Fields, key: str, cases: Any, scope: Scope, *, at: str) -> None:
    if not isinstance(cases, list) or not all(isinstance(one, dict) for one in cases):
        raise SenderError("not a list of cases", rule="source.not_repeat", at=f"{at}, {key}")
    children = [case_fields(case, scope, at=f"{at}, {key}[{n}]") for n, case in enumerate(cases, 1)]
    share(found, key, prefixed(children, key), scope)


def block_fields(block: Mapping[str, Any], scope: Scope, *, at: str) -> Fields:
    """The fields of a case block, given as HQ's JSON of it (`@case_id`, `create`, `update`)."""
    found: Fields = {}
    for action in _ACTIONS:
        for path, value in flat(block.get(action), "properties") if block.get(action) else ():
            found[path] = value
    for key, value in block.items():
        if key in _ATTRIBUTES:
            put(found, _ATTRIBUTES[key], answer(value, key), scope, at=at)
        elif key == "index":
            _index(found, value)
        elif key not in (*_ACTIONS, "close", "@xmlns"):
            for path, inner in flat(value, key):
                put(found, path, inner, scope, at=at)
    if "close" in block:
        found["closed"] = True
    elif block.get("create"):
        found["closed"] = False
    _links(found, scope)
    return found


def _index(found: Fields, indices: Any) -> None:
    for name, index in indices.items() if isinstance(indices, dict) else ():
        parts = index if isinstance(index, dict) else {"#text": index}
        if answer(parts.get("#text")):
            # CommCare's case XML 2.0: an index that names no relationship is a child's.
            found[f"indices/{name}/relationship"] = "child"
        for key, value in parts.items():
            inner = _INDEX.get(key, key)
            found[f"indices/{name}/{inner}"] = answer(value)


def put(found: Fields, key: str, value: Any, scope: Scope, *, at: str) -> None:
    """Set a fact. Raises `SenderError` where a mapped one is said twice, and differently."""
    held = found.setdefault(key, value)
    if held is value:
        return
    if held is None or held == "" or held == value:
        found[key] = value
    elif value is not None and value != "" and scope.names(key):
        raise SenderError(
            "one fact stands twice with different values",
            rule="commcare.fact_twice",
            at=f"{at}, {shown(key)}",
        )


def _links(found: Fields, scope: Scope) -> None:
    """The record ids of the cases this one points to, where the mapping asks for them."""
    for key in [key for key in found if key.startswith("indices/") and key.endswith("/case_id")]:
        link = f"{key.removesuffix('case_id')}record_id"
        if found[key] and isinstance(found[key], str) and scope.names(link):
            found[link] = f"{scope.plan.authority}/{found[key]}"


def merge(cases: list[Fields], scope: Scope, *, at: str) -> list[Fields]:
    """Blocks of one case in one form are one change of it."""
    found: dict[str, Fields] = {}
    for number, case in enumerate(cases):
        known = found.setdefault(_text(case, "case_id") or f"\0{number}", case)
        if known is case:
            continue
        if known.get("closed") or case.get("closed"):
            known["closed"] = case["closed"] = True
        for key, value in case.items():
            put(known, key, value, scope, at=at)
    return list(found.values())


def _text(case: Fields, key: str) -> str:
    value = case.get(key)
    return value if isinstance(value, str) else ""


def share(found: Fields, key: str, items: list[Fields], scope: Scope) -> None:
    """Set a repeat of cases: `key`, and `key/<type>` for each type the mapping walks."""
    left = items
    for slot in scope.repeats:
        if slot.startswith(f"{key}/"):
            kind = slot.removeprefix(f"{key}/")
            found[slot] = [one for one in items if one.get(f"{key}/{CASE_TYPE}") == kind]
            left = [one for one in left if one.get(f"{key}/{CASE_TYPE}") != kind]
    # What no line walks stays under its key, and so is listed as left behind.
    if key in scope.repeats:
        found[key] = items
    elif left:
        found[key] = left


def prefixed(cases: list[Fields], key: str) -> list[Fields]:
    """The fields of each case under `key/`, as items of a repeat have them."""
    return [{f"{key}/{name}": value for name, value in case.items()} for case in cases]
