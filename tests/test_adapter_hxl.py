"""HXL: both directions, against libhxl, Python's csv and real files."""

import csv
import importlib.util
import io
import json
import re
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.hxl import Hxl, HxlJson, HxlXlsx
from adapters.hxl.columns import LEVELS, by_hashtag, hashtag, normal
from adapters.hxl.table import table_of
from gateway.adapter import installed, read, write
from gateway.errors import SenderError
from gateway.record import RECORD_TYPES, check, leaves
from tests.canonical_records import comparable, present, records

HXL = Hxl()
NOTATIONS = [HXL, HxlXlsx(), HxlJson()]
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

# What libhxl reads workbooks with imports a module that defusedxml says is old.
pytestmark = pytest.mark.filterwarnings("ignore:defusedxml.cElementTree:DeprecationWarning")

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
        read(HXL, content, None)
    return caught.value.rule, caught.value.at


# The schemas' hashtags


@pytest.mark.parametrize("record_type", RECORD_TYPES)
def test_every_leaf_but_extension_has_a_hashtag_of_its_own(record_type: str) -> None:
    tags = {name: leaf.spec.get("x-hxl") for name, leaf in leaves(record_type).items()}
    assert [name for name, tag in tags.items() if tag is None] == ["extension"]
    sets = [frozenset(tag.split("+")) for tag in tags.values() if tag]
    assert len(sets) == len(set(sets))


def test_a_hashtag_means_the_same_kind_of_value_for_every_record_type() -> None:
    for found in by_hashtag().values():
        shapes = {(target.kind, target.repeats, target.depth) for target in found.values()}
        assert len(shapes) == 1, found


def test_no_array_is_deeper_than_its_indices_reach() -> None:
    for found in by_hashtag().values():
        assert all(target.depth <= len(LEVELS) for target in found.values())


# Both directions


def test_is_installed_under_its_name() -> None:
    assert (installed()["hxl"].name, installed()["hxl"].media_type) == ("hxl", "text/csv")


def test_people_come_back_field_by_field() -> None:
    rendered = write(HXL, PEOPLE, None)
    parsed = read(HXL, rendered.content, None)
    assert rendered.unrendered == ("person.extension",)
    assert parsed.records == comparable(PEOPLE, rendered.unrendered)
    assert parsed.unmapped == ()
    assert parsed.lineage == rendered.lineage
    assert rendered.lineage["person.place.geo"] == "#geo"
    assert rendered.lineage["person.identifier[].issuer"] == "#meta+identifier+issuer"


@pytest.mark.parametrize("notation", NOTATIONS, ids=lambda one: one.name)
def test_the_largest_numbers_a_schema_allows_come_back(notation: Hxl) -> None:
    size = {"size": 2**53 - 1}
    alert = {"record_type": "alert", "record_id": "a.example/1", "info": [{"resource": [size]}]}

    assert read(HXL, write(notation, [alert]).content).records == [alert]


@pytest.mark.parametrize("notation", NOTATIONS, ids=lambda one: one.name)
@SLOW
@given(records(types=RECORD_TYPES, most=2))
def test_what_is_rendered_reads_back(notation: Hxl, given_records: list[Any]) -> None:
    try:
        rendered = write(notation, given_records, None)
    except SenderError as error:
        # The schema lets an id hold a NUL; no table does.
        assert error.rule == "hxl.record_id"  # noqa: PT017
        return
    parsed = read(HXL, rendered.content, None)
    gone = set(rendered.unrendered)
    assert comparable(parsed.records, gone) == comparable(given_records, gone)
    assert parsed.unmapped == ()
    assert {**parsed.lineage, **rendered.lineage} == parsed.lineage
    assert parsed.lineage.keys() - rendered.lineage.keys() <= gone
    assert set(rendered.lineage) | gone == present(given_records)
    for record in parsed.records:
        check(record, at="parsed")


# What others make of it


def issues(hxl: Any, content: bytes) -> list[Any]:
    found: list[Any] = []
    schema = hxl.schema(None, callback=found.append)
    schema.validate(hxl.data(hxl.make_input(io.BytesIO(content))))
    return [issue for issue in found if issue.rule.severity == "error"]


@pytest.mark.parametrize("notation", NOTATIONS, ids=lambda one: one.name)
def test_libhxl_reads_the_same_cells(libhxl: Any, notation: Hxl) -> None:
    content = write(notation, PEOPLE, None).content
    data = libhxl.data(libhxl.make_input(io.BytesIO(content)))
    ours = table_of(io.BytesIO(content))
    assert [spelled(column.display_tag) for column in data.columns] == [
        column.shown for column in ours.columns
    ]
    found = list(data)
    assert [row.get("#beneficiary+name+full") for row in found] in (
        [None, "أمينة يوسف"],
        ["", "أمينة يوسف"],
    )
    assert [row.get("#meta+id-head-member-relationship") for row in found] == [
        "unhcr.example/h1",
        "unhcr.example/p1",
    ]
    assert str(found[0].get("#population+hh")) == "0"


def spelled(tag: str) -> str:
    """A hashtag of libhxl's in our one spelling."""
    found = hashtag(tag)
    assert found is not None
    return normal(found)


EXAMPLES = Path(__file__).resolve().parent.parent / "schemas" / "examples"


@pytest.mark.parametrize("notation", NOTATIONS, ids=lambda one: one.name)
@pytest.mark.parametrize("record_type", RECORD_TYPES)
def test_libhxl_takes_every_record_type(libhxl: Any, notation: Hxl, record_type: str) -> None:
    found = json.loads((EXAMPLES / f"{record_type}.json").read_bytes())
    rendered = write(notation, found, None)
    assert rendered.unrendered in ((), (f"{record_type}.extension",))
    assert read(HXL, rendered.content).records == comparable(found, rendered.unrendered)
    data = list(libhxl.data(libhxl.make_input(io.BytesIO(rendered.content))))
    assert [row.get("#meta+record+type") for row in data] == [record_type] * len(found)


def test_libhxls_default_schema_finds_no_error(libhxl: Any) -> None:
    content = write(HXL, PEOPLE, None).content
    assert issues(libhxl, content) == []
    # A line break within a cell is a warning there, and a warning makes a file invalid.
    content = content.replace(b"\nupstairs", b"")
    assert libhxl.validate(libhxl.data(libhxl.make_input(io.BytesIO(content))))["is_valid"]


@SLOW
@given(records(plain=True).filter(bool))
def test_libhxls_default_schema_finds_no_error_in_any(libhxl: Any, found: list[Any]) -> None:
    assert issues(libhxl, write(HXL, found, None).content) == []


def test_libhxls_default_schema_would_notice(libhxl: Any) -> None:
    content = write(HXL, PEOPLE, None).content
    assert issues(libhxl, content.replace(b"#beneficiary+name+full", b"#affected+name+full"))


def test_the_table_as_python_reads_it() -> None:
    content = write(HXL, PEOPLE, None).content
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


@given(
    st.sampled_from(["=", "+", "-", "@", "\t", "\r", "\n", " =", "\u200b@", "＝", "－", "＠"]),
    st.sampled_from(["", "'", "''"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=3),
)
def test_no_text_begins_like_a_formula_and_every_text_survives(
    first: str, before: str, rest: str
) -> None:
    text = before + first + rest.encode(errors="ignore").decode()
    record = {"record_type": "person", "record_id": "a.example/1", "religion": text}
    content = write(HXL, [record], None).content
    row = list(csv.reader(io.StringIO(content.decode(), newline="")))[2]
    assert row[-1] == (text if re.fullmatch(r"-[0-9]+(\.[0-9]+)?", text) else f"'{text}")
    assert read(HXL, content, None).records == [record]


def test_a_text_no_table_can_hold_is_told() -> None:
    record = {"record_type": "person", "record_id": "a.example/1", "religion": "a\0b"}
    for notation, gone in zip(NOTATIONS, (True, True, False), strict=True):
        assert write(notation, [record], None).unrendered == (("person.religion",) if gone else ())


def test_no_record_gives_a_table_without_rows() -> None:
    content = write(HXL, [], None).content
    assert content.decode().splitlines()[1] == TAGS
    assert read(HXL, content, None).records == []


def test_nothing_empty_is_written() -> None:
    record = {"record_type": "person", "record_id": "a.example/1", "identifier": [{}], "email": []}
    rendered = write(HXL, [record], None)
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
    "input-valid-latin1.csv": "table.encoding",
    "input-valid-nested.json": "hxl.no_record",
    "input-valid-objects.json": "hxl.no_record",
    "input-valid.csv": "hxl.no_record",
    "input-valid.json": "hxl.no_record",
    "input-valid.ssv": "hxl.no_record",
    "input-valid.xlsx": "hxl.no_record",
    "validation-schema-invalid.csv": "hxl.no_record",
}
"""Rule that refuses the file. All are tables of counts, places or organisations, no records."""


def test_the_table_names_every_sample(samples: Samples) -> None:
    assert {path.name for path in samples("hxl/open").iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_samples_are_refused_as_expected(samples: Samples, name: str) -> None:
    assert refused(samples(f"hxl/open/{name}").read_bytes())[0] == EXPECTED[name]


@pytest.mark.parametrize(
    "name",
    [
        *(f"hxl/open/{name}" for name, rule in EXPECTED.items() if rule == "hxl.no_record"),
        "ocha-3w-cod/open/lbn_sectorsreporting_bydistrict_20240902_hxlated.csv",
        "ocha-3w-cod/open/download-global-pcodes-adm-1-2.csv",
    ],
)
def test_libhxl_finds_the_same_hashtags_and_rows(samples: Samples, libhxl: Any, name: str) -> None:
    content = samples(name).read_bytes()
    ours = table_of(io.BytesIO(content))
    theirs = libhxl.data(libhxl.make_input(io.BytesIO(content)))
    assert [column.shown for column in ours.columns if column.tag] == [
        spelled(column.display_tag) for column in theirs.columns if column.display_tag
    ]
    tagged = [column.place for column in ours.columns if column.tag]
    assert [[str(row[n]) if n < len(row) else "" for n in tagged] for _, row in ours.rows] == [
        [str(row.values[n]) if n < len(row.values) else "" for n in tagged] for row in theirs
    ]


def test_familiar_columns_are_not_enough() -> None:
    content = table("#meta+id,#beneficiary+name+family,#date+birth", "a.example/1,Diallo,1990")
    assert refused(content) == ("hxl.no_record", "row 1")
    assert refused(table("#meta+record+type,#date+birth", "person,1990"))[0] == "hxl.no_record"
