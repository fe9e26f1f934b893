"""Drafts of mappings: what is sure is mapped, what is not is asked, and nothing is silent."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import openpyxl
import orjson
import pytest
import yaml
from typer.testing import CliRunner

from gateway.adapter import named, read
from gateway.cli import app
from gateway.errors import SenderError
from gateway.mapping import plan_of
from gateway.suggest import Draft, draft, read_questions
from gateway.suggest.match import Candidate, candidates
from gateway.suggest.question import Question, core, words

RUN = CliRunner()


def drafted(content: bytes, form: str, **options: object) -> Draft:
    questions = read_questions(io.BytesIO(content), form)
    return draft(questions, form, name="draft", authority="demo.example", **options)


def paths(document: dict) -> set[str]:
    """Every source path a draft says anything about."""
    text = json.dumps([document["records"]])
    asked = {one["source"] for one in document.get("open", ())}
    return asked | set(document.get("left", ())) | {path for path in ALL if f'"{path}"' in text}


SURVEY = [
    ("type", "name", "label::English (en)", "label::Français (fr)", "hxl"),
    ("start", "start", "", "", ""),
    ("note", "welcome", "Welcome", "", ""),
    ("begin_group", "home", "Home", "", ""),
    ("text", "camp_name", "Camp", "", ""),
    ("geopoint", "where", "GPS", "", ""),
    ("integer", "taille", "", "Taille du ménage", ""),
    ("text", "odd", "What a strange question", "", ""),
    ("end_group", "", "", "", ""),
    ("begin_repeat", "people", "People", "", ""),
    ("text", "n1", "First name", "Prénom", ""),
    ("text", "n2", "", "", "#beneficiary+name+family"),
    ("date", "dob", "Date of birth", "", ""),
    ("select_one sx", "sx", "Sex", "Sexe", ""),
    ("select_one rel", "rel", "Relationship to head of household", "", ""),
    ("select_one st", "status", "Marital status", "", ""),
    ("text", "phone", "Phone number", "", ""),
    ("text", "phone2", "Confirm phone number", "", ""),
    ("image", "photo", "Photo", "", ""),
    ("end_repeat", "", "", "", ""),
]
ALL = [
    "start", "home/camp_name", "home/where", "home/taille", "home/odd", "people/n1", "people/n2",
    "people/dob", "people/sx", "people/rel", "people/status", "people/phone", "people/phone2",
    "people/photo",
]  # fmt: skip
CHOICES = [
    ("list_name", "name", "label::English (en)"),
    ("sx", "1", "Male"),
    ("sx", "2", "Female"),
    ("sx", "98", "Prefer not to say"),
    ("rel", "h", "Head of household"),
    ("rel", "s", "Spouse"),
    ("st", "a", "Single"),
    ("st", "b", "It is complicated"),
]


def xlsform(survey: list = SURVEY, choices: list = CHOICES) -> bytes:
    book = openpyxl.Workbook()
    for title, rows in (("survey", survey), ("choices", choices)):
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    del book["Sheet"]
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_an_xlsform_of_people_becomes_a_household_and_its_members():
    document = drafted(xlsform(), "kobo").document

    household, person = document["records"]
    assert (household["type"], person["type"], person["each"]) == ("household", "person", "people")
    assert household["fields"] == {
        "place.name": "home/camp_name",
        "place.geo": {"from": "home/where", "as": "point", "order": "lat-lon"},
        "group_size": {"from": "home/taille", "as": "integer"},
        "group_head": {
            "member": "person",
            "each": "people",
            "when": {"from": "people/rel", "is": ["h"]},
        },
        "member_list[]": {
            "each": "people",
            "fields": {
                "member": {"member": "person"},
                "relationship_head": {
                    "from": "people/rel",
                    "as": "code",
                    "codes": {"h": "head", "s": "spouse"},
                    "list": "relationship",
                },
            },
        },
    }
    assert person["fields"] == {
        "name.given_name": "people/n1",
        "name.surname": "people/n2",
        "birth_date": {"from": "people/dob", "as": "date"},
        "sex": {
            "from": "people/sx",
            "as": "code",
            "codes": {"1": "male", "2": "female", "98": None},
            "missing": {"98": "withheld"},
        },
        "phone_number[]": ["people/phone"],
    }


def test_what_is_not_understood_is_asked_and_named():
    [asked] = drafted(xlsform(), "kobo").document["open"]

    assert asked["source"] == "people/status"
    assert asked["question"].endswith("Not understood: b")
    assert asked["candidates"][0] == "person.marital_status"


def test_every_question_is_mapped_asked_or_left():
    document = drafted(xlsform(), "kobo").document

    assert paths(document) == set(ALL)
    assert set(document["left"]) == {"start", "home/odd", "people/phone2", "people/photo"}


def test_every_line_says_how_sure_it_is_and_why():
    text = drafted(xlsform(), "kobo").text()

    lines = [line for line in text.splitlines() if line.startswith('      "')]
    assert all("  # high: " in line for line in lines if "member" not in line)
    assert '"name.surname": "people/n2"  # high: same hashtag' in text
    assert yaml.safe_load(text) == drafted(xlsform(), "kobo").document


def test_a_draft_with_a_question_is_not_used_and_settled_it_is(tmp_path: Path):
    document = drafted(xlsform(), "kobo").document
    path = tmp_path / "draft.yaml"
    path.write_text(drafted(xlsform(), "kobo").text())

    assert RUN.invoke(app, ["mapping", "check", str(path)]).exit_code == 1

    settled = settle(document)
    path.write_text(json.dumps(settled))
    assert RUN.invoke(app, ["mapping", "check", str(path)]).exit_code == 0
    plan = plan_of(settled, at="draft")
    submission = {
        "_uuid": "u-1",
        "home/taille": "4",
        "people": [{"people/n1": "Xaawo", "people/sx": "98", "people/rel": "h"}],
    }
    household, person = read(named("kobo"), orjson.dumps(submission), plan).records
    assert household["group_head"] == person["record_id"] == "demo.example/u-1.1"
    assert (person["name"], person["absent"]) == ({"given_name": "Xaawo"}, {"sex": "withheld"})


def settle(document: dict) -> dict:
    """What a person would do with the least effort: leave out whatever is asked."""
    settled = {key: value for key, value in document.items() if key != "open"}
    left = [*document.get("left", ()), *(one["source"] for one in document.get("open", ()))]
    return {**settled, "left": left, "version": "1"}


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (
            "cassette_asset_definition.json",
            {"birth_date", "sex", "name.given_name", "identifier[]", "phone_number[]"},
        ),
        (
            "hope_xlsform_template.xlsx",
            {"birth_date", "sex", "name.full_name", "marital_status", "identifier[]"},
        ),
    ],
)
def test_a_real_form_is_drafted_and_settled_reads_real_submissions(
    samples: Callable[[str], Path], form: str, expected: set
):
    document = drafted(samples(f"kobo/open/{form}").read_bytes(), "kobo").document

    household, person = document["records"]
    assert expected <= set(person["fields"])
    assert {"group_size", "group_head", "member_list[]"} <= set(household["fields"])
    plan = plan_of(settle(document), at="draft")
    if "cassette" in form:
        payload = samples("kobo/open/cassette_data_page_afg.json").read_bytes()
        parsed = read(named("kobo"), payload, plan)
        people = [one for one in parsed.records if one["record_type"] == "person"]
        assert len(people) >= 3
        assert all({"birth_date", "name", "sex"} <= one.keys() for one in people)


# -- other definitions ---------------------------------------------------------------------------


def test_a_table_is_drafted_from_its_header_and_no_other_row():
    content = "﻿Registration ID;Family name;Given name;Sex;Date of birth;Shoe size\n".encode()
    content += b"7;Secret;Amina;F;1989-04-17;37\n"

    document = drafted(content, "tabular").document

    [person] = document["records"]
    assert person["id"] == {"first": ["Registration ID"]}
    assert {"name.surname", "name.given_name", "birth_date"} <= set(person["fields"])
    assert document["left"] == ["Shoe size"]
    assert {one["source"] for one in document["open"]} == {"Sex", "Registration ID"}
    assert "Secret" not in json.dumps(document)


def test_one_sheet_of_a_workbook_is_named_and_the_mapping_says_so():
    content = xlsform([("First name", "Sex"), ("Secret", "F")], [("Village",), ("Camp",)])

    with pytest.raises(SenderError) as caught:
        read_questions(io.BytesIO(content), "tabular")
    questions = read_questions(io.BytesIO(content), "tabular", "survey")
    made = draft(questions, "tabular", name="d", authority="demo.example", sheet="survey")

    assert caught.value.rule == "table.several_sheets"
    assert made.document["table"] == yaml.safe_load(made.text())["table"] == {"sheet": "survey"}
    assert made.document["records"][0]["fields"] == {"name.given_name": "First name"}
    assert plan_of(settle(made.document), at="d").document["table"] == {"sheet": "survey"}


def test_hashtags_below_a_header_are_the_best_evidence():
    content = b"Pays,N\n#country+code+v_iso3,#beneficiary+name+family\nKEN,Secret\n"

    [person] = drafted(content, "tabular").document["records"]

    assert person["fields"] == {"place.location_code": "Pays", "name.surname": "N"}


def test_dhis2_metadata_is_drafted_by_uid_with_its_options():
    metadata = {
        "trackedEntityAttributes": [
            {"id": "aFn00000001", "name": "First name", "valueType": "TEXT"},
            {"id": "aSx00000001", "displayName": "Gender", "optionSet": {"id": "oSx"}},
            {"id": "aDb00000001", "shortName": "Date of birth", "valueType": "DATE"},
        ],
        "dataElements": [{"id": "dXx00000001", "name": "Malaria RDT", "valueType": "TRUE_ONLY"}],
        "optionSets": [{"id": "oSx", "options": [{"id": "o1"}, {"id": "o2"}]}],
        "options": [
            {"id": "o1", "code": "M", "name": "Male"},
            {"id": "o2", "code": "F", "name": "Female"},
        ],
    }

    document = drafted(orjson.dumps(metadata), "dhis2.tracker").document

    fields = document["records"][0]["fields"]
    assert fields["name.given_name"] == "attributes/aFn00000001"
    assert fields["sex"]["codes"] == {"M": "male", "F": "female"}
    assert fields["birth_date"]["as"] == "date"
    assert document["left"] == ["events/dataValues/dXx00000001"]


@pytest.mark.parametrize("key", ["objects", "cases"])
def test_commcare_cases_are_drafted_by_property_and_no_value_is_read(key):
    cases = {key: [{"case_id": "c1", "properties": {"first_name": "Amina", "dob": "1989"}}]}

    document = drafted(orjson.dumps(cases), "commcare").document

    assert document["records"][0]["fields"] == {
        "name.given_name": "properties/first_name",
        "birth_date": {"from": "properties/dob", "as": "date"},
    }
    assert "Amina" not in json.dumps(document)


def test_commcare_forms_are_drafted_by_question_and_repeat():
    form = {
        "id": "f1",
        "form": {
            "@name": "Registration",
            "village": "x",
            "child": [{"first_name": "Amina", "gender": "f", "dob": "1989-04-17"}],
            "case": {"@case_id": "c"},
            "note": {"#text": "x", "@lang": "en"},
        },
    }

    document = drafted(orjson.dumps([form]), "commcare").document

    household, person = document["records"]
    assert household["fields"]["place.name"] == "form/village"
    assert (person["each"], person["fields"]["name.given_name"]) == (
        "form/child",
        "form/child/first_name",
    )


def test_the_types_a_person_names_are_taken():
    survey = [("type", "name", "label"), ("text", "sector", "Sector"), ("text", "act", "Activity")]

    document = drafted(xlsform(survey), "kobo", record_types=["activity"]).document

    [activity] = document["records"]
    assert activity["type"] == "activity"
    assert activity["fields"] == {"sector_name": "sector", "activity_name": "act"}


@pytest.mark.parametrize(
    ("content", "form", "rule"),
    [
        (b"", "kobo", "suggest.not_a_form"),
        (b"{}", "kobo", "suggest.not_a_form"),
        (b"[]", "kobo", "suggest.not_a_form"),
        (b"[]", "commcare", "suggest.not_a_form"),
        (b"{}", "dhis2.tracker", "suggest.not_a_form"),
        (b"<html/>", "odk", "suggest.not_a_form"),
        (b"\n", "tabular", "suggest.not_a_form"),
        (b"{", "kobo", "json.truncated"),
        (b"{}", "pfif", "suggest.format"),
        (xlsform([("a", "b")]), "kobo", "suggest.not_a_form"),
        (xlsform([("type", "name"), ("end_group", "")]), "kobo", "suggest.not_a_form"),
    ],
)
def test_what_is_no_definition_is_refused(content, form, rule):
    with pytest.raises(SenderError) as caught:
        drafted(content, form)

    assert caught.value.rule == rule


def test_two_questions_for_one_field_are_both_asked():
    survey = [
        ("type", "name", "label"),
        ("date", "a/dob", "Date of birth"),
        ("date", "birth_date", "When were you born"),
    ]

    document = drafted(xlsform(survey), "kobo").document

    assert document["records"][0]["fields"] == {}
    assert [one["source"] for one in document["open"]] == ["a/dob", "birth_date"]


def test_a_question_of_another_kind_is_never_surely_a_field():
    free = Question("when", "text", ("Date of birth",))
    picture = Question("dob", "geopoint", ("Date of birth",))

    assert candidates(free, ["person"])[0].score < 0.9
    assert "birth_date" not in {one.leaf for one in candidates(picture, ["person"])}
    assert isinstance(candidates(free, ["person"])[0], Candidate)


def test_words_lose_accents_markup_and_what_says_nothing():
    assert words("<b>Prénom</b> de ${name}") == ("prenom", "de")
    assert core(words("What is the FirstName_i_c?")) == ("first", "name")


# -- the command ---------------------------------------------------------------------------------


def test_the_command_writes_a_new_file_and_says_what_is_open(tmp_path: Path):
    form, out = tmp_path / "My form.xlsx", tmp_path / "draft.yaml"
    form.write_bytes(xlsform())
    command = ["mapping", "suggest", str(form), "--format", "kobo", "--out", str(out)]

    first = RUN.invoke(app, command)
    again = RUN.invoke(app, command)

    assert first.exit_code == 1
    assert "1 questions open, 4 paths left out" in first.output
    assert yaml.safe_load(out.read_text())["mapping"] == "my-form"
    assert again.exit_code == 1
    assert "out.exists" in again.output


def test_the_command_prints_json_or_yaml(tmp_path: Path):
    form = tmp_path / "form.csv"
    form.write_bytes(b"id,name\n")
    command = ["mapping", "suggest", str(form), "--format", "tabular", "--type", "person"]

    as_json = RUN.invoke(app, [*command, "--json"])
    as_yaml = RUN.invoke(app, command)

    assert json.loads(as_json.output) == yaml.safe_load(as_yaml.output)


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (["none.xlsx", "--format", "kobo"], "payload.unreadable"),
        (["none.xlsx", "--format", "kobo", "--type", "parcel"], "mapping.record_type"),
    ],
)
def test_the_command_says_what_is_wrong(arguments, rule):
    found = RUN.invoke(app, ["mapping", "suggest", *arguments])

    assert found.exit_code == 1
    assert rule in found.output
