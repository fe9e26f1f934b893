"""A flat contact as the body of a request that creates or changes one."""

from collections.abc import Mapping
from typing import Any

from adapters.flat.keyed import gathered
from adapters.flat.nested import nest
from adapters.rapidpro.contacts import CONTACT, GROUPS, RESULTS, URNS
from gateway.errors import SenderError

_URNS = (f"{CONTACT}/urns", "urns")
_POSTED = frozenset((RESULTS, "run", "path", "input"))
"""Members of what a resthook posts, and of no contact."""


def body(fields: Mapping[str, Any]) -> dict[str, Any]:
    """One body. Always with `fields` or `contact`, so that it is known for what it is.

    Raises `SenderError` where the mapping writes a path that is a value and a group.
    """
    under = tuple(f"{path}/" for path in _URNS)
    rest = {key: one for key, one in fields.items() if not key.startswith(under)}
    found = nest(rest)
    for path in _URNS:
        urns = [text for item in gathered(fields, path, URNS) if (text := _text(item))]
        if urns:
            _put(found, path, urns)
    if found.keys() & _POSTED:
        found.setdefault(CONTACT, {})
    if CONTACT not in found:
        found.setdefault("fields", {})
        if isinstance(found.get(GROUPS), list):
            found[GROUPS] = [one["uuid"] for one in found[GROUPS] if "uuid" in one]
    return found


def _put(found: dict[str, Any], path: str, urns: list[str]) -> None:
    contact = found.setdefault(CONTACT, {}) if path != "urns" else found
    if not isinstance(contact, dict) or "urns" in contact:
        raise SenderError("the mapping writes addresses twice", rule="mapping.both")
    if contact is not found and len(urns) == 1:
        contact["urn"] = urns[0]  # As a resthook has it.
    else:
        contact["urns"] = urns


def _text(item: Mapping[str, Any]) -> str:
    path, display = item.get("path"), item.get("display")
    if not isinstance(path, str):
        return ""
    return f"{item['scheme']}:{path}" + (f"#{display}" if isinstance(display, str) else "")
