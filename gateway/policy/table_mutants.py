"""Small changes to the tables the policies read, each of which a test must notice.

An entry is removed, a number moved by one, a truth turned round, one cell of a matrix opened.
Words that no rule reads are left alone. Of a long table a seeded sample is taken.
"""

import copy
import random
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.canonical import canonical
from gateway.policy.mutants import Mutant

WORDS = frozenset(["explained", "fixes", "rules", "red_lines", "matrix_marks"])
"""Tables of words: what they say changes no decision."""

WORDED = frozenset(["label", "text", "source", "dpv", "reason", "title"])
"""Keys of words within a table."""

OPENED = "keep"
FORMS_OF = ("matrices", "ceilings")
"""Tables of forms by record type and field, which are opened cell by cell."""

Step = str | int


def of_tables(data: Mapping[str, Any], *, most: int, seed: int) -> list[Mutant]:
    """At most so many mutants of each table. `data` is a bundle's whole document."""
    found: list[Mutant] = []
    for table, held in sorted(data["taxonomy"].items()):
        if table in WORDS or table.endswith("_comment"):
            continue
        opened = table in FORMS_OF
        changes = list(_opened((), held, data) if opened else _changes((), held))
        # To be repeated, not to be secret.
        dice = random.Random(f"{seed}/{table}")  # noqa: S311
        chosen = dice.sample(changes, min(most, len(changes)))
        found += [_mutant(data, table, path, value, words) for path, value, words in chosen]
    return found


def _mutant(
    data: Mapping[str, Any], table: str, path: tuple[Step, ...], value: Any, words: str
) -> Mutant:
    changed = copy.deepcopy(dict(data))
    place = changed["taxonomy"]
    for step in (table, *path)[:-1]:
        place = place[step]
    last = (table, *path)[-1]
    if value is None:
        del place[last]
    else:
        place[last] = value
    written = ".".join(str(step) for step in (table, *path))
    return Mutant("taxonomy", written, words, written, canonical(changed).decode())


def _changes(path: tuple[Step, ...], value: Any) -> Iterator[tuple[tuple[Step, ...], Any, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in WORDED and not key.endswith("_comment"):
                yield from _changes((*path, key), inner)
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _changes((*path, at), inner)
    elif isinstance(value, bool):
        yield path, not value, f"{value} -> {not value}".lower()
    elif isinstance(value, int):
        yield path, value + 1, f"{value} -> {value + 1}"
    if path and (isinstance(value, str) or value in ({}, [])):
        yield path, None, "entry removed"


def _opened(
    path: tuple[Step, ...], cells: Any, data: Mapping[str, Any]
) -> Iterator[tuple[tuple[Step, ...], Any, str]]:
    """Each cell of form by purpose (or form of the record), record type and field."""
    fields = data["taxonomy"]["fields"]
    for row, types in cells.items():
        for record_type in types:
            held = types[record_type]
            for field in fields.get(record_type, {}):
                if (form := held.get(field, "drop")) != OPENED:
                    yield (*path, row, record_type, field), OPENED, f"{form} -> {OPENED}"
