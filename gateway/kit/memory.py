"""How much memory this process has taken, and payloads that try to take much.

Needs Linux: the peak of a process is read from `/proc/self/status`, where it can be set back.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.kit.container import ZIP, editions, parts, whole
from gateway.kit.damage import TOKEN, Damaged

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")

HOSTILE = 192 << 20
"""Bytes of growth that a hostile payload of some megabytes may cause."""

PACKED = 24 << 20
"""Bytes of growth while a long ZIP file is read: its size says little."""

ADDRESS_SPACE = 2 << 30
"""Bytes beyond which a process of the suite gets no more."""

_CELL = 10 << 20
_DEEP = 100_000


def measurable() -> bool:
    """Whether this machine can say what a process took."""
    return STATUS.is_file() and CLEAR.exists()


def set_back() -> int:
    """Begin a new peak. Bytes of memory in use now."""
    CLEAR.write_text("5", encoding="ascii")
    return _status("VmRSS")


def peak() -> int:
    """Bytes at the peak since it was set back."""
    return _status("VmHWM")


def size() -> int:
    """Bytes of address space."""
    return _status("VmSize")


def bound(size: int, *, packed: bool) -> int:
    """Bytes of growth while a long file of `size` bytes is read: less than the file."""
    return PACKED if packed else max(2 << 20, size * 3 // 4)


def _status(name: str) -> int:
    for line in STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) << 10
    return 0


def hostile(content: bytes, secret: Path) -> Iterator[Damaged]:
    """Payloads made to harm whoever reads a sample of this kind. `secret` is a file to steal."""
    for where, part, found in editions(content):
        said = f" in {where}" if where else ""
        for how, bad in _hostile(part, secret):
            yield how + said, whole({**found, where: bad})
    if content.startswith(ZIP):
        yield from _bombs(content)


def senseless() -> Iterator[Damaged]:
    """Payloads that are hostile to any reader, whatever the format."""
    yield "deep brackets", b"[" * _DEEP
    yield "deep objects", b'{"a":' * _DEEP
    yield "deep elements", b"<a>" * _DEEP
    yield "one line of ten megabytes", b"x" * _CELL


def _hostile(part: bytes, secret: Path) -> Iterator[Damaged]:
    spots = [match.span() for match in TOKEN.finditer(part)]
    for begin, end in spots[:: max(1, len(spots) // 3)][:3]:
        yield f"ten megabytes at byte {begin}", part[:begin] + b"x" * _CELL + part[end:]
        yield f"5,000 digits at byte {begin}", part[:begin] + b"9" * 5000 + part[end:]
        yield f"a huge exponent at byte {begin}", part[:begin] + b"1e999999999" + part[end:]
    if part.lstrip().startswith(b"<"):
        yield from _entities(part, spots, secret)


def _entities(part: bytes, spots: Sequence[tuple[int, int]], secret: Path) -> Iterator[Damaged]:
    laughs = b'<!ENTITY a0 "ha">' + b"".join(
        b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10)
    )
    steals = b'<!ENTITY a9 SYSTEM "%s">' % secret.as_uri().encode()
    declared = part.find(b"?>") + 2 if part.startswith(b"<?xml") else 0
    root = part[declared:].lstrip().removeprefix(b"<").split(b">")[0].split()[0].rstrip(b"/")
    texts = [span for span in spots if part[span[0] - 1 : span[0]] == b">" and span[0] > declared]
    begin, end = texts[len(texts) // 2] if texts else (len(part), len(part))
    for how, entities in (("entities in entities", laughs), ("an entity from a file", steals)):
        head = part[:declared] + b"<!DOCTYPE " + root + b" [" + entities + b"]>"
        yield how, head + part[declared:begin] + b"&a9;" + part[end:]


def _bombs(content: bytes) -> Iterator[Damaged]:
    found = parts(content)
    for name in sorted(found, key=lambda name: -len(found[name]))[:1]:
        yield f"zeros behind {name}", whole({**found, name: found[name] + bytes(64 << 20)})
        padded = found[name].replace(b"><", b">" + b" " * (64 << 20) + b"<", 1)
        yield f"white space in {name}", whole({**found, name: padded})
    more = {f"x/{number}": b"" for number in range(20_000)}
    yield "20,000 members", whole({**found, **more})


def lines_of(content: bytes) -> list[bytes]:
    """A JSON payload as lines, one for each object of its longest list. Empty where it is none."""
    try:
        document = json.loads(content)
    except ValueError:
        return []
    lists = [found for found in _lists(document, 2) if all(isinstance(one, dict) for one in found)]
    longest: Sequence[Any] = max(lists, key=len, default=[])
    return [json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in longest]


def _lists(value: Any, depth: int) -> Iterator[list[Any]]:
    if isinstance(value, list):
        yield value
    elif isinstance(value, Mapping) and depth:
        for part in value.values():
            yield from _lists(part, depth - 1)
