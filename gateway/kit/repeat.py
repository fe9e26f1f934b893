"""A long file made of what one sample has, for seeing whether memory grows with it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from gateway.errors import CorridorError
from gateway.kit.container import ZIP
from gateway.kit.drive import read, write
from gateway.kit.memory import lines_of
from gateway.kit.subject import Sample, Subject
from gateway.record import Record, Writing

_WHOLE = re.compile(r"application/([a-z.]+\+)?json")
"""Media types of one document, which has to be held. Longer payloads come as lines."""


BY_RENDER = "by render"


@dataclass(frozen=True, slots=True)
class Repeated:
    """Records again and again, each time under other ids. Can be walked more than once."""

    records: Sequence[Record] = field(repr=False)
    times: int

    def __iter__(self) -> Iterator[Record]:
        ids = {record["record_id"] for record in self.records}
        for number in range(self.times):
            for record in self.records:
                yield _renamed(record, ids, f"-{number}")


def _renamed(value: Any, ids: set[str], suffix: str) -> Any:
    if isinstance(value, str):
        return value + suffix if value in ids else value
    if isinstance(value, dict):
        return {key: _renamed(part, ids, suffix) for key, part in value.items()}
    if isinstance(value, list):
        return [_renamed(item, ids, suffix) for item in value]
    return value


def longer(subject: Subject, sample: Sample, size: int, file: BinaryIO) -> str:
    """Write about `size` bytes in the sample's format. Says how; empty where it cannot be done.

    A format without a mapping is written by its own `render`, which is measured with it. With
    one, writing reads every object again to check it, so the sample's text is repeated instead.
    """
    ways = [_by_text] if sample.mapping else [_by_render, _by_text]
    return next((how for way in ways if (how := way(subject, sample, size, file))), "")


def _by_text(subject: Subject, sample: Sample, size: int, file: BinaryIO) -> str:
    for how, head, again, tail in _seams(sample.content):
        once = read(subject.adapter, head + again + tail, sample.mapping)
        twice = read(subject.adapter, head + again * 2 + tail, sample.mapping)
        if not twice.error and len(twice.records) > len(once.records):
            file.write(head)
            for _ in range(max(2, size // len(again))):
                file.write(again)
            file.write(tail)
            return how
    return ""


def _seams(content: bytes) -> Iterator[tuple[str, bytes, bytes, bytes]]:
    """How a payload can be made longer: what comes before, what is repeated, what comes after."""
    lines = b"".join(lines_of(content))
    if lines:
        yield "as lines", b"", lines, b""
    text = content.rstrip(b"\r\n")
    if text.startswith(b"<"):
        root = text.rfind(b"</")
        name = text[text.rfind(b"</", 0, root) + 2 : text.rfind(b">", 0, root)].strip()
        begin = max(text.rfind(b"<" + name + end, 0, root) for end in (b">", b" ", b"\n"))
        if name and begin > 0:
            yield "an element again", text[:begin], text[begin:root], text[root:]
    elif text[:1] not in b"{[" and not content.startswith(ZIP):
        begin = text.rfind(b"\n") + 1
        yield "a line again", text[:begin], text[begin:] + b"\r\n", b""


def _by_render(subject: Subject, sample: Sample, size: int, file: BinaryIO) -> str:
    if _WHOLE.fullmatch(subject.adapter.media_type):
        return ""
    records = read(subject.adapter, sample.content, sample.mapping).records
    few = write(subject.adapter, Repeated(records, 2), sample.mapping)
    many = write(subject.adapter, Repeated(records, 12), sample.mapping)
    each = (len(many.content) - len(few.content)) // 10
    if few.error or many.error or each <= 0:
        return ""
    if few.content.startswith(ZIP):
        size //= 16
    try:
        made = Repeated(records, max(2, size // each))
        for chunk in subject.adapter.render(made, sample.mapping, Writing()):
            file.write(chunk)
    except CorridorError:
        file.truncate(0)
        return ""
    return BY_RENDER
