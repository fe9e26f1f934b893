"""Taking ActivityInfo's JSON apart into records, sub-form records within their parents."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from adapters.activityinfo.values import Flat
from adapters.flat.reading import Found, shown
from gateway.errors import SenderError
from gateway.mapping import Plan
from gateway.record import Reading
from gateway.source.objects import objects

SUBFORMS = "subforms"
LISTS = ("changes", "records")
_ID = re.compile(r"[^\s/]{1,200}")

_OTHERS: Mapping[str, tuple[str, str]] = {
    "databaseId": ("a database, or a part of its design, not records", "activityinfo.database"),
    "forms": ("a form, not records", "activityinfo.form"),
    "elements": ("a form, not records", "activityinfo.form"),
    "columns": ("a table of columns, not records", "activityinfo.columns"),
    "@id": ("rows of a query, not records", "activityinfo.rows"),
    "entries": ("the history of a record, not records", "activityinfo.history"),
    "code": ("an error of the server, not records", "activityinfo.error"),
}
"""Keys that a document has which holds no records."""


def rows(content: BinaryIO, plan: Plan, reading: Reading) -> Iterator[Found]:
    """Every record. Raises `SenderError` for other JSON, and for records of other forms."""
    flat = Flat(plan, SUBFORMS)
    unfold = Unfold(plan.document.get("form", {}).get("id"), reading)
    for found in objects(content, unfold, exact=True):
        if found.twice:
            raise SenderError(
                "a key stands twice in one object", rule="json.key_twice", at=found.at
            )
        yield Found(flat(found.value, found.at), (), found.at)


class Unfold:
    """From a document to its records. Sub-form records stand in the list `subforms` of theirs."""

    def __init__(self, form: str | None, reading: Reading) -> None:
        self._form = form
        self._reading = reading
        self._met: str | None = None

    def __call__(self, document: Any) -> Iterator[Any]:
        """The records of one document that are not in another."""
        records = [_checked(one) for one in self._listed(document)]
        roots: dict[str, dict[str, Any]] = {}
        others: list[dict[str, Any]] = []
        for record in records:
            if not self._is_root(record):
                others.append(record)
            elif roots.setdefault(record["recordId"], record) is not record:
                raise SenderError("a record stands twice", rule="activityinfo.twice")
        for record in others:
            parent = roots.get(record.get("parentRecordId") or "")
            if parent is None or not record.get("formId"):
                raise SenderError(
                    "a record of another form, whose parent is not in the document",
                    rule="activityinfo.other_form",
                )
            parent.setdefault(SUBFORMS, []).append(record)
        yield from roots.values()

    def _listed(self, document: Any) -> list[Any]:
        if isinstance(document, list):
            return document
        if not isinstance(document, dict):
            raise _none()
        for key in LISTS:
            if isinstance(document.get(key), list):
                self._reading.unmapped.update(map(shown, document.keys() - {key}))
                return document[key]  # type: ignore[no-any-return]
        return [document]

    def _is_root(self, record: dict[str, Any]) -> bool:
        form = record.get("formId")
        if self._form is not None:
            return bool(form == self._form)
        if self._met is None:
            self._met = form
        if form != self._met:
            raise SenderError(
                "records of two forms, and the mapping does not say which it is for",
                rule="activityinfo.several_forms",
            )
        return True


def _checked(record: Any) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise _none()
    if record.get("deleted") is True:
        raise SenderError("a record to delete, not to read", rule="activityinfo.deleted")
    if not isinstance(record.get("fields"), dict):
        for key, (problem, rule) in _OTHERS.items():
            if key in record:
                raise SenderError(problem, rule=rule)
        raise _none()
    for key in ("recordId", "formId", "parentRecordId"):
        if not _is_id(record.get(key)):
            raise SenderError("an id that is no text", rule="activityinfo.id", at=key)
    if not record.get("recordId"):
        raise SenderError("a record without an id", rule="activityinfo.id", at="recordId")
    if SUBFORMS in record:
        raise SenderError("not a key of a record", rule="activityinfo.key", at=SUBFORMS)
    return record


def _none() -> SenderError:
    return SenderError("no records of ActivityInfo", rule="activityinfo.not_records")


def _is_id(value: Any) -> bool:
    return value is None or (isinstance(value, str) and _ID.fullmatch(value) is not None)
