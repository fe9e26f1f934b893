"""Bulk work made small: the worker's own code in this process, and payloads to cut."""

import asyncio
import random
from collections.abc import AsyncIterable
from dataclasses import replace
from pathlib import Path

import orjson

from bench.people import submission
from gateway import session
from gateway.bulk import work
from gateway.entry import new_id, parse
from gateway.errors import CorridorError
from gateway.exchange import Transfer, exchange
from gateway.terms import Asked, terms_of

ASKED = Asked(
    sender="org:amal-relief",
    agreement="agr:registration-2026",
    purpose="hum.assist.registration",
    source="kobo",
    target="fhir.r4",
    deliver="return",
)


class Here:
    """An engine that works on each task where it is. Counts them."""

    width = 1

    def __init__(self, directory: Path) -> None:
        work.prepare(directory)
        self.tasks = 0

    async def run(self, tasks: AsyncIterable[bytes]):
        async for task in tasks:
            self.tasks += 1
            yield work.work(task)

    async def close(self) -> None:
        return


def submissions(count: int, seed: int = 1) -> list[dict]:
    random_ = random.Random(seed)
    return [submission(random_, number) for number in range(count)]


def ndjson(found: list[dict]) -> bytes:
    return b"".join(orjson.dumps(one) + b"\n" for one in found)


class World:
    """A gateway that stays open, at one moment."""

    def __init__(self, directory: Path, settings: str = "part_bytes = 4096") -> None:
        file = directory / "corridor.toml"
        file.write_text(f"{file.read_text()}\n[bulk]\n{settings}\n")
        self.directory = directory
        self.engine = Here(directory)
        self._runner = asyncio.Runner()
        self._open = session.opened(directory)
        opened = self._runner.run(self._open.__aenter__())
        self.gateway = replace(opened, clock=lambda: "2026-11-22T12:00:00Z")
        self.both(ndjson(submissions(3)))  # policy is told whether there was a transfer before

    def close(self) -> None:
        self._runner.run(self._open.__aexit__(None, None, None))
        self._runner.close()

    def both(self, payload, *, lenient=False, **more):
        """What came of a payload in parts, and at once; and how many tasks the parts were.

        Each is content, details, and the entry but for what is new in every entry; or the error.
        """
        asked = replace(ASKED, **more)
        before = self.engine.tasks
        gateways = (replace(self.gateway, bulk=self.engine), replace(self.gateway, bulk=None))
        found = [self._runner.run(_carried(payload, asked, one, lenient)) for one in gateways]
        return (*found, self.engine.tasks - before)


async def _carried(payload, asked, gateway, lenient):
    terms = terms_of(asked, gateway.deployment, gateway.known)
    try:
        outcome = await exchange(Transfer(new_id(), terms, payload, lenient=lenient), gateway)
    except CorridorError as error:
        return error.rule, error.at, error.http_status, error.faults
    content = outcome.content
    [(_, leaf)] = gateway.log.entries(gateway.log.find(outcome.transfer), 1)
    entry = parse(leaf)
    new = {"id", "time", "content", "details", "subjects"}
    leaves = gateway.log.rows(
        "SELECT count(*), max(position) FROM subject WHERE transfer = ?", (outcome.transfer,)
    )
    if outcome.released is not None:
        outcome.released.close()
    said = {name: value for name, value in entry.items() if name not in new}
    return content, outcome.details, said, [*map(tuple, leaves)], "subjects" in entry
