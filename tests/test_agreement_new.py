"""The questions before an agreement: their order, where each answer leads, and the draft."""

import io
import json

import pytest
from rich.console import Console

from gateway.agreement_check import findings
from gateway.agreement_draft import written
from gateway.agreement_form import Query, fits
from gateway.agreement_questions import interview
from gateway.agreement_standing import shipped_tables
from gateway.cli_agreement_new import Answers, asked_in, terminal
from gateway.document import parse_yaml
from gateway.errors import OfficerError
from tests.signed_world import ANSWERS, NOW, RECIPIENT, SENDER, answering, made

OFFICE = "org:coordination-office"


@pytest.fixture(scope="module")
def held(prepared, tmp_path_factory):
    return made(prepared[0], tmp_path_factory.mktemp("new") / "demo").deployment


@pytest.fixture(scope="module")
def tables():
    return shipped_tables()


@pytest.fixture
def ask(held, tables):
    def asks(answers=None, *, emergency=False, without=()):
        said = {**ANSWERS, **(answers or {})}
        for key in without:
            del said[key]
        return interview(answering(said), held, tables, NOW, emergency=emergency)

    return asks


def clean(document, held, tables):
    text = written(document, at="draft.yaml")
    assert parse_yaml(text.encode(), at="x") == document
    return [one.rule for one in findings(document, held, tables, NOW)] == []


def test_the_draft_is_clean_commented_and_a_draft(ask, held, tables):
    document = ask()

    assert clean(document, held, tables)
    assert (document["state"], document["version"], document["kind"]) == ("draft", "1", "bilateral")
    text = written(document, at="draft.yaml")
    assert "# How long the recipient may keep it." in text
    assert "  countries: [SO]\n" in text


def test_every_question_says_why(held, tables):
    asked = []

    def ask(query):
        asked.append(query)
        return answering(ANSWERS)(query)

    interview(ask, held, tables, NOW, emergency=False)

    assert all(len(query.why) > 15 and query.text for query in asked)
    keys = [query.key for query in asked]
    assert len(keys) == len(set(keys))
    order = ["parties", "kind", "crisis", "countries", "end", "purposes", "record_types"]
    order += [f"instrument/{RECIPIENT}", "dpia", "onward", "told", "rights_contact", "red_lines"]
    assert [key for key in keys if key in order] == order
    lines = asked[-1].text
    assert all(one["text"] in lines for one in tables["red_lines"].values())


@pytest.mark.parametrize(
    ("walk", "basis"),
    [
        ({"could_refuse": "yes", "informed": "yes", "recorded": "yes"}, "lb.consent"),
        (
            {"could_refuse": "yes", "informed": "yes", "recorded": "no", "at_risk": "yes"},
            "lb.vital",
        ),
        ({"could_refuse": "yes", "informed": "no", "at_risk": "yes"}, "lb.vital"),
        ({"could_refuse": "no", "at_risk": "yes"}, "lb.vital"),
        ({"could_refuse": "no", "at_risk": "no", "laid_down": "yes"}, "lb.public"),
        (
            {"could_refuse": "no", "at_risk": "no", "laid_down": "no", "outweighs": "yes"},
            "lb.legitimate",
        ),
    ],
)  # fmt: skip
def test_the_walk_to_a_legal_basis(ask, held, tables, walk, basis):
    steps = {f"{step}/hum.health.care": said for step, said in walk.items()}
    names = tables["bases"][basis]["evidence"]
    evidence = {f"{basis}/{name}": "shown" for name in names}

    document = ask({**steps, **evidence})

    [grant], [held_basis] = document["purposes"], document["legal_bases"]
    assert (grant["legal_basis"], held_basis["basis"]) == (basis, basis)
    assert held_basis["evidence"].keys() == {*names}
    said = ", ".join(f"{step} {answer}" for step, answer in walk.items())
    assert grant["necessity"].endswith(f"(Asked: {said}. Answered by officer:dpo-1, {NOW}.)")
    days = "2027-02-22" if basis == "lb.vital" else "2027-11-22"
    assert held_basis["valid_until"].startswith(days)
    assert clean(document, held, tables)


def test_without_a_basis_it_must_not_be_done(ask):
    walk = {"could_refuse": "no", "at_risk": "no", "laid_down": "no", "outweighs": "no"}

    with pytest.raises(OfficerError) as caught:
        ask({f"{step}/hum.health.care": said for step, said in walk.items()})
    assert caught.value.rule == "basis.none"


def test_an_emergency_asks_less_and_ends_in_thirty_days(ask, held, tables):
    document = ask(emergency=True, without=["could_refuse/hum.health.care", "dpia", "dpia_outcome"])

    assert document["kind"] == "emergency_interim"
    scope = document["scope"]
    assert (scope["start"], scope["end"]) == ("2026-11-22T00:00:00Z", "2026-12-22T00:00:00Z")
    assert document["legal_bases"][0]["valid_until"] == scope["end"]
    assert document["retention"][0]["days"] == 30
    assert "dpia" not in document["safeguards"]
    assert clean(document, held, tables)
    longer = ask({"end": "2026-12-23"}, emergency=True)
    assert [one.rule for one in findings(longer, held, tables, NOW)] == ["agreement.interim"]


def test_several_parties_purposes_and_directions(ask, held, tables):
    document = ask(
        {
            "parties": f"{SENDER},{RECIPIENT},{OFFICE}",
            f"contact_24h/{OFFICE}": "desk",
            "purposes": "hum.health.care,hum.coord.needs",
            "necessity/hum.coord.needs": "Help goes twice to one place otherwise.",
            "from/hum.coord.needs": RECIPIENT,
            "to/hum.coord.needs": OFFICE,
            "could_refuse/hum.coord.needs": "no",
            "at_risk/hum.coord.needs": "no",
            "laid_down/hum.coord.needs": "yes",
            "lb.public/mandate_ref": "terms of reference",
            "lb.public/necessity": "no other source",
            "record_types": "person, needs",
            f"instrument/{OFFICE}": "admin_arrangement",
            f"instrument_ref/{OFFICE}": "annex 3",
            "onward": OFFICE,
            "origin_countries": "ET,ER",
        }
    )

    assert document["kind"] == "multilateral"
    assert [(one["from"], one["to"]) for one in document["purposes"]] == [
        (SENDER, RECIPIENT),
        (RECIPIENT, OFFICE),
    ]
    assert [one["max_form"] for one in document["data"]] == ["id", "id"]
    assert document["safeguards"]["transfer_instruments"] == [
        {"type": "own_clauses", "ref": "annex 2 of the agreement", "to": ["FR"]},
        {"type": "admin_arrangement", "ref": "annex 3", "to": ["io:coordination-office"]},
    ]
    assert document["onward"] == {"allowed": True, "recipients": [OFFICE]}
    assert document["scope"]["origin_countries"] == ["ET", "ER"]
    assert clean(document, held, tables)


def test_two_purposes_on_one_basis_show_its_evidence_once(ask, held, tables):
    document = ask(
        {
            "purposes": "hum.health.care,hum.health.emergency",
            "necessity/hum.health.emergency": "Seconds count.",
            "could_refuse/hum.health.emergency": "no",
            "at_risk/hum.health.emergency": "yes",
        }
    )

    assert [one["basis"] for one in document["legal_bases"]] == ["lb.vital"]
    assert len(document["safeguards"]["transfer_instruments"]) == 1
    assert clean(document, held, tables)


def test_figures_promise_no_notice_and_a_consolidation_asks_everybody(ask, held, tables):
    document = ask(
        {
            "kind": "consolidation",
            "purposes": "hum.stat.open",
            "necessity/hum.stat.open": "Others plan with it.",
            "could_refuse/hum.stat.open": "no",
            "at_risk/hum.stat.open": "no",
            "laid_down/hum.stat.open": "yes",
            "lb.public/mandate_ref": "terms of reference",
            "lb.public/necessity": "no other source",
            "record_types": "needs",
        },
        without=["told", "dpia"],
    )

    assert "notice" not in document
    assert document["publication"] == {"allowed": True}
    assert document["release_requires"] == {"all_contributors": True}
    assert clean(document, held, tables)


def test_people_who_were_not_told_are_a_finding(ask, held, tables):
    document = ask({"told": "no", "red_lines": "no"})

    rules = {one.rule for one in findings(document, held, tables, NOW)}
    assert rules == {"agreement.notice", "agreement.red_lines"}


@pytest.mark.parametrize(
    ("answers", "rule", "at"),
    [
        ({"parties": SENDER}, "answers.few", "parties"),
        ({"purposes": ""}, "answers.few", "purposes"),
        ({"start": "2026-02-30"}, "answers.form", "start"),
        ({"title": "two\x85lines"}, "answers.form", "draft.yaml"),
        ({"title": "a\ud800b"}, "document.form", "draft.yaml"),
    ],
)
def test_answers_that_make_no_agreement(ask, answers, rule, at):
    with pytest.raises(OfficerError) as caught:
        written(ask(answers), at="draft.yaml")
    assert (caught.value.rule, caught.value.at) == (rule, at)


@pytest.mark.parametrize(
    ("query", "answer", "fit"),
    [
        (Query("k", "t", "w"), "anything", True),
        (Query("k", "t", "w"), "", False),
        (Query("k", "t", "w", pattern="[0-9]+"), " 12 ", True),
        (Query("k", "t", "w", pattern="[0-9]+"), "12x", False),
        (Query("k", "t", "w", choices=("a", "b")), "a", True),
        (Query("k", "t", "w", choices=("a", "b")), "a,b", False),
        (Query("k", "t", "w", choices=("a", "b"), many=True), "a, b", True),
        (Query("k", "t", "w", choices=("a", "b"), many=True), "a,,b", False),
        (Query("k", "t", "w", pattern="[A-Z]{2}", many=True), "SO,KE", True),
        (Query("k", "t", "w", pattern="[A-Z]{2}", many=True), "SO,ke", False),
    ],
)
def test_what_fits_a_question(query, answer, fit):
    assert fits(query, answer) is fit


# -- from a file, and in a terminal ------------------------------------------------------------


@pytest.fixture
def answers(tmp_path):
    def of(said):
        path = tmp_path / "answers.yaml"
        path.write_text(said if isinstance(said, str) else json.dumps(said))
        return Answers(path)

    return of


def test_a_file_answers_like_a_person(answers, ask, held, tables):
    given = answers({**ANSWERS, "countries": ["SO"], "volume/person": 999})

    assert interview(given.ask, held, tables, NOW, emergency=False) == ask()
    given.check_used()


def test_an_answer_to_no_question_is_refused(answers, held, tables):
    given = answers({**ANSWERS, "tilte": "Canary"})
    interview(given.ask, held, tables, NOW, emergency=False)

    with pytest.raises(OfficerError) as caught:
        given.check_used()
    assert caught.value.rule == "answers.unknown"
    assert caught.value.at == f"answers.yaml, answer {len(ANSWERS) + 1}"


@pytest.mark.parametrize(
    ("change", "rule", "at"),
    [
        ({"purposes": "hum.magic"}, "answers.form", "answers.yaml, purposes"),
        ({"id": "clinics"}, "answers.form", "answers.yaml, id"),
        ({"told": "maybe"}, "answers.form", "answers.yaml, told"),
        ({"title": None}, "answers.missing", "answers.yaml, title"),
    ],
)
def test_an_answer_that_does_not_fit_is_named_and_not_quoted(
    answers, held, tables, change, rule, at
):
    given = answers({key: one for key, one in {**ANSWERS, **change}.items() if one is not None})

    with pytest.raises(OfficerError) as caught:
        interview(given.ask, held, tables, NOW, emergency=False)
    assert (caught.value.rule, caught.value.at) == (rule, at)
    assert "magic" not in str(caught.value)


def test_a_file_that_holds_no_answers(answers, tmp_path):
    with pytest.raises(OfficerError) as caught:
        answers("- a\n")
    assert caught.value.rule == "answers.form"
    with pytest.raises(OfficerError) as caught:
        Answers(tmp_path / "none.yaml")
    assert caught.value.rule == "answers.unreadable"


def test_a_terminal_asks_until_the_answer_fits(monkeypatch):
    console = Console(file=io.StringIO(), width=100)
    said = iter(["", "maybe", "yes", "12", ""])
    monkeypatch.setattr("builtins.input", lambda *_: next(said))
    ask = asked_in(console)

    assert ask(Query("k", "Is it?", "It matters.", choices=("yes", "no"))) == "yes"
    assert ask(Query("k", "How many?", "It counts.", pattern="[0-9]+")) == "12"
    assert ask(Query("k", "Where?", "It is.", "SO", many=True, labels={"SO": "Somalia"},
                     choices=("SO",))) == "SO"  # fmt: skip

    shown = console.file.getvalue()
    assert "It matters." in shown
    assert shown.count("That is none of the answers.") == 2
    assert "Somalia" in shown


def test_a_terminal_says_when_a_form_is_wrong(monkeypatch):
    console = Console(file=io.StringIO(), width=100)
    said = iter(["x", "1"])
    monkeypatch.setattr("builtins.input", lambda *_: next(said))

    assert asked_in(console)(Query("k", "How many?", "It counts.", pattern="[0-9]+")) == "1"
    assert "has not the form" in console.file.getvalue()


def test_without_a_terminal_nobody_is_asked(monkeypatch):
    import typer

    with pytest.raises(typer.BadParameter, match="--answers"):
        terminal()
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert terminal().is_terminal
