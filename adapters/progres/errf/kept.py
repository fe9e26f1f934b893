"""The form's own words, in `extension`, where a record alone would not give them back.

An element without a canonical field, and one that says more than its field (`HAB`, a half-brother,
is a sibling), stand there under the form's names. On the way back each is written only where it
says no more of a canonical field than the record does.
"""

from collections.abc import Callable, Mapping
from typing import Any

from adapters.progres.errf.tables import (
    INDIVIDUAL,
    OF_A_PERSON,
    READ,
    REFERENCE,
    RESETTLEMENT,
    TABLES,
    Kind,
    Parts,
    Row,
)
from adapters.progres.errf.values import COLLAPSED, check, says
from gateway.errors import SenderError
from gateway.source.markup import writable


def leftover(parts: Parts, plain: Parts, table: str) -> dict[str, Any]:
    """What `parts` say beyond `plain`, which is what would be written without them."""
    items = READ[table]
    return {
        name: value
        for name, value in parts.items()
        if (says(items[name], value) if isinstance(value, str) else value)
        and value != plain.get(name)
    }


def overlaid(
    plain: Parts, extension: Mapping[str, Any], table: str, read: Callable[[Parts], object]
) -> Parts:
    """`plain` with what was kept, as far as `read` understands the same of both."""
    parts = plain
    seen = read(plain)
    kept = [(name, value) for name, value in extension.items() if _fits(name, value, table)]
    # Rows first: the country of asylum says where somebody stays only where no address does.
    for name, value in sorted(kept, key=lambda one: isinstance(one[1], str)):
        more: Parts = {**parts, name: value}
        try:
            same = read(more) == seen
        except SenderError:
            continue
        if same:
            parts = more
    return parts


_LISTS = {INDIVIDUAL: OF_A_PERSON, RESETTLEMENT: (REFERENCE,)}


def _fits(name: str, value: Any, table: str) -> bool:
    if isinstance(value, str):
        return _says(name, value, table)
    if name not in _LISTS.get(table, ()) or not isinstance(value, list):
        return False
    return all(isinstance(row, dict) and row and _row_fits(row, name) for row in value)


def _row_fits(row: Row, table: str) -> bool:
    return all(isinstance(text, str) and _says(name, text, table) for name, text in row.items())


def _says(name: str, text: str, table: str) -> bool:
    item = next((item for item in TABLES[table] if item.name == name), None)
    if item is None or (item.kind is Kind.JOIN and table != REFERENCE):
        return False
    if not says(item, text) or not writable(text) or (item.kind in COLLAPSED and _padded(text)):
        return False
    try:
        check(item, text)
    except ValueError:
        return False
    return True


def _padded(text: str) -> bool:
    return text != text.strip()
