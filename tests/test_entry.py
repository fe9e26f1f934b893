import json
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gateway import entry
from gateway.errors import GatewayError

SAMPLE = json.loads((Path(__file__).parent / "vectors/released_transfer.json").read_text())
TIME = 1795324000123
OUTCOME = {"delivered": [SAMPLE["id"]]}
REFUSED = {
    "sender": {"party": "org:a"},
    "recipient": {"party": "org:b"},
    "purpose": "hum.unknown",
    "rules": ["agreement", "purpose"],
    "count": "0",
}


def without(*names, **changes):
    return {key: value for key, value in SAMPLE.items() if key not in names} | changes


def test_the_bytes_are_the_canonical_form_with_the_time_of_the_log():
    leaf = entry.draft(SAMPLE).at(TIME)

    assert leaf == rfc8785.dumps(SAMPLE | {"time": TIME})
    assert entry.parse(leaf) == SAMPLE | {"time": TIME}


@pytest.mark.parametrize(
    "made",
    [
        entry.transfer(gateway="gw-1", outcome="refused", agreement=None, **REFUSED),
        entry.transfer(gateway="gw-1", outcome="held", **REFUSED),
        entry.outcome(gateway="gw-1", **OUTCOME),
        entry.outcome(gateway="gw-1", not_released=[SAMPLE["id"]], **OUTCOME),
        entry.control(gateway="gw-1", what="init"),
        entry.control(gateway="gw-1", what="clock", n=1500),
        entry.control(
            gateway="gw-1",
            what="key",
            digest="sha256:" + "0" * 64,
            subject={"id": "log", "version": "0", "state": "active"},
        ),
    ],
)
def test_every_kind_of_entry_can_be_made(made):
    leaf = entry.draft(made).at(TIME)

    assert entry.parse(leaf) == made | {"time": TIME}
    assert leaf == rfc8785.dumps(made | {"time": TIME})


@pytest.mark.parametrize(
    ("broken", "rule", "at"),
    [
        (without(remark="free text"), "entry.schema", ""),
        (without(purpose="two words"), "entry.schema", "purpose"),
        (without(purpose="x" * 161), "entry.schema", "purpose"),
        (without(purpose="سوء"), "entry.schema", "purpose"),
        (without(purpose="line\n"), "entry.schema", "purpose"),
        (without(purpose='a"b'), "entry.schema", "purpose"),
        (without(purpose=""), "entry.schema", "purpose"),
        (without(purpose=None), "entry.schema", "purpose"),
        (without(count=14), "entry.schema", "count"),
        (without(count="14"), "entry.schema", "count"),
        (without(content="A" * 42), "entry.schema", "content"),
        (without(content="A" * 42 + "B"), "entry.schema", "content"),
        (without(id="0198f0c2-7d0a-4c3e-9b1e-3a5a0c0d1e2f"), "entry.schema", "id"),
        (without(sender={"party": "org:a", "name": "x"}), "entry.schema", "sender"),
        (without(sender={"party": "org:a"}), "entry.schema", "sender"),
        (without(released=["a b"]), "entry.schema", "released/0"),
        (without(rules=["a", "a"]), "entry.schema", "rules"),
        (without(rules=["b", "a"]), "entry.order", "rules"),
        (without(type="other"), "entry.schema", "type"),
        (without(v=2), "entry.schema", "v"),
        (without(v=True), "entry.schema", "v"),
        (without(v=1.0), "entry.form", ""),
        (without("adapters"), "entry.schema", ""),
        (without("content"), "entry.schema", ""),
        (without("count", outcome="refused"), "entry.schema", ""),
        (without(formats={"in": "kobo"}), "entry.schema", "formats"),
        (without(released=[f"f{n:03}" + "x" * 40 for n in range(200)]), "entry.size", ""),
        (entry.outcome(gateway="gw-1"), "entry.schema", ""),
        (entry.control(gateway="gw-1", what="clock", n=2**53), "entry.schema", "n"),
        (entry.control(gateway="gw-1", what="clock", n=-1), "entry.schema", "n"),
        (entry.control(gateway="gw-1", what="lunch"), "entry.schema", "what"),
    ],
)
def test_what_the_schema_does_not_allow_is_refused_without_quoting_it(broken, rule, at):
    with pytest.raises(GatewayError) as refused:
        entry.draft(broken)

    assert (refused.value.rule, refused.value.at) == (rule, at)
    assert "free text" not in str(refused.value)
    assert "two words" not in str(refused.value)


def test_150_outcomes_fit_and_151_do_not():
    ids = [entry.new_id() for _ in range(151)]

    assert len(entry.draft(entry.outcome(gateway="gw-1", delivered=ids[:150])).at(TIME)) < 8192
    with pytest.raises(GatewayError):
        entry.draft(entry.outcome(gateway="gw-1", delivered=ids))


LEAF = entry.draft(SAMPLE).at(TIME)


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (LEAF + b" ", "entry.form"),
        (LEAF.replace(b'"v":1', b'"v":1,"v":1'), "entry.form"),
        (LEAF.replace(b'"v":1', b'"v":1.0'), "entry.form"),
        (LEAF.replace(b'"v":1', b'"v":NaN'), "entry.schema"),
        (LEAF.replace(b"org:a", b"org:\\u0061"), "entry.form"),
        (LEAF.replace(b"org:a", "org:ä".encode()), "entry.form"),
        (b"[" * 5000, "entry.form"),
        (b"1" * 5000, "entry.form"),
        (b"[]", "entry.schema"),
        (b"", "entry.form"),
        (b'"' + b"x" * 8192, "entry.size"),
        (LEAF.replace(b'"rules":[]', b'"rules":["b","a"]'), "entry.order"),
    ],
)
def test_an_entry_has_one_spelling(wrong, rule):
    with pytest.raises(GatewayError) as refused:
        entry.parse(wrong)

    assert refused.value.rule == rule


@given(st.data())
def test_damaged_entries_are_refused_or_canonical(data):
    at = data.draw(st.integers(0, len(LEAF)))
    gone = data.draw(st.integers(0, 4))
    leaf = LEAF[:at] + data.draw(st.binary(max_size=4)) + LEAF[at + gone :]
    for candidate in (leaf, data.draw(st.binary())):
        try:
            parsed = entry.parse(candidate)
        except GatewayError:
            continue
        assert rfc8785.dumps(parsed) == candidate


def test_the_commitment_vectors():
    salt, content = bytes(range(32)), b'[{"id":"x1","hh":4}]'

    assert entry.commitment(content, salt, domain=b"hdxgw/pc/v1\n") == (
        "mvg14iRDJheygcchTWzJhNVeZYPNxUMJgqhExEr7jEA"
    )
    ours = entry.commitment(content, salt)
    assert ours == "N8fgW4dvKTPzuDzBDN1BMlOIwipmU8DEp_D4lYZnbSM"
    assert entry.opens(ours, content, salt)
    assert not entry.opens(ours, content + b" ", salt)
    assert not entry.opens(ours, content, entry.new_salt())
    assert not entry.opens("é", content, salt)


@pytest.mark.parametrize("salt", [b"", b"s" * 31, b"s" * 33])
def test_a_short_salt_is_refused(salt):
    with pytest.raises(GatewayError):
        entry.commitment(b"content", salt)


def test_ids_are_version_7_sorted_by_time_and_never_the_same():
    ids = [entry.new_id() for _ in range(1000)]

    assert len(set(ids)) == 1000
    assert all(name[14] == "7" and name[19] in "89ab" for name in ids)
    assert [name[:13] for name in ids] == sorted(name[:13] for name in ids)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        *[(0, "0"), (1, "1-9"), (9, "1-9"), (10, "10-99"), (99, "10-99"), (100, "100-999")],
        *[(999, "100-999"), (1000, "1000+"), (10**9, "1000+")],
    ],
)
def test_counts_are_rough(count, expected):
    assert entry.bucket(count) == expected


def test_every_property_of_the_schema_is_described():
    def described(node, at=""):
        for name, child in node.get("properties", {}).items():
            if "description" not in child and not at.endswith("then"):
                yield f"{at}/{name}"
            yield from described(child, f"{at}/{name}")
        for name, child in node.get("$defs", {}).items():
            yield from described(child, f"{at}/{name}")

    schema = json.loads(entry.SCHEMA.read_text())

    assert list(described(schema)) == []
    assert schema["$id"] == "https://corridor.invalid/schemas/entry/1"
    for kind in ("transfer", "outcome", "control"):
        assert schema["$defs"][kind]["additionalProperties"] is False
