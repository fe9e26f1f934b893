"""What may be wrong with a transfer: each flaw takes a question and breaks one thing in it.

A flaw leaves a question that a gateway could have asked. Where an earlier flaw took away what
this one would break, it does nothing.
"""

from collections.abc import Callable
from typing import Any

from gateway.policy import cases_terms as terms
from gateway.policy.cases_tables import (
    COMING,
    NOW,
    OTHER,
    PAST,
    RECIPIENT,
    SENDER,
    Context,
    Document,
)

Flaw = Callable[[Document, Context], None]


def of_agreement(change: Callable[[Document, Context], None]) -> Flaw:
    """A flaw of the agreement, where there is one."""

    def flaw(document: Document, context: Context) -> None:
        if document["agreement"] is not None:
            change(document["agreement"], context)

    return flaw


def of_party(side: str, change: Callable[[Document, Context], None]) -> Flaw:
    """A flaw of the sender or the recipient, where there is one."""

    def flaw(document: Document, context: Context) -> None:
        if document[side] is not None:
            change(document[side], context)

    return flaw


def of_class(change: Callable[[Document, Context], None]) -> Flaw:
    """A flaw of one class of records, or of all of them."""

    def flaw(document: Document, context: Context) -> None:
        classes = document["classes"]
        if classes:
            chosen = classes if context.chance.random() < 0.7 else [context.chance.choice(classes)]
            for one in chosen:
                change(one, context)

    return flaw


def put(*path: str, to: Any) -> Callable[[Document, Context], None]:
    """Put a value, or one of several, under a path of keys that is there."""

    def change(place: Document, context: Context) -> None:
        inner = reached(place, *path[:-1])
        if inner is not None:
            inner[path[-1]] = context.chance.choice(to) if isinstance(to, tuple) else to

    return change


def without(*path: str) -> Callable[[Document, Context], None]:
    """Take a key away."""

    def change(place: Document, _: Context) -> None:
        inner = reached(place, *path[:-1])
        if inner is not None:
            inner.pop(path[-1], None)

    return change


def reached(place: Any, *path: str) -> Any:
    """What is under a path of keys; None where an earlier flaw took part of it away."""
    for key in path:
        place = place.get(key) if isinstance(place, dict) else None
    return place


def in_each(name: str, change: Callable[[Document, Context], None]) -> Flaw:
    """The same change in one item of a list of the agreement, or in each."""

    def flaw(document: Document, context: Context) -> None:
        items = (document["agreement"] or {}).get(name, [])
        every = context.chance.random() < 0.7
        for item in items if every else items[:1]:
            change(item, context)

    return flaw


def fewer(*path: str) -> Callable[[Document, Context], None]:
    """Take one item out of a list, or all."""

    def change(place: Document, context: Context) -> None:
        inner = reached(place, *path)
        if inner and context.chance.random() < 0.6:
            inner.pop(context.chance.randrange(len(inner)))
        elif inner is not None:
            inner.clear()

    return change


def odd_form(item: Document, context: Context) -> None:
    forms = [*context.known["forms"], "blur"]
    item["forms"] = {name: context.chance.choice(forms) for name in item["fields"]}


def nothing_left(item: Document, context: Context) -> None:
    item["forms"] = {name: context.chance.choice(("drop", "null")) for name in item["fields"]}


def unlike_fact(one: Document, context: Context) -> None:
    """Any fact the policies know, with any of its values."""
    name = context.chance.choice(list(context.known["facts"]))
    values = context.known["facts"][name]
    if isinstance(values, list) and values:
        one["facts"][name] = context.chance.choice(values)


def no_consent(one: Document, context: Context) -> None:
    one["facts"]["consent_status"] = context.chance.choice(context.known["facts"]["consent_status"])


def consent_for_others(one: Document, context: Context) -> None:
    name = context.chance.choice(("consent_purposes", "consent_recipients"))
    others: dict[str, tuple[list[str], ...]] = {
        "consent_purposes": (["hum.health.care"], ["hum.assist"], [], ["hum.rights", "unheard-of"]),
        "consent_recipients": (["gov"], [OTHER], [], ["ngo", OTHER]),
    }
    one["facts"][name] = list(context.chance.choice(others[name]))


def secret_case(one: Document, context: Context) -> None:
    one["facts"]["case_kind"] = context.chance.choice(list(context.known["case_kinds"]))
    if context.chance.random() < 0.5:
        one["facts"]["consent_by"] = context.chance.choice(("self", "guardian", "assent_guardian"))


def collected_for(document: Document, context: Context) -> None:
    """Records collected for another purpose, which perhaps goes together with this one."""
    origin = context.chance.choice(sorted(context.known["matrices"]))
    for one in document["classes"]:
        one["facts"]["origin_purpose"] = origin
    if document["agreement"] is None or context.chance.random() < 0.4:
        return
    asked = document["request"]["purpose"]
    document["agreement"]["decisions"] += [
        {
            "decision": f"human.{who}:further_use.{origin}.{asked}",
            "by": ["dpo", "programme"],
            "valid_until": COMING[-1],
        }
        for who in ("dpo", "two")
    ]


def referral(document: Document, context: Context) -> None:
    """A referral of a case, with consent or without."""
    document["request"]["purpose"] = "hum.protect.referral"
    if document["agreement"] is not None:
        for grant in document["agreement"]["purposes"]:
            grant["purpose"] = "hum.protect.referral"
    for one in document["classes"]:
        secret_case(one, context)
        one["facts"]["origin_purpose"] = context.chance.choice(
            ("hum.protect.gbv", "hum.protect.child")
        )


def undecided(document: Document, _: Context) -> None:
    document["context"]["decisions"] = []
    if document["agreement"] is not None:
        document["agreement"]["decisions"] = []


def weakly_decided(document: Document, context: Context) -> None:
    """Decisions that have run out, or that too few people made."""
    for place in (document["context"], document["agreement"] or {"decisions": []}):
        for made in place["decisions"]:
            made["by"] = context.chance.choice(
                ([], ["programme"], ["dpo"], ["visitor"], ["dpo", "dpo"])
            )
            made["valid_until"] = context.chance.choice((*PAST, *COMING, "2028-06-30T00:00:00Z"))
            made["at"] = context.chance.choice((*PAST, COMING[0]))
            made["officers"] = list(
                context.chance.choice(([], ["officer:a"], ["officer:a", "officer:b"]))
            )
            made["requested_by"] = context.chance.choice(("officer:a", "officer:c"))


def at_risk(document: Document, context: Context) -> None:
    for measured in document["context"]["risk"].values():
        measured["k"] = context.chance.choice((1, 2, 3, 4, 5, 9))
        measured["l"] = context.chance.choice((1, 2))
        measured["risk_permille"] = context.chance.choice((29, 30, 31, 1000))


def above_volume(document: Document, context: Context) -> None:
    document["context"]["above_volume"] = list(context.types)


def severe(document: Document, context: Context) -> None:
    level = context.chance.choice(("high", "severe"))
    document["context"]["sensitivity"] = dict.fromkeys(context.types, level)


def unknown_type(one: Document, context: Context) -> None:
    one["record_type"] = context.chance.choice(("unheard-of", *context.known["people_types"]))


def no_classes(document: Document, _: Context) -> None:
    document["classes"] = []


FLAWS: tuple[Flaw, ...] = (
    terms.red_purpose,
    of_party("recipient", terms.red_recipient),
    of_party("recipient", terms.red_kind),
    terms.donor,
    terms.published,
    terms.home_authority,
    terms.another_purpose,
    terms.figures,
    put("request", "purpose", to=("hum", "hum.assist", "hum.magic", "", "HUM.RIGHTS")),
    terms.another_basis,
    terms.authority_under_gdpr,
    terms.immune_sender,
    terms.bare_border,
    terms.bare_vital,
    terms.bare_vital,
    of_agreement(terms.weak_instrument),
    of_party("recipient", terms.forbidden_regime),
    of_party("recipient", put("regimes", to=[])),
    of_party("sender", put("regimes", to=[])),
    of_party("sender", put("status", to=("suspended", "left"))),
    of_party("recipient", put("status", to=("suspended", "left"))),
    of_party("sender", without("status")),
    of_party("recipient", put("kind", to=("", "broker", "gov"))),
    of_party("sender", put("id", to=(OTHER, RECIPIENT))),
    of_party("recipient", put("id", to=(OTHER, SENDER))),
    put("sender", to=None),
    put("recipient", to=None),
    put("agreement", to=None),
    of_agreement(put("id", to=("agr:2", ""))),
    of_agreement(put("state", to=("draft", "suspended", "expired", "terminated"))),
    of_agreement(put("scope", "start", to=COMING)),
    of_agreement(put("scope", "end", to=PAST)),
    of_agreement(terms.third_party),
    of_agreement(fewer("parties")),
    of_agreement(fewer("signed_by")),
    of_agreement(fewer("approved_by")),
    of_agreement(put("red_lines_acknowledged", to=(False, None))),
    of_agreement(terms.consolidation),
    of_agreement(terms.emergency),
    terms.biometric,
    terms.vendor,
    terms.standing_flow,
    terms.bulk,
    of_agreement(fewer("purposes")),
    in_each("purposes", put("to", to=(OTHER, SENDER))),
    in_each("purposes", put("legal_basis", to=("lb.vital", "lb.public", "lb.none"))),
    of_agreement(fewer("legal_bases")),
    in_each("legal_bases", fewer("evidence")),
    in_each("legal_bases", put("valid_until", to=PAST)),
    in_each("legal_bases", put("valid_until", to=("2029-01-01T00:00:00Z", COMING[-1]))),
    of_agreement(fewer("data")),
    in_each("data", fewer("fields")),
    in_each("data", put("max_form", to=("ps", "rec", "agg", "odd"))),
    in_each("data", odd_form),
    in_each("data", nothing_left),
    of_agreement(fewer("retention")),
    in_each("retention", put("days", to=(0, -1))),
    of_agreement(put("notice", "recipients_listed", to=[])),
    of_agreement(put("notice", "purposes_listed", to=[])),
    of_agreement(without("notice")),
    of_agreement(without("publication")),
    of_agreement(put("publication", "thresholds", to=({"k": 3}, {"k": 20, "l": 3}))),
    of_agreement(put("safeguards", "dpia", "next_review", to=PAST)),
    of_agreement(put("safeguards", "dpia", "outcome", to="high")),
    put("context", "unsigned", to=("refuse", "refuse", "allow")),
    put("context", "prior", to=({"transfers": "none", "derogations": 0},)),
    put("context", "prior", to=({"transfers": "some", "derogations": 2},)),
    put("context", "risk", to={}),
    without("context", "prior"),
    above_volume,
    severe,
    at_risk,
    undecided,
    undecided,
    weakly_decided,
    of_class(unlike_fact),
    of_class(unlike_fact),
    of_class(no_consent),
    of_class(no_consent),
    of_class(consent_for_others),
    of_class(secret_case),
    collected_for,
    collected_for,
    referral,
    of_class(unknown_type),
    of_class(put("facts", "unheard_of", to="x")),
    of_class(put("facts", "age_class", to=("older", 7))),
    of_class(put("facts", "objected", to=True)),
    of_class(put("facts", "expired", to=True)),
    of_class(put("facts", to={})),
    of_class(put("fields", to=([], ["record_id"], ["unheard_of"]))),
    no_classes,
    put("records", to=("0", "1000+")),
    put("context", "now", to=(NOW, *COMING)),
)
