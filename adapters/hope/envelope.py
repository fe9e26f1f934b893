"""Taking HOPE's JSON apart: bodies of imports, pages of the API, and what holds no records.

What a document is shows in its keys. Answers, lookups, places, questions and states of imports
are refused by a rule that says so: they are about HOPE, not about people.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from urllib.parse import quote

from adapters.hope import plans, ready
from adapters.hope.told import shown
from gateway.errors import SenderError
from gateway.mapping import Plan
from gateway.record import Reading
from gateway.source.objects import objects

PAGE = frozenset(("count", "previous", "results"))
"""Keys of a page that need no mention. `next` does where it has a value: there is more."""

RECORDED = frozenset(("status_code", "headers", "data", "content_type"))
"""An answer as a recorder keeps it."""

LONGEST = 150
"""Characters of an import's name that may stand in an id."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of object, as HOPE writes it."""

    plan: Plan
    here: Callable[[Mapping[str, Any]], bool]
    """Whether an object is one."""
    ready: Callable[[Mapping[str, Any], str], dict[str, Any]] = ready.plain


def _members(of: type) -> Callable[[Mapping[str, Any]], bool]:
    def here(found: Mapping[str, Any]) -> bool:
        members = found.get("members")
        return isinstance(members, list) and all(isinstance(one, of) for one in members)

    return here


def _has(*keys: str, some: tuple[str, ...] = ()) -> Callable[[Mapping[str, Any]], bool]:
    def here(found: Mapping[str, Any]) -> bool:
        return found.keys() >= set(keys) and (not some or any(key in found for key in some))

    return here


SHAPES = (
    Shape(plans.LAX, lambda found: bool(found.get("members")) and _members(str)(found), ready.lax),
    Shape(plans.RDI, _members(dict)),
    Shape(plans.PAYMENT_PLAN, _has("dispersion_start_date"), ready.single),
    Shape(
        plans.PAYMENTS,
        _has("entitlement_quantity", some=("household_id", "household_unicef_id")),
        ready.single,
    ),
    Shape(plans.HOUSEHOLDS, _has("unicef_id", "head_of_household"), ready.linked),
    Shape(
        plans.PEOPLE,
        _has("full_name", some=("birth_date", "sex", "relationship")),
        ready.single,
    ),
)

METADATA: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "questions of a server": _has("associated_with", "is_flex_field"),
    "places": _has("p_code"),
    "countries": _has("iso_code2"),
    "the state of an import": _has("status", some=("data_type", "data_source")),
    "a programme": _has("name", some=("frequency_of_payments", "budget", "data_collecting_type")),
    "a list of codes": lambda found: (
        bool(found) and all(isinstance(value, str) for value in found.values())
    ),
}
"""What is about HOPE and not about people, by what it is."""

_ANSWERS = (
    lambda found: (
        _has("id", "households", "individuals")(found) and not isinstance(found["households"], list)
    ),
    lambda found: found.keys() == {"detail"},
    lambda found: found.keys() - {"country_workspace_id"} == {"id", "name"},
    _has("processed", "accepted", "errors"),
    _has("id", "people"),
)


@dataclass(slots=True)
class Found:
    """One object and the plan that reads it where the caller has none."""

    value: dict[str, Any] = field(repr=False)
    plan: Plan
    at: str


def found_in(content: BinaryIO, reading: Reading) -> Iterator[Found]:
    """Every household, person or payment of a payload, in its order."""
    unfold = Unfold(reading)
    for number, one in enumerate(objects(content, unfold, exact=True), 1):
        at = one.at or f"object {number}"
        if one.twice:
            raise SenderError("a key stands twice in one object", rule="json.key_twice", at=at)
        shape = _shape(one.value, at)
        value = shape.ready(one.value, at)
        if "position" in value:
            reading.unmapped.add("position")
        value["position"] = f"{unfold.start}{number}"
        yield Found(value, shape.plan, at)


class Unfold:
    """From a document to its objects. Tells `reading` what else stands in the document."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self.start = ""
        """What ids made of positions begin with: the name of the import, where it has one."""

    def __call__(self, document: Any) -> Iterator[Any]:
        """The objects of one document."""
        if isinstance(document, dict) and document.keys() <= RECORDED and "data" in document:
            document = document["data"]
        if isinstance(document, list):
            yield from document
            return
        if not isinstance(document, dict):
            raise _other()
        if any(is_answer(document) for is_answer in _ANSWERS):
            raise _answer()
        if isinstance(document.get("results"), list):
            self._note(document, PAGE)
            yield from document["results"]
        elif isinstance(document.get("households"), list):
            self._note(document, {"households"})
            self.start = _start(document.get("name"))
            yield from document["households"]
        else:
            yield document

    def _note(self, document: Mapping[str, Any], known: frozenset[str] | set[str]) -> None:
        said = {key for key, value in document.items() if value is not None}
        self._reading.unmapped.update(map(shown, said - known))


def _start(name: Any) -> str:
    """Positions alone would give two imports the same ids."""
    text = quote(name, safe="") if isinstance(name, str) else ""
    return f"{text}:" if 0 < len(text) <= LONGEST else ""


def _shape(value: Any, at: str) -> Shape:
    if not isinstance(value, dict):
        raise _other(at)
    for shape in SHAPES:
        if shape.here(value):
            return shape
    if _has("id", "status")(value) and len(value) == 2:
        raise _answer(at)
    for what, is_it in METADATA.items():
        if is_it(value):
            raise SenderError(f"no records: {what}", rule="hope.metadata", at=at)
    raise _other(at)


def _answer(at: str = "") -> SenderError:
    return SenderError("no records: what HOPE answered to an import", rule="hope.answer", at=at)


def _other(at: str = "") -> SenderError:
    return SenderError("no households, people or payments of HOPE", rule="hope.not_records", at=at)
