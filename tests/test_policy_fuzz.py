"""Generated questions and operators' policies: they are what they say, and the trial of them bites.

The trial itself is `python -m gateway.policy.fuzz`; here it is made small.
"""

import asyncio
import json
import random
import shutil
from collections import Counter
from dataclasses import replace

import pytest

from gateway.errors import OfficerError
from gateway.policy import (
    Bundle,
    Embedded,
    PolicyError,
    PolicyFailed,
    Question,
    fuzz_local,
    read_bundle,
)
from gateway.policy import fuzz as fuzzing
from gateway.policy.cases import case, cases
from gateway.policy.cases_flaws import FLAWS
from gateway.policy.cases_hostile import TRICKS
from gateway.policy.cases_sound import sound
from gateway.policy.cases_tables import POLICIES, tables
from gateway.policy.decision import FieldForm, Objection
from gateway.policy.fuzz_engines import Tally, compared, counted, spelled
from gateway.policy.fuzz_local import wider
from gateway.policy.fuzz_opa import serving
from gateway.policy.local_cases import local_policies
from gateway.policy.oracle import problems, strictness
from gateway.policy.poorer import improved, poorer, smaller
from tests.strategies_policy import sample

needs_opa = pytest.mark.skipif(not shutil.which("opa"), reason="opa is not on PATH")


@pytest.fixture(scope="module")
def bundle():
    return read_bundle(POLICIES)


@pytest.fixture(scope="module")
def engine(bundle):
    engine = Embedded(bundle)
    yield engine
    asyncio.run(engine.close())


@pytest.fixture(scope="module")
def answers(engine):
    """Some cases with what the policies say of each."""
    found = []
    for one in (case(f"tests/{number}") for number in range(120)):
        try:
            question = Question.of(one.document)
            found.append((one, question, engine.decide_now(question)))
        except PolicyError:
            found.append((one, None, None))
    return found


def decided(engine, document):
    question = Question.of(document)
    return question, engine.decide_now(question)


def test_the_same_seed_makes_the_same_cases_whatever_their_number():
    few, many = list(cases(5, 20)), list(cases(5, 40))

    assert [json.dumps(one) for one in few] == [json.dumps(one) for one in many[:20]]
    assert few != list(cases(6, 20))
    assert few[3] == case("5/3").document


def test_cases_are_a_mixture(answers):
    verdicts = Counter(said.verdict for _, _, said in answers if said)
    hostile = sum(one.hostile for one, _, _ in answers)

    assert 0.08 < hostile / len(answers) < 0.25
    assert min(verdicts[name] for name in ("allow", "pending", "refuse")) > 5
    assert verdicts["refuse"] > verdicts["pending"]


def test_every_flaw_and_every_trick_can_be_done_to_any_case():
    chance = random.Random("flaws")
    for number in range(500):
        document, context = sound(chance)
        for flaw in chance.sample(FLAWS, 8):
            flaw(document, context)
        for trick in chance.sample(TRICKS, 4):
            trick(document, context)
        assert isinstance(document, dict), number


def test_without_hostile_ones_every_case_is_a_question(engine):
    for number in range(25):
        one = case(f"mild/{number}", hostile=0)
        assert not one.hostile
        said = decided(engine, one.document)[1]
        assert [objection.rule for objection in said.objections] != ["question.malformed"]


def test_every_case_of_hostility_is_refused_or_answered(engine):
    for number in range(60):
        one = case(f"wild/{number}", hostile=1)
        try:
            question, said = decided(engine, one.document)
        except PolicyError:
            continue
        assert problems(question.document, said, tables()) == []


def test_nothing_leaves_that_the_oracle_does_not_know(answers):
    for one, question, said in answers:
        if said:
            assert problems(question.document, said, tables()) == [], one.seed


def changed(document, *path, to):
    less = json.loads(json.dumps(document))
    place = less
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return less


@pytest.mark.parametrize(
    ("path", "to", "problem"),
    [
        (("request", "purpose"), "red.sale", "a red line is crossed"),
        (("recipient", "kind"), "military", "a recipient whose kind is a red line"),
        (("recipient", "kind"), "donor", "a donor is given data about people"),
        (("recipient", "status"), "suspended", "a recipient that is not active"),
        (("sender",), None, "an unknown sender"),
        (("sender", "regimes"), [], "a party that answers to no law"),
        (("request", "legal_basis"), "lb.none", "an unknown basis"),
        (("request", "purpose"), "hum.assist", "a purpose that is no leaf"),
        (("agreement", "state"), "draft", "no agreement in force"),
        (("agreement", "scope", "end"), "2026-11-22T08:00:00Z", "not started or has ended"),
        (("agreement", "parties"), [], "an agreement between others"),
        (("agreement", "red_lines_acknowledged"), False, "red lines that nobody acknowledged"),
        (("agreement", "purposes"), [], "an empty list of purposes permits"),
        (("agreement", "data"), [], "an empty list of data permits"),
        (("agreement", "legal_bases", 0, "evidence"), [], "a basis without all its evidence"),
        (("agreement", "legal_bases", 0, "valid_until"), "2026-01-01T00:00:00Z", "a basis without"),
        (("agreement", "data", 0, "fields"), ["record_id"], "a field that the agreement does not"),
        (("agreement", "data", 0, "forms"), {"name": "drop"}, "looser than the agreement's"),
        (("agreement", "data", 0, "max_form"), "rec", "looser than the record's form allows"),
        (("agreement", "retention"), [], "without a retention period"),
        (("classes", 0, "fields"), ["record_id"], "a field that nobody asked for"),
        (("classes", 0, "facts", "consent_status"), "withdrawn", "consent bars"),
        (("classes", 0, "facts", "objected"), True, "an objection or an end"),
        (("classes", 0, "facts", "unheard_of"), 1, "a fact that nobody knows"),
        (("classes", 0, "facts", "consent_purposes"), ["hum.rights"], "for other purposes"),
        (("classes", 0, "facts", "consent_recipients"), [], "for other recipients"),
        (("classes", 0, "facts", "case_kind"), "gbv", "a duty of secrecy"),
        (("classes", 0, "facts", "origin_purpose"), "hum.health.care", "a further use"),
        (("classes", 0, "facts", "sensitivity"), "severe", "sensitive records without"),
        (("context", "above_volume"), ["person"], "more records than the agreement"),
        (("context", "sensitivity"), {"person": "odd"}, "a sensitivity that nobody knows"),
        (("recipient", "kind"), "public", "people are published"),
    ],
)  # fmt: skip
def test_the_oracle_bites(engine, path, to, problem):
    """An answer that was right for one question is wrong for another."""
    document = sample()
    _, said = decided(engine, document)
    assert said.verdict == "allow"

    found = problems(changed(document, *path, to=to), said, tables())

    assert any(one.startswith(problem) or problem in one for one in found), found


def test_the_oracle_misses_decisions_that_nobody_made(engine):
    document = sample()
    _, said = decided(engine, document)
    vital = replace(said, border=replace(said.border, destination="dest.vital"))
    made = {
        "decision": "human.one:dest.vital",
        "by": ["legal"],
        "valid_until": "2027-01-01T00:00:00Z",
    }
    late = {**made, "at": "2026-11-22T08:00:01Z"}
    own = {**made, "officers": ["officer:a"], "requested_by": "officer:a"}

    for stands in ([], [late], [own], [{**made, "by": ["visitor"]}], [{**made, "officers": []}]):
        asked = changed(document, "context", "decisions", to=stands)
        assert problems(asked, vital, tables()) == ["dest: nobody decided"]
    asked = changed(document, "context", "decisions", to=[made])
    assert problems(asked, vital, tables()) == []


def test_the_oracle_sees_an_answer_that_contradicts_itself(engine):
    document = sample()
    _, said = decided(engine, document)
    objection = (Objection("local.x", "No."),)
    first = said.classes[0]

    for wrong in (
        replace(said, objections=objection),
        replace(said, verdict="pending"),
        replace(said, classes=(replace(first, verdict="refuse"), *said.classes[1:])),
        replace(said, classes=(replace(first, objections=objection), *said.classes[1:])),
        replace(said, classes=()),
        replace(said, classes=(replace(first, fields={"extension": FieldForm("keep")}),)),
        replace(said, classes=(replace(first, fields={"birth_date": FieldForm("keep")}),)),
        replace(said, classes=(replace(first, fields={"name": FieldForm("admin1")}),)),
    ):
        assert problems(document, wrong, tables()), wrong


def test_less_in_a_question_is_found_and_never_helps(engine, answers):
    tried = 0
    for one, question, said in answers[:80]:
        if not said or said.verdict != "refuse":
            continue
        less = poorer(question.document, random.Random(one.seed))
        if less is None or "question.malformed" in [o.rule for o in said.objections]:
            continue
        tried += 1
        assert json.dumps(less) != json.dumps(question.document)
        assert not improved(said.verdict, decided(engine, less)[1].verdict), one.seed
    assert tried > 12
    assert poorer({"request": {}}, random.Random(1)) is None
    assert improved("refuse", "allow")
    assert not improved("pending", "allow")


def test_a_finding_is_made_small():
    document = {"a": {"b": [1, 2, {"c": 3}], "d": "x"}, "e": [4]}

    found = smaller(document, lambda less: "c" in json.dumps(less))

    assert found == {"a": {"b": [{"c": 3}]}}


def test_two_answers_are_compared_to_the_last_value(engine):
    question, said = decided(engine, sample())
    failed = PolicyFailed("no", rule="policy.evaluation")
    first = said.classes[0]
    fact = replace(first, facts={**first.facts, "expired": 0})
    other = replace(said, classes=(fact, *said.classes[1:]))

    assert compared(question, said, replace(said, engine="opa")) == []
    assert compared(question, failed, failed) == []
    assert compared(question, said, failed) == ["one engine answers, the other fails"]
    assert compared(question, said, other) == ["the engines differ"]
    assert spelled(said) != spelled(replace(said, max_form="agg"))


def test_what_spoke_is_counted_once_for_each_question(engine):
    tally, other = Tally(), Tally(asked=1, found=[{}])
    counted(decided(engine, sample("withdrawn"))[1], tally)
    counted(decided(engine, sample("special_category"))[1], tally)
    counted(PolicyFailed("no", rule="policy.evaluation"), tally)
    tally.add(other)

    assert tally.verdicts["error (policy.evaluation)"] == 1
    assert tally.verdicts["refuse"] == tally.verdicts["pending"] == 1
    assert tally.rules["records.none_releasable"] == tally.rules["consent.withdrawn"] == 1
    assert any(name.startswith("human.dpo:special_category") for name in tally.rules)
    assert (tally.asked, tally.found) == (1, [{}])


def test_an_operator_s_policy_that_widens_would_be_found(engine):
    _, said = decided(engine, sample())
    first, rest = said.classes[0], said.classes[1:]
    dropped = {name: FieldForm("drop", "local") for name in first.fields}
    narrow = replace(said, classes=(replace(first, fields=dropped), *rest))
    year = {**first.fields, "birth_date": FieldForm("keep")}

    assert wider(said, said) == wider(said, narrow) == ""
    assert wider(said, PolicyFailed("no", rule="policy.answer")) == ""
    assert "better verdict" in wider(replace(said, verdict="refuse"), said)
    assert "releases a field" in wider(narrow, said)
    assert "loosens a form" in wider(
        said, replace(said, classes=(replace(first, fields=year), *rest))
    )
    assert "changed the classes" in wider(said, replace(said, classes=()))
    assert strictness(tables(), "person", "unheard_of", "keep") == 1000


def test_operators_policies_are_the_same_for_the_same_seed_and_of_many_kinds():
    made = list(local_policies("tests", 60))

    assert made == list(local_policies("tests", 60))
    assert all(text.startswith("package local\n") for text in made)
    assert len(set(made)) == 60


@needs_opa
def test_the_trial_runs_and_finds_nothing(tmp_path, capsys):
    found = tmp_path / "found.json"
    arguments = ["--seed", "7", "--count", "60", "--local", "4", "--jobs", "1"]

    left = fuzzing.main([*arguments, "--found", str(found)])

    told = capsys.readouterr().out
    assert (left, found.exists()) == (0, False), told
    assert "60 questions of seed 7 on both engines" in told
    assert "4 policies of an operator" in told
    assert "both engines agree" in told


@needs_opa
def test_a_rule_that_lets_an_operator_widen_is_found(bundle, monkeypatch):
    policies = dict(bundle.policies)
    name, guard = "exchange/minimize.rego", "narrowed(record_type, held, object.get(local_narrow,"
    assert guard in policies[name]
    policies[name] = policies[name].replace(guard, "object.union(held, object.get(local_narrow,")
    broken = Bundle(tuple(sorted(policies.items())), bundle.data)
    monkeypatch.setattr(fuzz_local, "read_bundle", lambda _: broken)
    text = "package local\n\nnarrow := {t: {f: `keep` | some f, _ in fields} | "
    text += "some t, fields in data.taxonomy.fields}\n"
    monkeypatch.setattr(fuzz_local, "local_policies", lambda *_: [text])

    tally = fuzz_local.tried_locally(("tests", 1))

    assert [one["policy"] for one in tally.found] == [text]
    assert tally.found[0]["problem"].startswith("an operator's policy")
    assert tally.found[0]["question"]["classes"]


@needs_opa
def test_engines_that_differ_are_found_and_written_down(tmp_path, bundle, monkeypatch, capsys):
    """OPA answers from the shipped policies, the embedded engine from others."""
    own = dict(bundle.policies)
    name = "exchange/retention.rego"
    assert '"retention.passed"' in own[name]
    own[name] = own[name].replace("== true", "== false")
    emptied = json.dumps(json.loads(bundle.data) | {"samples": {}}).encode()
    other = Bundle(tuple(sorted(own.items())), emptied)
    monkeypatch.setattr(Bundle, "unpacked", lambda _: other)
    monkeypatch.setattr(Bundle, "revision", bundle.revision)
    found = tmp_path / "found.json"

    left = fuzzing.main(["--count", "250", "--local", "0", "--jobs", "1", "--found", str(found)])

    written = json.loads(found.read_text())
    assert left == 1
    assert written["problem"] == "the engines differ"
    assert len(json.dumps(written["question"])) < 4000
    assert "FOUND: the engines differ" in capsys.readouterr().out


def test_work_is_spread_over_processes():
    assert sorted(fuzzing._spread(abs, [-1, 2], 2)) == [1, 2]
    assert list(fuzzing._spread(abs, [-1, 2], 1)) == [1, 2]


def test_without_opa_nothing_is_tried(bundle, monkeypatch):
    monkeypatch.setenv("PATH", "")

    with pytest.raises(OfficerError) as refused, serving(bundle):
        pass

    assert refused.value.rule == "policy.no_opa"
