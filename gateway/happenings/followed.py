"""What people keep in files and an auditor must see change: parties, officers, witnesses, the
retention of content, the log's key.

An agreement and a policy say for themselves when they come into force. These do not, so a gateway
compares its files with what the log last said of them, when it opens and when it reads again.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.canonical import canonical, short
from gateway.deployment import Deployment, Keys
from gateway.entry import control
from gateway.errors import OfficerError
from gateway.log import Appended, Duplicate, Log
from gateway.log_standing import Key, Standing, digest_of
from gateway.note import Signer, render_vkey

WITNESSES = "witnesses.policy"
FILES = ("party", "officer", "witness", "retention")
PARTY = ("id", "kind", "status", "regimes", "formats", "purposes", "keys", "request_keys",
         "certificates", "endpoints")  # fmt: skip
ENDPOINT = ("id", "system", "url", "formats", "network")
OFFICER = ("id", "party", "roles", "status", "keys")
"""What is written down of a party and an officer: names and addresses of people are not."""
STATES = {"active": "active", "suspended": "suspended", "left": "terminated"}
BATCH = 500
LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Followed:
    """One thing as a file says it now."""

    state: str
    document: bytes

    @property
    def digest(self) -> str:
        """Under which the document is kept."""
        return digest_of(self.document)


def follow(log: Log, deployment: Deployment, keys: Keys, before: Deployment | None = None) -> int:
    """Log what the files say otherwise than the log; how much that was.

    `before` is what this process read last. Then only what changed in its own files since counts:
    two gateways whose files differ for an hour would otherwise correct each other for that hour.
    """
    now, old = _files(deployment), None if before is None else _files(before)
    standing = log.standing()
    if ("key", "log") not in standing:
        now["key", "log"] = _key(deployment, keys)
    entries = [
        change
        for key in sorted(now.keys() | {key for key in standing if key[0] in FILES})
        if old is None or now.get(key) != old.get(key)
        for change in _change(key, now.get(key), standing.get(key), deployment)
    ]
    for at in range(0, len(entries), BATCH):
        _append(log, entries[at : at + BATCH])
    return len(entries)


_Change = tuple[dict[str, Any], list[tuple[str, bytes]], str]


def _change(
    key: Key, one: Followed | None, row: Standing | None, deployment: Deployment
) -> Iterator[_Change]:
    kind, name = key
    if one is None:
        if row is None or row.state == "removed":
            return
        digest, state, documents = row.digest, "removed", list[tuple[str, bytes]]()
    else:
        if row is not None and (row.state, row.digest) == (one.state, one.digest):
            return
        digest, state, documents = one.digest, one.state, [(kind, one.document)]
    subject = {"id": name, "version": short(digest), "state": state}
    entry = control(
        gateway=deployment.settings.gateway.name,
        what=kind,
        digest=digest,
        subject=subject,
        documents=[digest],
    )
    # Two processes that open at once say it once; the same change a year later is another one.
    yield entry, documents, f"{kind}/{name}/{state}/{digest}/{row.index if row else -1}"


def _append(log: Log, entries: list[_Change]) -> None:
    futures: list[Future[Appended]] = [
        log.submit(entry, documents=documents, once=once) for entry, documents, once in entries
    ]
    for future in futures:
        try:
            future.result()
        except Duplicate:
            continue


def _files(deployment: Deployment) -> dict[Key, Followed]:
    found: dict[Key, Followed] = {}
    for name, party in deployment.parties.items():
        found["party", name] = _followed(_addressed(party), PARTY)
    for name, officer in deployment.officers.items():
        found["officer", name] = _followed(officer, OFFICER)
    hours = deployment.settings.content.keep_hours
    found["retention", "content"] = Followed("active", canonical({"keep_hours": hours}))
    policy = _witnesses(deployment.directory / WITNESSES)
    if policy:
        found["witness", "witnesses"] = Followed("active", policy)
    return found


def _addressed(party: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where it is pushed to, without how we show ourselves there: a user may be somebody."""
    if "endpoints" not in party:
        return party
    told = [{name: one[name] for name in one if name in ENDPOINT} for one in party["endpoints"]]
    return {**party, "endpoints": told}


def _followed(document: Mapping[str, Any], names: tuple[str, ...]) -> Followed:
    shown = {name: document[name] for name in names if name in document}
    return Followed(STATES[document["status"]], canonical(shown))


def _witnesses(path: Path) -> bytes:
    """The lines that count. A comment may be about somebody."""
    if not path.exists():
        return b""
    try:
        lines = path.read_text(encoding="ascii").splitlines() if _small(path) else None
    except (OSError, UnicodeDecodeError):
        lines = None
    if lines is None:
        raise OfficerError("cannot be read", rule="witness.unreadable", at=path.name)
    words = (" ".join(line.split()) for line in lines)
    return "\n".join(line for line in words if line and not line.startswith("#")).encode()


def _small(path: Path) -> bool:
    return path.stat().st_size <= LARGEST


def _key(deployment: Deployment, keys: Keys) -> Followed:
    """The key the log began with. Later ones are named by the entry that brings them in."""
    signer = Signer.of(deployment.settings.gateway.origin, keys.log)
    return Followed("active", render_vkey(signer.vkey).encode())
