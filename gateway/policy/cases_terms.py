"""What may be wrong with the terms of a transfer: parties, purposes, agreements, borders.

Where an earlier flaw took away what one would break, it does nothing.
"""

from gateway.policy.cases_tables import (
    COMING,
    OTHER,
    PAST,
    RECIPIENT,
    SENDER,
    STATES,
    UNBOUND,
    Context,
    Document,
)


def red_purpose(document: Document, context: Context) -> None:
    names = [*context.known["red_lines"], *context.known["red_declared"], "red.unheard_of"]
    document["request"]["purpose"] = context.chance.choice(names)


def red_recipient(party: Document, context: Context) -> None:
    party["purposes"] = [context.chance.choice([*context.known["red_declared"], "red.unheard_of"])]


def red_kind(party: Document, context: Context) -> None:
    party["kind"] = context.chance.choice(list(context.known["red_kinds"]))


def donor(document: Document, context: Context) -> None:
    if document["recipient"] is not None:
        document["recipient"]["kind"] = "donor"
    if context.chance.random() < 0.3:
        another_purpose(document, context)


def published(document: Document, context: Context) -> None:
    if document["recipient"] is not None:
        document["recipient"]["kind"] = "public"
    if document["agreement"] is not None and context.chance.random() < 0.5:
        document["agreement"].setdefault("publication", {})["allowed"] = True


def home_authority(document: Document, context: Context) -> None:
    """The recipient is an authority, under the law that people fled from."""
    if document["agreement"] is None or document["recipient"] is None:
        return
    state = context.chance.choice((*STATES, *UNBOUND))
    document["agreement"]["scope"]["origin_countries"] = [state]
    document["recipient"]["regimes"] = [{"kind": "state", "id": state}]
    document["recipient"]["kind"] = context.chance.choice(
        ("gov", "gov.registry", "gov.social", "ngo")
    )


def another_purpose(document: Document, context: Context) -> None:
    leaves = sorted(context.known["matrices"])
    document["request"]["purpose"] = context.chance.choice(leaves)


def figures(document: Document, context: Context) -> None:
    """People asked about for a purpose that releases figures only, and agreed on."""
    purposes = context.known["purposes"]
    asked = context.chance.choice([n for n, one in purposes.items() if one.get("max") == "agg"])
    document["request"]["purpose"] = asked
    if document["agreement"] is not None:
        for grant in document["agreement"]["purposes"]:
            grant["purpose"] = asked


def another_basis(document: Document, context: Context) -> None:
    """A basis that perhaps does not fit, though the agreement grants it with its evidence."""
    basis = context.chance.choice([*context.known["bases"], "lb.none"])
    document["request"]["legal_basis"] = basis
    if document["agreement"] is not None and context.chance.random() < 0.8:
        evidence = context.known["bases"].get(basis, {"evidence": []})["evidence"]
        document["agreement"]["legal_bases"] = [
            {"basis": basis, "evidence": sorted(evidence), "valid_until": COMING[-1]}
        ]
        for grant in document["agreement"]["purposes"]:
            grant["legal_basis"] = basis


def authority_under_gdpr(document: Document, context: Context) -> None:
    if document["sender"] is not None:
        document["sender"]["kind"] = context.chance.choice(("gov", "gov.health"))
        document["sender"]["regimes"] = [{"kind": "state", "id": STATES[0]}]
        another_basis(document, context)


def immune_sender(document: Document, context: Context) -> None:
    if document["sender"] is not None:
        document["sender"]["regimes"] = [{"kind": "io", "id": "io:a"}]
        another_basis(document, context)


def bare_border(document: Document, context: Context) -> None:
    """A crossing that no instrument covers."""
    if document["agreement"] is not None:
        document["agreement"]["safeguards"]["transfer_instruments"] = []
    chance = context.chance
    if document["recipient"] is not None:
        state = chance.choice((*UNBOUND, "CH", "io:b"))
        kind = "io" if state.startswith("io:") else "state"
        document["recipient"]["regimes"] = [{"kind": kind, "id": state}]
    if document["sender"] is not None:
        document["sender"]["regimes"] = [{"kind": "state", "id": chance.choice(("ET", "DE"))}]


def bare_vital(document: Document, context: Context) -> None:
    """The same, on vital interest or public interest, in one case or many."""
    bare_border(document, context)
    basis = context.chance.choice(("lb.vital", "lb.vital", "lb.public"))
    document["request"]["legal_basis"] = basis
    document["records"] = context.chance.choice(("1-9", "1-9", "10-99", "1000+"))
    if document["agreement"] is not None:
        evidence = context.known["bases"][basis]["evidence"]
        document["agreement"]["legal_bases"].append(
            {"basis": basis, "evidence": sorted(evidence), "valid_until": COMING[-1]}
        )
        for grant in document["agreement"]["purposes"]:
            grant["legal_basis"] = basis


def weak_instrument(agreement: Document, context: Context) -> None:
    for held in agreement["safeguards"]["transfer_instruments"]:
        held["type"] = context.chance.choice(("own_clauses", "io_rules", "vital"))


def forbidden_regime(party: Document, context: Context) -> None:
    named = context.known["prohibited"] or ["XX"]
    party["regimes"] = [{"kind": "state", "id": context.chance.choice(named)}]


def third_party(agreement: Document, context: Context) -> None:
    role = context.chance.choice(("controller", "processor", "observer"))
    agreement["parties"].append({"party": OTHER, "role": role})
    if context.chance.random() < 0.5:
        agreement["signed_by"].append(OTHER)


def consolidation(agreement: Document, context: Context) -> None:
    """Figures of several contributors, which leave only when each gave its word."""
    agreement["kind"] = context.chance.choice(("consolidation", "referral_list"))
    agreement["release_requires"] = {"all_contributors": True}
    agreement["release_given"] = [
        {"party": party, "valid_until": context.chance.choice((*PAST, *COMING))}
        for party in context.chance.sample(
            (SENDER, RECIPIENT, OTHER), context.chance.choice((0, 1, 3))
        )
    ]


def biometric(document: Document, context: Context) -> None:
    """Records that hold biometrics, for a purpose that is served by them or not."""
    if document["agreement"] is not None:
        category = context.chance.choice(("https://w3id.org/dpv/pd#Fingerprint", "pd:Biometric"))
        for item in document["agreement"]["data"]:
            item["categories"] = ["pd:Name", category]
    document["records"] = context.chance.choice(("1-9", "10-99", "1000+"))


def vendor(document: Document, context: Context) -> None:
    """A recipient that works for others, and has ends of its own or none."""
    chance = context.chance
    if document["recipient"] is not None:
        document["recipient"]["kind"] = chance.choice(("private", "payment_provider", "ngo"))
        own = chance.choice(([], [context.purpose], ["hum.archive"], ["profiling"]))
        document["recipient"]["purposes"] = list(own)
    if document["agreement"] is not None and document["agreement"]["parties"]:
        role = chance.choice(("processor", "sub_processor", "controller"))
        document["agreement"]["parties"][-1]["role"] = role


def standing_flow(document: Document, context: Context) -> None:
    """Identifiable records again and again, with an impact assessment or without."""
    if document["agreement"] is None:
        return
    for item in document["agreement"]["data"]:
        item["frequency"] = context.chance.choice(("daily", "weekly", "continuous"))
    how = context.chance.choice(("dpia", "none", "reference", "high"))
    safeguards = document["agreement"]["safeguards"]
    if how in ("none", "reference"):
        safeguards.pop("dpia", None)
    if how == "reference":
        safeguards["dpia_ref"] = "DPIA-1"
    if how == "high" and "dpia" in safeguards:
        safeguards["dpia"]["outcome"] = "high"


def bulk(document: Document, context: Context) -> None:
    document["records"] = "1000+"
    for item in (document["agreement"] or {}).get("data", []):
        if context.chance.random() < 0.7:
            item.pop("volume_limit", None)


def emergency(agreement: Document, context: Context) -> None:
    agreement["kind"] = "emergency_interim"
    agreement["scope"]["start"] = context.chance.choice(PAST)
    agreement["scope"]["end"] = context.chance.choice(COMING)
