"""Less: only the fields a decision names, each in the form it names.

An allow-list and nothing else. A field that the decision does not mention is not looked at,
so a new field of a schema, or of a vendor, cannot leave by accident.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from gateway.errors import GatewayError
from gateway.forms import Transform, Unplaced, pseudonym, ruled, transform, without
from gateway.incoming import Class, Figures, Incoming, Pairs, Seen, Stopped
from gateway.marks import Marks
from gateway.places import Places
from gateway.record import Record, load, structural, validator
from gateway.remembered import Remembered

SMALL = "small_cell"
"""The reason of a figure that policy withholds because it counts too few."""


class Limits(Protocol):
    """What policy sets for the figures and places of a class; 0 is no limit."""

    @property
    def k(self) -> int:
        """A figure about fewer people does not leave."""

    @property
    def min_pop(self) -> int:
        """A place with fewer people leaves as a larger one that holds it."""


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

    @property
    def limits(self) -> Limits:
        """For figures and places."""


OBJECTED = "subject.objected"
"""The rule that keeps such a record back."""


@dataclass(frozen=True, slots=True)
class Minimized:
    """What is left."""

    records: Iterable[Record] = field(repr=False)
    """A list, or where records are not held, something that makes them anew at each walk."""
    count: int
    held_back: Counter[str]
    """Rule to the number of records that stay because of it."""
    released: Mapping[str, str]
    """`person.name` to the form it leaves in, for every field that some record carries. Where
    records of two classes are decided differently, both forms stand (`keep+year`)."""
    withheld: Mapping[str, str]
    """`person.photo_url` to the reason, for every field that some record has and none carries."""
    owned: Callable[[], Iterator[tuple[str, Record]]] = field(repr=False)
    """The records, each with the id it has at its source."""


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    head: tuple[str, ...]
    steps: tuple[tuple[str, str, Transform | None], ...]
    """Source field, target field, transform."""
    nulls: Mapping[str, str]
    forms: Mapping[str, tuple[str, str]]
    small: tuple[str, ...]
    """Figures that policy found too small."""
    places: bool
    """Whether a transform of it may find that a place cannot be generalised."""


Plans = Mapping[Class, _Plan | None]


def minimize(
    incoming: Incoming,
    rulings: Mapping[Class, Ruling],
    *,
    key: bytes,
    places: Places,
    today: str,
    remembered: Remembered | None = None,
    figures: Figures | None = None,
    seen: Seen | None = None,
    stopped: Stopped | None = None,
) -> Minimized:
    """The records that may leave, with only what may leave of them.

    A record whose class has no ruling is a `GatewayError`: what was not decided does not
    leave. References to records that stay behind are taken out, or they would say that these
    exist. What is made of a ruling is `remembered` by that very ruling, for callers that hand
    in the same one again. Of records that are not held, none is made before it is walked to.
    `figures` is needed where a class has a limit `k`: it sees what is left of every record, and
    takes more out of it. `seen` is told of every record once. A record that is `stopped` stays.
    """
    known = remembered or Remembered()
    plans: dict[Class, _Plan | None] = {}
    for one, ruling in rulings.items():
        make = partial(_plan, one[0], ruling, key=key, places=places, today=today)
        plans[one] = known.of("plan", (ruling, key, today), make) if ruling.allows else None
    survey = _Survey(plans, rulings, key, set() if incoming.held else Marks(), stopped)
    records: Iterable[Record]
    owned: Callable[[], Iterator[tuple[str, Record]]]
    if incoming.held:
        kept = list(survey.walk(incoming, figures, seen))
        if survey.stayed:
            kept = [without(record, survey.gone) for record in kept]
        if figures is not None:
            figures.settle()
            kept = [figures.less(number, record) for number, record in enumerate(kept)]
        _check(kept)
        records, owned = kept, partial(zip, survey.ids, kept, strict=True)
    else:
        placed = any(plan is None or plan.places for plan in plans.values())
        if figures or seen or stopped or placed:
            for _ in survey.walk(incoming, figures, seen):
                pass
        if figures is not None:
            figures.settle()
        records = _Anew(incoming, plans, survey.gone if survey.stayed else None, figures, stopped)
        owned = records.owned
    present = incoming.present
    met = tuple((one, plan, frozenset(present[one])) for one, plan in plans.items())
    told = known.of("account", met, lambda: _account(plans, present))
    return Minimized(records, incoming.count - survey.stayed, survey.held_back, *told, owned)


class _Survey:
    """One walk: what of each record is left, and which records stay behind."""

    def __init__(
        self,
        plans: Plans,
        rulings: Mapping[Class, Ruling],
        key: bytes,
        gone: "set[str] | Marks",
        stopped: Stopped | None,
    ) -> None:
        self._plans, self._rulings, self._key, self._stopped = plans, rulings, key, stopped
        self.gone = gone
        """Ids and pseudonyms of the records that stay."""
        self.stayed = 0
        self.held_back: Counter[str] = Counter()
        self.ids: list[str] = []
        """Of the records that leave, where they are held."""

    def walk(self, pairs: Pairs, figures: Figures | None, seen: Seen | None) -> Iterator[Record]:
        """What is left of each record that leaves, references not yet taken out."""
        for record, one in pairs:
            plan = _decided(self._plans, one)
            if plan is None:
                self.held_back.update(self._rulings[one].rules)
                self._stays(record)
                continue
            if self._stopped is not None and self._stopped(record):
                self.held_back[OBJECTED] += 1
                self._stays(record)
                continue
            try:
                less = _apply(plan, record)
            except Unplaced:
                self.held_back["minimize.place_unknown"] += 1
                self._stays(record)
                continue
            if figures is not None:
                figures.see(less, {n: record[n] for n in plan.small if n in record})
            if seen is not None:
                seen(record, less)
            if isinstance(self.gone, set):
                self.ids.append(record["record_id"])
            yield less

    def _stays(self, record: Record) -> None:
        self.stayed += 1
        self.gone.add(record["record_id"])
        self.gone.add(pseudonym(self._key, record["record_id"]))


class _Anew:
    """Minimized records, made again at each walk."""

    def __init__(
        self,
        pairs: Pairs,
        plans: Plans,
        gone: Container[str] | None,
        figures: Figures | None,
        stopped: Stopped | None,
    ) -> None:
        self._pairs, self._plans, self._gone, self._figures = pairs, plans, gone, figures
        self._stopped = stopped

    def __iter__(self) -> Iterator[Record]:
        return (less for _, less in self.owned())

    def owned(self) -> Iterator[tuple[str, Record]]:
        """Each record with the id it has at its source."""
        number = -1
        for record, one in self._pairs:
            plan = _decided(self._plans, one)
            if plan is None or (self._stopped is not None and self._stopped(record)):
                continue
            try:
                less = _apply(plan, record)
            except Unplaced:
                continue
            if self._gone is not None:
                less = without(less, self._gone)
            number += 1
            if self._figures is not None:
                less = self._figures.less(number, less)
            _check((less,))
            yield record["record_id"], less


def _decided(plans: Plans, one: Class) -> _Plan | None:
    if one not in plans:
        raise GatewayError("a record that nobody decided about", rule="minimize.undecided")
    return plans[one]


def _plan(record_type: str, ruling: Ruling, *, key: bytes, places: Places, today: str) -> _Plan:
    properties = load(record_type)["properties"]
    min_pop = ruling.limits.min_pop
    steps: list[tuple[str, str, Transform | None]] = []
    nulls: dict[str, str] = {}
    forms = {name: ruled(record_type, name, how, min_pop) for name, how in ruling.forms.items()}
    for name, (form, reason) in forms.items():
        if form == "drop":
            continue
        if form == "null":
            nulls[name] = reason
            continue
        into = properties[name].get("x-band-into", name) if form == "age_band" else name
        how = transform(
            record_type, name, form, key=key, places=places, today=today, min_pop=min_pop
        )
        steps.append((name, into, how))
    if nulls.keys() & {"record_id"} or not any(name == "record_id" for name, _, _ in steps):
        raise GatewayError("a record without its id", rule="minimize.no_record_id")
    # A value made for another field comes last: of an exact age and a band, the band leaves.
    steps.sort(key=lambda step: step[0] != step[1])
    head = tuple(name for name in structural(record_type) if name not in _REASONS)
    small = tuple(name for name, how in forms.items() if how[1] == SMALL)
    placed = any(properties[name]["x-family"] == "place" and how for name, _, how in steps)
    return _Plan(head, tuple(steps), nulls, forms, small, placed)


_REASONS = ("withheld", "absent")
"""Structural fields that say of other fields why they have no value."""


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
    if "absent" in record:
        # Why a field has no value leaves where the field might have left, and nowhere else.
        may = {name for name, into, _ in plan.steps if into == name}
        if reasons := {n: reason for n, reason in record["absent"].items() if n in may}:
            out["absent"] = reasons
    return out


def _check(records: Iterable[Record]) -> None:
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
