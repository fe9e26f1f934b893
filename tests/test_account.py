"""What the parties are told of where a value came from."""

import pytest

from gateway.account import _lines

READ = {
    "person.birth_date": "q/born",
    "person.birth_date_estimated": "q/guessed",
    "person.name.full_name": "q/name",
    "household.place.admin3_code": "q/ward",
    "household.place.name": "q/village",
    "person.identifier[].identifier_value": "q/card",
}


@pytest.mark.parametrize(
    ("leaf", "source"),
    [
        ("person.name.full_name", "q/name"),
        ("person.birth_date", "q/born"),
        ("person.age.band", "q/born"),
        ("person.age.as_of", "q/born"),
        ("household.place.admin1_code", "q/village | q/ward"),
        ("person.identifier[].identifier_type", "q/card"),
        ("person.religion", "made by form"),
        ("household.group_size", "made by form"),
    ],
)
def test_a_leaf_made_by_a_form_came_from_the_field_it_was(leaf, source):
    assert _lines(READ, {leaf: "there"}) == [{"source": source, "field": leaf, "target": "there"}]


def test_a_field_is_not_another_field_that_begins_like_it():
    read = {"person.birth_date_estimated": "q/guessed"}

    [line] = _lines(read, {"person.birth_date": "there"})

    assert line["source"] == "made by form"
