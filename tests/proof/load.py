"""The process that is killed: it appends as fast as it can and says what it was answered.

Every line is one write of less than a pipe's atomic size, so it is whole or not there.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from gateway.errors import GatewayError
from gateway.log import Appended, Keep, Log
from gateway.merkle import leaf_hash
from tests.proof.places import Place, refused, released

LONGEST = 60.0
"""Seconds after which a process ends by itself, whatever became of the one that started it."""

PAUSE = 0.005


def say(pipe: int, **said: Any) -> None:
    os.write(pipe, json.dumps(said).encode() + b"\n")


def tell(pipe: int, name: str, appended: Appended) -> None:
    """What a partner would hold in hands: the entry's place, and what was signed."""
    say(
        pipe, id=name, index=appended.index, leaf=leaf_hash(appended.leaf).hex(),
        size=appended.size, checkpoint=appended.checkpoint,
    )  # fmt: skip


def one(log: Log, pipe: int, number: int) -> None:
    """Log one transfer, and only then release it."""
    transfer = refused() if number % 3 else released()
    name = transfer["id"]
    try:
        appended = log.append(transfer, keep=[Keep("content", f"c-{name}", b"x" * 500)])
    except GatewayError as error:
        say(pipe, id=name, failed=error.rule, unknown=log.stopped)
        time.sleep(PAUSE)
        return
    tell(pipe, name, appended)
    if number % 6 == 0:
        log.done(name)


def eager(log: Log, pipe: int, number: int) -> None:
    """The mistake that the trials must find: an answer before the entry is in the log."""
    transfer = refused()
    say(pipe, id=transfer["id"], index=log.size(), leaf="00" * 32, size=0, checkpoint="")
    log.append(transfer)


def load(
    place: Place,
    pipe: int,
    gateway: str = "gw-1",
    threads: int = 4,
    work: Callable[[Log, int, int], None] = one,
) -> None:
    """Open the log and append from several threads until somebody kills this process."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    end = time.monotonic() + LONGEST
    say(pipe, opening=True)
    try:
        log = place.open(gateway)
    except GatewayError as error:
        say(pipe, refused=error.rule)
        return
    say(pipe, open=True)

    def run() -> None:
        number = 0
        while time.monotonic() < end and not log.stopped:
            work(log, pipe, number)
            number += 1

    many = [threading.Thread(target=run, daemon=True) for _ in range(threads)]
    for thread in many:
        thread.start()
    for thread in many:
        thread.join()
    say(pipe, stopped=True)
    os._exit(0)
