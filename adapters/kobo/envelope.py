"""Taking a Kobo payload apart into submissions, and finding keys that stand twice.

Real exports repeat keys (`end` among them), and every usual JSON parser keeps the last one in
silence. Looking at each key again would cost several times the parsing, so the keys are first
counted in the bytes: where the count equals the number of keys that came out of the parser,
none was lost. Only a payload in which it differs is read a second time, slowly.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.errors import SenderError


@dataclass(slots=True)
class Submission:
    """One submission, as parsed."""

    fields: Any = field(repr=False)
    twice: tuple[str, ...] = ()
    """Keys that stood twice in one object with different values."""
    at: str = ""


def submissions(content: bytes) -> Iterator[Submission]:
    """Every submission of a payload. Raises `SenderError` for what is not Kobo's JSON."""
    try:
        document = _loads(content)
    except orjson.JSONDecodeError as error:
        lines = _lines(content)
        if lines is None:
            raise _broken(error, content) from None
        for number, line in lines:
            yield from _line(line, number)
        return
    keys = _count_keys(document)
    found = list(_submissions(document))
    if _keys_in_text(content) == keys:
        yield from (Submission(fields) for fields in found)
        return
    marked = _loads_marking(content)
    if isinstance(marked, _Marked) and marked.twice and found != [document]:
        raise SenderError("a page's key stands twice", rule="json.key_twice", at="page")
    yield from (
        Submission(fields, tuple(_twice(slow)))
        for fields, slow in zip(found, _submissions(marked), strict=True)
    )


def _loads(content: bytes) -> Any:
    if content.startswith(b"\xef\xbb\xbf"):
        content = content[3:]
    return orjson.loads(content)


def _submissions(document: Any) -> Iterator[Any]:
    if isinstance(document, list):
        yield from document
    elif isinstance(document, dict) and isinstance(document.get("results"), list):
        if "count" not in document:
            raise SenderError("a page without count", rule="kobo.not_a_page")
        yield from document["results"]
    elif isinstance(document, dict):
        yield document
    else:
        raise SenderError("neither a submission nor a list of them", rule="kobo.not_submissions")


def _lines(content: bytes) -> list[tuple[int, bytes]] | None:
    """The lines of an NDJSON payload with their numbers, or None where it is not NDJSON."""
    lines = [(n, line) for n, line in enumerate(content.splitlines(), 1) if line.strip()]
    if len(lines) < 2:
        return None
    try:
        first = _loads(lines[0][1])
    except orjson.JSONDecodeError:
        return None
    return lines if isinstance(first, dict) else None


def _line(line: bytes, number: int) -> Iterator[Submission]:
    try:
        for submission in submissions(line):
            submission.at = f"line {number}"
            yield submission
    except SenderError as error:
        raise SenderError(error.problem, rule=error.rule, at=f"line {number}") from None


def _broken(error: orjson.JSONDecodeError, content: bytes) -> SenderError:
    place = f"line {error.lineno}, column {error.colno}"
    if not content.removeprefix(b"\xef\xbb\xbf").strip():
        return SenderError("there is no content", rule="json.empty")
    if "surrogate" in error.msg or "utf-8" in error.msg.lower() or "UTF-8" in error.msg:
        return SenderError("not valid UTF-8", rule="json.not_utf8")
    if "depth" in error.msg:
        return SenderError("nested too deeply", rule="json.too_deep")
    if error.pos >= len(content.decode("utf-8", "replace").rstrip()):
        return SenderError("the JSON ends too early", rule="json.truncated", at=place)
    return SenderError("not JSON", rule="json.invalid", at=place)


_SPACE = b" \t\r\n"


def _keys_in_text(content: bytes) -> int:
    # Every key ends with a quote and, white space aside, a colon. A text value can look the
    # same, so the count may be too high, never too low: then the slow way is taken in vain.
    return content.translate(None, _SPACE).count(b'":')


def _count_keys(document: Any) -> int:
    """Keys of all objects. Raises `SenderError` for nesting that no form has."""
    keys = 0
    level = [document]
    for _ in range(MAX_DEPTH):
        objects = [value for value in level if value.__class__ is dict]
        keys += sum(map(len, objects))
        inner = [item for value in objects for item in value.values()]
        inner += [item for value in level if value.__class__ is list for item in value]
        level = [item for item in inner if item.__class__ in _NESTED]
        if not level:
            return keys
    raise SenderError("nested too deeply", rule="json.too_deep")


_NESTED = frozenset((dict, list))
MAX_DEPTH = 64
"""Repeats in repeats in groups: a real form has about ten."""


class _Marked(dict[str, Any]):
    """An object that remembers which of its keys stood twice with different values."""

    twice: tuple[str, ...] = ()


def _loads_marking(content: bytes) -> Any:
    def pairs(found: list[tuple[str, Any]]) -> _Marked:
        marked = _Marked()
        for key, value in found:
            if key in marked and marked[key] != value:
                marked.twice += (key,)
            marked[key] = value
        return marked

    try:
        return json.loads(content.decode("utf-8-sig"), object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        # orjson read it, so this is a form the two parsers disagree about: refuse it.
        raise SenderError("not JSON that two parsers agree on", rule="json.invalid") from None


def _twice(value: Any) -> Iterator[str]:
    if isinstance(value, _Marked):
        yield from value.twice
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _twice(item)
