"""Asking the systems of routes for what their hooks lost.

The cursor moves over a page when every record of it is in the log or is told as left behind: one
that cannot be read must not hold up those after it. What the gateway could not carry, because its
log or its policies fail, stops the asking where it is.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from starlette.datastructures import State

from gateway import journal, outbound
from gateway.deployment import read_secrets
from gateway.entry import new_id
from gateway.errors import CorridorError, GatewayError, OfficerError, RecipientError, SenderError
from gateway.routes import cursor as cursors
from gateway.routes.cursor import Cursor
from gateway.routes.envelopes import Item, each
from gateway.routes.identified import moment
from gateway.routes.slices import Slice, whole
from gateway.routes.sources import SOURCES, Ask, Source, checked, next_of, page_of, size_of
from gateway.routes.taking import Taken, taking_of, terms_by
from gateway.transfer import Gateway

OVERLAP_MINUTES = 10
"""Asked for again each time: servers show some records later than they date them."""
MAX_WAIT_SECONDS = 60
"""A system that wants to be left alone for longer is asked again another time."""
TRIES = 3
MAX_FAULTS = 100
"""Told one by one; the rest is counted."""
LOOK_SECONDS = 15
TERMS_FAIL = (403, 404)
"""Not the record is at fault but the route: it, or a party of it, was suspended meanwhile."""


@dataclass(slots=True)
class Report:
    """What asking one route's system brought."""

    route: str
    pages: int = 0
    records: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[dict[str, Any]] = field(default_factory=list)
    rule: str = ""
    """Why it stopped halfway; empty where it came to its end."""
    oldest_left: int = 0

    def add(self, found: list[Taken], places: list[int], when: list[int]) -> None:
        """The records of one page: where in it they stand, and when they changed."""
        self.pages += 1
        self.records += len(when)
        self.counts.update(one.outcome for one in found)
        for one in found:
            if one.outcome == "faulty":
                self.oldest_left = min(when[one.index], self.oldest_left or when[one.index])
                if len(self.faults) < MAX_FAULTS:
                    place = {"page": self.pages, **one.said(), "index": places[one.index]}
                    self.faults.append(place)

    def said(self) -> dict[str, Any]:
        """For people and machines: no value, and no id of the system's own."""
        told: dict[str, Any] = {
            "route": self.route,
            "pages": self.pages,
            "records": self.records,
            "counts": dict(self.counts),
            "faults": self.faults,
        }
        return {**told, "rule": self.rule} if self.rule else told


async def pull(state: State, route: Mapping[str, Any], since: str = "") -> Report:
    """Ask for everything since the cursor, or since an instant.

    Raises `OfficerError` for a route that cannot be asked, and `SenderError` for terms that do
    not hold. What happens on the way is in the report.
    """
    gateway: Gateway = state.gateway
    report, who = Report(route["id"]), new_id()
    endpoint, source, options = way_of(route, gateway)
    for to in route["terms"]["to"]:
        terms_by(route["id"], to, gateway)
    secrets = read_secrets(gateway.deployment.directory)
    client = outbound.client_for(endpoint, secrets, gateway.deployment.settings.delivery)
    if not await asyncio.to_thread(cursors.lease, gateway.log, route["id"], who):
        report.rule = "pull.under_way"
        return report
    held = cursors.read(gateway.log, route["id"])
    start = moment(since) if since else _start(held, route, options)
    run = _Run(state, route, source, options, client, report, who, start, held)
    try:
        async with client:
            await run.pages()
    except (RecipientError, GatewayError, SenderError) as error:
        report.rule = error.rule
    finally:
        await asyncio.shield(asyncio.to_thread(run.end))
    journal.say("pull", route=route["id"], pages=report.pages, rule=report.rule, **report.counts)
    return report


def way_of(
    route: Mapping[str, Any], gateway: Gateway
) -> tuple[Mapping[str, Any], Source, Mapping[str, str]]:
    """Endpoint, API and options of a route. Raises `OfficerError` where it cannot be asked."""
    at = f"route {route['id']}"
    if "pull" not in route or route["system"] not in SOURCES:
        raise OfficerError("it has nothing to ask", rule="route.no_pull", at=at)
    sender = gateway.deployment.parties[route["sender"]]
    [endpoint] = [
        one for one in sender.get("endpoints", ()) if one["id"] == route["pull"]["endpoint"]
    ]
    options = route["pull"].get("options", {})
    checked(SOURCES[route["system"]], options, at)
    _overlap(options)
    return endpoint, SOURCES[route["system"]], options


def _overlap(options: Mapping[str, str]) -> int:
    text = options.get("overlap_minutes", str(OVERLAP_MINUTES))
    if not text.isdecimal() or int(text) > 100_000:
        raise OfficerError("minutes", rule="route.option", at="overlap_minutes")
    return int(text) * 60_000_000


def _start(held: Cursor, route: Mapping[str, Any], options: Mapping[str, str]) -> int:
    if not held.at:
        return moment(route["pull"].get("since", "1970-01-01T00:00:00Z"))
    return max(held.at - _overlap(options), 0)


@dataclass(slots=True)
class _Run:
    """One asking, from its lease to its end."""

    state: State
    route: Mapping[str, Any]
    source: Source
    options: Mapping[str, str]
    client: httpx.AsyncClient
    report: Report
    who: str
    start: int
    held: Cursor
    reached: int = 0
    before: set[str] = field(default_factory=set, repr=False)
    """Records of the page before, as they were written."""

    async def pages(self) -> None:
        size = size_of(self.options)
        asked: Ask | None = self.source.ask(self.options, self.start, size, 0)
        before: set[str] = set()
        while asked is not None:
            if (key := repr((asked.path, sorted(asked.params.items())))) in before:
                raise RecipientError("its pages go in a circle", rule="pull.circle")
            before.add(key)
            answer = await fetched(self.client, asked)
            page = page_of(self.source, self.options, answer)
            await self._page(page.kind, page.found)
            asked = next_of(self.source, self.options, asked, page, size)
        self._moved(self.reached)

    async def _page(self, kind: str, found: list[Slice]) -> None:
        # A page begins with the last moment of the one before it.
        places = [at for at, one in enumerate(found) if one.text not in self.before]
        self.before = {one.text for one in found}
        fresh = [found[at] for at in places]
        items = list(each(self.route["system"], kind, fresh, {}))
        when = [self.source.when(one.value) for one in fresh]
        taken = await self._taken(items)
        self.report.add(taken, places, when)
        stops = [one for one in taken if one.outcome == "failed" or one.status in TERMS_FAIL]
        if stops:
            raise GatewayError("not carried now", rule=stops[0].rule, at=stops[0].at)
        self.reached = max([self.reached, *when])
        if self.source.ordered:
            self._moved(self.reached)
        log = self.state.gateway.log
        if not await asyncio.to_thread(cursors.save, log, self.route["id"], self._left(), self.who):
            raise GatewayError("somebody else asks now", rule="pull.under_way")

    async def _taken(self, items: list[Item]) -> list[Taken]:
        """The records of a page, carried. One that fails twice while others of its page are
        carried is left behind: what fails is that record, and it would fail for ever."""
        taking = taking_of(self.state)
        taken = await taking.take(self.route, items)
        failed = sorted({one.index for one in taken if one.outcome == "failed"})
        if not failed or all(one.outcome == "failed" for one in taken):
            return taken
        again = await taking.take(self.route, [items[at] for at in failed])
        better = {(failed[one.index], one.recipient): one for one in again}
        return [_settled(one, better.get((one.index, one.recipient), one)) for one in taken]

    def _moved(self, at: int) -> None:
        self.held = replace(self.held, at=max(self.held.at, min(at, _now())))

    def _left(self) -> Cursor:
        """The cursor with what is left behind, of this asking and of those before it."""
        number, oldest = self.report.counts["faulty"], self.report.oldest_left
        since = self.held.left_since
        if self.held.left and not self.start <= since <= self.reached:
            number += self.held.left
            oldest = min(since, oldest or since)
        return replace(self.held, left=number, left_since=oldest, rule=self.report.rule)

    def end(self) -> None:
        """Keep how far it came, and let others ask."""
        try:
            log = self.state.gateway.log
            cursors.save(log, self.route["id"], self._left(), self.who, last=True)
        except CorridorError as error:
            journal.say("pull.cursor_not_kept", rule=error.rule)


def _settled(first: Taken, second: Taken) -> Taken:
    if first.outcome != "failed":
        return first
    outcome = "faulty" if second.outcome == "failed" else second.outcome
    return replace(second, index=first.index, outcome=outcome)


async def fetched(client: httpx.AsyncClient, asked: Ask) -> Slice:
    """The answer to one request. A system that asks for patience gets some."""
    for number in range(1, TRIES + 1):
        answer = await client.get(asked.path, params=dict(asked.params))
        if answer.status_code == 200:
            try:
                return whole(answer.content)
            except SenderError:
                raise RecipientError("its answer is not JSON", rule="pull.page") from None
        if answer.status_code not in (429, 502, 503, 504):
            break
        wait = _patience(answer.headers.get("retry-after", ""), number)
        if number == TRIES or wait > MAX_WAIT_SECONDS:
            raise RecipientError("it is busy: later", rule="pull.busy")
        await asyncio.sleep(wait)
    if answer.status_code in (401, 403):
        raise RecipientError("it does not let us in", rule="pull.denied")
    if answer.status_code == 404:
        raise RecipientError("it does not know what is asked for", rule="pull.missing")
    raise RecipientError("it does not answer as it should", rule="pull.answer")


def _patience(text: str, number: int) -> float:
    """Seconds of a `Retry-After` (RFC 9110, 10.2.3); more each time where it says nothing."""
    if text.isdecimal():
        return float(text[:9])
    try:
        return max((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return float(2**number)


def _now() -> int:
    return time.time_ns() // 1000


async def pull_routes(state: State) -> None:
    """Ask every route's system as often as the route says, until cancelled."""
    under_way: dict[str, asyncio.Task[None]] = {}
    tried: dict[str, int] = {}
    async with asyncio.TaskGroup() as group:
        while True:
            gateway: Gateway = state.gateway
            for name, route in gateway.deployment.routes.items():
                if name not in under_way and _due(gateway, route, tried.get(name, 0)):
                    tried[name] = _now() // 1000
                    under_way[name] = group.create_task(_quietly(state, route))
            await asyncio.sleep(LOOK_SECONDS)
            under_way = {name: task for name, task in under_way.items() if not task.done()}


def _due(gateway: Gateway, route: Mapping[str, Any], tried: int) -> bool:
    """Whether nobody asked for so long, here or elsewhere."""
    minutes = route.get("pull", {}).get("every_minutes", 0)
    if not minutes or route["status"] != "active":
        return False
    due: int = _now() // 1000 - minutes * 60_000
    try:
        return tried <= due and cursors.read(gateway.log, route["id"]).asked <= due
    except CorridorError:
        return False


async def _quietly(state: State, route: Mapping[str, Any]) -> None:
    try:
        await pull(state, route)
    except CorridorError as error:
        journal.say("pull.failed", route=route["id"], rule=error.rule, at=error.at)
    except Exception as error:  # One route's fault must not end what asks for the others.
        journal.failed(error)
