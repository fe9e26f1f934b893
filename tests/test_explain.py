"""Every answer names its rules, facts and what would change it; and the table of rules is whole."""

import json
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from gateway.policy.bundle import read as read_bundle
from gateway.policy.decision import Decision, Limits
from gateway.policy.evaluation import ask, built
from gateway.policy.explain import AXES, NO_ONE, Explanation, explain
from gateway.policy.facts import Fact, Question, facts_of
from gateway.policy.metadata import metadata_of
from gateway.policy.question import Question as Asked
from gateway.show_reasons import told_lines

POLICIES = Path(__file__).resolve().parent.parent / "policies"
BUNDLE = read_bundle(POLICIES)
TABLES = orjson.loads(BUNDLE.data)["taxonomy"]
SAMPLES = {sample.name: sample for sample in BUNDLE.samples}
RULES = {path.stem: path.read_text() for path in sorted((POLICIES / "exchange").glob("*.rego"))
         if not path.name.endswith("_test.rego")}  # fmt: skip


@pytest.fixture(scope="module")
def engine():
    return built(BUNDLE)


def answered(engine, question: Asked) -> tuple[Decision, Explanation]:
    decision = ask(engine, question, BUNDLE.revision)
    return decision, explain(decision, question.document, TABLES)


def changed(name: str, *path: str | int, to: object = None) -> Asked:
    """A sample with one place changed, or without it."""
    document = SAMPLES[name].question.document
    place = document
    for step in path[:-1]:
        place = place[step]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return Asked.of(document)


# The table of rules


def test_each_rule_a_policy_can_raise_is_explained_exactly_once():
    named = [rule for text in RULES.values() for block in metadata_of("", text)
             for rule in block.rules if not rule.endswith(".*")]  # fmt: skip
    family = [*TABLES["red_lines"], "red.unknown"]
    listed = [rule for file in TABLES["rules"].values() for rule in file.get("objections", {})]

    assert sorted(listed) == sorted({*named, *family})
    assert set(listed) == TABLES["fixes"].keys()


@pytest.mark.parametrize("stem", RULES)
def test_titles_and_sources_are_those_of_the_metadata(stem):
    blocks = [block for block in metadata_of(stem, RULES[stem]) if not block.of_package]
    entry = TABLES["rules"].get(stem)
    if entry is None:
        assert not any(block.rules for block in blocks)
        assert "needed contains" not in RULES[stem]
        return
    assert entry["title"] == blocks[0].title
    assert entry["source"] == "; ".join(one for block in blocks for one in block.sources)
    assert entry["axis"] in AXES
    literal = {rule for block in blocks for rule in block.rules if not rule.endswith(".*")}
    assert literal <= entry.get("objections", {}).keys()


def test_every_reason_obligation_and_destination_of_the_policies_is_explained():
    texts = "\n".join(RULES.values())
    reasons = {answer["reason"] for answer in TABLES["answers"].values() if "reason" in answer}
    lines = [line for line in texts.split("\n") if line.startswith("obligations contains")]
    quoted = [line.split('"')[1].partition(":")[0] for line in lines]
    destinations = {f"dest.{part.split(chr(34))[0]}" for part in texts.split('"dest.')[1:]}

    assert reasons | {"released"} == TABLES["explained"]["reasons"].keys()
    assert set(quoted) == TABLES["explained"]["obligations"].keys()
    assert destinations == TABLES["explained"]["destinations"].keys()
    assert {"human:dpo", "human:one", "human:two"} == TABLES["explained"]["people"].keys()


def test_every_fact_of_the_tables_is_there():
    document = SAMPLES["registration"].question.document
    paths = {path for file in TABLES["rules"].values() for kind in ("objections", "decisions")
             for facts in file.get(kind, {}).values() for path in facts}  # fmt: skip
    known = Question(document, TABLES)

    assert [path for path in sorted(paths)
            if path.startswith("taxonomy.") and "[" not in path
            and not known.found(path)] == []  # fmt: skip
    roots = {path.split(".")[0].split("[")[0] for path in paths}
    assert roots <= document.keys() | {"taxonomy"}


# The explanation


@pytest.mark.parametrize("name", SAMPLES)
def test_every_objection_hold_and_field_has_a_reason(engine, name):
    decision, explanation = answered(engine, SAMPLES[name].question)
    document = json.loads(json.dumps(explanation.document()))

    assert document["verdict"] == SAMPLES[name].verdict
    assert [one["rule"] for one in document["objections"]] == list(SAMPLES[name].rules)
    held = [one.decision for one in decision.pending]
    assert [one["rule"] for one in document["holds"]][: len(held)] == held
    assert len(document["holds"]) == len(held) + len(decision.assess)
    assert len(document["obligations"]) == len(decision.obligations)
    reasons = [*document["objections"], *document["holds"], document["border"]]
    for one, decided in zip(document["classes"], decision.classes, strict=True):
        reasons += one["objections"]
        fields = [field for group in one["fields"] for field in group["fields"]]
        assert sorted(fields) == sorted(decided.fields)
        for group in one["fields"]:
            reasons.append(group)
            for field in group["fields"]:
                assert decided.fields[field].form == group["form"]
                assert decided.fields[field].released == group["released"]
                if not group["released"]:
                    assert decided.fields[field].reason == group["rule"]
    for reason in [*reasons, *document["obligations"]]:
        assert reason["title"] not in ("", NO_ONE), reason["rule"]
        assert reason["axis"] in AXES
    for objection in document["objections"]:
        assert objection["fix"] == TABLES["fixes"][objection["rule"]]


def test_the_fact_used_stands_as_it_is_in_the_question(engine):
    question = changed("registration", "agreement", "scope", "end", to="2026-02-01T00:00:00Z")

    _, explanation = answered(engine, question)

    found = next(one for one in explanation.objections if one.rule == "agreement.expired")
    assert Fact("agreement.scope.end", "2026-02-01T00:00:00Z") in found.facts
    assert Fact("context.now", question.now) in found.facts
    assert found.fix == TABLES["fixes"]["agreement.expired"]
    assert "Handbook" in found.source
    assert "agreement.expired" in explanation.axes["legal"]


def test_the_fact_missing_is_named(engine):
    question = changed("registration", "agreement", "scope", "end")

    _, explanation = answered(engine, question)

    found = next(one for one in explanation.objections if one.rule == "agreement.expired")
    assert found.missing == ("agreement.scope.end",)


def test_evidence_is_shown_beside_what_is_asked_for(engine):
    question = changed("registration", "agreement", "legal_bases", 0, "evidence", to=["necessity"])

    _, explanation = answered(engine, question)

    found = next(one for one in explanation.objections if one.rule == "basis.evidence_missing")
    facts = {fact.path: fact.value for fact in found.facts}
    assert facts["agreement.legal_bases[].evidence"] == ["necessity"]
    assert "mandate_ref" in facts["taxonomy.bases[request.legal_basis].evidence"]


def test_a_class_is_explained_by_its_own_facts(engine):
    _, explanation = answered(engine, SAMPLES["withdrawn"].question)

    told = [(one.facts, {reason.rule: reason.facts for reason in one.objections})
            for one in explanation.classes]  # fmt: skip
    facts, reasons = next(one for one in told if "consent.withdrawn" in one[1])
    assert facts["consent_status"] == "withdrawn"
    assert reasons["consent.withdrawn"] == (Fact("classes[].facts.consent_status", "withdrawn"),)


def test_forty_fields_with_one_reason_are_one_line(engine):
    document = SAMPLES["registration"].question.document
    document["classes"][0]["fields"] = [f"field_{number}" for number in range(40)] + ["name"]

    _, explanation = answered(engine, Asked.of(document))

    sizes = [len(group.names) for group in explanation.classes[0].fields]
    assert sorted(sizes) == [1, 40]


def test_who_narrowed_a_field_is_said(engine):
    _, explanation = answered(engine, SAMPLES["registration"].question)

    narrowed = {name: group.set_by for one in explanation.classes for group in one.fields
                for name in group.names if group.released and group.form != "keep"}  # fmt: skip
    assert narrowed["birth_date"][:1] in (("purpose",), ("agreement",))
    assert all(narrowed.values())


def test_a_decision_of_a_family_is_explained_by_its_family(engine):
    _, explanation = answered(engine, SAMPLES["special_category"].question)

    held = next(one for one in explanation.holds if ":special_category." in one.rule)
    assert held.title == TABLES["rules"]["special_category"]["title"]
    assert held.fix == TABLES["explained"]["people"]["human:dpo"]["title"]


def test_a_bundle_without_a_table_of_rules_still_says_what_was_decided(engine):
    question = SAMPLES["no_agreement"].question
    decision = ask(engine, question, BUNDLE.revision)

    explanation = explain(decision, question.document, {})

    assert [one.rule for one in explanation.objections] == list(SAMPLES["no_agreement"].rules)
    assert {one.title for one in explanation.objections} == {NO_ONE}


def test_risk_still_to_be_measured_is_a_hold(engine):
    question = SAMPLES["registration"].question
    decision = replace(
        ask(engine, question, BUNDLE.revision), assess=("person",), verdict="pending"
    )

    explanation = explain(decision, question.document, TABLES)

    assert explanation.holds[-1].rule == "assess:person"
    assert "person" in explanation.holds[-1].title


# Facts


def test_paths():
    document = {
        "request": {"legal_basis": "lb.vital"},
        "agreement": {
            "legal_bases": [{"basis": "lb.vital", "x": 1}, {"basis": "lb.legal", "x": 2}],
            "data": [{"record_type": "a", "f": ["p", "q"]}, {"record_type": "b", "f": ["q"]}],
            "plain": [1, 2, 2],
        },
        "classes": [{"record_type": "a", "facts": {"k": 1}}, {"record_type": "b", "facts": {}}],
    }
    question = Question(document, {"t": {"lb.vital": {"e": []}}})

    def found(path, at=None):
        return facts_of(question, [path], at)

    assert found("agreement.legal_bases[].x") == ((Fact("agreement.legal_bases[].x", [1]),), ())
    assert found("agreement.legal_bases[].basis")[0][0].value == ["lb.vital", "lb.legal"]
    assert found("agreement.data[].f")[0][0].value == ["p", "q"]
    assert found("agreement.data[].f", 1)[0][0].value == ["q"]
    assert found("agreement.plain[]")[0][0].value == [1, 2]
    assert found("classes[].facts.k", 0)[0][0].value == 1
    assert found("classes[].facts.k", 1) == ((), ("classes[].facts.k",))
    assert found("classes[].record_type")[0][0].value == ["a", "b"]
    assert found("taxonomy.t[request.legal_basis].e")[0][0].value == []
    assert found("taxonomy.t[request.nothing].e")[1] == ("taxonomy.t[request.nothing].e",)
    assert found("agreement.plain.x")[1] == ("agreement.plain.x",)


# Words


@pytest.mark.parametrize("name", SAMPLES)
def test_words_fit_a_terminal_and_say_everything(engine, name):
    decision, explanation = answered(engine, SAMPLES[name].question)
    lines = list(told_lines(explanation))
    text = " ".join(" ".join(lines).split())

    assert [line for line in lines if len(line) > 80 and not line.startswith("bundle ")] == []
    assert (
        lines[0].split()[0]
        == {"allow": "ALLOWED", "pending": "HELD", "refuse": "REFUSED"}[decision.verdict]
    )
    for objection in decision.objections:
        assert objection.rule in text
        assert " ".join(objection.fix.split()) in text
    for one in decision.classes:
        assert [field for field in one.fields if field not in text] == []


def test_limits_of_figures_are_told(engine):
    question = SAMPLES["figures"].question
    decision = ask(engine, question, BUNDLE.revision)
    limited = tuple(replace(one, limits=Limits(10, 0)) for one in decision.classes)

    explanation = explain(replace(decision, classes=limited), question.document, TABLES)

    assert any(line.split() == ["limits", "k", "10"] for line in told_lines(explanation))
