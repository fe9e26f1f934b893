"""The parts of the standard suite, each on its own."""

import io
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings

from gateway.errors import SenderError
from gateway.kit import damage, generate, memory
from gateway.kit.container import editions, parts, whole
from gateway.kit.drive import Endless, opened
from gateway.kit.leaves import bare, occurring, values_at, without
from gateway.kit.repeat import Repeated
from gateway.record import RECORD_TYPES, Record, check

PEOPLE: list[Record] = [
    {
        "record_type": "household",
        "record_id": "a.example/h",
        "member_list": [{"member": "a.example/p", "is_head": True}],
    },
    {"record_type": "person", "record_id": "a.example/p", "name": {"full_name": "Lul Abdi"}},
]


@pytest.mark.parametrize("record_type", RECORD_TYPES)
def test_generated_records_follow_their_schema(record_type: str) -> None:
    found: set[str] = set()

    @settings(max_examples=25, deadline=None, database=None, derandomize=True)
    @given(generate.one(record_type))
    def every(record: Record) -> None:
        check(record, at="generated")
        found.update(occurring([record]))

    every()
    assert len(found) > 12


def test_a_file_in_pieces_gives_every_byte() -> None:
    content = bytes(range(256)) * 40
    file = opened(content, most=7)
    assert file.read(3) + file.read() == content
    file.seek(0)
    assert b"".join(file) == content
    assert (file.seek(-4, io.SEEK_END), file.read()) == (len(content) - 4, content[-4:])


def test_reading_on_at_the_end_is_noticed() -> None:
    file = opened(b"x")
    with pytest.raises(Endless):
        all(file.read(1) is not None for _ in range(100_000))


def test_records_without_a_leaf() -> None:
    left = without(PEOPLE, {"person.name.full_name", "household.member_list[].is_head"})
    assert left[0]["member_list"] == [{"member": "a.example/p"}]
    assert left[1].keys() == {"record_type", "record_id"}
    assert PEOPLE[1]["name"] == {"full_name": "Lul Abdi"}
    assert bare(*without(PEOPLE[1:], {"person.name.full_name", "person.record_id"}))
    assert values_at(PEOPLE, "person.name.full_name") == {'"Lul Abdi"': 1}


def test_repeated_records_keep_together() -> None:
    made = Repeated(PEOPLE, 2)
    assert list(made) == list(made)
    assert [(r["record_id"], r.get("member_list", [{}])[0].get("member")) for r in made] == [
        ("a.example/h-0", "a.example/p-0"),
        ("a.example/p-0", None),
        ("a.example/h-1", "a.example/p-1"),
        ("a.example/p-1", None),
    ]


def test_a_zip_file_is_damaged_inside() -> None:
    content = whole({"a/b.xml": b"<a>Lul Abdi</a>", "c.bin": b"\0\1"})
    assert dict(parts(content)) == {"a/b.xml": b"<a>Lul Abdi</a>", "c.bin": b"\0\1"}
    assert [name for name, _, _ in editions(content)] == ["a/b.xml"]
    ((how, marked), *_) = damage.marked(content, 2)
    assert how.endswith("of a/b.xml")
    with zipfile.ZipFile(io.BytesIO(marked)) as file:
        assert b"Qzvkx" in file.read("a/b.xml")


@pytest.mark.parametrize(
    "content",
    [
        b'{"id": "7", "name": "Lul Abdi", "size": 4}',
        b"<a><id>7</id><name>Lul Abdi</name></a>",
        b"id,name\r\n7,Lul Abdi\r\n",
    ],
)
def test_marks_stand_where_values_stood(content: bytes) -> None:
    found = [bad for _, bad in damage.marked(content, 20)]
    assert len(found) >= 2
    assert all(damage.reveals(bad.decode()) for bad in found)
    assert any(b"Lul Abdi" not in bad for bad in found)
    assert not damage.reveals(content.decode())


def test_damage_is_the_same_each_time() -> None:
    content = json.dumps(PEOPLE).encode()
    first = list(damage.damaged(content, 5))
    assert first == list(damage.damaged(content, 5))
    assert sum(bad != content for _, bad in first) > 30


def test_lines_of_a_page() -> None:
    page = json.dumps({"count": 2, "results": [{"a": 1}, {"a": 2}]}).encode()
    assert memory.lines_of(page) == [b'{"a": 1}\n', b'{"a": 2}\n']
    assert memory.lines_of(b'[["a"], ["b"]]') == []
    assert memory.lines_of(b"a,b") == []


@pytest.mark.skipif(not memory.measurable(), reason="needs /proc to measure memory")
def test_a_peak_is_seen_and_forgotten() -> None:
    before = memory.set_back()
    held = bytearray(64 << 20)
    assert memory.peak() - before > 60 << 20
    del held
    after = memory.set_back()
    assert memory.peak() - after < 8 << 20


def test_hostile_payloads_by_kind(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    xml = dict(memory.hostile(b"<?xml version='1.0'?><a><b>Lul Abdi</b></a>", secret))
    assert secret.as_uri().encode() in xml["an entity from a file"]
    assert xml["entities in entities"].endswith(b"<a><b>&a9;</b></a>")
    packed = {
        how: len(bad) for how, bad in memory.hostile(whole({"a": b"<a><b>x</b></a>"}), secret)
    }
    assert packed["zeros behind a"] < 1 << 20
    assert max(len(bad) for _, bad in memory.hostile(b'{"a": "Lul Abdi"}', secret)) > 10 << 20


def test_an_error_of_a_check_names_no_value() -> None:
    with pytest.raises(SenderError) as caught:
        check({**PEOPLE[1], "name": "Lul"}, at="record 1")
    assert "Lul" not in str(caught.value)
