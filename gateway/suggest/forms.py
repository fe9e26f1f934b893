"""XLSForm surveys, as a workbook or as Kobo's asset definition writes them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from gateway.errors import SenderError
from gateway.source.rows import Rows
from gateway.suggest.question import Question

Row = Mapping[str, Any]

_KINDS: Mapping[str, str] = {
    "text": "text", "string": "text", "barcode": "text", "phonenumber": "text",
    "integer": "integer", "int": "integer", "range": "decimal", "decimal": "decimal",
    "date": "date", "datetime": "instant", "start": "instant", "end": "instant", "today": "date",
    "boolean": "boolean", "acknowledge": "select_one",
    "geopoint": "geopoint", "location": "geopoint", "geotrace": "geotrace", "geoshape": "geoshape",
    "image": "file", "photo": "file", "audio": "file", "video": "file", "file": "file",
    "calculate": "computed", "hidden": "computed", "xml-external": "computed",
}  # fmt: skip
_SELECT = re.compile(r"(select_one|select one|select_multiple|select multiple|rank)\b\s*(\S*)")
_BEGIN = re.compile(r"begin[_ ](group|repeat)")
_SILENT = frozenset({"note", "audit"})
"""Shown or recorded, and never part of a submission's answers."""


def asset(document: Mapping[str, Any]) -> list[Question]:
    """Questions of a Kobo asset definition (`content.survey`)."""
    content = document.get("content")
    if not isinstance(content, dict) or not isinstance(content.get("survey"), list):
        raise SenderError("not an asset definition", rule="suggest.not_a_form", at="content")
    return list(_questions(_objects(content["survey"]), _objects(content.get("choices") or ())))


def workbook(content: BinaryIO) -> list[Question]:
    """Questions of an XLSForm: sheets `survey` and `choices`."""
    survey = list(_sheet(content, "survey"))
    content.seek(0)
    try:
        choices = list(_sheet(content, "choices"))
    except SenderError:
        choices = []
    if not survey or not {"type", "name"} <= survey[0].keys():
        raise SenderError("not an XLSForm", rule="suggest.not_a_form", at="survey")
    return list(_questions(survey, choices))


def _objects(rows: Any) -> list[Row]:
    return [row for row in rows if isinstance(row, dict)]


def _sheet(content: BinaryIO, name: str) -> Iterator[Row]:
    header: Sequence[str] = ()
    for _, cells in Rows(content, sheet=name):
        texts = ["" if cell is None else str(cell).strip() for cell in cells]
        if not header:
            if not any(texts):
                continue
            header = texts
            # A row shorter than the header is filled up below, so every row has every column.
        else:
            texts += [""] * (len(header) - len(texts))
            yield {key: cell for key, cell in zip(header, texts, strict=False) if key}


def _questions(survey: Sequence[Row], choices: Sequence[Row]) -> Iterator[Question]:
    lists = _lists(choices)
    path: list[tuple[str, str]] = []
    for row in survey:
        said = str(row.get("type") or "").strip().lower()
        name = str(row.get("name") or row.get("$autoname") or "").strip()
        if begin := _BEGIN.fullmatch(said):
            path.append((begin[1], name))
        elif said.startswith("end"):
            if said.replace(" ", "_") in ("end_group", "end_repeat"):
                if not path:
                    raise SenderError("a group ends that never began", rule="suggest.not_a_form")
                path.pop()
            else:
                yield _question(row, said, name, path, lists)
        elif said and name and said not in _SILENT:
            yield _question(row, said, name, path, lists)


def _question(
    row: Row,
    said: str,
    name: str,
    path: Sequence[tuple[str, str]],
    lists: Mapping[str, Mapping[str, tuple[str, ...]]],
) -> Question:
    kind, named = _KINDS.get(said, "unknown"), ""
    if select := _SELECT.match(said):
        kind = "select_one" if "one" in select[1] else "select_multiple"
        # The list's name keeps its letter case, which `said` has lost.
        named = str(row.get("select_from_list_name") or str(row.get("type")).split()[-1])
    steps = [step for _, step in path]
    repeats = [n for n, (what, _) in enumerate(path) if what == "repeat"]
    return Question(
        path="/".join([*steps, name or said]),
        kind=kind,
        labels=_labels(row),
        choices=lists.get(named, {}),
        repeat="/".join(steps[: repeats[-1] + 1]) if repeats else "",
        hxl=str(row.get("hxl") or ""),
    )


def _lists(choices: Iterable[Row]) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for row in choices:
        named = str(row.get("list_name") or row.get("list name") or "").strip()
        code = row.get("name") if row.get("name") not in (None, "") else row.get("value")
        if named and code not in (None, ""):
            found.setdefault(named, {})[str(code).strip()] = _labels(row)
    return found


def _labels(row: Row) -> tuple[str, ...]:
    found: list[str] = []
    for key, value in row.items():
        if key == "label" or key.startswith(("label:", "label::")):
            found += value if isinstance(value, list) else [value]
    return tuple(one.strip() for one in found if isinstance(one, str) and one.strip())
