"""Records as workbooks of HOPE's."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from gateway.adapter import read, write
from gateway.errors import SenderError
from gateway.mapping import plan_of, read_mapping
from gateway.record import Parsed, Record
from tests import hope_files
from tests.hope_files import BOOK_SAMPLES, REAL_MAPPINGS, XLSX, differing

Samples = Callable[[str], Path]


def parsed(content: bytes) -> Parsed:
    return hope_files.parsed(content, XLSX)


def cells(content: bytes) -> dict[str, list[list[Any]]]:
    found = openpyxl.load_workbook(io.BytesIO(content))
    return {
        sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in found
    }


def test_a_registration_is_written_as_hope_takes_it():
    before = read(XLSX, (BOOK_SAMPLES / "registration.xlsx").read_bytes()).records
    sheets = cells(write(XLSX, before).content)
    assert list(sheets) == ["Households", "Individuals"]
    names, labels, first, *_ = sheets["Individuals"]
    assert labels[0] == "Household ID - ID"
    row = dict(zip(names, first, strict=True))
    assert row["relationship_i_c"] == "HEAD"
    assert row["observed_disability_i_c"] == "SEEING,WALKING"
    assert row["primary_collector_id"] == row["household_id"] == "1"
    household = dict(zip(sheets["Households"][0], sheets["Households"][2], strict=True))
    assert household["hh_geopoint_h_c"] == "2.5, 42.25"
    assert household["size_h_c"] == 3
    assert household["zip_code_h_c"] == "02514"


@pytest.mark.parametrize("name", ["registration.xlsx", "people.xlsx", "payments.xlsx"])
def test_our_samples_come_back(name):
    before = read(XLSX, (BOOK_SAMPLES / name).read_bytes()).records
    found = write(XLSX, before)
    assert differing(before, read(XLSX, found.content).records) == set()
    assert found.unrendered == ()


REAL_BOOKS = [
    "hcw_rdi_one", "payment_list", "payment_reconciliation", "rdi_50hh", "rdi_flex_fields",
    "rdi_new", "rdi_people",
]  # fmt: skip


@pytest.mark.parametrize("name", REAL_BOOKS)
def test_real_workbooks_come_back(samples: Samples, name):
    before = parsed(samples(f"hope/open/{name}.xlsx").read_bytes()).records
    found = write(XLSX, before)
    assert differing(before, parsed(found.content).records) <= set(found.unrendered)
    assert found.unrendered == ()


def test_a_mapping_is_written_back():
    plan = read_mapping(REAL_MAPPINGS / "hope-flex.yaml")
    before = read(XLSX, (BOOK_SAMPLES / "registration.xlsx").read_bytes(), plan).records
    found = write(XLSX, before, plan)
    after = read(XLSX, found.content, plan).records
    assert differing(before, after) <= set(found.unrendered)
    assert "household.member_list[].collector" in found.lineage


def person(number: str, **more: Any) -> Record:
    return {"record_type": "person", "record_id": f"hope.invalid/{number}", **more}


@pytest.mark.parametrize(
    ("fields", "lost"),
    [
        ({"name": {"full_name": "  "}}, {"person.name.full_name"}),
        ({"name": {"full_name": "a\0b"}}, {"person.name.full_name"}),
        ({"name": {"full_name": "#N/A"}}, {"person.name.full_name"}),
        ({"name": {"full_name": "=1+1"}}, set()),
        ({"religion": "none said"}, {"person.religion"}),
        ({"schema_version": "1.0"}, {"person.schema_version"}),
        ({"place": {"geo": {"type": "Point", "coordinates": [42.25, 2]}}}, set()),
    ],
)
def test_what_a_cell_cannot_hold_is_told(fields, lost):
    found = write(XLSX, [person("1", sex="female", **fields)])
    assert set(found.unrendered) == lost
    [after] = parsed(found.content).records
    kept = {key: value for key, value in fields.items() if not lost}
    assert after == person("1", sex="female", **kept)


def test_only_one_kind_is_written():
    paid = {"record_type": "assistance", "record_id": "hope.invalid/p", "benefit_value": "12.50"}
    found = write(XLSX, [paid, person("1", sex="female")])
    assert list(cells(found.content)) == ["People"]
    assert "assistance.benefit_value" in found.unrendered
    assert parsed(write(XLSX, [paid]).content).records == [paid]


@pytest.mark.parametrize("records", [[], [{"record_type": "alert", "record_id": "a.example/1"}]])
def test_nothing_to_write_is_refused(records):
    with pytest.raises(SenderError) as caught:
        write(XLSX, records)
    assert caught.value.rule == "hope.nothing_to_write"


def test_sheets_are_joined_by_the_id_hope_joins_them_by():
    document = {
        "mapping": "m", "version": "1", "format": "hope.xlsx", "authority": "h.example",
        "records": [
            {
                "type": "household",
                "id": {"first": ["unhcr_id_h_c"]},
                "fields": {"group_size": {"from": "size_h_c", "as": "integer"}},
            }
        ],
    }  # fmt: skip
    plan = plan_of(document, at="test")
    household = {"record_type": "household", "record_id": "h.example/1", "group_size": 2}
    with pytest.raises(SenderError) as caught:
        write(XLSX, [household], plan)
    assert caught.value.rule == "hope.no_household_id"
