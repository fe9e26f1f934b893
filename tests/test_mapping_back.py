"""Records written into a form's own fields, and read again."""

import copy
import json
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from adapters.kobo import Kobo
from gateway.adapter import read, write
from gateway.mapping import Reader, write_back
from gateway.record import leaves, walk
from tests.canonical_records import comparable, present, records
from tests.mapping_tables import every_line, good_sources, hope

KOBO = Kobo()


@settings(max_examples=100, deadline=None)
@given(st.lists(good_sources(), min_size=1, max_size=3))
def test_what_was_read_is_written_and_read_again(sources):
    plan = every_line()
    for number, source in enumerate(sources):
        source["meta/id"] = f"uuid:{number}"
    first = read(KOBO, json.dumps(sources).encode(), plan).records

    written = write(KOBO, first, plan)
    again = read(KOBO, written.content, plan).records

    kept = {path for path in written.unrendered if not path.endswith("record_id")}
    assert comparable(again, kept) == comparable(first, kept)
    assert not {"household.record_id", "person.record_id"} & {*written.unrendered}
    assert not present(first) - present(again) - {*written.unrendered}


slow = settings(
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@slow
@given(records(plain=True), st.sampled_from(["every_line", "hope"]))
def test_nothing_of_any_record_is_lost_without_a_word(batch, table):
    plan = {"every_line": every_line, "hope": hope}[table]()
    batch = list({one["record_id"]: one for one in batch}.values())
    before = copy.deepcopy(batch)

    written = write(KOBO, batch, plan)

    again = read(KOBO, written.content, plan).records
    assert batch == before
    for path in (
        present(batch) - {*written.unrendered} - {"person.record_id", "household.record_id"}
    ):
        record_type, leaf = path.split(".", 1)
        if leaf.split(".")[0] in ("record_type", "schema_version", "withheld"):
            continue
        where = leaves(record_type)[leaf]
        if not where.spec.get("x-ref"):
            # A question that fills two fields fills both again, so there may be more.
            assert not values(batch, record_type, where.path) - values(
                again, record_type, where.path
            )
    assert not {*written.lineage} & {*written.unrendered}


def values(batch, record_type, path):
    found = [list(walk(one, path)) for one in batch if one["record_type"] == record_type]
    return Counter(
        repr(sorted(one.items()) if isinstance(one, dict) else one)
        for several in found
        for one in several
    )


def back(plan, records):
    """All objects at once, and what was lost."""
    lost = set()
    return list(write_back(plan, records, lost)), lost


def person(number, **more):
    return {"record_type": "person", "schema_version": "1.0", "record_id": f"k/{number}", **more}


def household(**more):
    head = {"record_type": "household", "schema_version": "1.0", "record_id": "kobo.example/1"}
    return {**head, **more}


def test_a_member_s_line_is_written_beside_that_member():
    members = [
        {"member": "k/gone", "relationship_head": "head"},
        {"member": "k/2", "relationship_head": "child"},
    ]

    [written], lost = back(
        every_line(), [household(member_list=members), person(2, name={"full_name": "Amina"})]
    )

    assert written["people"] == [{"people/role": "child", "people/name": "Amina"}]
    assert "household.member_list[].relationship_head" in lost
    assert "person.record_id" in lost


def test_a_member_stands_in_one_household_only():
    one = household(member_list=[{"member": "k/2"}])
    other = {**one, "record_id": "kobo.example/3"}

    first, second = back(every_line(), [one, other, person(2)])[0]

    assert len(first["people"]) == 1
    assert "people" not in second


def test_a_person_without_a_household_is_reported_field_by_field():
    objects, lost = back(every_line(), [person(1, sex="male", name={"full_name": "A"})])

    assert objects == []
    assert lost == {"person.record_id", "person.sex", "person.name.full_name"}


@pytest.mark.parametrize(
    ("fields", "lost", "written"),
    [
        ({"displacement_status": "OOC"}, {"household.displacement_status"}, {}),
        ({"displacement_status": "IDP"}, set(), {"status": "idp"}),
        ({"group_size": 4}, set(), {"size": "4"}),
        ({"registration_date": "2026-01-01"}, {"household.registration_date"}, {}),
        ({"poverty_score": "1.50"}, set(), {"score": "1.50"}),
        ({"poverty_score": "1" * 16}, {"household.poverty_score"}, {}),
        ({"group_type": "family"}, {"household.group_type"}, {}),
        ({"group_type": "household"}, {"household.group_type"}, {}),
        ({"poverty_score_type": "x"}, {"household.poverty_score_type"}, {}),
        ({"place": {"name": "x"}}, {"household.place.name"}, {}),
        (
            {"place": {"geo": {"type": "Point", "coordinates": [42.5, 2.0]}}},
            set(),
            {"point": "42.5 2.0 0 0"},
        ),
        (
            {"place": {"geo": {"type": "Point", "coordinates": [42.5, 2, 9]}}},
            set(),
            {"point": "42.5 2 9 0"},
        ),
        ({"protection": {"consent": {"scope": ["b", "a"]}}}, set(), {"scope": "b a"}),
        (
            {"protection": {"consent": {"scope": ["z"]}}},
            {"household.protection.consent.scope[]"},
            {},
        ),
        (
            {"source": {"source_date": "2026-01-01T00:00:00Z"}},
            set(),
            {"made": "2026-01-01T00:00:00Z"},
        ),
        ({"group_head": "k/9"}, {"household.group_head"}, {}),
        (
            {"group_identifier": [{"identifier_type": "card", "identifier_value": "007"}]},
            set(),
            {"card": "007"},
        ),
        (
            {"group_identifier": [{"identifier_type": "scar", "identifier_value": "007"}]},
            {
                "household.group_identifier[].identifier_type",
                "household.group_identifier[].identifier_value",
            },
            {},
        ),
        (
            {"group_identifier": [{"identifier_type": "ticket", "identifier_value": "T"}]},
            {
                "household.group_identifier[].identifier_type",
                "household.group_identifier[].identifier_value",
            },
            {"ticket": "T"},
        ),
    ],
)
def test_what_has_no_way_back_is_left_out_and_reported(fields, lost, written):
    [found], reported = back(every_line(), [household(**fields)])

    found.pop("meta/id")
    assert (found, reported) == (written, lost)


def test_of_several_source_codes_the_first_is_written():
    record = {**household(displacement_status="RET"), "record_id": f"{hope().authority}/1"}

    [written], lost = back(hope(), [record])

    assert (written["residence_status_h_c"], lost) == ("returnee", set())


def test_a_date_less_exact_than_its_question_is_not_written():
    plan = hope()
    record = {**household(registration_date="2026"), "record_id": f"{plan.authority}/1"}

    [written], lost = back(plan, [record])

    assert "first_registration_date_h_c" not in written
    assert lost == {"household.registration_date"}


@pytest.mark.parametrize(
    ("fields", "lost"),
    [
        ({"name": {"alternate_names": ["A", "B"]}}, set()),
        ({"name": {"alternate_names": ["A;B"]}}, {"person.name.alternate_names[]"}),
        ({"phone_number": ["1", "2"]}, set()),
        ({"phone_number": ["1", "none"]}, {"person.phone_number[]"}),
        ({"phone_number": ["1", "2", "3"]}, {"person.phone_number[]"}),
        ({"registration_date": "2026-01-01"}, {"person.registration_date"}),
        ({"is_disabled": False}, set()),
        ({"sex": "male"}, {"person.sex"}),
    ],
)
def test_a_person_s_line_is_written_where_it_reads_back(fields, lost):
    plan = every_line()
    house = household(member_list=[{"member": "kobo.example/1.1"}])

    objects, reported = back(
        plan, [house, {**person(1, **fields), "record_id": "kobo.example/1.1"}]
    )

    assert reported == lost
    [_, again] = Reader(plan).read(objects[0], at="here")
    kept = {name for name in fields if f"person.{name}" not in {p.split("[")[0] for p in lost}}
    assert {name: again.get(name) for name in kept if not lost} == {
        name: fields[name] for name in kept if not lost
    }


def test_what_an_item_shares_with_its_household_is_the_household_s_to_say():
    plan = hope()
    house = {
        "record_type": "household",
        "record_id": f"{plan.authority}/1",
        "displacement_status": "IDP",
        "member_list": [{"member": f"{plan.authority}/1.{n}"} for n in (1, 2)],
    }
    people = [
        {
            "record_type": "person",
            "record_id": f"{plan.authority}/1.{n}",
            "displacement_status": status,
        }
        for n, status in ((1, "IDP"), (2, "REF"))
    ]

    both, lost = back(plan, [house, *people])
    alone, gone = back(plan, [{**house, "displacement_status": "IDP"}, people[0]])
    del house["displacement_status"]
    none, missing = back(plan, [house, people[0]])

    assert both[0]["residence_status_h_c"] == "idp"
    assert "person.displacement_status" in lost
    assert alone[0]["residence_status_h_c"] == "idp"
    assert "person.displacement_status" not in gone
    assert "residence_status_h_c" not in none[0]
    assert "person.displacement_status" in missing


def test_another_authority_s_id_is_reported():
    [written], lost = back(every_line(), [{**household(), "record_id": "other.example/7"}])

    assert written == {"meta/id": "uuid:7"}
    assert lost == {"household.record_id"}
