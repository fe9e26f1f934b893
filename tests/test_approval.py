"""Approvals: an officer's signed word about exactly one thing, for three days."""

import pytest

from gateway.approval import (
    FORM,
    TYP,
    approve,
    moment,
    people,
    read_approvals,
    role_of,
    verified,
)
from gateway.canonical import canonical
from gateway.errors import OfficerError
from gateway.signing import sign
from tests.signed_world import NOW, World, made

DIGEST = "sha256:" + "a" * 64
REPORT = "sha256:" + "b" * 64
REASON = "The report was read, and it widens nothing."
WANTED = {"what": "policy", "subject": "policy", "digest": DIGEST, "report": REPORT}


@pytest.fixture(scope="module")
def world(prepared, tmp_path_factory):
    return made(prepared[0], tmp_path_factory.mktemp("approval") / "demo")


@pytest.fixture(scope="module")
def held(world: World):
    return world.deployment


def signed(world, officer="officer:dpo-1", role="dpo", key=None, **more):
    said = {**WANTED, "at": NOW, "reason": REASON, **more}
    return approve(officer=officer, role=role, key=world.keys[key or officer], **said)


@pytest.fixture
def read(held, tmp_path):
    def reads(*texts, now=NOW, **more):
        paths = []
        for number, text in enumerate(texts):
            path = tmp_path / f"approval-{number}.jws"
            path.write_text(text + "\n")
            paths.append(path)
        return read_approvals(paths, held, **{**WANTED, **more}, now=now)

    return reads


def rule(read, *texts, **more):
    with pytest.raises(OfficerError) as caught:
        read(*texts, **more)
    assert REASON not in str(caught.value)
    assert caught.value.at.startswith("approval-")
    return caught.value.rule


def test_an_approval_is_read_back_whole(world, read):
    text = signed(world)

    [found] = read(text)

    assert (found.what, found.subject, found.digest, found.report) == tuple(WANTED.values())
    assert (found.officer, found.role, found.at, found.reason) == (
        "officer:dpo-1", "dpo", NOW, REASON,
    )  # fmt: skip
    assert found.document == text.encode()
    assert REASON not in repr(found)


def test_two_officers_in_two_roles_are_two_people(world, read):
    two = read(signed(world), signed(world, "officer:programme-1", "programme"))
    same_role = read(signed(world), signed(world, "officer:dpo-2"))

    assert people(two) == 2
    assert people(same_role) == 1
    assert people(two[:1]) == 1
    assert people(()) == 0


def test_one_officer_in_two_roles_is_one_person(world, read):
    both = [signed(world, "officer:programme-1", one) for one in ("programme", "dpo")]

    assert rule(read, *both) == "approval.twice"
    assert rule(read, both[0], both[0]) == "approval.twice"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("what", "agreement"),
        ("subject", "agr:other"),
        ("digest", "sha256:" + "c" * 64),
        ("report", ""),
    ],
)
def test_an_approval_of_another_thing_is_refused(world, read, name, value):
    assert rule(read, signed(world, **{name: value})) == f"approval.{name}"
    assert rule(read, signed(world), **{name: value}) == f"approval.{name}"


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-25T08:00:00Z", None),
        ("2026-11-25T08:00:01Z", "approval.stale"),
        ("2027-11-22T08:00:00Z", "approval.stale"),
        ("2026-11-22T07:55:00Z", None),
        ("2026-11-22T07:54:59Z", "approval.future"),
    ],
)
def test_an_approval_counts_for_72_hours(world, read, now, expected):
    if expected is None:
        assert len(read(signed(world), now=now)) == 1
    else:
        assert rule(read, signed(world), now=now) == expected


def test_the_key_must_be_that_officers(world, read):
    assert rule(read, signed(world, key="officer:dpo-2")) == "signature.unknown_key"
    assert rule(read, signed(world, key="org:amal-relief")) == "signature.unknown_key"


def test_the_role_must_be_that_officers(world, read):
    assert rule(read, signed(world, role="security")) == "approval.role"


def test_nobody_knows_this_officer(world, read):
    assert rule(read, signed(world, "officer:nobody", key="officer:dpo-1")) == "approval.officer"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("status: active", "status: left", "approval.officer"),
        ('{"jwk":', '{"revoked_at":"2026-01-01T00:00:00Z","jwk":', "signature.revoked"),
        ('{"jwk":', '{"valid_until":"2026-11-22T08:00:00Z","jwk":', "signature.key_expired"),
        ('{"jwk":', '{"valid_from":"2026-11-22T08:00:01Z","jwk":', "signature.key_expired"),
    ],
)
def test_an_officer_or_key_that_counts_no_more(world, tmp_path, old, new, expected):
    copy = world.copy(tmp_path / "demo")
    path = copy.directory / "officers" / "dpo-1.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))

    with pytest.raises(OfficerError) as caught:
        verified(signed(world), copy.deployment, **WANTED, now=NOW)
    assert caught.value.rule == expected


@pytest.mark.parametrize("reason", ["", "too short", " " * 40, "x" * 19, "x" * 4001])
def test_a_reason_must_be_one(world, read, reason):
    with pytest.raises(OfficerError) as caught:
        signed(world, reason=reason)
    assert caught.value.rule == "approval.reason"

    said = statement(reason=reason)
    assert rule(read, sign(canonical(said), world.keys["officer:dpo-1"], TYP)) == "approval.reason"


def statement(**more):
    return {
        "form": FORM, **WANTED, "officer": "officer:dpo-1", "role": "dpo", "at": NOW,
        "reason": REASON, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    "payload",
    [
        canonical(statement(form="corridor/approval/v2")),
        canonical(statement(more="x")),
        canonical({key: one for key, one in statement().items() if key != "report"}),
        canonical(statement(role=1)),
        canonical(statement(at="yesterday")),
        canonical(statement(at="2026-02-30T00:00:00Z")),
        b" " + canonical(statement()),
        canonical([statement()]),
        b"{",
        b"\xff",
    ],
)
def test_what_is_no_approval_is_refused(world, read, payload):
    text = sign(payload, world.keys["officer:dpo-1"], TYP)

    assert rule(read, text) == "approval.form"


def test_another_signed_thing_is_no_approval(world, read):
    text = sign(canonical(statement()), world.keys["officer:dpo-1"], "corridor-agreement+jws")

    assert rule(read, text) == "signature.typ"


def test_a_file_that_is_none_is_named(held, tmp_path):
    for name, content in (("approval-x", None), ("approval-y", b"\xff")):
        if content:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(OfficerError) as caught:
            read_approvals([tmp_path / name], held, **WANTED, now=NOW)
        assert (caught.value.rule, caught.value.at) == ("approval.unreadable", name)


def test_the_role_of_a_kept_approval(world):
    assert role_of(signed(world).encode()) == "dpo"
    assert role_of(b"{}") == role_of(b"\xff") == role_of(b"a.b.c") == ""


def test_an_instant_is_in_utc():
    assert moment(NOW).isoformat() == "2026-11-22T08:00:00+00:00"
