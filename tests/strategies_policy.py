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
        [*["ngo", "io", "gov"] * 6, "donor", "military", ""]
    )
    question["recipient"]["purposes"] = chance.sample([*LEAVES, "red.sale"], 2)
    question["context"]["decisions"] = decisions(chance, purpose)
    if chance.random() < 0.05:
        question[chance.choice(["agreement", "sender", "recipient"])] = None
    usual = list(TAXONOMY["matrices"][purpose])
    kinds = [
        chance.choice([*usual * 5, *FIELDS, "unheard-of"])
        for _ in range(chance.choice([0, *[1, 2] * 5, 3]))
    ]
    if question["agreement"] is not None:
        terms(question["agreement"], chance, purpose, basis)
        named = {name for name in FIELDS if chance.random() < (0.9 if name in kinds else 0.1)}
        question["agreement"] |= data(sorted(named), chance)
    question["classes"] = [asked_class(record_type, chance) for record_type in kinds]
    return question


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
        for to in chance.sample(["KE", "FR", "DE", "io:b"], chance.choice([0, 1, 4, 4]))
    ]
    agreement["onward"]["allowed"] = chance.random() < 0.5
    agreement["decisions"] = decisions(chance, purpose)


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
    }


def asked_class(record_type: str, chance: random.Random) -> dict[str, Any]:
    fields = FIELDS.get(record_type, ["record_id"])
    known = {**TAXONOMY["facts"], "origin_purpose": LEAVES, "unheard_of": ["x"]}
    weights = {
        "unheard_of": 0.02,
        "objected": 0.1,
        "case_kind": 0.05,
        "expired": 0.2,
        "origin_purpose": 0.2,
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
    ]
    return [
        {
            "decision": name,
            "by": chance.sample(["dpo", "legal", "programme", "visitor"], chance.randint(0, 3)),
            "valid_until": chance.choice(INSTANTS),
        }
        for name in chance.sample(known, chance.choice([0, 2, 6]))
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
