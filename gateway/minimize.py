"""Less: only the fields a decision names, each in the form it names.

An allow-list and nothing else. A field that the decision does not mention is not looked at,
so a new field of a schema, or of a vendor, cannot leave by accident.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from gateway.errors import GatewayError
from gateway.forms import Transform, Unplaced, pseudonym, transform
from gateway.places import Places
from gateway.record import Record, load, resolve, structural, validator
from gateway.remembered import Remembered

Facts = tuple[Any, ...]
Class = tuple[str, Facts]
"""A record type and the facts of a record: records of one class are decided alike."""


class Ruling(Protocol):
    """What a decision says of one class. `gateway.policy` makes them."""

    @property
    def allows(self) -> bool:
        """Whether records of this class may leave at all."""

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that object."""

    @property
    def forms(self) -> Mapping[str, tuple[str, str]]:
        """Field to its form and the reason for a form other than `keep`."""


@dataclass(frozen=True, slots=True)
class Minimized:
    """What is left."""

    records: list[Record] = field(repr=False)
    held_back: Counter[str]
    """Rule to the number of records that stay because of it."""
    released: Mapping[str, str]
    """`person.name` to the form it leaves in, for every field that some record carries. Where
    records of two classes are decided differently, both forms stand (`keep+year`)."""
    withheld: Mapping[str, str]
    """`person.photo_url` to the reason, for every field that some record has and none carries."""


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    head: tuple[str, ...]
    steps: tuple[tuple[str, str, Transform | None], ...]
    """Source field, target field, transform."""
    nulls: Mapping[str, str]
    forms: Mapping[str, tuple[str, str]]


def minimize(
    records: Sequence[Record],
    classes: Sequence[Class],
    rulings: Mapping[Class, Ruling],
    *,
    key: bytes,
    places: Places,
    today: str,
    remembered: Remembered | None = None,
) -> Minimized:
    """The records that may leave, with only what may leave of them.

    `classes` says which class each record belongs to. A record whose class has no ruling is a
    `GatewayError`: what was not decided does not leave. References to records that stay behind
    are taken out, or they would say that these exist. What is made of a ruling is
    `remembered` by that very ruling, for callers that hand in the same one again.
    """
    known = remembered or Remembered()
    plans: dict[Class, _Plan | None] = {}
    for one, ruling in rulings.items():
        make = partial(_plan, one[0], ruling, key=key, places=places, today=today)
        plans[one] = known.of("plan", (ruling, key, today), make) if ruling.allows else None
    kept: list[Record] = []
    stayed: set[str] = set()
    held_back: Counter[str] = Counter()
    present: dict[Class, set[str]] = {one: set() for one in rulings}
    for record, one in zip(records, classes, strict=True):
        if one not in plans:
            raise GatewayError("a record that nobody decided about", rule="minimize.undecided")
        present[one].update(record)
        plan = plans[one]
        if plan is None:
            held_back.update(rulings[one].rules)
            stayed.add(record["record_id"])
            continue
        try:
            kept.append(_apply(plan, record))
        except Unplaced:
            held_back["minimize.place_unknown"] += 1
            stayed.add(record["record_id"])
    if stayed:
        gone = stayed | {pseudonym(key, one) for one in stayed}
        kept = [_without(record, gone) for record in kept]
    _check(kept)
    met = tuple((one, plan, frozenset(present[one])) for one, plan in plans.items())
    return Minimized(kept, held_back, *known.of("account", met, lambda: _account(plans, present)))


def _plan(record_type: str, ruling: Ruling, *, key: bytes, places: Places, today: str) -> _Plan:
    properties = load(record_type)["properties"]
    steps: list[tuple[str, str, Transform | None]] = []
    nulls: dict[str, str] = {}
    for name, (form, reason) in ruling.forms.items():
        if form == "drop":
            continue
        if form == "null":
            nulls[name] = reason
            continue
        into = properties[name].get("x-band-into", name) if form == "age_band" else name
        how = transform(record_type, name, form, key=key, places=places, today=today)
        steps.append((name, into, how))
    if nulls.keys() & {"record_id"} or not any(name == "record_id" for name, _, _ in steps):
        raise GatewayError("a record without its id", rule="minimize.no_record_id")
    # A value made for another field comes last: of an exact age and a band, the band leaves.
    steps.sort(key=lambda step: step[0] != step[1])
    head = tuple(name for name in structural(record_type) if name != "withheld")
    return _Plan(head, tuple(steps), nulls, ruling.forms)


def _apply(plan: _Plan, record: Record) -> Record:
    out: Record = {name: record[name] for name in plan.head if name in record}
    for name, into, how in plan.steps:
        value = record.get(name)
        if value is None:
            continue
        if how is None:
            out[into] = value
        elif (less := how(value)) not in (None, {}, []):
            out[into] = less
    if plan.nulls:
        marks = {n: reason for n, reason in plan.nulls.items() if n in record and n not in out}
        if marks:
            out["withheld"] = marks
    return out


def _without(record: Record, gone: set[str]) -> Record:
    return {
        name: less
        for name, value in record.items()
        if (less := _prune(value, resolve(load(record["record_type"])["properties"][name]), gone))
        is not None
    }


def _prune(value: Any, spec: Mapping[str, Any], gone: set[str]) -> Any:
    """`value` without references to `gone`; None where nothing is left of it."""
    if spec.get("x-ref"):
        return None if value in gone else value
    if spec.get("type") == "array":
        inner = resolve(spec["items"])
        refs = {name for name, part in inner.get("properties", {}).items() if part.get("x-ref")}
        if refs:
            kept = [item for item in value if not any(item.get(name) in gone for name in refs)]
            return kept or None
    return value


def _check(records: Sequence[Record]) -> None:
    for record in records:
        if not _valid(record["record_type"])(record):
            raise GatewayError(
                "a minimized record broke its schema",
                rule="minimize.schema",
                at=record["record_type"],
            )


def _valid(record_type: str) -> Callable[[Any], bool]:
    return validator(record_type).is_valid


def _account(
    plans: Mapping[Class, _Plan | None], present: Mapping[Class, set[str]]
) -> tuple[dict[str, str], dict[str, str]]:
    released: dict[str, str] = {}
    withheld: dict[str, str] = {}
    for (record_type, facts), plan in plans.items():
        head = structural(record_type)
        for name in sorted(present[record_type, facts] - set(head)):
            if plan is None:
                form, reason = "drop", "objection"
            else:
                form, reason = plan.forms.get(name, ("drop", "agreement"))
            path = f"{record_type}.{name}"
            if form in ("drop", "null"):
                withheld.setdefault(path, reason)
            else:
                forms = {*released.get(path, form).split("+"), form}
                released[path] = "+".join(sorted(forms))
    for path in released:
        withheld.pop(path, None)
    return released, withheld
