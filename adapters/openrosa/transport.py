"""JSON as `POST /submission` of Kobo and Ona takes it: nested, under the form's id.

{"id": "form", "submission": {"group": {"question": "answer"}, "meta": {...}}}
"""

import re
from typing import Any

from adapters.flat.nested import Flat
from adapters.openrosa.submission import Submission
from gateway.errors import SenderError
from gateway.source.objects import Found

BEGINS = re.compile(rb'(\xef\xbb\xbf)?\s*\{\s*"(id|submission)"\s*:')
"""How such a document begins; one that begins otherwise is read too, but for decimals."""

KEYS = {"id", "submission"}


def form_of(document: dict[str, Any]) -> str | None:
    """The form's id, where a document is a transport."""
    form = document.get("id")
    return form if isinstance(form, str) and isinstance(document.get("submission"), dict) else None


def unpacked(found: Found, form: str, flat: Flat) -> Submission:
    """The submission of a transport, flat. The form's id becomes `@id`, as in XML."""
    if found.twice:
        # A name without its groups: which question it answers cannot be told.
        raise SenderError("a key stands twice in one object", rule="json.key_twice", at=found.at)
    return Submission({"@id": form, **flat(found.value, at=found.at)}, (), found.at)


def choices(answers: list[Any]) -> Any:
    """A list of choices as the one text the servers make of it."""
    if all(isinstance(one, str) and one and not re.search(r"\s", one) for one in answers):
        return " ".join(answers)
    return answers
