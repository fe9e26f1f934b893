"""The terms of a transfer: tables as the schemas have them; each key taken away or spoilt."""

import asyncio
import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.policy import Embedded, OpaServer, PolicyError, Question, read_bundle
from tests.policy_servers import needs_opa, opa_server
from tests.strategies_policy import POLICIES, TAXONOMY, sample

SCHEMAS = POLICIES.parent / "schemas"
NOW, LATER = "2026-11-22T08:00:00Z", "2027-01-01T00:00:00Z"
ODD = (None, True, -1, "", "é", [], {}, [1], {"a": []}, ["x", None])


def in_full() -> dict[str, Any]:
    """A question that says everything it may, and is allowed."""
    question = sample()
    decided = {
        "decision": "human.dpo:dest.public_interest",
        "by": ["dpo"],
        "valid_until": LATER,
        "at": NOW,
        "officers": ["officer:dpo-1"],
        "requested_by": "officer:programme-1",
    }
    question["context"] |= {"unsigned": "refuse", "decisions": [decided]}
    both = [question["request"]["sender"], question["request"]["recipient"]]
    agreement = question["agreement"]
    agreement |= {
        "signed_by": both,
        "approved_by": ["dpo", "programme"],
        "release_requires": {"all_contributors": True},
        "release_given": [{"party": party, "valid_until": LATER} for party in both],
        "notice": {"recipients_listed": both, "purposes_listed": ["hum.assist.registration"]},
        "incidents": {"notify_within_hours": 24},
        "deletion_certificate_required": True,
        "onward": {"allowed": True, "recipients": ["org:c"]},
        "decisions": [decided],
    }
    agreement["parties"][1]["regimes"] = [{"kind": "io", "id": "io:b"}]
    agreement["scope"]["origin_countries"] = ["SY"]
    agreement["safeguards"] |= {
        "dpia_ref": "d:1",
        "dpia": {"outcome": "low", "next_review": LATER},
        "immunity": {"status": True},
    }
    for item in agreement["data"]:
        item |= {"frequency": "daily", "volume_limit": 5000, "categories": ["pd:Name"]}
    return question


def paths(place: Any, *way: Any) -> Iterator[tuple[Any, ...]]:
    keys = place if isinstance(place, dict) else range(len(place))
    for key in keys:
        yield (*way, key)
        if isinstance(place[key], dict | list):
            yield from paths(place[key], *way, key)


def changed(way: tuple[Any, ...], *put: Any) -> dict[str, Any]:
    """The question in full without what is at the end of a way, or with something else there."""
    question = copy.deepcopy(in_full())
    place: Any = question
    for key in way[:-1]:
        place = place[key]
    if put:
        place[way[-1]] = put[0]
    else:
        del place[way[-1]]
    return question


WAYS = [way for way in paths(in_full()) if way not in (("context",), ("context", "now"))]
TERMS = [
    way for way in WAYS if way[0] in ("context", "sender", "recipient", "agreement", "request")
]


@pytest.fixture(scope="module")
def engine():
    engine = Embedded(read_bundle(POLICIES), inline=True)
    yield engine
    asyncio.run(engine.close())


def told(engine, document):
    try:
        decision = engine.decide_now(Question.of(document))
    except PolicyError as error:
        return type(error).__name__, error.rule
    return (
        decision.verdict,
        decision.objections,
        decision.pending,
        decision.obligations,
        decision.border,
        decision.classes,
        decision.valid_until,
    )


def test_a_question_in_full_is_allowed(engine):
    decision = engine.decide_now(Question.of(in_full()))

    assert (decision.verdict, decision.objections, decision.pending) == ("allow", (), ())
    assert set(decision.obligations) == {
        "acknowledge",
        "delete_within_days:365",
        "deletion_certificate",
        "inform_people",
        "notify_incident_within_hours:24",
        "notify_sender_on_onward",
    }


def test_what_is_taken_away_never_releases_more(engine):
    full = engine.decide_now(Question.of(in_full()))
    forms = TAXONOMY["forms"]

    for way in TERMS:
        decision = engine.decide_now(Question.of(changed(way)))
        if decision.verdict != "allow":
            continue
        for before, after in zip(full.classes, decision.classes, strict=True):
            # An agreement that asks for no narrower form does not narrow.
            if "forms" in way:
                continue
            for name, field in after.fields.items():
                assert not field.released or before.fields[name].released, way
                assert forms[field.form] >= forms[before.fields[name].form], way


@needs_opa
def test_the_engines_agree_whatever_is_taken_away_or_spoilt(engine, tmp_path):
    bundle = read_bundle(POLICIES)
    bundle.write(tmp_path / "bundle.tar.gz")
    documents = [changed(way) for way in WAYS]
    documents += [changed(way, ODD[i % len(ODD)]) for i, way in enumerate(WAYS)]

    with opa_server("--bundle", tmp_path / "bundle.tar.gz") as port:
        other = OpaServer("127.0.0.1", port, revision=bundle.revision, deadline=10)
        for document in documents:
            ours, theirs = told(engine, document), told(other, document)
            assert ours == theirs, json.dumps(document)
            assert ours[0] in ("allow", "pending", "refuse", "QuestionUnfit"), json.dumps(document)
        asyncio.run(other.close())


@pytest.mark.parametrize(
    ("table", "schema", "way"),
    [
        ("party_kinds", "party", ("kind",)),
        ("kinds_for_many", "agreement", ("kind",)),
        ("roles_for_others", "agreement", ("parties", "role")),
        ("occasional", "agreement", ("data", "frequency")),
        ("roles", "agreement", ("decisions", "by", "items")),
        ("instruments", "agreement", ("safeguards", "transfer_instruments", "type")),
    ],
)
def test_tables_say_what_the_schemas_say(table, schema, way):
    place = json.loads((SCHEMAS / f"{schema}.json").read_text())["properties"]
    for step in way:
        inner = place["items"].get("properties", place) if "items" in place else place
        place = inner[step]
        place = place.get("properties", place)
    whole = table in ("party_kinds", "roles", "instruments")

    assert set(TAXONOMY[table]) <= set(place["enum"])
    assert not whole or set(TAXONOMY[table]) == set(place["enum"])


def test_tables_of_kinds_are_of_known_kinds():
    kinds = set(TAXONOMY["party_kinds"])

    assert set(TAXONOMY["red_kinds"]) | set(TAXONOMY["authority_kinds"]) <= kinds
    assert set(TAXONOMY["vendor_kinds"]) <= kinds
    assert {kind for kind in kinds if kind.startswith("gov")} <= set(TAXONOMY["authority_kinds"])
    assert set(TAXONOMY["biometric_purposes"]) <= TAXONOMY["purposes"].keys()
    assert TAXONOMY["bulk"] == TAXONOMY["record_buckets"][-1]
