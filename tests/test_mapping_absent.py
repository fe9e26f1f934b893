"""Why there is no value: not asked, unanswered, withheld, unknown, or nothing said at all."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import OfficerError
from gateway.mapping import Reader, plan_of, write_back
from gateway.record import validator
from tests.mapping_tables import ROWS, good_rows, rows

HEAD = {"site": "A", "round": 1}


def read(**fields):
    return Reader(rows()).read({**HEAD, **fields}, at="here")[0]


@pytest.mark.parametrize(
    ("fields", "absent"),
    [
        ({}, None),
        ({"name": None}, {"facility_name": "not_asked"}),
        ({"name": ""}, {"facility_name": "unanswered"}),
        ({"name": "-"}, {"facility_name": "unknown"}),
        ({"name": "***"}, {"facility_name": "withheld"}),
        ({"name": "***", "label": ""}, {"facility_name": "withheld"}),
        ({"label": "", "name": None}, {"facility_name": "not_asked"}),
        ({"name": "***", "label": "Halgan"}, None),
        ({"name": "Halgan", "label": None}, None),
        ({"kind": "na"}, {"facility_kind": "not_asked"}),
        ({"kind": "none"}, None),
        ({"day": "-1"}, None),
        ({"note": ""}, None),
        ({"note": None}, {"comment": "unanswered"}),
        ({"iso": "XX", "village": ""}, {"place": "withheld"}),
        ({"village": ""}, {"place": "unanswered"}),
        ({"village": "", "iso": "SO"}, None),
        ({"services": [{"what": ""}, {"open": None}]}, {"service": "unanswered"}),
        ({"services": [{"what": ""}, {"open": True}]}, None),
        ({"services": None}, None),
    ],
)
def test_the_four_absences_are_kept_apart(fields, absent):
    found = read(**fields)

    assert found.get("absent") == absent
    assert validator("facility").is_valid(found)


def test_an_empty_text_and_a_null_say_nothing_where_the_table_gives_no_reason():
    found = read(parent="", at=None)

    assert found == {
        "record_type": "facility",
        "schema_version": "1.0",
        "record_id": "rows.example/A:1",
        "facility_id": "A",
    }


def test_lineage_says_where_an_absence_was_read():
    reader = Reader(rows())
    reader.read({**HEAD, "name": "", "g/village": "Daru"}, at="here")

    found = reader.trace(str).lineage

    assert found["facility.absent"] == "name | g/village"


def back(record):
    lost = set()
    [written] = write_back(rows(), [record], lost)
    return written, lost


def record(**fields):
    return {
        "record_type": "facility",
        "record_id": "rows.example/A:1",
        "facility_id": "A",
        **fields,
    }


@pytest.mark.parametrize(
    ("absent", "written", "lost"),
    [
        ({"facility_name": "unknown"}, {"name": "-"}, False),
        ({"facility_name": "unanswered"}, {"name": ""}, False),
        ({"facility_name": "not_asked"}, {"name": None}, False),
        ({"place": "withheld"}, {"iso": "XX"}, False),
        ({"place": "unanswered"}, {"*/village": ""}, False),
        ({"place": "unknown"}, {}, True),
        (
            {"comment": "unanswered", "facility_kind": "not_asked"},
            {"note": None, "kind": "na"},
            False,
        ),
        ({"capacity_day": "unknown"}, {}, True),
        ({"service": "unanswered"}, {}, True),
        ({"facility_id": "unknown"}, {}, True),
    ],
)
def test_a_reason_is_written_as_its_one_text(absent, written, lost):
    found, gone = back(record(absent=absent))

    key = {one.rsplit("/", 1)[-1]: text for one, text in written.items()}
    assert found == {"site": "A", "round": "1", **key}
    assert ("facility.absent" in gone) is lost


def test_a_reason_with_two_texts_is_not_written():
    table = copy.deepcopy(ROWS)
    table["records"][0]["fields"]["comment"]["missing"] = {"-": "unknown", "?": "unknown"}

    lost = set()
    [found] = write_back(plan_of(table, at="t"), [record(absent={"comment": "unknown"})], lost)

    assert "note" not in found
    assert lost == {"facility.absent"}


@settings(max_examples=100, deadline=None)
@given(st.lists(good_rows(), min_size=1, max_size=3))
def test_rows_written_back_read_the_same_or_say_what_is_lost(several):
    plan = rows()
    first = [one for row in several for one in Reader(plan).read(row, at="here")]

    lost = set()
    written = list(write_back(plan, first, lost))

    again = [one for row in written for one in Reader(plan).read(row, at="here")]
    gone = {path.removeprefix("facility.").split("[")[0].split(".")[0] for path in lost}
    for one, other in zip(first, again, strict=True):
        assert {k: v for k, v in one.items() if k not in gone} == {
            k: v for k, v in other.items() if k not in gone
        }
    assert gone <= {"service", "absent", "capacity_night"}


@pytest.mark.parametrize(
    "missing", [{"-": "because"}, {}, {"-": None}, "x", {"-": "unknown", "": ["x"]}]
)
def test_no_other_reason_is_known(missing):
    table = copy.deepcopy(ROWS)
    table["records"][0]["fields"]["comment"]["missing"] = missing

    with pytest.raises(OfficerError) as caught:
        plan_of(table, at="t")

    assert caught.value.rule.startswith("document.")
