"""YAML as people write it, read without a guess."""

import pytest

from gateway import document
from gateway.document import check_document, parse_yaml, read_document
from gateway.errors import OfficerError

CANARY = "Canary-Amina"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: no", {"a": "no"}),
        ("a: yes", {"a": "yes"}),
        ("a: on", {"a": "on"}),
        ("a: True", {"a": "True"}),
        ("a: true", {"a": True}),
        ("a: false", {"a": False}),
        ("a: 2026-01-01", {"a": "2026-01-01"}),
        ("a: 2026-01-01T00:00:00Z", {"a": "2026-01-01T00:00:00Z"}),
        ("a: 007", {"a": "007"}),
        ("a: 0x10", {"a": "0x10"}),
        ("a: 1_000", {"a": "1_000"}),
        ("a: 12:30:45", {"a": "12:30:45"}),
        ("a: 12", {"a": 12}),
        ("a: -3", {"a": -3}),
        ("a: 1.5", {"a": 1.5}),
        ("a: 1e5", {"a": "1e5"}),
        ("a: .inf", {"a": ".inf"}),
        ("a: ~", {"a": None}),
        ("a: null", {"a": None}),
        ("a:", {"a": None}),
        ("a: Null", {"a": "Null"}),
        ('a: ""', {"a": ""}),
        ('a: "12"', {"a": "12"}),
        ("1: a", {"1": "a"}),
        ("true: a", {"true": "a"}),
        ("<<: {b: 1}", {"<<": {"b": 1}}),
        ("a: +252", {"a": "+252"}),
        ("a: 12345678901234567", {"a": "12345678901234567"}),
        ("- [a, {b: c}]", [["a", {"b": "c"}]]),
        ("", None),
        ("\ufeffa: b", {"a": "b"}),
    ],
)
def test_a_text_is_read_as_what_it_looks_like_in_json(text, value):
    found = parse_yaml(text.encode(), at="x.yaml")

    assert found == value
    assert type(found) is type(value)
    if isinstance(value, dict):
        assert [type(one) for one in found.values()] == [type(one) for one in value.values()]


@pytest.mark.parametrize(
    ("text", "at", "problem"),
    [
        ("a: 1\nb: 2\na: 3", "x.yaml, line 3", "a key stands twice"),
        ("c:\n  a: 1\n  a: 1", "x.yaml, line 3", "a key stands twice"),
        ("1: a\n'1': b", "x.yaml, line 2", "a key stands twice"),
        ("- {a: 1, a: 2}", "x.yaml, line 1", "a key stands twice"),
        ("a: &x 1\nb: *x", "x.yaml, line 2", "aliases are not read"),
        ("[a]: 1", "x.yaml, line 1", "a key must be text"),
        ("? {a: b}\n: 1", "x.yaml, line 1", "a key must be text"),
        ("a: !!timestamp 2001-01-01", "x.yaml, line 1", "tags are not read"),
        ("a: !!int abc", "x.yaml, line 1", "tags are not read"),
        ("a: !!bool maybe", "x.yaml, line 1", "tags are not read"),
        ("a: !!binary xx", "x.yaml, line 1", "tags are not read"),
        ("!!set {a: ~}", "x.yaml, line 1", "tags are not read"),
        ("a: ! b", "x.yaml, line 1", "tags are not read"),
        ("a: !!python/object/apply:os.system [x]", "x.yaml, line 1", "tags are not read"),
        (f"a: [{CANARY}", "x.yaml, line 1", "not YAML that we read"),
        (f"a: b: {CANARY}", "x.yaml, line 1", "not YAML that we read"),
        (f"a: 1\n---\n{CANARY}: 2", "x.yaml, line 2", "not YAML that we read"),
        (f"\x00{CANARY}", "x.yaml", "not YAML that we read"),
        ('a: "\\UFFFFFFFF"', "x.yaml", "not YAML that we read"),
        ("[" * 5000, "x.yaml", "not YAML that we read"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused_with_its_line(text, at, problem):
    with pytest.raises(OfficerError) as caught:
        parse_yaml(text.encode(), at="x.yaml")

    error = caught.value
    assert (error.rule, error.at, error.problem) == ("document.not_yaml", at, problem)
    assert CANARY not in str(error)


def test_other_encodings_are_refused():
    with pytest.raises(OfficerError) as caught:
        parse_yaml("a: é".encode("latin-1"), at="x.yaml")

    assert (caught.value.rule, caught.value.at) == ("document.not_utf8", "x.yaml")


def test_a_document_of_the_limit_is_read_and_a_longer_one_is_not():
    text = b"a: b #"

    assert parse_yaml(text.ljust(document.LIMIT, b"#"), at="x.yaml") == {"a": "b"}
    with pytest.raises(OfficerError) as caught:
        parse_yaml(text.ljust(document.LIMIT + 1, b"#"), at="x.yaml")

    assert caught.value.rule == "document.too_large"


PARTY = {
    "id": "org:a",
    "name": "A",
    "kind": "ngo",
    "status": "active",
    "regimes": [{"kind": "state", "id": "KE"}],
    "dpo": {"email": "a@b.example"},
    "formats": [{"format": "kobo"}],
}


def test_a_document_that_follows_its_schema_is_returned_as_it_is():
    assert check_document(PARTY, "party", at="x.yaml") is PARTY


@pytest.mark.parametrize(
    ("change", "rule", "at"),
    [
        ({"kind": CANARY}, "document.enum", "x.yaml, kind"),
        ({CANARY: 1}, "document.additionalProperties", "x.yaml"),
        (
            {"regimes": [{"kind": "state", "id": CANARY}]},
            "document.pattern",
            "x.yaml, regimes/0/id",
        ),
        ({"name": 1.5}, "document.form", "x.yaml"),
        ({"name": "\ud800"}, "document.form", "x.yaml"),
    ],
)
def test_a_breach_is_named_by_place_and_rule_and_never_by_value(change, rule, at):
    with pytest.raises(OfficerError) as caught:
        check_document({**PARTY, **change}, "party", at="x.yaml")

    assert (caught.value.rule, caught.value.at) == (rule, at)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("content", [[], "a", None, 3])
def test_a_document_is_an_object(content):
    with pytest.raises(OfficerError) as caught:
        check_document(content, "party", at="x.yaml")

    assert caught.value.rule == "document.type"


def test_a_file_is_read_and_checked(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(f"{PARTY}", encoding="utf-8")

    assert read_document(path, "party") == PARTY


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(OfficerError) as caught:
        read_document(tmp_path / "gone.yaml", "party")

    assert (caught.value.rule, caught.value.at) == ("document.unreadable", "gone.yaml")
