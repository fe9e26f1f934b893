"""Agreements as signed data: what is signed, how an agreement stands, what policy sees."""

import json
from dataclasses import dataclass

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gateway.agreement import (
    TYP,
    UNSIGNED,
    approved_by,
    check_signature,
    content,
    content_digest,
    policy_view,
    sensitivity_of,
    signatories,
    signed_by,
    standing_state,
    statement,
)
from gateway.agreement_check import read
from gateway.approval import approve
from gateway.errors import OfficerError
from gateway.record import load, validator
from gateway.signing import sign
from tests.signed_world import NOW, RECIPIENT, SENDER, made

REASON = "The report was read, and it widens nothing."


@pytest.fixture(scope="module")
def world(prepared, tmp_path_factory):
    return made(prepared[0], tmp_path_factory.mktemp("agreement") / "demo")


@pytest.fixture(scope="module")
def parties(world):
    return world.deployment.parties


@pytest.fixture(scope="module")
def signed(world):
    """The agreement, signed by both."""
    document, _ = read(world.path)
    entries = []
    for party in (SENDER, RECIPIENT):
        entry = {"party": party, "at": NOW, "role": "director"}
        entry["signature"] = sign(statement(document, entry), world.keys[party], TYP)
        entries.append(entry)
    return {**document, "signed_by": entries}


def copy(document):
    return json.loads(json.dumps(document))


def test_what_is_signed_is_rfc_8785_without_what_may_change_later(signed):
    plain = {key: one for key, one in signed.items() if key not in UNSIGNED}

    assert content(signed) == rfc8785.dumps(plain)
    assert b"signed_by" not in content(signed)
    assert content_digest(signed).startswith("sha256:")
    assert UNSIGNED == ("state", "signed_by", "decisions", "release_given")


@pytest.mark.parametrize(
    "change",
    [
        {"state": "terminated"},
        {"decisions": [{"decision": "human.dpo", "by": ["dpo"], "valid_until": NOW}]},
        {"release_given": [{"party": SENDER, "valid_until": NOW}]},
    ],
)
def test_what_may_change_later_leaves_the_signatures_standing(signed, parties, change):
    assert signed_by({**signed, **change}, parties, NOW) == (SENDER, RECIPIENT)


def leaves(value, path=()):
    if isinstance(value, dict):
        for key, one in value.items():
            yield from leaves(one, (*path, key))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from leaves(one, (*path, number))
    else:
        yield path, value


def changed(document, path, value):
    new = copy(document)
    place = new
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return new


@given(data=st.data())
def test_any_character_of_the_content_breaks_every_signature(signed, parties, data):
    texts = [
        (path, one)
        for path, one in leaves(signed)
        if path[0] not in UNSIGNED and one.__class__ is str
    ]
    path, text = data.draw(st.sampled_from(texts))
    at = data.draw(st.integers(0, len(text)))
    char = data.draw(st.characters(codec="utf-8"))
    other = data.draw(
        st.sampled_from([text[:at] + char + text[at + 1 :], text[:at] + text[at + 1 :]])
    )
    if other != text:
        new = changed(signed, path, other)
        assert content_digest(new) != content_digest(signed)
        assert signed_by(new, parties, NOW) == ()


def test_any_other_value_of_the_content_breaks_every_signature(signed, parties):
    for path, one in leaves(signed):
        if path[0] not in UNSIGNED and one.__class__ is not str:
            assert signed_by(changed(signed, path, "other"), parties, NOW) == (), path


@pytest.mark.parametrize("name", ["party", "at", "role", "officer"])
def test_who_signed_when_and_as_what_is_signed_too(signed, parties, name):
    new = copy(signed)
    new["signed_by"][0][name] = RECIPIENT if name == "party" else "2026-11-22T07:00:00Z"

    assert signed_by(new, parties, NOW) == (RECIPIENT,)


def why(document, number, parties, now=NOW):
    with pytest.raises(OfficerError) as caught:
        check_signature(document, document["signed_by"][number], parties, now)
    return caught.value.rule


def test_a_signature_over_another_text_is_told_apart(signed, parties):
    assert why(changed(signed, ("title",), "Another"), 0, parties) == "agreement.signature"
    assert why(changed(signed, ("document_hash",), "sha256:" + "0" * 64), 0, parties) == (
        "agreement.signature"
    )
    assert why(signed, 0, parties, "2026-11-22T07:54:59Z") == "agreement.signature"
    check_signature(signed, signed["signed_by"][0], parties, "2026-11-22T07:55:00Z")


def test_a_party_signs_for_itself_only(world, signed, parties):
    entry = {"party": RECIPIENT, "at": NOW}
    entry["signature"] = sign(statement(signed, entry), world.keys[SENDER], TYP)
    new = {**signed, "signed_by": [entry]}

    assert why(new, 0, parties) == "signature.unknown_key"


def test_an_outsider_signs_nothing(world, signed, parties):
    for outsider in ("org:coordination-office", "org:nobody"):
        entry = {"party": outsider, "at": NOW}
        entry["signature"] = sign(statement(signed, entry), world.keys[SENDER], TYP)
        assert why({**signed, "signed_by": [entry]}, 0, parties) == "agreement.signature"


@pytest.mark.parametrize(
    "key", [{"revoked_at": NOW}, {"valid_until": NOW}, {"valid_from": "2026-11-22T08:00:01Z"}]
)
def test_a_key_that_does_not_count_leaves_an_agreement_unsigned(signed, parties, key):
    held = {SENDER: copy(parties[SENDER]), RECIPIENT: parties[RECIPIENT]}
    held[SENDER]["keys"][0] |= key

    assert signed_by(signed, held, NOW) == (RECIPIENT,)
    assert signed_by(signed, {**held, SENDER: {"id": SENDER}}, NOW) == (RECIPIENT,)


def test_nobody_signed_a_draft(world, parties):
    document, _ = read(world.path)

    assert signed_by(document, parties) == ()
    assert signatories(document) == {SENDER, RECIPIENT}
    processed = changed(document, ("parties", 1, "role"), "processor")
    assert signatories(processed) == {SENDER, RECIPIENT}
    observed = changed(document, ("parties", 1, "role"), "observer")
    assert signatories(observed) == {SENDER}


# -- how it stands -----------------------------------------------------------------------------


@dataclass
class Row:
    version: str
    state: str
    digest: str


def row(document, state, **more):
    said = {"version": document["version"], "digest": content_digest(document), **more}
    return Row(state=state, **said)


@pytest.mark.parametrize("said", ["draft", "active", "suspended", "expired", "terminated"])
def test_what_the_log_never_heard_of(signed, said):
    document = {**signed, "state": said}

    assert standing_state(document, None, "allow") == said
    assert standing_state(document, None, "refuse") == ("draft" if said == "active" else said)


@pytest.mark.parametrize("unsigned", ["allow", "refuse"])
@pytest.mark.parametrize("state", ["suspended", "expired", "terminated"])
@pytest.mark.parametrize("said", ["draft", "active", "terminated"])
@pytest.mark.parametrize("version", ["1", "2"])
def test_what_the_log_ended_stays_ended_whatever_the_file_says(
    signed, unsigned, state, said, version
):
    document = {**signed, "state": said, "version": version}

    assert standing_state(document, row(signed, state), unsigned) == state


@pytest.mark.parametrize("unsigned", ["allow", "refuse"])
def test_only_what_was_activated_is_active(signed, unsigned):
    active = {**signed, "state": "active"}
    stands = row(active, "active")

    assert standing_state(active, stands, unsigned) == "active"
    assert standing_state({**active, "title": "Another"}, stands, unsigned) == "draft"
    assert standing_state({**active, "version": "2"}, stands, unsigned) == "draft"
    assert standing_state({**active, "state": "suspended"}, stands, unsigned) == "suspended"
    assert standing_state({**active, "decisions": []}, stands, unsigned) == "active"


def test_roles_are_those_of_the_approvals_kept(world):
    kept = [
        approve(
            what="agreement", subject="agr:x", digest="sha256:" + "0" * 64, report="",
            officer=name, role=role, at=NOW, reason=REASON, key=world.keys[name],
        ).encode()
        for name, role in (("officer:programme-1", "programme"), ("officer:dpo-1", "dpo"))
    ]  # fmt: skip

    assert approved_by([b'{"id":"agr:x"}', *kept, kept[0]]) == ("dpo", "programme")
    assert approved_by([]) == ()


# -- how sensitive -----------------------------------------------------------------------------

CLASSIFICATION = """\
scheme_id: {name}
country: {country}
version: "1"
valid_from: {start}
rows:
  - {{data_type: person, level: {person}}}
  - {{data_type: case, level: severe, release: strictly_confidential, notes: not shared}}
"""


def test_the_strictest_country_counts(world, tmp_path):
    copied = world.copy(tmp_path / "demo")
    folder = copied.directory / "classifications"
    folder.mkdir()
    for name, country, start, person in (
        ("so-2024", "SO", "2024-08-01T00:00:00Z", "moderate"),
        ("ke-2024", "KE", "2024-08-01T00:00:00Z", "high"),
        ("so-2027", "SO", "2027-01-01T00:00:00Z", "severe"),
    ):
        text = CLASSIFICATION.format(name=name, country=country, start=start, person=person)
        (folder / f"{name}.yaml").write_text(text)
    held = copied.deployment
    document, _ = read(copied.path)

    assert sensitivity_of(held, document, NOW) == {"person": "moderate", "case": "severe"}
    assert sensitivity_of(held, document) == {"person": "severe", "case": "severe"}
    both = changed(document, ("scope", "countries"), ["KE", "SO"])
    assert sensitivity_of(held, both, NOW)["person"] == "high"
    assert sensitivity_of(held, changed(document, ("scope", "countries"), []), NOW) == {}


# -- what policy sees --------------------------------------------------------------------------


def test_policy_sees_no_free_text(signed):
    document = changed(signed, ("title",), "CANARY title")
    for path, one in leaves(document):
        if one.__class__ is str and " " in one and path[0] != "safeguards":
            document = changed(document, path, f"CANARY {one}")
    document["decisions"] = [
        {"decision": "human.dpo:x", "by": ["dpo"], "valid_until": NOW, "reason": "CANARY" * 4,
         "factors": {"link": "CANARY"}, "officers": ["officer:dpo-1"]}
    ]  # fmt: skip
    document["safeguards"]["immunity"] = {"status": True, "instrument": "CANARY treaty"}

    shown = policy_view(document, [RECIPIENT, SENDER], ["dpo"], "suspended")

    assert "CANARY" not in json.dumps(shown)
    assert "signature" not in json.dumps(shown)
    assert shown["state"] == "suspended"
    assert shown["signed_by"] == [SENDER, RECIPIENT]
    assert shown["approved_by"] == ["dpo"]
    assert shown["legal_bases"][0]["evidence"] == sorted(document["legal_bases"][0]["evidence"])
    assert shown["decisions"][0].keys() == {"decision", "by", "valid_until", "officers"}
    assert shown["safeguards"]["immunity"] == {"status": True}
    assert shown["purposes"][0].keys() == {"purpose", "from", "to", "legal_basis"}
    assert shown["data"] == document["data"]
    assert shown["notice"] == document["notice"]
    assert "document_hash" not in shown


def free_texts(spec, shared, path=()):
    """Every place of the schema where anything at all may be written."""
    spec = {**shared.get(spec.get("$ref", "").rpartition("/")[2], {}), **spec}
    if "x-hidden" in spec:
        return
    if spec.get("type") == "string" and "pattern" not in spec:
        yield ".".join(path)
    for name, one in spec.get("properties", {}).items():
        yield from free_texts(one, shared, (*path, name))
    for keyword in ("items", "additionalProperties"):
        if isinstance(spec.get(keyword), dict):
            yield from free_texts(spec[keyword], shared, path)


def test_every_free_text_of_the_schema_is_hidden_but_references():
    schema = load("agreement")

    assert sorted(free_texts(schema, schema["$defs"])) == [
        "safeguards.dpia.ref",
        "safeguards.dpia_ref",
        "safeguards.transfer_instruments.ref",
        "scope.crisis_ref",
    ]


def test_the_schema_takes_every_part_of_an_agreement(signed):
    document = {
        **signed,
        "supersedes": "0.9",
        "joint_controller_split": "The first answers people.",
        "publication": {"allowed": True, "thresholds": {"k": 10, "l": 2, "risk_permille": 29}},
        "release_requires": {"all_contributors": True},
        "release_given": [{"party": SENDER, "valid_until": NOW}],
        "succession": {"to": RECIPIENT, "requires": "new_agreement"},
        "signed_statement_hash": "sha256:" + "0" * 64,
    }

    assert validator("agreement").is_valid(document)
    assert not validator("agreement").is_valid({**document, "more": 1})
