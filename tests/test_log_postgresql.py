"""The log in PostgreSQL: several gateways on one log, and connections that are lost."""

import os
import shutil
import signal
import socket
import threading
from contextlib import closing, suppress
from dataclasses import replace

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from gateway import (
    audit,
    entry,
    high_water,
    log_batch,
    log_view,
    note,
    receipt,
    recorded,
    replay_reading,
    session,
)
from gateway.agreement_standing import standing_of
from gateway.demo import prepare
from gateway.deployment import read_deployment
from gateway.errors import GatewayError, OfficerError
from gateway.log import Duplicate, Keep, Log
from gateway.log_store.postgresql import PostgresStore
from gateway.merkle import EMPTY
from tests.conftest import DEMO, ROOT
from tests.log_database import gateway_on
from tests.test_exchange import carried
from tests.test_log import KEY, ORIGIN, VKEY, Held, check, released, wait_until

PORT = 5432


@pytest.fixture
def directory(tmp_path, database):
    data = gateway_on(tmp_path / "one", database)
    Log.create(data, origin=ORIGIN, key=KEY, gateway="gw-1").close()
    return data


@pytest.fixture
def second(tmp_path, database, directory):
    """Another gateway's folder, on another machine as far as its files know."""
    data = gateway_on(tmp_path / "two", database)
    Log.join(data, key=KEY, gateway="gw-2").close()
    return data


def test_a_log_is_made_once_and_found_by_its_settings(directory, tmp_path, database):
    assert not list(directory.glob("*.sqlite*"))
    assert log_view.signed(directory, 0, note.Signer.of(ORIGIN, KEY).checkpoint(0, EMPTY))

    for again in (directory, gateway_on(tmp_path / "two", database)):
        with pytest.raises(GatewayError) as error:
            Log.create(again, origin=ORIGIN, key=KEY, gateway="gw-1")
        assert error.value.rule == "log.exists"


def test_a_log_is_never_made_by_accident(tmp_path, database):
    data = gateway_on(tmp_path / "one", database)
    with pytest.raises(GatewayError) as error:
        Log.open(data, key=KEY, gateway="gw-1")
    assert error.value.rule == "log.missing"

    nowhere = gateway_on(tmp_path / "two", f"host={tmp_path} user=nobody")
    with pytest.raises(GatewayError) as error:
        Log.open(nowhere, key=KEY, gateway="gw-1")
    assert error.value.rule == "log.unavailable"


def test_the_settings_name_a_database_and_no_password(tmp_path):
    with pytest.raises(OfficerError) as error:
        Log.open(gateway_on(tmp_path / "one", ""), key=KEY, gateway="gw-1")
    assert (error.value.rule, error.value.at) == ("settings.missing", "corridor.toml, log.database")

    with pytest.raises(GatewayError) as error:
        Log.open(gateway_on(tmp_path / "two", "password=x"), key=KEY, gateway="gw-1")
    assert error.value.rule == "log.settings"


@pytest.mark.parametrize("setting", ["off", "local"])
def test_a_server_that_confirms_before_the_disk_has_it_is_refused(directory, setting):
    settings = directory.parent / "corridor.toml"
    text = settings.read_text()
    settings.write_text(text.replace("-csearch", f"-csynchronous_commit={setting}\\\\ -csearch"))

    with pytest.raises(GatewayError) as error:
        Log.open(directory, key=KEY, gateway="gw-1")
    assert error.value.rule == "log.settings"


def test_tables_of_another_version_are_refused(cluster, directory, database):
    cluster.run("UPDATE log_revision SET version_num = 'x'", database)

    with pytest.raises(GatewayError) as error:
        Log.open(directory, key=KEY, gateway="gw-1")
    assert error.value.rule == "log.schema"


@pytest.mark.parametrize("table", ["entry", "tile_hash", "checkpoint", "document", "log_head"])
def test_no_row_of_the_tree_is_changed_by_mistake(cluster, directory, database, table):
    for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(psycopg.errors.DatabaseError, match="append-only"):
            cluster.run(statement, database)
    if table != "log_head":
        column = {"tile_hash": "idx", "checkpoint": "size", "document": "kind"}.get(table, "idx")
        with pytest.raises(psycopg.errors.DatabaseError, match="append-only"):
            cluster.run(f"UPDATE {table} SET {column} = {column}", database)


@pytest.mark.parametrize(
    "change", ["size = size - 1", "time = time - 1, size = size + 1", "time = time"]
)
def test_the_end_of_the_log_only_moves_forwards(cluster, directory, database, change):
    with pytest.raises(psycopg.errors.DatabaseError, match="only grows"):
        cluster.run(f"UPDATE log_head SET {change}", database)


def test_the_end_is_not_moved_from_where_it_is_not(directory, database):
    with closing(PostgresStore(database)) as store:
        with store.writing():
            head = store.head()
        with pytest.raises(GatewayError) as error, store.writing():
            store.set_head(replace(head, size=9), replace(head, size=5))
        assert error.value.rule == "log.head"
        with store.writing():
            assert store.head() == head


def test_what_is_seen_of_it_can_be_audited(directory, database):
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        for _ in range(3):
            log.append(released())
        found = audit.verify_log(directory, vkey=note.render_vkey(VKEY))
    assert (found.problems, found.size) == ((), 6)
    assert [index for index, _ in log_view.entries(directory)] == list(range(7))


def test_an_auditor_finds_what_an_owner_changed(cluster, directory, database):
    cluster.run("ALTER TABLE entry DISABLE TRIGGER ALL", database)
    cluster.run("UPDATE entry SET leaf = leaf || 'x'::bytea WHERE idx = 1", database)

    found = audit.verify_log(directory, vkey=note.render_vkey(VKEY))

    assert "entry.hash" in [problem.rule for problem in found.problems]


@pytest.fixture
def role(cluster, directory, database):
    """The role of gateways, gone afterwards: roles are of the cluster, which all tests share."""
    cluster.run((ROOT / "deploy/postgresql/gateway-role.sql").read_text(), database)
    yield
    cluster.run("DROP OWNED BY corridor_gateway", database)
    cluster.run("DROP ROLE corridor_gateway")


@pytest.mark.usefixtures("role")
def test_a_role_that_owns_nothing_is_enough(cluster, directory, database):
    lesser = database.replace("user=corridor", "user=corridor_gateway")
    settings = directory.parent / "corridor.toml"
    settings.write_text(settings.read_text().replace(database, lesser))
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        name = entry.parse(log.append(released(), keep=[Keep("content", "x", b"kept")]).leaf)["id"]
        log.done(name)
        assert log.destroy("content", "x")
        wait_until(lambda: log.state(name) == "delivered")

    for statement in (
        "DELETE FROM entry",
        "TRUNCATE kept",
        "UPDATE log SET origin = 'x'",
        "ALTER TABLE entry DISABLE TRIGGER ALL",
        "DROP TABLE checkpoint",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            cluster.run(statement, lesser)


def test_a_whole_deployment_lives_on_it(tmp_path, database, payload):
    folder = tmp_path / "demo"
    shutil.copytree(DEMO, folder, ignore=shutil.ignore_patterns("keys", "data"))
    with (folder / "corridor.toml").open("a") as settings:
        settings.write(f'\n[log]\nstore = "postgresql"\ndatabase = "{database}"\n')
    prepare(folder)

    outcome = carried(folder, payload)

    vkey = read_deployment(folder).vkey()
    held = receipt.verify(outcome.receipt, vkey=vkey, content=outcome.content)
    assert held.content_checked
    assert audit.verify_log(folder / "data", vkey=vkey).problems == ()
    folders = session.bundle_of(read_deployment(folder))
    _, bundle = recorded.asked(folder / "data", outcome.transfer, lambda: folders)
    assert bundle.revision == folders.revision
    with replay_reading.recorded(folder / "data", vkey) as log:
        assert log.read(lambda *_: None).counted == 1
    assert standing_of(folder / "data") == {}


# --- several gateways


def test_gateways_on_several_machines_write_one_log(directory, second):
    with (
        Log.open(directory, key=KEY, gateway="gw-1") as one,
        Log.open(second, key=KEY, gateway="gw-2") as two,
    ):
        futures = [log.submit(released()) for _ in range(40) for log in (one, two)]
        places = [check(future.result()) and future.result().index for future in futures]
        assert sorted(places) == list(range(min(places), min(places) + 80))
        texts = {two.checkpoint(), one.checkpoint()}
        assert len(texts) == 1
    for folder in (directory, second):
        found = audit.verify_log(folder, vkey=note.render_vkey(VKEY))
        assert found.problems == () or folder is directory


def test_only_the_first_to_open_closes_what_was_never_finished(directory, second):
    with Log.open(directory, key=KEY, gateway="gw-1") as one:
        name = entry.parse(one.append(released()).leaf)["id"]
        with Log.open(second, key=KEY, gateway="gw-2") as two:
            assert two.state(name) == "open"
    with Log.open(second, key=KEY, gateway="gw-2") as two:
        assert two.state(name) == "not_released"


def test_whoever_joins_needs_the_key(tmp_path, database, directory):
    data = gateway_on(tmp_path / "two", database)
    with pytest.raises(GatewayError) as error:
        Log.join(data, key=Ed25519PrivateKey.generate(), gateway="gw-2")
    assert error.value.rule == "log.key"
    assert not (data / high_water.FILE).exists()

    Log.join(data, key=KEY, gateway="gw-2").close()
    with pytest.raises(GatewayError) as error:
        Log.join(data, key=KEY, gateway="gw-2")
    assert error.value.rule == "log.exists"


def test_an_id_that_another_gateway_took_fails_alone(directory, second):
    with (
        Log.open(directory, key=KEY, gateway="gw-1") as one,
        Log.open(second, key=KEY, gateway="gw-2") as two,
    ):
        taken = released()
        one.append(taken)
        blamed = two._sequencer._blamed

        def after_another(made):
            one.append(released())  # the end moves before the culprit is looked for
            return blamed(made)

        two._sequencer._blamed = after_another
        held = Held(two)
        futures = [two.submit(each) for each in (released(), taken, released())]
        held.release.set()
        good, bad, other = futures
        assert good.result().size == other.result().size
        with pytest.raises(GatewayError) as error:
            bad.result()
        assert error.value.rule == "log.taken"


def test_the_command_makes_and_joins(tmp_path, database):
    from gateway.cli import app

    folder = tmp_path / "corridor"
    gateway_on(folder, database)
    run = CliRunner().invoke

    assert "made the log's tables" in run(app, ["init", str(folder)]).output
    assert "made" not in run(app, ["init", str(folder)]).output
    (folder / "data" / high_water.FILE).unlink()
    assert run(app, ["init", str(folder)]).exit_code == 1
    assert "joined the log" in run(app, ["init", str(folder), "--join"]).output
    shown = run(app, ["log", "verify", "-d", str(folder)])
    assert "log: 4 entries hold" in shown.output
    assert run(app, ["log", "show", "-d", str(folder), "--json"]).output.count("\n") == 4


# --- connections that are lost


class Cut:
    """A way to the server that breaks where a test says, beginning with the next COMMIT."""

    def __init__(self, cluster, folder):
        self.where = ""
        self.cuts = 0
        self._server = str(cluster.directory / f".s.PGSQL.{PORT}")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / f".s.PGSQL.{PORT}"))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.where == "refused":
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            for ends in ((client, server, b"COMMIT\0"), (server, client, b"COMMIT\0")):
                threading.Thread(target=self._pass, args=ends, daemon=True).start()

    def _pass(self, source, target, word):
        to_server = target.getpeername() == self._server
        with closing(source), closing(target):
            while True:
                try:
                    data = source.recv(1 << 16)
                    if not data:
                        break
                    if self.where == ("before" if to_server else "after") and word in data:
                        self.where, self.cuts = "", self.cuts + 1
                        break
                    target.sendall(data)
                except OSError:
                    break
            for end in (source, target):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self):
        self._listener.close()


@pytest.fixture
def cut(cluster, tmp_path, directory):
    """The log's folder, and what breaks its way to the server."""
    way = Cut(cluster, tmp_path)
    settings = directory.parent / "corridor.toml"
    settings.write_text(settings.read_text().replace(str(cluster.directory), str(tmp_path)))
    yield way
    way.close()


def test_a_commit_whose_answer_was_lost_is_looked_up_and_answered(cut, directory):
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        cut.where = "after"
        appended = log.append(released(), keep=[Keep("receipt", "r1", b"kept")])

        assert cut.cuts == 1
        check(appended)
        assert log.prove(appended.index).leaf == appended.leaf
        assert log.kept("receipt", "r1") is not None
        log.append(released())


def test_an_answer_that_nothing_was_new_may_be_lost(cut, directory):
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        log.append(released(), once="token")
        cut.where = "after"
        with pytest.raises(GatewayError) as error:
            log.append(released(), once="token")
        assert (error.value.rule, cut.cuts) == ("log.unavailable", 1)
        with pytest.raises(Duplicate):
            log.append(released(), once="token")


def test_rows_may_lack_values(directory):
    job = dict.fromkeys(("bytes", "done", "records", "leased_until", "time", "expires"), 0)
    job |= dict.fromkeys(("sender", "recipient", "step", "leased", "file"), "")
    job |= {"state": "queued", "terms": b"", "problem": None}
    names = ("transfer", *job)
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        one, two, three = (("one", *job.values()), ("two", *job.values()), ("three", *job.values()))
        log.beside(lambda store: store.insert("job", names, [one, two]))
        later = (*three[:-1], b"{}")
        log.beside(lambda store: store.insert("job", names, [("four", *one[1:]), later]))
        found = dict(log.rows("SELECT transfer, problem FROM job"))

    assert found == {"one": None, "two": None, "three": b"{}", "four": None}


def test_nothing_is_written_outside_a_transaction(directory, database):
    store = PostgresStore(database)
    store.close()
    for write in (store.write, lambda *rows: store.insert("once", ("token", "transfer"), rows[1])):
        with pytest.raises(GatewayError):
            write("INSERT INTO once VALUES (?, ?)", [("a", "b")])


def test_a_new_connection_that_nobody_can_check_stops_the_log(cluster, directory):
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        log._sequencer._guard = None
        cluster.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'corridor'")  # fmt: skip
        with pytest.raises(GatewayError):
            log.append(released())
        assert log.stopped


def test_a_commit_that_never_arrived_fails_and_the_log_goes_on(cut, directory):
    lost = released()
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        cut.where = "before"
        with pytest.raises(GatewayError) as error:
            log.append(lost)

        assert (error.value.rule, cut.cuts) == ("log.unavailable", 1)
        assert log.find(lost["id"]) is None
        assert log.find(entry.parse(log.append(lost).leaf)["id"]) is not None


def test_a_commit_nobody_can_ask_about_stops_the_log(cut, directory, monkeypatch):
    monkeypatch.setattr(log_batch, "LOOK_UP_SECONDS", 0.3)
    log = Log.open(directory, key=KEY, gateway="gw-1")
    waiting = released()

    def refuse_from_now_on(_):
        cut.where = "after"
        threading.Thread(target=refuse, daemon=True).start()
        return ()

    def refuse():
        wait_until(lambda: cut.cuts)
        cut.where = "refused"

    with pytest.raises(GatewayError) as error:
        log.append(waiting, finish=refuse_from_now_on)
    assert error.value.rule == "log.unavailable"
    assert log.stopped
    log.close()

    cut.where = ""
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        assert log.state(waiting["id"]) == "not_released"


def test_a_transaction_that_lost_its_server_fails_and_the_log_goes_on(cluster, directory, database):
    killed = []

    def kill(_):
        mine = "SELECT pid FROM pg_stat_activity WHERE application_name = 'corridor'"
        killed.extend(cluster.run(f"{mine} AND state = 'idle in transaction'"))
        os.kill(killed[0][0], signal.SIGTERM)
        return ()

    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        with pytest.raises(GatewayError) as error:
            log.append(released(), finish=kill)
        assert error.value.rule == "log.unavailable"
        assert len(killed) == 1
        check(log.append(released()))


def test_a_log_outlives_its_server(cluster, directory):
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        before = log.append(released())
        cluster.kill()
        for ask in (log.size, lambda: log.append(released()), lambda: log.destroy("content", "x")):
            with pytest.raises(GatewayError) as error:
                ask()
            assert error.value.rule == "log.unavailable"
        cluster.start()

        assert not log.destroy("content", "x")
        assert log.prove(before.index).leaf == before.leaf
        assert log.append(released()).index == before.index + 1


def test_connections_that_were_closed_while_nobody_asked_are_made_anew(cluster, directory):
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        log.append(released(), keep=[Keep("content", "x", b"kept")])
        for ask in (log.size, lambda: log.append(released()), lambda: log.destroy("content", "x")):
            cluster.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE application_name = 'corridor'")  # fmt: skip
            wait_until(lambda: not cluster.run(
                "SELECT 1 FROM pg_stat_activity WHERE application_name = 'corridor'"))  # fmt: skip
            assert ask()


def test_a_server_that_came_back_older_stops_the_log(cluster, directory, database):
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        [(edge,)] = cluster.run("SELECT edge FROM log_head", database)
        log.append(released())
        size = log.size()
        cluster.run(
            "ALTER TABLE log_head DISABLE TRIGGER ALL; ALTER TABLE entry DISABLE TRIGGER ALL;"
            " ALTER TABLE checkpoint DISABLE TRIGGER ALL;"
            f" DELETE FROM checkpoint WHERE size = {size};"
            f" DELETE FROM entry WHERE idx = {size - 1};"
            f" UPDATE log_head SET size = {size - 1}, edge = decode('{edge.hex()}', 'hex')",
            database,
        )
        cluster.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'corridor'")  # fmt: skip
        with pytest.raises(GatewayError) as error:
            log.append(released())
        assert (error.value.rule, log.stopped) == ("log.rolled_back", True)


def test_a_commit_that_only_this_server_has_is_not_yet_answered(cluster, directory):
    """The standby the operator demands does not answer, and somebody cancels the wait."""
    waits = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        try:
            cluster.run("ALTER SYSTEM SET synchronous_standby_names = 'other'")
            cluster.run("SELECT pg_reload_conf()")
            wait_until(lambda: cluster.run("SHOW synchronous_standby_names") == [("other",)])
            future = log.submit(released())
            wait_until(lambda: cluster.run(waits))
            [(pid,)] = cluster.run(waits)
            cluster.run(f"SELECT pg_cancel_backend({pid})")
            wait_until(lambda: cluster.run(waits) not in ([], [(pid,)]))
            assert not future.done()
        finally:
            cluster.run("ALTER SYSTEM RESET synchronous_standby_names")
            cluster.run("SELECT pg_reload_conf()")
        check(future.result(30))


def test_a_log_held_too_long_is_busy_and_goes_on(directory, database):
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        log._store._writer.execute("SET lock_timeout = '50ms'")
        with psycopg.connect(database) as other:
            other.execute("SELECT 1 FROM log_head FOR UPDATE")
            with pytest.raises(GatewayError) as error:
                log.append(released())
            assert error.value.rule == "log.busy"
        check(log.append(released()))
