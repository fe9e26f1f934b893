"""The question, the answer and the memory in front of an engine."""

import asyncio
import copy
import json
import threading
from pathlib import Path

import jsonschema
import orjson
import pytest

from gateway.canonical import canonical, digest
from gateway.policy import (
    Cached,
    Embedded,
    PolicyFailed,
    PolicyUnavailable,
    PolicyUndefined,
    Question,
    QuestionUnfit,
    Template,
    read_bundle,
)
from gateway.policy.bundle import Bundle
from gateway.policy.decision import SCHEMA, read
from tests.strategies_policy import POLICIES, TAXONOMY, questions, sample

NOW = "2026-11-22T08:00:00Z"


@pytest.fixture(scope="module")
def bundle():
    return read_bundle(POLICIES)


@pytest.fixture
def engine(bundle):
    engine = Embedded(bundle)
    yield engine
    asyncio.run(engine.close())


def test_a_question_has_the_canonical_bytes_of_its_document():
    for document in [sample(), *questions(200, seed=1)]:
        assert Question.of(document).canonical == canonical(document)


def test_a_question_is_itself_with_and_without_its_moment():
    first = Question.of(sample())
    second = first.template.at("2026-11-22T09:00:00Z")

    assert first.cache_key == second.cache_key
    assert first.digest == digest(first.canonical) != second.digest
    assert second.document["context"]["now"] == "2026-11-22T09:00:00Z"
    assert NOW.encode() not in first.cache_key


def test_the_moment_may_stand_anywhere_else():
    document = sample()
    document["context"] |= {"a": f'"now":"{NOW}"', "z": NOW}

    assert Question.of(document).canonical == canonical(document)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"x": 1.5}, "question.not_canonical"),
        ({"x": 2**53}, "question.not_canonical"),
        ({"x": {1: 2}}, "question.not_canonical"),
        ({"x": "\ud800"}, "question.not_canonical"),
        ({"x": b"x"}, "question.not_canonical"),
        ({"x": "e\u0301"}, "question.not_nfc"),
        ({"e\u0301": 1}, "question.not_nfc"),
        ({"x": ["y" * 2**20]}, "question.size"),
        ({"context": []}, "question.shape"),
        ({"context": {"now": "2026-11-22T08:00:00+00:00"}}, "question.instant"),
        ({"context": {"now": "2026-13-22T08:00:00Z"}}, "question.instant"),
        ({"context": {"now": f"{NOW}\n"}}, "question.instant"),
        ({"context": {"now": 5}}, "question.instant"),
        ({"context": {}}, "question.instant"),
    ],
)
def test_what_engines_read_differently_is_no_question(change, rule):
    with pytest.raises(QuestionUnfit) as refused:
        Question.of(sample() | change)

    assert refused.value.rule == rule
    assert str(change.get("x", "?")) not in str(refused.value)


@pytest.mark.parametrize("depth", [64, 65, 20000])
def test_a_question_is_shallow(depth):
    nested: list = []
    for _ in range(depth - 2):
        nested = [nested]

    if depth == 64:
        Question.of(sample() | {"x": nested})
        return
    with pytest.raises(QuestionUnfit) as refused:
        Question.of(sample() | {"x": nested})
    assert refused.value.rule == "question.depth"


def test_no_document_is_no_question():
    with pytest.raises(QuestionUnfit):
        Question.of([])


def good(engine):
    question = Question.of(sample())
    return question, {
        "verdict": "allow",
        "objections": [],
        "pending": [],
        "assess": [],
        "classes": [
            {
                "record_type": item["record_type"],
                "facts": item["facts"],
                "verdict": "allow",
                "objections": [],
                "fields": {name: {"form": "keep"} for name in item["fields"]},
                "limits": {"k": 0, "min_pop": 0},
            }
            for item in question.document["classes"]
        ],
        "obligations": ["acknowledge"],
        "border": {"crosses": True, "destination": "dest.safeguards", "instrument": "own_clauses"},
        "max_form": "id",
        "valid_until": "",
    }


OBJECTION = {"rule": "x.y", "fix": "No."}
DROP = {"form": "drop", "reason": "objection"}


def put(place, *path):
    def change(answer):
        inner = answer
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = place

    return change


def refuse_first(answer):
    answer["classes"][0] |= {"verdict": "refuse", "objections": [OBJECTION]}


def refuse_both(answer):
    for item in answer["classes"]:
        item |= {"verdict": "refuse", "objections": [OBJECTION]}
        item["fields"] = dict.fromkeys(item["fields"], DROP)


def refuse_all(answer):
    answer |= {"verdict": "refuse", "objections": [OBJECTION]}
    for item in answer["classes"]:
        item["fields"] = dict.fromkeys(item["fields"], DROP)
    return answer


@pytest.mark.parametrize(
    "change",
    [
        put("yes", "verdict"),
        put(True, "verdict"),
        put(1, "border", "crosses"),
        put("true", "border", "crosses"),
        put("no", "extra"),
        put([OBJECTION], "objections"),
        put("refuse", "verdict"),
        put("pending", "verdict"),
        put([{"decision": "human.dpo:archive", "who": "human:dpo"}], "pending"),
        put([], "classes"),
        lambda answer: answer["classes"].reverse(),
        lambda answer: answer["classes"].append(answer["classes"][0]),
        put({}, "classes", 0, "facts"),
        put({"name": {"form": "keep"}}, "classes", 0, "fields"),
        put({"form": "keep"}, "classes", 0, "fields", "more"),
        put({"form": "keep", "reason": "purpose"}, "classes", 0, "fields", "name"),
        put({"form": "drop"}, "classes", 0, "fields", "name"),
        put({"form": "whole"}, "classes", 0, "fields", "name"),
        put("refuse", "classes", 0, "verdict"),
        put([OBJECTION], "classes", 0, "objections"),
        refuse_first,
        refuse_both,
        put(["promise"], "obligations"),
        put("2026", "valid_until"),
        lambda answer: answer.update(verdict="refuse", objections=[OBJECTION]),
        lambda answer: answer.update(
            verdict="refuse", objections=[{"rule": "error.undefined", "fix": "No."}]
        ),
        lambda answer: answer.pop("max_form"),
        lambda answer: answer.pop("assess"),
        lambda answer: answer["classes"][0].pop("limits"),
        put(["person"], "assess"),
        lambda answer: answer.update(verdict="pending", assess=["person", "person"]),
        lambda answer: answer.update(verdict="pending", assess=["person", "household"]),
        lambda answer: answer.update(verdict="pending", assess=["case"]),
        lambda answer: answer.update(verdict="pending", assess="person"),
        lambda answer: refuse_all(answer).update(assess=["person"]),
        put(-1, "classes", 0, "limits", "k"),
        put(5.5, "classes", 0, "limits", "k"),
        put(5.0, "classes", 0, "limits", "k"),
        put("5", "classes", 0, "limits", "min_pop"),
        put(True, "classes", 0, "limits", "min_pop"),
        put(1, "classes", 0, "limits", "l"),
    ],
)
def test_an_answer_that_contradicts_itself_is_a_denial(engine, change):
    question, answer = good(engine)
    read(orjson.dumps(answer), question, engine="e", revision="r")

    change(answer)

    with pytest.raises(PolicyFailed):
        read(orjson.dumps(answer), question, engine="e", revision="r")


def test_a_risk_to_be_measured_holds(engine):
    question, answer = good(engine)
    answer |= {"verdict": "pending", "assess": ["household", "person"]}
    answer["classes"][0]["limits"] = {"k": 10, "min_pop": 5000}

    decision = read(orjson.dumps(answer), question, engine="e", revision="r")

    assert decision.assess == ("household", "person")
    assert (decision.classes[0].limits.k, decision.classes[0].limits.min_pop) == (10, 5000)
    refused = read(orjson.dumps(refuse_all(good(engine)[1])), question, engine="e", revision="r")
    assert (refused.verdict, refused.assess) == ("refuse", ())


@pytest.mark.parametrize("answer", ['"<undefined>"', "{}", "null"])
def test_no_answer_is_a_denial(answer):
    with pytest.raises(PolicyUndefined):
        read(answer, Question.of(sample()), engine="e", revision="r")


@pytest.mark.parametrize("answer", ["", "{", "[]", "true", '"allow"'])
def test_noise_is_a_denial(answer):
    with pytest.raises(PolicyFailed):
        read(answer, Question.of(sample()), engine="e", revision="r")


def test_the_schema_is_a_schema_and_describes_every_property():
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == "https://corridor.invalid/schemas/decision/1"

    def undescribed(node):
        if isinstance(node, list):
            return [found for item in node for found in undescribed(item)]
        if not isinstance(node, dict):
            return []
        own = [
            name for name, item in node.get("properties", {}).items() if "description" not in item
        ]
        if node.get("type") == "object" and "properties" in node:
            assert node["additionalProperties"] is False
        return own + [found for item in node.values() for found in undescribed(item)]

    assert undescribed(schema) == []


def test_forms_and_reasons_are_those_of_the_schema():
    [keep, withheld] = json.loads(SCHEMA.read_text())["properties"]["classes"]["items"][
        "properties"
    ]["fields"]["additionalProperties"]["oneOf"]

    assert {*keep["properties"]["form"]["enum"], "drop", "null"} == TAXONOMY["forms"].keys()
    for said in TAXONOMY["answers"].values():
        assert said.get("reason", "purpose") in withheld["properties"]["reason"]["enum"]


def test_a_decision_says_who_answered_what(engine, bundle):
    question = Question.of(sample())

    decision = engine.decide_now(question)

    assert (decision.engine, decision.revision) == ("embedded", bundle.revision)
    assert decision.question == question.digest
    assert decision.classes[0].fields["name"].released
    assert not decision.classes[0].fields["email"].released


def test_the_engine_answers_from_any_thread_and_loop(engine):
    question = Question.of(sample())
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(engine.decide_now(question).verdict))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == ["allow"] * 4
    assert asyncio.run(engine.decide(question)).verdict == "allow"


def test_an_inline_engine_belongs_to_its_thread(bundle):
    engine = Embedded(bundle, inline=True)
    question = Question.of(sample())
    raised = []

    def elsewhere():
        try:
            engine.decide_now(question)
        except PolicyFailed as error:
            raised.append(error.rule)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()

    assert raised == ["policy.thread"]
    assert asyncio.run(engine.decide(question)).verdict == "allow"
    asyncio.run(engine.close())
    with pytest.raises(PolicyUnavailable):
        engine.decide_now(question)


def broken(bundle, text):
    policies = dict(bundle.policies) | {"exchange/obligations.rego": text}
    return Bundle(tuple(policies.items()), bundle.data)


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("package exchange\nobligations contains", "policy.load"),
        ("package exchange\nobligations contains x if x := nothing(1, 2, 3)", "policy.evaluation"),
        ('package exchange\nobligations contains "promise"', "policy.answer"),
        (
            'package exchange\nobjections contains "x.y"\nobligations contains "seal"',
            "policy.self_test",
        ),
    ],
)
def test_a_bundle_that_fails_its_self_test_never_answers(bundle, inline, text, rule):
    engine = Embedded(bundle, inline=inline)

    with pytest.raises(PolicyFailed) as failed:
        engine.load(broken(bundle, text))

    assert failed.value.rule == rule
    assert engine.revision == bundle.revision
    assert engine.decide_now(Question.of(sample())).verdict == "allow"
    asyncio.run(engine.close())


@pytest.mark.parametrize("inline", [True, False])
def test_a_rule_of_ones_own_may_object_to_the_samples_too(bundle, inline):
    local = """package local

objections contains {"rule": "local.closed", "fix": "Ask again."} if input.request.into != ""
"""
    policies = dict(bundle.policies) | {"local/closed.rego": local}
    engine = Embedded(bundle, inline=inline)

    engine.load(Bundle(tuple(policies.items()), bundle.data))

    decision = engine.decide_now(Question.of(sample()))
    assert (decision.verdict, decision.objections[0].rule) == ("refuse", "local.closed")
    asyncio.run(engine.close())


class Panic(BaseException):
    """What a panic in Rust looks like from here."""


Panic.__name__ = "PanicException"


def test_a_panic_is_a_denial_and_costs_only_the_engine(bundle):
    engine = Embedded(bundle, inline=True)

    class Panicking:
        def set_input_json(self, text):
            raise Panic

    engine._engine = Panicking()

    with pytest.raises(PolicyFailed) as failed:
        engine.decide_now(Question.of(sample()))

    assert failed.value.rule == "policy.evaluation"
    assert engine.decide_now(Question.of(sample())).verdict == "allow"
    asyncio.run(engine.close())


def test_an_interruption_is_not_swallowed(bundle):
    engine = Embedded(bundle, inline=True)

    class Interrupted:
        def set_input_json(self, text):
            raise KeyboardInterrupt

    engine._engine = Interrupted()

    with pytest.raises(KeyboardInterrupt):
        engine.decide_now(Question.of(sample()))


class Counting:
    """An engine that counts what it is asked."""

    name = "embedded"

    def __init__(self, engine):
        self.engine, self.asked, self.revision = engine, 0, engine.revision

    async def decide(self, question):
        return self.decide_now(question)

    def decide_now(self, question):
        self.asked += 1
        return self.engine.decide_now(question)

    async def close(self):
        pass


def at(document, now):
    return Template.of(document).at(now)


def test_a_remembered_answer_is_for_the_question_asked(engine):
    counting = Counting(engine)
    cached = Cached(counting)
    first = cached.decide_now(at(sample(), NOW))
    later = at(sample(), "2026-11-22T08:00:59Z")

    second = asyncio.run(cached.decide(later))

    assert counting.asked == 1
    assert (second.verdict, second.classes) == (first.verdict, first.classes)
    assert second.question == later.digest != first.question
    assert (cached.name, cached.revision) == ("embedded", engine.revision)


@pytest.mark.parametrize(
    "now", ["2026-11-22T09:00:00Z", "2026-11-22T07:59:59Z", "2027-01-01T00:00:00Z"]
)
def test_an_answer_is_asked_for_again_outside_its_hour(engine, now):
    counting = Counting(engine)
    cached = Cached(counting)
    cached.decide_now(at(sample(), NOW))

    cached.decide_now(at(sample(), now))

    assert counting.asked == 2


def test_an_answer_is_not_remembered_past_what_the_policy_says(engine):
    counting = Counting(engine)
    cached = Cached(counting)
    document = sample()
    document["agreement"]["scope"]["end"] = "2026-11-22T08:00:10Z"

    verdicts = [
        cached.decide_now(at(document, f"2026-11-22T08:00:{second}Z")).verdict
        for second in ("00", "09", "10")
    ]

    assert verdicts == ["allow", "allow", "refuse"]
    assert counting.asked == 2


def test_a_flush_a_new_bundle_and_a_full_memory_forget(engine):
    counting = Counting(engine)
    cached = Cached(counting, size=1)
    cached.decide_now(at(sample(), NOW))
    cached.flush()
    cached.decide_now(at(sample(), NOW))
    assert counting.asked == 2

    counting.revision = "sha256:other"
    cached.decide_now(at(sample(), NOW))
    assert counting.asked == 3

    counting.revision = engine.revision
    other = copy.deepcopy(sample()) | {"records": "10-99"}
    cached.decide_now(at(other, NOW))
    cached.decide_now(at(sample(), NOW))
    assert counting.asked == 5
    asyncio.run(cached.close())


def test_the_same_question_at_the_same_moment_has_the_same_answer(engine):
    cached = Cached(Counting(engine))

    assert cached.decide_now(at(sample(), NOW)) is cached.decide_now(at(sample(), NOW))


@pytest.mark.parametrize("now", ["2026-02-30T08:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_moment_no_calendar_has_is_not_remembered(engine, now):
    counting = Counting(engine)
    cached = Cached(counting)

    cached.decide_now(at(sample(), now))
    cached.decide_now(at(sample(), now))

    assert counting.asked == 2


def test_no_error_quotes_the_question(engine):
    document = sample() | {"canary": "e\u0301 Canary"}

    with pytest.raises(QuestionUnfit) as refused:
        Question.of(document)

    assert "Canary" not in repr(refused.value) + str(refused.value)
    assert Path(SCHEMA).exists()
