"""An answer of the DTM API, and answers that hold no figures."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from adapters.flat.reading import shown
from adapters.iom_dtm.columns import KNOWN, POPULATION, Row, row_of
from gateway.errors import SenderError
from gateway.marks import Marks
from gateway.source.objects import document

ENVELOPE = frozenset({"result", "statusCode", "isSuccess", "errorMessages", "totalRecordsCount"})
_LISTS = {"operation": "dtm.operation_list", "admin0Name": "dtm.country_list"}


def rows(content: BinaryIO, unmapped: set[str]) -> Iterator[Row]:
    """Every row. Raises `SenderError` for an answer that is none, failed, or is not whole."""
    answer = document(content)
    if isinstance(answer, list):
        # What is left of an answer when its rows have been through a table.
        answer = {"result": answer}
    if isinstance(answer, dict) and _failed(answer):
        raise SenderError("an answer that says it failed", rule="dtm.failed")
    if not isinstance(answer, dict) or not isinstance(answer.get("result"), list):
        raise SenderError("not an answer of the DTM API", rule="dtm.not_an_answer")
    unmapped.update(shown(key) for key in answer.keys() - ENVELOPE)
    result = answer.pop("result")
    count = answer.get("totalRecordsCount")
    if count is not None and (count != len(result) or isinstance(count, bool)):
        # Figures are sums: a part of the rows would give other figures that look as true.
        raise SenderError("not all the rows there are", rule="dtm.incomplete")
    _refuse_lists(result)
    met = Marks()
    for number in range(len(result)):
        value, result[number] = result[number], None
        row = row_of(value, at=f"row {number + 1}")
        unmapped.update(f"result/{shown(key)}" for key in row.said - KNOWN)
        if "admin0Name" in row.said:
            # The code says it: names are spelt in many ways.
            unmapped.add("result/admin0Name")
        _once(value, met, f"row {number + 1}")
        yield row


def _failed(answer: dict[str, Any]) -> bool:
    code = answer.get("statusCode")
    bad = isinstance(code, int) and not 200 <= code < 300
    return bad or answer.get("isSuccess", True) is not True or bool(answer.get("errorMessages"))


def _once(row: dict[str, Any], met: Marks, at: str) -> None:
    """Rows of whole countries have no ids: two that are the same in all they say are one."""
    number = row.get("id")
    if isinstance(number, bool) or not isinstance(number, int | float | str | None):
        raise SenderError("not an id", rule="dtm.text", at=f"{at}, id")
    mark = json.dumps(row if number is None else number, sort_keys=True)
    if mark in met:
        raise SenderError("a row stands twice: it would be counted twice", rule="dtm.twice", at=at)
    met.add(mark)


def _refuse_lists(result: list[Any]) -> None:
    first = result[0] if result else None
    if not isinstance(first, dict) or POPULATION in first:
        return
    for column, rule in _LISTS.items():
        if column in first:
            raise SenderError("a list without figures", rule=rule)
