"""What a vendor's system shows at a route's hook: a password, or a signature over what it sends.

Passwords are kept as slow hashes, and count for one route and its networks only. One that was
verified is remembered for some minutes as a keyed digest, so that a flood of records does not
mean a slow hash each; wrong ones are counted before anything is hashed, and one hash at a time
is computed.
"""

import asyncio
import base64
import binascii
import hmac
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.datastructures import State
from starlette.requests import Request

from gateway.deployment import KEY_MODE, read_key
from gateway.errors import GatewayError, OfficerError, SenderError
from gateway.identity.address import networks_of, within
from gateway.identity.caller import caller_of, still, unknown
from gateway.identity.keyring import ROUTE_KEYS, Keyring, keyring_of, read_hooks
from gateway.identity.origin import origin_of, target_of

Route = Mapping[str, Any]
HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""Argon2id with what OWASP asks for at least; the passwords we make have 256 bits anyway."""

REMEMBERED_SECONDS = 300.0
MAX_REMEMBERED = 1024
WRONG_PER_MINUTE = 10
"""From one address at one route. After that nothing from there is hashed for the minute."""
MAX_WAITING = 8
"""Hashes that may wait to be computed."""
MAX_SHOWN = 512


@dataclass(slots=True)
class _Doors:
    """What one process knows of who came to its hooks."""

    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    right: dict[bytes, float] = field(default_factory=dict, repr=False)
    wrong: dict[tuple[str, str, int], int] = field(default_factory=dict, repr=False)
    one: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


async def check_hook(request: Request, route: Route, body: bytes) -> None:
    """Let in what the route's own credentials come with. Raises as `check_shown` does."""
    await check_shown(request, route)
    auth = route["auth"]
    if auth["kind"] == "party":
        caller = await caller_of(request)
        caller.check_content(body)
        still(request, caller)
    elif auth["kind"] == "signature":
        secret = keyring_of(request.app.state).secrets.get(auth.get("secret", ""), "")
        if not _signed(request, route, secret, body):
            raise unknown()


async def check_shown(request: Request, route: Route) -> None:
    """What can be said before the body is read, so that not everybody's is. Raises 401 without
    saying what was wrong, and 429 or 503 where too much that is wrong comes."""
    auth: Route | None = route.get("auth")
    if auth is None or not _from_there(request, route):
        raise unknown()
    kind = auth["kind"]
    if kind == "party" and (await caller_of(request)).party != route["sender"]:
        raise unknown()
    ring = keyring_of(request.app.state)
    if route["sender"] not in ring.active:
        raise unknown()
    if kind in ("party", "signature"):
        return
    read: Callable[[Request, Route], str | None] = _SHOWN[kind]
    shown = read(request, auth)
    if shown is None or len(shown) > MAX_SHOWN:
        raise unknown()
    await _password(request, route["id"], shown, ring)


def _from_there(request: Request, route: Route) -> bool:
    said = route.get("addresses")
    if said is None:
        return True
    host = request.client.host if request.client else ""
    return within(host, networks_of(said, f"route {route['id']}"))


def _basic(request: Request, auth: Route) -> str | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, found, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        return None
    same = hmac.compare_digest(user.encode(), auth.get("user", "").encode())
    return password if found and same else None


def _bearer(request: Request, auth: Route) -> str | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value if scheme.lower() == "bearer" else None


def _header(request: Request, auth: Route) -> str | None:
    values = request.headers.getlist(auth.get("header", ""))
    return values[0] if len(values) == 1 else None


_SHOWN: Mapping[str, Callable[[Request, Route], str | None]] = {
    "basic": _basic,
    "bearer": _bearer,
    "header": _header,
}


async def _password(request: Request, route: str, shown: str, ring: Keyring) -> None:
    doors, hashes = _doors(request.app.state), ring.hooks.get(route, ())
    said = "\n".join((route, *hashes, shown)).encode()
    mark, now = hmac.digest(doors.secret, said, "sha256"), time.monotonic()
    if doors.right.get(mark, 0.0) > now:
        # Anew: else whoever shares the vendor's address could keep it out by wrong ones.
        doors.right[mark] = now + REMEMBERED_SECONDS
        return
    host = request.client.host if request.client else ""
    place = (route, host, int(now // 60))
    if doors.wrong.get(place, 0) >= WRONG_PER_MINUTE:
        wait = 60 - int(now % 60)
        raise SenderError("too many wrong keys", rule="key.wrong", status=429, retry_after=wait)
    if doors.waiting >= MAX_WAITING:
        raise GatewayError("too many keys to look at", rule="keys.busy", retry_after=2)
    doors.waiting += 1
    try:
        async with doors.one:
            right = await asyncio.to_thread(_any, hashes, shown)
    finally:
        doors.waiting -= 1
    if not right:
        _bounded(doors.wrong)
        doors.wrong[place] = doors.wrong.get(place, 0) + 1
        raise unknown()
    _bounded(doors.right)
    doors.right[mark] = now + REMEMBERED_SECONDS


def _doors(state: State) -> _Doors:
    made: _Doors | None = getattr(state, "doors", None)
    if made is None:
        made = state.doors = _Doors()
    return made


def _bounded(held: dict[Any, Any]) -> None:
    if len(held) >= MAX_REMEMBERED:
        held.pop(next(iter(held)))


def _any(hashes: Sequence[str], shown: str) -> bool:
    found = False
    for one in hashes:
        try:
            found |= HASHER.verify(one, shown)
        except (Argon2Error, InvalidHashError):
            continue
    return found


def _signed(request: Request, route: Route, secret: str, body: bytes) -> bool:
    if not secret:
        return False
    if route["system"] == "ushahidi":
        return _by_ushahidi(request, secret, body)
    try:
        Webhook(secret).verify(body, dict(request.headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        return False
    return True


def _by_ushahidi(request: Request, secret: str, body: bytes) -> bool:
    """Base64 of HMAC-SHA-256 over address and JSON. What is signed is the JSON as PHP writes it,
    which need not be the bytes that come: both spellings count, and nothing else."""
    origin = origin_of(request)
    said = request.headers.getlist("x-ushahidi-signature")
    if origin is None or len(said) != 1:
        return False
    address = target_of(request, origin).encode()
    spellings = [body, *_as_php_writes(body)]
    made = [
        base64.b64encode(hmac.digest(secret.encode(), address + one, "sha256")) for one in spellings
    ]
    return any([hmac.compare_digest(one, said[0].encode()) for one in made])


def _as_php_writes(body: bytes) -> list[bytes]:
    try:
        read = json.loads(body, object_pairs_hook=_once)
        written = json.dumps(read, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        return []
    return [written.replace("/", "\\/").encode()]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError  # another text than the one that was signed
    return found


def new_route_key(directory: Path, route: str, *, replace: bool) -> str:
    """A new password for a route's hook, shown this once. The older ones count until replaced."""
    path = directory / "keys" / ROUTE_KEYS
    held = {name: list(hashes) for name, hashes in read_hooks(directory).items()}
    password = f"ch_{secrets.token_urlsafe(32)}"
    held[route] = [*([] if replace else held.get(route, [])), HASHER.hash(password)]
    written = {name: [{"argon2": one} for one in hashes] for name, hashes in held.items()}
    write_keys(path, written)
    return password


def write_keys(path: Path, held: Mapping[str, Any]) -> None:
    """Put a key file in another's place, whole, for its owner only."""
    if path.exists():
        read_key(path, private=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, KEY_MODE)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            json.dump(held, file, indent=2, sort_keys=True)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise OfficerError("cannot be written", rule="out.unwritable", at=path.name) from None
