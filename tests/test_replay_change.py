"""What differs between two answers, and which of it counts as widening."""

from dataclasses import replace

import pytest

from gateway.policy import (
    Border,
    Bundle,
    ClassDecision,
    Decision,
    FieldForm,
    Limits,
    Objection,
    Pending,
    Question,
)
from gateway.replay_change import Change, Strictness, changes, unanswered
from tests.replayed import bundle

QUESTION = Question.of({"context": {"now": "2026-01-01T00:00:00Z"}})
PERSON = ClassDecision(
    "person",
    {},
    "allow",
    (),
    {"birth_date": FieldForm("year"), "sex": FieldForm("drop", "purpose")},
    Limits(10, 5000),
)
ALLOW = Decision(
    verdict="allow",
    objections=(),
    pending=(),
    assess=(),
    classes=(PERSON,),
    obligations=("acknowledge", "delete_within_days:90"),
    border=Border(True, "dest.safeguards", "own_clauses"),
    max_form="ps",
    valid_until="",
    engine="embedded",
    revision="sha256:" + "0" * 64,
    asked=QUESTION,
)
NOTHING = {"birth_date": FieldForm("drop", "objection"), "sex": FieldForm("drop", "purpose")}
REFUSE = replace(
    ALLOW,
    verdict="refuse",
    objections=(Objection("agreement.expired", "Renew."),),
    classes=(replace(PERSON, fields=NOTHING),),
    obligations=(),
)
HELD = replace(ALLOW, verdict="pending", pending=(Pending("human.dpo:archive", "human:dpo"),))


def person(**parts) -> Decision:
    return replace(ALLOW, classes=(replace(PERSON, **parts),))


def fields(**forms: str) -> Decision:
    held = {
        name: FieldForm(form, "purpose" if form == "drop" else "") for name, form in forms.items()
    }
    return person(fields={**PERSON.fields, **held})


def bound(*obligations: str) -> Decision:
    return replace(ALLOW, obligations=obligations)


def border(crosses: bool, destination: str, instrument: str) -> Decision:
    return replace(ALLOW, border=Border(crosses, destination, instrument))


@pytest.fixture(scope="module")
def strictness(tmp_path_factory) -> Strictness:
    return Strictness(bundle(tmp_path_factory.mktemp("p")), bundle(tmp_path_factory.mktemp("q")))


def test_the_same_answer_differs_in_nothing(strictness):
    assert (
        changes(ALLOW, replace(ALLOW, engine="opa", valid_until="2027-01-01T00:00:00Z"), strictness)
        == ()
    )


@pytest.mark.parametrize(
    ("before", "after", "kind", "wider"),
    [
        (ALLOW, REFUSE, "transfer.lost", False),
        (REFUSE, ALLOW, "transfer.gained", True),
        (ALLOW, HELD, "transfer.held", False),
        (REFUSE, HELD, "transfer.held", True),
        (HELD, ALLOW, "transfer.gained", True),
        (HELD, REFUSE, "transfer.lost", False),
    ],
)
def test_a_verdict_that_asks_for_less_widens(strictness, before, after, kind, wider):
    [told] = [one for one in changes(before, after, strictness) if one.kind.startswith("transfer")]

    assert told == Change(kind, "", before.verdict, after.verdict, wider)
    assert any(one.widens for one in changes(before, after, strictness)) == wider


SAFE = "dest.safeguards/own_clauses"
DAYS = "delete_within_days"


@pytest.mark.parametrize(
    ("after", "kind", "name", "before", "now", "wider"),
    [
        (fields(sex="keep"), "field.gained", "person.sex", "drop", "keep", True),
        (fields(birth_date="drop"), "field.lost", "person.birth_date", "year", "drop", False),
        (
            fields(birth_date="age_band"),
            *("field.narrowed", "person.birth_date", "year", "age_band", False),
        ),
        (fields(birth_date="keep"), "field.widened", "person.birth_date", "year", "keep", True),
        # No family knows this form: nobody can say that it is stricter.
        (fields(birth_date="blur"), "field.widened", "person.birth_date", "year", "blur", True),
        (person(limits=Limits(5, 5000)), "limit.widened", "person.k", "10", "5", True),
        (
            person(limits=Limits(10, 9000)),
            *("limit.narrowed", "person.min_pop", "5000", "9000", False),
        ),
        (replace(ALLOW, max_form="id"), "form.widened", "max_form", "ps", "id", True),
        (replace(ALLOW, max_form="rec"), "form.narrowed", "max_form", "ps", "rec", False),
        (bound(f"{DAYS}:90"), "obligation.lost", "acknowledge", "", "", True),
        (bound("acknowledge", f"{DAYS}:90", "seal"), "obligation.gained", "seal", "", "", False),
        (bound("acknowledge", f"{DAYS}:91"), "obligation.widened", DAYS, "90", "91", True),
        (bound("acknowledge", f"{DAYS}:9"), "obligation.narrowed", DAYS, "90", "9", False),
        (border(False, "dest.same", ""), "border.changed", "", SAFE, "dest.same", True),
        (
            border(True, "dest.adequate", "adequacy"),
            *("border.changed", "", SAFE, "dest.adequate/adequacy", False),
        ),
    ],
)
def test_one_thing_that_differs(strictness, after, kind, name, before, now, wider):
    assert changes(ALLOW, after, strictness) == (Change(kind, name, before, now, wider),)


def test_a_form_is_looser_if_one_of_the_bundles_says_so(tmp_path):
    turned = {"birth": {"keep": 0, "year": 40, "age_band": 30, "drop": 100}}
    strict = Strictness(bundle(tmp_path / "a"), bundle(tmp_path / "b", families=turned))

    [told] = changes(ALLOW, fields(birth_date="age_band"), strict)
    assert (told.kind, told.widens) == ("field.widened", True)


def test_a_decision_nobody_has_to_make_any_more_widens(strictness):
    two = replace(HELD, pending=(*HELD.pending, Pending("human.two:basis", "human:two")))
    measured = replace(HELD, assess=("person",))
    easier = replace(HELD, pending=(Pending("human.dpo:archive", "human:one"),))

    assert changes(two, HELD, strictness) == (
        Change("decision.lost", "human.two:basis", "human:two", "", True),
    )
    assert changes(HELD, two, strictness) == (
        Change("decision.gained", "human.two:basis", "", "human:two", False),
    )
    assert changes(measured, HELD, strictness) == (
        Change("decision.lost", "assess:person", "gateway", "", True),
    )
    assert changes(HELD, easier, strictness) == (
        Change("decision.changed", "human.dpo:archive", "human:dpo", "human:one", True),
    )


def test_records_that_no_rule_keeps_back_any_more(strictness):
    kept = person(verdict="refuse", objections=(Objection("consent.refused", ""),), fields=NOTHING)

    kinds = {(one.kind, one.name, one.widens) for one in changes(kept, ALLOW, strictness)}
    assert kinds == {
        ("class.gained", "person", True),
        ("field.gained", "person.birth_date", True),
        ("rule.lost", "consent.refused", False),
    }
    back = {(one.kind, one.widens) for one in changes(ALLOW, kept, strictness)}
    assert back == {("class.lost", False), ("field.lost", False), ("rule.gained", False)}


def test_what_leaves_nothing_does_not_widen(strictness):
    """Another rule refuses, and the answer says other things: still nothing leaves."""
    other = replace(
        REFUSE,
        objections=(Objection("purpose.unknown", ""),),
        border=Border(False, "dest.same", ""),
        max_form="id",
    )

    assert not any(one.widens for one in changes(REFUSE, other, strictness))
    assert {one.kind for one in changes(REFUSE, other, strictness)} == {
        "rule.gained", "rule.lost", "border.changed",
    }  # fmt: skip


def test_a_question_without_an_answer_is_a_refusal(strictness):
    broken = unanswered("policy.evaluation", QUESTION, engine="embedded", revision="sha256:1")

    assert broken.verdict == "refuse"
    told = changes(ALLOW, broken, strictness)
    assert Change("field.lost", "person.birth_date", "year", "drop", False) in told
    assert Change("rule.gained", "policy.evaluation", "", "", False) in told
    assert not any(one.widens for one in told)
    gained = changes(broken, ALLOW, strictness)
    assert Change("field.gained", "person.birth_date", "drop", "year", True) in gained


def test_a_bundle_without_tables_of_forms_makes_everything_looser():
    bare = Bundle((), b'{"samples":{},"taxonomy":{}}')

    [told] = changes(ALLOW, fields(birth_date="age_band"), Strictness(bare, bare))
    assert told.widens
