"""The whole log in a folder, read back before the log says so."""

import pytest
from typer.testing import CliRunner

from gateway import entry, log_view, note
from gateway.audit import verify_log
from gateway.cli import app
from gateway.deployment import read_deployment, read_keys
from gateway.log import Log
from gateway.upkeep import rotation, timestamps


def run(*arguments):
    return CliRunner().invoke(app, ["log", "archive", *map(str, arguments)])


def said(deployment):
    return [entry.parse(leaf) for _, leaf in log_view.entries(deployment / "data")]


def grow(deployment, count):
    with Log.open(deployment / "data", key=read_keys(deployment).log, gateway="gw-1") as log:
        futures = [
            log.submit(entry.control(gateway="gw-1", what="clock", n=number))
            for number in range(count)
        ]
        for future in futures:
            future.result()


def test_an_archive_is_read_back_and_then_logged(deployment, tmp_path):
    grow(deployment, 300)
    size = len(said(deployment))

    done = run(tmp_path / "archive", "-d", deployment)

    assert done.exit_code == 0, done.output
    assert f"{size} entries hold, {size} of them new, 0 time stamps" in done.output
    entries = said(deployment)
    assert [one["what"] for one in entries[size:]] == ["start", "archive", "stop"]
    assert entries[size + 1]["n"] == size
    checkpoint = (tmp_path / "archive" / "checkpoint").read_text()
    assert note.parse_checkpoint(note.parse_note(checkpoint).text).size == size
    read = read_deployment(deployment)
    assert verify_log(read.data, vkey=read.vkey()).problems == ()


def test_it_is_written_on_across_a_change_of_the_key(deployment, tmp_path):
    run(tmp_path / "archive", "-d", deployment)
    rotation.rotate_key(deployment)
    tokens = deployment / "data" / timestamps.FOLDER
    tokens.mkdir()
    (tokens / "3.tsr").write_bytes(b"a token")

    done = run(tmp_path / "archive", "-d", deployment)

    assert done.exit_code == 0, done.output
    assert "1 time stamps" in done.output
    copied = tmp_path / "archive" / timestamps.FOLDER / "3.tsr"
    assert copied.read_bytes() == b"a token"
    text_of = timestamps.in_export(tmp_path / "archive")
    assert text_of(3).split("\n")[1] == "3"
    assert text_of(10**6) is None


def test_what_was_changed_in_the_folder_is_no_archive(deployment, tmp_path):
    folder = tmp_path / "archive"
    grow(deployment, 300)
    assert run(folder, "-d", deployment).exit_code == 0
    before = len(said(deployment))
    bundle = folder / "tile" / "entries" / "000"
    content = bytearray(bundle.read_bytes())
    content[100] ^= 1
    bundle.write_bytes(content)

    refused = run(folder, "-d", deployment)

    assert refused.exit_code == 1
    assert "archive.broken" in refused.output
    assert len(said(deployment)) == before


@pytest.mark.parametrize("name", ["tile/0/000", "checkpoint"])
def test_a_file_that_is_not_what_it_was_stops_the_writing(deployment, tmp_path, name):
    folder = tmp_path / "archive"
    grow(deployment, 300)
    assert run(folder, "-d", deployment).exit_code == 0
    (folder / name).write_bytes(b"x" * 100)

    assert run(folder, "-d", deployment).exit_code == 1
