"""A payload's own lines, compiled once they are known: quicker, and never another reading."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import SenderError
from gateway.mapping import Reader, plan_of
from gateway.mapping.interpret import interpret
from gateway.mapping.lookup import Keys, Lookup
from gateway.mapping.narrow import narrowed
from gateway.mapping.reader import LOOK_AFTER, MAX_NARROWED
from tests.mapping_tables import every_line, good_rows, good_sources, odd_rows, odd_sources, rows


def soon(plan, after=2):
    """A reader that looks after a few objects already."""
    reader = Reader(plan)
    reader._until = reader._look_after = after
    return reader


def slowly(plan, source):
    lookups = {level: Lookup(Keys(slots)) for level, slots in plan.levels().items()}
    try:
        return interpret(plan, lookups, source, at="here")
    except SenderError as error:
        return (error.rule, error.at)


def agree(plan, several):
    reader = soon(plan)
    for source in several:
        before = copy.deepcopy(source)
        try:
            found = reader.read(source, at="here")
        except SenderError as error:
            found = (error.rule, error.at)
        assert repr(found) == repr(slowly(plan, source))
        assert repr(source) == repr(before)


@settings(max_examples=150, deadline=None)
@given(st.lists(good_sources() | odd_sources(), min_size=3, max_size=9))
def test_submissions_read_alike_before_and_after(several):
    agree(every_line(), several)


@settings(max_examples=150, deadline=None)
@given(st.lists(good_rows() | odd_rows(), min_size=3, max_size=9))
def test_rows_read_alike_before_and_after(several):
    agree(rows(), several)


ROW = {"site": "A", "round": 1, "name": "x"}


def test_a_key_that_comes_late_is_read_and_traced():
    reader = soon(rows())
    for _ in range(4):
        reader.read(ROW, at="row")

    [found] = reader.read({**ROW, "parent": "S-1", "vendor": 1}, at="row")

    assert found["part_of"] == "rows.example/1"
    assert reader.trace(str).lineage["facility.part_of"] == "parent"
    assert reader.trace(str).unmapped == ("vendor",)


def test_two_keys_of_one_line_fight_afterwards_too():
    reader = soon(rows())
    twice = {"site": "A", "round": 1, "a/label": "x", "b/label": "x"}
    for _ in range(4):
        assert reader.read(twice, at="row")[0]["facility_name"] == "x"

    with pytest.raises(SenderError) as caught:
        reader.read({**twice, "b/label": "y"}, at="row")

    assert caught.value.rule == "mapping.ambiguous"


def test_items_that_come_late_are_read_and_traced():
    reader = soon(rows())
    for _ in range(4):
        reader.read({**ROW, "services": [{"x": 1}]}, at="row")

    [found] = reader.read({**ROW, "services": [{"what": "birth", "vendor": 1}]}, at="row")

    assert found["service"] == [{"service_name": "birth"}]
    assert reader.trace(str).unmapped == ("vendor", "x")


def test_a_reader_that_is_wrong_about_its_payload_waits_longer_before_it_looks_again():
    reader = soon(rows())
    keys = ["parent", "kind", "iso", "at", "day"]
    waits = []
    for key in keys:
        for _ in range(reader._until):
            reader.read(ROW, at="row")
        reader.read({**ROW, key: ""}, at="row")
        waits.append(reader._until)

    assert waits == sorted(waits)
    assert waits[-1] > waits[0]


def test_only_the_lines_with_keys_are_looked_at():
    plan = every_line()
    met = {None: frozenset({"meta/id", "people", "size"}), "people": frozenset({"*/name"})}

    household, person = narrowed(plan, met).made

    assert [source.slot for source in household.ids] == ["meta/id"]
    assert set(household.body.fields) == {"group_size", "member_list"}
    assert set(person.body.fields) == {"name", "relationships"}
    assert len(narrowed(plan, {None: frozenset({"meta/id"})}).made) == 1


def test_a_line_that_could_refuse_something_is_kept():
    """An object without its `needs` is left out, but what else stands in it is looked at."""
    plan = every_line()
    table = copy.deepcopy(dict(plan.document))
    table["records"][0]["fields"]["group_identifier[]"][0]["fields"]["issuer"] = "by"
    reader = soon(plan_of(table, at="t"))
    for _ in range(4):
        reader.read({"meta/id": "uuid:1", "by": "x"}, at="here")

    with pytest.raises(SenderError):
        reader.read({"meta/id": "uuid:1", "by": 7}, at="here")


def test_what_is_remembered_for_payloads_is_bounded():
    plan = rows()
    for number in range(3 * MAX_NARROWED):
        reader = soon(plan)
        for _ in range(3):
            reader.read({**ROW, f"k{number}": 1}, at="row")
    assert len(reader._program.narrowed) <= MAX_NARROWED
    assert LOOK_AFTER > 100
