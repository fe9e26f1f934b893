"""One value, one spelling: compared with an independent implementation of RFC 8785."""

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical import canonical, digest

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
WHOLE = st.integers(-(2**53) + 1, 2**53 - 1)
VALUES = st.recursive(
    st.none() | st.booleans() | WHOLE | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(TEXTS, inner, max_size=4)
    ),
    max_leaves=25,
)


@given(VALUES)
def test_canonical_form_is_rfc_8785(value):
    assert canonical(value) == rfc8785.dumps(value)


def test_keys_sort_by_utf_16_and_not_by_code_point():
    # U+FF5E comes before U+1F600 by code point and after it by UTF-16 code unit.
    assert canonical({"\uff5e": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\uff5e":1}'.encode()


def test_a_deep_key_beyond_ascii_is_ordered_too():
    value = {"a": 1, "b": [{"\uff5e": 1, "\U0001f600": 2}], "c": {"z": 1}}

    assert canonical(value) == rfc8785.dumps(value)


def test_control_characters_are_written_as_the_standard_says():
    text = "".join(map(chr, range(0x20))) + '"\\/\x7f\u2028é'

    assert canonical({"a": text}) == rfc8785.dumps({"a": text})


@pytest.mark.parametrize("depth", [200, 300])
def test_what_orjson_is_too_shallow_for_is_written_all_the_same(depth):
    value: object = 1
    for _ in range(depth):
        value = [value]

    assert canonical(value) == b"[" * depth + b"1" + b"]" * depth


def _deep(depth: int) -> object:
    value: object = {}
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        2**53,
        -(2**53),
        {1: "a"},
        {None: "a"},
        b"bytes",
        {1, 2},
        "\ud800",
        {"\ud800": 1},
        {"é": "\udfff"},
        {"é": 1.5},
        {"é": 1, "b": [1.5]},
        {"a": [{"é": 1}, 0.5]},
        [1, [2, [3, {"a": 2**60}]]],
        object(),
        _deep(100_000),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_two_languages_may_write_in_two_ways_is_refused(value):
    with pytest.raises(ValueError, match=r"canonical form|surrogate"):
        canonical(value)


@pytest.mark.parametrize("value", [2**53 - 1, -(2**53) + 1, True, None, "", [], {}, ()])
def test_the_edges_of_the_subset_are_in_it(value):
    assert canonical(value) == rfc8785.dumps(value)


def test_a_digest_is_of_the_bytes():
    assert digest(b"abc") == (
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
