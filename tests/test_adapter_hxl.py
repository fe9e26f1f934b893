"""HXL: both directions, against libhxl, Python's csv and real files."""

import csv
import importlib.util
import io
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.hxl import Hxl
from adapters.hxl.columns import targets
from gateway.adapter import installed
from gateway.errors import SenderError
from gateway.record import RECORD_TYPES, check, leaves
from tests.canonical_records import comparable, present, records

HXL = Hxl()
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

Samples = Callable[[str], Path]


@pytest.fixture(scope="session")
def libhxl() -> Iterator[Any]:
    """libhxl 5.2.2 imports `six` without declaring it, and uses nothing of it but one tuple."""
    with pytest.MonkeyPatch.context() as patch:
        if importlib.util.find_spec("six") is None:
            stand_in = types.ModuleType("six")
            stand_in.string_types = (str,)  # type: ignore[attr-defined]
            patch.setitem(sys.modules, "six", stand_in)
        import hxl

        yield hxl


PEOPLE: list[dict[str, Any]] = [
    {
        "record_type": "household",
        "record_id": "unhcr.example/h1",
        "group_type": "family",
        "group_size": 0,
        "poverty_score": "-1.50",
        "member_list": [
            {"member": "unhcr.example/p1", "is_head": True},
            {"member": "unhcr.example/p2", "relationship_head": "child", "is_head": False},
        ],
        "withheld": {"address": "purpose", "place": "max_form"},
    },
    {
        "record_type": "person",
        "record_id": "unhcr.example/p1",
        "name": {"full_name": "أمينة يوسف", "surname": "N'Diaye, née Hélène", "script": "Arab"},
        "phone_number": ["+254700000001", "0700 000 002"],
        "identifier": [
            {"identifier_type": "UIN", "identifier_value": "=1+1"},
            {"identifier_value": "'=1+1", "issuer": 'the "office"\nupstairs'},
        ],
        "language_code": ["ar", "fr"],
        "is_disabled": False,
        "age": {"years": 36},
        "place": {
            "admin2_code": "TD1701",
            "geo": {"type": "Point", "coordinates": [-21.125, 13, 530.5]},
            "precision": "coarse",
        },
        "extension": {"hh/q1": 1},
    },
]


def table(*rows: str) -> bytes:
    return "\r\n".join(rows).encode()


TAGS = "#meta+record+type,#meta+id"


def refused(content: bytes) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        HXL.parse(content, None)
    return caught.value.rule, caught.value.at


# The schemas' hashtags


@pytest.mark.parametrize("record_type", RECORD_TYPES)
def test_every_leaf_but_extension_has_a_hashtag_of_its_own(record_type: str) -> None:
    tags = {name: leaf.spec.get("x-hxl") for name, leaf in leaves(record_type).items()}
    assert [name for name, tag in tags.items() if tag is None] == ["extension"]
    sets = [frozenset(tag.split("+")) for tag in tags.values() if tag]
    assert len(sets) == len(set(sets))


def test_a_hashtag_means_the_same_kind_of_value_for_every_record_type() -> None:
    person, household = targets("person"), targets("household")
    for tag in person.keys() & household.keys():
        left, right = person[tag], household[tag]
        assert (left.kind, left.repeats, left.indexed, left.path[-1]) == (
            right.kind,
            right.repeats,
            right.indexed,
            right.path[-1],
        )


# Both directions


def test_is_installed_under_its_name() -> None:
    assert (installed()["hxl"].name, installed()["hxl"].media_type) == ("hxl", "text/csv")


def test_people_come_back_field_by_field() -> None:
    rendered = HXL.render(PEOPLE, None)
    parsed = HXL.parse(rendered.content, None)
    assert rendered.unrendered == ("person.extension",)
    assert parsed.records == comparable(PEOPLE, rendered.unrendered)
    assert parsed.unmapped == ()
    assert parsed.lineage == rendered.lineage
    assert rendered.lineage["person.place.geo"] == "#geo"
    assert rendered.lineage["person.identifier[].issuer"] == "#meta+identifier+issuer"


@SLOW
@given(records())
def test_what_is_rendered_reads_back(given_records: list[Any]) -> None:
    rendered = HXL.render(given_records, None)
    parsed = HXL.parse(rendered.content, None)
    assert parsed.records == comparable(given_records, rendered.unrendered)
    assert parsed.unmapped == ()
    assert parsed.lineage == rendered.lineage
    assert set(rendered.lineage) | set(rendered.unrendered) == present(given_records)
    for record in parsed.records:
        check(record, at="parsed")


# What others make of it


def issues(hxl: Any, content: bytes) -> list[Any]:
    found: list[Any] = []
    schema = hxl.schema(None, callback=found.append)
    schema.validate(hxl.data(hxl.make_input(io.BytesIO(content))))
    return [issue for issue in found if issue.rule.severity == "error"]


def test_libhxl_reads_the_same_cells(libhxl: Any) -> None:
    content = HXL.render(PEOPLE, None).content
    data = libhxl.data(libhxl.make_input(io.BytesIO(content)))
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    assert [column.display_tag for column in data.columns] == [
        libhxl.model.Column.parse(tag).display_tag for tag in rows[1]
    ]
    found = list(data)
    assert [row.get("#beneficiary+name+full") for row in found] == [None, "أمينة يوسف"]
    assert [row.get("#meta+id-head-member-relationship") for row in found] == [
        "unhcr.example/h1",
        "unhcr.example/p1",
    ]


def test_libhxls_default_schema_finds_no_error(libhxl: Any) -> None:
    content = HXL.render(PEOPLE, None).content
    assert issues(libhxl, content) == []
    # A line break within a cell is a warning there, and a warning makes a file invalid.
    content = content.replace(b"\nupstairs", b"")
    assert libhxl.validate(libhxl.data(libhxl.make_input(io.BytesIO(content))))["is_valid"]


@SLOW
@given(records(plain=True).filter(bool))
def test_libhxls_default_schema_finds_no_error_in_any(libhxl: Any, found: list[Any]) -> None:
    assert issues(libhxl, HXL.render(found, None).content) == []


def test_libhxls_default_schema_would_notice(libhxl: Any) -> None:
    content = HXL.render(PEOPLE, None).content
    assert issues(libhxl, content.replace(b"#beneficiary+name+full", b"#affected+name+full"))


def test_the_table_as_python_reads_it() -> None:
    content = HXL.render(PEOPLE, None).content
    names, tags, *rows = csv.reader(io.StringIO(content.decode(), newline=""))
    assert len({len(row) for row in (names, tags, *rows)}) == 1
    cells = list(zip(names, tags, rows[1], strict=True))
    assert cells[0] == ("record type", "#meta+record+type", "person")
    assert ("identifier issuer 2", "#meta+identifier+issuer+i2", 'the "office"\nupstairs') in cells
    assert ("phone number 1", "#contact+phone", "'+254700000001") in cells
    assert ("phone number 2", "#contact+phone", "0700 000 002") in cells
    assert ("identifier identifier value 1", "#meta+identifier+value+i1", "'=1+1") in cells
    assert ("identifier identifier value 2", "#meta+identifier+value+i2", "''=1+1") in cells
    assert ("place geo lon", "#geo+lon", "-21.125") in cells
    assert ("is disabled", "#beneficiary+disabled", "false") in cells


@given(st.sampled_from("=+-@\t\r"), st.sampled_from(["", "'", "''"]), st.text(max_size=3))
def test_no_text_begins_like_a_formula_and_every_text_survives(
    first: str, before: str, rest: str
) -> None:
    text = before + first + rest.encode(errors="ignore").decode()
    record = {"record_type": "person", "record_id": "a.example/1", "religion": text}
    content = HXL.render([record], None).content
    row = list(csv.reader(io.StringIO(content.decode(), newline="")))[2]
    assert row[-1] == f"'{text}"
    assert HXL.parse(content, None).records == [record]


def test_no_record_gives_a_table_without_rows() -> None:
    content = HXL.render([], None).content
    assert content.decode().splitlines()[1] == TAGS
    assert HXL.parse(content, None).records == []


def test_nothing_empty_is_written() -> None:
    record = {"record_type": "person", "record_id": "a.example/1", "identifier": [{}], "email": []}
    rendered = HXL.render([record], None)
    assert set(rendered.lineage) == {"person.record_type", "person.record_id"}


# Reading other people's files

EXPECTED = {
    "dtm_quickcharts_hxl.csv": "hxl.no_record",
    "hdx_hapi_organisations_global.csv": "hxl.no_hashtags",
    "hxl_location_sample.csv": "hxl.hashtag",  # `+ar-lb` is not a token
    "input-date.csv": "hxl.no_record",
    "input-fuzzy.csv": "hxl.hashtag",  # `country` for `#country`
    "input-invalid.csv": "hxl.no_hashtags",
    "input-multiple-headers.csv": "hxl.no_record",
    "input-untagged.csv": "hxl.no_hashtags",
    "input-valid-latin1.csv": "hxl.encoding",
    "input-valid-nested.json": "hxl.no_hashtags",
    "input-valid-objects.json": "hxl.no_hashtags",
    "input-valid.csv": "hxl.no_record",
    "input-valid.json": "hxl.no_hashtags",
    "input-valid.ssv": "hxl.no_hashtags",
    "input-valid.xlsx": "hxl.encoding",
    "validation-schema-invalid.csv": "hxl.no_record",
}
"""Rule that refuses the file. All are tables of counts, places or organisations, no records."""


def test_the_table_names_every_sample(samples: Samples) -> None:
    assert {path.name for path in samples("hxl/open").iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_samples_are_refused_as_expected(samples: Samples, name: str) -> None:
    assert refused(samples(f"hxl/open/{name}").read_bytes())[0] == EXPECTED[name]


@pytest.mark.parametrize(
    "name", [name for name, rule in EXPECTED.items() if rule == "hxl.no_record"]
)
def test_our_hashtag_row_is_where_libhxl_finds_it(samples: Samples, libhxl: Any, name: str) -> None:
    content = samples(f"hxl/open/{name}").read_bytes()
    row = int(refused(content)[1].removeprefix("row "))
    ours = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))[row - 1]
    theirs = libhxl.data(libhxl.make_input(io.BytesIO(content))).columns
    assert [libhxl.model.Column.parse(tag).display_tag for tag in ours if tag] == [
        column.display_tag for column in theirs if column.display_tag
    ]


def test_familiar_columns_are_not_enough() -> None:
    content = table("#meta+id,#beneficiary+name+family,#date+birth", "a.example/1,Diallo,1990")
    assert refused(content) == ("hxl.no_record", "row 1")
    assert refused(table("#meta+record+type,#date+birth", "person,1990"))[0] == "hxl.no_record"
