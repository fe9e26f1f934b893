"""Record ids: which number of a registry names a record, and how a record id is written.

A record id is written as the `@id` of its object, below an address of ours, and read back from
there. Other systems' `@id` is often the name of the class, so it says nothing here.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote, unquote

from gateway.errors import SenderError

IRI = "https://corridor.invalid/id/"
"""Stands before a record id. `.invalid` never resolves (RFC 2606)."""

NOBODY = "spdci.invalid"
"""Authority of ids where neither a mapping nor the sender's id says whose numbers they are."""

UNIQUE = "UIN"
"""The identifier type that is unique for one person. Others name a birth or a marriage."""

_SPACE = r"\t\n\x0b\x0c\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_RECORD_ID = re.compile(rf"[a-z0-9][a-z0-9.-]*/[^/{_SPACE}][^{_SPACE}]*")
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")


def iri(record_id: str) -> str:
    """The `@id` of a record's object."""
    return IRI + quote(record_id, safe="/:")


def own_id(value: object, authority: str | None, at: str) -> str | None:
    """The record id in an `@id` that was written here, or None.

    Raises `SenderError` where a mapping says whose numbers these are, and they are another's.
    """
    if not isinstance(value, str) or not value.startswith(IRI):
        return None
    found = unquote(value.removeprefix(IRI))
    if not _RECORD_ID.fullmatch(found):
        return None
    if authority is not None and not found.startswith(f"{authority}/"):
        raise SenderError("an id of another authority", rule="spdci.authority", at=at)
    return found


def authority_of(sender: object, nobody: str = NOBODY) -> str:
    """The sender's id where it is a domain, as the standard's examples have it."""
    if isinstance(sender, str) and len(sender) <= 100 and _DOMAIN.fullmatch(sender):
        return sender
    return nobody


def local_of(identifiers: Sequence[Mapping[str, str]]) -> str | None:
    """A number by which a registry knows its subject: the unique one, else the first."""
    known = [one for one in identifiers if "identifier_value" in one]
    unique = [one for one in known if one.get("identifier_type") == UNIQUE]
    for one in unique or known:
        return joined(one[key] for key in ("identifier_type", "identifier_value") if key in one)
    return None


def joined(parts: Iterable[str]) -> str:
    """Parts of an id, each percent-encoded, with colons between."""
    return ":".join(quote(part, safe="") for part in parts)
