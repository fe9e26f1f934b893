"""Taking an Ona JSON payload apart into submissions."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from adapters.flat.nested import Flat
from adapters.ona.flow import sessions
from adapters.openrosa import transport
from adapters.openrosa.others import refuse_object
from adapters.openrosa.submission import Submission, shown
from gateway.errors import SenderError
from gateway.mapping import Plan
from gateway.record import Reading
from gateway.source.objects import objects

PAGE = {"count", "previous", "results"}
"""Keys of a page that need no mention. `next` does: the payload is not all there is."""


def submissions(content: BinaryIO, plan: Plan, reading: Reading) -> Iterator[Submission]:
    """Every submission of a payload. Raises `SenderError` for what is not Ona's JSON."""
    unfold = Unfold(reading)
    flat = Flat(plan, transport.choices)
    for found in objects(content, unfold, exact=True, skip=reading.skip):
        if unfold.form is not None:
            yield transport.unpacked(found, unfold.form, flat)
        elif isinstance(found.value, list):
            yield from sessions(found.value)
        else:
            yield Submission(found.value, found.twice, found.at)


class Unfold:
    """From a document to its submissions. Tells `reading` what else stands in the document.

    The rows of Flow Results are one list, for a submission is spread over several of them.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self.form: str | None = None
        """The form's id where the last document was a transport."""

    def __call__(self, document: Any) -> Iterator[Any]:
        """The submissions of one document, or its rows of Flow Results."""
        self.form = None
        if isinstance(document, list):
            if document and isinstance(document[0], list):
                yield document
            else:
                yield from document
            return
        if not isinstance(document, dict):
            raise SenderError("neither a submission nor a list of them", rule="ona.not_submissions")
        self.form = transport.form_of(document)
        if self.form is not None:
            self._note(document, transport.KEYS)
            yield document["submission"]
        elif isinstance(document.get("results"), list) and "count" in document:
            self._note(document, PAGE)
            yield from document["results"]
        elif isinstance(document.get("data"), dict):
            yield _flow(document["data"])
        else:
            refuse_object(document, form="ona")
            yield document

    def _note(self, document: dict[str, Any], known: set[str]) -> None:
        said = {key for key, value in document.items() if value is not None}
        self._reading.unmapped.update(map(shown, said - known))


def _flow(data: dict[str, Any]) -> list[Any]:
    attributes = data.get("attributes")
    responses = attributes.get("responses") if isinstance(attributes, dict) else None
    if isinstance(responses, list):
        return responses
    if isinstance(attributes, dict) and "resources" in attributes:
        raise SenderError(
            "the descriptor of Flow Results, not its rows", rule="ona.flow_descriptor"
        )
    raise SenderError("no responses of Flow Results", rule="ona.not_submissions")
