"""What all data values of a set have in common, and may therefore stand in its header."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from adapters.dhis2.aggregate.value import HEAD, DataValue


@dataclass(frozen=True, slots=True)
class Shared:
    """The header of a set."""

    head: dict[str, str] = field(default_factory=dict, repr=False)
    attributes: dict[str, str] = field(default_factory=dict, repr=False)


def shared(values: Iterator[DataValue]) -> Shared:
    """The header for these values. Stops looking as soon as nothing can stand in it.

    A set is complete for one data set, place, period and combination of attributes: so
    `completeDate` stands there only where all of them are the same throughout.
    """
    first = next(values, None)
    if first is None:
        return Shared()
    same: dict[str, Any] = {key: first.fields.get(key) for key in HEAD}
    attributes = first.attributes
    for one in values:
        if not any((same.get("dataSet"), same.get("completeDate"), attributes)):
            return Shared()
        same = {key: value for key, value in same.items() if one.fields.get(key) == value}
        attributes = attributes if one.attributes == attributes else {}
    if "attributeOptionCombo" not in same or (same["attributeOptionCombo"] and attributes):
        attributes = {}
    wanted = {"dataSet"}
    whole = same.keys() == set(HEAD) and same["dataSet"] and first.attributes == attributes
    if whole and same["completeDate"]:
        wanted = set(HEAD)
    return Shared(
        {key: value for key, value in same.items() if value and key in wanted}, attributes
    )
