"""Kinds of difficulty that a person has.

    {"disability_limitation_type": "d230", "functional_severity": "2"}

The codes are those of the ICF, whose qualifier 0 says that there is no difficulty: such a code is
not carried, for it would say the opposite.
"""

from typing import Any

from adapters.leaf_names import NOTHING
from adapters.spdci.fields import DIFFICULTY, LIMITATIONS, SEVERITY, Item
from adapters.spdci.found import Found
from adapters.spdci.values import CODES, is_empty

_LEAF = "person.disability_info[]"
_NONE = "0"


def difficulties(found: Found, into: dict[str, Any]) -> None:
    """Take codes from the objects that stand for them, else from lists of the person."""
    path, value = found.take(DIFFICULTY.names[0])
    kept: list[str] = []
    for item in value if isinstance(value, list) else [value]:
        if item is NOTHING or is_empty(item):
            continue
        alone = {LIMITATIONS[0]: item}
        one = Found(item if isinstance(item, dict) else alone, path, found.at, found.reading)
        kept += _codes(one)
        one.left()
    more = _codes(found)
    for codes, where in ((kept, path), (more, found.place(LIMITATIONS[1]))):
        if codes:
            found.put(DIFFICULTY.field, codes, _LEAF, where, into)


def _codes(found: Found) -> list[str]:
    """The codes in one object, without those that are no difficulty at all."""
    severe, severity = found.take(SEVERITY)
    found.reading.unmapped.update([severe] if severe else [])
    kept: list[str] = []
    for name in LIMITATIONS:
        place = found.place(name)
        made: dict[str, Any] = {}
        found.read((Item("codes", (name,), CODES),), None, made)
        codes: list[str] = made.get("codes", [])
        some = [code for code, level in zip(codes, _levels(severity, codes), strict=True) if level]
        if len(some) != len(codes):
            found.reading.unmapped.add(place)
        kept += some
    return kept


def _levels(severity: Any, codes: list[str]) -> list[bool]:
    """Of each code, whether there is a difficulty: not where its own level, or every one, is 0."""
    said = [str(one) != _NONE for one in (severity if isinstance(severity, list) else [severity])]
    return said if len(said) == len(codes) else [any(said)] * len(codes)
