"""Commitments to records: one spelling, every walk of a writer, many records, nothing left over."""

import base64
import secrets
import time
from dataclasses import dataclass, field

import orjson
import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway import merkle, note
from gateway.entry import new_id, transfer
from gateway.errors import CorridorError
from gateway.log import Log
from gateway.log_subjects import LEAVES, STALE_MS, Subjects
from gateway.subjects import Commitments, commitment, token
from gateway.subjects.proof import SubjectError, open_proof, prove
from gateway.subjects.spelling import spelt
from tests.log_database import gateway_on

KEY = b"k" * 32
MANY = 2 * LEAVES + 5

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53) + 1, 2**53 - 1)
VALUES = st.recursive(
    NUMBERS | st.text() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_a_record_is_spelt_as_rfc_8785_says(record):
    assert spelt(record) == rfc8785.dumps(record)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (5.0, "5"), (-0.0, "0"), (2.34471, "2.34471"), (1e-5, "0.00001"), (9.5e-6, "0.0000095"),
        (9.5e-7, "9.5e-7"), (1e16, "10000000000000000"), (1.5e21, "1.5e+21"), (1e-10, "1e-10"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_every_language_writes_them(number, text):
    assert spelt({"lat": number}).decode() == f'{{"lat":{text}}}'


@dataclass
class Records:
    """What `minimize` gives: records, each with the id it has at its source."""

    count: int
    walks: int = 0
    records: list = field(default_factory=list)

    def __post_init__(self):
        self.records = [{"record_type": "person", "record_id": f"p/{n}"} for n in range(self.count)]

    def owned(self):
        self.walks += 1
        return ((f"src/{n}", record) for n, record in enumerate(self.records))


@pytest.fixture(params=["sqlite", "postgresql"])
def log(request, tmp_path):
    key, data = Ed25519PrivateKey.generate(), tmp_path / "data"
    if request.param == "postgresql":
        data = gateway_on(tmp_path / "one", request.getfixturevalue("database"))
    with Log.create(data, origin="test.example/log", key=key, gateway="gw-1") as made:
        yield made


def logged(log: Log, made: Commitments, records: Records, name: str) -> dict:
    rules: list[str] = []
    entry = transfer(
        gateway="gw-1", id=name, outcome="refused", sender={"party": "org:a"},
        recipient={"party": "org:b"}, purpose="hum.x", rules=rules, count="0",
        subjects=made.root(records),
    )  # fmt: skip
    log.submit(entry, subjects=made.subjects(0)).result()
    return entry


def rows(log: Log, table: str) -> int:
    return log.rows(f"SELECT count(*) FROM {table}")[0][0]


def root_of(log: Log, name: str, records: Records) -> str:
    """The root, made again from the rows alone."""
    query = "SELECT salt FROM subject WHERE transfer = ? ORDER BY position"
    leaves = [
        merkle.leaf_hash(commitment(salt, name, record))
        for (salt,), record in zip(log.rows(query, (name,)), records.records, strict=True)
    ]
    root = merkle.root(merkle.grow(0, (), leaves).edge)
    return base64.urlsafe_b64encode(root).decode().rstrip("=")


@pytest.mark.parametrize("count", [1, 2, LEAVES - 1, LEAVES, LEAVES + 1, MANY])
def test_every_record_is_found_and_proven(log, count):
    records, name = Records(count), new_id()
    made = Commitments(name, KEY, log)

    assert list(made.over(records)) == records.records
    before = rows(log, "subject")
    entry = logged(log, made, records, name)

    # The memory it takes does not grow: all but the last lot was written before the entry.
    assert before == count // LEAVES * LEAVES
    assert rows(log, "subject") == count
    assert rows(log, "subject_staged") == 0
    assert entry["subjects"] == root_of(log, name, records)
    for number in {0, count // 2, count - 1}:
        proof = prove(log, name, token(KEY, f"src/{number}"))
        opened = open_proof(proof, records.records[number], vkey=vkey(log))
        assert (opened.position, opened.entry["id"]) == (number, name)
        with pytest.raises(CorridorError):
            open_proof(proof, {"record_id": "somebody/else"}, vkey=vkey(log))


def vkey(log: Log) -> str:
    return log.rows("SELECT vkey FROM log")[0][0]


def test_a_writer_may_walk_twice_or_stop_in_the_middle(log):
    records, name = Records(MANY), new_id()
    made = Commitments(name, KEY, log)
    watched = made.over(records)

    half = iter(watched)
    for _ in range(LEAVES + 3):
        next(half)
    assert rows(log, "subject") == LEAVES
    list(watched)  # begins anew, and takes back what the first walk wrote
    list(watched)
    entry = logged(log, made, records, name)

    assert records.walks == 2
    assert rows(log, "subject") == MANY
    assert entry["subjects"] == root_of(log, name, records)


def test_a_writer_that_never_walks_leaves_no_record_without_a_commitment(log):
    records, name = Records(3), new_id()
    made = Commitments(name, KEY, log)

    entry = logged(log, made, records, name)

    assert entry["subjects"] == root_of(log, name, records)


def test_two_commitments_to_one_record_have_nothing_in_common(log):
    records = Records(1)
    names = [new_id(), new_id()]
    roots = {logged(log, Commitments(name, KEY, log), records, name)["subjects"] for name in names}

    assert len(roots) == 2
    assert len({row for row in log.rows("SELECT token FROM subject")}) == 1


def test_what_no_entry_followed_is_taken_back(log):
    made = Commitments(new_id(), KEY, log)
    list(made.over(Records(MANY)))
    assert rows(log, "subject") == 2 * LEAVES

    made.abandon()
    made.abandon()

    assert [rows(log, table) for table in ("subject", "subject_leaves", "subject_staged")] == [
        0
    ] * 3


def test_what_a_crash_left_behind_is_swept_after_a_day(tmp_path):
    key, now = Ed25519PrivateKey.generate(), [0]
    Log.create(tmp_path / "data", origin="test.example/log", key=key, gateway="gw-1").close()
    clock = lambda: now[0] or time.time_ns() // 1_000_000  # noqa: E731
    with Log.open(tmp_path / "data", key=key, gateway="gw-1", clock=clock) as log:
        lost, made = new_id(), new_id()
        list(Commitments(lost, KEY, log).over(Records(MANY)))
        log.append(
            transfer(gateway="gw-1", id=made, outcome="refused", sender={"party": "org:a"},
                     recipient={"party": "org:b"}, purpose="hum.x", rules=[], count="0")
        )  # fmt: skip
        list(Commitments(made, KEY, log).over(Records(LEAVES)))
        log.destroy_expired()
        assert rows(log, "subject") == 3 * LEAVES

        now[0] = clock() + STALE_MS + 60_000
        log.destroy_expired()

        # Of a transfer that is in the log nothing is taken.
        assert log.rows("SELECT DISTINCT transfer FROM subject") == [(made,)]
        assert rows(log, "subject_leaves") == 1


def test_stops_and_releases_in_one_batch_follow_their_order(log):
    mark = secrets.token_bytes(16)
    said = {"v": 1, "type": "rights", "gateway": "gw-1", "what": "objection", "state": "answered"}

    def about(**subjects):
        entry = {**said, "id": new_id(), "case": new_id()}
        return log.submit(entry, subjects=Subjects(**subjects))

    before, stop = about(version=0), about(stop=[(mark, "objection")])
    after = about(version=0)

    assert before.result().index < stop.result().index
    assert after.exception().rule == "log.superseded"
    assert about(version=1).result()
    about(lift=[(mark, "objection")]).result()
    assert about(version=1).exception().rule == "log.superseded"
    assert rows(log, "subject_stop") == 0


def good(log: Log) -> tuple[dict, dict]:
    records, name = Records(3), new_id()
    logged(log, Commitments(name, KEY, log), records, name)
    return orjson.loads(prove(log, name, token(KEY, "src/1"))), records.records[1]


def test_a_proof_that_says_anything_else_does_not_hold(log):
    proof, record = good(log)
    other, _ = good(log)
    open_proof(orjson.dumps(proof), record, vkey=vkey(log))
    changes = [
        {"position": 0}, {"position": 7}, {"size": 2}, {"size": "3"}, {"path": []},
        {"path": [1]}, {"path": proof["path"][::-1]}, {"path": ["x"]}, {"salt": other["salt"]},
        {"salt": proof["salt"][:-1]}, {"salt": "é"}, {"form": "x"}, {"more": 1},
        {"entry": other["entry"]}, {"entry": 7}, {"proof": other["proof"]}, {"position": True},
    ]  # fmt: skip
    for change in changes:
        with pytest.raises(CorridorError):
            open_proof(orjson.dumps({**proof, **change}), record, vkey=vkey(log))
    for text in (b"{", b"[]"):
        with pytest.raises(SubjectError):
            open_proof(text, record, vkey=vkey(log))


def test_an_entry_without_commitments_proves_nothing(log):
    proof, record = good(log)
    said = transfer(gateway="gw-1", outcome="refused", sender={"party": "org:a"},
                    recipient={"party": "org:b"}, purpose="hum.x", rules=[], count="0")  # fmt: skip
    appended = log.append(said)
    held = note.Proof(index=appended.index, hashes=appended.proof, checkpoint=appended.checkpoint)
    bare = {**proof, "entry": appended.leaf.decode(), "proof": note.render_proof(held)}

    with pytest.raises(SubjectError) as caught:
        open_proof(orjson.dumps(bare), record, vkey=vkey(log))
    assert caught.value.rule == "subject.entry"
