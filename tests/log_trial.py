"""One trial of a log: a process that appends, and one that looks at what is left afterwards."""

import json
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import entry, high_water, note
from gateway.audit import verify_log
from gateway.errors import CorridorError, GatewayError
from gateway.log import Keep, Log
from gateway.merkle import leaf_hash, verify_consistency

KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
ORIGIN = "gw.example.org/transfers/2027"
VKEY = note.Signer.of(ORIGIN, KEY).vkey
SAMPLE = json.loads((Path(__file__).parent / "vectors/released_transfer.json").read_text())
ENTRIES = 4

Said = dict[str, Any]


def forked(work: Callable[[Callable[..., None]], None]) -> tuple[list[Said], int]:
    """What a process of its own said, and how it ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        status = 1
        try:
            work(lambda **said: os.write(writing, json.dumps(said).encode() + b"\n"))
            status = 0
        except BaseException:  # a child must not go on as if it were its parent
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as lines:
        said = [json.loads(line) for line in lines if line.endswith(b"\n")]
    return said, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def refused() -> Said:
    return SAMPLE | {"id": entry.new_id(), "outcome": "refused"}


def create(directory: Path) -> None:
    def work(say: Callable[..., None]) -> None:
        Log.create(directory, origin=ORIGIN, key=KEY, gateway="gw-1").close()

    if forked(work)[1]:
        raise RuntimeError("no log could be made")


def append(directory: Path, say: Callable[..., None], count: int = ENTRIES) -> None:
    """Say each answer; then whether the log failed, and that it takes nothing more."""
    try:
        log = Log.open(directory, key=KEY, gateway="gw-1")
    except GatewayError as error:
        say(failed=error.rule, after="log.stopped")
        return
    try:
        for number in range(count):
            kept = Keep("content", entry.new_id(), bytes([number]) * 3000)
            answer = log.append(refused(), keep=[kept])
            leaf = leaf_hash(answer.leaf).hex()
            say(index=answer.index, leaf=leaf, checkpoint=answer.checkpoint)
        log.close()
    except GatewayError as error:
        after = ""
        try:
            log.append(refused())
        except GatewayError as second:
            after = second.rule
        say(failed=error.rule, after=after)


def looked_at(directory: Path, said: list[Said]) -> list[str]:
    """What is wrong with the log that is left, beside what was answered."""

    def work(say: Callable[..., None]) -> None:
        _look_at_mark(directory, said, say)
        for problem in verify_log(directory, vkey=note.render_vkey(VKEY)).problems:
            say(wrong=f"{problem.rule} {problem.at}")
        try:
            with Log.open(directory, key=KEY, gateway="gw-1") as log:
                log.append(refused())
                _compare(log, [one for one in said if "index" in one], say)
        except CorridorError as error:
            say(wrong=f"not opened: {error.rule}")

    found, status = forked(work)
    return [one["wrong"] for one in found] + (["the check failed"] if status else [])


def _look_at_mark(directory: Path, said: list[Said], say: Callable[..., None]) -> None:
    """Whatever was answered, the high-water file vouches for it."""
    try:
        mark = high_water.newest((directory / high_water.FILE).read_bytes())[1]
    except GatewayError as error:
        say(wrong=error.rule)
        return
    for one in said:
        if "index" in one and high_water.size_of(mark) <= one["index"]:
            say(wrong=f"entry {one['index']} was answered and not marked")


def _compare(log: Log, answers: list[Said], say: Callable[..., None]) -> None:
    first = min((one["index"] for one in answers), default=0)
    leaves = {index: leaf_hash(leaf).hex() for index, leaf in log.entries(first)}
    for one in answers:
        if leaves.get(one["index"]) != one["leaf"]:
            say(wrong=f"entry {one['index']} was answered and is lost")
    head = note.open_checkpoint(log.checkpoint(), VKEY)
    for one in answers[-1:]:
        signed = note.open_checkpoint(one["checkpoint"], VKEY)
        proof = log.consistency(signed.size, head.size)
        verify_consistency(signed.size, head.size, proof, signed.root, head.root)
