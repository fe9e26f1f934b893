"""What both stores promise alike: the tests of the one, on the other, and the same rows in both."""

from contextlib import closing

import apsw
import psycopg
import pytest

from gateway import log_guard, log_place
from gateway.high_water import HighWater
from gateway.log import Log
from gateway.log_store import Taken
from gateway.log_store.connection import connect
from gateway.log_store.dialect import query, tables
from tests.log_database import gateway_on
from tests.test_log import (  # noqa: F401 - the same promises, kept by the other store
    KEY,
    ORIGIN,
    VKEY,
    log,
    test_a_batch_shares_one_checkpoint_and_every_proof_holds,
    test_a_clock_a_little_behind_is_clamped_and_said_once,
    test_a_clock_far_behind_stops_appends_until_it_is_right,
    test_a_release_never_finished_is_closed_once_when_the_log_is_opened,
    test_a_release_under_way_elsewhere_is_left_alone,
    test_a_token_is_used_once,
    test_a_token_is_used_once_within_a_batch_too,
    test_finished_releases_are_logged_at_close,
    test_many_finished_releases_need_several_entries,
    test_one_bad_entry_does_not_fail_its_batch,
    test_only_its_own_key_opens_a_log,
    test_stored_proofs_and_consistency_over_several_tiles,
    test_the_life_of_a_log_is_in_the_log,
    test_two_logs_on_one_file_take_turns,
    test_what_is_kept_beside_an_entry_is_there_with_it,
    test_what_is_kept_ends_when_its_time_has_passed,
)
from tests.test_log_standing import (  # noqa: F401
    test_after_an_agreement_ended_no_process_releases_under_it,
    test_documents_are_kept_once_under_their_digest,
    test_earlier_releases_are_counted_for_a_year,
    test_what_stands_is_the_last_word_about_it,
)


@pytest.fixture
def directory(tmp_path, database):
    data = gateway_on(tmp_path / "one", database)
    Log.create(data, origin=ORIGIN, key=KEY, gateway="gw-1").close()
    return data


@pytest.fixture(params=["sqlite", "postgresql"])
def data(request, tmp_path):
    """A log's folder, once for each store."""
    if request.param == "sqlite":
        folder = tmp_path / "data"
    else:
        folder = gateway_on(tmp_path / "one", request.getfixturevalue("database"))
    Log.create(folder, origin=ORIGIN, key=KEY, gateway="gw-1").close()
    return folder


@pytest.fixture
def store(data):
    with closing(log_place.open_store(data)) as opened:
        yield opened


def test_cosignatures_and_checkpoints_are_kept(store):
    with store.writing():
        store.add_cosignature(1, "w.example/2", 20, "line 2")
        store.add_cosignature(1, "w.example/1", 10, "line 1")
        store.add_cosignature(1, "w.example/1", 10, "line 1")
    assert store.cosignatures(1) == [("w.example/1", 10, "line 1"), ("w.example/2", 20, "line 2")]
    assert [size for size, _ in store.checkpoints()] == [0, 1, 2]
    assert [size for size, _ in store.checkpoints(2)] == [2]


def write_and_fail(store):
    with store.writing():
        store.write("INSERT INTO once VALUES (?, ?)", [("a", "1"), ("b?'%", "2")])
        assert store.used(["a", "c"]) == {"a": "1"}
        raise ValueError("undone")


def test_side_tables_are_written_in_the_same_transaction(store, data):
    with pytest.raises(ValueError, match="undone"):
        write_and_fail(store)
    assert store.read("SELECT count(*), coalesce(sum(n), 0) FROM tally") == [(0, 0)]
    assert store.read("SELECT count(*) FROM once WHERE token LIKE '%?%'") == [(0,)]
    with closing(HighWater(data)) as noted:
        log_guard.verify(store, noted, VKEY)


def insert(store, rows, wait):
    with store.writing():
        store.insert("once", ("token", "transfer"), rows)
        wait()


def test_a_row_that_is_there_is_taken(store):
    with store.writing():
        store.insert("once", ("token", "transfer"), [("a", "1"), ("b", "1")])
        store.insert("once", ("token", "transfer"), [])
    for wait in (store.settle, lambda: None):
        with pytest.raises(Taken):
            insert(store, [("c", "1"), ("a", "1")], wait)
    assert store.read("SELECT token FROM once ORDER BY token") == [("a",), ("b",)]


def test_text_is_ordered_by_its_bytes(store):
    names = ["a-b", "B", "aa", "\u00e4", "a_b"]
    with store.writing():
        store.insert("once", ("token", "transfer"), [(name, "x") for name in names])
    found = store.read("SELECT token FROM once ORDER BY token")
    assert [row[0] for row in found] == sorted(names)


def test_more_names_than_one_list_holds(store):
    names = [f"t{n}" for n in range(1200)]
    with store.writing():
        store.insert("once", ("token", "transfer"), [(name, name) for name in names])
        assert store.used(names) == dict(zip(names, names, strict=True))


def test_the_end_is_moved_once_from_where_it_is(store):
    with store.writing():
        head = store.head()
    for sizes in ((9, 5), (3, 1)):
        with pytest.raises(Exception, match="moved under us"), store.writing():
            store.set_head(_head(head, sizes[0]), _head(head, sizes[1]))
    with store.writing():
        assert store.head() == head


def _head(head, size):
    return type(head)(size, head.edge, head.time)


def test_what_reads_cannot_write(store, data):
    with pytest.raises(Exception, match="failed us"):
        store.read("DELETE FROM kept")


def test_queries_read_the_same_in_both():
    assert query("SELECT '?%' WHERE a = ? AND b LIKE '%''?'") == (
        "SELECT '?%%' WHERE a = %s AND b LIKE '%%''?'"
    )
    made = tables(
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB NOT NULL) STRICT, WITHOUT ROWID;\n"
    )
    assert made == "CREATE TABLE t (a BIGINT PRIMARY KEY, b BYTEA NOT NULL);\n"


def test_a_session_that_reads_writes_nothing(database, directory):
    with (
        closing(connect(database, reads=True)) as connection,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
    ):
        connection.execute("DELETE FROM kept")


def test_both_have_the_same_tables(database, directory, tmp_path):
    Log.create(tmp_path / "file", origin=ORIGIN, key=KEY, gateway="gw-1").close()
    with closing(apsw.Connection(str(tmp_path / "file/log.sqlite"))) as file:
        names = {
            (table, row[1])
            for (table,) in file.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            for row in file.execute(f"PRAGMA table_info({table})")
        }
    listed = (
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = current_schema()"
    )
    with closing(connect(database)) as connection:
        assert set(connection.execute(listed).fetchall()) == names
