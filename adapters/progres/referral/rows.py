"""Interventions: one row for each language and each specific need of a person.

The gateway joins tables, so an intervention with two languages and three needs comes as six rows
that agree in everything else. Rows of one intervention are put together again, wherever they
stand in a message; what must be one and is not is refused.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.flat.reading import shown
from adapters.progres.referral import comments, fields, lists
from adapters.progres.referral.filling import Told, contradiction, fill, nothing, sources
from adapters.progres.referral.places import Pair
from adapters.progres.referral.risk import is_violence, mark, of_needs, read_priority
from gateway.errors import SenderError

TABLE = (*fields.CASE_ROW, *fields.PERSON_ROW)
_KNOWN = sources(TABLE) | {
    fields.PRIORITY,
    fields.REASON_FOR_REFERRAL,
    fields.STORE,
    *fields.LANGUAGE_ROW,
    *fields.NEED_ROW,
}
_LANGUAGE = frozenset(fields.LANGUAGE_ROW)
_NEED = frozenset(fields.NEED_ROW)
_PART = ("Id", "Name")
_CHILD = fields.PRIORITY.partition(".")[0] + "."
_SERVICE = tuple(item for item in fields.CASE_ROW if item.place.field == "service_type")


@dataclass(slots=True)
class Group:
    """One intervention, of as many rows as there were."""

    at: str
    one: dict[str, Any] = field(default_factory=dict, repr=False)
    """What every row says alike."""
    languages: dict[tuple[Any, ...], dict[str, Any]] = field(default_factory=dict, repr=False)
    needs: dict[tuple[Any, ...], dict[str, Any]] = field(default_factory=dict, repr=False)
    child: bool = False
    """Whether a row was joined with a child protection case, whatever it says of it."""


def grouped(rows: Sequence[Mapping[str, Any]], at: str, told: Told) -> Iterator[Group]:
    """The interventions of a message, in the order of their first rows."""
    found: dict[Any, Group] = {}
    for number, row in enumerate(rows, 1):
        place = f"{at}row {number}"
        flat = flattened(row, told)
        told.left(flat, _KNOWN)
        key = _key(flat, place)
        group = found.setdefault(key, Group(place))
        group.child |= any(name.startswith(_CHILD) for name in row)
        _add(group, flat, place)
    yield from found.values()


def _key(flat: Mapping[str, Any], at: str) -> str:
    for name in (fields.INTERVENTION_NO, fields.INTERVENTION_ID):
        value = flat.get(name)
        if not nothing(value):
            return f"{name} {value!r}"
    raise SenderError("a row without the number of its intervention", rule="progres.no_id", at=at)


def _add(group: Group, flat: Mapping[str, Any], at: str) -> None:
    language: dict[str, Any] = {}
    need: dict[str, Any] = {}
    for key, value in flat.items():
        if key in _LANGUAGE:
            language[key] = str(value) if type(value) is int else value
        elif key in _NEED:
            need[key] = value
        elif group.one.setdefault(key, value) != value and key in _KNOWN:
            raise contradiction(f"{at}, {shown(key)}")
    for found, part in ((group.languages, language), (group.needs, need)):
        if part:
            found.setdefault(_marked(part, at), part)


def _marked(part: Mapping[str, Any], at: str) -> tuple[Any, ...]:
    for key, value in part.items():
        if not isinstance(value, str):
            raise SenderError("not text", rule="progres.text", at=f"{at}, {key}")
    return tuple(sorted(part.items()))


def flattened(row: Mapping[str, Any], told: Told) -> dict[str, Any]:
    """A row with the parts of its entity references as fields, without what says nothing."""
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if nothing(value):
            continue
        if not isinstance(value, dict):
            flat[key] = value
            continue
        for part, inner in value.items():
            if part in _PART and not nothing(inner):
                flat[f"{key}/{part}"] = inner
            elif not _usual(key, part, inner):
                told.left_behind(f"{key}/{part}")
    return flat


def _usual(key: str, part: str, inner: Any) -> bool:
    """Whether a part of a reference says no more than that it is one."""
    return not inner or (part == "LogicalName" and inner == fields.LOGICAL.get(key))


def read_group(group: Group, told: Told) -> Pair:
    """A person and a case, without their ids."""
    pair: Pair = {"case": {}}
    fill(group.one, TABLE, pair, told, group.at)
    read_priority(group.one, pair, told, group.at)
    comments.read_reason(group.one, pair, told, group.at)
    comments.read_store(group.one, pair, told, group.at)
    if group.languages:
        lists.read_languages(list(group.languages.values()), pair, told)
    if group.needs:
        lists.read_needs(list(group.needs.values()), pair, told, group.at)
    service = [group.one.get(name) for item in _SERVICE for name in item.sources]
    violence = of_needs(group.needs.values()) or is_violence(service)
    mark(pair, told, child=group.child, violence=violence)
    return pair
