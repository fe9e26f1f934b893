"""Payloads that accidents make of a sample: cut, flipped, shuffled, repeated, recoded."""

import random
import re
from collections.abc import Iterator, Sequence

from gateway.kit.container import ZIP, editions, whole

MARK = "Qzvkx O'Wjyqh"
"""Stands for a name. No pattern of a key should allow it, and no dictionary has it."""

NUMBER = "739184620513"
"""Stands for a number that is somebody's."""

TOKEN = re.compile(
    rb"""(?<=["'>,;|\t\n\r])[^"'<>,;|\t\n\r{}\[\]]{1,60}(?=["'<,;|\t\n\r])"""
    rb"""|(?<=[:,\[\s])-?[0-9][0-9.]*(?=[,\s}\]])"""
)

Damaged = tuple[str, bytes]
"""What was done, and what came of it."""


def damaged(content: bytes, examples: int) -> Iterator[Damaged]:
    """Everything that is tried, the same for the same sample."""
    for where, part, found in editions(content):
        said = f" of {where}" if where else ""
        for how, bad in _damaged(part, examples):
            yield how + said, whole({**found, where: bad})
    if content.startswith(ZIP):
        yield from _damaged(content, examples)


def _damaged(content: bytes, examples: int) -> Iterator[Damaged]:
    size = len(content)
    for point in _points(size, 2 * examples):
        yield f"cut at byte {point}", content[:point]
    chance = random.Random(size)  # noqa: S311 - the same damage in every run
    for _ in range(2 * examples):
        bit = chance.randrange(8 * size)
        yield f"bit {bit} flipped", _flipped(content, bit)
    for _ in range(examples):
        first, second, third = sorted(chance.randrange(size + 1) for _ in range(3))
        swapped = content[:first] + content[second:third] + content[first:second] + content[third:]
        yield f"bytes {first}, {second}, {third} swapped", swapped
        yield f"bytes {first} to {second} gone", content[:first] + content[second:]
        yield f"bytes {first} to {second} twice", content[:second] + content[first:]
    yield from _retyped(content, examples)
    yield "doubled", content + content
    yield "zero bytes in the middle", content[: size // 2] + bytes(8) + content[size // 2 :]
    yield "a byte order mark in front", b"\xef\xbb\xbf" + content
    yield from _recoded(content)


def _retyped(content: bytes, examples: int) -> Iterator[Damaged]:
    """Something else where a text or a number stood: nothing, or what JSON has besides."""
    spots = [match.span() for match in TOKEN.finditer(content)]
    others = [b"null", b"17", b"[]", b"{}", b"true", b'""', b"-0.0", b'["a"]', b'{"a":1}']
    for number, (begin, end) in enumerate(spots[:: max(1, len(spots) // (2 * examples))]):
        yield f"emptied at byte {begin}", content[:begin] + content[end:]
        quoted = content[begin - 1 : begin] == b'"' == content[end : end + 1]
        other = others[number % len(others)]
        bad = content[: begin - quoted] + other + content[end + quoted :]
        yield f"another type at byte {begin}", bad


def _points(size: int, count: int) -> Sequence[int]:
    return sorted({size * step // (count + 1) for step in range(count + 1)} | {max(size - 1, 0)})


def _flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def _recoded(content: bytes) -> Iterator[Damaged]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return
    for encoding in ("utf-16", "utf-16-be", "utf-32", "utf-7", "latin-1", "cp1256"):
        yield f"in {encoding}", text.encode(encoding, "replace")


def marked(content: bytes, examples: int) -> Iterator[Damaged]:
    """The sample with a mark where a text or a number stood, once for each place."""
    for where, part, found in editions(content):
        spots = [match.span() for match in TOKEN.finditer(part)]
        step = max(1, len(spots) // max(4 * examples, 1))
        for number, (begin, end) in enumerate(spots[::step]):
            mark = NUMBER if number % 3 == 2 else MARK
            if part[:1] != b"{" and part[:1] != b"[":
                mark = mark.replace("'", "&#39;") if part[:1] == b"<" else mark
            said = f"a mark at byte {begin}" + (f" of {where}" if where else "")
            yield said, whole({**found, where: part[:begin] + mark.encode() + part[end:]})


def reveals(told: str) -> bool:
    """Whether a text holds a mark or most of it."""
    return any(part in told for part in (MARK[:5], MARK[-5:], NUMBER[:6], NUMBER[-6:]))
