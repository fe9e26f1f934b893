"""What bounds a reader's memory, and what a repeat may be."""

import pytest

from gateway.errors import SenderError
from gateway.mapping import Reader
from gateway.mapping.lookup import MAX_KEYS, MAX_REMEMBERED, MAX_REPEAT, Keys, Lookup
from tests.mapping_tables import every_line, rows

ROW = {"site": "A", "round": 1}
HOUSE = {"meta/id": "uuid:1"}


def refused(reader, source):
    with pytest.raises(SenderError) as caught:
        reader.read(source, at="row 9")
    return caught.value.rule, caught.value.at


def test_ever_new_keys_are_refused():
    reader = Reader(rows())
    for number in range(MAX_KEYS // 1000):
        reader.read({**ROW, **{f"k{number}.{n}": 1 for n in range(999)}}, at="row")

    assert refused(reader, {**ROW, **{f"last.{n}": 1 for n in range(999)}}) == (
        "source.too_many_keys",
        "row 9",
    )


def test_ever_new_keys_of_items_are_refused():
    reader = Reader(every_line())

    assert refused(reader, {**HOUSE, "people": [{f"k{n}": 1} for n in range(MAX_KEYS + 1)]}) == (
        "source.too_many_keys",
        "row 9, people",
    )


def test_keys_of_one_payload_do_not_count_for_the_next():
    plan = rows()
    for _ in range(3):
        Reader(plan).read({**ROW, **{f"k{n}": 1 for n in range(MAX_KEYS - 10)}}, at="row")


def test_a_repeat_of_more_items_than_anybody_has_is_refused():
    reader = Reader(every_line())

    assert refused(reader, {**HOUSE, "people": [{}] * (MAX_REPEAT + 1)}) == (
        "source.repeat_too_long",
        "row 9, people",
    )
    assert len(reader.read({**HOUSE, "people": [{}] * 1000}, at="row")) == 1001


def test_remembered_layouts_are_bounded():
    keys = Keys(["a"])
    lookup = Lookup(keys)
    wide = [f"k{n}" for n in range(2000)]
    for number in range(2 * MAX_REMEMBERED // len(wide)):
        layout = ("a", *wide[number:], *wide[:number])
        assert lookup.layout(layout)([7] * len(layout) + [None, (), None])[0] == 7
        assert sum(map(len, lookup.layouts)) <= MAX_REMEMBERED


def test_resolved_keys_are_bounded():
    keys = Keys(["*/a"])
    for number in range(3 * MAX_KEYS):
        assert keys.resolve([f"g{number}/a", "b"]) == [0, 1]
    assert len(keys.known) <= MAX_KEYS + 2


@pytest.mark.parametrize(
    ("people", "names"),
    [
        ([{"name": "A"}, {"name": "B"}], ["A", "B"]),
        ([{"name": "A"}], ["A"]),
        ({"name": "A"}, ["A"]),
        ({}, [None]),
        ([], []),
        ("", []),
        (None, []),
    ],
)
def test_a_repeat_is_a_list_or_at_times_one_object(people, names):
    found = Reader(every_line()).read({**HOUSE, "people": people}, at="here")[1:]

    assert [one.get("name", {}).get("full_name") for one in found] == names
    assert [one["record_id"] for one in found] == [
        f"kobo.example/1.{n}" for n in range(1, len(names) + 1)
    ]


def test_a_plan_is_compiled_once():
    plan = rows()

    assert Reader(plan)._program is Reader(rows())._program
