"""What holds for every question: nothing leaves that three lists do not name."""

import asyncio
import json
import random

import pytest

from gateway.policy import Embedded, Question, read_bundle
from tests.strategies_policy import FIELDS, FORMS, POLICIES, TAXONOMY, questions, sample

RANKS = TAXONOMY["forms"]


@pytest.fixture(scope="module")
def engine():
    engine = Embedded(read_bundle(POLICIES), inline=True)
    yield engine
    asyncio.run(engine.close())


def released(item):
    return {name: said.form for name, said in item.fields.items() if said.released}


def test_nothing_leaves_that_is_not_in_all_three_lists(engine):
    left = 0
    for document in questions(1000, seed=7):
        decision = engine.decide_now(Question.of(document))
        for asked, item in zip(document.get("classes") or [], decision.classes, strict=False):
            forms = released(item)
            if not forms:
                continue
            left += 1
            [granted] = [
                one
                for one in document["agreement"]["data"]
                if one["record_type"] == item.record_type
            ]
            matrix = TAXONOMY["matrices"][document["request"]["purpose"]][item.record_type]
            special = TAXONOMY["special"].get(item.record_type, {}).keys()
            assert forms.keys() <= set(asked["fields"]) & set(granted["fields"])
            assert forms.keys() <= matrix.keys() | special
            for name, form in forms.items():
                family = TAXONOMY["families"][TAXONOMY["fields"][item.record_type][name]]
                assert family[form] >= RANKS[matrix.get(name, "keep")]
                assert family[form] >= RANKS[granted.get("forms", {}).get(name, "keep")]
    assert left > 50


@pytest.mark.parametrize("place", ["purposes", "legal_bases", "data", "retention", "parties"])
def test_an_empty_list_permits_nothing(engine, place):
    document = sample()
    document["agreement"][place] = []

    decision = engine.decide_now(Question.of(document))

    assert decision.verdict == "refuse"
    assert [released(item) for item in decision.classes] == [{}, {}]


@pytest.mark.parametrize(
    "table", ["matrices", "ceilings", "fields", "families", "bases", "purposes"]
)
def test_an_empty_table_permits_nothing(tmp_path, table):
    data = json.loads(read_bundle(POLICIES).data)
    data["taxonomy"][table] = {}
    bundle = read_bundle(POLICIES)
    data["samples"] = {}
    emptied = type(bundle)(bundle.policies, json.dumps(data).encode())
    engine = Embedded(emptied, inline=True)

    decision = engine.decide_now(Question.of(sample()))
    asyncio.run(engine.close())

    assert decision.verdict == "refuse"


def local_policy(chance):
    narrow = {
        record_type: {name: chance.choice([*FORMS, "blur"]) for name in chance.sample(fields, 5)}
        for record_type, fields in FIELDS.items()
    }
    objection = '{"rule": "local.x", "fix": "No."}'
    kind = chance.choice(["record", "never"])
    condition = 'input.records == "1000+"' if kind == "record" else "false"
    return (
        f"package local\n\nobjections contains {objection} if {condition}\n\n"
        f"narrow := {json.dumps(narrow)}\n"
    )


@pytest.mark.parametrize("seed", range(8))
def test_a_local_policy_never_widens(engine, tmp_path, seed):
    (tmp_path / "own.rego").write_text(local_policy(random.Random(seed)))
    bundle = read_bundle(POLICIES, tmp_path)
    # The samples state what our own policies answer.
    data = json.loads(bundle.data) | {"samples": {}}
    narrowed = Embedded(type(bundle)(bundle.policies, json.dumps(data).encode()), inline=True)
    strictness = {"allow": 0, "pending": 1, "refuse": 2}

    for document in [sample(), *questions(60, seed=100 + seed)]:
        question = Question.of(document)
        wide, narrow = engine.decide_now(question), narrowed.decide_now(question)
        assert strictness[narrow.verdict] >= strictness[wide.verdict]
        for before, after in zip(wide.classes, narrow.classes, strict=True):
            for name, form in released(after).items():
                assert before.fields[name].released
                assert RANKS[form] >= RANKS[before.fields[name].form]


def test_every_matrix_names_known_fields_and_forms():
    for purpose, types in TAXONOMY["matrices"].items():
        assert TAXONOMY["purposes"][purpose]["max"] != "agg"
        for record_type, forms in types.items():
            ceiling = TAXONOMY["ceilings"][TAXONOMY["purposes"][purpose]["max"]][record_type]
            assert forms["record_id"] in ("keep", "pseudonym")
            for name, form in forms.items():
                assert form in TAXONOMY["families"][TAXONOMY["fields"][record_type][name]]
                assert name in ceiling, (purpose, record_type, name)
                assert name not in TAXONOMY["special"].get(record_type, {})


def test_every_purpose_that_may_release_people_has_a_matrix():
    without = {
        name
        for name, purpose in TAXONOMY["purposes"].items()
        if purpose["leaf"] and name not in TAXONOMY["matrices"]
    }

    assert without == {
        "hum.account.donor", "hum.coord.access", "hum.coord.logistics", "hum.coord.needs",
        "hum.coord.presence", "hum.stat.open",
    }  # fmt: skip
