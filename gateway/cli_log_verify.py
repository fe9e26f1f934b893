"""`corridor log verify` for an exported log: a folder, or the address it is published at."""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import Progress as Bar

from gateway import entry, note, receipt
from gateway.deployment import read_key
from gateway.errors import GatewayError, OfficerError
from gateway.publication.tiles import ENTRIES, WIDTH, Tile
from gateway.publication.trust import read_policy
from gateway.upkeep import timestamps
from gateway.verification import Keys, Verdict, folder, keys_of, verify_export
from gateway.verification.fetch import ask, fetch
from gateway.verification.walk import Progress
from gateway.verification.witnessed import MAX_SKEW

BEARER = "CORRIDOR_BEARER"
"""The environment variable with the key that a published log is read with."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an auditor gives: whom to believe, and what was not taken from the log itself."""

    where: str
    key: Path
    policy: Path | None = None
    checkpoints: Sequence[Path] = ()
    receipt: Path | None = None
    ask_witnesses: bool = False
    within: int = 0
    tsa: Path | None = None


def verify_exported(asked: Asked) -> None:
    """Check it and say what was found. Raises `GatewayError` for any finding."""
    vkeys = read_key(asked.key)
    keys = keys_of(vkeys, read_policy(asked.policy) if asked.policy else None)
    if asked.within and asked.policy is None:
        raise OfficerError("to ask for witnesses takes their policy", rule="verify.within")
    others = list(_others(asked, keys))
    with _local(asked.where, keys) as root, _bar("checking the log") as progress:
        begun = time.monotonic()
        verdict = verify_export(root, keys, others=others, within=asked.within, progress=progress)
        stamps = [] if asked.tsa is None else _stamped(root, asked.tsa, verdict)
        _tell(verdict, time.monotonic() - begun)
    if asked.tsa is not None:
        typer.echo(f"time stamps: {len(stamps)} hold")


def _stamped(root: Path, tsa: Path, verdict: Verdict) -> Sequence[timestamps.Stamped]:
    """Time stamps that hold. Raises `GatewayError` where one does not, or an entry is later.

    For a log that was found whole: its checkpoints are what they say.
    """
    roots = timestamps.read_roots(tsa)
    if verdict.problems:
        return []
    kept = root / timestamps.FOLDER
    stamped, problems = timestamps.check(kept, roots, timestamps.in_export(root))
    wrong = [f"{problem.rule} at {problem.at}" for problem in problems]
    for one in stamped:
        if one.size > verdict.size:
            wrong.append(f"timestamp.checkpoint at {timestamps.FOLDER}/{one.size}")
        elif one.size and _time(root, verdict.size, one.size - 1) > one.time + MAX_SKEW * 1000:
            wrong.append(f"entry.after_timestamp at entry {one.size - 1}")
    if not stamped and not wrong:
        wrong.append(f"timestamp.none at {timestamps.FOLDER}")
    for line in wrong:
        typer.echo(line)
    if wrong:
        raise GatewayError("the log does not hold", rule="log.broken")
    return stamped


def _time(root: Path, size: int, index: int) -> int:
    """The time of an entry of a log that was checked."""
    bundle, place = divmod(index, WIDTH)
    full = (bundle + 1) * WIDTH <= size
    tile = Tile(ENTRIES, bundle, WIDTH if full else size % WIDTH)
    return int(entry.parse(folder.leaves(root, tile)[place])["time"])


def _others(asked: Asked, keys: Keys) -> Iterator[tuple[str, str]]:
    for path in asked.checkpoints:
        yield path.name, _text(path)
    if asked.receipt is not None:
        held = receipt.proof_of(_text(asked.receipt).encode())
        yield asked.receipt.name, note.parse_proof(held).checkpoint
    if asked.ask_witnesses:
        yield from ask(keys)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise OfficerError("cannot be read", rule="verify.unreadable", at=path.name) from None


@contextmanager
def _local(where: str, keys: Keys) -> Iterator[Path]:
    if "://" not in where:
        yield Path(where)
        return
    with tempfile.TemporaryDirectory() as scratch, _bar("fetching the log") as progress:
        bearer = os.environ.get(BEARER, "")
        fetch(where, keys, Path(scratch), bearer=bearer, progress=progress)
        yield Path(scratch)


@contextmanager
def _bar(title: str) -> Iterator[Progress]:
    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _tell(verdict: Verdict, seconds: float) -> None:
    for problem in (*verdict.problems, *verdict.notes):
        typer.echo(f"{problem.rule}{f' at {problem.at}' if problem.at else ''}")
    if verdict.problems:
        raise GatewayError("the log does not hold", rule="log.broken")
    typer.echo(f"log: {verdict.size} entries hold, root {verdict.root.hex()}")
    rate = verdict.size / max(seconds, 0.001)
    typer.echo(f"checked against {verdict.checkpoints} checkpoints, {rate:,.0f} entries a second")
    if verdict.witnessed_at:
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(verdict.witnessed_at))
        typer.echo(
            f"witnesses vouch for {verdict.witnessed} entries, the last at {when}; "
            f"an entry waited {verdict.longest_wait} s for them at most"
        )
    if verdict.open:
        typer.echo(f"releases nothing became of yet: {verdict.open}")
    if verdict.unfounded:
        typer.echo(f"releases under what nobody activated in this log: {verdict.unfounded}")
