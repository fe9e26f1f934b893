"""What CAP 1.2 demands of an alert beyond its XML schema, and the id of the record."""

import re
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from gateway.errors import SenderError
from gateway.record import Record

NOWHERE = "cap.invalid"
"""Authority of an alert whose sender names no domain (RFC 2606)."""

_MAIL = re.compile(r"[^@\s]+@([A-Za-z0-9][A-Za-z0-9.-]*)")
_PAGE = re.compile(r"https?://([A-Za-z0-9][A-Za-z0-9.-]*)(?:[/:?#].*)?")
_LONGEST = 256


def record_id(alert: Record, authority: str | None) -> str:
    """The record's id: made of sender, identifier and sent, which together name an alert.

    The authority is the sender's domain, where the sender is an e-mail address or a web page,
    and not given.
    """
    sender = alert["sender"]
    if authority is None:
        found = _MAIL.fullmatch(sender) or _PAGE.fullmatch(sender)
        authority = found[1].lower() if found and len(found[1]) < _LONGEST // 2 else NOWHERE
    three = (sender, alert["identifier"], alert["sent"])
    local = ",".join(quote(part, safe="@:+._-~") for part in three)
    if len(authority) + 1 + len(local) > _LONGEST:
        local = f"sha256:{sha256(local.encode()).hexdigest()}"
    return f"{authority}/{local}"


def check(alert: Record, *, at: str) -> None:
    """Raise `SenderError` for an alert that contradicts itself.

    An element for one scope in an alert of another, a reference to itself or to the future, a
    ceiling without or below its altitude.
    """
    if "restriction" in alert and alert["scope"] != "Restricted":
        raise SenderError(
            "a restriction of an alert that is not restricted", rule="cap.restriction", at=at
        )
    if alert["scope"] == "Private" and "addresses" not in alert:
        raise SenderError("a private alert to nobody", rule="cap.addresses", at=at)
    for reference in alert.get("references", ()):
        _check_reference(alert, reference, at=at)
    for info in alert.get("info", ()):
        for area in info.get("area", ()):
            _check_heights(area, at=at)


def _check_reference(alert: Record, reference: dict[str, Any], *, at: str) -> None:
    same = all(reference.get(key) == alert[key] for key in ("sender", "identifier", "sent"))
    if same:
        raise SenderError("an alert that refers to itself", rule="cap.references", at=at)
    before, now = _instant(reference.get("sent", "")), _instant(alert["sent"])
    if before and now and before > now:
        raise SenderError("a reference to a later alert", rule="cap.references", at=at)


def _check_heights(area: dict[str, Any], *, at: str) -> None:
    if "ceiling" not in area:
        return
    if "altitude" not in area or Decimal(area["ceiling"]) < Decimal(area["altitude"]):
        raise SenderError("a ceiling that is not above an altitude", rule="cap.ceiling", at=at)


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
