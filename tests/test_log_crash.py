"""What a crash, a failing disk or a full one may leave behind. Each trial is a real process.

Run as a script, this file is the child: `test_log_crash.py <what> <directory> [number]`. It
writes one JSON line for each answer it got, and what it wrote must be true afterwards.
"""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import apsw
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import entry, log_file, note
from gateway.audit import verify_log
from gateway.errors import GatewayError
from gateway.log import Appended, Keep, Log
from gateway.merkle import leaf_hash, verify_consistency

KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
ORIGIN = "gw.example.org/transfers/2027"
VKEY = note.Signer.of(ORIGIN, KEY).vkey
SAMPLE = json.loads((Path(__file__).parent / "vectors/released_transfer.json").read_text())


def released(**changes):
    return SAMPLE | {"id": entry.new_id()} | changes


def refused():
    return released(outcome="refused")


# --- the child ---------------------------------------------------------------------------


def say(**said):
    """One line in one write: whole, or not there."""
    os.write(1, json.dumps(said).encode() + b"\n")


def answer(appended):
    said = {"index": appended.index, "leaf": leaf_hash(appended.leaf).hex()}
    say(**said, checkpoint=appended.checkpoint)


def append_for_ever(directory, _):
    log = Log.open(directory, key=KEY, gateway="gw-1")

    def work():
        while True:
            answer(log.append(refused(), keep=[Keep("content", entry.new_id(), b"x" * 500)]))

    for _ in range(4):
        threading.Thread(target=work, daemon=True).start()
    time.sleep(60)


def append_some(directory, number):
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        for _ in range(number):
            answer(log.append(refused()))


def release_and_die(directory, _):
    log = Log.open(directory, key=KEY, gateway="gw-1")
    transfers = [released(), released()]
    for transfer in transfers:
        answer(log.append(transfer))
    log.done(transfers[0]["id"])
    answer(log.append(refused()))  # takes the outcome with it
    say(open=transfers[1]["id"])
    os.kill(os.getpid(), signal.SIGKILL)


class Faulty(apsw.VFSFile):
    """A file whose n-th sync or write fails, before or after it was done."""

    syncs = 0
    fail_sync = 0
    done_first = False
    full = False

    def __init__(self, name, flags):
        super().__init__("unix", name, flags)

    def xSync(self, flags):  # noqa: N802
        Faulty.syncs += 1
        if Faulty.done_first or Faulty.syncs != Faulty.fail_sync:
            super().xSync(flags)
        if Faulty.syncs == Faulty.fail_sync:
            raise apsw.IOError("injected")

    def xWrite(self, data, offset):  # noqa: N802
        if Faulty.full:
            raise apsw.FullError("injected")
        super().xWrite(data, offset)


class FaultyDisk(apsw.VFS):
    """Registered as the default before the checksum VFS is loaded, which then stands on it."""

    def __init__(self):
        super().__init__("faulty", "unix", makedefault=True, maxpathname=1024)

    def xOpen(self, name, flags):  # noqa: N802
        return Faulty(name, flags)


def try_to_append(directory, count=4):
    """Answers while it works; then how it failed, and that it takes nothing more."""
    try:
        log = Log.open(directory, key=KEY, gateway="gw-1")
    except GatewayError as error:
        say(failed=error.rule, stopped="log.stopped")
        return
    try:
        for _ in range(count):
            answer(log.append(refused()))
    except GatewayError as error:
        failed = error.rule
        with pytest.raises(GatewayError) as after:
            log.submit(refused())
        say(failed=failed, stopped=after.value.rule)
    Faulty.fail_sync, Faulty.full = 0, False
    log.close()


def fail_a_sync(directory, number):
    disk = FaultyDisk()
    Faulty.fail_sync, Faulty.done_first = number // 2 + 1, bool(number % 2)
    try_to_append(directory)
    del disk


def count_flushes(directory, number):
    disk = FaultyDisk()
    real, flushes = os.fdatasync, []
    os.fdatasync = lambda file: (flushes.append(file), real(file))
    log = Log.open(directory, key=KEY, gateway="gw-1")
    before = Faulty.syncs, len(flushes)
    for _ in range(number):
        log.append(refused())
    say(syncs=Faulty.syncs - before[0], flushes=len(flushes) - before[1])
    log.close()
    del disk


def fill_the_disk(directory, _):
    disk = FaultyDisk()
    log = Log.open(directory, key=KEY, gateway="gw-1")
    answer(log.append(refused()))

    def fill(_):
        Faulty.full = True
        return ()

    for expected in ("log.unavailable", "log.stopped"):
        try:
            answer(log.append(refused(), finish=fill))
        except GatewayError as error:
            say(failed=error.rule, expected=expected)
    Faulty.full = False
    log.close()
    del disk


def exceed_the_file_size(directory, number):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (number, number))
    try_to_append(directory, count=1000)


def fail_the_high_water(directory, number):
    """The second flush of the file fails; it has been written or not."""
    real, calls = (os.pwrite, os.fdatasync)[number], []

    def fail(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise OSError(5, "injected")
        return real(*arguments)

    setattr(os, ("pwrite", "fdatasync")[number], fail)
    try_to_append(directory)


# --- the tests ---------------------------------------------------------------------------


@pytest.fixture
def directory(tmp_path):
    Log.create(tmp_path / "log", origin=ORIGIN, key=KEY, gateway="gw-1").close()
    return tmp_path / "log"


def start(what, directory, number=0):
    command = [sys.executable, __file__, what.__name__, str(directory), str(number)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def run(what, directory, number=0):
    with start(what, directory, number) as child:
        said = [json.loads(line) for line in child.stdout]
    assert child.returncode in (0, -signal.SIGKILL)
    return said


def assert_true_now(directory, said):
    """Whatever was answered is in the log, and the log goes on from what was signed."""
    findings = verify_log(directory, vkey=note.render_vkey(VKEY))
    assert findings.problems == ()
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        leaves = {index: leaf_hash(leaf).hex() for index, leaf in log.entries()}
        answers = [item for item in said if "index" in item]
        for item in answers:
            assert leaves[item["index"]] == item["leaf"]
        head = note.open_checkpoint(log.checkpoint(), VKEY)
        for item in answers[-1:]:
            signed = note.open_checkpoint(item["checkpoint"], VKEY)
            proof = log.consistency(signed.size, head.size)
            verify_consistency(signed.size, head.size, proof, signed.root, head.root)
    return findings.size


def test_killed_at_random_moments_nothing_that_was_answered_is_lost(directory):
    chance = random.Random(7)
    everything = []
    for _ in range(15):
        with start(append_for_ever, directory) as child:
            first = child.stdout.readline()
            time.sleep(chance.uniform(0, 0.15))
            child.kill()
            lines = [first, *child.stdout]
        said = [json.loads(line) for line in lines if line.endswith(b"}\n")]
        everything += said
        assert said
        assert_true_now(directory, said)

    assert_true_now(directory, everything)


def test_killed_between_log_and_release_it_counts_as_not_released_once(directory):
    said = run(release_and_die, directory)

    for _ in range(3):
        assert_true_now(directory, said)
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        entries = [entry.parse(leaf) for _, leaf in log.entries()]
    named = [item["not_released"] for item in entries if "not_released" in item]
    assert named == [[said[-1]["open"]]]


@pytest.mark.parametrize("done_first", [0, 1], ids=["not done", "done all the same"])
@pytest.mark.parametrize("number", range(7))
def test_each_sync_failing_in_turn_fails_its_batch_and_stops_the_log(directory, number, done_first):
    said = run(fail_a_sync, directory, number * 2 + done_first)

    failures = [item for item in said if "failed" in item]
    if number < 6:  # two while it is opened, one for each of four entries, then closing
        assert failures == [{"failed": "log.unavailable", "stopped": "log.stopped"}]
        assert len(said) == max(1, number - 1)
    assert_true_now(directory, said)


def test_every_answer_costs_a_flush_of_the_log_and_one_of_the_high_water_file(directory):
    [said] = run(count_flushes, directory, 20)

    assert said["syncs"] >= 20
    assert said["flushes"] == 20


@pytest.mark.parametrize("which", [0, 1], ids=["pwrite", "fdatasync"])
def test_a_high_water_file_that_cannot_be_written_stops_the_log(directory, which):
    said = run(fail_the_high_water, directory, which)

    assert said[-1] == {"failed": "log.unavailable", "stopped": "log.stopped"}
    assert len(said) == 1
    assert_true_now(directory, said)


def test_a_full_disk_at_commit_stops_the_log_until_it_is_opened_again(directory):
    said = run(fill_the_disk, directory)

    assert [item["failed"] for item in said[1:]] == ["log.unavailable", "log.stopped"]
    assert_true_now(directory, said)


def test_a_file_that_may_not_grow_stops_the_log(directory):
    said = run(exceed_the_file_size, directory, 400_000)

    assert said[-1] == {"failed": "log.unavailable", "stopped": "log.stopped"}
    assert len(said) > 2
    assert_true_now(directory, said)


def test_a_full_disk_met_before_commit_undoes_everything_and_the_log_goes_on(directory):
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        pages = log._store._writer.pragma("page_count")
        log._store._writer.pragma("max_page_count", pages + 1)
        with pytest.raises(GatewayError) as error:
            log.append(refused(), keep=[Keep("content", "c1", b"x" * 50_000)])
        assert error.value.rule == "log.unavailable"
        log._store._writer.pragma("max_page_count", 1 << 30)

        assert isinstance(log.append(refused()), Appended)
        assert log.kept("content", "c1") is None


def test_two_processes_append_to_one_log(directory):
    with start(append_some, directory, 60) as one, start(append_some, directory, 60) as two:
        said = [json.loads(line) for child in (one, two) for line in child.stdout]

    assert len({item["index"] for item in said}) == 120
    said.sort(key=lambda item: item["index"])
    size = assert_true_now(directory, said)
    assert size == 2 + 120 + 4


def test_a_failure_while_destroying_stops_the_log(directory):
    log = Log.open(directory, key=KEY, gateway="gw-1")
    log.append(refused(), keep=[Keep("content", "c1", b"value")])
    log._store._writer.set_commit_hook(lambda: True)

    with pytest.raises(GatewayError) as error:
        log.destroy("content", "c1")

    assert error.value.rule == "log.unavailable"
    log._store._writer.set_commit_hook(None)
    with pytest.raises(GatewayError) as error:
        log.append(refused())
    assert error.value.rule == "log.stopped"
    log.close()
    assert_true_now(directory, [])


def test_what_waits_when_the_log_stops_is_told_so(directory):
    log = Log.open(directory, key=KEY, gateway="gw-1")
    started, go = threading.Event(), threading.Event()

    def hold(_):
        started.set()
        go.wait(10)
        log._store._writer.set_commit_hook(lambda: True)
        return ()

    first = log.submit(refused(), finish=hold)
    started.wait(10)
    second = log.submit(refused())
    go.set()

    rules = []
    for future in (first, second):
        with pytest.raises(GatewayError) as error:
            future.result()
        rules.append(error.value.rule)
    assert rules == ["log.unavailable", "log.stopped"]
    log._store._writer.set_commit_hook(None)
    log.done("x")
    log.close()


def test_synchronous_is_full_and_the_log_is_written_ahead(directory):
    log_file.load_checksums()
    connection = log_file.connect(directory / log_file.FILE)

    assert connection.pragma("synchronous") == 2
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("secure_delete") == 1
    connection.close()


if __name__ == "__main__":
    globals()[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
