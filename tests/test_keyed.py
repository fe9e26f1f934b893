"""Lists whose items say what they are, as paths, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.flat.keyed import Keyed, gathered, spread
from gateway.errors import SenderError

ATTRIBUTES = Keyed("attribute", "value")
DOCUMENTS = Keyed("type")
TYPES = Keyed("attributeType/uuid", "value")


def flat(items, how):
    return dict(spread(items, "list", how, at="record 1"))


def test_an_item_with_a_value_is_that_value():
    items = [{"attribute": "w75KJ2mc4zz", "value": "Amina", "createdAt": "2026"}]

    fields = flat(items, ATTRIBUTES)

    assert fields == {"list/w75KJ2mc4zz": "Amina", "list/w75KJ2mc4zz/createdAt": "2026"}
    assert gathered(fields, "list", ATTRIBUTES) == items


def test_an_item_without_one_is_its_members():
    items = [{"type": "BIRTH", "no": "007"}, {"type": "PASSPORT", "no": "9"}]

    fields = flat(items, DOCUMENTS)

    assert fields == {"list/BIRTH/no": "007", "list/PASSPORT/no": "9"}
    assert gathered({**fields, "other": "1", "listed/A/no": "2"}, "list", DOCUMENTS) == items


def test_a_second_item_of_a_kind_is_not_taken_for_the_first():
    items = [{"type": "tel", "no": "1"}, {"type": "tel", "no": "2"}, {"type": "tel", "no": "3"}]

    fields = flat(items, DOCUMENTS)

    assert fields == {"list/tel/no": "1", "list/tel#2/no": "2", "list/tel#3/no": "3"}
    assert gathered(fields, "list", DOCUMENTS) == items


def test_what_an_item_is_may_stand_in_an_object():
    items = [{"attributeType": {"uuid": "8d87", "display": "Phone"}, "value": "061"}]

    fields = flat(items, TYPES)

    assert fields == {"list/8d87": "061", "list/8d87/attributeType/display": "Phone"}
    assert gathered(fields, "list", TYPES) == items


@pytest.mark.parametrize(
    ("items", "rule"),
    [
        ({"type": "A"}, "source.not_a_list"),
        (None, "source.not_a_list"),
        (["A"], "source.no_kind"),
        ([{"no": "1"}], "source.no_kind"),
        ([{"type": None}], "source.no_kind"),
        ([{"type": 7}], "source.no_kind"),
        ([{"type": ""}], "source.no_kind"),
        ([{"type": "a/b"}], "source.no_kind"),
        ([{"type": "tel#2"}], "source.no_kind"),
    ],
)
def test_an_item_that_does_not_say_what_it_is_is_refused(items, rule):
    with pytest.raises(SenderError) as caught:
        flat(items, DOCUMENTS)

    assert caught.value.rule == rule
    assert caught.value.at.startswith("record 1")


def test_a_path_that_is_an_item_and_its_member_is_refused():
    with pytest.raises(SenderError) as caught:
        gathered({"list/A": "1"}, "list", DOCUMENTS)

    assert caught.value.rule == "mapping.not_written"


KINDS = st.text("abAB_.:- ", min_size=1, max_size=3)
VALUES = st.text(max_size=3) | st.none() | st.booleans()


@given(st.lists(st.fixed_dictionaries({"type": KINDS, "no": VALUES}, optional={"by": VALUES})))
def test_every_list_comes_back_but_for_the_order_of_kinds(items):
    back = gathered(flat(items, DOCUMENTS), "list", DOCUMENTS)

    assert spelt(back) == spelt(items)


def spelt(items):
    return sorted(repr(sorted(item.items())) for item in items)
