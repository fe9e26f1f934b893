"""Agreements as signed data: what is signed, who signed it, how it stands, what policy sees of it.

Signed is the content: everything the parties agreed, and not the state it is in, the signatures
themselves, or the decisions that people take later. A signature is a statement about the digest
of that content, so one character changed anywhere in it leaves nobody's signature standing.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Protocol

from gateway.approval import AHEAD, is_moment, moment, role_of
from gateway.canonical import canonical, digest
from gateway.deployment import Deployment
from gateway.errors import OfficerError
from gateway.record import load
from gateway.signing import valid_at, verify

FORM = "corridor/agreement/v1"
TYP = "corridor-agreement+jws"
UNSIGNED = ("state", "signed_by", "decisions", "release_given")
"""What may change without a new version. None of it grants anything that the rest does not."""
LEVELS = ("low", "moderate", "high", "severe")

Document = Mapping[str, Any]


class Row(Protocol):
    """The last word of the log about an agreement."""

    @property
    def version(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def digest(self) -> str: ...


def content(document: Document) -> bytes:
    """What is signed: canonical JSON (RFC 8785) without what may change later."""
    return canonical({key: document[key] for key in document if key not in UNSIGNED})


def content_digest(document: Document) -> str:
    """The name of exactly this content."""
    return digest(content(document))


def statement(document: Document, entry: Mapping[str, str]) -> bytes:
    """What a signature is over: the content, the document people signed, who signs, and when."""
    return canonical(
        {
            "form": FORM,
            "agreement": document["id"],
            "version": document["version"],
            "content": content_digest(document),
            "document": document.get("document_hash", ""),
            "party": entry["party"],
            "officer": entry.get("officer", ""),
            "role": entry.get("role", ""),
            "at": entry["at"],
        }
    )


def signed_by(
    document: Document, parties: Mapping[str, Document], now: str | None = None
) -> tuple[str, ...]:
    """Parties whose signature over exactly this content holds, sorted.

    With `now`, a signature that says it was made later does not count.
    """
    found = set()
    for entry in document.get("signed_by", ()):
        try:
            check_signature(document, entry, parties, now)
        except OfficerError:
            continue
        found.add(entry["party"])
    return tuple(sorted(found))


def check_signature(
    document: Document,
    entry: Mapping[str, str],
    parties: Mapping[str, Document],
    now: str | None = None,
) -> None:
    """Raises `OfficerError` unless this entry of `signed_by` is over this content."""
    party = entry["party"]
    if party not in {one["party"] for one in document["parties"]} or party not in parties:
        raise OfficerError("signed by an outsider", rule="agreement.signature")
    keys: Sequence[Mapping[str, Any]] = parties[party].get("keys", ())
    payload, kid = verify(entry["signature"], keys, TYP)
    if payload != statement(document, entry):
        raise OfficerError("signed over another text", rule="agreement.signature")
    valid_at(keys, kid, entry["at"])
    if not is_moment(entry["at"]) or (
        now is not None and moment(entry["at"]) > moment(now) + AHEAD
    ):
        raise OfficerError("signed in the future", rule="agreement.signature")


def signatories(document: Document) -> frozenset[str]:
    """The parties without whose signature an agreement is none: all but those who only observe."""
    return frozenset(one["party"] for one in document["parties"] if one["role"] != "observer")


def standing_state(document: Document, row: Row | None, unsigned: str) -> str:
    """The state that counts: what the file says, unless the log says less.

    What the log says suspended or ended is so whatever the file says, in every version, until
    another version is activated. Where `unsigned` is `refuse`, active is only what was activated,
    in exactly this content.
    """
    said: str = document["state"]
    if row is None:
        return said if said != "active" or unsigned == "allow" else "draft"
    if row.state != "active":
        return row.state
    same = (row.version, row.digest) == (document["version"], content_digest(document))
    return said if same or said != "active" else "draft"


def approved_by(documents: Iterable[bytes]) -> tuple[str, ...]:
    """Roles of the officers whose approvals are among the documents kept with an activation.

    They were verified when they were logged, and the log names them by digest.
    """
    return tuple(sorted({role for one in documents if (role := role_of(one))}))


def sensitivity_of(
    deployment: Deployment, agreement: Document, now: str | None = None
) -> dict[str, str]:
    """How sensitive the agreement's countries say each record type is: the strictest of them."""
    countries = agreement["scope"].get("countries", ())
    found: dict[str, str] = {}
    for one in deployment.classifications.values():
        if one["country"] not in countries or (now is not None and one["valid_from"] > now):
            continue
        for row in one["rows"]:
            known = found.get(row["data_type"], LEVELS[0])
            found[row["data_type"]] = max(known, row["level"], key=LEVELS.index)
    return found


def policy_view(
    document: Document, signed_by: Sequence[str], approved_by: Sequence[str], state: str
) -> dict[str, Any]:
    """The agreement as policy sees it: no text that somebody wrote freely, and what was verified.

    What is hidden stands in `schemas/agreement.json` as `x-hidden`.
    """
    shown: dict[str, Any] = _shown(document, _hidden())
    return {
        **shown,
        "state": state,
        "signed_by": sorted(signed_by),
        "approved_by": sorted(approved_by),
    }


def _shown(value: Any, hidden: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        kept = ((key, one, hidden.get(key, {})) for key, one in value.items())
        return {
            key: sorted(one) if mark == "names" else _shown(one, mark)
            for key, one, mark in kept
            if mark is not True
        }
    return [_shown(one, hidden) for one in value] if isinstance(value, list) else value


@cache
def _hidden() -> Mapping[str, Any]:
    """The marks of the schema as a tree: True and `names` stand for themselves."""
    schema = load("agreement")
    return _marks(schema, schema["$defs"])


def _marks(spec: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    spec = {**shared.get(spec.get("$ref", "").rpartition("/")[2], {}), **spec}
    spec = spec.get("items", spec)
    return {
        name: one["x-hidden"] if "x-hidden" in one else _marks(one, shared)
        for name, one in spec.get("properties", {}).items()
    }
