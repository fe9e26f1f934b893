"""Logs of earlier versions come to the tables that a new log is made with."""

import hashlib
import threading
from contextlib import closing

import apsw
import psycopg
import pytest
from typer.testing import CliRunner

from gateway import log_file
from gateway.audit import verify_log
from gateway.cli import app
from gateway.errors import GatewayError
from gateway.log import Log
from gateway.log_beside import TABLES as BESIDE
from gateway.log_file import LATER, REVISION, SCHEMA
from gateway.log_store import dialect
from gateway.log_store.connection import connect
from gateway.migrations import upgrade
from gateway.note import render_vkey
from tests.log_database import SETTINGS, gateway_on
from tests.test_log import KEY, ORIGIN, VKEY, released

FIRST = SCHEMA + "".join(LATER[lot] for lot in upgrade.LOTS)
RELEASED: dict[str, str] = {}
"""SHA-256 of what each revision of a released version makes. None is released yet."""


def names(statements):
    return [line.split()[2] for line in statements.splitlines() if line.startswith("CREATE TABLE")]


@pytest.fixture
def folder(tmp_path):
    """A deployment whose log is a file."""
    (tmp_path / "corridor.toml").write_text(f'[gateway]\norigin = "{ORIGIN}"\n')
    Log.create(tmp_path / "data", origin=ORIGIN, key=KEY, gateway="gw-1").close()
    return tmp_path


@pytest.fixture
def shared(tmp_path, database):
    """A deployment whose log is in PostgreSQL."""
    data = gateway_on(tmp_path / "one", database)
    Log.create(data, origin=ORIGIN, key=KEY, gateway="gw-1").close()
    return data


def older_file(folder, *lots):
    """The file as an earlier version made it: without revisions, and without these lots."""
    with closing(log_file.connect(folder / "data/log.sqlite")) as file:
        for lot in ("log_revision", "delivery", *lots):
            for table in names(LATER[lot]):
                file.execute(f"DROP TABLE {table}")


def older_database(cluster, database):
    """The tables as the version before revisions made them."""
    for table in (*names(BESIDE), "log_revision"):
        cluster.run(f"DROP TABLE {table}", database)
    cluster.run("CREATE TABLE schema_version (version BIGINT PRIMARY KEY)", database)


def migrate(folder, *options):
    return CliRunner().invoke(app, ["migrate", "--deployment", str(folder), *options])


def tables_of(database):
    query = (
        "SELECT table_name, column_name, data_type, is_nullable, collation_name"
        " FROM information_schema.columns WHERE table_schema = current_schema()"
        " UNION ALL SELECT tablename, indexname, regexp_replace(indexdef, 'log\\d+', ''), '', ''"
        " FROM pg_indexes WHERE schemaname = current_schema()"
        " UNION ALL SELECT event_object_table, trigger_name, event_manipulation, '', ''"
        " FROM information_schema.triggers WHERE trigger_schema = current_schema()"
    )
    with closing(connect(database)) as connection:
        return set(connection.execute(query).fetchall())


@pytest.mark.parametrize("lots", [(), ("cosignature", "subject"), upgrade.LOTS])
def test_an_older_file_is_brought_up_when_it_is_opened(folder, lots):
    older_file(folder, *lots)

    Log.open(folder / "data", key=KEY, gateway="gw-1").close()

    assert verify_log(folder / "data", vkey=render_vkey(VKEY)).problems == ()


def test_revisions_from_nothing_make_what_a_new_file_has():
    def made(statements):
        with closing(apsw.Connection(":memory:")) as file:
            file.execute(statements).fetchall()
            query = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE '%log_revision%'"
            return set(file.execute(query).fetchall())

    new = made(SCHEMA + "".join(LATER.values()))
    assert made(upgrade.statements("base")) == new
    assert made(FIRST + log_file.REVISIONS + upgrade.statements("0001")) == new


def test_the_command_brings_postgresql_up_and_keeps_the_log(cluster, database, shared, tmp_path):
    whole = tables_of(database)
    older_database(cluster, database)
    assert tables_of(database) != whole

    with pytest.raises(GatewayError) as error:
        Log.open(shared, key=KEY, gateway="gw-1")
    assert (error.value.rule, "corridor migrate" in str(error.value)) == ("log.schema", True)
    assert migrate(shared.parent, "--check").exit_code == 1
    said = migrate(shared.parent)

    assert said.output == f"brought the tables to revision {REVISION}\n"
    assert tables_of(database) == whole
    assert migrate(shared.parent, "--check").exit_code == 0
    with Log.open(shared, key=KEY, gateway="gw-1") as log:
        log.append(released())
    assert verify_log(shared, vkey=render_vkey(VKEY)).problems == ()


def test_two_machines_may_migrate_at_once(cluster, database, shared):
    older_database(cluster, database)
    found = []
    both = [
        threading.Thread(target=lambda: found.append(upgrade.upgrade_database(database)))
        for _ in range(2)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert sorted(found) == ["0001", REVISION]


def test_a_migration_that_fails_changes_nothing(cluster, database, shared):
    older_database(cluster, database)
    cluster.run("CREATE TABLE quota (other BIGINT)", database)  # the last table of the lot
    before = tables_of(database)

    with pytest.raises(GatewayError) as error:
        upgrade.upgrade_database(database)

    assert error.value.rule == "log.unavailable"
    assert tables_of(database) == before


def test_revisions_from_nothing_make_what_a_new_database_has(cluster, database, shared):
    whole, again = tables_of(database), cluster.database()
    with closing(connect(again)) as connection:
        connection.autocommit = False
        with upgrade._driven(connection) as driven, driven.begin():
            connection.execute(dialect.tables(log_file.REVISIONS))
            upgrade.command.upgrade(upgrade._config(connection=driven), REVISION)
    assert tables_of(again) == whole


def test_tables_of_a_newer_version_are_left_alone(cluster, database, shared, folder):
    cluster.run("UPDATE log_revision SET version_num = '9'", database)
    assert migrate(shared.parent).exit_code == 1
    with closing(log_file.connect(folder / "data/log.sqlite")) as file:
        file.execute("UPDATE log_revision SET version_num = '9'")
    with pytest.raises(GatewayError) as error:
        Log.open(folder / "data", key=KEY, gateway="gw-1")
    assert error.value.rule == "log.schema"
    assert migrate(folder).exit_code == 1


def test_the_command_knows_files_too(folder, tmp_path):
    assert migrate(folder, "--check").output == f"the tables are at revision {REVISION}\n"
    older_file(folder)
    assert "0001 or older" in migrate(folder, "--check").output
    assert migrate(folder).exit_code == 0
    assert verify_log(folder / "data", vkey=render_vkey(VKEY)).problems == ()

    (folder / "data/log.sqlite").unlink()
    assert migrate(folder).exit_code == 1


def test_there_is_no_log_to_migrate(tmp_path, database):
    (tmp_path / "corridor.toml").write_text(SETTINGS.format(ORIGIN, database))
    assert migrate(tmp_path).exit_code == 1


def test_the_role_of_gateways_may_use_new_tables(cluster, database, shared):
    cluster.run("DROP ROLE IF EXISTS corridor_gateway")
    older_database(cluster, database)
    cluster.run("CREATE ROLE corridor_gateway LOGIN", database)
    try:
        upgrade.upgrade_database(database)
        schema = database.rpartition("=")[2]
        cluster.run(f"GRANT USAGE ON SCHEMA {schema} TO corridor_gateway", database)
        as_gateway = database.replace("user=corridor", "user=corridor_gateway")
        cluster.run("DELETE FROM nonce", as_gateway)  # none of the version before
        for refused in ("UPDATE entry SET idx = idx", "DELETE FROM log_revision"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                cluster.run(refused, as_gateway)
    finally:
        cluster.run("DROP OWNED BY corridor_gateway", database)
        cluster.run("DROP ROLE corridor_gateway")


def test_a_released_revision_never_changes():
    made = {"0001": FIRST, "0002": BESIDE}
    assert upgrade.revisions() == sorted(made)
    assert upgrade.revisions()[-1] == REVISION
    for revision, digest in RELEASED.items():
        assert hashlib.sha256(made[revision].encode()).hexdigest() == digest, revision
