"""Who may read the log: parties, and auditors with a key that opens nothing else.

The keys are read at each request, so that one that is taken out of `keys/auditors.json` ends
at once.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request

from gateway.deployment import bearer_digest, new_bearer, read_bearers
from gateway.errors import OfficerError, SenderError
from gateway.exchange import Gateway
from gateway.identity import caller_of

AUDITORS = "auditors.json"
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,60}")


@dataclass(frozen=True, slots=True)
class LogReader:
    """Somebody who reads the log, as access entries name them."""

    who: str
    """`auditor:NAME`, or a party's id."""
    auditor: bool


def new_reader(deployment: Path, name: str) -> str:
    """A new bearer key for an auditor, shown this once. Raises `OfficerError` for a bad name."""
    if not _NAME.fullmatch(name):
        raise OfficerError("lower case, digits, dots, dashes", rule="reader.name", at="NAME")
    path = deployment / "keys" / AUDITORS
    if not path.exists():
        path.touch(mode=0o600, exist_ok=False)
        path.write_text("{}\n", encoding="ascii")
    return new_bearer(deployment, name, AUDITORS)


async def reader_of(request: Request) -> LogReader:
    """Who reads: an auditor with a bearer key, or a party. Raises 401 without saying why."""
    gateway: Gateway = request.app.state.gateway
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        digest = bearer_digest(token)
        folder = gateway.deployment.directory
        held = read_bearers(folder, AUDITORS) if (folder / "keys" / AUDITORS).exists() else {}
        if digest in held:
            return LogReader(f"auditor:{held[digest]}", auditor=True)
    return LogReader((await caller_of(request)).party, auditor=False)


async def auditor_of(request: Request) -> LogReader:
    """The auditor whose bearer key the request carries. Raises 401, and 403 for a party."""
    found = await reader_of(request)
    if not found.auditor:
        raise SenderError("for auditors only", rule="key.not_auditor", status=403)
    return found
