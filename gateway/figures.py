"""The figures in records, and what each of them counts: as the schemas mark them.

A *figure* stands at a leaf marked `x-count`. Its coordinates are the values of the leaves marked
`x-cell`: the axes of the table that the records together are. An axis on which a record says
nothing, or `all`, is a total over that axis. That is the careful reading: where it was merely
unknown, more is kept back than needed.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from gateway.places import Places
from gateway.record import Record, load, resolve

Element = tuple[int, str]
"""A value on an axis: its level (of places, or `RANGE`; else 0), and what it is."""

RANGE = -1
"""The level of a range, which may lie in another."""

Chain = tuple[Element, ...]
"""A value and what it lies in, coarsest first. Empty: a total over the axis."""

SITE = 5
"""The level of a site: finer than every administrative one."""

_RANGE = re.compile(r"([0-9]{1,3})(?:\s?[-–]\s?([0-9]{1,3})|(\+))?")
_MOST = 10**15
"""A larger number counts nobody."""


@dataclass(frozen=True, slots=True, repr=False)
class Figure:
    """One figure of one record. Has no `repr`: nobody should find it in a trace."""

    field: str
    item: int | None
    """Place in the list that the field is, if it is one."""
    leaf: str
    """Last key of the path: what is taken out."""
    measure: str
    fixed: tuple[str, ...]
    """Coordinates that nothing is ever added up over."""
    axes: Mapping[str, Chain]
    """Axes of which the figure is no total."""
    value: int


@dataclass(frozen=True, slots=True)
class _Mark:
    path: tuple[str, ...]
    spec: Mapping[str, Any]
    cell: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Marks:
    """The marks of one object: a record type, or the items of one of its lists."""

    axes: tuple[_Mark, ...]
    counts: tuple[_Mark, ...]
    lists: Mapping[str, "_Marks"]
    """Lists whose items are figures. Others may be coordinates."""


@cache
def _marks(record_type: str) -> _Marks:
    return _of(load(record_type)["properties"])


@cache
def axes(record_type: str) -> Mapping[str, tuple[int, ...]]:
    """The axes that a schema names, with the levels a value on each may have."""
    levels = {"place": tuple(range(SITE + 1)), "range": (RANGE,)}
    return {
        mark.cell["axis"]: levels.get(mark.cell["as"], (0,))
        for mark in _all(_marks(record_type))
        if mark.cell["as"] not in ("fixed", "pairs", "low", "high")
    }


def _all(marks: _Marks) -> Iterator[_Mark]:
    yield from marks.axes
    for one in marks.lists.values():
        yield from _all(one)


@cache
def counted(record_type: str) -> bool:
    """Whether the record type has figures."""
    marks = _marks(record_type)
    return bool(marks.counts or marks.lists)


def _of(properties: Mapping[str, Any], path: tuple[str, ...] = ()) -> _Marks:
    found = _Marks((), (), {})
    for name, raw in properties.items():
        spec = resolve(raw)
        here = (*path, name)
        cell = spec.get("x-cell", {})
        one = _Marks((), (), {})
        if "measure" in cell:
            one = _Marks((), (_Mark(here, spec, cell),), {})
        elif cell:
            one = _Marks((_Mark(here, spec, cell),), (), {})
        elif "properties" in spec:
            one = _of(spec["properties"], here)
        elif spec.get("type") == "array":
            inner = _of(resolve(spec.get("items", {})).get("properties", {}))
            if inner.counts:
                one = _Marks((), (), {name: inner})
            elif inner.axes:
                pairs = {mark.cell["as"]: mark for mark in inner.axes}
                mark = pairs["name"]
                how = {"axis": mark.cell["axis"], "as": "pairs"}
                names = {kind: pair.path[-1] for kind, pair in pairs.items()}
                one = _Marks((_Mark(here, names, how),), (), {})
        found = _Marks(
            found.axes + one.axes, found.counts + one.counts, {**found.lists, **one.lists}
        )
    return found


def figures(record: Record, places: Places) -> Iterator[Figure]:
    """Every figure of a record that is a whole number of people or households."""
    marks = _marks(record["record_type"])
    said = _Said(places)
    said.read(marks.axes, record)
    yield from _figures(marks.counts, record, said, "", None)
    for name, inner in marks.lists.items():
        for number, item in enumerate(record.get(name, ())):
            below = said.copy()
            below.read(inner.axes, item)
            yield from _figures(inner.counts, item, below, name, number)


def _figures(
    counts: tuple[_Mark, ...], holder: Mapping[str, Any], said: "_Said", name: str, item: int | None
) -> Iterator[Figure]:
    for mark in counts:
        value = whole(_at(holder, mark.path))
        if value is None:
            continue
        fixed = {**said.fixed, **mark.cell.get("at", {})}
        yield Figure(
            field=name or mark.path[0],
            item=item,
            leaf=mark.path[-1],
            measure=mark.cell["measure"],
            fixed=tuple(f"{axis}={text}" for axis, text in sorted(fixed.items())),
            axes=said.axes(),
            value=value,
        )


class _Said:
    """What an object says on each axis."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self.fixed: dict[str, str] = {}
        self._chains: dict[str, Chain] = {}
        self._parts: dict[str, list[str]] = {}
        self._ranges: dict[str, dict[str, Any]] = {}

    def copy(self) -> "_Said":
        found = _Said(self._places)
        found.fixed, found._chains = dict(self.fixed), dict(self._chains)
        found._parts = {axis: list(texts) for axis, texts in self._parts.items()}
        found._ranges = {axis: dict(ends) for axis, ends in self._ranges.items()}
        return found

    def read(self, marks: tuple[_Mark, ...], holder: Mapping[str, Any]) -> None:
        for mark in marks:
            value = _at(holder, mark.path)
            if value is None or value == mark.cell.get("total"):
                continue
            self._read(mark, value)

    def _read(self, mark: _Mark, value: Any) -> None:
        axis, how = mark.cell["axis"], mark.cell["as"]
        if how == "place":
            if chain := _place(value, mark.spec, self._places):
                self._chains[axis] = chain
        elif how == "pairs":
            for pair in value:
                said = pair.get(mark.spec["name"], "")
                self._chains[f"{axis}:{said}"] = ((0, str(pair.get(mark.spec["option"], ""))),)
        elif how in ("range", "low", "high"):
            self._ranges.setdefault(axis, {})[how] = value
        elif how == "fixed":
            self.fixed.setdefault(axis, str(value))
        elif how == "parts":
            self._parts.setdefault(axis, []).append(str(value))
        else:
            self._parts.setdefault(axis, [str(value)])

    def axes(self) -> dict[str, Chain]:
        found = dict(self._chains)
        found |= {axis: ((0, "\n".join(texts)),) for axis, texts in self._parts.items()}
        found |= {axis: ((RANGE, _range(ends)),) for axis, ends in self._ranges.items()}
        return found


def _at(holder: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = holder
    for step in path:
        if not isinstance(value, Mapping) or step not in value:
            return None
        value = value[step]
    return value


def whole(value: Any) -> int | None:
    """A number of people; None for a rate, a negative number, or no number."""
    if isinstance(value, str):
        try:
            number = Decimal(value)
        except InvalidOperation:
            return None
        if not -1 < number < _MOST or number != number.to_integral_value():
            return None
        value = int(number)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _place(value: Mapping[str, Any], spec: Mapping[str, Any], places: Places) -> Chain:
    """Codes from the country down, and the site; what is missing comes from the table."""
    found: dict[int, str] = {}
    site = ""
    for name, part in spec["properties"].items():
        if name not in value:
            continue
        if "x-admin" in part:
            found[part["x-admin"]] = str(value[name]).upper().replace("-", "")
        elif "x-admin-name" in part:
            found.setdefault(part["x-admin-name"], str(value[name]).casefold())
        elif not part.keys() & {"x-admin-depth", "x-point", "x-precision"}:
            site = str(value[name]).casefold()
    if found:
        finest = max(found)
        for level in range(finest):
            if level not in found and (above := places.ancestor(found[finest], level)):
                found[level] = above.upper().replace("-", "")
    if site:
        found[SITE] = site
    return tuple(sorted(found.items()))


def _range(ends: Mapping[str, Any]) -> str:
    """`low-high`, or the text as it stands; a range without an upper end ends at nothing."""
    if "low" in ends or "high" in ends:
        return f"{ends.get('low', 0)}-{ends.get('high', '')}"
    text = str(ends["range"])
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        return text.casefold()
    low, high, more = match.groups()
    return f"{int(low)}-{'' if more else int(high or low)}"


def span(text: str) -> tuple[int, float] | None:
    """The ends of a range as `figures` writes it, if it has ends."""
    low, dash, high = text.partition("-")
    if not dash or not low.isdecimal() or not (high.isdecimal() or not high):
        return None
    return int(low), int(high) if high else float("inf")
