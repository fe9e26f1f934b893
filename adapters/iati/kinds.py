"""The simple types of XML Schema that IATI uses: libxml2 itself says what is one of them."""

import re
from collections.abc import Mapping
from decimal import Decimal

from lxml import etree

from gateway.source.markup import writable

KINDS = (
    "anyURI", "boolean", "date", "dateTime", "decimal", "int", "language", "NMTOKEN",
    "nonNegativeInteger", "positiveInteger",
)  # fmt: skip

_SCHEMA = etree.XMLSchema(
    etree.XML(
        '<schema xmlns="http://www.w3.org/2001/XMLSchema">'
        + "".join(f'<element name="{kind}" type="{kind}"/>' for kind in KINDS)
        + "</schema>"
    )
)

RULES: Mapping[str, str] = {
    "anyURI": "iati.uri",
    "boolean": "iati.boolean",
    "date": "iati.date",
    "dateTime": "iati.datetime",
    "decimal": "iati.decimal",
    "int": "iati.integer",
    "language": "iati.language",
    "NMTOKEN": "iati.token",
    "nonNegativeInteger": "iati.integer",
    "positiveInteger": "iati.integer",
}
"""The rule that a text breaks which is none of a kind."""

LONGEST = 4096
"""Characters of such a text. No date, amount or address of a real file comes near it."""


def fits(text: str, kind: str) -> bool:
    """Whether a text is one of its kind."""
    if kind == "string":
        return True
    if len(text) > LONGEST or not writable(text):
        return False
    element = etree.Element(kind)
    element.text = text
    return bool(_SCHEMA.validate(element))


_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(Z|[+-][0-9]{2}:[0-9]{2})?")


def day(text: str) -> str | None:
    """The day of an `xsd:date` as it is written, never moved by its zone. None beyond year 9999."""
    found = _DAY.fullmatch(text.strip())
    return found[1] if found else None


def decimal(text: str) -> str | None:
    """The digits of an `xsd:decimal` as records write them. None for more than a record holds."""
    text = text.strip()
    sign, digits = ("-", text[1:]) if text[:1] == "-" else ("", text.removeprefix("+"))
    whole, _, rest = digits.partition(".")
    found = f"{sign}{whole or '0'}{'.' + rest if rest else ''}"
    return found if len(found) <= 64 else None


def decimal_written(value: str) -> str:
    """A record's number without an exponent, which `xsd:decimal` does not have."""
    return format(Decimal(value), "f") if "e" in value.lower() else value


_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
)


def instant(text: str) -> str | None:
    """An `xsd:dateTime` that says its zone. None for any other: no zone is guessed."""
    text = text.strip()
    return text if _INSTANT.fullmatch(text) else None
