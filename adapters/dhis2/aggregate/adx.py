"""ADX (IHE QRPH): groups of data values of one report.

    <adx xmlns="urn:ihe:qrph:adx:2015">
        <group dataSet="..." orgUnit="..." period="2026-01-01/P1M" donor="...">
            <dataValue dataElement="..." sex="F" age="under5" value="12"/>
            <dataValue dataElement="..." value="0"><annotation>out of stock</annotation></dataValue>
        </group>
    </adx>

A value that is no number stands in the annotation, which replaces `value`. An attribute nobody
knows is a category. So what DHIS2 would take for one is not written: `completeDate` only beside
an attributeOptionCombo, `deleted` only beside a categoryOptionCombo.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from typing import BinaryIO

from lxml import etree

from adapters.dhis2.aggregate.dxf import ADX, SPACE, attributes
from adapters.dhis2.aggregate.shared import Shared
from adapters.dhis2.aggregate.value import DataValue, is_number, named, two_meanings
from adapters.dhis2.period import period_of, period_of_interval
from adapters.flat.reading import shown
from gateway.errors import SenderError
from gateway.record import Reading
from gateway.source.markup import (
    Element,
    Markup,
    at,
    children,
    local,
    namespace,
    text,
    writable,
    written,
)
from gateway.source.markup import element as made

_GROUP = ("dataSet", "orgUnit", "period", "completeDate", "attributeOptionCombo")
_VALUE = (
    "dataElement",
    "value",
    "categoryOptionCombo",
    "comment",
    "followup",
    "followUp",
    "deleted",
    "storedBy",
    "created",
    "lastUpdated",
    "timestamp",
)
_INSIDE = ("created", "lastUpdated")
_WRITTEN = ("dataElement", "categoryOptionCombo", "comment", "followUp", "deleted", "value")
_NEEDED = ("dataSet", "dataElement", "value")
_NAME = re.compile(r"[A-Za-z_][\w.-]*")
_FALSE_QUARTER = re.compile(r"[0-9]{4}NovQ[1-4]")
"""Servers take any three months for the calendar quarter they begin in."""
_TOGETHER = 1_000
"""Data values of one group that are written as one element."""


def read(content: BinaryIO, reading: Reading) -> Iterator[DataValue]:
    """Every data value. Raises `SenderError` for other XML, and for a period ADX does not have."""
    document = Markup(content)
    root = document.root
    if namespace(root) != ADX or local(root) != "adx":
        other = (
            "a data value set: ask for dhis2.aggregate" if namespace(root) == SPACE else "no ADX"
        )
        raise SenderError(other, rule="adx.not_adx", at=at(root))
    reading.unmapped.update(f"adx/{shown(key)}" for key in attributes(root))
    for group in document.items():
        if local(group) == "group" and namespace(group) == ADX:
            yield from _group(group, reading)
        else:
            reading.unmapped.add(f"adx/{shown(local(group))}")


def _group(group: Element, reading: Reading) -> Iterator[DataValue]:
    place = at(group)
    said, categories = _divided(group, _GROUP, reading)
    for name in ("orgUnit", "period"):
        if not said.get(name):
            raise _required(place, name)
    period = period_of_interval(said["period"])
    if period is None:
        raise _period(place)
    head = named({**said, "period": period.id}, at=place)
    found = False
    for child in children(group):
        if local(child) != "dataValue" or namespace(child) != ADX:
            reading.unmapped.add(f"group/{shown(local(child))}")
            continue
        found = True
        yield _value(child, head, categories, reading)
    if not found:
        reading.unmapped.add("group")


def _divided(
    element: Element, known: tuple[str, ...], reading: Reading
) -> tuple[dict[str, str], dict[str, str]]:
    """The attributes the format knows, and those that are categories."""
    every = attributes(element)
    foreign = [key for key in every if key.startswith("{")]
    for key in foreign:
        del every[key]
        reading.unmapped.add(f"{local(element)}/{shown(key.rpartition('}')[2])}")
    said = {key: value for key, value in every.items() if key in known}
    others = {key: value for key, value in every.items() if key not in known}
    if not all(others.values()):
        raise SenderError("a category without its option", rule="dhis2.categories", at=at(element))
    return said, others


def _value(
    element: Element, head: dict[str, str], categories: dict[str, str], reading: Reading
) -> DataValue:
    place = at(element)
    said, own = _divided(element, _VALUE, reading)
    fields = named(said, at=place)
    for child in children(element):
        name = local(child)
        if name == "annotation" and namespace(child) == ADX:
            annotation = text(child)
            if not annotation:
                raise SenderError("an empty annotation", rule="adx.annotation", at=at(child))
            if fields.get("value", "0") != "0":
                reading.unmapped.add("dataValue/value")
            fields["value"] = annotation
        elif name in _INSIDE and fields.setdefault(name, text(child)) != text(child):
            raise two_meanings(f"{at(child)}, {name}")
        elif name not in _INSIDE:
            reading.unmapped.add(f"dataValue/{shown(name)}")
    return DataValue({**head, **fields}, own, categories, place)


def kept(one: DataValue, shared: Shared) -> DataValue:
    """What ADX can hold of a data value. Raises `SenderError` where leaving out would mislead."""
    fields = {
        key: value
        for key, value in one.fields.items()
        if key in (*_WRITTEN, *_GROUP) and (writable(value) or key in ("period", *_NEEDED))
    }
    for name in _NEEDED:
        if name not in fields:
            raise _required(one.at, name)
    if _FALSE_QUARTER.fullmatch(fields["period"]):
        raise _period(one.at)
    if "attributeOptionCombo" not in fields:
        fields.pop("completeDate", None)
    if "categoryOptionCombo" not in fields and fields.pop("deleted", "false") == "true":
        raise SenderError(
            "a deleted value by categories, which ADX would bring back",
            rule="dhis2.deleted",
            at=one.at,
        )
    found = DataValue(fields, at=one.at)
    if "categoryOptionCombo" not in fields:
        found.categories = one.categories
        _check_names(one.categories, _VALUE, one.at)
    if "attributeOptionCombo" not in fields:
        found.attributes = one.attributes
        _check_names(one.attributes, _GROUP, one.at)
    texts = (*fields.values(), *found.categories.values(), *found.attributes.values())
    if not all(map(writable, texts)):
        raise SenderError("a character XML cannot hold", rule="xml.character", at=one.at)
    return found


def _check_names(categories: dict[str, str], known: tuple[str, ...], place: str) -> None:
    for name in categories:
        if name in known or not name.isascii() or not _NAME.fullmatch(name):
            raise SenderError(
                "a category whose name cannot be an attribute of ADX: use its code",
                rule="adx.category",
                at=place,
            )


def adx_written(values: Iterable[DataValue], shared: Shared) -> Iterator[bytes]:
    """The document, piece by piece. Values of one group that follow each other stand together."""
    root = etree.Element(f"{{{ADX}}}adx", nsmap={None: ADX})  # type: ignore[dict-item]
    yield from written(root, _groups(values))


def _groups(values: Iterable[DataValue]) -> Iterator[Element]:
    for head, ones in groupby(values, _head):
        while some := list(islice(ones, _TOGETHER)):
            group = made(ADX, "group")
            for key, value in head:
                group.set(key, value)
            group.extend(map(_element, some))
            yield group


def _head(one: DataValue) -> tuple[tuple[str, str], ...]:
    period = period_of(one.fields["period"])
    said = {**one.fields, "period": period.interval if period else ""}
    known = [(key, said[key]) for key in _GROUP if key in said]
    return (*known, *one.attributes.items())


def _element(one: DataValue) -> Element:
    found = made(ADX, "dataValue")
    fields = one.fields
    for key in _WRITTEN[:-1]:
        if key in fields:
            found.set("followup" if key == "followUp" else key, fields[key])
    for category, option in one.categories.items():
        found.set(category, option)
    value = fields["value"]
    plain = not value or is_number(value)
    found.set("value", value if plain else "0")
    if not plain:
        etree.SubElement(found, f"{{{ADX}}}annotation").text = value
    return found


def _required(place: str, name: str) -> SenderError:
    return SenderError("ADX requires an attribute", rule="adx.required", at=f"{place}, {name}")


def _period(place: str) -> SenderError:
    return SenderError("no period of ADX", rule="adx.period", at=f"{place}, period")
