import contextlib
import json
import os
import struct
import subprocess
import sys
import threading
from pathlib import Path

import apsw
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import audit, entry, log_file, log_snapshot, merkle, note
from gateway.audit import LogProofError, Problem, verify_log, verify_proof
from gateway.high_water import HighWater
from gateway.log import Keep, Log

KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
ORIGIN = "gw.example.org/transfers/2027"
SIGNER = note.Signer.of(ORIGIN, KEY)
VKEY = note.render_vkey(SIGNER.vkey)
SAMPLE = json.loads((Path(__file__).parent / "vectors/released_transfer.json").read_text())


def released():
    return SAMPLE | {"id": entry.new_id()}


def refused():
    return released() | {"outcome": "refused"}


def fill(log, count):
    transfers = [released() for _ in range(count)]
    for number, transfer in enumerate(transfers):
        log.append(transfer, keep=[Keep("content", str(number), b"x" * 700)], once=str(number))
        if number % 2:
            log.done(transfer["id"])


@pytest.fixture
def directory(tmp_path):
    """A closed log with a full tile, outcomes of both kinds, and pages in no use."""
    path = tmp_path / "log"
    with Log.create(path, origin=ORIGIN, key=KEY, gateway="gw-1") as log:
        fill(log, 20)
        for future in [log.submit(refused()) for _ in range(250)]:
            future.result()
        for number in range(10):
            log.destroy("content", str(number))
    with Log.open(path, key=KEY, gateway="gw-1") as log:
        log.append(refused())
    return path


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small"
    with Log.create(path, origin=ORIGIN, key=KEY, gateway="gw-1") as log:
        fill(log, 2)
        log.destroy("content", "0")
    return path


def rules(directory, vkey=VKEY):
    return {problem.rule for problem in verify_log(directory, vkey=vkey).problems}


def change(directory, *statements):
    """Change rows as somebody would who can write the file: checksums and triggers in place."""
    log_file.load_checksums()
    with apsw.Connection(str(directory / log_file.FILE), vfs=log_file.VFS) as connection:
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
        ).fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(*statement) if isinstance(statement, tuple) else connection.execute(
                statement
            )
        for _, sql in triggers:
            connection.execute(sql)
    connection.close()


def test_a_whole_log_has_no_problems(directory):
    told = []

    findings = verify_log(directory, vkey=VKEY, progress=lambda *it: told.append(it))

    assert findings.problems == ()
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        before = note.open_checkpoint(log.prove(0).checkpoint, SIGNER.vkey)
        proof = log.consistency(findings.size, before.size)
        merkle.verify_consistency(findings.size, before.size, proof, findings.root, before.root)
    assert told[-1] == (findings.size, findings.size)


def test_a_log_in_use_is_verified_without_being_touched(directory):
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        appended = log.append(refused())
        before = {path: path.stat().st_mtime_ns for path in directory.iterdir()}

        findings = verify_log(directory, vkey=VKEY)

        assert {path: path.stat().st_mtime_ns for path in directory.iterdir()} == before
        assert (findings.size, findings.problems) == (appended.size, ())
        log.append(refused())


def test_a_log_left_by_a_crash_is_verified_as_it_is(directory):
    script = """
import os, sys
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from gateway import entry
from gateway.log import Log
key = Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)
log = Log.open(Path(sys.argv[1]), key=key, gateway="gw-1")
print(log.append(entry.control(gateway="gw-1", what="freeze")).size, flush=True)
os.kill(os.getpid(), 9)
"""
    child = subprocess.run(
        [sys.executable, "-c", script, str(directory)], capture_output=True, text=True, check=False
    )
    wal = directory / "log.sqlite-wal"
    assert wal.exists()

    findings = verify_log(directory, vkey=VKEY)

    assert (findings.size, findings.problems) == (int(child.stdout), ())
    content = bytearray(wal.read_bytes())
    content[-2000] ^= 1
    wal.write_bytes(content)
    assert rules(directory) == {"log.rolled_back"}


def test_any_one_changed_byte_is_noticed(small):
    path = small / log_file.FILE
    whole = path.read_bytes()
    assert rules(small) == set()
    seen = set()

    for at in [*range(200), *range(200, len(whole), 97), *range(len(whole) - 16, len(whole))]:
        content = bytearray(whole)
        content[at] ^= 1 << at % 8
        path.write_bytes(content)
        problems = verify_log(small, vkey=VKEY).problems
        assert problems == (Problem("page", f"page {at // 4096 + 1}"),)
        seen.add(at // 4096)

    assert seen == set(range(len(whole) // 4096))


def test_the_checksum_of_every_page_depends_on_every_byte(small):
    """All bytes of one page, and a second opinion on the sums that SQLite's extension makes."""
    content = (small / log_file.FILE).read_bytes()
    log_file.load_checksums()
    with apsw.Connection(":memory:") as memory:
        for start in range(0, len(content), 4096):
            page = content[start : start + 4096]
            first = second = 0
            words = struct.unpack("<1024I", page)
            for low, high in zip(words[:1022:2], words[1:1022:2], strict=True):
                first = (first + low + second) % 2**32
                second = (second + high + first) % 2**32
            assert (first, second) == words[1022:]
        for at in range(4096):
            damaged = bytearray(content[:4096])
            damaged[at] ^= 0x80
            [(holds,)] = memory.execute("SELECT verify_checksum(?)", (bytes(damaged),))
            assert holds == 0
    memory.close()


@pytest.mark.parametrize("cut", [1, 4096])
def test_a_shortened_file_is_noticed(directory, cut):
    path = directory / log_file.FILE
    path.write_bytes(path.read_bytes()[:-cut])

    assert rules(directory)


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("UPDATE entry SET leaf = CAST(leaf || ' ' AS BLOB) WHERE idx = 3", "entry.hash"),
        ("UPDATE entry SET hash = randomblob(32) WHERE idx = 3", "entry.hash"),
        ("UPDATE entry SET id = id || '0' WHERE idx = 3", "entry.id"),
        ("DELETE FROM entry WHERE idx = 30", "entry.missing"),
        ("DELETE FROM entry WHERE idx = (SELECT max(idx) FROM entry)", "entry.missing"),
        (
            "INSERT INTO entry SELECT idx + 1, 'x', leaf, hash FROM entry WHERE idx = "
            "(SELECT max(idx) FROM entry)",
            "entry.unsigned",
        ),
        ("INSERT INTO entry VALUES (-1, 'x', x'00', randomblob(32))", "entry.unsigned"),
        ("UPDATE tile_hash SET hash = randomblob(32)", "tile.hash"),
        ("DELETE FROM tile_hash", "tile.hash"),
        ("INSERT INTO tile_hash VALUES (1, 9, randomblob(32))", "tile.extra"),
        ("UPDATE log_head SET edge = randomblob(length(edge))", "log.head"),
        ("UPDATE log_head SET size = size - 1", "log.head"),
        ("UPDATE log_head SET time = time + 1", "log.head"),
        ("DELETE FROM log_head", "log.head"),
        ("UPDATE log SET vkey = replace(vkey, '+e', '+f')", "log.key"),
        (
            "UPDATE checkpoint SET note = replace(note, char(10) || size || char(10), "
            "char(10) || (size + 1) || char(10)) WHERE size BETWEEN 3 AND 9",
            "checkpoint.note.signature",
        ),
        (
            "UPDATE checkpoint SET note = '' WHERE size BETWEEN 3 AND 9",
            "checkpoint.note.characters",
        ),
        (
            "UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE size = 1) "
            "WHERE size BETWEEN 3 AND 9",
            "checkpoint.size",
        ),
        (
            "UPDATE checkpoint SET note = note || char(8212) || ' w AAAAAAA=' || char(10) "
            "WHERE size BETWEEN 3 AND 9",
            "checkpoint.signatures",
        ),
        (
            "UPDATE checkpoint SET note = CAST(x'ff' AS TEXT) WHERE size BETWEEN 3 AND 9",
            "file.unreadable",
        ),
        ("DELETE FROM checkpoint WHERE size = (SELECT max(size) FROM checkpoint)", "log.head"),
        ("UPDATE transfer_state SET outcome = 'held' WHERE idx = 2", "transfer.state"),
        ("DELETE FROM transfer_state WHERE idx = 30", "transfer.state"),
        ("INSERT INTO transfer_state VALUES ('x', -1, 'refused', 'none')", "transfer.extra"),
        (
            "UPDATE transfer_state SET state = 'delivered' WHERE state = 'not_released'",
            "outcome.transfer",
        ),
        ("UPDATE transfer_state SET state = 'delivered' WHERE state = 'none'", "transfer.state"),
        ("UPDATE transfer_state SET state = 'open' WHERE state = 'delivered'", "outcome.transfer"),
        ("INSERT INTO once VALUES ('token', 'no transfer')", "once.transfer"),
        ("CREATE TABLE more (x)", "file.tables"),
        ("DROP INDEX transfer_open", "file.tables"),
    ],
)
def test_a_changed_row_is_noticed(directory, statement, rule):
    change(directory, statement)

    assert rule in rules(directory)


def test_two_entries_that_changed_places_are_noticed(directory):
    change(
        directory,
        "UPDATE entry SET idx = 100000 WHERE idx = 4",
        "UPDATE entry SET idx = 4 WHERE idx = 5",
        "UPDATE entry SET idx = 5 WHERE idx = 100000",
    )

    assert "checkpoint.root" in rules(directory)


def test_an_entry_rewritten_with_its_whole_tree_is_noticed_by_what_was_signed(directory):
    log_file.load_checksums()
    with apsw.Connection(str(directory / log_file.FILE), vfs=log_file.VFS) as connection:
        leaves = [leaf for (leaf,) in connection.execute("SELECT leaf FROM entry ORDER BY idx")]
    connection.close()
    leaves[4] = leaves[4].replace(b"gw-1", b"gw-2")
    tree = merkle.grow(0, (), [merkle.leaf_hash(leaf) for leaf in leaves])

    change(
        directory,
        ("UPDATE entry SET leaf = ?, hash = ? WHERE idx = 4", (leaves[4], tree.nodes[0, 4])),
        ("UPDATE tile_hash SET hash = ?", (tree.tiles[0][2],)),
        ("UPDATE log_head SET edge = ?", (b"".join(tree.edge),)),
    )

    assert rules(directory) == {"checkpoint.root"}


def leaves_of(directory):
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        return [leaf for _, leaf in log.entries()]


def rebuild(directory, leaves, key=KEY):
    """A log of these very bytes, made by somebody who has a key and no scruples."""
    signer = note.Signer.of(ORIGIN, key)
    tree = merkle.grow(0, (), [merkle.leaf_hash(leaf) for leaf in leaves])
    signed = signer.checkpoint(tree.size, merkle.root(tree.edge))
    names = [json.loads(leaf).get("id", str(index)) for index, leaf in enumerate(leaves)]
    change(
        directory,
        "DELETE FROM entry",
        "DELETE FROM checkpoint",
        "DELETE FROM tile_hash",
        *[
            (
                "INSERT INTO entry VALUES (?, ?, ?, ?)",
                (index, names[index], leaf, merkle.leaf_hash(leaf)),
            )
            for index, leaf in enumerate(leaves)
        ],
        *[("INSERT INTO tile_hash VALUES (?, ?, ?)", tile) for tile in tree.tiles],
        ("INSERT INTO checkpoint VALUES (?, ?)", (tree.size, signed)),
        ("UPDATE log_head SET size = ?, edge = ?", (tree.size, b"".join(tree.edge))),
    )
    return signed


def test_a_history_signed_again_with_another_key_is_noticed(directory):
    rebuild(directory, leaves_of(directory), OTHER)

    assert "checkpoint.note.unsigned" in rules(directory)
    assert "log.key" in rules(directory, note.render_vkey(note.Signer.of(ORIGIN, OTHER).vkey))


def test_a_second_history_with_the_same_key_is_noticed_by_the_high_water_file(directory):
    rebuild(directory, [*leaves_of(directory)[:-2], b"{}", b"{}", b"{}"])

    assert {"log.forked", "entry.schema"} <= rules(directory)


def test_a_tail_cut_off_and_signed_anew_is_noticed_by_the_high_water_file(directory):
    rebuild(directory, leaves_of(directory)[:-1])

    assert "log.rolled_back" in rules(directory)


def test_a_signed_entry_that_says_what_none_may_say_is_noticed(directory):
    leaves = leaves_of(directory)
    again = [leaf for leaf in leaves if b'"delivered"' in leaf]
    other = leaves[9].replace(b"org:a", b"a name")
    late = [leaves[3], leaves[1], again[0], other]

    rebuild(directory, late)

    assert {"entry.first", "entry.time", "outcome.transfer", "entry.schema"} <= rules(directory)


def test_missing_files_are_named(directory, tmp_path):
    assert verify_log(tmp_path, vkey=VKEY).problems == (Problem("log.missing", "log.highwater"),)
    (directory / log_file.FILE).rename(tmp_path / "elsewhere")
    assert verify_log(directory, vkey=VKEY).problems == (Problem("log.missing", "log.sqlite"),)


def test_a_high_water_file_by_another_key_or_unreadable_is_named(directory):
    path = directory / "log.highwater"
    path.write_bytes(bytes(4096))
    assert rules(directory) == {"log.high_water_damaged"}

    path.unlink()
    HighWater.create(directory, note.Signer.of(ORIGIN, OTHER).checkpoint(0, merkle.EMPTY))
    assert rules(directory) == {"high_water.note.unsigned"}


def test_no_more_problems_of_a_kind_than_anyone_reads(directory):
    change(directory, "UPDATE entry SET id = id || '0'")

    problems = verify_log(directory, vkey=VKEY).problems

    found = [problem for problem in problems if problem.rule == "entry.id"]
    assert len(found) == audit.MAX_OF_ONE_RULE


def test_a_file_of_random_pages_with_right_checksums_is_named(directory):
    page = os.urandom(4088)
    first = second = 0
    words = struct.unpack("<1022I", page)
    for low, high in zip(words[::2], words[1::2], strict=True):
        first = (first + low + second) % 2**32
        second = (second + high + first) % 2**32
    (directory / log_file.FILE).write_bytes((page + struct.pack("<2I", first, second)) * 3)

    assert rules(directory) == {"file.unreadable"}


def test_a_log_that_changes_all_the_time_is_not_judged_by_a_torn_copy(directory):
    """A pipe in place of the write-ahead log is another one each time it is looked at."""
    pipe = directory / "log.sqlite-wal"
    os.mkfifo(pipe)

    def feed():
        while True:
            with contextlib.suppress(BrokenPipeError), pipe.open("wb") as opened:
                opened.write(os.urandom(32))

    threading.Thread(target=feed, daemon=True).start()

    assert rules(directory) == {"log.busy"}


def test_a_write_ahead_log_that_goes_away_is_not_copied(directory, tmp_path):
    path = directory / log_file.FILE

    assert not log_snapshot._copied(path, tmp_path / "none", tmp_path / "copy")


def test_what_is_not_a_key_is_refused(directory):
    with pytest.raises(note.NoteError):
        verify_log(directory, vkey="key")


@pytest.fixture
def receipt(directory):
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        appended = log.append(refused())
    return note.Proof(appended.index, appended.proof, appended.checkpoint, b"salt"), appended.leaf


def test_a_receipt_is_checked_with_the_key_alone(receipt):
    proof, leaf = receipt

    checkpoint = verify_proof(note.render_proof(proof), leaf, vkey=VKEY)

    assert checkpoint.origin == ORIGIN
    assert checkpoint.size == proof.index + 1


def test_a_receipt_for_something_else_is_refused(receipt):
    proof, leaf = receipt
    text = note.render_proof(proof)
    other = note.render_vkey(note.Signer.of(ORIGIN, OTHER).vkey)
    short = note.render_proof(note.Proof(proof.index, proof.hashes[1:], proof.checkpoint))

    for wrong, content, key, rule in [
        (text, leaf + b" ", VKEY, "proof.inclusion"),
        (text.replace(f"index {proof.index}", "index 1"), leaf, VKEY, "proof.length"),
        (text.replace(f"index {proof.index}", "index 100000"), leaf, VKEY, "proof.index"),
        (short, leaf, VKEY, "proof.length"),
        (text, leaf, other, "note.unsigned"),
        (text, leaf, "key", "vkey.form"),
        (text + "\n", leaf, VKEY, "note.form"),
        ("", leaf, VKEY, "note.characters"),
    ]:
        with pytest.raises(LogProofError) as refused_:
            verify_proof(wrong, content, vkey=key)
        assert refused_.value.rule == rule
        assert refused_.value.http_status == 422
