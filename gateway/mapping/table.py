"""Reading a mapping document into nodes, and checking it against the canonical schemas."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from gateway.canonical import canonical, digest
from gateway.document import check_document, read_document
from gateway.errors import OfficerError
from gateway.mapping.convert import build
from gateway.mapping.nodes import (
    Constant,
    Each,
    Listed,
    Made,
    Member,
    Node,
    Object,
    Plan,
    Source,
    Value,
    When,
)
from gateway.record import RECORD_TYPES, SCHEMAS, leaves


def read_mapping(path: Path) -> Plan:
    """The plan of a mapping file. Raises `OfficerError` with file and place."""
    return plan_of(read_document(path, "mapping"), at=path.name)


def plan_of(document: Any, *, at: str) -> Plan:
    """The plan of a mapping document."""
    document = check_document(document, "mapping", at=at)
    made = tuple(_made(item, at=f"{at}, records/{n}") for n, item in enumerate(document["records"]))
    if made[0].each or not made[0].ids:
        raise OfficerError(
            "the first record needs an id and no `each`", rule="mapping.no_root", at=at
        )
    if any(not other.each or other.ids for other in made[1:]):
        raise OfficerError(
            "every record after the first needs `each`, and no id", rule="mapping.no_each", at=at
        )
    if len({one.record_type for one in made}) != len(made):
        raise OfficerError("a record type stands twice", rule="mapping.type_twice", at=at)
    for n, spec in enumerate(document["records"]):
        _check_members(spec["fields"], spec.get("each"), made, at=f"{at}, records/{n}/fields")
    return Plan(
        id=document["mapping"],
        version=document["version"],
        format=document["format"],
        authority=document["authority"],
        digest=digest(canonical(document)),
        made=made,
        title=document.get("title", ""),
        document=document,
    )


def _made(spec: Mapping[str, Any], *, at: str) -> Made:
    record_type = spec["type"]
    if record_type not in RECORD_TYPES:
        raise OfficerError("no such record type", rule="mapping.record_type", at=f"{at}/type")
    tree: dict[str, Any] = {}
    for key, value in spec["fields"].items():
        place = f"{at}/fields/{key}"
        _check_shape(key, value, at=place)
        for leaf in _targets(key, value):
            if leaf not in leaves(record_type):
                raise OfficerError("no such canonical field", rule="mapping.no_field", at=place)
        _plant(tree, key.removesuffix("[]").split("."), _node(key, value, at=place), at=place)
    ids = spec.get("id", {"first": []})
    return Made(
        record_type=record_type,
        each=_source(spec["each"]) if "each" in spec else None,
        body=_object(tree),
        ids=tuple(_source(path) for path in ids["first"]),
        without=ids.get("without", ""),
    )


def _targets(key: str, value: Any) -> list[str]:
    """Names of the canonical leaves that one line of the table fills."""
    if not key.endswith("[]"):
        return [key] if not _is_many(value) else [f"{key}[]"]
    items = value if isinstance(value, list) else [value]
    names: list[str] = []
    for item in items:
        inner = item.get("fields") if isinstance(item, dict) else None
        names += [f"{key}.{name}" for name in inner] if inner is not None else [key]
    return names


def _check_shape(key: str, value: Any, *, at: str) -> None:
    """A list of lines, or one object for each item, fills a field that is a list; else nothing."""
    rows = isinstance(value, list) or (isinstance(value, dict) and "fields" in value)
    if rows != key.endswith("[]") and not _is_many(value):
        raise OfficerError("a list needs [], and [] a list", rule="mapping.shape", at=at)
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict) and "fields" in item and item["needs"] not in item["fields"]:
            raise OfficerError("needs a line that is not there", rule="mapping.needs", at=at)


def _check_members(value: Any, each: str | None, made: Sequence[Made], *, at: str) -> None:
    """A member is a record that this table makes of the items of the repeat it stands in."""
    if isinstance(value, list):
        for item in value:
            _check_members(item, each, made, at=at)
    elif isinstance(value, dict) and isinstance(value.get("member"), str):
        slot = value.get("each", each)
        wanted = (value["member"], _source(slot) if slot else None)
        if wanted not in [(one.record_type, one.each) for one in made if one.each]:
            raise OfficerError("no such member", rule="mapping.no_member", at=at)
    elif isinstance(value, dict):
        inner = value.get("each", each)
        for name, item in value.items():
            if isinstance(item, dict | list):
                _check_members(
                    item, inner if isinstance(inner, str) else each, made, at=f"{at}/{name}"
                )


def _is_many(value: Any) -> bool:
    return isinstance(value, dict) and value.get("as") in ("list", "codes")


def _plant(tree: dict[str, Any], path: Sequence[str], node: Node, *, at: str) -> None:
    for step in path[:-1]:
        tree = tree.setdefault(step, {})
        if not isinstance(tree, dict):
            raise OfficerError("a field is both a value and an object", rule="mapping.twice", at=at)
    if path[-1] in tree:
        raise OfficerError("a canonical field stands twice", rule="mapping.twice", at=at)
    tree[path[-1]] = node


def _object(tree: Mapping[str, Any]) -> Object:
    return Object({k: _object(v) if isinstance(v, dict) else v for k, v in tree.items()})


def _node(key: str, value: Any, *, at: str) -> Node:
    if isinstance(value, list):
        return Listed(tuple(_node(f"{key}.{n}", item, at=at) for n, item in enumerate(value)))
    if isinstance(value, str):
        return Value((_source(value),), build({}))
    when = _when(value.get("when"))
    if "constant" in value:
        return Constant(value["constant"], when)
    if "member" in value:
        return Member(_source(value["each"]) if "each" in value else None, when)
    if "fields" in value:
        inner = Object(
            {name: _node(name, item, at=f"{at}/{name}") for name, item in value["fields"].items()},
            value.get("needs"),
        )
        return Each(_source(value["each"]), inner) if "each" in value else inner
    paths = value["from"] if isinstance(value["from"], list) else [value["from"]]
    _check_codes(value, at=at)
    return Value(
        tuple(_source(path) for path in paths), build(value), tuple(value.get("missing", ())), when
    )


def _check_codes(spec: Mapping[str, Any], *, at: str) -> None:
    if "list" not in spec:
        return
    known = code_list(spec["list"], at=at)
    targets = {*spec["codes"].values(), spec.get("otherwise")} - {None}
    if not targets <= known:
        raise OfficerError("a target is not in its code list", rule="mapping.code_list", at=at)


@cache
def code_list(name: str, *, at: str = "") -> frozenset[str]:
    """The codes of `schemas/codes/<name>.json`. Raises `OfficerError` where there is none."""
    path = SCHEMAS / "codes" / f"{name}.json"
    if not name.isidentifier() or not path.is_file():
        raise OfficerError("no such code list", rule="mapping.no_code_list", at=at)
    return frozenset(json.loads(path.read_bytes())["codes"])


def _when(spec: Mapping[str, Any] | None) -> When | None:
    return When(_source(spec["from"]), tuple(spec["is"])) if spec else None


def _source(path: str) -> Source:
    return Source(path.removeprefix("../"), path.startswith("../"))
