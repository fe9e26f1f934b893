"""Every key that counts at this moment, and for whom.

The files that hold them are looked at a few times a second, and what the log says of keys and
parties is followed, so that a key ends within a second in every process that has the log open:
where its own file says so, and where any of them logged that it was revoked.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.datastructures import State

from gateway import journal
from gateway.deployment import Deployment, files, read_bearers, read_key, read_secrets
from gateway.document import read_document
from gateway.errors import CorridorError, GatewayError
from gateway.exchange import Gateway
from gateway.identity.public import Public, public_of
from gateway.log_standing import Key as Stands
from gateway.log_standing import Standing

SECONDS = 0.2
"""How old a look at the files may be."""
ROUTE_KEYS = "routes.json"
_KEY_FILES = ("bearer.json", ROUTE_KEYS, "secrets.json")
_PEOPLE = ("parties", "routes")

Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A key a party signs requests with."""

    party: str
    public: Public
    since: str = ""
    until: str = "9999"

    def counts(self) -> bool:
        """Whether it does at this moment."""
        return self.since <= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) < self.until


@dataclass(frozen=True, slots=True)
class Keyring:
    """One look at the files and the log."""

    active: frozenset[str]
    """Parties that may speak."""
    bearers: Mapping[str, str] = field(repr=False)
    requests: Mapping[str, RequestKey]
    """By the thumbprint we computed: what a message calls a key only chooses among these."""
    certificates: Mapping[str, str]
    hooks: Mapping[str, tuple[str, ...]] = field(repr=False)
    """Slow hashes of what may be shown to a route's hook."""
    secrets: Mapping[str, str] = field(repr=False)
    routes: frozenset[str] = frozenset()
    """Routes that take anything."""

    def bearer(self, digest: str) -> str | None:
        """The party a bearer key of this digest speaks for."""
        party = self.bearers.get(digest)
        return party if party in self.active else None

    def request(self, thumbprint: str) -> RequestKey | None:
        """The key of this thumbprint, where it counts now."""
        key = self.requests.get(thumbprint)
        return key if key is not None and key.party in self.active and key.counts() else None

    def certificate(self, digest: str) -> str | None:
        """The party a client certificate of this digest speaks for."""
        party = self.certificates.get(digest)
        return party if party in self.active else None


def bearer_name(digest: str) -> str:
    """How people and entries call a bearer key."""
    return f"bearer:{digest[:32]}"


def request_name(thumbprint: str) -> str:
    """How entries call a key for requests."""
    return f"request:{thumbprint}"


def certificate_name(digest: str) -> str:
    """How entries call a client certificate."""
    return f"certificate:{digest}"


def read_keyring(deployment: Deployment, standing: Mapping[Stands, Standing]) -> Keyring:
    """The keys as files and log have them. Raises `CorridorError` where a file is damaged."""
    directory = deployment.directory
    parties = [read_document(path, "party") for path in files(directory / "parties")]
    routes = [read_document(path, "route") for path in files(directory / "routes")]
    ended = {name for (kind, name), row in standing.items() if _ended(kind, row)}
    bearers = read_bearers(directory)
    return Keyring(
        frozenset(one["id"] for one in parties if _speaks(one, standing)),
        {digest: party for digest, party in bearers.items() if bearer_name(digest) not in ended},
        _once("request_keys", _request_keys(parties, ended)),
        _once("certificates", _certificates(parties, ended)),
        read_hooks(directory),
        read_secrets(directory),
        frozenset(one["id"] for one in routes if one["status"] == "active"),
    )


def _ended(kind: str, row: Standing) -> bool:
    return kind == "key" and row.state == "terminated"


def _speaks(party: Mapping[str, Any], standing: Mapping[Stands, Standing]) -> bool:
    """Here it is active, and no gateway on this log says that it is not."""
    row = standing.get(("party", party["id"]))
    return party["status"] == "active" and (row is None or row.state != "suspended")


def _request_keys(
    parties: Iterable[Mapping[str, Any]], ended: set[str]
) -> Iterator[tuple[str, RequestKey]]:
    for party in parties:
        for held in party.get("request_keys", ()):
            public = public_of(held["jwk"])
            if public is None:
                raise GatewayError("not a key we can use", rule="keys.kind", at=party["id"])
            if "revoked_at" in held or request_name(public.id) in ended:
                continue
            span = held.get("valid_from", ""), held.get("valid_until", "9999")
            yield public.id, RequestKey(party["id"], public, *span)


def _certificates(
    parties: Iterable[Mapping[str, Any]], ended: set[str]
) -> Iterator[tuple[str, str]]:
    for party in parties:
        for digest in party.get("certificates", ()):
            if certificate_name(digest) not in ended:
                yield digest, party["id"]


def _once(what: str, found: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    held: dict[str, Any] = {}
    for name, one in found:
        if name in held:
            # Whose word it was could not be said.
            raise GatewayError("a key that stands twice", rule="keys.twice", at=what)
        held[name] = one
    return held


def read_hooks(directory: Path) -> dict[str, tuple[str, ...]]:
    """Hashes of what may be shown to each route's hook."""
    path = directory / "keys" / ROUTE_KEYS
    if not path.exists():
        return {}
    try:
        held = json.loads(read_key(path, private=True))
        return {route: tuple(str(one["argon2"]) for one in keys) for route, keys in held.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise GatewayError("this key file is damaged", rule="keys.broken", at=path.name) from None


def stamp_of(directory: Path, folders: Iterable[str] = _PEOPLE, keys: bool = True) -> Stamp:
    """What changes whenever one of the files does."""
    paths = [one for name in folders for one in files(directory / name)]
    paths += [directory / "keys" / name for name in _KEY_FILES if keys]
    found = []
    for path in paths:
        try:
            seen = path.stat()
        except OSError:
            continue  # gone: its absence is a change
        found.append((str(path), seen.st_mtime_ns, seen.st_ino, seen.st_size))
    return tuple(found)


class Keys:
    """The keyring of one process, as fresh as it must be. For its event loop only."""

    def __init__(self) -> None:
        self._ring: Keyring | None = None
        self._made_of: tuple[Any, ...] = ()
        self._looked = 0.0

    def now(self, gateway: Gateway) -> Keyring:
        """The keys that count. Raises `GatewayError` (503) where their files are damaged."""
        if time.monotonic() - self._looked > SECONDS or not self._made_of:
            made_of = (stamp_of(gateway.deployment.directory), gateway.log.epoch())
            if made_of != self._made_of:
                self._read(gateway, made_of)
            self._looked = time.monotonic()
        if self._ring is None:
            raise GatewayError("the keys cannot be read", rule="keys.unreadable")
        return self._ring

    def _read(self, gateway: Gateway, made_of: tuple[Any, ...]) -> None:
        self._made_of = made_of
        try:
            self._ring = read_keyring(gateway.deployment, gateway.log.standing())
        except CorridorError as error:
            # Nobody is let in on what a file said before somebody wanted to end it.
            self._ring = None
            journal.say("keys.unreadable", rule=error.rule, at=error.at)


def keyring_of(state: State) -> Keyring:
    """The keys that count for this application at this moment."""
    keys: Keys | None = getattr(state, "keys", None)
    if keys is None:
        keys = state.keys = Keys()
    gateway: Gateway = state.gateway
    return keys.now(gateway)
