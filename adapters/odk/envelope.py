"""Taking Central's JSON apart: OData, entities, and lists that hold no answers."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from adapters.flat.nested import Flat
from adapters.openrosa.others import refuse_object
from adapters.openrosa.submission import Submission, shown
from gateway.errors import SenderError
from gateway.mapping import Plan
from gateway.record import Reading
from gateway.source.objects import objects

CONTEXT = "@odata.context"

NOT_DECRYPTED = ("notDecrypted", "missingEncryptedFormData")
"""`__system/status` of a submission whose answers Central itself cannot read."""


def rows(content: BinaryIO, plan: Plan, reading: Reading) -> Iterator[Submission]:
    """Every submission or entity of a payload. Raises `SenderError` for other JSON."""
    flat = Flat(plan, list)
    for found in objects(content, Unfold(reading), exact=True, skip=reading.skip):
        if found.twice:
            # A name without its groups: which question it answers cannot be told.
            raise SenderError(
                "a key stands twice in one object", rule="json.key_twice", at=found.at
            )
        fields = flat(found.value, at=found.at)
        if isinstance(fields, dict) and fields.get("__system/status") in NOT_DECRYPTED:
            raise SenderError("a submission is encrypted", rule="odk.encrypted", at=found.at)
        yield Submission(fields, (), found.at)


class Unfold:
    """From a document to its rows. Tells `reading` what else stands in the document."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def __call__(self, document: Any) -> Iterator[Any]:
        """The submissions or entities of one document."""
        if isinstance(document, list):
            for one in document:
                yield _row(one)
            return
        if not isinstance(document, dict):
            raise _other()
        inner = [one for one in document.values() if _is_feed(one)]
        if _is_feed(document):
            self._note(document, {"value", CONTEXT, "@odata.count"})
            yield from document["value"]
        elif isinstance(document.get("entities"), list):
            self._note(document, {"entities"})
            for one in document["entities"]:
                yield _entity(one)
        elif len(document) == len(inner) == 1:
            # As integration tools keep what they fetched.
            yield from self(inner[0])
        else:
            yield _row(document)

    def _note(self, document: dict[str, Any], known: set[str]) -> None:
        said = {key for key, value in document.items() if value is not None}
        self._reading.unmapped.update(map(shown, said - known))


def _is_feed(document: Any) -> bool:
    return (
        isinstance(document, dict)
        and isinstance(document.get("value"), list)
        and CONTEXT in document
    )


def _row(value: Any) -> Any:
    if not isinstance(value, dict) or "__id" in value:
        return value
    refuse_object(value, form="odk")
    if "instanceId" in value:
        raise SenderError(
            "a list of submissions without their answers: ask the OData feed",
            rule="odk.no_answers",
        )
    if "xmlFormId" in value:
        raise SenderError("a list of forms, not answers", rule="odk.form_list")
    if "uuid" in value:
        return _entity(value)
    raise _other()


def _entity(value: Any) -> Any:
    """An entity as it is created, or as it is read with its current version."""
    if not isinstance(value, dict):
        return value
    version = value.get("currentVersion", value)
    data = version.get("data") if isinstance(version, dict) else None
    if not isinstance(data, dict):
        raise SenderError("an entity without its data", rule="odk.no_answers")
    if not all(isinstance(one, str) for one in data.values()):
        raise SenderError("a value of an entity is not text", rule="odk.entity_not_text")
    return value


def _other() -> SenderError:
    return SenderError("no submissions or entities of Central", rule="odk.not_submissions")
