"""Data value sets as XML (DXF 2): the names of the JSON as attributes.

    <dataValueSet xmlns="http://dhis2.org/schema/dxf/2.0" dataSet="...">
        <dataValue dataElement="..." period="202601" orgUnit="..." value="12"/>
    </dataValueSet>

Combinations of categories are ids here, never category by category.
"""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from lxml import etree

from adapters.dhis2.aggregate.document import refuse_request
from adapters.dhis2.aggregate.shared import Shared
from adapters.dhis2.aggregate.value import HEAD, IDENTITY, OWN, DataValue, named, two_meanings
from adapters.flat.reading import shown
from gateway.errors import SenderError
from gateway.record import Reading
from gateway.source.markup import Element, Markup, at, element, local, namespace, writable, written

SPACE = "http://dhis2.org/schema/dxf/2.0"
ADX = "urn:ihe:qrph:adx:2015"
_ABOUT_THE_FILE = "{http://www.w3.org/2001/XMLSchema-instance}"


def read(content: BinaryIO, reading: Reading) -> Iterator[DataValue]:
    """Every data value. Raises `SenderError` for other XML."""
    document = Markup(content)
    root = document.root
    if namespace(root) == ADX:
        raise SenderError("ADX: ask for dhis2.adx", rule="dhis2.not_data_values", at=at(root))
    if namespace(root) not in (SPACE, "") or local(root) != "dataValueSet":
        raise SenderError("no data value set", rule="dhis2.not_data_values", at=at(root))
    said = attributes(root)
    refuse_request(said)
    said = named(said, at=at(root))
    head = {key: value for key, value in said.items() if key in HEAD}
    reading.unmapped.update(shown(key) for key in said if key not in HEAD)
    some = False
    for item in document.items():
        if local(item) != "dataValue" or namespace(item) != namespace(root):
            reading.unmapped.add(shown(local(item)))
            continue
        reading.unmapped.update(f"dataValue/{shown(local(inner))}" for inner in item)
        place = at(item)
        fields = named(attributes(item), at=place)
        for key, value in head.items():
            if fields.setdefault(key, value) != value:
                raise two_meanings(f"{place}, {key}")
        some = True
        yield DataValue(fields, at=place)
    if not some:
        reading.unmapped.update(head)


def attributes(element: Element) -> dict[str, str]:
    """The attributes that say something of the content, those of other namespaces as they are."""
    return {
        str(key): str(value)
        for key, value in element.attrib.items()
        if not str(key).startswith(_ABOUT_THE_FILE)
    }


def kept(one: DataValue, shared: Shared) -> DataValue:
    """What DXF can hold of a data value."""
    refuse_categories(one)
    known = {key: value for key, value in one.fields.items() if key in OWN or key in shared.head}
    fields = {key: value for key, value in known.items() if writable(value) or key in IDENTITY}
    if not all(writable(fields[key]) for key in IDENTITY):
        raise SenderError("a character XML cannot hold", rule="xml.character", at=one.at)
    return DataValue(fields, at=one.at)


def refuse_categories(one: DataValue) -> None:
    """Raise `SenderError` where a combination is only said category by category.

    Left out, several values would become one.
    """
    for pairs, key in (
        (one.categories, "categoryOptionCombo"),
        (one.attributes, "attributeOptionCombo"),
    ):
        if pairs and not one.fields.get(key):
            raise SenderError(
                "a value by categories, for which this notation has no place: ask for ADX or JSON",
                rule="dhis2.categories",
                at=f"{one.at}, {key}",
            )


def dxf_written(values: Iterable[DataValue], shared: Shared) -> Iterator[bytes]:
    """The document, piece by piece."""
    root = etree.Element(f"{{{SPACE}}}dataValueSet", nsmap={None: SPACE})  # type: ignore[dict-item]
    for key, value in shared.head.items():
        root.set(key, value)
    yield from written(root, (_element(one, shared) for one in values))


def _element(one: DataValue, shared: Shared) -> Element:
    found = element(SPACE, "dataValue")
    for key in OWN:
        value = one.fields.get(key)
        if value is not None and key not in shared.head:
            found.set(key, value)
    return found
