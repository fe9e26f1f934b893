"""A flat event as the body of a notification."""

from collections.abc import Mapping
from typing import Any

from adapters.flat.back import Back
from adapters.flat.nested import nest
from adapters.flat.typed import Typed
from adapters.opencrvs.events import BETWEEN, DECLARATION, NOTIFY
from gateway.errors import SenderError

ANNOTATION = "annotation"
TAKEN = ("eventId", "type", "createdAtLocation", DECLARATION, ANNOTATION)
"""Members a body may have. Others are made by the server: they are not written."""


class Notice:
    """Bodies for the records that `back` walks."""

    def __init__(self, back: Back) -> None:
        self._back = back
        self._typed = Typed(back.plan, shapes=False, booleans=True, between=BETWEEN)
        self._type = back.plan.document.get("form", {}).get("id")

    def __call__(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """One body. Raises `SenderError` where nothing says what type of event it is."""
        kept = {key: one for key, one in fields.items() if key.partition("/")[0] in TAKEN}
        body = {"type": self._type, DECLARATION: {}, ANNOTATION: {}} | nest(self._typed(kept))
        kind = body["type"]
        if not isinstance(kind, str):
            raise SenderError(
                "the mapping says no type of event: neither `type` nor `form.id`",
                rule="opencrvs.no_type",
            )
        if not isinstance(body[DECLARATION], dict):
            raise SenderError("the mapping writes `declaration` as a value", rule="mapping.both")
        return body | {
            "type": NOTIFY,
            "eventType": kind,
            "transactionId": self._back.local_id(fields),
        }
