"""Receipts: what an outsider refuses, and why."""

import asyncio
import json
import string

import pytest

from gateway import note, receipt, session
from gateway.deployment import read_deployment
from gateway.entry import new_id
from gateway.errors import CorridorError
from gateway.exchange import Transfer, exchange
from gateway.log import Appended
from gateway.terms import Asked, terms_of


@pytest.fixture(scope="module")
def held(prepared, tmp_path_factory):
    """A receipt of a release, its content, and the key of its log."""
    import shutil

    directory = tmp_path_factory.mktemp("receipt") / "demo"
    shutil.copytree(prepared[0], directory)

    async def carry():
        async with session.opened(directory) as gateway:
            asked = Asked(
                sender="org:amal-relief",
                agreement="agr:registration-2026",
                purpose="hum.assist.registration",
                source="kobo",
                deliver="return",
            )
            content = (directory / "payloads" / "households.json").read_bytes()
            terms = terms_of(asked, gateway.deployment, gateway.known)
            outcome = await exchange(Transfer(new_id(), terms, content), gateway)
            start = gateway.log.prove(0)
            return outcome, start

    outcome, start = asyncio.run(carry())
    return outcome, read_deployment(directory).vkey(), start


def changed(body: bytes, **parts: object) -> bytes:
    document = json.loads(body)
    for name, part in parts.items():
        document[name] = part(document[name]) if callable(part) else part
    return receipt.dump(document)


def refused(body: bytes, vkey: str, content: bytes | None = None) -> str:
    with pytest.raises(CorridorError) as caught:
        receipt.verify(body, vkey=vkey, content=content)
    return caught.value.rule


def test_it_holds(held):
    outcome, vkey, _ = held

    verified = receipt.verify(outcome.receipt, vkey=vkey, content=outcome.content)

    assert (verified.entry["id"], verified.content_checked) == (outcome.transfer, True)
    assert changed(outcome.receipt) == outcome.receipt


def test_other_spellings_of_the_same_are_refused(held):
    outcome, vkey, _ = held
    document = json.loads(outcome.receipt)

    for body in (json.dumps(document).encode(), outcome.receipt + b"\n", outcome.receipt[:-1]):
        assert refused(body, vkey) == "receipt.form"
    assert refused(b"not json", vkey) == "receipt.form"
    assert refused(b"[]\n", vkey) == "receipt.schema"
    assert (
        refused(changed(outcome.receipt, receipt="corridor/receipt/v2"), vkey) == "receipt.schema"
    )


def test_changed_details_do_not_open_the_commitment(held):
    outcome, vkey, _ = held

    def fewer(details: dict) -> dict:
        return {**details, "unmapped": details["unmapped"][1:]}

    assert refused(changed(outcome.receipt, details=fewer), vkey) == "receipt.details"


def test_other_content_does_not_open_the_commitment(held):
    outcome, vkey, _ = held

    assert refused(outcome.receipt, vkey, outcome.content + b" ") == "receipt.content"


def test_an_opening_has_one_spelling_and_is_there_when_content_left(held):
    outcome, vkey, _ = held

    def loose(opening: dict) -> dict:
        # 43 characters carry 258 bits; the last two say nothing to a lax decoder.
        letters = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
        other = letters[letters.index(opening["details"][-1]) + 1]
        return {**opening, "details": opening["details"][:-1] + other}

    assert refused(changed(outcome.receipt, opening=loose), vkey) == "receipt.opening"

    def without(opening: dict) -> dict:
        return {"details": opening["details"]}

    assert refused(changed(outcome.receipt, opening=without), vkey) == "receipt.opening"


def test_an_unsigned_part_of_the_proof_is_refused(held):
    outcome, vkey, _ = held

    def with_extra(text: str) -> str:
        proof = note.parse_proof(text)
        return note.render_proof(note.Proof(proof.index, proof.hashes, proof.checkpoint, b"hello"))

    assert refused(changed(outcome.receipt, proof=with_extra), vkey) == "receipt.extra"


def test_a_second_signature_that_nobody_can_check_is_refused(held):
    outcome, vkey, _ = held

    def cosigned(text: str) -> str:
        line = next(one for one in text.splitlines() if one.startswith("— "))
        return text + line.replace("— gateway", "— stranger") + "\n"

    assert refused(changed(outcome.receipt, proof=cosigned), vkey) == "receipt.signatures"


def test_the_entry_of_something_else_is_no_receipt(held):
    outcome, vkey, start = held
    appended = Appended(start.index, start.size, start.leaf, start.checkpoint, start.proof)
    body = receipt.render(appended, outcome.details, receipt.Opening.new(), with_content=False)

    assert refused(body, vkey) == "receipt.entry"


def test_a_proof_by_another_key_is_no_proof(held):
    outcome, vkey, _ = held
    parts = note.parse_vkey(vkey)
    other = note.render_vkey(note.Vkey(parts.name, bytes(32)))

    assert refused(outcome.receipt, other).startswith("note.")


def test_the_proof_for_other_tools(held):
    assert receipt.proof_of(held[0].receipt).startswith("c2sp.org/tlog-proof@v1\n")
