"""Reading a mapping document into nodes, and checking it against the canonical schemas."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.canonical import canonical, digest
from gateway.document import check_document, parse_yaml, read_document
from gateway.errors import OfficerError
from gateway.mapping.codes import code_table, table_digest
from gateway.mapping.convert import build
from gateway.mapping.fitness import (
    Faults,
    breaches,
    check_codes,
    check_fits,
    check_leaf,
    check_members,
    check_records,
    check_shape,
    is_many,
)
from gateway.mapping.nodes import (
    NOTHING_MISSING,
    Constant,
    Each,
    Listed,
    Made,
    Member,
    Missing,
    Node,
    Object,
    Plan,
    Source,
    Value,
    When,
)
from gateway.record import RECORD_TYPES

NULL = "null"
"""Stands for JSON null among the texts that mean no answer."""


def read_mapping(path: Path) -> Plan:
    """The plan of a mapping file. Raises `OfficerError` with file and place."""
    return plan_of(read_document(path, "mapping"), at=path.name)


def plan_of(document: Any, *, at: str) -> Plan:
    """The plan of a mapping document. Raises `OfficerError` for the first fault in it."""
    document = check_document(document, "mapping", at=at)
    faults: Faults = []
    plan = _plan(document, faults, at=at)
    if document.get("open"):
        faults.append(
            OfficerError(
                "questions are open that a person must settle",
                rule="mapping.open_questions",
                at=f"{at}, open",
            )
        )
    if faults or plan is None:
        raise faults[0]
    return plan


def examined(content: bytes, *, at: str) -> tuple[Any, Plan | None, Faults]:
    """A mapping file's document, its plan where it has one, and every fault that was found.

    Open questions are no fault here: whoever examines a draft wants to see them.
    """
    try:
        document = parse_yaml(content, at=at)
    except OfficerError as fault:
        return None, None, [fault]
    faults = breaches(document, at=at)
    plan = None if faults else _plan(document, faults, at=at)
    return document, None if faults else plan, faults


def _plan(document: Mapping[str, Any], faults: Faults, *, at: str) -> Plan | None:
    """The plan, or None where a fault was added to `faults`."""
    made = []
    for n, spec in enumerate(document["records"]):
        made.append(_made(spec, document["authority"], faults, at=f"{at}, records/{n}"))
    check_records(made, faults, at=at)
    for n, spec in enumerate(document["records"]):
        place = f"{at}, records/{n}/fields"
        check_members(spec["fields"], spec.get("each"), made, faults, at=place)
    if faults:
        return None
    return Plan(
        id=document["mapping"],
        version=document["version"],
        format=document["format"],
        authority=document["authority"],
        digest=_digest(document),
        made=tuple(made),
        title=document.get("title", ""),
        document=document,
        left=frozenset(document.get("left", ())),
    )


def _digest(document: Mapping[str, Any]) -> str:
    """Of the table, and of every vendor's table it names: they decide what is read, too."""
    names = sorted(_tables(document["records"]))
    if not names:
        return digest(canonical(document))
    tables = {name: table_digest(name) for name in names}
    return digest(canonical({"mapping": document, "tables": tables}))


def _tables(value: Any) -> set[str]:
    found: set[str] = set()
    if isinstance(value, dict):
        if isinstance(value.get("table"), str) and "from" in value:
            found.add(value["table"])
        for inner in value.values():
            found |= _tables(inner)
    elif isinstance(value, list):
        for inner in value:
            found |= _tables(inner)
    return found


def _made(spec: Mapping[str, Any], authority: str, faults: Faults, *, at: str) -> Made:
    record_type = spec["type"]
    tree: dict[str, Any] = {}
    if record_type not in RECORD_TYPES:
        fault = OfficerError("no such record type", rule="mapping.record_type", at=f"{at}/type")
        faults.append(fault)
    else:
        reading = _Lines(record_type, authority)
        for key, value in spec["fields"].items():
            try:
                reading.line(tree, key, value, at=f"{at}/fields/{key}")
            except OfficerError as fault:
                faults.append(fault)
    ids = spec.get("id", {"first": []})
    return Made(
        record_type=record_type,
        each=_source(spec["each"]) if "each" in spec else None,
        body=_object(tree),
        ids=tuple(_source(path) for path in ids.get("first", ids.get("all", ()))),
        without=ids.get("without", ""),
        every="all" in ids,
    )


class _Lines:
    """Reads the lines of one record type."""

    def __init__(self, record_type: str, authority: str) -> None:
        self.record_type = record_type
        self.authority = authority

    def line(self, tree: dict[str, Any], key: str, value: Any, *, at: str) -> None:
        """Plant one line of the table. Raises `OfficerError`."""
        check_shape(key, value, at=at)
        for leaf in _targets(key, value):
            check_leaf(self.record_type, leaf, at=at)
        node = self._node(key, value, key.removesuffix("[]"), at=at)
        _plant(tree, key.removesuffix("[]").split("."), node, at=at)

    def _node(self, leaf: str, value: Any, name: str, *, at: str) -> Node:
        """The node of one line. `leaf` is its canonical leaf, `name` its place in the table."""
        if isinstance(value, list):
            return Listed(tuple(self._node(leaf, item, name, at=at) for item in value))
        top = name.split(".")[0]
        if isinstance(value, str):
            value = {"from": value}
        when = _when(value.get("when"))
        if "constant" in value:
            check_fits(self.record_type, leaf, value["constant"], at=at)
            return Constant(value["constant"], when)
        if "member" in value:
            return Member(_source(value["each"]) if "each" in value else None, when)
        if "fields" in value:
            inner = {
                key: self._node(f"{leaf}.{key}", item, top, at=f"{at}/{key}")
                for key, item in value["fields"].items()
            }
            made = Object(inner, value.get("needs"))
            return Each(_source(value["each"]), made) if "each" in value else made
        codes = self._codes(value, at=at)
        converter = build(value, codes, self.authority)
        check_codes(self.record_type, leaf, value, codes, converter, at=at)
        paths = value["from"] if isinstance(value["from"], list) else [value["from"]]
        return Value(
            tuple(_source(path) for path in paths),
            converter,
            _missing(value),
            when,
            top,
            value.get("table") or value.get("list", ""),
        )

    def _codes(self, spec: Mapping[str, Any], *, at: str) -> Mapping[str, Any]:
        if "table" in spec:
            return code_table(spec["table"], at=at)
        found: Mapping[str, Any] = spec.get("codes", {})
        return found


def _targets(key: str, value: Any) -> list[str]:
    """Names of the canonical leaves that one line of the table fills."""
    if not key.endswith("[]"):
        return [key] if not is_many(value) else [f"{key}[]"]
    items = value if isinstance(value, list) else [value]
    names: list[str] = []
    for item in items:
        inner = item.get("fields") if isinstance(item, dict) else None
        names += [f"{key}.{name}" for name in inner] if inner is not None else [key]
    return names


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


def _missing(spec: Mapping[str, Any]) -> Missing:
    said = spec.get("missing")
    if not said:
        return NOTHING_MISSING
    fold = spec.get("fold") == "lower"
    reasons: dict[str | None, str] = {}
    if isinstance(said, dict):
        for text, why in said.items():
            reasons[None if text == NULL else text.lower() if fold else text] = why
    texts = {text.lower() if fold else text for text in said if text != NULL or not reasons}
    return Missing(frozenset(texts - {""}), reasons, fold)


def _when(spec: Mapping[str, Any] | None) -> When | None:
    return When(_source(spec["from"]), tuple(spec["is"])) if spec else None


def _source(path: str) -> Source:
    return Source(path.removeprefix("../"), path.startswith("../"))
