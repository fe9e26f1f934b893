"""Records as the body of an import: `{"name": …, "program": …, "households": [{…}]}`.

HOPE takes a household with exactly one head and one primary collector, and at most one alternate.
A record that does not say them is refused: nobody is made a collector here. That a date of birth
is in the past is not looked at; an adapter knows no clock.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import orjson

from adapters.flat.back import Back, listed
from adapters.flat.keyed import Keyed, gathered
from adapters.flat.nested import nest
from adapters.flat.typed import Typed
from adapters.hope.normal import KEYED, SEVERAL, Normal, sourced
from gateway.errors import SenderError
from gateway.mapping import Plan
from gateway.record import Reading, Record, Writing, load

CAPITALS = frozenset(("relationship", "role", "sex", "residence_status", "marital_status"))
"""Codes that HOPE takes in capital letters only."""

BOOLEANS = {"true": True, "false": False}
SAID_SO = frozenset(("consent", "estimated_birth_date"))
TIMES = frozenset(("first_registration_date",))
NEEDED = {"": ("country",), "members/": ("full_name", "birth_date")}
"""What HOPE refuses to be without, in a household and in each member."""

UNSAID = {"relationship": "UNKNOWN", "sex": "NOT_COLLECTED"}
"""HOPE's own codes for what nobody said, in fields that it requires.

Somebody whose relationship is `UNKNOWN` is taken, and is then no member of the household.
"""

_MEMBER = "household.member_list[].member"
_RELATIONSHIP = "household.member_list[].relationship_head"
_PRIMARY, _ALTERNATE, _HEAD = "PRIMARY", "ALTERNATE", "HEAD"


def body(records: Iterable[Record], plan: Plan, *, own: bool) -> "Body":
    """The body, to be walked once. Raises `SenderError` where no household is meant."""
    if plan.record_types[0] != "household":
        raise _nobody()
    return Body(records, plan, own=own)


class Body:
    """Chunks of one body. With the adapter's own plan it is the list that `push` takes."""

    def __init__(self, records: Iterable[Record], plan: Plan, *, own: bool) -> None:
        self._records = Headed(records, own=own)
        self._back = Back(plan, self._records)
        self._plan = plan
        self._own = own
        self._normal = Normal(plan, Reading())
        self._typed = Typed(plan, shapes=False, booleans=True)
        self._unrelated = False

    def __iter__(self) -> Iterator[bytes]:
        before, after = (b"", b"") if self._own else self._around()
        yield from listed(self._households(), before, after)
        if not self._back.count:
            raise _nobody()

    def tell(self, writing: Writing) -> None:
        """What became of each leaf, after the walk."""
        self._back.tell(writing)
        self._records.tell(writing)
        if self._unrelated:
            writing.lineage.pop(_MEMBER, None)
            writing.unrendered.add(_MEMBER)

    def _around(self) -> tuple[bytes, bytes]:
        form = self._plan.document.get("form", {})
        said = {"name": form.get("id", self._plan.id), "program": form.get("version")}
        given = orjson.dumps({key: value for key, value in said.items() if value})
        return given[:-1] + b',"households":', b"}"

    def _households(self) -> Iterator[dict[str, Any]]:
        for number, fields in enumerate(self._back, 1):
            at = f"household {number}"
            household = self._nested(fields, "")
            check(household, at)
            related = [one["relationship"] for one in household["members"]]
            self._unrelated |= UNSAID["relationship"] in related
            text = orjson.dumps(household)
            again = self._normal(json.loads(text, parse_float=Decimal), at=at)
            # The adapter's own plan takes codes in capitals and small letters for the same.
            if _spelled(again) != _spelled(fields) or not self._own:
                self._back.compare(fields, again)
            yield household

    def _nested(self, fields: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        typed = self._typed(fields)
        below = {name: f"{prefix}{name}" for name in KEYED}
        rest = {
            key: _value(key.rsplit("/", 1)[-1], value)
            for key, value in typed.items()
            if not key.startswith(tuple(f"{path}/" for path in below.values()))
        }
        members = rest.pop("members", None) if not prefix else None
        found = nest(rest, under=prefix.removesuffix("/"))
        for name, path in below.items():
            items = gathered(typed, path, Keyed("partner" if name == "identities" else "type"))
            if kept := [item for item in items if _is_whole(name, item)]:
                found[name] = kept
        if isinstance(members, list):
            found["members"] = [UNSAID | self._nested(one, "members/") for one in members]
        if isinstance(number := found.get("originating_id"), str):
            found["originating_id"] = sourced(number)
        return found


def _value(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if name in CAPITALS:
        return value.upper()
    if name in SEVERAL:
        # Disabilities are one text to HOPE, partners a list.
        parts = value.upper().split()
        return parts if name == "consent_sharing" else ",".join(parts)
    if name in SAID_SO:
        return BOOLEANS.get(value, value)
    if name in TIMES and len(value) == len("2026-01-01"):
        return f"{value}T00:00:00Z"
    return value


def _is_whole(name: str, item: Mapping[str, Any]) -> bool:
    return name != "documents" or ("document_number" in item and "country" in item)


def _spelled(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields with what two spellings of one code have in common, and without what was unsaid."""
    found: dict[str, Any] = {}
    for key, value in fields.items():
        name = key.rsplit("/", 1)[-1]
        if isinstance(value, list):
            found[key] = [_spelled(item) if isinstance(item, dict) else item for item in value]
        elif isinstance(value, str) and (name in CAPITALS or name in SEVERAL):
            found[key] = value.upper()
        elif isinstance(value, int | Decimal):
            found[key] = str(value)
        else:
            found[key] = value
    unsaid = {name for name, code in UNSAID.items() if found.get(f"members/{name}") == code}
    return {
        key: value for key, value in found.items() if key.removeprefix("members/") not in unsaid
    }


def check(household: Mapping[str, Any], at: str) -> None:
    """Raise `SenderError` for what HOPE would refuse in a household."""
    members = household.get("members", [])
    heads = sum(member.get("relationship") == _HEAD for member in members)
    if heads != 1:
        problem = "a household needs exactly one head"
        raise SenderError(problem, rule="hope.head", at=f"{at}, members")
    roles = [member.get("role") for member in members]
    if roles.count(_PRIMARY) != 1 or roles.count(_ALTERNATE) > 1:
        problem = "a household needs one primary collector, and may have one alternate"
        raise SenderError(problem, rule="hope.collector", at=f"{at}, members")
    _needed(household, "", at)
    for number, member in enumerate(members, 1):
        _needed(member, "members/", f"{at}, member {number}")


def _needed(found: Mapping[str, Any], prefix: str, at: str) -> None:
    for name in NEEDED[prefix]:
        if name not in found:
            raise SenderError(
                "HOPE requires a field that the record has not",
                rule="hope.required",
                at=f"{at}, {prefix}{name}",
            )


class Headed:
    """Records whose head says so in the one way that HOPE has: by a relationship. Walked once."""

    def __init__(self, records: Iterable[Record], *, own: bool) -> None:
        self._records = records
        self._own = own
        self._said = self._made = False
        self._versions: set[str] = set()

    def __iter__(self) -> Iterator[Record]:
        authorities: set[str] = set()
        for record in self._records:
            kind = record["record_type"]
            if "schema_version" in record:
                self._versions.add(f"{kind}.schema_version")
            if self._own:
                # What is written is read again, and compares in no time where all is the same.
                record = {**record, "schema_version": load(kind)["x-version"]}
            if kind != "household":
                yield record
                continue
            authorities.add(record["record_id"].partition("/")[0])
            if len(authorities) > 1:
                # Their own numbers may be the same, and HOPE would take two households for one.
                raise SenderError("households of two authorities", rule="hope.authorities")
            yield self._headed(record)

    def tell(self, writing: Writing) -> None:
        """Correct what became of each leaf by what was made here, after the walk."""
        if self._made and not self._said:
            writing.lineage.pop(_RELATIONSHIP, None)
        if self._own:
            writing.unrendered |= self._versions

    def _headed(self, record: Record) -> Record:
        listing = record.get("member_list", [])
        self._said |= any("relationship_head" in one for one in listing)
        if any(one.get("relationship_head") == "head" for one in listing):
            return record
        head = record.get("group_head")
        made = [_with_head(one, head) for one in listing]
        self._made |= made != listing
        return {**record, "member_list": made} if made != listing else record


def _with_head(one: dict[str, Any], head: Any) -> dict[str, Any]:
    is_head = one.get("is_head") is True or (head is not None and one.get("member") == head)
    return (
        {**one, "relationship_head": "head"} if is_head and "relationship_head" not in one else one
    )


def _nobody() -> SenderError:
    return SenderError(
        "no household to write: an import is of households", rule="hope.no_household"
    )
