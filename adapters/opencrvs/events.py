"""Taking what OpenCRVS answers or is sent apart into events, and an event into paths."""

from collections.abc import Iterator
from typing import Any

from adapters.flat.documents import no_empty_lists, note, others, refuse
from adapters.flat.nested import Flat
from gateway.errors import SenderError
from gateway.mapping import Plan
from gateway.record import Reading

DECLARATION = "declaration"
BETWEEN = ";"
"""Stands between the choices of one question."""

_OTHERS = others(
    "opencrvs",
    ("errors", "the server's answer to a fault", "error"),
    ("resourceType", "a FHIR document of OpenCRVS 1", "fhir"),
    ("event timestamp", "a webhook of OpenCRVS 1, which holds FHIR", "fhir"),
    ("__schema", "a description of the GraphQL interface", "graphql"),
    ("data", "an answer of the GraphQL interface of OpenCRVS 1", "graphql"),
    ("header message", "a DCI message, which the spdci adapter reads", "dci"),
    ("openapi", "a description of the interface", "not_events"),
)
_EVENT = others(
    "opencrvs",
    ("actions", "an event as all that was done with it: send what a search gives", "actions"),
    ("issues", "the server's answer to a fault", "error"),
)


_AWAY = {"ARCHIVED": "archived", "REVOKED": "revoked"}
"""States of an event that counts no more, each with its rule."""
NOTIFY = "NOTIFY"
"""What the members of a request call the request itself: its event is in `eventType`, if anywhere.
"""


class Unfold:
    """From a document to its events. Tells `reading` what else stands in the document."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def __call__(self, document: Any) -> Iterator[Any]:
        """The events of one document. A `total` of more events is told: the payload is not all."""
        if isinstance(document, list):
            yield from document
            return
        if not isinstance(document, dict):
            raise SenderError("neither an event nor a list", rule="opencrvs.not_events")
        refuse(document, _OTHERS)
        results = document.get("results")
        if not isinstance(results, list):
            yield document
            return
        whole = document.get("total") == len(results)
        note(self._reading, document, frozenset(("results", "total") if whole else ("results",)))
        yield from results


class Events:
    """Events as flat objects."""

    def __init__(self, plan: Plan) -> None:
        self._flat = Flat(plan, _choices)

    def __call__(self, value: Any, *, at: str) -> Any:
        """One event, flat. Raises `SenderError` for one without its declaration, or put aside."""
        if not isinstance(value, dict):
            return value
        refuse(value, (*_OTHERS, *_EVENT), at=at)
        if isinstance(value.get("status"), str) and value["status"] in _AWAY:
            rule = f"opencrvs.{_AWAY[value['status']]}"
            raise SenderError("an event that was put aside", rule=rule, at=at)
        if not isinstance(value.get(DECLARATION), dict):
            raise SenderError(
                "an event without its declaration", rule="opencrvs.no_declaration", at=at
            )
        return no_empty_lists(self._flat(_event(value), at=at))


def _event(value: dict[str, Any]) -> dict[str, Any]:
    """The event with its type as a search has it: in a request that is `eventType`."""
    if value.get("type") not in (None, NOTIFY) or not isinstance(value.get("eventType"), str):
        return value
    rest = {key: one for key, one in value.items() if key != "eventType"}
    return rest | {"type": value["eventType"]}


def _choices(answers: list[Any]) -> Any:
    if all(isinstance(one, str) and one and BETWEEN not in one for one in answers):
        return BETWEEN.join(answers)
    return answers
