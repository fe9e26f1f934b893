"""What each form does to a value, checked by hand-made examples and from the outside."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.forms import (
    BANDS,
    Unplaced,
    band,
    month,
    pseudonym,
    pseudonym_key,
    references,
    today_of,
    transform,
    year,
)
from gateway.places import Places

KEY = b"k" * 32
PLACES = Places(
    {
        "SO25": (1, "SOM"),
        "SO2502": (2, "SO25"),
        "SO250201": (3, "SO2502"),
        "SO25020101": (4, "SO250201"),
    }
)
TODAY = "2026-11-22"
POINT = {"type": "Point", "coordinates": [42.27650, 2.34471, 181.0]}


def form(record_type, field, name, places=PLACES, today=TODAY):
    return transform(record_type, field, name, key=KEY, places=places, today=today)


@pytest.mark.parametrize("value", ["1990", "1990-05", "1990-05-17"])
def test_a_date_is_cut_and_never_completed(value):
    assert year(value) == "1990"
    assert month(value) == value[:7]


@pytest.mark.parametrize(
    ("born", "found"),
    [
        ("2026-11-22", "0-4"),
        ("2027-01-01", "0-4"),
        ("2021-11-23", "0-4"),
        ("2021-11-22", "5-11"),
        ("2014-11-23", "5-11"),
        ("2014-11-22", "12-17"),
        ("2008-11-23", "12-17"),
        ("2008-11-22", "18-59"),
        ("2008-11", "12-17"),
        ("2008-10", "18-59"),
        ("2008-12", "12-17"),
        ("2008", "12-17"),
        ("2007", "18-59"),
        ("1966-11-23", "18-59"),
        ("1966-11-22", "60+"),
        ("1900", "60+"),
    ],
)
def test_a_band_is_of_completed_years(born, found):
    assert band(born, TODAY) == found


@pytest.mark.parametrize(("today", "found"), [("2026-02-28", "12-17"), ("2026-03-01", "18-59")])
def test_a_child_of_the_29th_of_february_comes_of_age_in_march(today, found):
    assert band("2008-02-29", today) == found


@given(st.dates(date(1900, 1, 1), date(2026, 11, 22)))
def test_every_day_of_birth_has_the_band_its_age_lies_in(born):
    today = date(2026, 11, 22)
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))

    low, high = next((low, high) for low, high in BANDS if high is None or age <= high)

    assert low <= age
    assert band(born.isoformat(), TODAY) == (f"{low}+" if high is None else f"{low}-{high}")


@given(st.dates(date(1900, 1, 1), date(2026, 11, 22)))
def test_a_vaguer_date_is_never_of_an_older_band(born):
    order = [f"{low}+" if high is None else f"{low}-{high}" for low, high in BANDS]
    exact, by_month, by_year = (
        order.index(band(born.isoformat()[:length], TODAY)) for length in (10, 7, 4)
    )

    assert exact - 1 <= by_year <= by_month <= exact


def test_a_birth_date_becomes_a_band_with_its_day():
    assert form("person", "birth_date", "age_band")("1989-04-17") == {
        "band": "18-59",
        "as_of": TODAY,
    }


PLACE = {
    "name": "Section 4",
    "location_code": "SOM",
    "admin_level": 3,
    "admin1_code": "SO25",
    "admin1_name": "Gedo",
    "admin2_code": "SO2502",
    "admin2_name": "Baardheere",
    "admin3_code": "SO250201",
    "admin3_name": "Baardheere town",
    "geo": POINT,
    "precision": "exact",
}


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("admin0", {"location_code", "admin_level"}),
        ("admin1", {"location_code", "admin_level", "admin1_code", "admin1_name"}),
        (
            "admin2",
            {
                "location_code",
                "admin_level",
                "admin1_code",
                "admin1_name",
                "admin2_code",
                "admin2_name",
            },
        ),
    ],
)
def test_a_place_keeps_its_levels_down_to_the_form_s(name, kept):
    found = form("person", "place", name)(PLACE)

    assert found.keys() == kept
    assert found["admin_level"] == int(name[-1])
    assert {key: found[key] for key in kept - {"admin_level"}} == {
        key: PLACE[key] for key in kept - {"admin_level"}
    }


@pytest.mark.parametrize(
    ("name", "given", "found"),
    [
        ("admin2", {"admin3_code": "SO250201"}, {"admin1_code": "SO25", "admin2_code": "SO2502"}),
        ("admin1", {"admin4_code": "SO25020101"}, {"admin1_code": "SO25"}),
        (
            "admin3",
            {"admin4_code": "SO25020101"},
            {"admin1_code": "SO25", "admin2_code": "SO2502", "admin3_code": "SO250201"},
        ),
        ("admin2", {"admin1_code": "SO25"}, {"admin1_code": "SO25"}),
        ("admin4", {"admin4_code": "??"}, {"admin4_code": "??"}),
        ("admin2", {"name": "Section 4", "geo": POINT}, {}),
        ("admin0", {"admin1_code": "SO25"}, {}),
    ],
)
def test_an_ancestor_comes_from_the_table(name, given, found):
    less = form("person", "place", name)(given)
    less.pop("admin_level", None)

    assert less == found


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("admin2", {"admin3_code": "SO250299"}),
        ("admin1", {"admin2_code": "SO2599", "location_code": "SOM"}),
        ("coarse_point", {"admin3_code": "unknown", "geo": POINT}),
        ("admin1", {"admin1_code": "SO250201"}),
        ("admin2", {"admin2_code": "SO25020101", "admin1_code": "SO25"}),
        ("admin1", {"admin2_code": "SO2502", "admin1_code": "SO250201"}),
    ],
)
def test_what_lies_where_is_never_guessed(name, given):
    with pytest.raises(Unplaced):
        form("household", "place", name)(given)


def test_a_coarse_point_is_rounded_and_says_so():
    found = form("person", "place", "coarse_point")(PLACE)

    assert found == {
        "location_code": "SOM",
        "admin_level": 2,
        "admin1_code": "SO25",
        "admin1_name": "Gedo",
        "admin2_code": "SO2502",
        "admin2_name": "Baardheere",
        "geo": {"type": "Point", "coordinates": [42.3, 2.3]},
        "precision": "coarse",
    }


def test_a_coarse_place_without_a_point_claims_no_precision():
    assert form("person", "place", "coarse_point")(
        {"admin1_code": "SO25", "precision": "exact"}
    ) == {
        "admin1_code": "SO25",
        "admin_level": 1,
    }


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_a_coarse_point_has_one_decimal_and_lies_near(longitude, latitude):
    point = {"type": "Point", "coordinates": [longitude, latitude]}

    found = form("person", "place", "coarse_point")({"geo": point})["geo"]["coordinates"]

    assert [round(number, 1) for number in found] == found
    assert abs(found[0] - longitude) <= 0.0501
    assert abs(found[1] - latitude) <= 0.0501


def test_addresses_are_cut_one_by_one_and_empty_ones_are_left_out():
    found = form("person", "address", "admin1")(
        [
            {"address_line_1": "Third row", "country_code": "SO", "admin2_code": "SO2502"},
            {"address_line_1": "Behind the well", "locality": "Section 4", "postal_code": "1"},
        ]
    )

    assert found == [{"country_code": "SO", "admin1_code": "SO25"}]


def test_a_pseudonym_looks_like_an_id_and_hides_it():
    found = form("person", "record_id", "pseudonym")("demo.example/p1")

    assert found == pseudonym(KEY, "demo.example/p1")
    assert found.startswith("pseudonym/")
    assert len(found) == len("pseudonym/") + 26


def test_a_pseudonym_depends_on_key_and_id_alone():
    # printf a/b | openssl dgst -sha256 -hmac kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk, 16 bytes, base32
    assert pseudonym(KEY, "a/b") == "pseudonym/yosd2e744lcchc2lnmp5622qp4"
    assert pseudonym(KEY, "a/b") != pseudonym(b"l" * 32, "a/b")
    assert pseudonym(KEY, "a/b") != pseudonym(KEY, "a/c")


@pytest.mark.parametrize(
    "other",
    [
        ("org:x", "org:b", "hum.a"),
        ("org:a", "org:x", "hum.a"),
        ("org:a", "org:b", "hum.x"),
        ("org:a", "org:b", "hum.a", "2026-01-01T00:00:00Z"),
        ("org:b", "org:a", "hum.a"),
    ],
)
def test_each_sender_recipient_and_purpose_has_a_key(other):
    scope = ("org:a", "org:b", "hum.a")

    assert pseudonym_key(KEY, *scope) == pseudonym_key(KEY, *scope)
    assert pseudonym_key(KEY, *scope) != pseudonym_key(KEY, *other)
    assert pseudonym_key(KEY, *scope) != pseudonym_key(b"l" * 32, *scope)


def test_references_become_the_pseudonyms_of_what_they_refer_to():
    one = pseudonym(KEY, "d/p1")

    assert form("household", "group_head", "pseudonym")("d/p1") == one
    assert form("household", "member_list", "pseudonym")(
        [{"member": "d/p1", "is_head": True}, {"relationship_head": "child"}]
    ) == [{"member": one, "is_head": True}, {"relationship_head": "child"}]
    assert form("person", "relationships", "pseudonym")(
        [{"related": "d/p1", "relationship_type": "spouse"}]
    ) == [{"related": one, "relationship_type": "spouse"}]


def test_a_field_without_references_has_no_pseudonym():
    with pytest.raises(GatewayError) as caught:
        references(KEY, {"type": "object", "properties": {"a": {"type": "string"}}})

    assert caught.value.rule == "minimize.no_reference"


def test_keep_copies_nothing():
    assert form("person", "name", "keep") is None


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("name", "year"),
        ("name", "admin1"),
        ("name", "pseudonym"),
        ("birth_date", "admin1"),
        ("birth_date", "pseudonym"),
        ("registration_date", "age_band"),
        ("death_date", "age_band"),
        ("place", "month"),
        ("place", "admin5"),
        ("place", "admin"),
        ("place", "administrator"),
        ("record_id", "year"),
        ("birth_date", "Year"),
        ("sex", "coarse_point"),
        ("sex", ""),
    ],
)
def test_a_form_of_another_family_is_a_fault_and_never_keep(field, name):
    with pytest.raises(GatewayError) as caught:
        form("person", field, name)

    assert (caught.value.rule, caught.value.at) == ("minimize.form", f"person.{field}")


def test_today_is_the_day_in_utc():
    assert today_of("2026-11-22T23:59:59Z") == "2026-11-22"
    assert today_of("2026-11-23T01:30:00+03:00") == "2026-11-22"
