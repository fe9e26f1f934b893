"""CommCare written and read again: what comes back, and what is told as lost."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.commcare import CommCare, CommCareXml
from gateway.adapter import Adapter, read, write
from gateway.mapping import read_mapping
from gateway.record import Reading, Record, Writing
from tests.commcare_files import (
    SAMPLES,
    parse,
    person,
)

ADAPTERS = [CommCare(), CommCareXml()]


def pairs() -> list[tuple[Path, Path]]:
    found = [path for path in sorted(SAMPLES.iterdir()) if not path.name.endswith("yaml")]
    own = [path.with_name(f"{path.name}.mapping.yaml") for path in found]
    return [
        (path, mine if mine.exists() else SAMPLES / "mapping.yaml")
        for path, mine in zip(found, own, strict=True)
    ]


def without(record: Record, lost: tuple[str, ...]) -> Record:
    copy = json.loads(json.dumps(record))
    for leaf in lost:
        record_type, *path = leaf.split(".")
        if record_type == record["record_type"]:
            inner = copy
            for step in path[:-1]:
                inner = inner.get(step, {})
            inner.pop(path[-1], None)
    return {key: value for key, value in copy.items() if value != {}}


@pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda one: one.name)
@pytest.mark.parametrize(("path", "table"), pairs(), ids=lambda one: one.name)
def test_a_sample_comes_back_but_for_what_was_told(adapter, path, table):
    plan = read_mapping(table)
    records = parse(path.read_bytes(), plan).records

    written = write(adapter, records, plan)

    again = read(adapter, written.content, plan).records
    assert again == [without(record, written.unrendered) for record in records]
    assert not written.lineage.keys() & set(written.unrendered)


TEXT = st.text(min_size=1, max_size=8).filter(lambda text: "\ud800" not in text)

ANSWERS = st.fixed_dictionaries({}, optional={"name": TEXT, "place": TEXT})


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries({}, optional={"name": TEXT, "place": TEXT}),
        max_size=3,
    )
)
@pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda one: one.name)
def test_any_text_comes_back_or_is_told(adapter: Adapter, answers: list[dict[str, str]]):
    plan = person(
        fields={
            "name.full_name": "properties/case_name",
            "birth_date": {"from": "*/dob", "as": "partial_date"},
            "ethnicity": "properties/place",
        }
    )
    records: list[Record] = []
    for number, answer in enumerate(answers):
        record: Record = {
            "record_type": "person",
            "schema_version": "1.0",
            "record_id": f"hq.example/{number}",
            "birth_date": "1990",
            "religion": "never mapped",
        }
        record |= {"name": {"full_name": answer["name"]}} if "name" in answer else {}
        record |= {"ethnicity": answer["place"]} if "place" in answer else {}
        records.append(record)

    written = write(adapter, records, plan)

    lost = set(written.unrendered)
    again = {one["record_id"]: one for one in read(adapter, written.content, plan).records}
    for record in records:
        found = again.get(record["record_id"], {})
        if "person.name.full_name" not in lost:
            assert found.get("name") == record.get("name")
        if "person.ethnicity" not in lost:
            assert found.get("ethnicity") == record.get("ethnicity")
    assert bool(records) == ("person.religion" in lost)


def test_a_long_file_is_written_and_read_piece_by_piece():
    chunks = []

    def records() -> Any:
        for number in range(3_000):
            yield {
                "record_type": "person",
                "schema_version": "1.0",
                "record_id": f"hq.example/{number}",
                "name": {"full_name": f"Amina {number}"},
            }

    for adapter in ADAPTERS:
        chunks = list(adapter.render(records(), person(), Writing()))
        assert len(chunks) >= 3
        again = adapter.parse(io.BytesIO(b"".join(chunks)), person(), Reading())
        assert sum(1 for _ in again) == 3_000
