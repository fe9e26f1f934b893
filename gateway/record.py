"""Canonical records: plain JSON objects that follow a schema of `schemas/`.

A record is a `dict` and never a class of ours: a new kind of record is a new schema file.
This module knows what the schemas say (fields, families, facts, references) and nothing of
any field by name.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

from gateway.errors import SenderError
from gateway.faults import Faults

Record = dict[str, Any]
"""One canonical object. Always has `record_type` and `record_id`; everything else may be absent."""

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
BASE = "https://corridor.invalid/schemas/"
"""Schema identifiers are names, not addresses: `.invalid` never resolves (RFC 2606)."""

RECORD_TYPES = (
    "person",
    "household",
    "missing-person",
    "case",
    "assistance",
    "needs",
    "activity",
    "indicator",
    "alert",
    "facility",
)


@dataclass(frozen=True, slots=True)
class Field:
    """What a schema says about one top-level field of a record type."""

    name: str
    family: str
    """Which forms exist for it: `plain`, `date`, `place`, `id`. `structural` is never asked."""
    kinds: tuple[str, ...]
    """`direct` identifier, `quasi`-identifier, `sensitive`, `none`."""
    category: str | None
    """DPV personal data term."""


@dataclass(slots=True)
class Reading:
    """What an adapter tells of a payload while it reads it; complete when it has read it all."""

    lineage: dict[str, str] = field(default_factory=dict)
    """Canonical leaf path (`person.name.full_name`) to the source path it was read from."""
    unmapped: set[str] = field(default_factory=set)
    """Source paths that nothing names. They stay behind; the receipt lists them."""
    repeated: set[str] = field(default_factory=set)
    """Unmapped source keys that occurred twice in one object with different values."""
    faults: Faults | None = None
    """Where records that are not sound are listed, and left out. None: the first one ends it."""

    @property
    def skip(self) -> Callable[[SenderError], None] | None:
        """Told of what cannot be read at all, though the next object can."""
        return None if self.faults is None else self.faults.passed

    def sound(self, read: Callable[[], list[Record]]) -> list[Record]:
        """The records of the next object; none where one of them is not sound and that is listed.

        An object is left out with all its records: a household without a member it names is
        another household.
        """
        faults = self.faults
        if faults is None:
            return read()
        faults.position += 1
        try:
            records = read()
            for record in records:
                check(record, at=f"record {faults.position}")
        except SenderError as error:
            faults.add(error)
            return []
        return records


@dataclass(slots=True)
class Writing:
    """What an adapter tells of records while it writes them; complete when it has written all."""

    lineage: dict[str, str] = field(default_factory=dict)
    """Canonical leaf path to the path it was written to."""
    unrendered: set[str] = field(default_factory=set)
    """Canonical leaf paths that were in the records and that the format cannot carry."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A payload read as a whole."""

    records: list[Record] = field(repr=False)
    lineage: Mapping[str, str]
    unmapped: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rendered:
    """Records written as a whole."""

    content: bytes = field(repr=False)
    media_type: str
    lineage: Mapping[str, str]
    unrendered: tuple[str, ...] = ()


@cache
def load(name: str) -> dict[str, Any]:
    """The schema document `schemas/<name>.json`."""
    return json.loads((SCHEMAS / f"{name}.json").read_bytes())  # type: ignore[no-any-return]


@cache
def validator(name: str) -> jsonschema_rs.Draft202012Validator:
    """The compiled validator of a schema document. Formats are patterns, so none is asserted."""
    parts = load("parts")
    registry = jsonschema_rs.Registry([(parts["$id"], parts)])
    return jsonschema_rs.Draft202012Validator(load(name), registry=registry)


@cache
def fields(record_type: str) -> Mapping[str, Field]:
    """Every top-level field of a record type that policy is asked about, in schema order."""
    return {
        name: Field(name, spec["x-family"], tuple(spec["x-kind"]), spec["x-category"])
        for name, spec in load(record_type)["properties"].items()
        if spec["x-family"] != "structural"
    }


@cache
def structural(record_type: str) -> tuple[str, ...]:
    """Fields that say what the object is and hold nothing about anybody."""
    return tuple(
        name
        for name, spec in load(record_type)["properties"].items()
        if spec["x-family"] == "structural"
    )


def resolve(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema behind a `$ref` into the shared parts, with the keys beside the `$ref` on top."""
    reference = spec.get("$ref")
    if reference is None:
        return spec
    part = load("parts")["$defs"][reference.rsplit("/", 1)[1]]
    return {**resolve(part), **{key: value for key, value in spec.items() if key != "$ref"}}


@dataclass(frozen=True, slots=True)
class Leaf:
    """One place in a record type where a scalar may stand."""

    path: tuple[str, ...]
    """Keys from the record down; `[]` stands for any item of an array."""
    spec: Mapping[str, Any]

    @property
    def name(self) -> str:
        """As lineage writes it: `identifier[].issuer`."""
        return ".".join(self.path).replace(".[]", "[]")


@cache
def leaves(record_type: str) -> Mapping[str, Leaf]:
    """Every leaf of a record type by name. Free objects (`extension`) count as one leaf."""
    found = [
        leaf
        for name, spec in load(record_type)["properties"].items()
        for leaf in _leaves((name,), resolve(spec))
    ]
    return {leaf.name: leaf for leaf in found}


def _leaves(path: tuple[str, ...], spec: Mapping[str, Any]) -> Iterator[Leaf]:
    properties = spec.get("properties")
    if properties and not ({"type", "coordinates"} <= properties.keys()):
        for name, child in properties.items():
            yield from _leaves((*path, name), resolve(child))
    elif spec.get("type") == "array":
        yield from _leaves((*path, "[]"), resolve(spec["items"]))
    else:
        yield Leaf(path, spec)


def walk(record: Mapping[str, Any], path: Sequence[str]) -> Iterator[Any]:
    """Every value a record has at a leaf path."""
    value: Any = record
    for depth, step in enumerate(path):
        if step == "[]":
            for item in value if isinstance(value, list) else ():
                rest = path[depth + 1 :]
                yield from walk({"": item}, ("", *rest)) if rest else iter((item,))
            return
        if not isinstance(value, Mapping) or step not in value:
            return
        value = value[step]
    yield value


def check(record: Record, *, at: str) -> None:
    """Raise `SenderError` with the place and the rule of the first thing the schema forbids.

    The message of a validator quotes the value, so only its path and keyword are used.
    """
    record_type = record.get("record_type")
    if record_type not in RECORD_TYPES:
        raise SenderError("no such record type", rule="schema.record_type", at=at)
    for error in validator(record_type).iter_errors(record):
        place = "/".join(str(step) for step in _named(error.instance_path, record_type))
        raise SenderError(
            "the record breaks its schema",
            rule=f"schema.{error.kind.name}",
            at=f"{at}, {record_type}/{place}" if place else f"{at}, {record_type}",
        ) from None


def _named(path: Sequence[str | int], record_type: str) -> Iterator[str | int]:
    # A key that no schema declares came from the sender and may itself be somebody's name.
    known = {step for leaf in leaves(record_type).values() for step in leaf.path}
    known |= set(load(record_type)["properties"]) | {"type", "coordinates"}
    for step in path:
        yield step if isinstance(step, int) or step in known else "?"


FactReader = Callable[[Any, str], Any]


@cache
def fact_names(record_type: str) -> tuple[str, ...]:
    """Names of the facts a record type declares with `x-fact`, in leaf order."""
    return tuple(spec["name"] for _, spec in _facts(record_type))


def facts(record: Record, today: str) -> tuple[Any, ...]:
    """The values policy may see, in the order of `fact_names`; None where a record has none.

    `today` is a date in UTC, `YYYY-MM-DD`. Nothing else of a record reaches a policy.
    """
    return tuple([read(_at(record, path), today) for path, read in _readers(record["record_type"])])


@cache
def _readers(record_type: str) -> tuple[tuple[tuple[str, ...], "FactReader"], ...]:
    return tuple((path, _READ[how["as"]]) for path, how in _facts(record_type))


def _at(record: Record, path: tuple[str, ...]) -> Any:
    value: Any = record
    for step in path:
        value = value.get(step)
        if value is None:
            return None
    return value


@cache
def _facts(record_type: str) -> tuple[tuple[tuple[str, ...], Mapping[str, str]], ...]:
    # A fact of the items of a list is one of the list.
    return tuple(
        (leaf.path[:-1] if leaf.path[-1] == "[]" else leaf.path, leaf.spec["x-fact"])
        for leaf in leaves(record_type).values()
        if "x-fact" in leaf.spec
    )


def _value(value: Any, today: str) -> Any:
    return value


def _values(value: Any, today: str) -> tuple[Any, ...] | None:
    # Alike however it is written, and a key of a mapping: classes are told apart by it.
    return None if value is None else tuple(sorted(set(value)))


def _past(value: Any, today: str) -> bool | None:
    # A partial date ends with its year or month: `2026` has not passed before 2027.
    return None if value is None else value < today[: len(value)]


ADULT = 18
"""Convention on the Rights of the Child, article 1."""


def _age_class(value: Any, today: str) -> str | None:
    if value is None:
        return None
    years = int(today[:4]) - int(value[:4])
    # Where the month or day is unknown, the younger reading is taken: it protects more.
    if today[5:] < f"{value}-99-99"[5:10]:
        years -= 1
    return "child" if years < ADULT else "adult"


_COUNTS = ((0, "0"), (2, "1-2"), (4, "3-4"), (9, "5-9"), (19, "10-19"))
"""The most a count of each class is. Between them stand the thresholds for small cells."""


def _count_class(value: Any, today: str) -> str | None:
    # A rate or a text with an exponent is no count: policy is told nothing, and must not guess.
    if isinstance(value, str) and value.isdecimal() and value.isascii():
        value = int(value)
    if not isinstance(value, int) or value < 0:
        return None
    return next((name for most, name in _COUNTS if value <= most), "20+")


_READ: Mapping[str, FactReader] = {
    "value": _value,
    "values": _values,
    "past": _past,
    "age_class": _age_class,
    "count_class": _count_class,
}
