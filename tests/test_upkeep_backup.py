"""Copies of a log, their way back, and the end of a log that cannot go on."""

import shutil
import tomllib

import pytest
from typer.testing import CliRunner

from gateway import entry, high_water, log_file, log_view, note
from gateway.audit import verify_log
from gateway.cli import app
from gateway.deployment import read_deployment, read_keys
from gateway.errors import GatewayError
from gateway.log import Keep, Log
from gateway.upkeep import restart as ending
from gateway.upkeep.backup import backup, restore


class StoppedError(Exception):
    pass


def run(*arguments):
    return CliRunner().invoke(app, ["log", *map(str, arguments)])


def opened(deployment):
    return Log.open(deployment / "data", key=read_keys(deployment).log, gateway="gw-1")


def grow(deployment, count=3):
    with opened(deployment) as log:
        for number in range(count):
            said = entry.control(gateway="gw-1", what="clock", n=number)
            log.append(said, keep=[Keep("receipt", entry.new_id(), b"x" * 5000)])
        return log.checkpoint()


def said(deployment, folder="data"):
    return [entry.parse(leaf) for _, leaf in log_view.entries(deployment / folder)]


def holds(deployment):
    read = read_deployment(deployment)
    return verify_log(read.data, vkey=read.vkey()).problems


def lose(deployment, *names):
    for path in (deployment / "data").glob("log.sqlite*"):
        path.unlink()
    for name in names:
        (deployment / "data" / name).unlink()


def test_a_copy_of_a_log_in_use_is_whole_and_goes_on_where_nothing_came_after(deployment, tmp_path):
    copy = tmp_path / "copy"
    with opened(deployment) as log:
        log.append(entry.control(gateway="gw-1", what="clock", n=1))
        first = run("backup", copy, "-d", deployment)
        log.append(entry.control(gateway="gw-1", what="clock", n=2))
    assert first.exit_code == 0, first.output
    assert copy.stat().st_mode & 0o077 == 0
    assert run("backup", copy, "-d", deployment).exit_code == 1
    later = tmp_path / "later"
    assert run("backup", later, "-d", deployment).exit_code == 0
    size = len(said(deployment))
    lose(deployment)

    older = run("restore", copy, "-d", deployment)
    newest = run("restore", later, "-d", deployment)

    assert (older.exit_code, newest.exit_code) == (1, 0), newest.output
    assert "backup.older" in older.output
    entries = said(deployment)
    assert [one.get("what") for one in entries[size:]] == ["start", "restore", "stop"]
    assert entries[size + 1]["n"] == size
    assert holds(deployment) == ()


def test_a_failed_restore_changes_nothing(deployment, tmp_path):
    run("backup", tmp_path / "old", "-d", deployment)
    grow(deployment)
    before = {path.name: path.read_bytes() for path in (deployment / "data").iterdir()}

    assert "backup.older" in run("restore", tmp_path / "old", "-d", deployment).output

    assert {path.name: path.read_bytes() for path in (deployment / "data").iterdir()} == before


def test_what_a_readable_log_says_counts_without_a_high_water_file(deployment, tmp_path):
    run("backup", tmp_path / "old", "-d", deployment)
    grow(deployment)
    (deployment / "data" / high_water.FILE).unlink()

    assert "backup.older" in run("restore", tmp_path / "old", "-d", deployment).output


def test_without_any_proof_a_copy_is_not_gone_on_from(deployment, tmp_path):
    checkpoint = grow(deployment)
    held = tmp_path / "held"
    held.write_text(checkpoint)
    run("backup", tmp_path / "copy", "-d", deployment)
    grow(deployment)
    later = tmp_path / "later"
    with opened(deployment) as log:
        later.write_text(log.checkpoint())
    lose(deployment, high_water.FILE)

    for arguments, rule in (
        ((), "backup.unproven"),
        (("--checkpoint", later), "backup.older"),
        (("--checkpoint", tmp_path / "copy"), "backup.checkpoint"),
    ):
        refused = run("restore", tmp_path / "copy", "-d", deployment, *arguments)
        assert (refused.exit_code, rule in refused.output) == (1, True), refused.output
    assert list((deployment / "data").iterdir()) == []

    done = run("restore", tmp_path / "copy", "-d", deployment, "--checkpoint", held)
    assert done.exit_code == 0, done.output
    assert holds(deployment) == ()


def test_a_checkpoint_of_another_log_proves_nothing(deployment, tmp_path):
    run("backup", tmp_path / "copy", "-d", deployment)
    lose(deployment, high_water.FILE)
    signer = note.Signer.of("other.example/log", read_keys(deployment).log)
    (tmp_path / "held").write_text(signer.checkpoint(1, bytes(32)))

    refused = run("restore", tmp_path / "copy", "-d", deployment, "--checkpoint", tmp_path / "held")

    assert "backup.checkpoint" in refused.output


def test_an_old_copy_put_back_to_be_read_is_never_opened_and_the_way_on_is_a_new_name(
    deployment, tmp_path
):
    grow(deployment)
    run("backup", tmp_path / "copy", "-d", deployment)
    grow(deployment)
    size = len(said(deployment))

    assert run("restore", tmp_path / "copy", "-d", deployment, "--to-read").exit_code == 0

    assert len(said(deployment)) < size
    assert len(said(deployment, "data/replaced-1")) == size
    with pytest.raises(GatewayError) as error:
        opened(deployment)
    assert error.value.rule == "log.high_water_missing"
    begun = run("restart", "-d", deployment, "--origin", "gw.example.org/second")
    assert begun.exit_code == 0, begun.output
    assert holds(deployment) == ()
    assert read_deployment(deployment).vkey().startswith("gw.example.org/second+")


def test_a_copy_that_was_changed_is_not_put_back(deployment, tmp_path):
    second = shutil.copytree(deployment, tmp_path / "second")
    grow(deployment)
    run("backup", tmp_path / "copy", "-d", deployment)
    content = bytearray((tmp_path / "copy").read_bytes())
    content[-100] ^= 1
    (tmp_path / "copy").write_bytes(content)
    (tmp_path / "none").write_bytes(b"no log")

    for name in ("copy", "none"):
        assert "backup.broken" in run("restore", tmp_path / name, "-d", deployment).output
    assert "backup.missing" in run("restore", tmp_path / "nowhere", "-d", deployment).output
    lose(deployment, high_water.FILE)
    assert "backup.broken" in run("restore", tmp_path / "none", "-d", deployment).output
    assert "backup.broken" in run("restore", tmp_path / "copy", "-d", deployment).output
    deployment = second
    assert holds(deployment) == ()


def test_nothing_is_put_back_under_a_running_gateway(deployment, tmp_path):
    read = read_deployment(deployment)
    vkey = read.vkey()
    backup(read.data, tmp_path / "copy", vkey=vkey, progress=lambda *_: None)
    with opened(deployment):
        with pytest.raises(GatewayError) as error:
            restore(
                read.data,
                tmp_path / "copy",
                vkey=vkey,
                known=(),
                to_read=False,
                progress=lambda *_: None,
            )
        with pytest.raises(GatewayError) as second:
            ending.restart(deployment, "gw.example.org/second")

    assert (error.value.rule, second.value.rule) == ("log.in_use", "log.in_use")


def test_a_log_that_is_ended_takes_nothing_more_and_is_named_by_the_next(deployment):
    old = read_deployment(deployment).vkey()
    grow(deployment)

    done = run("restart", "-d", deployment, "--origin", "gw.example.org/second")

    assert done.exit_code == 0, done.output
    frozen = deployment / "frozen" / "1"
    assert said(deployment, "frozen/1")[-1]["what"] == "freeze"
    assert verify_log(frozen, vkey=old).problems == ()
    assert (frozen / "log.vkey").read_text().strip() == old
    with pytest.raises(GatewayError) as error:
        Log.open(frozen, key=read_keys(deployment).log, gateway="gw-1")
    assert error.value.rule == "log.frozen"
    follows = [one for one in said(deployment) if one["what"] == "restore"]
    assert [one["n"] for one in follows] == [len(said(deployment, "frozen/1"))]
    assert holds(deployment) == ()
    settings = tomllib.loads((deployment / "corridor.toml").read_text())
    assert settings["gateway"]["origin"] == "gw.example.org/second"
    again = run("restart", "-d", deployment, "--origin", "gw.example.org/second")
    assert "restart.origin" in again.output


@pytest.mark.parametrize(("step", "number"), [("put", 2), ("put", 3), ("settle", 1), ("_say", 1)])
def test_a_restart_that_was_stopped_goes_on(deployment, monkeypatch, step, number):
    real, calls = getattr(ending, step), []

    def stopped(*arguments, **named):
        calls.append(arguments)
        if len(calls) == number:
            raise StoppedError
        return real(*arguments, **named)

    monkeypatch.setattr(ending, step, stopped)
    with pytest.raises(StoppedError):
        ending.restart(deployment, "gw.example.org/second")
    monkeypatch.setattr(ending, step, real)
    ending.restart(deployment, "gw.example.org/second")

    assert [path.name for path in (deployment / "frozen").iterdir()] == ["1"]
    assert said(deployment, "frozen/1")[-1]["what"] == "freeze"
    assert holds(deployment) == ()
    assert read_deployment(deployment).vkey().startswith("gw.example.org/second+")


def test_a_name_that_cannot_be_replaced_is_left_to_a_person(deployment):
    settings = deployment / "corridor.toml"
    settings.write_text(settings.read_text().replace("origin =", "'origin' ="))

    refused = run("restart", "-d", deployment, "--origin", "gw.example.org/second")

    assert "restart.settings" in refused.output
    assert not (deployment / "frozen").exists()


def test_a_log_in_a_database_is_left_to_the_database(deployment, tmp_path):
    settings = deployment / "corridor.toml"
    settings.write_text(
        settings.read_text() + '\n[log]\nstore = "postgresql"\ndatabase = "host=/nowhere"\n'
    )

    assert "backup.store" in run("backup", tmp_path / "copy", "-d", deployment).output
    assert "backup.store" in run("restore", tmp_path / "copy", "-d", deployment).output
    refused = run("restart", "-d", deployment, "--origin", "gw.example.org/second")
    assert "restart.store" in refused.output


def test_a_folder_without_a_log_is_not_copied(deployment, tmp_path):
    shutil.rmtree(deployment / "data")
    (deployment / "data").mkdir()

    assert "log.missing" in run("backup", tmp_path / "copy", "-d", deployment).output
    assert not (deployment / "data" / log_file.FILE).exists()


def test_a_log_nobody_can_read_is_replaced_by_what_its_mark_vouches_for(deployment, tmp_path):
    run("backup", tmp_path / "copy", "-d", deployment)
    for _ in range(2):
        for path in (deployment / "data").glob("log.sqlite-*"):
            path.unlink()
        (deployment / "data" / log_file.FILE).write_bytes(b"rubbish")
        with pytest.raises(GatewayError):
            opened(deployment)
        done = run("restore", tmp_path / "copy", "-d", deployment)
        if done.exit_code:
            break

    # The first one was put back and went on; what came after it is not in the copy.
    assert "backup.older" in done.output
    assert (deployment / "data" / "replaced-1" / log_file.FILE).read_bytes() == b"rubbish"


@pytest.mark.parametrize("lost", [(), (high_water.FILE,)])
def test_a_log_that_cannot_be_opened_is_followed_by_another(deployment, lost):
    for number, name in enumerate(("second", "third"), 1):
        lose(deployment, *lost)
        done = run("restart", "-d", deployment, "--origin", f"gw.example.org/{name}")
        assert done.exit_code == 0, done.output
        assert (deployment / "frozen" / f"{number}").is_dir()

    follows = [one for one in said(deployment) if one["what"] == "restore"]
    assert len(follows) == (0 if lost else 1)
    assert holds(deployment) == ()
