"""One data value, whichever notation it came in, and the flat object that a mapping reads.

    {"dataElement": "mAl01Gelbi1", "orgUnit": "oUgelbis003", "period": "202601", "value": "12"}

Names are those of DHIS2's JSON. What a mapping may name besides: `key`, an id made of what
identifies a data value; `period/start`, `period/end`, `period/interval`; `value/text`, which
takes every value that is no number; the repeats `categories` and `attributes` (each with
`.../category` and `.../option`), or `category/sex` and `attribute/donor` for one of them.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from adapters.dhis2.moments import spelt
from adapters.dhis2.period import Period, period_between, period_of, period_of_interval
from gateway.errors import SenderError

IDENTITY = ("dataElement", "orgUnit", "period")
BOOLEANS = ("followUp", "deleted")
MOMENTS = ("created", "lastUpdated", "completeDate")
HEAD = ("dataSet", "completeDate", "period", "orgUnit", "attributeOptionCombo")
"""What may be said once for all values."""
OWN = (
    *IDENTITY,
    "categoryOptionCombo",
    "attributeOptionCombo",
    "value",
    "comment",
    *BOOLEANS,
    "storedBy",
    "created",
    "lastUpdated",
)
OTHER_NAMES = {"followup": "followUp", "completedDate": "completeDate", "timestamp": "lastUpdated"}
"""Readers want one spelling here and the other there, and senders mix them up."""

_MAY_BE_NUMBERS = ("value", "period")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_MOMENT = re.compile(
    r"[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9:]{5})?)?)?)?"
)
_LONGEST_NUMBER = 64
_LONGEST_KEY = 180
_MOST_CATEGORIES = 100
"""Of one combination. Those of a whole report stand with each of its values."""
_SHOUTED = ("TRUE", "True", "FALSE", "False")
_PERIOD = {name: f"period/{name}" for name in ("start", "end", "interval")}


@dataclass(slots=True)
class DataValue:
    """One data value by DHIS2's names, texts as they stand."""

    fields: dict[str, Any] = field(default_factory=dict, repr=False)
    categories: dict[str, str] = field(default_factory=dict, repr=False)
    """Category to option, where there is no categoryOptionCombo."""
    attributes: dict[str, str] = field(default_factory=dict, repr=False)
    """The same of the whole report, where there is no attributeOptionCombo."""
    at: str = ""


def named(found: Mapping[str, Any], *, at: str) -> dict[str, Any]:
    """The members of a data value or a header under their one name. Nulls say nothing.

    Raises `SenderError` for two spellings that say different things, and for what is no text.
    """
    texts: dict[str, Any] = {}
    for name, value in found.items():
        key = OTHER_NAMES.get(name, name)
        if key in OWN or key in HEAD:
            value = _text(key, value, at)
        if value is not None and texts.setdefault(key, value) != value:
            raise two_meanings(f"{at}, {key}" if at else key)
    return texts


def two_meanings(at: str) -> SenderError:
    """Two places that must say the same do not."""
    return SenderError("said twice, differently", rule="dhis2.two_meanings", at=at)


def _text(key: str, value: Any, at: str) -> str | None:
    if value is None or value.__class__ is str:
        return value.lower() if key in BOOLEANS and value in _SHOUTED else value
    if value.__class__ is bool and (key in BOOLEANS or key == "value"):
        return "true" if value else "false"
    if value.__class__ in (int, Decimal) and key in _MAY_BE_NUMBERS:
        return str(value)
    raise SenderError("not a text", rule="dhis2.not_text", at=f"{at}, {key}" if at else key)


class Flats:
    """Data values as the flat objects of one mapping, and back."""

    def __init__(self, names: Callable[[str], bool]) -> None:
        """`names` says whether the mapping reads a path."""
        self._names = lru_cache(1024)(names)

    def flat(self, one: DataValue) -> dict[str, Any]:
        """What the mapping reads. Raises `SenderError` for no period, no day, no identity."""
        found = dict(one.fields)
        for name in IDENTITY:
            if not found.get(name):
                raise _missing(name, one.at)
        period = period_of(found["period"])
        if period is None:
            raise _no_period(one.at)
        found["period"] = period.id
        for name, path in _PERIOD.items():
            if self._names(path):
                found[path] = getattr(period, name)
        for name in MOMENTS:
            if found.get(name) and self._names(name):
                found[name] = _moment(found[name], f"{one.at}, {name}")
        text = found.get("value")
        if text and not is_number(text) and self._names("value/text"):
            found["value/text"] = found.pop("value")
        self._pairs(found, one.categories, "categories", "category", one.at)
        self._pairs(found, one.attributes, "attributes", "attribute", one.at)
        if self._names("key"):
            found["key"] = key_of(one, period)
        return found

    def _pairs(
        self, found: dict[str, Any], pairs: Mapping[str, str], repeat: str, single: str, at: str
    ) -> None:
        if len(pairs) > _MOST_CATEGORIES:
            raise SenderError("too many categories", rule="dhis2.categories", at=at)
        if pairs and self._names(repeat):
            found[repeat] = [
                {f"{repeat}/category": category, f"{repeat}/option": option}
                for category, option in pairs.items()
            ]
        for category, option in pairs.items():
            if repeat not in found or self._names(f"{single}/{category}"):
                found[f"{single}/{category}"] = option

    def back(self, fields: Mapping[str, Any], *, at: str) -> DataValue:
        """The data value of a flat object. Raises `SenderError` where it has no identity."""
        one = DataValue(at=at)
        for key, value in fields.items():
            head, _, rest = key.partition("/")
            if key == "categories":
                _unlisted(one.categories, key, value, at)
            elif key == "attributes":
                _unlisted(one.attributes, key, value, at)
            elif head == "category" and rest:
                _put(one.categories, rest, value, at)
            elif head == "attribute" and rest:
                _put(one.attributes, rest, value, at)
            elif not rest and key != "key":
                one.fields[key] = value
        if "value/text" in fields and not one.fields.get("value"):
            one.fields["value"] = fields["value/text"]
        one.fields["period"] = _stated(fields, at).id
        for name in IDENTITY:
            if not one.fields.get(name):
                raise _missing(name, at)
        return one


def is_number(text: str) -> bool:
    """Whether a value is a decimal number that a record keeps digit by digit."""
    return len(text) <= _LONGEST_NUMBER and _DECIMAL.fullmatch(text) is not None


def key_of(one: DataValue, period: Period) -> str:
    """What DHIS2 knows a data value by, as one text: no two data values share it."""
    parts = [_quoted(one.fields["dataElement"]), _quoted(one.fields["orgUnit"]), period.id]
    parts.append(_combo(one.fields.get("categoryOptionCombo"), one.categories))
    parts.append(_combo(one.fields.get("attributeOptionCombo"), one.attributes))
    key = ":".join(parts)
    return key if len(key) <= _LONGEST_KEY else sha256(key.encode()).hexdigest()


def _combo(combo: str | None, pairs: Mapping[str, str]) -> str:
    if combo:
        return _quoted(combo)
    return "&".join(f"{_quoted(key)}={_quoted(pairs[key])}" for key in sorted(pairs))


@lru_cache(8192)
def _quoted(text: str) -> str:
    return quote(text, safe="")


def _moment(text: str, at: str) -> str:
    found = spelt(text)
    try:
        if not _MOMENT.fullmatch(found):
            raise ValueError
        date.fromisoformat((found + "-01-01")[:10] if len(found) < 10 else found[:10])
    except ValueError:
        raise SenderError("not a day or a time", rule="dhis2.date", at=at) from None
    return found


def _stated(fields: Mapping[str, Any], at: str) -> Period:
    """The period that all its ways of being said agree on."""
    start, end, interval = map(fields.get, _PERIOD.values())
    found = None
    if "period" in fields:
        found = period_of(fields["period"])
    elif interval is not None:
        found = period_of_interval(interval)
    elif start is not None and end is not None:
        found = period_between(start, end)
    else:
        raise _missing("period", at)
    if found is None:
        raise _no_period(at)
    if interval is not None and period_of_interval(interval) != found:
        raise _no_period(at)
    if (start or found.start, end or found.end) != (found.start, found.end):
        raise _no_period(at)
    return found


def _unlisted(pairs: dict[str, str], repeat: str, items: Any, at: str) -> None:
    for item in items if isinstance(items, list) else ():
        category, option = item.get(f"{repeat}/category"), item.get(f"{repeat}/option")
        if not category or not option:
            raise _no_category(at)
        _put(pairs, category, option, at)


def _put(pairs: dict[str, str], category: str, option: str, at: str) -> None:
    if pairs.setdefault(category, option) != option:
        raise _no_category(at)


def _no_category(at: str) -> SenderError:
    return SenderError("a category without its option, or with two", rule="dhis2.categories", at=at)


def _missing(name: str, at: str) -> SenderError:
    return SenderError(
        "a data value without what identifies it", rule="dhis2.required", at=f"{at}, {name}"
    )


def _no_period(at: str) -> SenderError:
    return SenderError("no period of DHIS2, or not one", rule="dhis2.period", at=f"{at}, period")
