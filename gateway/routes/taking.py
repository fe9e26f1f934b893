"""Records that came by a route, carried: each to every recipient, each version once."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from weakref import WeakValueDictionary

from starlette.datastructures import State

from gateway import arrival, journal
from gateway.arrival import Arrival, Repeated
from gateway.entry import new_id
from gateway.errors import CorridorError, GatewayError, OfficerError, RecipientError, SenderError
from gateway.routes.arrived import Arrived, Place
from gateway.routes.envelopes import Item
from gateway.terms import Asked, Terms, terms_of
from gateway.transfer import Gateway

What = Literal["released", "held", "refused", "repeated", "older", "faulty", "failed"]
ORDER: tuple[What, ...] = ("failed", "faulty", "refused", "held", "released", "repeated", "older")
"""What counts most where several things happened: what somebody must act on."""

AT_ONCE = 8
"""Records of one request or page under way together. Their entries share the log's commits."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one record for one recipient."""

    index: int
    recipient: str
    outcome: What
    transfer: str = ""
    rule: str = ""
    at: str = ""
    status: int = 200

    def said(self) -> dict[str, Any]:
        """For an answer: no value, and no id that the sender's system gave out."""
        told: dict[str, Any] = {"index": self.index, "to": self.recipient, "outcome": self.outcome}
        for name in ("transfer", "rule", "at"):
            if value := getattr(self, name):
                told[name] = value
        return told


def counted(found: Sequence[Taken]) -> dict[str, int]:
    """How often each thing happened."""
    return dict(Counter(one.outcome for one in found))


def worst(found: Sequence[Taken]) -> Taken:
    """What somebody must act on first."""
    return min(found, key=lambda one: (ORDER.index(one.outcome), -one.status))


def terms_by(route: str, recipient: str, gateway: Gateway) -> Terms:
    """The terms of a route to one of its recipients, as it stands now."""
    known = gateway.deployment.routes.get(route)
    if known is None or known["status"] != "active" or recipient not in known["terms"]["to"]:
        raise SenderError("no such route", rule="route.unknown", status=404)
    return gateway.remembered.of(
        "terms",
        ("route", route, recipient),
        lambda: terms_of(asked_by(known, recipient), gateway.deployment, gateway.known),
    )


def asked_by(route: Mapping[str, Any], recipient: str) -> Asked:
    """What a route asks for, to one of its recipients."""
    terms = route["terms"]
    return Asked(
        sender=route["sender"],
        recipient=recipient,
        agreement=terms["agreement"],
        purpose=terms["purpose"],
        legal_basis=terms.get("basis"),
        source=terms["format"],
        target=terms.get("into"),
        deliver=terms["deliver"],
        mapping=terms.get("mapping"),
    )


class Taking:
    """Takes records for one running gateway. Two versions of one record never overtake."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    async def take(self, route: Mapping[str, Any], items: Sequence[Item]) -> list[Taken]:
        """Carry every record to every recipient of a route. Only what nobody foresaw raises."""
        few = asyncio.Semaphore(AT_ONCE)

        async def one(index: int, item: Item) -> list[Taken]:
            async with few:
                return [await self._one(route, index, item, to) for to in route["terms"]["to"]]

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(index, item)) for index, item in enumerate(items)]
        return [taken for task in tasks for taken in task.result()]

    async def _one(self, route: Mapping[str, Any], index: int, item: Item, to: str) -> Taken:
        gateway: Gateway = self._state.gateway
        arrived = Arrived(gateway)
        place = arrived.place(route["id"], route["system"], to, item.known, item.content)
        lock = self._locks.setdefault(place.mark, asyncio.Lock())
        try:
            async with lock:
                return await self._carried(route, index, item, place, arrived)
        except (GatewayError, RecipientError, OfficerError) as error:
            # Not the record's fault: it can be carried when somebody has mended that.
            return Taken(index, to, "failed", "", error.rule, error.at, error.http_status)
        except CorridorError as error:
            return Taken(index, to, "faulty", "", error.rule, error.at, error.http_status)
        except Exception as error:  # One record must not stop the others it came with.
            journal.failed(error)
            return Taken(index, to, "failed", "", "gateway.failed", "", 500)

    async def _carried(
        self, route: Mapping[str, Any], index: int, item: Item, place: Place, arrived: Arrived
    ) -> Taken:
        to = place.recipient
        found = arrived.find(place)
        if found.what != "new":
            return Taken(index, to, found.what, found.transfer)
        transfer = new_id()
        outcome = await arrival.carry(
            self._state,
            Arrival(
                lambda gateway: terms_by(route["id"], to, gateway),
                item.content,
                arrived.key(place, found.transfer),
                transfer=transfer,
                strict=route.get("strict", False),
                alike=True,
                beside=(arrived.row(place, transfer),),
            ),
        )
        if isinstance(outcome, Repeated):
            return Taken(index, to, "repeated", outcome.transfer)
        against = [str(one["rule"]) for one in outcome.details["objections"]]
        rule = against[0] if against else ""
        return Taken(index, to, _what(outcome.outcome), outcome.transfer, rule)


def _what(outcome: str) -> What:
    return next(one for one in ORDER if one == outcome)


def taking_of(state: State) -> Taking:
    """The one of a running gateway."""
    made: Taking | None = getattr(state, "taking", None)
    if made is None:
        made = state.taking = Taking(state)
    return made
