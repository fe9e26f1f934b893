"""An exported log is checked as an auditor would, with files on a disk and public keys."""

import hashlib
import json
import os
import random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import entry, merkle, note
from gateway.errors import CorridorError, OfficerError
from gateway.log import Log
from gateway.log_keys import digest
from gateway.note import MAX_TEXT
from gateway.publication.export import export
from gateway.publication.tiles import Tile
from gateway.publication.tree import Tree
from gateway.publication.trust import Policy, parse_policy
from gateway.verification import bundle, folder, keys_of, verify_export, walk
from tests.small_logs import (
    KEYS,
    LOG,
    ORIGIN,
    POLICY,
    SAMPLE,
    START,
    VKEY,
    WITHIN,
    WITNESSES,
    Author,
    SmallLog,
    honest,
    leaf,
    named,
    write,
)

ALONE = keys_of(VKEY)
"""No witnesses."""


def verify(root, log, **asked):
    asked = {"others": log.others, "within": WITHIN} | asked
    return verify_export(root, asked.pop("keys", KEYS), **asked)


def rules(root, log, **asked):
    return {problem.rule for problem in verify(root, log, **asked).problems}


def made(log, root, **files):
    write(root, log.files() | files)
    return root


def fresh(count=3):
    """A log that has begun, its author, and dice."""
    rng = random.Random(count)
    return honest(5, count)[0], Author(rng)


def grown(log, *said, step=1000):
    for one in said:
        log.now += step
        log.leaves.append(leaf(one, log.now))
    log.commit()
    log.witness()
    return log


@pytest.mark.parametrize("size", [1, 5, 255, 256, 257, 600])
def test_an_honest_log_holds(tmp_path, size):
    log, _ = honest(size, size)
    told = []

    verdict = verify(made(log, tmp_path), log, progress=lambda *it: told.append(it))

    assert (verdict.problems, verdict.notes) == ((), ())
    assert (verdict.size, verdict.witnessed) == (size, size)
    assert verdict.root == merkle.root(log.grown.edge)
    assert verdict.checkpoints == 1 + len(log.notes) + len(log.held)
    assert verdict.witnessed_at == max(
        one.time for one in KEYS.policy.judged(note.parse_note(log.noted(size).decode())).values()
    )
    assert told[-1] == (size, size)


def test_an_empty_log_holds(tmp_path):
    log = SmallLog()
    log.commit()
    log.witness()

    verdict = verify(made(log, tmp_path), log)

    assert (verdict.problems, verdict.size, verdict.root) == ((), 0, merkle.EMPTY)


def test_several_processes_find_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(walk, "ALONE", 100)
    log, _ = honest(600, 600)
    broken = log.files()
    broken["tile/0/001"] = broken["tile/0/000"]
    del broken["tile/1/000.p/2"]
    write(tmp_path, broken)

    findings = [verify(tmp_path, log, processes=processes) for processes in (1, 2)]

    assert findings[0] == findings[1]
    assert {problem.rule for problem in findings[0].problems} == {"tile.hash", "file.missing"}


def test_workers_look_at_no_more_than_a_few_chunks_at_once():
    class Pool:
        waiting = 0

        def submit(self, work, one):
            Pool.waiting += 1
            assert Pool.waiting <= walk.AHEAD * 2 + 1
            pool = self

            class Future:
                def result(self):
                    pool.__class__.waiting -= 1
                    return work(one)

            return Future()

    assert list(walk.Workers(Pool(), 2).each(str, range(50))) == [str(one) for one in range(50)]


def test_a_log_that_the_gateway_wrote_and_published(tmp_path):
    key = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
    with Log.create(tmp_path / "log", origin=ORIGIN, key=key, gateway="gw-1") as log:
        pending = [
            log.submit(SAMPLE | {"id": entry.new_id(), "outcome": "refused"}) for _ in range(300)
        ]
        for future in pending:
            future.result()
        released = SAMPLE | {"id": entry.new_id()}
        log.append(released)
        log.done(released["id"])
        tree = Tree(log._store.read)
        export(tree, tmp_path / "out", tree.checkpoint(tree.newest()[0]))

        verdict = verify_export(tmp_path / "out", ALONE)

    assert verdict.problems == ()
    assert verdict.size >= 302
    assert verdict.unfounded == 1  # no agreement was activated in this log
    assert (verdict.witnessed, verdict.witnessed_at) == (0, 0)


def test_the_head_must_be_there_signed_and_witnessed(tmp_path):
    log, _ = honest(8, 8)
    files = log.files()
    head = tmp_path / "checkpoint"
    write(tmp_path, files)

    head.write_text(log.notes[8])
    assert rules(tmp_path, log) == {"checkpoint.quorum"}
    assert rules(tmp_path, log, keys=ALONE) == set()
    head.write_bytes(files["checkpoint"].replace(b"8\n", b"9\n", 1))
    assert rules(tmp_path, log) == {"checkpoint.note.signature"}
    head.write_bytes(b"\xff")
    assert rules(tmp_path, log) == {"file.encoding"}
    head.write_bytes(b"a" * (4 * MAX_TEXT + 1))
    assert rules(tmp_path, log) == {"file.length"}
    head.unlink()
    assert rules(tmp_path, log) == {"file.missing"}
    head.mkdir()
    assert rules(tmp_path, log) == {"file.missing"}


def test_a_folder_that_is_none_is_refused(tmp_path):
    log, _ = honest(8, 8)
    root = made(log, tmp_path / "out")
    with pytest.raises(OfficerError, match=r"at nowhere"):
        list(folder.listed(tmp_path / "nowhere"))
    (root / "tile/0/000.p/8").unlink()
    (root / "tile/0/000.p/8").symlink_to(root / "tile/entries/000.p/8")

    assert rules(root, log) == {"file.missing"}


def test_a_pipe_in_place_of_a_file_does_not_hold_up_the_auditor(tmp_path):
    log, _ = honest(8, 8)
    root = made(log, tmp_path)
    (root / "tile/0/000.p/8").unlink()
    os.mkfifo(root / "tile/0/000.p/8")

    assert rules(root, log) == {"file.missing"}


def test_what_else_is_in_the_folder_is_said(tmp_path):
    log, _ = honest(257, 257)
    root = made(log, tmp_path)
    kept = folder.leaves(root, Tile(-1, 0))
    write(root, {
        "README": b"", "linked/x": b"",
        # What an earlier, shorter export may have left: true beginnings.
        "tile/0/000.p/7": (root / "tile/0/000").read_bytes()[: 7 * 32],
        "tile/entries/000.p/1": folder.LENGTH.pack(len(kept[0])) + kept[0],
    })  # fmt: skip
    (root / "tile/elsewhere").symlink_to(root / "linked", target_is_directory=True)

    verdict = verify(root, log)

    assert [one.at for one in verdict.notes] == ["README", "linked/x"]
    assert [(one.rule, one.at) for one in verdict.problems] == [("file.extra", "tile/elsewhere")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tile/0/000.p/7", b"\x00" * 7 * 32), ("tile/0/000.p/7", b""),
        ("tile/entries/000.p/1", b"\x00\x00"), ("tile/0/001.p/2", b"\x00" * 64),
        ("tile/2/000.p/1", b"\x00" * 32), ("tile/0/0.p/7", b""), ("checkpoints/x", b""),
        ("checkpoints/007", b""), ("tile/entries/000.p/256", b""),
    ],
)  # fmt: skip
def test_a_part_that_is_none_of_the_log_is_found(tmp_path, name, content):
    log, _ = honest(257, 257)

    assert rules(made(log, tmp_path, **{name: content}), log) == {"file.extra"}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda content: content[:-1], "bundle.length"),
        (lambda content: content + b"\x00", "bundle.length"),
        (lambda content: content[:1], "bundle.length"),
        (lambda content: b"\xff\xff" + content[2:], "bundle.length"),
        (lambda content: content * 9000, "file.length"),
    ],
)
def test_a_bundle_has_its_exact_length(tmp_path, change, rule):
    log, _ = honest(8, 8)
    name = "tile/entries/000.p/8"
    root = made(log, tmp_path, **{name: change(log.files()[name])})

    verdict = verify(root, log)

    assert [one.rule for one in verdict.problems] == [rule, "log.incomplete"]
    assert (verdict.size, verdict.root) == (0, merkle.EMPTY)


def test_a_tile_has_its_exact_length(tmp_path):
    log, _ = honest(257, 257)
    name = "tile/1/000.p/1"

    assert rules(made(log, tmp_path, **{name: b"\x00" * 31}), log) == {"tile.length"}
    assert rules(made(log, tmp_path, **{name: b"\x00" * 32}), log) == {"tile.hash"}
    longer = {"tile/0/001.p/1": b"\x00" * 33}
    assert rules(made(log, tmp_path, **longer), log) == {"file.length"}


def test_checkpoints_of_others_must_be_in_the_log(tmp_path):
    log, _ = honest(40, 40)
    root = made(log, tmp_path)
    longer, _ = honest(40, 41)
    other, _ = honest(41, 40)
    [(_, newer), *_] = longer.others
    [(_, forked), *_] = other.others

    assert rules(root, log, others=[("w", newer)]) == {"log.rolled_back"}
    assert rules(root, log, others=[("w", forked)]) >= {"log.forked"}
    assert rules(root, log, others=[("w", "nothing")]) == {"checkpoint.note.characters"}
    [one] = verify(root, log, others=[("from w", newer)]).problems
    assert one.at == "from w"


def test_a_kept_checkpoint_has_the_size_of_its_name_and_a_true_cosignature(tmp_path):
    log, _ = honest(40, 40)
    first = min(size for size in log.notes if size in log.lines)
    files = log.files()
    assert rules(made(log, tmp_path, **{"checkpoints/2": files["checkpoints/40"]}), log) == {
        "checkpoint.size"
    }
    (tmp_path / "checkpoints/2").unlink()
    log.lines[first] = log.lines[40]

    assert rules(made(log, tmp_path), log) == {"checkpoint.cosignature.signature"}


def test_a_witness_goes_forward_in_time(tmp_path):
    log, _ = honest(40, 40)
    log.leaves += [leaf(Author(random.Random(1)).transfer("refused"), log.now)]
    log.commit()
    log.now -= 50_000
    log.witness()

    assert rules(made(log, tmp_path), log) == {"witness.time"}


def test_entries_wait_for_their_witnesses_as_long_as_the_auditor_lets_them(tmp_path):
    log, author = fresh()
    log.leaves.append(leaf(author.transfer(), log.now))
    log.commit()
    log.now += 1_000_000
    log.witness()
    root = made(log, tmp_path)

    assert verify(root, log, within=0).longest_wait == 1000
    assert rules(root, log, within=0) == set()
    assert rules(root, log, within=1001) == set()
    assert rules(root, log, within=999) == {"entry.witnessed_late"}
    log.leaves.append(leaf(author.transfer("refused"), log.now))
    log.commit()
    made(log, root)
    (root / "tile/0/000.p/4").unlink()
    (root / "tile/entries/000.p/4").unlink()
    assert rules(root, log, within=0) == {"checkpoint.quorum"}


def test_an_entry_after_a_witness_is_not_older_than_its_word(tmp_path):
    log, author = fresh()
    then = log.now
    log.now += 1_000_000
    log.lines[3] = []
    log.witness()
    log.leaves.append(leaf(author.transfer("refused"), then))
    log.commit()
    log.witness()

    assert rules(made(log, tmp_path), log, within=0) == {"entry.back_dated"}


def test_an_outcome_follows_its_transfer(tmp_path):
    log, author = fresh()
    said = author.transfer()
    grown(log, author.outcome(), said)

    assert rules(made(log, tmp_path), log) == {"outcome.transfer"}


def test_one_witness_of_two_is_no_quorum(tmp_path):
    log, _ = honest(8, 8)
    log.lines = {size: lines[:1] for size, lines in log.lines.items()}
    root = made(log, tmp_path)

    assert rules(root, log, within=0) == {"checkpoint.quorum"}
    either = POLICY.replace(b"both all", b"both any")
    assert rules(root, log, keys=keys_of(VKEY, parse_policy(either))) == set()
    assert rules(root, log, keys=keys_of(VKEY, Policy())) == set()


def test_a_policy_is_for_one_log():
    other = note.Signer.of("gw.example.org/other", Ed25519PrivateKey.from_private_bytes(b"3" * 32))
    with pytest.raises(OfficerError) as refused:
        keys_of(note.render_vkey(other.vkey), parse_policy(POLICY))
    assert refused.value.rule == "witness.policy_log"
    with pytest.raises(CorridorError):
        keys_of("nothing")


def changed_key(log, author, new):
    vkey = new.vkey
    subject = {"id": "log", "version": "2", "state": "active"}
    log.leaves.append(leaf(author.changed("key", subject, digest(vkey)), log.now))
    log.commit()
    size = len(log.leaves)
    text = note.parse_note(log.notes[size])
    both = note.Note(text.text, (*text.signatures, new.sign(text.text)))
    log.notes[size] = note.render_note(both)
    log.witness()


def test_a_log_changes_its_key_and_the_old_one_counts_no_more(tmp_path):
    new = note.Signer.of(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"\x0a" * 32))
    log, author = fresh()
    own = {"id": "log", "version": "1", "state": "active"}
    grown(log, author.changed("key", own, digest(LOG.vkey)))
    changed_key(log, author, new)
    log.leaves.append(leaf(author.transfer("refused"), log.now))
    log.commit()
    size = len(log.leaves)
    by_old = log.notes[size]
    log.notes[size] = new.checkpoint(size, merkle.root(log.grown.edge))
    log.witness()
    two = "\n".join((VKEY, note.render_vkey(new.vkey)))
    keys = keys_of(two, parse_policy(POLICY.replace(f"log {VKEY}\n".encode(), b"")))
    root = made(log, tmp_path)

    assert rules(root, log, keys=keys) == set()
    first_only = keys_of(VKEY, keys.policy)
    assert rules(root, log, keys=first_only) == {"checkpoint.note.unsigned"}
    log.notes[size], log.lines[size] = by_old, []
    log.witness()
    assert rules(made(log, root), log, keys=keys) == {"log.key"}
    assert [one.at for one in verify(root, log, keys=first_only).problems] == ["entry 4"]


def test_documents_are_kept_under_their_digests(tmp_path):
    log, author = fresh()
    content = b"an agreement"
    name = hashlib.sha256(content).hexdigest()
    said = author.agreement("active") | {"documents": [f"sha256:{name}"]}
    grown(log, said)
    root = made(log, tmp_path, **{f"documents/agreement/{name}": content})

    assert rules(root, log) == set()
    made(log, root, **{f"documents/agreement/{name}": b"another"})
    assert rules(root, log) == {"document.digest"}
    (root / f"documents/agreement/{name}").unlink()
    assert rules(root, log) == set()  # nothing was exported
    other = hashlib.sha256(b"x").hexdigest()
    made(log, root, **{f"documents/agreement/{other}": b"x"})
    assert rules(root, log) == {"document.missing"}
    (root / f"documents/agreement/{other}").unlink()
    (root / f"documents/agreement/{other}").symlink_to(root / "checkpoint")
    assert rules(root, log) == {"document.missing", "file.missing"}


@pytest.mark.parametrize("at", ["2026-02-31T00:00:00Z", "2025-02-01T00:00:00Z"])
def test_a_question_was_put_when_it_was_answered(tmp_path, at):
    log, author = fresh()
    said = author.transfer("refused") | {"time": log.now}
    said["policy"] |= {"at": at, "template": "sha256:" + "0" * 64}
    log.leaves.append(entry.canonical(said))
    log.commit()
    log.witness()

    assert rules(made(log, tmp_path), log) == {"question.time"}


def test_a_frozen_log_may_say_that_its_gateway_stops(tmp_path):
    log, author = fresh()
    grown(log, author.head("control") | {"what": "freeze"})
    grown(log, author.head("control") | {"what": "stop"})
    assert rules(made(log, tmp_path), log) == set()
    grown(log, author.head("control") | {"what": "start"})

    assert rules(made(log, tmp_path / "on"), log) == {"entry.after_freeze"}


def test_what_ended_does_not_stand_again_in_the_same_version(tmp_path):
    log, author = fresh()
    grown(log, author.agreement("suspended"), author.agreement("active"))
    assert rules(made(log, tmp_path / "1"), log) == set()
    grown(log, author.agreement("terminated"), author.agreement("active"))

    assert rules(made(log, tmp_path / "2"), log) == {"change.ended"}


@pytest.mark.parametrize("said", ["decision", "access"])
def test_entries_name_what_was_there(tmp_path, said):
    log, author = fresh()
    rng = random.Random(2)
    wrong = {
        "decision": author.decision() | {"transfer": named(rng)},
        "access": author.head("access") | {"what": "report", "who": "a", "size": 4},
    }
    rule = {"decision": "entry.names_nothing", "access": "access.size"}
    grown(log, wrong[said])

    assert rules(made(log, tmp_path), log) == {rule[said]}


def test_a_case_goes_on_until_it_is_closed(tmp_path):
    log, author = fresh()
    case = author.head("rights") | {"what": "erasure", "case": named(random.Random(3))}
    states = ["received", "identified", "answered", "closed"]
    grown(log, *(case | {"id": named(author.rng), "state": state} for state in states))
    assert rules(made(log, tmp_path / "1"), log) == set()
    grown(log, case | {"id": named(author.rng), "state": "answered"})

    assert rules(made(log, tmp_path / "2"), log) == {"case.order"}


def test_reading_fast_and_reading_slowly_accept_the_same():
    rng = random.Random(4)
    log, _ = honest(12, 60)
    accepted = 0
    for one in log.leaves * 12:
        changed = bytearray(one)
        for _ in range(rng.choice((0, 1, 1, 2))):
            changed[rng.randrange(len(changed))] = rng.choice(b'0123456789abc",:{}[].eE-\\\x80 ')
        changed = bytes(changed)
        results = []
        for read in (bundle.read, entry.parse):
            try:
                results.append(read(changed))
            except CorridorError as error:
                results.append(error.rule)
        assert results[0] == results[1]
        accepted += not isinstance(results[0], str)
    assert accepted > 100


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('"v":1', '"v":1.0'),
        lambda text: text.replace('"v":1', '"v":1,"v":1'),
        lambda text: text.replace('"v":1', '"v": 1'),
        lambda text: text.replace("gw-1", "gw\\u002d1"),
        lambda text: text.replace("gw-1", "gw-é"),
        lambda text: text.replace('"rules":[]', '"rules":["b","a"]'),
        lambda text: text.replace("gw-1", "g" * 9000),
        lambda text: text[1:],
    ],
)
def test_an_entry_has_one_spelling(change):
    text = leaf(SAMPLE, START).decode()

    with pytest.raises(CorridorError):
        bundle.read(change(text).encode())
    assert bundle.read(text.encode()) == json.loads(text)


def test_no_more_of_one_rule_than_tells_something(tmp_path):
    log, author = fresh()
    grown(log, *(author.custody("recall") for author.done in [[named(author.rng)]] * 30))

    found = verify(made(log, tmp_path), log).problems

    assert [one.rule for one in found] == ["entry.names_nothing"] * 20


def test_the_two_witnesses_of_these_tests_have_keys_of_their_own():
    assert len({one.public.public for one in WITNESSES.values()}) == 2
