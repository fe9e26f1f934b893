"""Terms: everything about a transfer but its content.

Only names that the deployment knows become terms. A name nobody knows never becomes a
transfer, and so never reaches the log, where it might turn out to be somebody's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from gateway import adapter
from gateway.adapter import Adapter
from gateway.delivery.endpoints import endpoint_for
from gateway.delivery.outbox import no_endpoint
from gateway.deployment import Deployment
from gateway.errors import SenderError
from gateway.mapping import Plan

Deliver = Literal["return", "inbox", "push"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a sender asks for, with every default filled in."""

    sender: str
    recipient: str
    agreement: str
    purpose: str
    legal_basis: str
    source: str
    """Name of the adapter that reads."""
    target: str
    """Name of the adapter that writes."""
    deliver: Deliver
    mapping: str | None
    target_mapping: str | None

    def adapters(self) -> tuple[Adapter, Adapter]:
        """The reading and the writing adapter."""
        return adapter.named(self.source), adapter.named(self.target)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a sender wrote, before anything is filled in. None is "not said"."""

    sender: str | None = None
    recipient: str | None = None
    agreement: str | None = None
    purpose: str | None = None
    legal_basis: str | None = None
    source: str | None = None
    target: str | None = None
    deliver: str | None = None
    mapping: str | None = None


def terms_of(asked: Asked, deployment: Deployment, known: Mapping[str, Any]) -> Terms:
    """Fill in what the agreement and the parties say. Raises `SenderError` with rule and place.

    `known` holds the ids of purposes and legal bases that policy has a word for, under
    `purposes` and `bases`.
    """
    agreement = _known(asked.agreement, deployment.agreements, "agreement")
    purpose = _known(asked.purpose, known["purposes"], "purpose")
    if known["purposes"][purpose].get("leaf") is False:
        raise SenderError("name one leaf of it", rule="purpose.too_broad", at="purpose")
    grants = [
        grant
        for grant in deployment.agreements[agreement]["purposes"]
        if grant["purpose"] in (purpose, *_parents(purpose))
    ]
    sender = _known(asked.sender or _only(grants, "from"), deployment.parties, "sender")
    mine = [grant for grant in grants if grant["from"] == sender]
    recipient = _known(asked.recipient or _only(mine, "to"), deployment.parties, "to")
    for party, place in ((sender, "sender"), (recipient, "to")):
        if deployment.parties[party]["status"] != "active":
            raise SenderError("suspended", rule="party.suspended", at=place, status=403)
    if sender == recipient:
        raise SenderError("sender and recipient are one", rule="terms.one_party", at="to")
    basis = _known(asked.legal_basis or _only(mine, "legal_basis"), known["bases"], "basis")
    source = adapter.named(_said(asked.source, "format")).name
    target = asked.target or deployment.parties[recipient]["formats"][0]["format"]
    deliver = _deliver(asked.deliver)
    if deliver == "push" and endpoint_for(deployment.parties[recipient], target) is None:
        raise no_endpoint()
    return Terms(
        sender=sender,
        recipient=recipient,
        agreement=agreement,
        purpose=purpose,
        legal_basis=basis,
        source=source,
        target=adapter.named(target).name,
        deliver=deliver,
        mapping=_mapping(asked.mapping, sender, source, deployment),
        target_mapping=_mapping(None, recipient, target, deployment),
    )


def plan_of(name: str | None, deployment: Deployment) -> Plan | None:
    """The plan of a mapping that terms name."""
    return deployment.mappings[name] if name else None


def _deliver(asked: str | None) -> Deliver:
    for known in get_args(Deliver):
        if asked == known:
            return cast(Deliver, known)
    raise SenderError("return, inbox or push", rule="deliver.unknown", at="deliver")


def _mapping(asked: str | None, party: str, name: str, deployment: Deployment) -> str | None:
    if asked is not None:
        return _known(asked, deployment.mappings, "mapping")
    own = {one["format"]: one.get("mapping") for one in deployment.parties[party]["formats"]}
    # `kobo.xml` is another way to write `kobo`: the same fields, so the same mapping.
    while name not in own and "." in name:
        name = name.rpartition(".")[0]
    named: str | None = own.get(name)
    return named


def _parents(purpose: str) -> list[str]:
    parts = purpose.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts))]


def _only(grants: list[Any], name: str) -> str | None:
    """The one value all grants agree on; nothing is chosen between two."""
    values = {grant[name] for grant in grants}
    return values.pop() if len(values) == 1 else None


def _said(value: str | None, place: str) -> str:
    if not value:
        raise SenderError("must be said", rule=f"{place}.missing", at=place)
    return value


def _known(value: str | None, known: Any, place: str) -> str:
    if _said(value, place) not in known:
        raise SenderError("not known here", rule=f"{place}.unknown", at=place)
    return str(value)
