import asyncio
import json
import threading
import time
from concurrent.futures import CancelledError
from pathlib import Path

import apsw
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import entry, log_file, note
from gateway.errors import GatewayError
from gateway.high_water import HighWater
from gateway.log import MAX_WAITING, Duplicate, Keep, Log
from gateway.merkle import ProofError, leaf_hash, verify_consistency, verify_inclusion

KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
ORIGIN = "gw.example.org/transfers/2027"
VKEY = note.Signer.of(ORIGIN, KEY).vkey
SAMPLE = json.loads((Path(__file__).parent / "vectors/released_transfer.json").read_text())


def released():
    return SAMPLE | {"id": entry.new_id()}


def refused(**changes):
    return released() | {"outcome": "refused"} | changes


def read(log):
    return [entry.parse(leaf) for _, leaf in log.entries()]


def check(appended):
    """What a holder of the receipt can check alone."""
    checkpoint = note.open_checkpoint(appended.checkpoint, VKEY)
    assert checkpoint.size == appended.size
    verify_inclusion(
        leaf_hash(appended.leaf), appended.index, appended.size, appended.proof, checkpoint.root
    )
    return checkpoint


def wait_until(holds):
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def directory(tmp_path):
    Log.create(tmp_path / "log", origin=ORIGIN, key=KEY, gateway="gw-1").close()
    return tmp_path / "log"


@pytest.fixture
def log(directory):
    with Log.open(directory, key=KEY, gateway="gw-1") as opened:
        yield opened


class Held:
    """Keeps the writer busy, so that what is submitted meanwhile becomes one batch."""

    def __init__(self, log):
        self.started, self.release = threading.Event(), threading.Event()
        self.first = log.submit(refused(), finish=self._finish)
        assert self.started.wait(10)

    def _finish(self, _):
        self.started.set()
        assert self.release.wait(10)
        return ()


def test_an_appended_entry_carries_its_own_proof(log):
    before = int(time.time() * 1000)

    appended = log.append(refused())

    assert check(appended).size == log.size() == 4
    assert (appended.index, log.checkpoint()) == (3, appended.checkpoint)
    assert before <= entry.parse(appended.leaf)["time"] <= int(time.time() * 1000)


def test_the_life_of_a_log_is_in_the_log(directory):
    with Log.open(directory, key=KEY, gateway="gw-2") as log:
        said = [(item["type"], item["what"], item["gateway"]) for item in read(log)]

    assert said == [
        ("control", "init", "gw-1"),
        ("control", "stop", "gw-1"),
        ("control", "start", "gw-2"),
    ]


def test_a_batch_shares_one_checkpoint_and_every_proof_holds(log):
    held = Held(log)
    futures = [log.submit(refused()) for _ in range(300)]
    held.release.set()

    appended = [future.result() for future in futures]

    assert len({each.checkpoint for each in appended}) == 1
    assert [each.index for each in appended] == list(range(4, 304))
    for each in appended:
        check(each)


def test_a_batch_is_bounded_in_entries_and_bytes(log):
    held = Held(log)
    many = [log.submit(refused()) for _ in range(513)]
    held.release.set()
    sizes = {future.result().size for future in many}
    assert len(sizes) == 2

    held = Held(log)
    value = b"v" * 600_000
    big = [log.submit(refused(), keep=[Keep("content", str(n), value)]) for n in range(3)]
    held.release.set()
    assert len({future.result().size for future in big}) == 3


def test_stored_proofs_and_consistency_over_several_tiles(log):
    futures = [log.submit(refused()) for _ in range(600)]
    old = [future.result() for future in futures][100]
    new = check(log.append(refused()))

    for index in (0, 255, 256, 511, 512, new.size - 1):
        proven = log.prove(index)
        check(proven)
        assert [(index, proven.leaf)] == list(log.entries(index, 1))
    for size in (1, 255, 256, 257, old.size):
        assert log.consistency(size, new.size) is not None
    before = check(old)
    verify_consistency(
        before.size, new.size, log.consistency(before.size, new.size), before.root, new.root
    )
    with pytest.raises(ProofError):
        log.prove(new.size)
    with pytest.raises(ProofError):
        log.consistency(1, new.size + 1)


def test_entries_can_be_read_in_parts(log):
    log.append(refused())

    assert [index for index, _ in log.entries()] == [0, 1, 2, 3]
    assert [index for index, _ in log.entries(1, 2)] == [1, 2]
    assert list(log.entries(4)) == []


def test_a_transfer_is_found_by_its_id(log):
    transfer = refused()
    appended = log.append(transfer)

    assert log.find(transfer["id"]) == appended.index
    assert log.find(entry.new_id()) is None


def test_what_became_of_a_release_can_be_asked(log):
    transfer, other = released(), refused()
    log.append(transfer)
    log.append(other)
    assert (log.state(transfer["id"]), log.state(other["id"])) == ("open", "none")

    log.done(transfer["id"])

    wait_until(lambda: log.state(transfer["id"]) == "delivered")
    assert log.state(entry.new_id()) is None


def test_what_is_kept_beside_an_entry_is_there_with_it(log):
    keep = Keep("content", "c1", b"canary", owner="org:b", expires=0)

    appended = log.append(
        refused(), keep=[keep], finish=lambda it: [Keep("receipt", str(it.index), it.proof[0])]
    )

    assert log.kept("content", "c1") == keep
    assert log.kept("receipt", str(appended.index)).value == appended.proof[0]
    assert log.kept("content", "c2") is None
    assert "canary" not in repr(keep)


def test_what_is_kept_ends_when_its_time_has_passed(directory):
    now = [int(time.time() * 1000) + 1000]
    with Log.open(directory, key=KEY, gateway="gw-1", clock=lambda: now[0]) as log:
        log.append(refused(), keep=[Keep("content", "c1", b"canary", expires=now[0] + 10)])
        log.append(refused(), keep=[Keep("content", "c2", b"stays")])
        assert log.kept("content", "c1").value == b"canary"

        now[0] += 10

        assert log.kept("content", "c1") is None
        assert (log.destroy_expired(), log.destroy_expired()) == (1, 0)
        assert log.kept("content", "c2").value == b"stays"


@pytest.mark.parametrize("size", [10, 20_000])
def test_what_is_destroyed_is_in_no_file(log, directory, size):
    canary = (b"canary-%d-" % size) * (size // 10)
    log.append(refused(), keep=[Keep("content", "c1", canary)])
    assert b"canary-%d-" % size in b"".join(path.read_bytes() for path in directory.iterdir())

    assert log.destroy("content", "c1") is True

    assert b"canary" not in b"".join(path.read_bytes() for path in directory.iterdir())
    assert log.destroy("content", "c1") is False
    assert log.kept("content", "c1") is None


def test_a_token_is_used_once(log):
    transfer = released()
    log.append(transfer, once="token")

    with pytest.raises(Duplicate) as again:
        log.append(released(), once="token")

    assert again.value.transfer == transfer["id"]
    assert (again.value.rule, again.value.http_status) == ("log.duplicate", 409)
    assert log.size() == 4


def test_a_token_is_used_once_within_a_batch_too(log):
    transfer = released()
    held = Held(log)
    first = log.submit(transfer, once="token")
    second = log.submit(released(), once="token")
    third = log.submit(refused())
    held.release.set()

    assert check(first.result()).size == third.result().size
    with pytest.raises(Duplicate) as again:
        second.result()
    assert again.value.transfer == transfer["id"]


def test_one_bad_entry_does_not_fail_its_batch(log):
    def fail(_):
        raise ValueError("the caller's mistake")

    taken = refused()
    log.append(taken, keep=[Keep("receipt", "r1", b"1")])
    held = Held(log)
    bad_id = log.submit(taken)
    bad_key = log.submit(refused(), keep=[Keep("receipt", "r1", b"2")])
    bad_finish = log.submit(refused(), finish=fail)
    good = log.submit(refused())
    held.release.set()

    for future in (bad_id, bad_key):
        with pytest.raises(GatewayError) as error:
            future.result()
        assert error.value.rule == "log.taken"
    with pytest.raises(ValueError, match="mistake"):
        bad_finish.result()
    assert check(good.result()).size == log.size() == 6
    assert log.kept("receipt", "r1").value == b"1"


def test_an_entry_that_breaks_the_schema_is_not_taken(log):
    with pytest.raises(GatewayError) as error:
        log.submit(refused(purpose="free text"))

    assert error.value.rule == "entry.schema"
    assert log.size() == 3


def test_finished_releases_are_logged_together_on_their_own(log):
    transfers = [released() for _ in range(3)]
    for transfer in transfers:
        log.append(transfer)
    names = [transfer["id"] for transfer in transfers]
    size = log.size()

    for name in [*names, names[0], entry.new_id()]:
        log.done(name)

    wait_until(lambda: log.size() > size)
    [said] = [item for item in read(log) if item["type"] == "outcome"]
    assert said["delivered"] == names


def test_finished_releases_travel_with_the_next_entry(log):
    transfer = released()
    log.append(transfer)
    held = Held(log)
    log.done(transfer["id"])
    following = log.submit(refused())
    held.release.set()

    appended = following.result()

    assert (appended.index, appended.size) == (5, 7)
    assert read(log)[6]["delivered"] == [transfer["id"]]


def test_many_finished_releases_need_several_entries(directory):
    transfers = [released() for _ in range(200)]
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        for future in [log.submit(transfer) for transfer in transfers]:
            future.result()
        for transfer in transfers:
            log.done(transfer["id"])

    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        parts = [item["delivered"] for item in read(log) if "delivered" in item]
    assert max(map(len, parts)) <= 150
    assert [name for part in parts for name in part] == [item["id"] for item in transfers]


def test_finished_releases_are_logged_at_close(directory):
    transfer = released()
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        log.append(transfer)
        log.done(transfer["id"])

    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        said = read(log)
    assert [item["delivered"] for item in said if "delivered" in item] == [[transfer["id"]]]
    assert not [item for item in said if "not_released" in item]


def test_a_release_never_finished_is_closed_once_when_the_log_is_opened(directory):
    transfer = released()
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        log.append(transfer)
        log.append(refused())

    for _ in range(2):
        with Log.open(directory, key=KEY, gateway="gw-1") as log:
            said = read(log)
    assert [item["not_released"] for item in said if "not_released" in item] == [[transfer["id"]]]


def test_a_release_under_way_elsewhere_is_left_alone(log, directory):
    transfer = released()
    log.append(transfer)

    with Log.open(directory, key=KEY, gateway="gw-2") as other:
        assert not [item for item in read(other) if "not_released" in item]
        log.done(transfer["id"])
        log.append(refused())
        assert [transfer["id"]] in [item.get("delivered") for item in read(other)]


def test_two_logs_on_one_file_take_turns(log, directory):
    with Log.open(directory, key=KEY, gateway="gw-2") as other:
        appended = []

        def work(which):
            for _ in range(40):
                appended.append(which.append(refused()))

        threads = [threading.Thread(target=work, args=(which,)) for which in (log, other) * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(each.index for each in appended) == list(range(4, 164))
        for each in appended:
            check(each)
        assert log.checkpoint() == other.checkpoint()


def test_when_too_many_wait_nothing_more_is_taken(log):
    held = Held(log)
    futures = [log.submit(refused()) for _ in range(MAX_WAITING)]

    with pytest.raises(GatewayError) as error:
        log.submit(refused())

    assert error.value.rule == "log.overloaded"
    held.release.set()
    for future in futures:
        future.result()


def test_a_caller_who_left_before_its_turn_is_not_logged(log):
    held = Held(log)
    gone, stays = log.submit(refused()), log.submit(refused())
    assert gone.cancel()
    held.release.set()

    assert stays.result().size == 5
    assert not held.first.cancel()
    with pytest.raises(CancelledError):
        gone.result()


def test_only_callers_who_left(log):
    held = Held(log)
    gone = log.submit(refused())
    assert gone.cancel()
    held.release.set()

    assert log.append(refused()).index == 4


def test_asyncio_callers_may_be_cancelled(log):
    async def leave():
        held = Held(log)
        task = asyncio.ensure_future(asyncio.wrap_future(held.first))
        await asyncio.sleep(0)
        task.cancel()
        held.release.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await asyncio.wrap_future(log.submit(refused()))

    assert check(asyncio.run(leave())).size == 5


def test_a_closed_log_takes_nothing(log):
    log.close()
    log.close()

    with pytest.raises(GatewayError) as error:
        log.submit(refused())
    assert error.value.rule == "log.stopped"


def test_entries_in_line_are_logged_before_it_closes(directory):
    log = Log.open(directory, key=KEY, gateway="gw-1")
    held = Held(log)
    futures = [log.submit(refused()) for _ in range(5)]
    closing = threading.Thread(target=log.close)
    closing.start()
    held.release.set()
    closing.join()

    assert [future.result().index for future in futures] == [4, 5, 6, 7, 8]


class Clock:
    def __init__(self):
        self.now = int(time.time() * 1000) + 60_000

    def __call__(self):
        return self.now


def test_a_clock_a_little_behind_is_clamped_and_said_once(directory):
    clock = Clock()
    with Log.open(directory, key=KEY, gateway="gw-1", clock=clock) as log:
        started = clock.now
        clock.now -= 1500
        log.append(refused())
        log.append(refused())
        clock.now += 1600
        log.append(refused())
        said = read(log)

    times = [item["time"] for item in said]
    assert times == sorted(times)
    assert times[3:] == [started, started, started, started + 100]
    assert [item["n"] for item in said if item.get("what") == "clock"] == [1500]


def test_a_clock_far_behind_stops_appends_until_it_is_right(directory):
    clock = Clock()
    with Log.open(directory, key=KEY, gateway="gw-1", clock=clock) as log:
        clock.now -= 2001
        with pytest.raises(GatewayError) as error:
            log.append(refused())
        assert error.value.rule == "log.clock"
        clock.now += 2001
        check(log.append(refused()))

    with pytest.raises(GatewayError) as error:
        Log.open(directory, key=KEY, gateway="gw-1", clock=lambda: clock.now - 2001)
    assert error.value.rule == "log.clock"


def test_a_log_held_by_another_process_is_busy_and_goes_on(log, directory):
    other = apsw.Connection(str(directory / log_file.FILE), vfs=log_file.VFS)
    log._store._writer.set_busy_timeout(20)
    transfer = released()
    log.append(transfer)
    other.execute("BEGIN IMMEDIATE")
    log.done(transfer["id"])

    with pytest.raises(GatewayError) as error:
        log.append(refused())

    assert error.value.rule == "log.busy"
    other.execute("ROLLBACK")
    other.close()
    check(log.append(refused()))
    wait_until(lambda: any("delivered" in item for item in read(log)))


def test_the_rows_of_the_tree_cannot_be_changed_by_mistake(directory):
    with apsw.Connection(str(directory / log_file.FILE), vfs=log_file.VFS) as connection:
        for statement in (
            "UPDATE entry SET leaf = x''",
            "DELETE FROM entry",
            "DELETE FROM checkpoint",
            "UPDATE checkpoint SET note = ''",
        ):
            with pytest.raises(apsw.ConstraintError):
                connection.execute(statement)
    connection.close()


def test_a_log_is_never_made_by_accident(tmp_path, directory):
    with pytest.raises(GatewayError) as error:
        Log.open(tmp_path, key=KEY, gateway="gw-1")
    assert error.value.rule == "log.missing"
    assert not list(tmp_path.glob("*.sqlite"))

    with pytest.raises(GatewayError) as error:
        Log.create(directory, origin=ORIGIN, key=KEY, gateway="gw-1")
    assert error.value.rule == "log.exists"
    (directory / log_file.FILE).unlink()
    with pytest.raises(GatewayError) as error:
        Log.create(directory, origin=ORIGIN, key=KEY, gateway="gw-1")
    assert error.value.rule == "log.exists"


def test_a_log_can_only_be_named_what_fits_a_note(tmp_path):
    with pytest.raises(note.NoteError):
        Log.create(tmp_path / "log", origin="two words", key=KEY, gateway="gw-1")
    with pytest.raises(GatewayError) as error:
        Log.create(tmp_path / "log", origin="x" * 801, key=KEY, gateway="gw-1")
    assert error.value.rule == "log.origin"
    with Log.create(tmp_path / "log", origin="x" * 800, key=KEY, gateway="gw-1") as log:
        log.append(refused())


def test_only_its_own_key_opens_a_log(directory):
    other = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)

    with pytest.raises(GatewayError) as error:
        Log.open(directory, key=other, gateway="gw-1")

    assert error.value.rule == "log.key"


def test_the_files_are_for_the_gateway_alone(directory):
    assert {path.stat().st_mode & 0o077 for path in (directory, *directory.iterdir())} == {0}


def damage(directory, *statements):
    """Change rows as somebody would who can write the file, checksums and all."""
    log_file.load_checksums()
    with apsw.Connection(str(directory / log_file.FILE), vfs=log_file.VFS) as connection:
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
        ).fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        for _, sql in triggers:
            connection.execute(sql)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("UPDATE entry SET leaf = CAST(leaf || ' ' AS BLOB) WHERE idx = 300", "log.entry"),
        ("UPDATE entry SET hash = randomblob(32) WHERE idx = 300", "log.entry"),
        ("UPDATE tile_hash SET hash = randomblob(32)", "log.tile"),
        ("DELETE FROM entry WHERE idx = 300", "log.incomplete"),
        ("DELETE FROM tile_hash", "log.incomplete"),
        ("UPDATE log_head SET edge = randomblob(length(edge))", "log.head"),
        ("UPDATE log_head SET size = size - 1", "log.head"),
        ("DELETE FROM checkpoint WHERE size > 5", "log.signature"),
        ("UPDATE checkpoint SET note = replace(note, '2027', '2028')", "log.signature"),
        ("UPDATE log SET vkey = 'other'", "log.key"),
    ],
)
def test_a_damaged_log_is_not_opened(directory, statement, rule):
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        for future in [log.submit(refused()) for _ in range(320)]:
            future.result()
    damage(directory, statement)

    with pytest.raises(GatewayError) as error:
        Log.open(directory, key=KEY, gateway="gw-1")

    assert error.value.rule == rule


def test_a_tree_that_only_its_edge_remembers_is_not_opened(directory):
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        for future in [log.submit(refused()) for _ in range(600)]:
            future.result()
    damage(directory, "UPDATE tile_hash SET hash = randomblob(32) WHERE idx = 0")

    with pytest.raises(GatewayError) as error:
        Log.open(directory, key=KEY, gateway="gw-1")

    assert error.value.rule == "log.edge"


def test_a_history_signed_with_another_key_is_not_opened(directory, tmp_path):
    other = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
    Log.create(tmp_path / "fork", origin=ORIGIN, key=other, gateway="gw-1").close()
    for path in (tmp_path / "fork").iterdir():
        path.replace(directory / path.name)
    damage(directory, f"UPDATE log SET vkey = '{note.render_vkey(VKEY)}'")

    with pytest.raises(GatewayError) as error:
        Log.open(directory, key=KEY, gateway="gw-1")

    assert error.value.rule == "log.signature"


def test_a_restored_backup_is_not_opened(directory):
    path = directory / log_file.FILE
    backup = path.read_bytes()
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        log.append(refused())
    path.write_bytes(backup)

    with pytest.raises(GatewayError) as error:
        Log.open(directory, key=KEY, gateway="gw-1")

    assert error.value.rule == "log.rolled_back"


def test_a_second_history_with_the_same_key_is_not_opened(directory, tmp_path):
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        log.append(refused())
    Log.create(tmp_path / "fork", origin=ORIGIN, key=KEY, gateway="gw-1").close()
    with Log.open(tmp_path / "fork", key=KEY, gateway="gw-1") as fork:
        for _ in range(9):
            fork.append(refused())
    (tmp_path / "fork" / log_file.FILE).replace(directory / log_file.FILE)

    with pytest.raises(GatewayError) as error:
        Log.open(directory, key=KEY, gateway="gw-1")

    assert error.value.rule == "log.forked"


def test_a_missing_or_unreadable_high_water_file_is_not_replaced(directory):
    path = directory / "log.highwater"
    path.write_bytes(bytes(4096))
    with pytest.raises(GatewayError) as error:
        Log.open(directory, key=KEY, gateway="gw-1")
    assert error.value.rule == "log.high_water_damaged"

    path.unlink()
    with pytest.raises(GatewayError) as error:
        Log.open(directory, key=KEY, gateway="gw-1")
    assert error.value.rule == "log.high_water_missing"


def test_a_torn_high_water_slot_leaves_the_other(directory):
    path = directory / "log.highwater"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)

    for _ in range(3):
        with Log.open(directory, key=KEY, gateway="gw-1") as log:
            check(log.append(refused()))


def test_the_high_water_mark_never_goes_back(directory):
    """Two processes may come to write it in the other order than they committed in."""
    signer = note.Signer.of(ORIGIN, KEY)
    notes = {size: signer.checkpoint(size, bytes(32)) for size in (50, 60, 70)}
    mark = HighWater(directory)

    for size in (60, 50, 60, 70, 60):
        mark.advance(size, notes[size])

    assert mark.note() == notes[70]
    mark.close()


def test_a_damaged_page_is_an_error_and_not_an_answer(directory):
    path = directory / log_file.FILE
    content = bytearray(path.read_bytes())
    at = content.index(b'"what":"init"')
    content[at + 1] ^= 1
    path.write_bytes(content)

    with pytest.raises(GatewayError) as error:
        Log.open(directory, key=KEY, gateway="gw-1")

    assert error.value.rule == "log.unavailable"


def test_a_file_that_is_not_set_up_as_a_log_is_refused(directory, tmp_path):
    path = tmp_path / "plain.sqlite"
    with apsw.Connection(str(path), vfs="unix") as plain:
        plain.execute("CREATE TABLE entry (idx)")
    plain.close()
    path.replace(directory / log_file.FILE)

    with pytest.raises(GatewayError) as error:
        Log.open(directory, key=KEY, gateway="gw-1")

    assert error.value.rule == "log.settings"


def test_many_finished_releases_do_not_wait_for_more(log):
    transfers = [released() for _ in range(150)]
    for future in [log.submit(transfer) for transfer in transfers]:
        future.result()
    size = log.size()

    for transfer in transfers:
        log.done(transfer["id"])

    wait_until(lambda: log.size() > size)


def test_the_checksum_vfs_is_not_forced_on_others(directory):
    with apsw.Connection(":memory:") as other:
        pass
    other.close()
    log_file.load_checksums()

    assert log_file.VFS in apsw.vfs_names()
    assert apsw.vfs_names()[0] != log_file.VFS
