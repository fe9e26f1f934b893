"""Canonical records to one HXL table."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from adapters.hxl.cells import cell
from adapters.hxl.columns import Target, targets
from gateway.record import RECORD_TYPES, Record, Rendered, leaves

Column = tuple[str, int]
"""The schema's hashtag, and the number of the item: 0 where there is no array."""


def render(records: Sequence[Record], media_type: str) -> Rendered:
    """The table, and what became of every leaf."""
    lineage: dict[str, str] = {}
    unrendered: set[str] = set()
    rows = [dict(_cells(record, lineage, unrendered)) for record in records]
    columns = sorted({column for row in rows for column in row}, key=_order)
    if not rows:
        columns = [("#meta+record+type", 0), ("#meta+id", 0)]
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_name(*column) for column in columns)
    writer.writerow(_written(*column) for column in columns)
    for row in rows:
        writer.writerow([row.get(column, "") for column in columns])
    content = out.getvalue().encode()
    return Rendered(content, media_type, lineage, tuple(sorted(unrendered)))


def _cells(
    record: Record, lineage: dict[str, str], unrendered: set[str]
) -> Iterator[tuple[Column, str]]:
    record_type = record["record_type"]
    for field, content in record.items():
        known = _by_field(record_type).get(field)
        if known is None:
            unrendered.add(f"{record_type}.{field}")
            continue
        for tag, target in known:
            for number, item in _values(content, target.path[1:], 0):
                text = _text(item, target)
                if text:
                    lineage[f"{record_type}.{target.leaf}"] = target.tag
                    yield (tag, number), text


@cache
def _by_field(record_type: str) -> Mapping[str, Sequence[tuple[str, Target]]]:
    found: dict[str, list[tuple[str, Target]]] = {}
    for tag, target in targets(record_type).items():
        found.setdefault(target.path[0], []).append((tag, target))
    return found


def _values(content: Any, path: Sequence[str], number: int) -> Iterator[tuple[int, Any]]:
    if not path:
        yield number, content
    elif path[0] == "[]":
        for position, item in enumerate(content, 1):
            yield from _values(item, path[1:], position)
    elif path[0] in content:
        yield from _values(content[path[0]], path[1:], number)


def _text(item: Any, target: Target) -> str:
    if target.coordinate is None:
        return cell(item, target.kind)
    numbers = item["coordinates"]
    return cell(numbers[target.coordinate], "number") if target.coordinate < len(numbers) else ""


@cache
def _positions() -> Mapping[str, tuple[int, str]]:
    positions: dict[str, tuple[int, str]] = {}
    for record_type in RECORD_TYPES:
        fields = list(dict.fromkeys(leaf.path[0] for leaf in leaves(record_type).values()))
        for number, (tag, target) in enumerate(targets(record_type).items()):
            key = fields.index(target.path[0]) * 1000
            positions.setdefault(tag, (key if target.indexed else key + number, target.leaf))
    return positions


def _order(column: Column) -> tuple[int, int, str]:
    # Columns of one item stand together; otherwise the order is the schema's.
    tag, number = column
    return _positions()[tag][0], number, tag


def _target(tag: str) -> Target:
    return next(targets(kind)[tag] for kind in RECORD_TYPES if tag in targets(kind))


def _name(tag: str, number: int) -> str:
    target = _target(tag)
    words = [step for step in target.path if step != "[]"]
    if target.coordinate is not None:
        words.append(tag.rsplit("+", 1)[1])
    return " ".join([*words, *([str(number)] if number else [])]).replace("_", " ")


def _written(tag: str, number: int) -> str:
    return f"{tag}+i{number}" if _target(tag).indexed else tag
