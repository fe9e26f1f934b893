"""Which kind of definition a file is, and the questions in it."""

from typing import Any, BinaryIO

from gateway.errors import SenderError
from gateway.source.objects import document
from gateway.suggest import forms, listings
from gateway.suggest.question import Question

FORMATS = ("kobo", "odk", "ona", "commcare", "tabular", "hxl", "dhis2.tracker")
MAX_QUESTIONS = 20_000


def read_questions(content: BinaryIO, form: str, sheet: str | None = None) -> list[Question]:
    """The questions of a definition for `form`, one of `FORMATS`; of a table, in this sheet.

    An XLSForm, an asset definition, a metadata export, a case or form export, a header: what it
    is shows in its content. Raises `SenderError` (`suggest.*`) for anything else.
    """
    if form not in FORMATS:
        raise SenderError("no definitions of this format are read", rule="suggest.format")
    start = content.read(2048)
    content.seek(0)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        found = _of_json(document(content), form)
    elif form in ("tabular", "hxl"):
        found = listings.header(content, sheet)
    elif start.startswith((b"PK", b"\xd0\xcf")):
        found = forms.workbook(content)
    else:
        raise SenderError("neither a workbook nor JSON", rule="suggest.not_a_form")
    if len(found) > MAX_QUESTIONS:
        raise SenderError("more questions than a form has", rule="suggest.too_many")
    return found


def _of_json(value: Any, form: str) -> list[Question]:
    if form == "commcare":
        return listings.commcare(value)
    if not isinstance(value, dict):
        raise SenderError("not one JSON object", rule="suggest.not_a_form")
    return listings.dhis2(value) if form == "dhis2.tracker" else forms.asset(value)
