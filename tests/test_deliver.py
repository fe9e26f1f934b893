"""Content that waits: sealed for one transfer, opened by nobody else."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.account import Written
from gateway.deliver import expiry, keep, kept_of, seal, unseal
from gateway.deployment import read_deployment
from gateway.errors import GatewayError, SenderError
from gateway.exchange import Transfer
from gateway.spool import Spool
from gateway.terms import Asked, terms_of
from tests.test_terms import KNOWN

KEY = b"k" * 32
ID = "019a0000-0000-7000-8000-000000000001"
OTHER = "019a0000-0000-7000-8000-000000000002"
CONTENT = b"Canary\nline two\x00\xff"


@given(st.binary(), st.sampled_from(["application/json", "text/csv; charset=utf-8"]))
def test_what_was_sealed_is_unsealed(content, media_type):
    assert unseal(seal(content, ID, media_type, KEY), ID, KEY) == (content, media_type)


def test_sealed_content_shows_nothing_and_is_never_the_same_twice():
    one, two = (seal(CONTENT, ID, "text/plain", KEY) for _ in range(2))

    assert b"Canary" not in one
    assert b"text/plain" not in one
    assert one[:40] != two[:40]
    assert one[40:52] != two[40:52]


def test_content_cannot_be_moved_to_another_transfer():
    with pytest.raises(GatewayError) as caught:
        unseal(seal(CONTENT, ID, "text/plain", KEY), OTHER, KEY)

    assert caught.value.rule == "content.sealed"


def test_another_key_opens_nothing():
    with pytest.raises(GatewayError) as caught:
        unseal(seal(CONTENT, ID, "text/plain", KEY), ID, b"l" * 32)

    assert caught.value.rule == "content.sealed"


def test_every_changed_byte_is_noticed():
    sealed = seal(CONTENT, ID, "text/plain", KEY)

    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(GatewayError, match="kept content cannot be opened"):
            unseal(bytes(changed), ID, KEY)


@pytest.mark.parametrize("length", [0, 1, 39, 40, 47, 52, 60])
def test_content_cut_short_is_noticed(length):
    with pytest.raises(GatewayError) as caught:
        unseal(seal(CONTENT, ID, "text/plain", KEY)[:length], ID, KEY)

    assert caught.value.rule == "content.sealed"
    assert caught.value.__cause__ is None


def test_two_sealed_contents_cannot_be_mixed():
    one, two = (seal(CONTENT, ID, "text/plain", KEY) for _ in range(2))

    with pytest.raises(GatewayError):
        unseal(one[:40] + two[40:], ID, KEY)


def test_content_expires_some_hours_after_its_transfer_was_made():
    made = int("019a00000000", 16)

    assert expiry(ID, 0) == made
    assert expiry(ID, 72) - made == 72 * 60 * 60 * 1000


# -- what is kept with the entry ---------------------------------------------------------------


@pytest.fixture
def world(deployment):
    return read_deployment(deployment)


@pytest.fixture
def transfer(world):
    asked = Asked(
        agreement="agr:registration-2026",
        purpose="hum.assist.registration",
        source="kobo",
        deliver="inbox",
    )
    return Transfer(id=ID, terms=terms_of(asked, world, KNOWN), content=b"", once="t", mark=b"m")


@pytest.fixture
def written(tmp_path):
    spool = Spool(tmp_path)
    spool.write(CONTENT)
    return Written(spool, "text/plain", {}, ())


def test_content_for_an_inbox_waits_sealed_for_its_recipient(transfer, world, written):
    mark, content = keep(transfer, written, KEY, world)

    assert (mark.kind, mark.key, mark.owner) == ("idempotency", "t", "org:amal-relief")
    assert json.loads(mark.value) == {"transfer": ID, "mark": b"m".hex()}
    assert (content.kind, content.key, content.owner) == ("content", ID, "org:sante-sans-rivages")
    assert content.expires == expiry(ID, 72)
    assert unseal(content.value, ID, KEY) == (CONTENT, "text/plain")


def test_content_that_leaves_with_the_answer_is_not_kept(transfer, world, written):
    terms = replace(transfer.terms, deliver="return")

    assert list(keep(replace(transfer, terms=terms, once=""), written, KEY, world)) == []
    [later] = keep(replace(transfer, terms=terms, once="", at_once=False), written, KEY, world)
    assert later.owner == "org:amal-relief"


def test_a_refusal_keeps_no_content(transfer, world):
    [mark] = keep(transfer, None, KEY, world)

    assert mark.kind == "idempotency"


def test_content_too_large_for_a_row_is_in_a_file_that_the_row_opens(
    transfer, world, written, monkeypatch
):
    monkeypatch.setattr("gateway.deliver.MAX_ROW", len(CONTENT) - 1)

    *_, row = keep(transfer, written, KEY, world)
    found, media_type = kept_of(row.value, transfer.id, KEY, world.data)

    assert (b"".join(found.chunks()), media_type) == (CONTENT, written.media_type)
    assert CONTENT not in found.path.read_bytes() + row.value
    with pytest.raises(GatewayError):
        unseal(row.value, transfer.id, KEY)


def test_content_too_large_to_be_pushed_is_refused_before_anything_is_logged(
    transfer, world, written, monkeypatch
):
    monkeypatch.setattr("gateway.deliver.MAX_KEPT", len(CONTENT) - 1)
    pushed = replace(transfer, terms=replace(transfer.terms, deliver="push"))

    with pytest.raises(SenderError) as caught:
        list(keep(pushed, written, KEY, world))

    assert (caught.value.rule, caught.value.http_status) == ("content.too_large", 413)
