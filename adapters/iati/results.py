"""Results: indicators with target and actual value, and how many people are reached."""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from adapters.iati import kinds
from adapters.iati.money import day_of, term, whole_day
from adapters.iati.node import Node, said
from adapters.iati.terms import MEASURES, Tongue

OURS = "https://corridor.invalid/iati/indicator"
"""Beside the code of an indicator of ours, so that nobody's else is taken for one."""

COUNTS = {
    "beneficiaries": ("People", "beneficiaries_targeted", "beneficiaries_reached"),
    "households": ("Households", "households_targeted", "households_reached"),
}
"""Code of an indicator of ours: its title, and the fields that are its target and actual value."""

OUTPUT, OTHER = "1", "9"
_OWN_VOCABULARY = "99"
_FIGURE = re.compile(r"[+-]?([0-9]{1,60}(\.[0-9]{0,40})?|\.[0-9]{1,40})")
_COUNT = re.compile(r"[0-9]{1,12}")

Item = dict[str, Any]


def read_results(activity: Node, record: Item, tongue: Tongue) -> Item:
    """`results`, an item for each period of each indicator; the counts of people apart."""
    found: Item = {}
    items: list[Item] = []
    for result in activity.all("result"):
        for indicator in result.all("indicator"):
            code = _ours(indicator)
            if code in COUNTS:
                _take_titles(result, tongue, indicator)
                found |= _counts(indicator, code, record)
                continue
            titles = _take_titles(result, tongue, indicator)
            items += _items(indicator, titles, tongue)
    return found | ({"results": items} if items else {})


def _take_titles(result: Node, tongue: Tongue, indicator: Node) -> Item:
    """The indicator's name. What its result repeats of it is not left behind."""
    name = tongue.spoken(indicator.all("title")[0])
    title = [one.text.strip() for one in result.all("title")[0].all("narrative")]
    if title == [name] and result.attributes["type"] in (OUTPUT, OTHER):
        tongue.spoken(result.all("title")[0])
        result.taken.add("type")
    return {} if name is None else {"indicator_name": name}


def _ours(indicator: Node) -> str:
    for reference in indicator.all("reference"):
        if reference.attributes.get("indicator-uri") == OURS:
            reference.taken |= {"vocabulary", "code", "indicator-uri"}
            return reference.attributes["code"]
    return ""


def _items(indicator: Node, name: Item, tongue: Tongue) -> Iterator[Item]:
    code = tongue.code(indicator, "measure", MEASURES)
    unit = MEASURES.get(code or "")
    if code is not None and code not in ("1", "2"):
        indicator.taken.discard("measure")
    item = name | ({"unit": unit} if unit else {})
    periods = indicator.all("period")
    if not periods and item:
        yield item
    for period in periods:
        figures = {key: _figure(period.all(key), _FIGURE) for key in ("target", "actual")}
        yield {
            **item,
            "period_start": day_of(period.all("period-start")[0]),
            "period_end": day_of(period.all("period-end")[0]),
            **{key: value for key, value in figures.items() if value is not None},
        }


def _figure(nodes: list[Node], kind: re.Pattern[str]) -> str | None:
    """The one value that is not of a part of the people. Texts that are no number stay behind."""
    if len(nodes) != 1 or nodes[0].all("dimension") or nodes[0].all("location"):
        return None
    found = nodes[0].get("value")
    digits = kinds.decimal(found) if found and kind.fullmatch(found) else None
    if digits is None:
        nodes[0].taken.discard("value")
    return digits


def _counts(indicator: Node, code: str, record: Item) -> Item:
    _, *fields = COUNTS[code]
    indicator.taken.add("measure")
    found: Item = {}
    for period in indicator.all("period")[:1]:
        begin, end = period.all("period-start")[0], period.all("period-end")[0]
        days = day_of(begin), day_of(end)
        if term(record) != days:
            found["reference_period_start"], found["reference_period_end"] = days
        for key, field in zip(("target", "actual"), fields, strict=True):
            figure = _figure(period.all(key), _COUNT)
            if figure is not None:
                found[field] = int(figure)
    return found


def write_results(activity: Node, record: Item) -> None:
    """A result for each indicator, with a period for each of its items that has one."""
    for code, (title, *fields) in COUNTS.items():
        _write_counts(activity, record, code, title, fields)
    for (name, unit, dated), several in groupby(record.get("results", ()), _same):
        if not name:
            continue
        result = activity.add("result", type=OTHER)
        result.add("title").add("narrative", name)
        for item in several:
            # An item without a period is an indicator of its own: nothing tells it apart.
            if not dated or len(result.children) == 1:
                indicator = result.add("indicator", measure="2" if unit == "%" else "1")
                indicator.add("title").add("narrative", name)
            if dated:
                days = whole_day(item["period_start"]), whole_day(item["period_end"])
                _period(indicator, days, item.get("target"), item.get("actual"))


def _same(item: Item) -> tuple[str | None, str | None, bool]:
    dated = whole_day(item.get("period_start")) and whole_day(item.get("period_end"))
    return said(item.get("indicator_name")), item.get("unit"), bool(dated)


def _write_counts(activity: Node, record: Item, code: str, title: str, fields: list[str]) -> None:
    begin = whole_day(record.get("reference_period_start"))
    end = whole_day(record.get("reference_period_end"))
    days = (begin, end) if begin and end else term(record)
    target, actual = (record.get(field) for field in fields)
    if days is None or (target is None and actual is None):
        return
    result = activity.add("result", type=OUTPUT)
    result.add("title").add("narrative", title)
    indicator = result.add("indicator", measure="1")
    indicator.add("title").add("narrative", title)
    indicator.add("reference", vocabulary=_OWN_VOCABULARY, code=code, indicator_uri=OURS)
    _period(indicator, days, target, actual)


def _period(indicator: Node, days: tuple[str | None, str | None], target: Any, actual: Any) -> None:
    period = indicator.add("period")
    period.add("period-start", iso_date=days[0])
    period.add("period-end", iso_date=days[1])
    for key, value in (("target", target), ("actual", actual)):
        if value is not None:
            period.add(key, value=kinds.decimal_written(str(value)))
