"""FHIR R4: files larger than memory, written and read in parts."""

import io
import json
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest

from adapters.fhir_r4 import FhirR4Ndjson
from adapters.fhir_r4.present import Present
from gateway.adapter import installed, read, write
from gateway.errors import SenderError
from gateway.record import Reading, Record, Writing
from tests.fhir_files import CASES, FAMILY, FHIR

LINES = FhirR4Ndjson()
BOTH = pytest.mark.parametrize("adapter", [FHIR, LINES], ids=["bundle", "lines"])
MANY = 3000


class Walked:
    """Records that can be walked again and never stand in memory together."""

    def __init__(self, records: Any) -> None:
        self.records = records

    def __iter__(self) -> Iterator[Record]:
        yield from self.records()


def people() -> Iterator[Record]:
    for number in range(MANY):
        name = {"full_name": f"Zoé {number}"}
        yield {"record_type": "person", "record_id": f"a.example/p{number}", "name": name}
        yield {
            "record_type": "household",
            "record_id": f"a.example/h{number}",
            "group_head": f"a.example/p{MANY - 1 - number}",
        }


@BOTH
def test_a_stream_is_written_as_the_list_is(adapter: Any) -> None:
    records = [*people(), *FAMILY, *CASES, *FAMILY, {**FAMILY[2], "birth_date": "2021-02-30"}]
    assert write(adapter, Walked(lambda: records)) == write(adapter, records)


def test_a_bundle_comes_in_chunks_and_its_references_hold() -> None:
    writing = Writing()
    chunks = list(FHIR.render(Walked(people), None, writing))
    assert len(chunks) > MANY / 100
    assert max(map(len, chunks)) < 200_000
    entries = json.loads(b"".join(chunks))["entry"]
    urls = {entry["fullUrl"] for entry in entries}
    heads = [
        extension["valueReference"]["reference"]
        for entry in entries
        for extension in entry["resource"].get("extension", ())
    ]
    assert len(heads) == MANY
    assert urls.issuperset(heads)


def peak(work: Callable[[], object]) -> int:
    """Bytes of Python objects at the worst moment."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_lines_are_written_and_read_without_holding_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.fhir_r4.present._RECENT", 64)
    written, parsed, sizes = [], [], []
    for count in (200, 1200):
        records = Walked(lambda count=count: islice(people(), count))
        content = write(LINES, records).content
        sizes.append(len(content))
        written.append(peak(lambda walked=records: deque(LINES.render(walked, None, Writing()), 0)))
        source = io.BytesIO(content)
        parsed.append(peak(lambda file=source: deque(FHIR.parse(file, None, Reading()), 0)))
    more = sizes[1] - sizes[0]
    assert written[1] - written[0] < more / 3
    assert parsed[1] - parsed[0] < more / 3


def test_records_come_before_the_file_is_read() -> None:
    lines = (json.dumps({"resourceType": "Patient", "id": str(n)}) for n in range(3))
    content = io.BytesIO("\n".join([*lines, "broken"]).encode())
    parsing = FHIR.parse(content, None, Reading())
    assert next(parsing)["record_id"] == "fhir.invalid/Patient/0"
    with pytest.raises(SenderError) as caught:
        list(parsing)
    assert caught.value.at.startswith("line 4")


def test_a_fault_in_a_line_is_told_with_its_line() -> None:
    good = b'{"resourceType":"Patient","id":"1"}\n'
    bad = b'{"resourceType":"Patient","id":"2","gender":"F"}\n'
    with pytest.raises(SenderError) as caught:
        read(FHIR, good + b"\n" + bad)
    assert (caught.value.rule, caught.value.at) == ("fhir.code", "line 3, Patient.gender")
    with pytest.raises(SenderError) as caught:
        read(FHIR, good + b'{"resourceType":"Patient","id":null}')
    assert (caught.value.rule, caught.value.at) == ("fhir.id_type", "line 2, Patient.id")


def test_a_line_may_be_a_bundle() -> None:
    entry = {"resource": {"resourceType": "Patient", "id": "1"}}
    line = json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [entry]}).encode()
    patient = b'{"resourceType":"Patient","id":"2"}'
    parsed = read(FHIR, line + b"\n" + patient)
    assert [one["record_id"][-1] for one in parsed.records] == ["1", "2"]


def test_lines_of_nothing_we_know_are_refused() -> None:
    condition = b'{"resourceType":"Condition","id":"1"}\n'
    with pytest.raises(SenderError) as caught:
        read(LINES, condition * 2)
    assert caught.value.rule == "fhir.no_record"


def test_no_line_is_no_record() -> None:
    assert write(LINES, []).content == b""
    assert read(LINES, b"").records == []


def test_a_household_is_told_to_its_members_by_lines_too() -> None:
    found = [json.loads(line) for line in write(LINES, FAMILY).content.splitlines()]
    known = {f"{one['resourceType']}/{one['id']}" for one in found}
    (related,) = [one for one in found if one["resourceType"] == "RelatedPerson"]
    assert related["patient"]["reference"] in known


def test_a_label_is_on_everything_that_repeats_the_household() -> None:
    labelled = {**FAMILY[0], "protection": {"sensitivity": "severe"}}
    found = [
        json.loads(line) for line in write(LINES, [labelled, *FAMILY[1:]]).content.splitlines()
    ]
    (related,) = [one for one in found if one["resourceType"] == "RelatedPerson"]
    assert related["meta"]["security"][0]["code"] == "V"


def test_repeated_records_of_a_stream_are_found_across_the_marks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("adapters.fhir_r4.present._RECENT", 4)
    records = [{"record_type": "person", "record_id": f"a.example/{n % 7}"} for n in range(20)]
    walked = Present(Walked(lambda: records), lambda kind, found: found)
    held = Present(records, lambda kind, found: found)
    assert list(walked.ids(records)) == list(held.ids(records))
    assert walked.address_of("person", "a.example/3") == held.address_of("person", "a.example/3")
    assert walked.address_of("person", "a.example/9") is None


def test_a_record_type_without_a_resource_is_refused() -> None:
    with pytest.raises(SenderError) as caught:
        write(FHIR, [{"record_type": "alert", "record_id": "a.example/1"}])
    assert caught.value.rule == "fhir.record_type"


def test_both_are_installed() -> None:
    assert {"fhir.r4", "fhir.r4.ndjson"} <= set(installed())
    assert installed()["fhir.r4.ndjson"].media_type == "application/fhir+ndjson"
