"""Enrolments, benefits and payments: a record of assistance for each."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from adapters.leaf_names import NOTHING
from adapters.spdci.fields import (
    BENEFIT,
    BENEFITS,
    ENROLLED,
    ENROLLMENT,
    PAYROLL,
    PROGRAMME,
    PROGRAMMES,
    UNIT,
)
from adapters.spdci.found import Found
from adapters.spdci.naming import joined
from adapters.spdci.persons import Given
from adapters.spdci.values import is_empty, money
from gateway.record import Record

_TYPE = "assistance."
_NUMBERS = "programme_identifier"
_NAME = "programme_name"
_MANY = 100
"""Programmes that stand beside benefits: each benefit names all of them."""


@dataclass(slots=True)
class Assistance:
    """What one beneficiary gets, before it is records."""

    made: list[dict[str, Any]] = field(default_factory=list, repr=False)
    unit: dict[str, str] = field(default_factory=dict, repr=False)
    unit_path: str = ""

    def take(self, found: Found) -> None:
        """Everything an object says of programmes, benefits and payments.

        Benefits that stand inside a programme are of that programme. Benefits beside programmes
        are of all that say no more than which they are.
        """
        for name in UNIT.names:
            self.unit_path = found.place(name) if name in found else self.unit_path
        found.read((UNIT,), None, self.unit)
        base: dict[str, Any] = {}
        plain: list[tuple[dict[str, Any], str]] = []
        for programme in _programmes(found):
            fields = _which(programme)
            made = _benefits(programme, _enrolment(programme))
            if made:
                self.made += [{**fields, **one} for one in made]
            else:
                plain.append((fields, programme.path))
            if _NAME in fields and made:
                found.reading.lineage[f"{_TYPE}{_NAME}"] = f"{programme.path}.{_NAME}"
            programme.left()
        numbers = [one for fields, _ in plain for one in fields.get(_NUMBERS, ())]
        if len(numbers) > _MANY:
            raise found.error("more programmes than anybody is in", "programmes")
        if numbers:
            base[_NUMBERS] = numbers
        names = [(fields[_NAME], path) for fields, path in plain if _NAME in fields]
        if len(plain) == 1 and names:
            found.put(_NAME, names[0][0], f"{_TYPE}{_NAME}", f"{names[0][1]}.{_NAME}", base)
        else:
            found.reading.unmapped.update(f"{path}.{_NAME}" for _, path in names)
        self.made += _benefits(found, {**base, **_enrolment(found)})
        self.made += filter(None, map(_payment, found.inner("payroll")))

    def records(self, who: str | None, own: str | None, given: Given) -> Iterator[Record]:
        """A record of each.

        `own` is the id of the object; several of one object get a count behind it. Without one,
        the ids are the beneficiary's, with the programme and a count over the whole message. What
        was said before, word by word, is not said again.
        """
        said = sha256(repr((who, own, self.unit, self.made)).encode()).digest()
        if said in given.said:
            return
        given.said.add(said)
        head = {} if who is None else {"beneficiary": who}
        for fields in self.made:
            start = f"{own or who}:{joined(fields.get(_NUMBERS, [''])[:1])}"
            given.counts[start] = given.counts.get(start, 0) + 1
            number = f"{start}:{given.counts[start]}"
            record_id = own if own is not None and len(self.made) == 1 else number
            kind = {"record_type": "assistance", "record_id": record_id}
            yield {**kind, **head, **self.unit, **fields}


def _programmes(found: Found) -> Iterator[Found]:
    """Programmes as objects, in a list or alone, with more around them, or as an id."""
    for names in (PROGRAMMES, ENROLLED):
        path, value = found.take(*names)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str) and not is_empty(item):
                yield Found({_NUMBERS: item}, found.path, found.at, found.reading)
            elif isinstance(item, dict):
                yield Found(item, path, found.at, found.reading)
            elif item is not NOTHING and not is_empty(item):
                found.reading.unmapped.add(path)


def _which(found: Found) -> dict[str, Any]:
    """The id and the name of a programme. The id is one of a list."""
    inner = found.only("programme") or found
    which: dict[str, Any] = {}
    inner.read(PROGRAMME[:1], None, which)
    if which:
        which[_NUMBERS] = [which[_NUMBERS]]
        found.reading.lineage[f"{_TYPE}{_NUMBERS}[]"] = f"{inner.path}.{_NUMBERS}"
    inner.read(PROGRAMME[1:], None, which)
    if inner is not found:
        inner.left()
    return which


def _enrolment(found: Found) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    found.read(ENROLLMENT, _TYPE, fields)
    return fields


def _benefits(found: Found, base: dict[str, Any]) -> list[dict[str, Any]]:
    """Each benefit with what stands around them, or only that; nothing where there is nothing."""
    made: list[dict[str, Any]] = []
    for one in found.inner(*BENEFITS):
        fields: dict[str, Any] = {}
        one.read(BENEFIT, _TYPE, fields)
        _amount(one, "benefit_value", "benefit_value", fields)
        one.left()
        if fields:
            made.append({**base, **fields})
    return made or ([base] if base else [])


def _payment(found: Found) -> dict[str, Any]:
    """One payment of a payroll: what was due, and what was credited."""
    fields: dict[str, Any] = {}
    found.read(PAYROLL, _TYPE, fields)
    _amount(found, "payroll_amount", "benefit_value", fields)
    _amount(found, "payment_credit_amount", "delivered_value", fields)
    found.left()
    return fields


def _amount(found: Found, name: str, target: str, into: dict[str, Any]) -> None:
    """Money is two fields of a record. Two currencies in one record are refused."""
    path, value = found.take(name)
    if value is NOTHING:
        return
    try:
        amount, currency = money(value)
    except ValueError:
        raise found.error("not an amount of money", "money", name) from None
    if currency is not None and into.setdefault("currency_code", currency) != currency:
        raise found.error("two currencies in one payment", "two_values", name)
    into[target] = amount
    found.reading.lineage[f"{_TYPE}{target}"] = path
    if currency is not None:
        found.reading.lineage[f"{_TYPE}currency_code"] = path
