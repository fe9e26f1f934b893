"""JSON and NDJSON: strict, one object after another, and no key lost in silence."""

import io
import json
import tracemalloc
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import SenderError
from gateway.source import objects as module
from gateway.source.objects import document, objects


def listed(value: object) -> list:
    return value if isinstance(value, list) else [value]


def values(content: bytes, **options: bool) -> list:
    return [found.value for found in objects(io.BytesIO(content), listed, **options)]


def refused(content: bytes, **options: bool) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        values(content, **options)
    return caught.value.rule, caught.value.at


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(st.text(max_size=4), PLAIN, max_size=3), min_size=2, max_size=5)


@given(OBJECTS, st.booleans())
def test_lines_and_a_list_hold_the_same(items, exact):
    lines = b"\r\n".join(orjson.dumps(item) for item in items)

    assert values(lines, exact=exact) == values(orjson.dumps(items), exact=exact) == items


@pytest.mark.parametrize(
    "content",
    [
        b'{"a": 1}\n{"a": 2}\n',
        b'\n \n{"a": 1}\n\n\n{"a": 2}',
        b'\xef\xbb\xbf{"a": 1}\n{"a": 2}\n\n',
        b'[{"a": 1},\n {"a": 2}]',
        b'\n[{"a": 1}, {"a": 2}]',
        b'\xef\xbb\xbf[{"a": 1}, {"a": 2}]',
    ],
)
def test_blank_lines_marks_and_breaks_do_not_matter(content):
    assert values(content) == [{"a": 1}, {"a": 2}]


def test_one_object_over_several_lines_is_one_document():
    assert values(json.dumps({"a": {"b": [1, 2]}}, indent=2).encode()) == [{"a": {"b": [1, 2]}}]


@pytest.mark.parametrize(
    ("content", "rule", "at"),
    [
        (b"", "json.empty", ""),
        (b" \n\n", "json.empty", ""),
        (b'{"a": 1', "json.truncated", "line 1, column 8"),
        (b'\n\n{"a": x}', "json.invalid", "line 3, column 7"),
        (b'{"a": NaN}', "json.invalid", "line 1, column 7"),
        (b'{"a": 1}\n{"a": }\n', "json.invalid", "line 2"),
        (b'{"a": 1}\n\n{"a"', "json.truncated", "line 3"),
        (b'{"a": "\xff"}', "json.not_utf8", ""),
        ("﻿".join(["", '{"a": 1}']).encode("utf-16"), "json.not_utf8", ""),
        (b'{"a": "\\ud800"}', "json.not_utf8", ""),
        (b"[" * 70 + b"]" * 70, "json.too_deep", ""),
        (b"[" * 100_000, "json.too_deep", ""),
        (b'{"a": 1}\n' + b'{"a":' * 70 + b"1" + b"}" * 70, "json.too_deep", "line 2"),
    ],
)
def test_what_is_not_strict_json_is_refused_by_its_place(content, rule, at):
    assert refused(content) == (rule, at)


def test_a_key_that_stands_twice_is_told_and_not_lost():
    content = b'[{"end": "1", "end": "2", "x": {"y": 1, "y": 1}}, {"end": "3"}]'

    found = list(objects(io.BytesIO(content), listed))

    assert [one.twice for one in found] == [("end",), ()]
    assert [one.value for one in found] == [{"end": "2", "x": {"y": 1}}, {"end": "3"}]


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": "1", "a": "2", "b": "x\\u0022:"}',
        b'{"a": "1", "a": "2", "b": "x\\"\\u003A"}',
        b'{"a": "1", "a": "2", "b": "x\\"\\u003a"}',
        b'{"a" : "x\\":", "a": "2"}',
        b'{"a":"1","a":"2"}',
        b'{"\\u0061": "1", "a": "2"}',
    ],
)
def test_no_spelling_hides_a_lost_key(text):
    [found] = objects(io.BytesIO(text), listed)

    assert found.twice == ("a",)


def test_a_line_that_ends_in_a_brace_may_begin_a_document():
    text = b'{"a": {}\n\n, "b": {"c": 1}\n}'

    assert values(text) == [{"a": {}, "b": {"c": 1}}]
    assert refused(b'{"a": {}\n\n\n, "b": x}') == ("json.invalid", "line 4, column 8")


def test_a_key_of_the_envelope_that_stands_twice_is_refused():
    content = io.BytesIO(b'{"results": [], "results": [{"a": 1}]}')

    with pytest.raises(SenderError) as caught:
        list(objects(content, lambda page: page["results"]))

    assert (caught.value.rule, caught.value.at) == ("json.key_twice", "page")


@pytest.mark.parametrize("text", [b'{"a": "\\":"}', b'{"a": "x\\" :"}', b'{"\\"": 1}'])
def test_a_value_that_looks_like_a_key_costs_time_and_nothing_else(text):
    assert values(text) == [json.loads(text)]


def test_exact_numbers_keep_their_digits():
    content = b'{"a": 1.10, "b": 12345678901234567890.5, "c": 7, "d": 1e2}'

    [found] = values(content, exact=True)

    assert found == {
        "a": Decimal("1.10"),
        "b": Decimal("12345678901234567890.5"),
        "c": 7,
        "d": Decimal("1e2"),
    }
    assert str(found["a"]) == "1.10"


def test_a_document_has_no_key_twice():
    assert document(io.BytesIO(b'{"a": 1}')) == {"a": 1}
    with pytest.raises(SenderError) as caught:
        document(io.BytesIO(b'{"a": 1, "a": 2}'))
    assert caught.value.rule == "json.key_twice"


def test_lines_are_not_one_document():
    with pytest.raises(SenderError) as caught:
        document(io.BytesIO(b'{"a": 1}\n{"a": 2}'))
    assert (caught.value.rule, caught.value.at) == ("json.invalid", "line 2")


@pytest.mark.parametrize(
    ("content", "at"),
    [
        (b'{"a": "' + b"x" * 200 + b'"}', ""),
        (b'{"a": 1}\n{"a": "' + b"x" * 100 + b'"}', "line 2"),
    ],
)
def test_more_than_fits_is_refused(monkeypatch, content, at):
    monkeypatch.setattr(module, "WHOLE", 150)
    monkeypatch.setattr(module, "LINE", 50)

    assert refused(content) == ("json.too_large", at)


def test_lines_are_not_held():
    content = io.BytesIO(b'{"a": "' + b"x" * 1000 + b'"}\n')
    content = io.BytesIO(content.getvalue() * 20_000)
    tracemalloc.start()
    count = sum(1 for _ in objects(content, listed))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 20_000
    assert peak < 1_000_000
