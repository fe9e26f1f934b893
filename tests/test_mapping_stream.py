"""Records written back as they come: in order, out of order, and with no more held than that."""

import copy
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.mapping import Reader, plan_of, write_back
from tests.mapping_tables import ROWS, TABLE, every_line, good_sources, hope


def household(number, *members, **more):
    return {
        "record_type": "household",
        "record_id": f"kobo.example/{number}",
        "member_list": [{"member": f"kobo.example/{number}.{member}"} for member in members],
        **more,
    }


def person(number, member, **more):
    return {"record_type": "person", "record_id": f"kobo.example/{number}.{member}", **more}


def back(*records):
    lost = set()
    return list(write_back(every_line(), records, lost)), lost


def named(number, member):
    return person(number, member, name={"full_name": f"{number}.{member}"})


HOUSE = [household(1, 1, 2), named(1, 1), named(1, 2)]
WRITTEN = {
    "meta/id": "uuid:1",
    "people": [{"people/name": "1.1"}, {"people/name": "1.2"}],
}


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 1, 0), (1, 0, 2), (2, 0, 1)])
def test_members_may_stand_before_or_after_their_household(order):
    assert back(*(HOUSE[n] for n in order)) == ([WRITTEN], set())


def test_a_household_is_written_as_soon_as_its_members_have_been_seen():
    taken = []

    def records():
        for number in range(1, 4):
            for one in (household(number, 1), named(number, 1)):
                taken.append(one["record_id"])
                yield one

    objects = write_back(every_line(), records(), set())

    assert [one["meta/id"] for one in islice(objects, 2)] == ["uuid:1", "uuid:2"]
    assert taken[-1] == "kobo.example/2.1"


def test_what_is_complete_does_not_wait_for_what_is_not():
    found, lost = back(household(1, 1), household(2), named(1, 1))

    assert [one["meta/id"] for one in found] == ["uuid:2", "uuid:1"]
    assert lost == set()


def test_households_whose_members_never_come_are_written_at_the_end():
    found, lost = back(household(1, 1, 2), named(1, 2), household(2))

    assert [one["meta/id"] for one in found] == ["uuid:2", "uuid:1"]
    # The member that came stands first now: it is another record to whoever reads this.
    assert found[1]["people"] == [{"people/name": "1.2"}]
    assert lost == {"household.member_list[].member", "person.record_id"}


def test_members_nobody_lists_are_lost():
    found, lost = back(household(1), named(1, 1))

    assert "people" not in found[0]
    assert lost == {"person.record_id", "person.name.full_name"}


def test_a_second_record_of_one_member_is_lost_and_not_mixed_in():
    found, lost = back(named(1, 1), person(1, 1, phone_number=["7"]), household(1, 1))

    assert found == [{"meta/id": "uuid:1", "people": [{"people/phone": "7"}]}]
    assert {"person.record_id", "person.name.full_name"} <= lost


def test_a_member_of_two_households_stands_in_the_first():
    shared = {"member_list": [{"member": "kobo.example/1.1"}]}

    found, lost = back(household(1, **shared), household(2, **shared), named(1, 1))

    assert [one["meta/id"] for one in found if "people" in one] == ["uuid:1"]
    assert "household.member_list[].member" in lost


def test_a_record_of_a_type_the_table_does_not_make_is_lost():
    found, lost = back({"record_type": "facility", "record_id": "x.example/1", "comment": "x"})

    assert (found, lost) == ([], {"facility.record_id", "facility.comment"})


@settings(max_examples=40, deadline=None)
@given(st.lists(good_sources(), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_order_changes_only_the_order(sources, random):
    plan = every_line()
    for number, source in enumerate(sources):
        source["meta/id"] = f"uuid:{number}"
    records = [one for source in sources for one in Reader(plan).read(source, at="here")]
    mixed = list(records)
    random.shuffle(mixed)

    straight, lost = back(*records)
    shuffled, gone = back(*mixed)

    assert sorted(map(repr, straight)) == sorted(map(repr, shuffled))
    assert lost == gone
    assert back(*mixed)[0] == shuffled


def test_reading_and_writing_by_one_plan_may_be_done_in_turns():
    """A recipient's format may be the sender's, with the same table."""
    plan = hope()
    reader = Reader(plan)
    sources = [{"_uuid": str(n), "individual_questions": [{"x": 1}]} for n in range(3)]

    def records():
        for n, source in enumerate(sources):
            yield from reader.read(source, at=str(n))

    lost = set()
    found = list(write_back(plan, records(), lost))

    assert [one["meta/rootUuid"] for one in found] == ["uuid:0", "uuid:1", "uuid:2"]
    assert reader.trace(str).unmapped == ("x",)
    assert "household.record_id" not in lost


def test_objects_of_a_list_that_are_no_records_are_items_of_their_repeat():
    record = {
        "record_type": "facility",
        "record_id": "rows.example/A:1",
        "facility_id": "A",
        "service": [{"service_name": "birth"}, {"is_available": False, "stability": "x"}],
    }
    lost = set()

    [found] = write_back(plan_of(ROWS, at="t"), [record], lost)

    assert found["services"] == [{"what": "birth"}, {"open": "false"}]
    assert lost == {"facility.service[].stability"}


def test_objects_of_a_list_are_no_members_of_a_household():
    table = copy.deepcopy(TABLE)
    table["records"][0]["fields"]["address[]"] = {
        "each": "people",
        "fields": {"locality": "*/town"},
    }
    record = {**household(1), "address": [{"locality": "Daru"}]}
    lost = set()

    [found] = write_back(plan_of(table, at="t"), [record], lost)

    assert "people" not in found
    assert lost == {"household.address[].locality"}


def test_a_table_that_cannot_read_what_it_wrote_writes_nothing():
    table = copy.deepcopy(TABLE)
    table["records"][0]["fields"] = {
        "group_size": {"from": "x", "as": "integer"},
        "poverty_score_type": "*/x",
    }
    objects = write_back(plan_of(table, at="t"), [household(1, poverty_score_type="Canary")], set())

    with pytest.raises(GatewayError) as caught:
        next(objects)

    assert caught.value.rule == "mapping.not_read_back"
    assert "Canary" not in str(caught.value)
