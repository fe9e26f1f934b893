"""Finding the hashtags of a table: CSV and its like, XLSX, or JSON of arrays or of objects."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from adapters.hxl.columns import Hashtag, hashtag, normal
from gateway.errors import SenderError
from gateway.source.cells import Wrong, unguarded
from gateway.source.objects import objects
from gateway.source.rows import SEARCHED, Rows

Row = tuple[int, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Column:
    """One column, tagged or not."""

    place: int
    """From 0."""
    tag: Hashtag | None
    shown: str
    """The hashtag in its one spelling, or `column 4`: how a mapping and a receipt name it."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose hashtags are found. Its rows are read once, in order."""

    at: str
    """Where the hashtags stand."""
    columns: Sequence[Column]
    rows: Iterator[Row]
    """Number and cells, `""` where there is nothing; never longer than the columns."""
    row: str
    """`row`, or `object`: what the numbers count."""
    place: Callable[[int], str]
    """How a column is named, from 1."""

    def refuse(self, number: int, column: Column, problem: str, rule: str) -> SenderError:
        """An error at a cell."""
        at = f"{self.row} {number}, {self.place(column.place + 1)}"
        return SenderError(problem, rule=rule, at=at)

    def sound(self, number: int, column: Column, cell: Any) -> Any:
        """The cell. Raises `SenderError` for one that holds no value to be had."""
        if isinstance(cell, Wrong):
            raise self.refuse(number, column, cell.problem, cell.rule)
        return cell


def table_of(
    content: BinaryIO,
    *,
    sheet: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> Table:
    """The table of a file. Raises `SenderError` where it has no row of hashtags, or half of one."""
    start = content.read(64)
    content.seek(0)
    if start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{"):
        return _json(content)
    rows = Rows(
        content,
        sheet=sheet,
        encoding=encoding,
        delimiter=delimiter,
        header=lambda number, cells: any(map(hashtag, cells)),
    )
    number, tags = _hashtag_row(iter(rows), "row", rows.column)
    rows.begin(number, len(tags))
    plain = ((number, [_unguarded(cell) for cell in row]) for number, row in rows)
    return _table(tags, plain, f"row {number}", "row", rows.column)


def _unguarded(cell: Any) -> Any:
    return unguarded(cell) if isinstance(cell, str) else cell


def _table(
    tags: Sequence[Any], rows: Iterator[Row], at: str, row: str, place: Callable[[int], str]
) -> Table:
    columns = []
    for number, cell in enumerate(tags):
        tag = hashtag(cell)
        # By number in every notation, so that one mapping serves them all.
        columns.append(Column(number, tag, normal(tag) if tag else f"column {number + 1}"))
    return Table(at, columns, rows, row, place)


def _hashtag_row(rows: Iterator[Row], row: str, place: Callable[[int], str]) -> Row:
    for number, cells in rows:
        if number > SEARCHED:
            break
        filled = [n for n, cell in enumerate(cells, 1) if not _blank(cell)]
        tagged = [n for n in filled if hashtag(cells[n - 1])]
        if tagged and len(tagged) == len(filled):
            return number, cells
        if tagged and 2 * len(tagged) >= len(filled):
            # libhxl takes such a row and drops the column. We would rather hear about it.
            wrong = place(next(n for n in filled if n not in tagged))
            at = f"{row} {number}, {wrong}"
            raise SenderError("not a hashtag", rule="hxl.hashtag", at=at)
    raise SenderError("no row of hashtags", rule="hxl.no_hashtags")


def _blank(cell: Any) -> bool:
    return isinstance(cell, str) and not cell.strip()


def _json(content: BinaryIO) -> Table:
    found = list(objects(content, lambda value: (value,), exact=True))
    if len(found) > 1:
        raise SenderError("JSON lines are not HXL", rule="hxl.json_lines")
    if found[0].twice:
        raise SenderError("a key stands twice in one object", rule="json.key_twice")
    items = _items(found[0].value)
    if isinstance(items[0], list):
        rows = _arrays(items)
        number, tags = _hashtag_row(rows, "row", _json_column)
        return _table(tags, _fitting(rows, len(tags)), f"row {number}", "row", _json_column)
    keys = list(dict.fromkeys(key for item in items for key in item))
    _, tags = _hashtag_row(iter([(1, keys)]), "keys", _json_column)
    cells = (
        (number, [_scalar(item.get(key), f"object {number}") for key in keys])
        for number, item in enumerate(items, 1)
    )
    return _table(tags, cells, "the keys", "object", _json_column)


def _items(document: Any) -> list[Any]:
    """The one list of rows: the document, or what stands one level down in it."""
    inner = list(document.values()) if isinstance(document, dict) else [document]
    found = [one for one in inner if _is_table(one)]
    tagged = [one for one in found if any(_tags(item) for item in one[:SEARCHED])]
    if len(tagged) > 1:
        raise SenderError("more than one table", rule="hxl.several_tables")
    if not tagged:
        raise SenderError("no row of hashtags", rule="hxl.no_hashtags")
    return tagged[0]  # type: ignore[no-any-return]


def _is_table(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and (
            all(isinstance(item, list) for item in value)
            or all(isinstance(item, dict) for item in value)
        )
    )


def _tags(item: Any) -> bool:
    return any(map(hashtag, item))


def _json_column(number: int) -> str:
    return f"column {number}"


def _arrays(items: list[Any]) -> Iterator[Row]:
    for number, item in enumerate(items, 1):
        row = [_scalar(cell, f"row {number}") for cell in item]
        if any(cell != "" for cell in row):
            yield number, row


def _fitting(rows: Iterator[Row], width: int) -> Iterator[Row]:
    for number, row in rows:
        if len(row) > width:
            raise SenderError(
                "more cells than columns", rule="table.row_length", at=f"row {number}"
            )
        yield number, row


def _scalar(cell: Any, at: str) -> Any:
    if cell is None:
        return ""
    if isinstance(cell, dict | list):
        raise SenderError("a cell that is no single value", rule="hxl.json_cell", at=at)
    return cell
