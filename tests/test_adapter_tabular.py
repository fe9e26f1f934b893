"""Tables through a mapping, both ways, against Python's csv, polars and openpyxl."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import openpyxl
import polars
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.tabular import Tabular, TabularTsv, TabularXlsx
from gateway.adapter import read, write
from gateway.errors import SenderError
from gateway.mapping import Plan, plan_of, read_mapping
from gateway.record import Record, check
from gateway.source.tables import workbook
from tests.test_source_workbook import sheet, written

SAMPLES = Path(__file__).resolve().parent.parent / "adapters" / "tabular" / "samples"
TABULAR = Tabular()
NOTATIONS = [TABULAR, TabularTsv(), TabularXlsx()]
FIELDS: dict[str, Any] = {
    "name.full_name": "Full name",
    "group": "x",
    "age.years": {"from": "Age", "as": "integer"},
    "phone_number[]": ["Phone", "Second phone"],
}


def plan(fields: Any = None, *, said: Any = None, **more: Any) -> Plan:
    fields = fields or {key: value for key, value in FIELDS.items() if key != "group"}
    document = {
        "mapping": "people",
        "version": "1",
        "format": "tabular",
        "authority": "society.example",
        "records": [{"type": "person", "id": {"first": ["No"]}, "fields": fields}],
    }
    return plan_of(document | more | ({"table": said} if said else {}), at="test")


def table(*rows: str) -> bytes:
    return "\r\n".join(rows).encode()


def refused(content: bytes, mapping: Plan | None) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        read(TABULAR, content, mapping)
    return caught.value.rule, caught.value.at


def person(number: str, **more: Any) -> Record:
    head = {"record_type": "person", "schema_version": "1.0"}
    return {**head, "record_id": f"society.example/{number}", **more}


# In


def test_a_row_is_a_record() -> None:
    content = table("No, Full name ,Age,Phone,Notes", "1,Amina Yusuf,36,'+254,x", "2,,,,", ",,,,")
    parsed = read(TABULAR, content, plan())
    assert parsed.records == [
        person("1", name={"full_name": "Amina Yusuf"}, age={"years": 36}, phone_number=["+254"]),
        person("2"),
    ]
    assert parsed.unmapped == ("column 5",)
    assert parsed.lineage == {
        "person.record_id": "No",
        "person.name.full_name": "Full name",
        "person.age.years": "Age",
        "person.phone_number[]": "Phone",
    }


def test_a_header_is_shown_only_where_the_mapping_has_it() -> None:
    content = table("No,Notes,Amina,,Notes", "1,x,y,z,w")
    parsed = read(TABULAR, content, plan(left=["Notes"]))
    assert parsed.unmapped == ("Notes", "column 3", "column 4")
    assert parsed.repeated == ("Notes",)


def test_typed_cells_of_a_workbook() -> None:
    from datetime import date

    fields = {
        "birth_date": {"from": "Born", "as": "date"},
        "is_disabled": {"from": "Difficulty", "as": "boolean"},
        "age.years": {"from": "Age", "as": "integer"},
    }
    rows = [["No", "Born", "Difficulty", "Age"], ["007", date(1990, 3, 14), True, 36]]
    parsed = read(TABULAR, written(rows), plan(fields))
    assert parsed.records == [
        person("007", birth_date="1990-03-14", is_disabled=True, age={"years": 36})
    ]


def test_a_number_where_a_text_is_due_is_refused() -> None:
    """Leading zeros are gone already: 007 came as 7."""
    assert refused(written([["No", "Phone"], ["1", 7]]), plan()) == (
        "value.not_text",
        "row 2, Phone",
    )
    assert refused(written([["No"], [7]]), plan())[0] == "value.not_text"


def test_the_mapping_says_where_a_table_begins() -> None:
    content = table("List of people", "", "No;Full name", "text;text", "1;Amina")
    said = {"header_row": 3, "first_row": 5, "delimiter": ";"}
    assert read(TABULAR, content, plan(said=said)).records == [
        person("1", name={"full_name": "Amina"})
    ]
    assert refused(content, plan(said={"header_row": 2})) == ("table.no_header", "")
    assert refused(content, plan()) == ("mapping.no_id", "row 3")
    sheets = written([["Notes"]], [["No", "Full name"], ["1", "Amina"]])
    assert refused(sheets, plan())[0] == "table.several_sheets"
    assert len(read(TABULAR, sheets, plan(said={"sheet": "Sheet2"})).records) == 1
    latin = "No,Full name\n1,Zoé\n".encode("latin-1")
    assert refused(latin, plan())[0] == "table.encoding"
    said = {"encoding": "iso-8859-1"}
    assert read(TABULAR, latin, plan(said=said)).records[0]["name"] == {"full_name": "Zoé"}


WRONG = sheet(
    "<sheetData><row><c t='inlineStr'><is><t>No</t></is></c>"
    "<c t='inlineStr'><is><t>Age</t></is></c>"
    "<c t='inlineStr'><is><t>X</t></is></c></row><row><c t='inlineStr'><is><t>1</t></is></c>"
    "<c><f>1+1</f></c><c t='e'><v>#N/A</v></c></row></sheetData>"
)
REFUSED = {
    "nothing": (b"", "table.no_header", ""),
    "only blanks": (b" , \n,\n", "table.no_header", ""),
    "hashtags under the header": (
        table("No,Age", "#meta+id,#age", "1,2"),
        "table.hashtags",
        "row 2",
    ),
    "hashtags as header": (table("#meta+id,#age", "1,2"), "table.hashtags", "row 1"),
    "a mapped column twice": (table("No,Age,No", "1,2,3"), "table.column_twice", "row 1, column 3"),
    "ragged": (table("No,Age", "1,2,"), "table.row_length", "row 2"),
    "no id": (table("No,Age", ",2"), "mapping.no_id", "row 2"),
    "no id column": (table("Number,Age", "1,2"), "mapping.no_id", "row 2"),
    "value": (table("No,Age", "1,2", "2,x"), "value.not_integer", "row 3, Age"),
    "two ways to read": (table("No,Full name;Age", "1,2"), "table.delimiter", ""),
    "no result": (WRONG, "table.formula", "row 2, column B"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_rule_and_place(name: str) -> None:
    content, rule, at = REFUSED[name]
    assert refused(content, plan()) == (rule, at)


def test_an_error_value_nobody_wants_does_not_matter() -> None:
    fields = {"name.full_name": "Full name"}
    assert read(TABULAR, WRONG, plan(fields)).records == [person("1")]


def test_needs_a_mapping_of_its_family() -> None:
    assert refused(b"No\n1", None)[0] == "mapping.missing"
    assert refused(b"No\n1", plan(format="tabular.xlsx"))[0] == "mapping.other_format"
    assert read(TabularXlsx(), b"No\n1", plan(format="tabular.xlsx")).records == [person("1")]


# Out

PEOPLE = [
    person("1", name={"full_name": "=cmd|' /C calc'!A0"}, age={"years": 5}, phone_number=["+254"]),
    person("2", name={"full_name": 'أمينة "A"\r\nيوسف'}, phone_number=["007", "-7", "8"]),
    person("3", email=["a@b.example"]),
]


@pytest.mark.parametrize("notation", NOTATIONS, ids=lambda one: one.name)
def test_records_as_rows(notation: Tabular) -> None:
    rendered = write(notation, PEOPLE, plan())
    assert rendered.unrendered == ("person.email[]", "person.phone_number[]")
    assert rendered.lineage == {
        "person.record_id": "No",
        "person.name.full_name": "Full name",
        "person.age.years": "Age",
    }
    again = read(TABULAR, rendered.content, plan()).records
    assert again[0] == PEOPLE[0]
    assert again[1] == PEOPLE[1] | {"phone_number": ["007", "-7"]}
    assert again[2] == person("3")


EXPECTED = [
    ["No", "Full name", "Age", "Phone", "Second phone"],
    ["1", "'=cmd|' /C calc'!A0", "5", "'+254", ""],
    ["2", 'أمينة "A"\r\nيوسف', "", "007", "-7"],
    ["3", "", "", "", ""],
]


def test_python_and_polars_read_the_rows() -> None:
    content = write(TABULAR, PEOPLE, plan()).content
    assert list(csv.reader(io.StringIO(content.decode(), newline=""))) == EXPECTED
    found = polars.read_csv(content, infer_schema=False)
    assert [["" if cell is None else cell for cell in row] for row in found.rows()] == EXPECTED[1:]
    tabs = write(TabularTsv(), PEOPLE, plan()).content
    assert polars.read_csv(tabs, separator="\t", infer_schema=False).columns == EXPECTED[0]


def test_openpyxl_reads_texts_and_nothing_else() -> None:
    content = write(TabularXlsx(), PEOPLE, plan()).content
    [page] = openpyxl.load_workbook(io.BytesIO(content)).worksheets
    assert [[cell.value or "" for cell in row] for row in page.iter_rows()] == EXPECTED
    kinds = {cell.data_type for row in page.iter_rows() for cell in row if cell.value}
    assert kinds == {"s"}
    assert page._hyperlinks == []


def test_no_record_gives_a_header() -> None:
    assert write(TABULAR, [], plan()).content == b"No,Full name,Age,Phone,Second phone\r\n"


def test_repeats_have_no_place_in_a_row() -> None:
    document = {
        "mapping": "families", "version": "1", "format": "tabular", "authority": "a.example",
        "records": [
            {"type": "household", "id": {"first": ["No"]}, "fields": {
                "member_list[]": {"each": "people", "fields": {"member": {"member": "person"}}}}},
            {"type": "person", "each": "people", "fields": {"name.full_name": "Full name"}},
        ],
    }  # fmt: skip
    household = {
        "record_type": "household", "schema_version": "1.0", "record_id": "a.example/1",
        "member_list": [{"member": "a.example/1.1"}],
    }  # fmt: skip
    member = {
        "record_type": "person", "schema_version": "1.0", "record_id": "a.example/1.1",
        "name": {"full_name": "Amina"},
    }  # fmt: skip
    rendered = write(TABULAR, [household, member], plan_of(document, at="test"))
    assert rendered.content.decode().splitlines() == ["No", "1"]
    assert set(rendered.unrendered) == {
        "household.member_list[].member", "person.record_id", "person.name.full_name",
    }  # fmt: skip


@pytest.mark.parametrize("notation", NOTATIONS, ids=lambda one: one.name)
def test_our_own_samples_come_back(notation: Tabular) -> None:
    mapping = read_mapping(SAMPLES / "mapping.yaml")
    for path in SAMPLES.glob("registrations.*"):
        parsed = read(TABULAR, path.read_bytes(), mapping)
        rendered = write(notation, parsed.records, mapping)
        assert (read(TABULAR, rendered.content, mapping).records, rendered.unrendered) == (
            parsed.records,
            (),
        )
        for record in parsed.records:
            check(record, at=path.name)


_TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=9
)


@pytest.mark.parametrize("notation", NOTATIONS, ids=lambda one: one.name)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(_TEXTS | st.sampled_from(["=1", "'=1", " @x", "＝1", "-1", "\t", "''-"]), min_size=1)
)
def test_every_text_comes_back(notation: Tabular, texts: list[str]) -> None:
    people = [person(str(n), name={"full_name": text}) for n, text in enumerate(texts)]
    content = write(notation, people, plan()).content
    assert read(TABULAR, content, plan()).records == people


def test_refusals_never_quote() -> None:
    secret = "Zoé Lefèvre"
    for content in (
        table("No,Age", f"1,{secret}"),
        table(f"No,{secret},{secret}", "1,2,3,4"),
        table(secret, secret),
        table("No,Age", f'1,"{secret}'),
        b"".join(workbook([["No", secret], ["1", secret, secret]])),
    ):
        with pytest.raises(SenderError) as caught:
            read(TABULAR, content, plan())
        assert secret not in str(caught.value)
    parsed = read(TABULAR, table(f"No,{secret}", "1,2"), plan())
    assert secret not in json.dumps([parsed.lineage, parsed.unmapped, parsed.repeated])
