"""One record of a registry to canonical records, whatever its registry calls it."""

from collections.abc import Callable, Iterator, Mapping

from adapters.spdci.benefits import Assistance
from adapters.spdci.fields import FARMER, PERSON, PERSONAL
from adapters.spdci.found import Found
from adapters.spdci.groups import People, group
from adapters.spdci.parts import dates
from adapters.spdci.persons import Known, Scope, member, own_number
from gateway.record import Record


def canonical(found: Found, scope: Scope) -> Iterator[Record]:
    """Every record in one. Raises `SenderError` for a record of no kind that is known."""
    read = _READERS.get(_kind(found))
    if read is None:
        raise found.error("a record of no kind that is known", "record")
    yield from read(found, scope)
    found.left()


def _kind(found: Found) -> str:
    for kind, names in _BY_FIELD:
        if any(name in found for name in names):
            return kind
    called = found.called()
    return next((kind for word, kind in _BY_CLASS if called.endswith(word)), "")


def _group(found: Found, scope: Scope) -> Iterator[Record]:
    people = People(scope)
    record, path = group(found, scope, people)
    found.reading.lineage["household.record_id"] = path
    yield record
    yield from people.records()


def _person(found: Found, scope: Scope) -> Iterator[Record]:
    return _alone(member(found, scope), found, scope)


def _disabled(found: Found, scope: Scope) -> Iterator[Record]:
    """A person with a disability: the details of it stay behind."""
    for inner in found.inner("personal_details"):
        known = member(inner, scope)
        dates(found, "person", known.fields)
        yield from _alone(known, found, scope)


def _alone(known: Known, found: Found, scope: Scope) -> Iterator[Record]:
    """A person, and what programmes give to this person."""
    if known.id is None:
        raise found.error("a person without an id", "no_id", "identifier")
    assistance = Assistance()
    for one in (*known.objects, found):
        assistance.take(one)
    known.left()
    yield known.record()
    yield from _given(assistance, known.id, None, known.path, found, scope)


def _farmer(found: Found, scope: Scope) -> Iterator[Record]:
    """A farmer with the family. Land, crops, animals and machines stay behind."""
    people = People(scope)
    for inner in found.inner(*FARMER):
        known = member(inner, scope)
        if known.id is None:
            raise inner.error("a person without an id", "no_id", "identifier")
        people.add(known, "", "")
        known.left()
    for inner in found.inner("family_details"):
        record, path = group(inner, scope, people)
        found.reading.lineage["household.record_id"] = path
        yield record
    yield from people.records()


def _beneficiary(found: Found, scope: Scope) -> Iterator[Record]:
    """Who is assisted, as a member or a group, and what programmes give."""
    where, own = own_number(found, scope)
    people, assistance = People(scope), Assistance()
    named: dict[str, dict[str, str]] = {"member": {}, "group": {}}
    for inner in found.inner("member"):
        known = member(inner, scope)
        for one in known.objects:
            assistance.take(one)
        known.left()
        if known.id is not None:
            people.add(known, "", "")
            named["member"][known.id] = known.path
    for inner in found.inner("group"):
        record, path = group(inner, scope, people)
        named["group"][record["record_id"]] = path
        if len(record) > _BARE:
            found.reading.lineage["household.record_id"] = path
            yield record
    yield from people.records()
    assistance.take(found)
    unit = _BENEFITING.get(assistance.unit.get("assistance_unit", ""), "")
    assisted = named.get(unit) or {**named["member"], **named["group"]}
    if len(assisted) > 1:
        raise found.error("several beneficiaries of one assistance", "two_values", unit or "member")
    who = next(iter(assisted), None)
    if own is None and who is None:
        raise found.error("a beneficiary without an id", "no_id")
    assistance.made = assistance.made or [{}]
    yield from _given(assistance, who, own, where or assisted[who or ""], found, scope)


_BENEFITING = {"member": "member", "household": "group", "family": "group"}


_BARE = len(("record_type", "record_id"))


def _given(
    assistance: Assistance,
    who: str | None,
    own: str | None,
    path: str,
    found: Found,
    scope: Scope,
) -> Iterator[Record]:
    lineage = found.reading.lineage
    for record in assistance.records(who, own, scope.given):
        lineage["assistance.record_id"] = path
        if who is not None:
            lineage["assistance.beneficiary"] = path
        if assistance.unit:
            lineage["assistance.assistance_unit"] = assistance.unit_path
        yield record
    if assistance.unit and not assistance.made:
        found.reading.unmapped.add(assistance.unit_path)


_Read = Callable[[Found, Scope], Iterator[Record]]
_READERS: Mapping[str, _Read] = {
    "farmer": _farmer,
    "disabled": _disabled,
    "beneficiary": _beneficiary,
    "group": _group,
    "member": _person,
}
_BY_FIELD = (
    ("farmer", FARMER),
    ("disabled", ("personal_details",)),
    ("beneficiary", ("assistance_unit", "member", "group")),
    ("group", ("group_identifier", "member_list", "group_head_info", "group_size", "group_type")),
    ("member", ("household_member", "member_identifier", *PERSONAL, "identifier", "name")),
    ("member", ("identifier_value", *(name for item in PERSON for name in item.names))),
)
"""A field that only one kind has. The class an object says is asked last: senders copy it from
each other."""
_BY_CLASS = (
    ("group", "group"),
    ("household", "group"),
    ("family", "group"),
    ("beneficiary", "beneficiary"),
    ("member", "member"),
    ("person", "member"),
)
"""How the name of a class ends."""
