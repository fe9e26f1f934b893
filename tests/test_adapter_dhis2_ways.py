"""Real payloads there and back, field by field; and figures through HXL and back into DHIS2."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.dhis2.aggregate import (
    MEANING,
    Dhis2Adx,
    Dhis2Aggregate,
    Dhis2AggregateCsv,
    Dhis2AggregateXml,
)
from adapters.dhis2.tracker import Dhis2Tracker, Dhis2TrackerCsv, Dhis2TrackerFlat
from adapters.hxl import Hxl
from gateway.adapter import Adapter, read, write
from gateway.mapping import read_mapping
from gateway.record import Record, check, leaves, walk

REAL = Path(__file__).parent / "real"
MAPPINGS = Path(__file__).parent.parent / "deploy/crosswalks/mappings"
Samples = Callable[[str], Path]

ADAPTERS: dict[str, Adapter] = {
    one.name: one
    for one in (
        Dhis2Aggregate(),
        Dhis2AggregateXml(),
        Dhis2AggregateCsv(),
        Dhis2Adx(),
        Dhis2Tracker(),
        Dhis2TrackerFlat(),
        Dhis2TrackerCsv(),
    )
}
ROWS = [row for row in json.loads((REAL / "dhis2.json").read_bytes()) if "records" in row]
LOST: dict[str, set[str]] = {
    "importDates.adx.xml": {"indicator.reported_at"},
    "dataValueSetANull.xml": {"indicator"},
    "import_flatten_payload.json": {"case"},
    "import_nested_payload.json": {"case"},
    "trackedEntitiesWithEnrollmentsEventsAndRelationships.json": {"case"},
    "trackedEntityWithEnrollmentAndAttributes.json": {"person.registration_date"},
}
"""What is really lost: ADX has no place for when a value was reported; events are records that no
person lists; a day cut out of a time has no way back; and a data value without a value is not
written, for it could ask a server to forget the one it has."""


def different(before: list[Record], after: list[Record]) -> set[str]:
    """Leaves in which records of one id differ; the type alone where a record is gone."""
    found = set()
    there = {record["record_id"]: record for record in after}
    for old in before:
        new = there.get(old["record_id"])
        kind = old["record_type"]
        if new is None:
            found.add(kind)
            continue
        for name, leaf in leaves(kind).items():
            if list(walk(old, leaf.path)) != list(walk(new, leaf.path)):
                found.add(f"{kind}.{name}")
    return found


@pytest.mark.parametrize("row", ROWS, ids=[row["file"] for row in ROWS])
def test_a_real_payload_comes_back_but_for_what_is_told(samples: Samples, row: Any) -> None:
    plan = read_mapping(REAL / "mappings" / row["mapping"]) if row["mapping"] else None
    adapter = ADAPTERS[row["adapter"]]
    before = read(adapter, samples(row["file"]).read_bytes(), plan).records
    for number, record in enumerate(before, 1):
        check(record, at=f"record {number}")
    told = write(adapter, before, plan)
    after = read(adapter, told.content, plan).records

    found = different(before, after)
    assert found == LOST.get(Path(row["file"]).name, set())
    kinds = {leaf.split(".")[0] for leaf in told.unrendered}
    assert found <= set(told.unrendered) | kinds


@pytest.mark.parametrize(
    ("file", "notation"),
    [
        ("dhis2-aggregate/open/dataValues_bulk.json", "dhis2.aggregate"),
        ("dhis2-aggregate/open/dataValueSetB.csv", "dhis2.aggregate.csv"),
        ("dhis2-adx/open/importA.adx.xml", "dhis2.adx"),
    ],
)
def test_figures_go_through_hxl_and_back_without_a_loss(
    samples: Samples, file: str, notation: str
) -> None:
    adapter = ADAPTERS[notation]
    before = read(adapter, samples(file).read_bytes()).records

    table = write(Hxl(), before)
    tagged = read(Hxl(), table.content)
    told = write(adapter, tagged.records)

    assert (table.unrendered, tagged.unmapped, told.unrendered) == ((), (), ())
    assert read(adapter, told.content).records == before


def test_figures_become_a_plain_table_and_come_back(samples: Samples) -> None:
    named = read_mapping(MAPPINGS / "dhis2-data-values.yaml")
    plain = read_mapping(MAPPINGS / "indicators-hxl.yaml")
    adapter = ADAPTERS["dhis2.aggregate"]
    content = samples("dhis2-aggregate/open/dataValues_bulk.json").read_bytes()
    before = read(adapter, content, named).records

    table = write(Hxl(), before, plain)
    tagged = read(Hxl(), table.content, plain).records
    told = write(adapter, tagged, named)
    after = read(adapter, told.content, named).records

    assert table.unrendered == ("indicator.comment",)
    assert told.unrendered == ()
    assert different(before, after) == {"indicator.comment"}
    assert len(after) == 231
    assert b"\n#meta+id,#indicator+code," in table.content.replace(b"\r", b"")


def test_the_mapping_to_copy_says_what_the_built_in_one_says() -> None:
    copied = read_mapping(MAPPINGS / "dhis2-data-values.yaml")

    assert copied.document["records"] == MEANING.document["records"]
