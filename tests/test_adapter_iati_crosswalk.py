"""OCHA's 3W to IATI: a real workbook becomes a file that the standard's schema accepts."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from lxml import etree

from adapters.iati import Iati
from adapters.tabular import TabularXlsx
from gateway.adapter import read, write
from gateway.mapping import read_mapping
from gateway.record import Parsed, Rendered, check
from tests.canonical_records import comparable

ROOT = Path(__file__).resolve().parent.parent
PLAN = read_mapping(ROOT / "deploy/crosswalks/mappings/activities-3w-chad.yaml")
WORKBOOK = "ocha-3w-cod/open/3w_tcd_avr2025.xlsx"


@pytest.fixture(scope="module")
def parsed(samples: Callable[[str], Path]) -> Parsed:
    return read(TabularXlsx(), samples(WORKBOOK).read_bytes(), PLAN)


@pytest.fixture(scope="module")
def rendered(parsed: Parsed) -> Rendered:
    return write(Iati(), parsed.records)


def test_every_row_of_the_workbook_is_an_activity(samples, parsed):
    book = openpyxl.load_workbook(samples(WORKBOOK), read_only=True)
    sheet = book["3W Opérationnelle"]
    rows = [row for row in sheet.iter_rows(min_row=3, values_only=True) if any(row)]
    book.close()

    for record in parsed.records:
        check(record, at="")
    assert [record["record_id"] for record in parsed.records] == [
        f"3w.chad.example/{row[9]}" for row in rows
    ]
    assert Counter(record["organisations"][1]["org_acronym"] for record in parsed.records) == (
        Counter(row[4] for row in rows)
    )


def test_the_file_is_valid_and_says_what_the_workbook_says(samples, parsed, rendered):
    xsd = etree.XMLSchema(etree.parse(samples("iati/schema/iati-activities-schema.xsd")))
    root = etree.fromstring(rendered.content)

    assert xsd.validate(root), xsd.error_log
    places = root.xpath("iati-activity/location/administrative[@vocabulary='COD-AB']/@code")
    assert Counter(places) == Counter(record["place"]["admin1_code"] for record in parsed.records)
    clusters = root.xpath("iati-activity/sector[@vocabulary='10']/@code")
    assert len(clusters) == sum("sector_code" in record for record in parsed.records)
    names = root.xpath("iati-activity/participating-org[@role='4']/narrative/text()")
    assert names == [record["organisations"][1]["org_name"] for record in parsed.records]


def test_what_is_lost_is_told(parsed, rendered):
    lost = {leaf.removeprefix("activity.") for leaf in rendered.unrendered}

    assert lost == {
        "organisations[].org_name",  # white space at the end of some
        "organisations[].org_acronym",
        "organisations[].org_type_code",
        "place.admin1_name",
        "reference_period_start",
        "reference_period_end",
        "schema_version",
        "sector_name",
    }
    back = read(Iati(), rendered.content).records
    gone = set(rendered.unrendered)
    assert comparable(back, gone) == comparable(parsed.records, gone)
