"""What holds for every question: nothing leaves that three lists do not name."""

import asyncio
import json
import random

import pytest

from gateway.forms import transform
from gateway.places import Places
from gateway.policy import Embedded, Question, read_bundle
from gateway.record import RECORD_TYPES, SCHEMAS, fields, load, validator
from tests.strategies_policy import FIELDS, FORMS, POLICIES, TAXONOMY, questions, sample

RANKS = TAXONOMY["forms"]
REFERRALS = {"hum.protect.referral", "hum.health.referral"}
"""Here the case has a new number for each recipient; the person stays who the person is."""


@pytest.fixture(scope="module")
def engine():
    engine = Embedded(read_bundle(POLICIES), inline=True)
    yield engine
    asyncio.run(engine.close())


def released(item):
    return {name: said.form for name, said in item.fields.items() if said.released}


def test_nothing_leaves_that_is_not_in_all_three_lists(engine):
    left = 0
    for document in questions(2500, seed=7):
        decision = engine.decide_now(Question.of(document))
        if not decision.classes:
            continue
        for asked, item in zip(document["classes"], decision.classes, strict=True):
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
    "table",
    ["matrices", "ceilings", "fields", "families", "bases", "purposes", "type_sensitivity"],
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
        # One line would be longer than a line of Rego may be.
        f"narrow := {json.dumps(narrow, indent=1)}\n"
    )


@pytest.mark.parametrize("seed", range(4))
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
        assert types.keys() <= set(RECORD_TYPES)
        for record_type, forms in types.items():
            ceiling = TAXONOMY["ceilings"][TAXONOMY["purposes"][purpose]["max"]][record_type]
            assert forms["record_id"] in ("keep", "pseudonym")
            for name, form in forms.items():
                assert form in TAXONOMY["families"][TAXONOMY["fields"][record_type][name]]
                assert name in ceiling, (purpose, record_type, name)
                assert name not in TAXONOMY["special"].get(record_type, {})


def test_every_purpose_has_a_matrix():
    leaves = {name for name, purpose in TAXONOMY["purposes"].items() if purpose["leaf"]}

    assert TAXONOMY["matrices"].keys() == leaves == TAXONOMY["matrix_marks"].keys()


def test_the_purposes_of_figures_release_nothing_about_people():
    # `further_use` lets any purpose go over to these because of it.
    figures = {name for name, one in TAXONOMY["purposes"].items() if one.get("max") == "agg"}
    figures |= {name for name in TAXONOMY["matrices"] if name.startswith("hum.coord.")}

    for purpose in figures:
        assert not TAXONOMY["matrices"][purpose].keys() & set(TAXONOMY["people_types"]), purpose
    assert len(figures) == 6


def test_aggregate_form_releases_only_what_is_about_nobody():
    figures = TAXONOMY["ceilings"]["agg"]

    assert figures.keys() == set(RECORD_TYPES) - set(TAXONOMY["people_types"])
    for record_type, forms in figures.items():
        for name, form in forms.items():
            assert fields(record_type)[name].kinds == ("none",), (record_type, name)
            family = fields(record_type)[name].family
            assert form == ("admin2" if family == "place" else "keep")


@pytest.mark.parametrize("form", ["ps", "rec"])
def test_no_direct_identifier_leaves_under_a_form_that_identifies_nobody(form):
    for record_type, forms in TAXONOMY["ceilings"][form].items():
        for name, said in forms.items():
            direct = "direct" in fields(record_type)[name].kinds
            assert not direct or said == "pseudonym", (record_type, name)


@pytest.mark.parametrize("record_type", sorted(TAXONOMY["people_types"]))
def test_what_holds_a_reference_is_never_kept_beside_a_pseudonym(record_type):
    """Or the pseudonym could be undone by the field beside it."""
    for purpose, types in TAXONOMY["matrices"].items():
        forms = types.get(record_type, {})
        if forms.get("record_id") == "pseudonym" and purpose not in REFERRALS:
            for name, form in forms.items():
                assert fields(record_type)[name].family != "id" or form == "pseudonym", purpose


def test_always_dropped_stands_in_no_table():
    for record_type, names in TAXONOMY["always_drop"].items():
        tables = [*TAXONOMY["ceilings"].values(), *TAXONOMY["matrices"].values()]
        for name in names:
            assert name in TAXONOMY["fields"][record_type]
            assert all(name not in one.get(record_type, {}) for one in tables), name
        assert {"source", "extension"} <= set(names)


@pytest.mark.parametrize("name", ["incident_account", "perpetrator"])
def test_what_is_said_of_a_perpetrator_never_leaves(name):
    assert name in TAXONOMY["always_drop"]["case"]


KEY = b"k" * 32
AREAS = Places(
    {
        "SO24": (1, "SOM"),
        "SO2401": (2, "SO24"),
        "SO240101": (3, "SO2401"),
        "SO24010107": (4, "SO240101"),
    }
)


@pytest.mark.parametrize("record_type", RECORD_TYPES)
def test_every_form_of_every_purpose_can_be_made_and_follows_the_schema(record_type):
    """A form that no transform makes, or that breaks the schema, would stop a transfer."""
    examples = json.loads((SCHEMAS / "examples" / f"{record_type}.json").read_bytes())
    tables = [*TAXONOMY["matrices"].values(), *TAXONOMY["ceilings"].values()]
    forms = {pair for table in tables for pair in table.get(record_type, {}).items()}
    made = 0
    for name, form in sorted(forms):
        how = transform(record_type, name, form, key=KEY, places=AREAS, today="2026-11-22")
        into = load(record_type)["properties"][name].get("x-band-into", name)
        target = into if form == "age_band" else name
        for example in examples:
            if how is None or name not in example:
                continue
            made += 1
            head = {"record_type": record_type, "record_id": "demo.example/1"}
            less = {**head, target: how(example[name])}
            assert validator(record_type).is_valid(less), (name, form)
            if form == "pseudonym":
                assert "demo.example" not in json.dumps(less[target])
    assert made > 3 or record_type == "alert"
