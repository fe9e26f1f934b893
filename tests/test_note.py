import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.errors import CorridorError
from gateway.merkle import leaf_hash, verify_inclusion
from gateway.note import (
    Checkpoint,
    Note,
    NoteError,
    Proof,
    Signature,
    Signer,
    Vkey,
    open_checkpoint,
    parse_checkpoint,
    parse_note,
    parse_proof,
    parse_vkey,
    render_checkpoint,
    render_note,
    render_proof,
    render_vkey,
)

NAME = "gw.example.org/transfers/2027"
KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
SIGNER = Signer.of(NAME, KEY)
ROOT = bytes.fromhex("9ad04609ab3894f54730e2e68c9722f27fd6cddad350d68dda9005c6bf0af0dc")
VKEY = f"{NAME}+e3ef4122+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs"
SIGNED = (
    f"{NAME}\n3\nmtBGCas4lPVHMOLmjJci8n/WzdrTUNaN2pAFxr8K8Nw=\n\n"
    f"— {NAME} 4+9BIiqATrZWD45Us209uzi8cITuWV5PRsNfl8d8B6GexSEoIAz37W2KeMRm++NDe974G9M0dEnuq"
    "EvK160+7W5h0ww=\n"
)
WITNESS = (
    "— witness.example.net/w1 qpSH4QAAAABrAnhljbh7rK+/eWNYOBuLu8DwFeO9F1YbkMt9ht99iAbFpma4ubWY"
    "CvxRh30Jxfsw+3PS/cLBf4cIhVzYhDkJUSTFDQ==\n"
)
HASHES = [
    "2OjNswSvO58zBdGheuUecoT0Fl2+6XZuU/IWyXEnI7s=",
    "w4b8tji4dEnl9ALAAIL9HSCR+maWHDiUeADHpOCseS8=",
]
PROOF = "\n".join(["c2sp.org/tlog-proof@v1", "extra c2FsdA==", "index 0", *HASHES, "", SIGNED])


def test_the_key_vector():
    assert render_vkey(SIGNER.vkey) == VKEY
    assert parse_vkey(VKEY) == SIGNER.vkey


def test_the_checkpoint_vector():
    assert SIGNER.checkpoint(3, ROOT) == SIGNED
    assert open_checkpoint(SIGNED, SIGNER.vkey) == Checkpoint(NAME, 3, ROOT)


def test_a_witness_line_is_carried_and_not_judged():
    note = parse_note(SIGNED + WITNESS)

    assert render_note(note) == SIGNED + WITNESS
    assert [by.id.hex() for by in note.signatures] == ["e3ef4122", "aa9487e1"]
    assert open_checkpoint(SIGNED + WITNESS, SIGNER.vkey).size == 3


def test_the_proof_vector():
    proof = parse_proof(PROOF)

    assert (proof.index, proof.extra, len(proof.hashes)) == (0, b"salt", 2)
    assert render_proof(proof) == PROOF
    leaf = bytes.fromhex("5b497f0251e67e0a0e5516f47924b2ac974cf69c90d1895db7b733dd1eed5267")
    verify_inclusion(leaf, 0, 3, proof.hashes, ROOT)
    outcome = b'{"id":"0198f0c2-7d0b-7000-8000-000000000001","t":"outcome","v":1}'
    assert base64.b64encode(leaf_hash(outcome)).decode() == HASHES[0]


def test_a_proof_of_the_only_entry_has_no_hashes_and_no_extra():
    text = render_proof(Proof(0, (), SIGNED))

    assert text == "\n".join(["c2sp.org/tlog-proof@v1", "index 0", "", SIGNED])
    assert parse_proof(text) == Proof(0, (), SIGNED)


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (SIGNED.replace("\n3\n", "\n4\n"), "note.signature"),
        (SIGNED.replace(NAME, "gw.example.org/other"), "checkpoint.origin"),
        (SIGNED.replace(f"— {NAME}", "— gw.example.org/other"), "note.unsigned"),
        (SIGNED.replace("4+9BIiqA", "4+9BIiqB"), "note.signature"),
        (SIGNED.replace("4+9BIiqA", "5+9BIiqA"), "note.unsigned"),
    ],
)
def test_what_this_key_did_not_sign_is_refused(wrong, rule):
    with pytest.raises(NoteError) as refused:
        open_checkpoint(wrong, SIGNER.vkey)

    assert refused.value.rule == rule


def test_a_checkpoint_under_the_same_name_by_another_key_is_refused():
    impostor = Signer.of(NAME, Ed25519PrivateKey.from_private_bytes(b"\x08" * 32))

    with pytest.raises(NoteError) as refused:
        open_checkpoint(impostor.checkpoint(3, ROOT), SIGNER.vkey)

    assert refused.value.rule == "note.unsigned"


def test_a_signature_of_another_key_under_our_key_id_is_refused():
    other = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
    text = render_checkpoint(Checkpoint(NAME, 3, ROOT))
    forged = Note(text, (Signature(NAME, SIGNER.id, other.sign(text.encode())),))

    with pytest.raises(NoteError) as refused:
        open_checkpoint(render_note(forged), SIGNER.vkey)

    assert refused.value.rule == "note.signature"


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "a+b",
        VKEY + "=",
        VKEY.replace("e3ef4122", "E3EF4122"),
        VKEY.replace("e3ef4122", "e3ef4123"),
        VKEY.replace("RtIs", "RtIt"),
        VKEY.replace("+Aep", "+Bep"),
        VKEY.replace("+AepKbG", "+AepKb"),
        VKEY.replace("gw.", "gw "),
        VKEY.replace("gw.", "\ud800"),
        "+" + VKEY.split("+", 1)[1],
    ],
)
def test_a_key_has_one_spelling(wrong):
    with pytest.raises(NoteError):
        parse_vkey(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        SIGNED.removesuffix("\n"),
        SIGNED + "\n",
        "\n" + SIGNED,
        SIGNED.replace("\n\n", "\n"),
        SIGNED.replace("—", "-"),
        SIGNED.replace("\n\n", "\n\n\r"),
        SIGNED.replace("\n3\n", "\n03\n"),
        SIGNED.replace("\n3\n", "\n+3\n"),
        SIGNED.replace("\n3\n", "\n٣\n"),
        SIGNED.replace("\n3\n", f"\n{2**63}\n"),
        SIGNED.replace("\n3\n", "\n3\nextension\n"),
        SIGNED.replace("8Nw=", "8Nx="),
        SIGNED.replace("8Nw=", "8Nw"),
        SIGNED.replace("mtBGCas4", ""),
        SIGNED.replace("mtBG", "mt BG"),
        SIGNED.replace("0ww=", "0wx="),
        SIGNED + SIGNED.split("\n\n")[1],
        SIGNED + "— short AAAA\n",
        SIGNED + "— name\n",
        SIGNED + WITNESS.replace("\n", " \n"),
        SIGNED + WITNESS.replace(" w", "  w"),
        SIGNED + "".join(WITNESS.replace("/w1", f"/w{n}") for n in range(16)),
        SIGNED.replace("gw.", "\ud800."),
        SIGNED + WITNESS * 1000,
    ],
)
def test_a_checkpoint_has_one_spelling(wrong):
    with pytest.raises(NoteError):
        open_checkpoint(wrong, SIGNER.vkey)


@pytest.mark.parametrize(
    "wrong",
    [
        PROOF.replace("@v1", "@v2"),
        PROOF.replace("index 0", "index 00"),
        PROOF.replace("index 0\n", ""),
        PROOF.replace("extra c2FsdA==", "extra "),
        PROOF.replace("extra c2FsdA==", "extra c2FsdA="),
        PROOF.replace("extra c2FsdA==\nindex 0", "index 0\nextra c2FsdA=="),
        PROOF.replace("index 0\n" + "\n".join(HASHES) + "\n", ""),
        PROOF.replace("I7s=", "I7t="),
        PROOF.replace("2OjNswSv", ""),
        PROOF.replace(HASHES[0], "\n".join(HASHES[:1] * 64)),
        PROOF.replace("\n\n", "\n", 1),
        PROOF.removesuffix("\n"),
        PROOF.replace("@v1\n", "@v1\n\n"),
        PROOF.replace("c2FsdA==", "c2Fs" * 20_000),
        "c2sp.org/tlog-proof@v1\n\n" + SIGNED,
    ],
)
def test_a_proof_has_one_spelling(wrong):
    with pytest.raises(CorridorError):
        parse_proof(wrong)


PARSERS = [
    (parse_vkey, render_vkey, VKEY),
    (parse_note, render_note, SIGNED + WITNESS),
    (parse_checkpoint, render_checkpoint, SIGNED.split("\n\n")[0] + "\n"),
    (parse_proof, render_proof, PROOF),
]


@pytest.mark.parametrize(("parse", "render", "sample"), PARSERS)
@given(data=st.data())
def test_whatever_is_parsed_renders_to_the_same_text(parse, render, sample, data):
    """Any damage to a sample is refused, or is another text with its own one form."""
    at = data.draw(st.integers(0, len(sample)))
    gone = data.draw(st.integers(0, 3))
    text = sample[:at] + data.draw(st.text(max_size=3)) + sample[at + gone :]
    for candidate in (text, data.draw(st.text())):
        try:
            value = parse(candidate)
        except NoteError:
            continue
        assert render(value) == candidate


@given(
    st.integers(0, 2**63 - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63),
    st.binary(max_size=200),
)
@example(0, [], b"")
def test_a_rendered_proof_parses_to_itself(index, hashes, extra):
    proof = Proof(index, tuple(hashes), SIGNED, extra)

    assert parse_proof(render_proof(proof)) == proof


@given(st.integers(0, 2**63 - 1), st.binary(max_size=64))
def test_whatever_is_signed_opens(size, content):
    root = hashlib.sha256(content).digest()

    opened = open_checkpoint(SIGNER.checkpoint(size, root), SIGNER.vkey)

    assert opened == Checkpoint(NAME, size, root)


@pytest.mark.parametrize(("name", "public"), [("", b"k" * 32), ("a b", b"k" * 32), ("a", b"k")])
def test_a_key_needs_a_name_and_32_bytes(name, public):
    with pytest.raises(NoteError):
        Vkey(name, public)


def test_a_private_key_is_not_shown():
    assert "key=<" not in repr(SIGNER)
    assert "4+9BIiqA" not in repr(parse_note(SIGNED))
