"""Small changes to what people wrote: everything else stays, to the character."""

import pytest

from gateway.document import parse_yaml
from gateway.document_edit import read_text, replace, with_item, with_value, without_item
from gateway.errors import OfficerError
from tests.conftest import DEMO

TEXT = """\
# Why this is here.
id: agr:x   # never changes
state: draft  # until it is signed

list:
  # the first
  - name: a
    at: 2026-01-01T00:00:00Z   # not a date

  # the second
  - {name: b}
# after the list

last: "yes"
"""


def parsed(text):
    return parse_yaml(text.encode(), at="x")


def test_a_value_is_changed_where_it_stands():
    new = with_value(TEXT, "state", "active", at="x")

    assert new == TEXT.replace("state: draft", "state: active")


@pytest.mark.parametrize("value", ["a b", "no: 1", "true", "12", "", "#x", "org:", "- a", "é\n"])
def test_a_value_that_could_be_read_otherwise_is_quoted(value):
    assert parsed(with_value(TEXT, "state", value, at="x"))["state"] == value


def test_a_key_that_is_not_there_stands_last():
    assert with_value(TEXT, "hash", "sha256:ab", at="x") == TEXT + "hash: sha256:ab\n"
    assert with_value("a: 1", "b", "c", at="x") == "a: 1\nb: c\n"


def test_an_item_is_added_after_the_last_one():
    new = with_item(TEXT, "list", {"name": "c", "at": "2026-01-01T00:00:00Z"}, at="x")

    assert new == TEXT.replace(
        "  - {name: b}\n",
        '  - {name: b}\n  - name: c\n    at: "2026-01-01T00:00:00Z"\n',
    )


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("a: 1\n", 'a: 1\nlist:\n  - x: "1"\n    y: {"z": [2]}\n'),
        ("a: 1", 'a: 1\nlist:\n  - x: "1"\n    y: {"z": [2]}\n'),
        ("list: []\nb: 2\n", 'list:\n  - x: "1"\n    y: {"z": [2]}\nb: 2\n'),
        ("list: [] # none\n", 'list:\n  - x: "1"\n    y: {"z": [2]} # none\n'),
        ("list: [{q: 1}] # one\n", 'list: [{q: 1}, {"x": "1", "y": {"z": [2]}}] # one\n'),
        ("list:\n- q: 1", 'list:\n- q: 1\n- x: "1"\n  y: {"z": [2]}\n'),
        ("list:\n- q: [1,\n   2]\nb: 1", 'list:\n- q: [1,\n   2]\n- x: "1"\n  y: {"z": [2]}\nb: 1'),
        (
            "list:\n- q: |\n    b\n\nc: 1\n",
            'list:\n- q: |\n    b\n\n- x: "1"\n  y: {"z": [2]}\nc: 1\n',
        ),
        ("list:\n- q: []\n# c\n", 'list:\n- q: []\n- x: "1"\n  y: {"z": [2]}\n# c\n'),
    ],
)
def test_an_item_is_added_however_the_list_is_written(text, new):
    assert with_item(text, "list", {"x": "1", "y": {"z": [2]}}, at="x") == new


def test_an_item_is_taken_out():
    assert without_item(TEXT, "list", 1, at="x") == TEXT.replace("  - {name: b}\n", "")
    one = without_item(TEXT, "list", 0, at="x")
    assert one == TEXT.replace("  - name: a\n    at: 2026-01-01T00:00:00Z   # not a date\n", "")
    assert parsed(without_item(one, "list", 0, at="x"))["list"] == []
    assert without_item("list:\n  - a: 1", "list", 0, at="x") == "list: []\n"


@pytest.mark.parametrize("folder", ["agreements", "parties"])
def test_real_documents_keep_every_other_line(folder):
    for path in sorted((DEMO / folder).glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        new = with_item(text, "more", {"a": "b"}, at=path.name)
        new = with_value(new, "id", "agr:other", at=path.name)
        assert without_item(new, "more", 0, at="x").splitlines()[-1] == "more: []"
        kept = [row for row in text.splitlines() if not row.startswith("id: ")]
        assert [row for row in new.splitlines() if row in kept] == kept


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda: with_value("{a: 1}", "a", "b", at="x"), "document.edit"),
        (lambda: with_value("- a", "a", "b", at="x"), "document.type"),
        (lambda: with_value("a: [", "a", "b", at="x"), "document.not_yaml"),
        (lambda: with_value("a:\n  b: 1\n", "a", "c", at="x"), "document.edit"),
        (lambda: with_item("list:\na: 1\n", "list", {"x": "1"}, at="x"), "document.edit"),
        (lambda: with_value("a: 1\n...\n", "b", "c", at="x"), "document.edit"),
        (lambda: without_item("list: [{a: 1}]\n", "list", 0, at="x"), "document.edit"),
        (lambda: without_item("a: 1\n", "list", 0, at="x"), "document.edit"),
    ],
)
def test_what_cannot_be_changed_safely_is_refused(change, rule):
    with pytest.raises(OfficerError) as caught:
        change()
    assert caught.value.rule == rule


@pytest.mark.parametrize("text", ["list: [a # ]\n  ]\n", "list: [a,]\n", "list: {a: 1}\n"])
def test_a_change_that_would_say_something_else_is_refused(text):
    with pytest.raises(OfficerError) as caught:
        with_item(text, "list", {"x": "1"}, at="x.yaml")
    assert (caught.value.rule, caught.value.at) == ("document.edit", "x.yaml")


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("\ufeffstate: draft\n", "\ufeffstate: active\n"),
        ("state: draft\r\nb: 1\r\n", "state: active\r\nb: 1\r\n"),
        ("state: >\n  draft\nb: 1\n", "state: active\nb: 1\n"),
        ("state: |-\n  draft", "state: active"),
        ("state:   'dra\n  ft' # c\n", "state:   active # c\n"),
    ],
)
def test_a_value_is_changed_however_it_is_written(text, new):
    assert with_value(text, "state", "active", at="x") == new


def test_a_file_is_replaced_whole_with_its_rights(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: 1\n")
    path.chmod(0o640)

    replace(path, "a: é\n")
    replace(tmp_path / "b.yaml", "b: 1\n")

    assert read_text(path) == "a: é\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "b.yaml").stat().st_mode & 0o777 == 0o644
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.yaml", "b.yaml"]


def test_a_file_that_cannot_be_read_or_written_is_named(tmp_path):
    (tmp_path / "x.yaml").write_bytes(b"\xff")
    for act, rule in (
        (lambda: read_text(tmp_path / "none.yaml"), "document.unreadable"),
        (lambda: read_text(tmp_path / "x.yaml"), "document.not_utf8"),
        (lambda: replace(tmp_path / "no" / "x.yaml", ""), "document.unwritable"),
    ):
        with pytest.raises(OfficerError) as caught:
            act()
        assert caught.value.rule == rule
