"""Canonical records to rows of an HXL table: the columns first, then record by record."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from adapters.hxl.cells import cell
from adapters.hxl.columns import LEVELS, Target, targets
from gateway.errors import SenderError
from gateway.record import RECORD_TYPES, Record, Writing, leaves
from gateway.source.cells import COLUMNS
from gateway.source.tables import Cell

Column = tuple[str, tuple[int, ...], int]
"""The schema's hashtag, the numbers of the items its arrays are at, and the number among equal
columns (of an array of texts)."""

Fits = Callable[[str], bool]
"""Whether the notation can hold a text."""

HEAD: tuple[Column, ...] = (("#meta+record+type", (), 0), ("#meta+id", (), 0))


def table(records: Iterable[Record], writing: Writing, fits: Fits) -> Iterator[list[Cell]]:
    """A row of plain names, a row of hashtags, a row for each record. Walks `records` twice."""
    found = set(HEAD)
    for record in records:
        found.update(column for column, _ in _cells(record, writing, fits))
        if len(found) > COLUMNS:
            raise SenderError("more columns than a table has", rule="table.too_many_columns")
    for leaf in writing.unrendered:
        writing.lineage.pop(leaf, None)
    columns = sorted(found, key=_order)
    yield [_name(*column) for column in columns]
    yield [_written(*column) for column in columns]
    for record in records:
        row = dict(_cells(record, Writing(), fits))
        yield [row.get(column, "") for column in columns]


def _cells(record: Record, writing: Writing, fits: Fits) -> Iterator[tuple[Column, Cell]]:
    record_type = record["record_type"]
    for field, content in record.items():
        known = _by_field(record_type).get(field)
        if known is None:
            writing.unrendered.add(f"{record_type}.{field}")
            continue
        for tag, target in known:
            for index, number, item in _values(content, target.path[1:], ()):
                found = _cell(item, target)
                if found == "":
                    continue
                if isinstance(found, str) and not fits(found):
                    _lost(target, record_type, writing)
                    continue
                writing.lineage[f"{record_type}.{target.leaf}"] = target.tag
                yield (tag, index, number), found


def _lost(target: Target, record_type: str, writing: Writing) -> None:
    if target.path == ("record_id",):
        raise SenderError("an id that no table can hold", rule="hxl.record_id")
    writing.unrendered.add(f"{record_type}.{target.leaf}")


@cache
def _by_field(record_type: str) -> Mapping[str, Sequence[tuple[str, Target]]]:
    found: dict[str, list[tuple[str, Target]]] = {}
    for tag, target in targets(record_type).items():
        found.setdefault(target.path[0], []).append((tag, target))
    return found


def _values(
    content: Any, path: Sequence[str], index: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], int, Any]]:
    """Every value at a path: indices of the arrays of objects, number in the array of texts."""
    if not path:
        yield index, 0, content
    elif path[0] == "[]":
        for position, item in enumerate(content, 1):
            if len(path) == 1:
                yield index, position, item
            else:
                yield from _values(item, path[1:], (*index, position))
    elif path[0] in content:
        yield from _values(content[path[0]], path[1:], index)


def _cell(item: Any, target: Target) -> Cell:
    if target.coordinate is None:
        return cell(item, target.kind)
    numbers = item["coordinates"]
    return cell(numbers[target.coordinate], "number") if target.coordinate < len(numbers) else ""


Position = tuple[int, int, tuple[int, ...], int, int]


@cache
def _positions() -> Mapping[str, tuple[Target, int, int, int]]:
    """Hashtag to its target and its place: record type, field, number among the field's leaves."""
    positions: dict[str, tuple[Target, int, int, int]] = {}
    for kind, record_type in enumerate(RECORD_TYPES):
        fields = list(dict.fromkeys(leaf.path[0] for leaf in leaves(record_type).values()))
        for number, (tag, target) in enumerate(targets(record_type).items()):
            place = (target, kind, fields.index(target.path[0]), number)
            positions.setdefault(tag, place)
    return positions


def _order(column: Column) -> Position:
    # Columns of one item stand together; otherwise the order is the schemas'.
    tag, index, number = column
    _, kind, field, leaf = _positions()[tag]
    return kind, field, index, leaf, number


def _name(tag: str, index: tuple[int, ...], number: int) -> str:
    target = _positions()[tag][0]
    words = [step for step in target.path if step != "[]"]
    if target.coordinate is not None:
        words.append(tag.rsplit("+", 1)[1])
    numbers = [str(one) for one in (*index, number) if one]
    return " ".join([*words, *numbers]).replace("_", " ")


def _written(tag: str, index: tuple[int, ...], number: int) -> str:
    marks = (f"+{level}{one}" for level, one in zip(LEVELS, index, strict=False))
    return tag + "".join(marks)
