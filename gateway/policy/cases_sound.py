"""Questions about transfers that people agreed on, made from the tables of the policies.

Nothing here is wrong on purpose; what may go wrong is in `cases_flaws` and `cases_hostile`.
"""

import random
from collections.abc import Iterator, Sequence
from functools import cache

from gateway.policy.cases_tables import (
    ALWAYS,
    COMING,
    KINDS,
    NOW,
    ORGANISATIONS,
    PAST,
    RECIPIENT,
    SENDER,
    STATES,
    UNBOUND,
    Context,
    Document,
    tables,
)


def sound(chance: random.Random) -> tuple[Document, Context]:
    """A question about a transfer that people agreed on, and what flaws need to know of it."""
    known = tables()
    purpose = chance.choice(_asked_for())
    basis = _basis(purpose, chance)
    types = chance.sample(_types(purpose, basis), 1)
    types += [one for one in _types(purpose, basis) if one not in types and chance.random() < 0.25]
    document: Document = {
        "context": _context(types, chance),
        "request": {
            "sender": SENDER,
            "recipient": RECIPIENT,
            "agreement": "agr:1",
            "purpose": purpose,
            "legal_basis": basis,
            "deliver": chance.choice(("return", "inbox")),
            "into": "fhir.r4",
        },
        "sender": _party(SENDER, chance.choice(KINDS[:4]), chance),
        "recipient": _party(RECIPIENT, chance.choice(KINDS), chance),
        "agreement": _agreement(purpose, basis, types, chance),
        "records": chance.choice(known["record_buckets"][1:]),
        "classes": [
            one
            for kind in types
            for one in _classes(kind, purpose, chance.choice((1, 1, 1, 2)), chance)
        ],
    }
    _border(document, chance)
    context = Context(known, chance, purpose, basis, tuple(types))
    _decide(document, context)
    return document, context


@cache
def _asked_for() -> Sequence[str]:
    known = tables()
    leaves = [name for name, one in known["purposes"].items() if one["leaf"]]
    usual = [name for name in leaves if name.startswith("hum.assist.")]
    return [*leaves, *usual, *usual]


def _types(purpose: str, basis: str) -> list[str]:
    """Record types that the purpose releases something of, on this basis."""
    known = tables()
    ceiling = known["ceilings"][known["purposes"][purpose]["max"]]
    barred = known["people_types"] if known["bases"][basis].get("not_for_people") else ()
    return [kind for kind in known["matrices"][purpose] if kind in ceiling and kind not in barred]


def _basis(purpose: str, chance: random.Random) -> str:
    known = tables()
    fitting = [
        name
        for name, one in known["bases"].items()
        if known["purposes"][purpose]["max"] in one.get("max_forms", known["max_forms"])
        and _types(purpose, name)
    ]
    preferred = [name for name in fitting if "who" not in known["bases"][name]]
    chosen: str = chance.choice([*fitting, *preferred, *preferred])
    return chosen


def _party(name: str, kind: str, chance: random.Random) -> Document:
    purposes = [purpose for purpose in _asked_for() if purpose.startswith("hum.")]
    return {
        "id": name,
        "kind": kind,
        "status": "active",
        "regimes": [],
        "purposes": sorted(set(chance.sample(purposes, chance.choice((0, 1, 3))))),
    }


def _context(types: Sequence[str], chance: random.Random) -> Document:
    known = tables()
    levels = known["facts"]["sensitivity"]
    return {
        "now": NOW,
        "decisions": [],
        "unsigned": chance.choice(("allow", "refuse", "refuse")),
        "prior": {
            "transfers": chance.choice(("some", "some", "some", "none")),
            "derogations": chance.choice((0, 0, 1, 2)),
        },
        "above_volume": [],
        "sensitivity": {kind: chance.choice(levels) for kind in types if chance.random() < 0.4},
        "risk": {
            kind: {
                "k": chance.choice((10, 20, 100)),
                "l": chance.choice((2, 5)),
                "risk_permille": chance.choice((0, 5, 12)),
            }
            for kind in types
            if chance.random() < 0.85
        },
    }


THRESHOLDS = {"k": 10, "l": 2, "risk_permille": 30, "min_pop": 5000}


def _agreement(purpose: str, basis: str, types: Sequence[str], chance: random.Random) -> Document:
    known = tables()
    covering = known["purposes"][purpose]["covered_by"]
    extra = chance.sample(_asked_for(), chance.choice((0, 0, 2)))
    grants = [chance.choice([purpose, purpose, *covering]), *extra]
    return {
        "id": "agr:1",
        "version": chance.choice(("1", "2", "1.1")),
        "language": "en",
        "state": "active",
        "kind": chance.choice(("bilateral", "bilateral", "multilateral")),
        "parties": [_member(SENDER), _member(RECIPIENT)],
        "signed_by": [SENDER, RECIPIENT],
        "approved_by": ["dpo", "programme"],
        "scope": {
            "crisis_ref": "cr:4",
            "countries": ["SO"],
            "origin_countries": chance.choice(([], ["SY"], ["ET", "ER"])),
            "start": chance.choice(PAST),
            "end": chance.choice(COMING),
            "review_every_days": 180,
        },
        "purposes": [
            {
                "purpose": one,
                "from": SENDER,
                "to": RECIPIENT,
                "legal_basis": basis,
                "notice_ref": "n:1",
            }
            for one in grants
        ],
        "legal_bases": [
            {
                "basis": basis,
                "evidence": sorted(known["bases"][basis]["evidence"]),
                # The evidence of some bases may not last longer than three months.
                "valid_until": chance.choice(COMING[: 2 if basis == "lb.vital" else 3]),
            }
        ],
        "data": [_item(kind, purpose, chance) for kind in types],
        "safeguards": _safeguards(),
        "retention": [{"record_type": kind, "days": chance.choice((30, 365))} for kind in types],
        "onward": {"allowed": chance.random() < 0.3, "recipients": []},
        "publication": {"allowed": chance.random() < 0.5, "thresholds": dict(THRESHOLDS)},
        "notice": {
            "version": "1",
            "languages": ["so"],
            "channels": ["leaflet"],
            "recipients_listed": [SENDER, RECIPIENT],
            "purposes_listed": sorted({purpose, *grants}),
            "date": "2026-01-01T00:00:00Z",
        },
        "release_requires": {"all_contributors": False},
        "release_given": [],
        "decisions": [],
        "red_lines_acknowledged": True,
    }


def _member(party: str) -> Document:
    return {"party": party, "role": "controller"}


def _safeguards() -> Document:
    return {
        "transfer_instruments": [],
        "dpia": {"ref": "d:1", "date": PAST[0], "outcome": "low", "next_review": COMING[-1]},
        "immunity": {"status": False},
    }


def _item(kind: str, purpose: str, chance: random.Random) -> Document:
    """What the agreement says of a record type: fields the purpose needs, and some it does not."""
    known = tables()
    matrix, families = known["matrices"][purpose][kind], known["fields"][kind]
    special = [
        name for name, purposes in known["special"].get(kind, {}).items() if purpose in purposes
    ]
    fields = [name for name in matrix if chance.random() < 0.9]
    fields += [name for name in special if chance.random() < 0.2]
    fields += chance.sample(sorted(families), chance.choice((0, 0, 3)))
    forms = {
        name: chance.choice(sorted(known["families"][families[name]]))
        for name in chance.sample(sorted(families), chance.choice((0, 1, 3)))
    }
    return {
        "record_type": kind,
        "fields": sorted({"record_id", *fields}),
        "max_form": chance.choice(("id", "id", known["purposes"][purpose]["max"])),
        "forms": forms,
        "mark_withheld": chance.random() < 0.3,
        "frequency": "on_demand",
        "volume_limit": chance.choice((10, 1000)),
        "key_variables": [name for name in fields if chance.random() < 0.2],
        "sensitive": [name for name in fields if chance.random() < 0.1],
    }


def _classes(kind: str, purpose: str, count: int, chance: random.Random) -> Iterator[Document]:
    known = tables()
    fields = sorted(known["fields"][kind])
    if chance.random() < 0.7:
        # What a mapping has lines for, and what the purpose needs.
        named = [name for name in known["matrices"][purpose][kind] if chance.random() < 0.6]
        fields = sorted({*named, *chance.sample(fields, chance.randint(1, 6))})
    for _ in range(count):
        yield {
            "record_type": kind,
            "fields": list(fields),
            "facts": _facts(kind, purpose, chance),
        }


def _facts(kind: str, purpose: str, chance: random.Random) -> Document:
    known = tables()
    facts: Document = {"consent_status": chance.choice(("given", "given", "renewed"))}
    if chance.random() < 0.5:
        facts["expired"] = False
    if chance.random() < 0.5:
        facts["objected"] = False
    if kind == "person" and chance.random() < 0.8:
        facts["age_class"] = chance.choice(("adult", "adult", "adult", "child"))
    if chance.random() < 0.15:
        facts["sensitivity"] = chance.choice(known["facts"]["sensitivity"])
    if chance.random() < 0.3:
        facts["origin_purpose"] = purpose
    _consent_limits(facts, purpose, chance)
    for name, secrecy in known["case_kinds"].items():
        if purpose in secrecy["purposes"] and chance.random() < 0.5:
            facts["case_kind"] = name
    return facts


def _consent_limits(facts: Document, purpose: str, chance: random.Random) -> None:
    if chance.random() < 0.15:
        facts["consent_purposes"] = sorted({purpose, chance.choice(_asked_for())})
    if chance.random() < 0.15:
        facts["consent_recipients"] = sorted({RECIPIENT, chance.choice(KINDS)})
    if facts.get("age_class") == "child" or chance.random() < 0.1:
        facts["consent_by"] = chance.choice(("guardian", "assent_guardian"))


def _border(document: Document, chance: random.Random) -> None:
    """Regimes of both parties, and the instrument that makes a crossing lawful."""
    kind = chance.choice(
        ("same", "same", "safeguards", "safeguards", "safeguards", "adequate", "io")
    )
    pools = {
        "same": ((*STATES, *UNBOUND),) * 2,
        "safeguards": ((*STATES, *UNBOUND), (*STATES, *UNBOUND, *ORGANISATIONS)),
        "adequate": (STATES[:1], STATES[1:]),
        "io": (UNBOUND, ORGANISATIONS),
    }[kind]
    here = chance.choice(pools[0])
    there = here if kind == "same" else chance.choice(pools[1])
    document["sender"]["regimes"] = [_regime(here)]
    document["recipient"]["regimes"] = [_regime(there)]
    if kind == "io":
        document["agreement"]["safeguards"]["immunity"]["status"] = True
    if kind == "safeguards":
        types = [
            name for name, one in tables()["instruments"].items() if one["gdpr"] or here in UNBOUND
        ]
        document["agreement"]["safeguards"]["transfer_instruments"] = [
            {
                "type": chance.choice(types),
                "ref": "annex-2",
                "to": [there, *chance.sample(STATES, 1)],
            }
        ]


def _regime(name: str) -> Document:
    return {"kind": "io" if name.startswith("io:") else "state", "id": name}


def _decide(document: Document, context: Context) -> None:
    """Decisions that people made, most often all that such a transfer needs."""
    if context.chance.random() < 0.15:
        return
    needed = context.decisions()[: -len(ALWAYS)]
    made = [_made(name, context) for name in (*needed, *context.chance.sample(ALWAYS, 3))]
    # Some stand in the agreement, some were made for this transfer.
    halves: tuple[list[Document], list[Document]] = ([], [])
    for one in made:
        context.chance.choice(halves).append(one)
    document["context"]["decisions"], document["agreement"]["decisions"] = halves


def _made(name: str, context: Context) -> Document:
    made = {
        "decision": name,
        "by": ["dpo", "programme"],
        "valid_until": context.chance.choice(COMING),
    }
    if context.chance.random() < 0.3:
        made |= {"at": PAST[0], "officers": ["officer:dpo-1", "officer:programme-1"]}
        made |= {"requested_by": "officer:field-2"}
    return made
