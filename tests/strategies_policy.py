"""Questions by the thousand, from a seed: most are plausible, one in five is hostile."""

import copy
import json
import random
from pathlib import Path
from typing import Any

POLICIES = Path(__file__).resolve().parent.parent / "policies"
SAMPLES = json.loads((POLICIES / "samples" / "questions.json").read_text())
TAXONOMY: dict[str, Any] = {}
for table in sorted((POLICIES / "taxonomy").glob("*.json")):
    TAXONOMY |= json.loads(table.read_text())

LEAVES = sorted(name for name, purpose in TAXONOMY["purposes"].items() if purpose["leaf"])
FIELDS = {name: sorted(fields) for name, fields in TAXONOMY["fields"].items()}
FORMS = sorted(TAXONOMY["forms"])
INSTANTS = (
    "2026-11-22T07:59:59Z",
    "2026-11-22T08:00:00Z",
    "2026-11-22T08:00:01Z",
    "2027-01-01T00:00:00Z",
)
ODD = (
    None,
    True,
    False,
    0,
    -1,
    2**53 - 1,
    "",
    "é",
    "\u0663",
    "\U0001f600",
    [],
    {},
    [1],
    {"a": []},
    ["x", None],
)


def sample(name: str = "registration") -> dict[str, Any]:
    return copy.deepcopy(SAMPLES[name]["question"])


def questions(count: int, seed: int) -> list[dict[str, Any]]:
    """The same questions for the same seed."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        question = plausible(chance)
        if chance.random() < 0.2:
            hostile(question, chance)
        made.append(question)
    return made


def plausible(chance: random.Random) -> dict[str, Any]:
    question = sample()
    purpose = chance.choice([*LEAVES, *["hum.assist.registration"] * 20])
    basis = chance.choice(
        [*TAXONOMY["bases"], *["lb.public", "lb.consent", "lb.vital"] * 4, "lb.none"]
    )
    question["request"] |= {"purpose": purpose, "legal_basis": basis}
    question["records"] = chance.choice(TAXONOMY["record_buckets"])
    for side in ("sender", "recipient"):
        question[side]["regimes"] = [
            {
                "kind": chance.choice(["state", "io"]),
                "id": chance.choice(["KE", "FR", "DE", "io:b"]),
            }
            for _ in range(chance.choice([0, 1, 1, 1, 2]))
        ]
    question["recipient"]["kind"] = chance.choice(
        [*["ngo", "io", "gov"] * 6, "rcrc", "public", "donor", "military", ""]
    )
    question["recipient"]["purposes"] = chance.sample([*LEAVES * 2, "red.sale", "own.sales"], 2)
    for side in ("sender", "recipient"):
        question[side]["status"] = chance.choice(["active"] * 30 + ["suspended"])
    circumstances(question["context"], chance, purpose)
    if chance.random() < 0.05:
        question[chance.choice(["agreement", "sender", "recipient"])] = None
    usual = list(TAXONOMY["matrices"][purpose])
    kinds = [
        chance.choice([*usual * 5, *FIELDS, "unheard-of"])
        for _ in range(chance.choice([0, *[1, 2] * 5, 3]))
    ]
    if question["agreement"] is not None:
        terms(question["agreement"], chance, purpose, basis)
        parts(question["agreement"], chance, purpose)
        named = {name for name in FIELDS if chance.random() < (0.9 if name in kinds else 0.1)}
        question["agreement"] |= data(sorted(named), chance)
    question["classes"] = [asked_class(record_type, chance) for record_type in kinds]
    measures(question, chance, kinds)
    return question


def measures(question: dict[str, Any], chance: random.Random, types: list[str]) -> None:
    """What was classified, measured, and agreed for publication."""
    question["context"]["sensitivity"] = {
        name: chance.choice([*TAXONOMY["sensitivity_levels"], "low", "secret"])
        for name in types
        if chance.random() < 0.05
    }
    if chance.random() < 0.6:
        question["context"]["risk"] = {
            name: {
                "k": chance.choice([2, 3, 4, 5, 10, 20]),
                "l": chance.choice([1, 2, 3]),
                "risk_permille": chance.choice([29, 30, 200, 1000]),
            }
            for name in types
            if chance.random() < 0.8
        }
    if question["agreement"] is not None and chance.random() < 0.6:
        least = {"k": chance.choice([3, 15, 30]), "min_pop": chance.choice([100, 50000])}
        question["agreement"]["publication"] = {
            "allowed": chance.random() < 0.8,
            "thresholds": {name: one for name, one in least.items() if chance.random() < 0.5},
        }


def terms(agreement: dict[str, Any], chance: random.Random, purpose: str, basis: str) -> None:
    agreement["state"] = chance.choice(["active"] * 9 + ["suspended"])
    agreement["scope"] = {"start": chance.choice(INSTANTS[:2]), "end": chance.choice(INSTANTS[2:])}
    granted = chance.choice([*[purpose] * 8, purpose.rpartition(".")[0], chance.choice(LEAVES)])
    agreement["purposes"] = [
        {"purpose": granted, "from": "org:a", "to": "org:b", "legal_basis": basis}
    ] * chance.choice([0, *[1] * 12, 2])
    evidence = TAXONOMY["bases"].get(basis, {"evidence": []})["evidence"]
    agreement["legal_bases"] = [
        {
            "basis": basis,
            "evidence": evidence,
            "valid_until": chance.choice([*INSTANTS[1:], *INSTANTS[2:] * 4]),
        }
    ]
    agreement["safeguards"]["transfer_instruments"] = [
        {"type": chance.choice([*TAXONOMY["instruments"], "vital"]), "to": [to]}
        for to in chance.sample(["KE", "FR", "DE", "io:b"], chance.choice([0, 1, *[4] * 8]))
    ]
    agreement["onward"]["allowed"] = chance.random() < 0.5
    agreement["decisions"] = decisions(chance, purpose)


def circumstances(context: dict[str, Any], chance: random.Random, purpose: str) -> None:
    context["decisions"] = decisions(chance, purpose)
    context["unsigned"] = chance.choice(["allow"] * 5 + ["refuse"])
    context["prior"] = {
        "transfers": chance.choice(["some", "some", "none"]),
        "derogations": chance.choice([0, 0, 1, 2]),
    }
    context["above_volume"] = chance.sample(sorted(FIELDS), chance.choice([0, 0, 0, 1]))
    for name in ("unsigned", "prior", "above_volume"):
        if chance.random() < 0.02:
            del context[name]


def parts(agreement: dict[str, Any], chance: random.Random, purpose: str) -> None:
    """What an agreement may say and need not."""
    both, soon = ["org:a", "org:b"], [INSTANTS[1], *INSTANTS[2:] * 3]
    roles = ["controller"] * 20 + ["joint_controller", "processor"]
    said: dict[str, Any] = {
        "kind": chance.choice(["bilateral"] * 20 + ["multilateral", "consolidation"]),
        "parties": [
            {"party": name, "role": chance.choice(roles)}
            | ({"regimes": [{"kind": "state", "id": "DE"}]} if chance.random() < 0.05 else {})
            for name in both
        ],
        "signed_by": chance.choice([both, both, ["org:b"], []]),
        "approved_by": chance.choice([["dpo", "legal"], ["dpo"], ["programme", "legal"]]),
        "release_given": [{"party": name, "valid_until": chance.choice(soon)} for name in both],
        "release_requires": {"all_contributors": chance.random() < 0.05},
        "notice": {
            "recipients_listed": chance.choice([both, []]),
            "purposes_listed": chance.choice([[purpose], []]),
        },
        "incidents": {"notify_within_hours": chance.choice([24, 72])},
        "deletion_certificate_required": chance.random() < 0.5,
    }
    agreement |= {name: value for name, value in said.items() if chance.random() < 0.8}
    agreement["onward"]["recipients"] = chance.choice([[], ["org:c"]])
    agreement["scope"]["origin_countries"] = chance.choice([[]] * 8 + [["KE"], ["SY"]])
    safeguards = {
        "immunity": {"status": chance.random() < 0.7},
        "dpia_ref": chance.choice(["", "d:1"]),
        "dpia": {
            "outcome": chance.choice(["low"] * 8 + ["medium", "high"]),
            "next_review": chance.choice(soon),
        },
    }
    agreement["safeguards"] |= {
        name: one for name, one in safeguards.items() if chance.random() < 0.5
    }


def data(types: list[str], chance: random.Random) -> dict[str, Any]:
    """What an agreement says of each record type."""
    return {
        "data": [granted_item(name, chance) for name in types],
        "retention": [
            {"record_type": name, "days": chance.choice([0, *[30, 365] * 20])} for name in types
        ],
    }


def granted_item(record_type: str, chance: random.Random) -> dict[str, Any]:
    fields = FIELDS[record_type]
    return {
        "record_type": record_type,
        "fields": chance.sample(fields, chance.randint(len(fields) // 2, len(fields))),
        "max_form": chance.choice([*["id", "id", "ps", "rec"] * 6, "agg", "agg", "odd"]),
        "forms": {name: chance.choice([*FORMS, "blur"]) for name in chance.sample(fields, 3)},
        "mark_withheld": chance.random() < 0.5,
    } | chance.choice(
        [
            {},
            {"frequency": chance.choice(["once"] * 8 + ["on_demand", "daily"])},
            {"volume_limit": 500, "categories": ["pd:Name"]},
            {"categories": [chance.choice(["pd:Name"] * 12 + ["pd:Biometric"])]},
        ]
    )


def asked_class(record_type: str, chance: random.Random) -> dict[str, Any]:
    fields = FIELDS.get(record_type, ["record_id"])
    known = {
        **TAXONOMY["facts"],
        "consent_status": [*TAXONOMY["facts"]["consent_status"], *["given"] * 24],
        "objected": [*[False] * 8, True],
        "expired": [*[False] * 8, True],
        "origin_purpose": LEAVES,
        "consent_purposes": [["hum.assist"], ["hum.assist", "hum.health", "hum.protect"], []],
        "consent_recipients": [["ngo", "io", "gov"], ["org:b"], ["donor"]],
        "unheard_of": ["x"],
    }
    weights = {
        "unheard_of": 0.02,
        "sensitivity": 0.1,
        "consent_purposes": 0.05,
        "consent_recipients": 0.05,
        "objected": 0.1,
        "case_kind": 0.05,
        "expired": 0.2,
        "origin_purpose": 0.1,
    }
    facts = {
        name: chance.choice(values)
        for name, values in known.items()
        if chance.random() < weights.get(name, 0.4)
    }
    return {
        "record_type": record_type,
        "fields": chance.sample([*fields, "unheard_of"], chance.randint(0, len(fields))),
        "facts": facts,
    }


def decisions(chance: random.Random, purpose: str) -> list[dict[str, Any]]:
    known = [
        *(
            f"human.dpo:special_category.{record_type}.{name}"
            for record_type, fields in TAXONOMY["special"].items()
            for name in fields
        ),
        "human.one:dest.vital",
        "human.dpo:dest.public_interest",
        "human.dpo:archive",
        f"human.dpo:further_use.hum.assist.verify.{purpose}",
        "human.two:basis.lb.legal",
        "human.one:basis.lb.vital",
        "human.dpo:basis.lb.legitimate",
        "human.dpo:bulk_identified",
        "human.dpo:dpia_high",
        "human.dpo:standing_flow",
        "human.two:first_transfer",
        *(
            f"human.dpo:{what}.{record_type}"
            for what in ("disclosure_risk", "sensitivity.moderate", "sensitivity.severe")
            for record_type in TAXONOMY["people_types"]
        ),
    ]
    return [
        {
            "decision": name,
            "by": chance.sample(["dpo", "legal", "programme", "visitor"], chance.randint(0, 3)),
            "valid_until": chance.choice(INSTANTS),
        }
        | chance.choice(
            [
                {},
                {},
                {"at": chance.choice(INSTANTS)},
                {"officers": chance.sample(["officer:1", "officer:2"], chance.randint(0, 2))},
                {"officers": ["officer:1"], "requested_by": chance.choice(["officer:1", "org:a"])},
            ]
        )
        for name in chance.sample(known, chance.choice([0, 3, 9]))
    ]


def hostile(question: dict[str, Any], chance: random.Random) -> None:
    """Take something out, or put something of another type in its place."""
    for _ in range(chance.choice([1, 1, 2])):
        place: Any = question
        while True:
            keys = list(place) if isinstance(place, dict) else range(len(place))
            key = chance.choice(list(keys))
            inner = place[key]
            if not isinstance(inner, dict | list) or not inner or chance.random() < 0.25:
                break
            place = inner
        # The gateway stamps the moment itself and asks nothing without one.
        if key in ("context", "now") or not place:
            continue
        if chance.random() < 0.4:
            del place[key]
        else:
            place[key] = copy.deepcopy(chance.choice(ODD))
        if not question.get("context"):
            return
