"""schemas/question.json says what the gateway writes: every question it builds follows it."""

import asyncio
import json
import random
import re
import shutil

import pytest

from gateway import crosswalk, session
from gateway.crosswalk import PAGES, Step
from gateway.demo import prepare
from gateway.exchange import judge
from gateway.policy.cases_sound import sound
from gateway.policy.cases_tables import tables
from gateway.record import RECORD_TYPES, fact_names, fields, validator
from gateway.terms import Asked, terms_of
from tests.conftest import ROOT
from tests.strategies_policy import SAMPLES

STEPS = [
    (page.stem, number, Step.of(found["script"]))
    for page in sorted(PAGES.glob("*.md"))
    for number, found in enumerate(crosswalk._STEP.finditer(page.read_text()))
]
ASKED = {
    "sender": "org:amal-relief",
    "agreement": "agr:registration-2026",
    "source": "kobo",
    "deliver": "return",
}


@pytest.fixture(scope="module")
def crosswalks(tmp_path_factory):
    """deploy/crosswalks with keys, nobody else's."""
    here = tmp_path_factory.mktemp("crosswalks")
    shutil.copytree(
        ROOT / crosswalk.DEPLOYMENT,
        here / crosswalk.DEPLOYMENT,
        ignore=shutil.ignore_patterns("keys", "data"),
    )
    prepare(here / crosswalk.DEPLOYMENT)
    return here


def questions(directory, asked):
    """What is asked about some payloads: nothing is logged."""

    async def walked():
        async with session.opened(directory) as gateway:
            found = []
            for one, payload in asked:
                terms = terms_of(one, gateway.deployment, gateway.known)
                judged = await judge(terms, payload, gateway)
                found.append(judged.decision.asked.document)
                judged.close()
            return found

    return asyncio.run(walked())


def wrong(document):
    """Where a question leaves the schema: places and keywords."""
    found = validator("question").iter_errors(document)
    return [(list(error.instance_path), list(error.schema_path)) for error in found]


@pytest.mark.parametrize("purpose", ["hum.assist.registration", "hum.health.care", "red.migration"])
def test_what_the_demo_asks(prepared, payload, purpose):
    asked = Asked(**ASKED, purpose=purpose)
    if purpose.startswith("red."):
        asked = Asked(**ASKED, purpose=purpose, recipient="org:border-directorate",
                      legal_basis="lb.public")  # fmt: skip

    [document] = questions(prepared[0], [(asked, payload)])

    assert wrong(document) == []


def test_what_every_crosswalk_asks(crosswalks):
    """Steps of a page that read what an earlier one wrote are left to the page's own test."""
    asked = [(one.asked, crosswalks / one.payload) for _, number, one in STEPS if not number]

    documents = questions(crosswalks / crosswalk.DEPLOYMENT, asked)

    assert len(documents) == len({page for page, _, _ in STEPS})
    assert [found for document in documents for found in wrong(document)] == []


def test_the_samples_follow_it_but_for_the_one_that_nobody_can_read():
    for name, sample in SAMPLES.items():
        if not isinstance(sample, dict) or name == "malformed":
            continue
        # A transfer without an agreement is never asked about; the policy refuses it all the same.
        found = [place for place, _ in wrong(sample["question"]) if place != ["agreement"]]
        assert found == [], name
    assert wrong(SAMPLES["malformed"]["question"])


def test_generated_questions_follow_it():
    for number in range(150):
        document, _ = sound(random.Random(f"schema/{number}"))
        assert wrong(document) == []


def test_a_value_it_does_not_know_does_not():
    document, _ = sound(random.Random("schema/0"))

    for place, value in (
        (("context", "unsigned"), "yes"),
        (("context", "now"), "2026-11-22"),
        (("context", "risk"), {"person": {"k": 101, "l": 1, "risk_permille": 1}}),
        (("request", "deliver"), "fax"),
        (("sender", "status"), "gone"),
        (("agreement", "legal_bases", 0, "evidence"), {"mandate_ref": "Its text"}),
        (("classes", 0, "facts", "name"), {"full": "no"}),
        (("records",), "12"),
    ):
        broken = json.loads(json.dumps(document))
        holder = broken
        for key in place[:-1]:
            holder = holder[key]
        holder[place[-1]] = value
        assert wrong(broken), place


def test_every_fact_of_a_record_is_one_the_policies_know():
    """Names and values of facts stand in people.json alone; a schema that adds one meets this."""
    known = {*tables()["facts"], "origin_purpose", "consent_purposes", "consent_recipients"}

    for record_type in RECORD_TYPES:
        assert set(fact_names(record_type)) <= known, record_type


def test_it_counts_records_as_the_policies_do():
    schema = json.loads((ROOT / "schemas" / "question.json").read_bytes())

    assert schema["properties"]["records"]["enum"] == tables()["record_buckets"]


def test_names_of_record_types_fields_and_roles_fit_it():
    schema = json.loads((ROOT / "schemas" / "question.json").read_bytes())["$defs"]
    names = {name for record_type in RECORD_TYPES for name in fields(record_type)}

    for pattern, said in (
        (schema["record_type"]["pattern"], RECORD_TYPES),
        (schema["fields"]["items"]["pattern"], names),
        (schema["role"]["pattern"], tables()["roles"]),
        (schema["basis"]["pattern"], tables()["bases"]),
        (schema["purpose"]["pattern"], [*tables()["purposes"], *tables()["red_lines"]]),
    ):
        assert all(re.fullmatch(pattern, one) for one in said), pattern
