"""Which of a party's registered addresses takes what is pushed."""

from collections.abc import Mapping
from typing import Any


def endpoint_for(party: Mapping[str, Any], target: str) -> Mapping[str, Any] | None:
    """The first endpoint that takes this format."""
    endpoints: list[Mapping[str, Any]] = party.get("endpoints", [])
    return next((one for one in endpoints if target in one.get("formats", ())), None)


def endpoint_named(party: Mapping[str, Any] | None, name: str) -> Mapping[str, Any] | None:
    """The endpoint of this id, if it is still registered."""
    endpoints: list[Mapping[str, Any]] = (party or {}).get("endpoints", [])
    return next((one for one in endpoints if one["id"] == name), None)
