"""HOPE's objects, each with what the plan of its shape looks for under keys of this adapter's own.

Nothing is taken away but what stands in a new place, so that a caller's mapping finds the rest
where HOPE has it. `settle` leaves each plan what it reads.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gateway.errors import SenderError
from gateway.record import SCHEMAS

MADE = ("position", "hope_id", "country_code")
"""Keys of the object itself that are made here. Where no line names one, it goes again."""

COUNTRIES: Mapping[str, str] = {
    one["en"].casefold(): one["alpha_2"]
    for one in json.loads((SCHEMAS / "codes" / "country.json").read_bytes())["codes"].values()
}
"""English name to ISO 3166-1 alpha-2. The API tells of households by the name of their country."""

_CODE = re.compile(r"[A-Z]{2}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_COLLECTORS = {"primary_collector_id": "PRIMARY", "alternate_collector_id": "ALTERNATE"}


def plain(found: Mapping[str, Any], at: str) -> dict[str, Any]:
    """An object that is read as it stands."""
    return dict(found)


def linked(household: Mapping[str, Any], at: str) -> dict[str, Any]:
    """A household of the API, its head and country and HOPE's own number.

    The head is told by the long number only; the roles say which short one that is. A country
    whose name is no English one of ISO 3166 stays what it is, and unmapped.
    """
    found = dict(household)
    _numbered(found)
    country = found.get("country")
    if isinstance(country, str):
        code = country if _CODE.fullmatch(country) else COUNTRIES.get(country.casefold())
        if code is not None:
            found["country_code"] = code
    head, roles = found.get("head_of_household"), found.get("roles_in_household")
    if not isinstance(head, dict) or not isinstance(roles, list):
        return found
    number = head.get("id")
    if not isinstance(number, str):
        return found
    found["roles_in_household"] = list(_roles(roles, number))
    for role in found["roles_in_household"]:
        if "is_head" in role:
            found["head_of_household_id"] = role["individual"]["unicef_id"]
            found["head_of_household"] = {key: head[key] for key in head if key != "id"}
    return found


def _roles(roles: list[Any], head: str) -> Iterator[Any]:
    for role in roles:
        individual = role.get("individual") if isinstance(role, dict) else None
        known = isinstance(individual, dict) and "unicef_id" in individual
        here = known and role["individual"].get("id") == head
        yield {**role, "is_head": "true"} if here else role


def lax(household: Mapping[str, Any], at: str) -> dict[str, Any]:
    """A household of `push/lax/households`: its members are a list of numbers.

    Raises `SenderError` where somebody is primary and alternate collector at once.
    """
    found = {key: value for key, value in household.items() if key != "members"}
    collects: dict[str, str] = {}
    for key, role in _COLLECTORS.items():
        number = household.get(key)
        if not isinstance(number, str) or not number:
            continue
        if number in collects:
            raise SenderError(
                "both primary and alternate collector of one household",
                rule="hope.collector",
                at=f"{at}, {key}",
            )
        collects[number] = role
        del found[key]
    head = household.get("head_of_household_id")
    heads = [head] if isinstance(head, str) and head else []
    members: list[dict[str, Any]] = []
    for number in dict.fromkeys([*household["members"], *heads, *collects]):
        members.append({"id": number})
        if number in collects:
            members[-1]["collects"] = collects[number]
        if number == head:
            members[-1]["is_head"] = "true"
    return {**found, "members": members}


def single(found: Mapping[str, Any], at: str) -> dict[str, Any]:
    """A person or payment of the API, with HOPE's own number and the collector's short one."""
    made = dict(found)
    _numbered(made)
    collector = made.get("collector")
    short = collector.get("unicef_id") if isinstance(collector, dict) else None
    if isinstance(short, str) and short:
        made["collector_id"] = short
    return made


def _numbered(found: dict[str, Any]) -> None:
    if "unicef_id" in found and isinstance(found.get("id"), str):
        found["hope_id"] = found["id"]


def settle(value: dict[str, Any], names: Callable[[str], bool], *, own: bool) -> None:
    """Keep what was made here for a plan that names it, or else what it was made of.

    `own`: the plan is the adapter's. It knows ways of delivery by name, and newer servers write
    the number of one; its name stands in `delivery_mechanism`, if anywhere.
    """
    for key in MADE:
        if key in value and not names(key):
            del value[key]
        elif key in value and key == "country_code":
            del value["country"]
    kind = value.get("delivery_type")
    if own and (isinstance(kind, int) or (isinstance(kind, str) and _UUID.fullmatch(kind))):
        value["delivery_type_id"] = value.pop("delivery_type")
