"""Data value sets as JSON.

    {"dataSet": "...", "period": "202601", "orgUnit": "...", "dataValues": [{...}, {...}]}

Also a line for each set, a list of sets, and the body of one data value alone. A combination of
categories is an id, or an object from category to option. Where there are no data values, older
servers write no list of them.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

import orjson

from adapters.dhis2.aggregate.shared import Shared
from adapters.dhis2.aggregate.value import (
    BOOLEANS,
    HEAD,
    OWN,
    DataValue,
    named,
    two_meanings,
)
from adapters.dhis2.digits import values_are_numbers
from adapters.dhis2.others import refuse_other
from adapters.flat.back import listed
from adapters.flat.reading import shown
from gateway.errors import SenderError
from gateway.record import Reading
from gateway.source.objects import Found, objects

_HEADER = frozenset(
    {*HEAD, "dataValues", "completedDate", "dryRun", "idScheme"}
    | {f"{name}IdScheme" for name in ("dataElement", "orgUnit", "dataSet")}
    | {f"{name}OptionComboIdScheme" for name in ("category", "attribute")}
    | {f"category{name}IdScheme" for name in ("", "Option")}
)


def read(content: BinaryIO, reading: Reading) -> Iterator[DataValue]:
    """Every data value. Raises `SenderError` for other JSON."""
    unfold = _Unfold(reading)
    exact = values_are_numbers(content)
    for number, found in enumerate(objects(content, unfold, exact=exact), 1):
        place = f"data value {number}"
        yield _value(found, f"{found.at}, {place}" if found.at else place)


class _Unfold:
    """From a document to its data values, each with what is said of all of them."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._head: dict[str, Any] = {}
        self._attributes: dict[str, str] = {}

    def __call__(self, document: Any) -> Iterator[Any]:
        """The data values of one document: header, attributes, value."""
        for one in document if isinstance(document, list) and document else (document,):
            for value in self._set(one):
                yield [self._head, self._attributes, value]

    def _set(self, document: Any) -> Iterator[Any]:
        self._head, self._attributes = {}, {}
        if isinstance(document, dict) and "dataElement" in document:
            yield document
        elif isinstance(document, dict) and _is_set(document):
            self._begin({key: value for key, value in document.items() if key != "dataValues"})
            values = document.get("dataValues") or ()
            if not values:
                combo = {"attributeOptionCombo"} if self._attributes else set()
                self._reading.unmapped.update(self._head.keys() | combo)
            yield from values
        else:
            refuse_other(document)
            raise SenderError("no data value set", rule="dhis2.not_data_values")

    def _begin(self, head: dict[str, Any]) -> None:
        refuse_request(head)
        self._attributes = _pairs(head, "attributeOptionCombo", "the header")
        said = named(head, at="")
        self._head = {key: value for key, value in said.items() if key in HEAD}
        self._reading.unmapped.update(shown(key) for key in said if key not in HEAD)


def _value(found: Found, at: str) -> DataValue:
    """One data value with what the header says of it."""
    head, common, value = found.value
    if not isinstance(value, dict):
        raise SenderError("not a data value", rule="dhis2.not_data_values", at=at)
    if found.twice:
        raise SenderError("a key stands twice in one object", rule="json.key_twice", at=at)
    members = dict(value)
    if isinstance(members.get("attribute"), dict) and any(members["attribute"].values()):
        raise SenderError(
            "attributes by id of their options: ask for a data value set",
            rule="dhis2.categories",
            at=f"{at}, attribute",
        )
    categories = _pairs(members, "categoryOptionCombo", at)
    attributes = _pairs(members, "attributeOptionCombo", at)
    if attributes and common not in ({}, attributes):
        raise two_meanings(f"{at}, attributeOptionCombo")
    fields = named(members, at=at)
    for key, said in head.items():
        if fields.setdefault(key, said) != said:
            raise two_meanings(f"{at}, {key}")
    return DataValue(fields, categories, attributes or common, at)


def _pairs(members: dict[str, Any], key: str, at: str) -> dict[str, str]:
    """The object of a combination, taken out; nothing where it is an id."""
    if not isinstance(members.get(key), dict):
        return {}
    pairs: dict[str, str] = members.pop(key)
    if not all(name and option and isinstance(option, str) for name, option in pairs.items()):
        raise SenderError(
            "a category without its option", rule="dhis2.categories", at=f"{at}, {key}"
        )
    return pairs


def _is_set(document: Mapping[str, Any]) -> bool:
    """Whether this is a set: a list of data values, or a header and nothing else."""
    values = document.get("dataValues")
    return isinstance(values, list) or (values is None and document.keys() <= _HEADER)


def refuse_request(head: Mapping[str, Any]) -> None:
    """Raise `SenderError` for a set that asks not to be believed, or to be deleted."""
    if str(head.get("dryRun") or False).lower() != "false":
        raise SenderError("a dry run: no data", rule="dhis2.dry_run", at="dryRun")
    for name in ("importStrategy", "strategy"):
        if str(head.get(name)).upper() in ("DELETE", "DELETES"):
            raise SenderError("values to be deleted, not data", rule="dhis2.deleted", at=name)


def kept(one: DataValue, shared: Shared) -> DataValue:
    """What JSON can hold of a data value."""
    fields = {key: value for key, value in one.fields.items() if key in OWN or key in shared.head}
    categories = {} if "categoryOptionCombo" in fields else one.categories
    attributes = {} if "attributeOptionCombo" in fields else one.attributes
    if attributes and not shared.attributes:
        raise SenderError(
            "attributes that differ from value to value stand in no header: ask for ADX",
            rule="dhis2.categories",
            at=f"{one.at}, attributes",
        )
    return DataValue(fields, categories, attributes, one.at)


def written(values: Iterable[DataValue], shared: Shared) -> Iterator[bytes]:
    """A body for `POST /api/dataValueSets`, piece by piece."""
    yield from listed((_object(one, shared) for one in values), _before(shared), b"}")


def _before(shared: Shared) -> bytes:
    combo = {"attributeOptionCombo": shared.attributes} if shared.attributes else {}
    head = orjson.dumps({**shared.head, **combo})[1:-1]
    return b"{" + head + (b"," if head else b"") + b'"dataValues":'


def _object(one: DataValue, shared: Shared) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in OWN:
        value = one.fields.get(key)
        if value is not None and key not in shared.head:
            found[key] = value == "true" if key in BOOLEANS else value
    if one.categories:
        found["categoryOptionCombo"] = one.categories
    return found
