"""HOPE's JSON objects as the flat ones a mapping reads.

    {"consent": true, "members": [{"documents": [{"type": "NATIONAL_ID", "document_number": 7}]}]}

becomes `{"consent": "true", "members": [{"members/documents/national_id/document_number": "7"}]}`.
Documents, accounts and identities stand under what kind they are; a list of answers is one text
with spaces between; true and false are texts; a number that HOPE itself keeps as text is text.

What must never leave is not there any more: whatever speaks of a sanction list, of deduplication
(which also shows other people), and pictures. It is told as unmapped, whatever a mapping says.
"""

import re
from collections.abc import Mapping
from typing import Any

from adapters.flat.keyed import Keyed, spread
from adapters.flat.nested import Flat
from adapters.hope.told import shown
from gateway.errors import SenderError
from gateway.mapping import Plan
from gateway.mapping.codes import code_table
from gateway.record import Reading

PICTURES = frozenset(("photo", "image", "consent_sign", "disability_certificate_picture"))
FORBIDDEN = re.compile(r"sanction|deduplication", re.IGNORECASE)

KEYED: Mapping[str, tuple[str, ...]] = {
    "documents": ("type",),
    "accounts": ("account_type_key", "account_type", "type"),
    "identities": ("partner", "type"),
}
"""Lists whose items say what they are, and by which member: the first that is there."""

OTHER = {"other": "other_id"}
"""A kind of document that has two names. Imports take the second."""

_KIND = "@kind"
_ISO2 = code_table("country_alpha2.iso3")

SOURCES = re.compile(r"(XLS|KOB|AUR|API)#.+", re.DOTALL)
"""How an `originating_id` must begin. A number of ours becomes `API#` and the number."""

TEXTS = frozenset(
    (
        "document_number", "number", "phone_no", "phone_no_alternative", "unhcr_id", "zip_code",
        "program_registration_id", "originating_id", "country_workspace_id",
        "payment_delivery_phone_no",
    )
)  # fmt: skip
"""Fields in which HOPE makes a text of a number."""

SINGLE = TEXTS | {"full_name", "given_name", "middle_name", "family_name", "email", "address"}
"""Fields that hold one text: a list of two would become a third."""

SEVERAL = frozenset(("observed_disability", "consent_sharing"))
DAYS = frozenset(("birth_date", "first_registration_date", "last_registration_date"))
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T[0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2})?")


def forbidden(key: str) -> bool:
    """Whether what stands under a key never leaves."""
    return bool(FORBIDDEN.search(key)) or key.lower() in PICTURES or key.lower().endswith("_photo")


class Normal:
    """Makes objects flat, for one plan."""

    def __init__(self, plan: Plan, reading: Reading) -> None:
        self._flat = Flat(plan, _joined)
        self._reading = reading

    def __call__(self, value: Mapping[str, Any], *, at: str) -> dict[str, Any]:
        """The flat object. Raises `SenderError` where an item does not say what it is."""
        found: dict[str, Any] = self._flat(self._inside(value, "", at), at=at)
        return found

    def _inside(self, value: Mapping[str, Any], path: str, at: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, inner in value.items():
            place = f"{path}/{key}" if path else key
            if forbidden(key):
                self._reading.unmapped.add(shown(place))
            elif key in KEYED and isinstance(inner, list):
                found[key] = self._kinds(inner, key, place, at)
            else:
                found[key] = self._value(key, inner, place, at)
        return found

    def _value(self, key: str, value: Any, place: str, at: str) -> Any:
        if isinstance(value, dict):
            return self._inside(value, place, at)
        if isinstance(value, list):
            items = [self._value(key, item, place, at) for item in value]
            if items and key in SINGLE:
                problem, where = "a list where one text belongs", f"{at}, {shown(place)}"
                raise SenderError(problem, rule="value.not_text", at=where)
            return _together(key, items)
        return _scalar(key, value)

    def _kinds(self, items: list[Any], key: str, place: str, at: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        told = [self._saying(item, key, place) for item in items]
        for path, value in spread(told, "", Keyed(_KIND), at=f"{at}, {shown(place)}"):
            _, kind, name = path.split("/", 2)
            own, inner = found.setdefault(kind, {}), f"{place}/{kind}/{name}"
            if forbidden(name):
                self._reading.unmapped.add(shown(inner))
            else:
                own[name] = self._value(name, value, inner, at)
        return found

    def _saying(self, item: Any, key: str, place: str) -> Any:
        """An item with its kind in small letters: HOPE writes both."""
        if not isinstance(item, dict):
            return item
        member = next((one for one in KEYED[key] if item.get(one) is not None), KEYED[key][0])
        said, rest = item.get(member), {one: item[one] for one in item if one != member}
        if isinstance(said, dict):
            said = self._one_of(said, ("key", "type"), f"{place}/{member}")
        if isinstance(said, int) and not isinstance(said, bool):
            said = str(said)  # The API tells of some partners and types by HOPE's own numbers.
        kind = OTHER.get(said.lower(), said.lower()) if isinstance(said, str) else said
        if isinstance(country := rest.get("country"), dict):
            code = self._one_of(country, ("iso_code2", "iso_code3"), f"{place}/{kind}/country")
            rest["country"] = _ISO2.get(code, code) if isinstance(code, str) else code
        return {**rest, _KIND: kind}

    def _one_of(self, said: Mapping[str, Any], names: tuple[str, ...], place: str) -> Any:
        """The first of these members that is there. The others are told as unmapped."""
        name = next((one for one in names if said.get(one)), names[0])
        self._reading.unmapped.update(shown(f"{place}/{one}") for one in said if one != name)
        return said.get(name)


def _together(key: str, items: list[Any]) -> Any:
    if not items:
        return None
    if key in SEVERAL and all(isinstance(item, str) for item in items):
        return " ".join(items)
    return items


def _joined(items: list[Any]) -> Any:
    return " ".join(items) if all(isinstance(item, str) for item in items) else items


def separated(text: str) -> str:
    """Answers of a multiple choice, which HOPE separates in three ways, with spaces between."""
    return " ".join(text.replace(",", " ").replace(";", " ").split())


def _scalar(key: str, value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and key in TEXTS:
        return str(value)
    if isinstance(value, str):
        if key == "originating_id":
            return _unsourced(value)
        if key in SEVERAL:
            return separated(value)
        if key in DAYS and (day := _DAY.fullmatch(value)):
            return day[1]
    return value


def sourced(number: str) -> str:
    """A number of ours as HOPE takes it, with the source before it."""
    return number if SOURCES.fullmatch(number) else f"API#{number}"


def _unsourced(number: str) -> str:
    own = number.removeprefix("API#")
    return own if own and not SOURCES.fullmatch(own) else number
