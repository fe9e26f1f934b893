"""What may stand where in an IATI activity file, version 2.03: elements in order, and attributes.

The element of an activity is written down once, as a line of words:

    "period-start period-end value:amount description? provider-org*"

A name stands alone where it must come once; `?` at most once, `+` and `*` several times. After a
colon stands the shape, where one name has several. An attribute with `!` must be there; after `=`
stands its kind, text without it. Elements of other namespaces may follow the last of an element's
own, and attributes of other namespaces (`xml:lang`) may stand on all but a few.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

_CODED = ("", "code!")
_DATED = ("", "iso-date=date!")
_TEXT = ("narrative+", "")
_PLACED = "location:result-location* dimension*"

_SHAPES: Mapping[str, tuple[str, str]] = {
    "iati-activities": (
        "iati-activity+",
        "version! generated-datetime=dateTime linked-data-default=anyURI",
    ),
    "iati-activity": (
        "iati-identifier reporting-org title:text description:kind-of-text+ participating-org+ "
        "other-identifier* activity-status:coded activity-date+ contact-info* "
        "activity-scope:coded? recipient-country:share* recipient-region:vocabulary-share* "
        "location* sector:vocabulary-share* tag* country-budget-items? humanitarian-scope* "
        "policy-marker* collaboration-type:coded? default-flow-type:coded? "
        "default-finance-type:coded? default-aid-type:aid-type* default-tied-status:coded? "
        "budget* planned-disbursement* capital-spend? transaction* document-link* "
        "related-activity* legacy-data* conditions? result* crs-add? fss?",
        "last-updated-datetime=dateTime default-currency humanitarian=boolean hierarchy=int "
        "linked-data-uri=anyURI budget-not-provided",
    ),
    "reporting-org": ("narrative+", "ref! type! secondary-reporter=boolean"),
    "kind-of-text": ("narrative+", "type"),
    "participating-org": ("narrative*", "ref type role! activity-id crs-channel-code"),
    "other-identifier": ("owner-org?", "ref! type!"),
    "owner-org": ("narrative*", "ref"),
    "activity-date": ("narrative*", "type! iso-date=date!"),
    "contact-info": (
        "organisation:text? department:text? person-name:text? job-title:text? telephone:string* "
        "email:string* website:address* mailing-address:text*",
        "type",
    ),
    "coded": _CODED,
    "dated": _DATED,
    "text": _TEXT,
    "share": ("narrative*", "code! percentage=decimal"),
    "vocabulary-share": (
        "narrative*",
        "vocabulary vocabulary-uri=anyURI code! percentage=decimal",
    ),
    "country": ("narrative*", "code!"),
    "vocabulary": ("narrative*", "vocabulary vocabulary-uri=anyURI code!"),
    "location": (
        "location-reach:coded? location-id* name:text? description:text? "
        "activity-description:text? administrative* point? exactness:coded? "
        "location-class:coded? feature-designation:coded?",
        "ref",
    ),
    "location-id": ("", "code! vocabulary!"),
    "administrative": ("", "code! vocabulary! level=nonNegativeInteger"),
    "point": ("pos:string", "srsName!"),
    "tag": ("narrative*", "code! vocabulary! vocabulary-uri=anyURI"),
    "country-budget-items": ("budget-item+", "vocabulary!"),
    "budget-item": ("description:text?", "code! percentage=decimal"),
    "humanitarian-scope": ("narrative*", "type! vocabulary! vocabulary-uri=anyURI code!"),
    "policy-marker": ("narrative*", "vocabulary vocabulary-uri=anyURI code! significance"),
    "aid-type": ("", "code! vocabulary"),
    "budget": ("period-start:dated period-end:dated value:amount", "type status"),
    "planned-disbursement": (
        "period-start:dated period-end:dated? value:amount provider-org? receiver-org?",
        "type",
    ),
    "provider-org": ("narrative*", "ref provider-activity-id type"),
    "receiver-org": ("narrative*", "ref receiver-activity-id type"),
    "capital-spend": ("", "percentage=decimal!"),
    "transaction": (
        "transaction-type:coded transaction-date:dated value:amount description:text? "
        "provider-org? receiver-org? disbursement-channel:coded? sector:vocabulary* "
        "recipient-country:country? recipient-region:vocabulary? flow-type:coded? "
        "finance-type:coded? aid-type* tied-status:coded?",
        "ref humanitarian=boolean",
    ),
    "document-link": (
        "title:text description:text? category:coded+ language:coded* document-date:dated?",
        "url=anyURI! format!",
    ),
    "related-activity": ("", "ref! type!"),
    "legacy-data": ("", "name! value! iati-equivalent=NMTOKEN"),
    "conditions": ("condition*", "attached=boolean!"),
    "condition": ("narrative+", "type!"),
    "result": (
        "title:text description:text? document-link* reference* indicator+",
        "type! aggregation-status=boolean",
    ),
    "reference": ("", "code! vocabulary! vocabulary-uri=anyURI"),
    "indicator": (
        "title:text description:text? document-link* reference:indicator-reference* baseline* "
        "period*",
        "measure! ascending=boolean aggregation-status=boolean",
    ),
    "indicator-reference": ("", "vocabulary! code! indicator-uri=anyURI"),
    "baseline": (
        f"{_PLACED} document-link* comment:text?",
        "iso-date=date year=positiveInteger! value",
    ),
    "period": ("period-start:dated period-end:dated target:figure* actual:figure*", ""),
    "figure": (f"{_PLACED} comment:text? document-link*", "value"),
    "result-location": ("", "ref"),
    "dimension": ("", "name value"),
    "crs-add": ("other-flags* loan-terms? loan-status? channel-code:string?", ""),
    "other-flags": ("", "code! significance=boolean!"),
    "loan-terms": (
        "repayment-type:coded? repayment-plan:coded? commitment-date:dated? "
        "repayment-first-date:dated? repayment-final-date:dated?",
        "rate-1=decimal rate-2=decimal",
    ),
    "loan-status": (
        "interest-received:decimal? principal-outstanding:decimal? principal-arrears:decimal? "
        "interest-arrears:decimal?",
        "year=decimal! currency value-date=date!",
    ),
    "fss": ("forecast*", "extraction-date=date! priority=boolean phaseout-year=decimal"),
}

_HOLDING: Mapping[str, tuple[str, str]] = {
    "iati-identifier": ("string", ""),
    "narrative": ("string", ""),
    "string": ("string", ""),
    "address": ("anyURI", ""),
    "decimal": ("decimal", ""),
    "amount": ("decimal", "currency value-date=date!"),
    "forecast": ("decimal", "year=decimal! currency value-date=date"),
}
"""Elements that hold a text and no elements: the kind of the text, and attributes."""

CLOSED = frozenset({"related-activity", "legacy-data", "figure", "condition"})
"""Shapes on which no attribute of another namespace may stand."""

_MANY = {"": (1, 1), "?": (0, 1), "+": (1, None), "*": (0, None)}


@dataclass(frozen=True, slots=True)
class Child:
    """An element in its place."""

    name: str
    shape: str
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute without a namespace."""

    kind: str
    needed: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """What an element may have."""

    children: tuple[Child, ...]
    """In the order they must stand in."""
    attributes: Mapping[str, Attribute]
    text: str | None = None
    """The kind of its text, where it holds a text and no elements."""
    open: bool = True
    """Whether attributes of other namespaces may stand on it."""


@cache
def shape(name: str) -> Shape:
    """The shape of this name."""
    if name in _HOLDING:
        kind, attributes = _HOLDING[name]
        return Shape((), _attributes(attributes), kind)
    children, attributes = _SHAPES[name]
    return Shape(
        tuple(map(_child, children.split())), _attributes(attributes), open=name not in CLOSED
    )


def _child(word: str) -> Child:
    mark = word[-1] if word[-1] in "?+*" else ""
    name, _, other = word.removesuffix(mark).partition(":")
    return Child(name, other or name, *_MANY[mark])


def _attributes(words: str) -> Mapping[str, Attribute]:
    found = {}
    for word in words.split():
        name, _, kind = word.removesuffix("!").partition("=")
        found[name] = Attribute(kind or "string", word.endswith("!"))
    return found
