"""Taking a Kobo JSON payload apart into submissions."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from adapters.flat.nested import Flat
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
    """Every submission of a payload. Raises `SenderError` for what is not Kobo's JSON."""
    # The API's answers are texts; looking at the digits of numbers would make parsing slow.
    exact = transport.BEGINS.match(content.read(256)) is not None
    content.seek(0)
    unfold = Unfold(reading)
    flat = Flat(plan, transport.choices)
    for found in objects(content, unfold, exact=exact, skip=reading.skip):
        if unfold.form is None:
            yield Submission(found.value, found.twice, found.at)
        else:
            yield transport.unpacked(found, unfold.form, flat)


class Unfold:
    """From a document to its submissions. Tells `reading` what else stands in the document."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self.form: str | None = None
        """The form's id where the last document was a transport."""

    def __call__(self, document: Any) -> Iterator[Any]:
        """The submissions of one document."""
        self.form = None
        if isinstance(document, list):
            yield from _spent(document)
            return
        if not isinstance(document, dict):
            raise SenderError(
                "neither a submission nor a list of them", rule="kobo.not_submissions"
            )
        self.form = transport.form_of(document)
        if self.form is not None:
            self._note(document, transport.KEYS)
            yield document["submission"]
        elif isinstance(document.get("results"), list):
            if "count" not in document:
                raise SenderError("a page without count", rule="kobo.not_a_page")
            self._note(document, PAGE)
            yield from _spent(document.pop("results"))
        elif isinstance(document.get("body"), dict) and "_xform_id_string" in document["body"]:
            # As integration tools keep what the REST service posted to them.
            self._note(document, {"body"})
            yield document["body"]
        else:
            refuse_object(document, form="kobo")
            yield document

    def _note(self, document: dict[str, Any], known: set[str]) -> None:
        said = {key for key, value in document.items() if value is not None}
        self._reading.unmapped.update(map(shown, said - known))


def _spent(items: list[Any]) -> Iterator[Any]:
    """Each item, and no longer held once the next is asked for: a page may be large."""
    items.reverse()
    while items:
        yield items.pop()
