"""An officer's approval of one policy bundle or one agreement: a signed statement about a digest.

It says what was approved (by digest), what the officer had before them (the digest of a report),
who, in which role, when and why. It counts for three days, so that nobody approves in advance.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from joserfc.jwk import OKPKey

from gateway.canonical import canonical
from gateway.deployment import Deployment
from gateway.errors import OfficerError
from gateway.signing import claimed, sign, valid_at, verify

FORM = "corridor/approval/v1"
TYP = "corridor-approval+jws"
VALID = timedelta(hours=72)
AHEAD = timedelta(minutes=5)
"""How far an officer's clock may be ahead of ours."""
REASON = 20
"""Characters. A shorter reason is none."""
LONGEST = 4000

What = Literal["policy", "agreement"]
_MEMBERS = frozenset(
    ("form", "what", "subject", "digest", "report", "officer", "role", "at", "reason")
)


@dataclass(frozen=True, slots=True)
class Approval:
    """One that was verified. `document` is the signed text, to be kept beside the log."""

    what: str
    subject: str
    """An agreement's id; `policy` for a bundle."""
    digest: str
    report: str
    """Digest of what the officer was shown; empty when there was nothing but the thing itself."""
    officer: str
    role: str
    at: str
    reason: str = field(repr=False)
    document: bytes = field(repr=False)


def approve(
    *, what: What, subject: str, digest: str, report: str,
    officer: str, role: str, at: str, reason: str, key: OKPKey,
) -> str:  # fmt: skip
    """A signed approval. It is checked where it is used, by `read_approvals`, not here.

    Raises `OfficerError` for a reason too short to be one.
    """
    if not REASON <= len(reason.strip()) <= LONGEST:
        raise OfficerError(
            f"a reason of {REASON} to {LONGEST} characters", rule="approval.reason", at="reason"
        )
    statement = {
        "form": FORM, "what": what, "subject": subject, "digest": digest, "report": report,
        "officer": officer, "role": role, "at": at, "reason": reason,
    }  # fmt: skip
    return sign(canonical(statement), key, TYP)


def verified(
    signed: str,
    deployment: Deployment,
    *,
    what: What,
    subject: str,
    digest: str,
    report: str,
    now: str,
) -> Approval:
    """The approval in this text. Raises `OfficerError` (`approval.*`, `signature.*`)."""
    wanted = {"what": what, "subject": subject, "digest": digest, "report": report}
    return _read(signed, deployment, wanted, now)


def read_approvals(
    paths: Sequence[Path],
    deployment: Deployment,
    *,
    what: What,
    subject: str,
    digest: str,
    report: str,
    now: str,
) -> tuple[Approval, ...]:
    """The approvals in these files, every one verified, in their order.

    `now` is an instant (`2026-11-22T08:00:00Z`). Raises `OfficerError` (`approval.*`,
    `signature.*`) naming the file, for the first that does not count: an approval that somebody
    hands in and that is no good is a finding, not something to pass over.
    """
    wanted = {"what": what, "subject": subject, "digest": digest, "report": report}
    found: list[Approval] = []
    for path in paths:
        try:
            approval = _read(_text(path), deployment, wanted, now)
            if approval.officer in {one.officer for one in found}:
                raise OfficerError("the same officer twice", rule="approval.twice")
        except OfficerError as error:
            raise OfficerError(error.problem, rule=error.rule, at=path.name) from None
        found.append(approval)
    return tuple(found)


def people(approvals: Sequence[Approval]) -> int:
    """How many different people in different roles. Two in one role count as one."""
    # No officer is in it twice, so every role stands for at least one person of its own.
    return len({one.role for one in approvals})


def role_of(document: bytes) -> str:
    """The role in which a kept approval was given; empty for another kind of document.

    For documents out of the log, where they were put after `read_approvals`.
    """
    try:
        return _statement(claimed(document.decode("ascii")))["role"]
    except (OfficerError, UnicodeDecodeError):
        return ""


def is_moment(instant: str) -> bool:
    """Whether there is such a day and time: the schema lets 31 February pass."""
    try:
        moment(instant)
    except ValueError:
        return False
    return True


def moment(instant: str) -> datetime:
    """An instant of ours as a time. Raises `ValueError`."""
    return datetime.strptime(instant, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise OfficerError("cannot be read", rule="approval.unreadable") from None


def _read(signed: str, deployment: Deployment, wanted: Mapping[str, str], now: str) -> Approval:
    # Whose key it must be is said inside, so it is looked at before it is known to be true,
    # and believed only after `verify` found that very officer's key.
    statement = _statement(claimed(signed))
    officer = deployment.officers.get(statement["officer"])
    if officer is None:
        raise OfficerError("an officer who is not known here", rule="approval.officer")
    keys = officer.get("keys", ())
    payload, kid = verify(signed, keys, TYP)
    statement = _statement(payload)
    valid_at(keys, kid, statement["at"])
    _check(statement, officer, wanted, now)
    parts = {name: statement[name] for name in _MEMBERS - {"form"}}
    return Approval(**parts, document=signed.encode("ascii"))


def _statement(payload: bytes) -> dict[str, str]:
    try:
        statement: Any = json.loads(payload)
        spelled = canonical(statement) == payload
    except (ValueError, RecursionError):
        spelled = False
    if (
        not spelled
        or not isinstance(statement, dict)
        or statement.keys() != _MEMBERS
        or statement["form"] != FORM
        or not all(isinstance(value, str) for value in statement.values())
    ):
        raise OfficerError("not an approval", rule="approval.form")
    return statement


def _check(
    statement: Mapping[str, str], officer: Mapping[str, Any], wanted: Mapping[str, str], now: str
) -> None:
    if officer["status"] != "active":
        raise OfficerError("an officer who left", rule="approval.officer")
    if statement["role"] not in officer["roles"]:
        raise OfficerError("not a role of this officer", rule="approval.role")
    for name, value in wanted.items():
        if statement[name] != value:
            raise OfficerError(f"approves another {name}", rule=f"approval.{name}")
    if not REASON <= len(statement["reason"].strip()) <= LONGEST:
        raise OfficerError("a reason too short", rule="approval.reason")
    if not is_moment(statement["at"]):
        raise OfficerError("not an approval", rule="approval.form")
    made = moment(statement["at"])
    if made > moment(now) + AHEAD:
        raise OfficerError("made in the future", rule="approval.future")
    if made + VALID < moment(now):
        raise OfficerError("older than 72 hours", rule="approval.stale")
