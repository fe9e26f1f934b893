"""Compact sets of texts."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from gateway.marks import Marks, mark


@given(st.lists(st.text()), st.lists(st.text()))
def test_holds_what_was_added_and_nothing_else(inside, asked):
    marks = Marks()
    for text in inside:
        marks.add(text)

    assert [text in marks for text in asked] == [text in set(inside) for text in asked]
    assert len(marks) == len(inside)


def test_can_be_asked_between_additions():
    marks = Marks()
    for number in range(2000):
        marks.add(f"a/{number}")
        assert f"a/{number}" in marks
        assert f"a/{number + 1}" not in marks


def test_names_what_was_added_twice():
    marks = Marks()
    for text in ("a/1", "a/2", "a/1", "a/3", "a/1"):
        marks.add(text)

    assert marks.repeated() == {mark("a/1")}


def test_costs_little_memory():
    tracemalloc.start()
    marks = Marks()
    for number in range(300_000):
        marks.add(f"demo.example/{number}")
    assert "demo.example/7" in marks
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert used / len(marks) < 16


def test_anything_but_a_text_is_not_in_it():
    assert 7 not in Marks()
