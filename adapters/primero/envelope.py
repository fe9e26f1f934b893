"""Taking Primero's JSON apart into records, and telling what is none."""

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from adapters.flat.reading import Found, shown
from adapters.primero.facts import FACTS
from adapters.primero.fields import Objects
from gateway.errors import SenderError
from gateway.record import Reading
from gateway.source.objects import objects

OTHERS: tuple[tuple[frozenset[str], str, str], ...] = (
    (frozenset(("errors",)), "primero.errors", "an answer that tells of errors"),
    (frozenset(("parent_form", "fields")), "primero.form", "a form, not answers"),
    (frozenset(("form_section_id", "type")), "primero.form", "a field of a form, not answers"),
    (frozenset(("unique_id", "values")), "primero.lookup", "a list of codes"),
    (frozenset(("admin_level", "code")), "primero.location", "a place"),
    (frozenset(("attachment", "field_name")), "primero.attachment", "an attachment"),
    (frozenset(("attachment_url", "field_name")), "primero.attachment", "an attachment"),
    (frozenset(("ids", "transitioned_to")), "primero.order", "an order about several records"),
    (frozenset(("record_changes", "action")), "primero.history", "a history of changes"),
    (frozenset(("flagged_by", "record_id")), "primero.flag", "a flag on a record"),
    (frozenset(("alert_for", "form_unique_id")), "primero.alert", "an alert"),
    (frozenset(("log_message", "resource_url")), "primero.audit", "an audit log"),
    (frozenset(("agency_code", "unique_id")), "primero.agency", "an agency"),
    (frozenset(("token", "user_name")), "primero.user", "somebody's session"),
    (frozenset(("role_unique_id", "user_name")), "primero.user", "a user"),
)
"""Keys by which an answer of the API shows that it is no record, the rule, and what it is."""

_NOTHING: tuple[Any, ...] = (None, {})
"""Beside a record these say nothing."""


def records(content: BinaryIO, made: Objects, reading: Reading) -> Iterator[Found]:
    """Every object of a payload, flat. Raises `SenderError` for what is not Primero's JSON."""
    for number, found in enumerate(objects(content, Unfold(reading), exact=True), 1):
        at = found.at or f"record {number}"
        if found.twice:
            # A name without its subform: which field it is cannot be told.
            raise SenderError("a key stands twice in one object", rule="json.key_twice", at=at)
        yield from made(found.value, at=at)


class Unfold:
    """From a document to its records. Tells `reading` what else stands in the document."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def __call__(self, document: Any) -> Iterator[Any]:
        """The records of one document."""
        data = document.get("data") if isinstance(document, dict) else None
        if isinstance(data, dict) and isinstance(data.get("data"), list):
            # A page as an integration tool keeps it: the answer is the `data` of its own state.
            self._note(document)
            document = data
        if isinstance(document, dict) and isinstance(document.get("data"), list):
            self._note(document)
            yield from _spent(document.pop("data"))
        elif isinstance(document, list):
            yield from _spent(document)
        elif isinstance(document, dict):
            yield _record(document)
        else:
            raise SenderError("no record of Primero", rule="primero.not_records")

    def _note(self, page: Mapping[str, Any]) -> None:
        _one_by_one(page)
        _answers_not(page)
        known = {"data", "metadata"}
        said = {key for key, value in page.items() if value not in _NOTHING and key not in known}
        self._reading.unmapped.update(map(shown, said))
        metadata = page.get("metadata")
        total = metadata.get("total") if isinstance(metadata, dict) else None
        if isinstance(total, int) and total > len(page["data"]):
            # There are more pages: what was read is not all.
            self._reading.unmapped.add("metadata/total")


def _spent(items: list[Any]) -> Iterator[Any]:
    """Each item, and no longer held once the next is asked for: a page may be large."""
    items.reverse()
    while items:
        yield _record(items.pop())


def _record(value: Any) -> Any:
    """A record, whose fields may stand under `data`. What is no object the mapping refuses."""
    if not isinstance(value, dict):
        return value
    data = value.get("data")
    if isinstance(data, dict):
        _one_by_one(value)
        _answers_not(value)
        beside = {key: one for key, one in value.items() if key != "data" and one not in _NOTHING}
        for key, one in beside.items():
            if data.setdefault(key, one) != one:
                raise SenderError("a field is answered twice", rule="json.key_twice")
        value = data
    for keys, rule, problem in OTHERS:
        if keys <= value.keys():
            raise SenderError(problem, rule=rule)
    return value


def _one_by_one(envelope: Mapping[str, Any]) -> None:
    """Refuse an envelope with two records under one key: the first would be gone unread."""
    if getattr(envelope, "twice", ()):
        raise SenderError("a key of the envelope stands twice", rule="json.key_twice")


def _answers_not(envelope: Mapping[str, Any]) -> None:
    """Refuse consent beside the record: whoever packed it does not answer for the child."""
    if envelope.keys() & FACTS:
        raise SenderError("consent beside the record", rule="primero.beside_data")
