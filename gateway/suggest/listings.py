"""Systems that list their fields: a table's header, DHIS2 metadata, a CommCare export."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from gateway.errors import SenderError
from gateway.source.rows import Rows
from gateway.suggest.question import Question

_HASHTAG = re.compile(r"#[A-Za-z][_0-9A-Za-z]*(\s*\+[A-Za-z][_0-9A-Za-z]*)*")

_DHIS2: Mapping[str, str] = {
    "TEXT": "text", "LONG_TEXT": "text", "LETTER": "text", "PHONE_NUMBER": "text", "EMAIL": "text",
    "USERNAME": "text", "URL": "text", "BOOLEAN": "boolean", "TRUE_ONLY": "boolean",
    "DATE": "date", "AGE": "date", "DATETIME": "instant", "TIME": "text",
    "NUMBER": "decimal", "UNIT_INTERVAL": "decimal", "PERCENTAGE": "decimal",
    "INTEGER": "integer", "INTEGER_POSITIVE": "integer", "INTEGER_NEGATIVE": "integer",
    "INTEGER_ZERO_OR_POSITIVE": "integer", "COORDINATE": "geopoint", "GEOJSON": "geoshape",
    "MULTI_TEXT": "select_multiple", "FILE_RESOURCE": "file", "IMAGE": "file",
}  # fmt: skip


def header(content: BinaryIO, sheet: str | None = None) -> list[Question]:
    """The columns of a table. No row below the header is looked at but for a row of hashtags."""
    rows = iter(Rows(content, sheet=sheet))
    _, titles = next(rows, (0, []))
    names = [str(title).strip() if title is not None else "" for title in titles]
    if not any(names):
        raise SenderError("no header", rule="suggest.not_a_form")
    tags = [""] * len(names)
    _, second = next(rows, (0, []))
    if second and all(not one or _HASHTAG.fullmatch(str(one).strip()) for one in second):
        tags = [str(one).strip() if one else "" for one in second] + tags
    return [
        Question(path=name, kind="unknown", hxl=tag)
        for name, tag in zip(names, tags, strict=False)
        if name
    ]


_DHIS2_LISTS = (
    ("trackedEntityAttributes", "attributes", ""),
    ("dataElements", "events/dataValues", "events"),
)
"""Lists of a metadata export, the path that the adapter gives to their answers, and its repeat."""


def dhis2(document: Mapping[str, Any]) -> list[Question]:
    """Attributes and data elements of a DHIS2 metadata export, by their uid."""
    options = {
        one["id"]: {
            str(option.get("code") or option.get("name")): _texts(option, "name", "code")
            for option in _options(one, document)
        }
        for one in _listed(document, "optionSets")
        if "id" in one
    }
    found = [
        Question(
            path=f"{prefix}/{one['id']}",
            kind="select_one" if _set(one) else _DHIS2.get(str(one.get("valueType")), "unknown"),
            labels=_texts(one, "displayName", "name", "formName", "shortName", "code"),
            choices=options.get(_set(one), {}),
            repeat=repeat,
        )
        for key, prefix, repeat in _DHIS2_LISTS
        for one in _listed(document, key)
        if isinstance(one.get("id"), str)
    ]
    if not found:
        raise SenderError("no attribute and no data element", rule="suggest.not_a_form")
    return found


def _listed(document: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = document.get(key)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _set(one: Mapping[str, Any]) -> str:
    named = one.get("optionSet")
    return str(named.get("id", "")) if isinstance(named, dict) else ""


def _options(one: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    whole = {option.get("id"): option for option in _listed(document, "options")}
    for option in _listed(one, "options"):
        yield whole.get(option.get("id"), option)


def _texts(one: Mapping[str, Any], *keys: str) -> tuple[str, ...]:
    found = [one[key] for key in keys if isinstance(one.get(key), str)]
    found += [
        one["value"] for one in _listed(one, "translations") if isinstance(one.get("value"), str)
    ]
    return tuple(dict.fromkeys(found))


def commcare(document: Any) -> list[Question]:
    """Property names of cases, or question paths of forms. Values are passed over."""
    found: dict[str, Question] = {}
    for one in _bodies(document):
        if isinstance(one.get("form"), dict):
            for question in _answers(one["form"], "form", ""):
                found.setdefault(question.path, question)
        elif isinstance(one.get("properties"), dict):
            for name in one["properties"]:
                path = f"properties/{name}"
                found.setdefault(path, Question(path, "unknown"))
    if not found:
        raise SenderError("neither cases nor forms", rule="suggest.not_a_form")
    return list(found.values())


def _bodies(document: Any) -> list[Mapping[str, Any]]:
    if isinstance(document, dict):
        for key in ("objects", "cases"):
            if isinstance(document.get(key), list):
                return _listed(document, key)
        return [document]
    return [one for one in document if isinstance(one, dict)] if isinstance(document, list) else []


def _answers(value: Mapping[str, Any], path: str, repeat: str) -> Iterator[Question]:
    for key, inner in value.items():
        if key.startswith(("@", "#")) or key in ("case", "meta"):
            continue
        where = f"{path}/{key}"
        if isinstance(inner, dict) and "#text" not in inner:
            yield from _answers(inner, where, repeat)
        elif isinstance(inner, list):
            for item in inner:
                if isinstance(item, dict):
                    yield from _answers(item, where, where)
        else:
            yield Question(where, "unknown", repeat=repeat)
