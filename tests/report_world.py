"""A small log with a story: what each report must find in it, and what it must not."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import entry
from gateway.canonical import canonical, digest
from gateway.log import Log

DAY = 86_400_000
HOUR = 3_600_000
KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
ORIGIN = "log.example/reports"
QUESTION: dict[str, Any] = {
    "context": {"now": "", "decisions": [], "above_volume": []},
    "request": {},
    "recipient": {"kind": "ngo"},
    "agreement": {
        "id": "agr:one",
        "version": "1",
        "scope": {"start": "2020-01-01T00:00:00Z", "end": "2099-01-01T00:00:00Z"},
        "legal_bases": [
            {"basis": "lb.public", "evidence": ["mandate_ref"],
             "valid_until": "2099-01-01T00:00:00Z"},
        ],
        "safeguards": {
            "dpia": {"ref": "d", "date": "2099-01-01", "outcome": "low",
                     "next_review": "2099-01-01T00:00:00Z"},
            "security": {"at_rest": True, "mfa_required": False},
        },
        "retention": [{"record_type": "person", "days": 30}],
        "onward": {"allowed": True, "recipients": ["org:c"]},
        "notice": {"recipients_listed": ["org:b"], "purposes_listed": ["hum.health"],
                   "date": "2020-01-01"},
        "publication": {"allowed": True, "thresholds": {"k": 10, "l": 2, "risk_permille": 30}},
        "decisions": [],
    },
}  # fmt: skip


class Story:
    """Writes a log, at times of the test's own choosing."""

    def __init__(self, log: Log, now: list[int]) -> None:
        self.log = log
        self.start = now[0]
        self._now = now

    def wait(self, milliseconds: int) -> None:
        """Let time pass."""
        self._now[0] += milliseconds

    @property
    def now(self) -> int:
        """What the log's clock says."""
        return self._now[0]

    def transfer(self, asked: dict[str, Any] | None = None, **parts: Any) -> str:
        """One transfer; `asked` changes the agreement in its question, by dotted names."""
        question = deepcopy(QUESTION)
        for path, value in (asked or {}).items():
            *steps, last = path.split(".")
            held = question
            for step in steps:
                held = held[step]
            if value is None:
                held.pop(last)
            else:
                held[last] = value
        kept = canonical(question)
        said: dict[str, Any] = {
            "outcome": "released",
            "sender": {"party": "org:a", "regimes": ["state:KE"]},
            "recipient": {"party": "org:b", "regimes": ["state:UG"]},
            "purpose": "hum.health.care",
            "legal_basis": "lb.public",
            "agreement": {"id": "agr:one", "version": "1", "digest": digest(b"one")},
            "border": {"crosses": True, "destination": "dest.instrument", "instrument": "scc"},
            "policy": {"bundle": digest(b"bundle"), "question": digest(b"asked"),
                       "engine": "embedded", "template": digest(kept),
                       "at": "2026-11-22T08:00:00Z"},
            "rules": [],
            "formats": {"in": "kobo", "out": "fhir.r4"},
            "adapters": {"in": "kobo@1", "out": "fhir.r4@1"},
            "released": ["person.name:keep", "person.record_id:pseudonym"],
            "count": "10-99",
            "content": "A" * 43,
            **parts,
        }  # fmt: skip
        made = entry.transfer(gateway="gw", **said)
        self.log.append(made, documents=[("question", kept)])
        return str(made["id"])

    def say(self, kind: str, **parts: Any) -> str:
        """An entry of another type; its id."""
        made = {"v": 1, "type": kind, "gateway": "gw", "id": entry.new_id(), **parts}
        self.log.append(made)
        return str(made["id"])

    def stands(self, name: str, version: str, state: str) -> None:
        """An agreement comes into force, or ends."""
        said = entry.control(
            gateway="gw", what="agreement", digest=digest(b"one"), signers=["officer:x", "org:a"],
            subject={"id": name, "version": version, "state": state}, documents=[],
        )  # fmt: skip
        self.log.append(said)


@contextmanager
def story(directory: Path) -> Iterator[Story]:
    """A new log in `directory`, open."""
    Log.create(directory, origin=ORIGIN, key=KEY, gateway="gw").close()
    with Log.open(directory, key=KEY, gateway="gw") as log:
        begins = log.rows("SELECT max(time) FROM entry_index")[0][0] + 1000
    now = [begins]
    with Log.open(directory, key=KEY, gateway="gw", clock=lambda: now[0]) as log:
        yield Story(log, now)
