"""What was rendered waits in memory, or encrypted on a disk where nobody can find it."""

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.spool import FRAME, Spool

NAME = b"Amina Yusuf "


@given(st.lists(st.binary(max_size=40), max_size=30), st.integers(0, 60))
def test_gives_back_what_was_written(tmp_path_factory, chunks, in_memory):
    spool = Spool(tmp_path_factory.getbasetemp(), in_memory=in_memory)
    for chunk in chunks:
        spool.write(chunk)

    assert b"".join(spool.chunks()) == spool.read() == b"".join(chunks)
    assert spool.size == len(spool.read())
    assert spool.digest == hashlib.sha256(b"".join(chunks)).digest()
    spool.close()


def test_goes_to_disk_in_frames_and_in_no_file_with_a_name(tmp_path: Path):
    spool = Spool(tmp_path, in_memory=1000)
    for _ in range(5):
        spool.write(NAME * (FRAME // len(NAME)) + b"\n")

    assert spool.on_disk
    assert list(tmp_path.iterdir()) == []
    file = spool._file
    assert file is not None
    held = os.pread(file.fileno(), 6 * FRAME, 0)
    assert len(held) > 3 * FRAME
    assert NAME not in held
    assert spool.read() == (NAME * (FRAME // len(NAME)) + b"\n") * 5
    spool.close()
    assert file.closed


def test_a_small_one_never_touches_the_disk(tmp_path: Path):
    spool = Spool(tmp_path / "missing", in_memory=1000)
    spool.write(NAME)

    assert not spool.on_disk
    assert spool.read() == NAME
    assert NAME.decode() not in repr(spool)


def test_a_disk_that_takes_nothing_stops_the_transfer(tmp_path: Path):
    spool = Spool(tmp_path / "missing", in_memory=1000)

    with pytest.raises(GatewayError) as caught:
        spool.write(b"x" * 1001)

    assert caught.value.rule == "spool.unwritable"


def test_a_disk_that_is_full_stops_the_transfer(tmp_path: Path):
    spool = Spool(tmp_path, in_memory=1)
    spool.write(b"xx")
    assert spool._file is not None
    spool._file.close()
    spool._file = open("/dev/full", "r+b", buffering=0)  # noqa: SIM115 - closed by the spool

    with pytest.raises(GatewayError) as caught:
        spool.write(b"x" * FRAME)

    assert caught.value.rule == "spool.unwritable"
    spool.close()


def test_a_changed_byte_on_disk_is_not_released(tmp_path: Path):
    spool = Spool(tmp_path, in_memory=1)
    spool.write(NAME * FRAME)
    assert spool._file is not None
    spool._file.seek(100)
    spool._file.write(b"?")

    with pytest.raises(GatewayError) as caught:
        spool.read()

    assert caught.value.rule == "spool.unreadable"
    spool.close()
