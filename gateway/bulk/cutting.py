"""Cutting a payload into parts that can each be read alone."""

from collections.abc import Iterator
from typing import BinaryIO

from gateway.adapter import Adapter, Divisible
from gateway.mapping import Plan
from gateway.source.objects import by_line

START = 1024
"""Bytes of a payload, or a part, by which its adapter says how it is read."""

LONGEST = 16 << 20
"""Bytes without a place to cut. Readers refuse lines and rows of that size."""


class Uncut(Exception):  # noqa: N818 - no fault: it is then read as a whole
    """The payload cannot be read in parts with the same result."""


def parts(source: Adapter, plan: Plan | None, content: BinaryIO, size: int) -> Iterator[bytes]:
    """Parts of about `size` bytes, the last perhaps larger. Raises `Uncut`, perhaps late."""
    start = content.read(START)
    content.seek(0)
    how = source.divided(start, plan) if isinstance(source, Divisible) else None
    found = _cut(how, content, size)
    for part in found:
        if isinstance(source, Divisible) and source.divided(part[:START], plan) != how:
            raise Uncut
        yield part


def _cut(how: str | None, content: BinaryIO, size: int) -> Iterator[bytes]:
    if how is not None and how.startswith("rows"):
        header = content.readline(LONGEST)
        if not header.strip() or header.count(b'"') % 2:
            raise Uncut
        return (header + rows for rows in _pieces(content, size, quoted=True))
    if how is None or not by_line(content):
        raise Uncut
    content.seek(0)
    return _pieces(content, size, quoted=False)


def _pieces(content: BinaryIO, size: int, *, quoted: bool) -> Iterator[bytes]:
    """Cut after line ends; of a table after those outside quotes. The last two come as one: a
    small part might not show what the others do."""
    held, rest = b"", b""
    while block := content.read(size):
        whole = rest + block
        end = _end(whole) if quoted else whole.rfind(b"\n") + 1
        if not end and len(whole) > LONGEST:
            raise Uncut
        if end:
            if held:
                yield held
            held, rest = whole[:end], whole[end:]
        else:
            rest = whole
    if held or rest.strip():
        yield held + rest


def _end(whole: bytes) -> int:
    """Behind the last line end that no quote goes over; 0 where there is none."""
    end = whole.rfind(b"\n") + 1
    quotes = whole.count(b'"', 0, end)
    while end and quotes % 2:
        before = whole.rfind(b"\n", 0, end - 1) + 1
        quotes -= whole.count(b'"', before, end)
        end = before
    return end
