"""Sealed files: nothing of them can be read, changed, or cut off without the key."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.bulk import sealed
from gateway.bulk.sealed import FRAME, Sealed, SealedWriter, new_key
from gateway.errors import GatewayError

SIZES = (0, 1, FRAME - 1, FRAME, FRAME + 1, 2 * FRAME, 2 * FRAME + 7)


def written(path, content: bytes, step: int = 100_000) -> Sealed:
    key = new_key()
    writer = SealedWriter(path, key)
    for at in range(0, len(content), step):
        writer.write(content[at : at + step])
    writer.finish()
    return Sealed(path, key)


@pytest.mark.parametrize("size", SIZES)
def test_what_was_written_is_read(tmp_path, size):
    content = bytes(n % 251 for n in range(size))

    found = written(tmp_path / "f", content)

    assert found.size == size
    assert b"".join(found.chunks()) == content
    assert size < 100 or content[:64] not in found.path.read_bytes()
    assert found.path.stat().st_mode & 0o077 == 0


@given(places=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30)), max_size=12))
def test_any_part_can_be_read(tmp_path_factory, places):
    content = bytes(n % 251 for n in range(50))
    before, sealed.FRAME = sealed.FRAME, 16
    try:
        found = written(tmp_path_factory.mktemp("sealed") / "f", content, 7)
        with found.open() as file:
            for at, size in places:
                file.seek(at)
                assert file.read(size) == content[at : at + size]
            assert file.seek(-5, io.SEEK_END) == 45
            assert file.seek(2, io.SEEK_CUR) == 47
            assert file.read() == content[47:]
    finally:
        sealed.FRAME = before


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "damage",
    [
        lambda stored: stored[:-1],
        lambda stored: stored[: len(stored) // 2],
        lambda stored: b"",
        lambda stored: stored[: (len(stored) - 1) // (FRAME + 16) * (FRAME + 16)],
        lambda stored: stored[:-1] + bytes([stored[-1] ^ 1]),
        lambda stored: stored + stored,
    ],
)
def test_a_damaged_file_is_not_read(tmp_path, size, damage):
    found = written(tmp_path / "f", bytes(size))
    found.path.write_bytes(damage(found.path.read_bytes()))

    with pytest.raises(GatewayError) as caught:
        b"".join(Sealed(found.path, found.key).chunks())

    assert caught.value.rule == "bulk.sealed"


def test_another_key_opens_nothing(tmp_path):
    found = written(tmp_path / "f", b"content")

    with pytest.raises(GatewayError):
        Sealed(found.path, new_key()).open()


def test_frames_cannot_be_exchanged(tmp_path):
    found = written(tmp_path / "f", bytes(3 * FRAME))
    stored = found.path.read_bytes()
    one = FRAME + 16
    found.path.write_bytes(stored[one : 2 * one] + stored[:one] + stored[2 * one :])

    with pytest.raises(GatewayError):
        b"".join(found.chunks())


def test_a_file_that_is_there_is_not_written_over(tmp_path):
    written(tmp_path / "f", b"content")

    with pytest.raises(GatewayError) as caught:
        SealedWriter(tmp_path / "f", new_key())

    assert caught.value.rule == "bulk.unwritable"


def test_what_is_abandoned_leaves_nothing(tmp_path):
    writer = SealedWriter(tmp_path / "f", new_key())
    writer.write(b"x")
    writer.abandon()

    assert not list(tmp_path.iterdir())
    with pytest.raises(GatewayError):
        Sealed(tmp_path / "f", new_key())


def test_a_full_disk_is_told(tmp_path):
    writer = SealedWriter(tmp_path / "f", new_key())
    writer._file.close()
    writer._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115

    with pytest.raises(GatewayError) as caught:
        writer.write(bytes(FRAME + 1))
    writer._file.close()

    assert caught.value.rule == "bulk.unwritable"
