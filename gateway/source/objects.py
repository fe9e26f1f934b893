"""JSON documents and NDJSON, one object after another.

Real exports repeat keys, and every usual JSON parser keeps the last one in silence. Looking at
each key again would cost several times the parsing, so the keys are first counted in the bytes:
where the count equals the number of keys that came out of the parser, none was lost. Only a
document in which it differs is read a second time, slowly.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Any, BinaryIO, NoReturn

import orjson

from gateway.errors import SenderError

WHOLE = 64 << 20
"""Bytes of one JSON document. It is held as a whole, and several times its size when parsed;
more than this comes as NDJSON, which is read line by line."""

LINE = 16 << 20
"""Bytes of one line of NDJSON."""

MAX_DEPTH = 64
"""Repeats in repeats in groups: a real form has about ten."""

BOM = b"\xef\xbb\xbf"

Unfold = Callable[[Any], Iterable[Any]]
"""From one parsed document to the objects in it. Raises `SenderError` for other documents."""


@dataclass(slots=True)
class Found:
    """One object, as parsed."""

    value: Any = field(repr=False)
    twice: tuple[str, ...] = ()
    """Keys that stood twice in one object with different values."""
    at: str = ""
    """`line 3` of an NDJSON file; else empty."""


def objects(content: BinaryIO, unfold: Unfold, *, exact: bool = False) -> Iterator[Found]:
    """Every object of a file. Raises `SenderError` for what is not strict JSON in UTF-8.

    With `exact`, numbers with a fraction or an exponent are `Decimal`, digits untouched;
    without it they are floats, several times faster.
    """
    number, first = _next_line(content, 0, WHOLE) or (1, b"")
    if _is_object(first):
        second = _next_line(content, number, LINE)
        if second:
            yield from _lines(content, (number, first), second, unfold, exact=exact)
            return
    blank = b"\n" * min(number - 1, WHOLE)  # so that places in what follows are true
    whole = blank + first + content.read(max(WHOLE + 1 - len(first), 0))
    if len(whole) > WHOLE:
        raise SenderError(
            "too large for one JSON document: send NDJSON, one object a line", rule="json.too_large"
        )
    yield from _document(whole, unfold, exact=exact)


def document(content: BinaryIO, *, exact: bool = False) -> Any:
    """One JSON document, in which no key may stand twice with different values."""
    found, *more = islice(objects(content, lambda value: (value,), exact=exact), 2)
    if more:
        raise SenderError("more than one JSON document", rule="json.invalid", at=more[0].at)
    if found.twice:
        raise SenderError("a key stands twice in one object", rule="json.key_twice")
    return found.value


def _is_object(line: bytes) -> bool:
    line = line.removeprefix(BOM).strip()
    if not (line.startswith(b"{") and line.endswith(b"}")):
        return False
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _next_line(content: BinaryIO, number: int, limit: int) -> tuple[int, bytes] | None:
    """The next line with anything on it, and its number; `number` is that of the last one."""
    while line := content.readline(limit + 1):
        number += 1
        if line.strip():
            return number, line
    return None


def _lines(
    content: BinaryIO,
    first: tuple[int, bytes],
    second: tuple[int, bytes],
    unfold: Unfold,
    *,
    exact: bool,
) -> Iterator[Found]:
    yield from _line(first[1], first[0], unfold, exact=exact)
    found: tuple[int, bytes] | None = second
    while found:
        number, line = found
        if len(line) > LINE:
            raise SenderError("a line is too long", rule="json.too_large", at=f"line {number}")
        yield from _line(line, number, unfold, exact=exact)
        found = _next_line(content, number, LINE)


def _line(line: bytes, number: int, unfold: Unfold, *, exact: bool) -> Iterator[Found]:
    try:
        for found in _document(line, unfold, exact=exact):
            found.at = f"line {number}"
            yield found
    except SenderError as error:
        raise SenderError(error.problem, rule=error.rule, at=f"line {number}") from None


def _document(content: bytes, unfold: Unfold, *, exact: bool) -> Iterator[Found]:
    content = content.removeprefix(BOM)
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise _broken(error, content) from None
    keys = _count_keys(value)
    once = _keys_in_text(content) == keys
    if once and not exact:
        yield from map(Found, unfold(value))
        return
    marked = _loads_marking(content, exact=exact)
    found = list(unfold(marked))
    if isinstance(marked, _Marked) and marked.twice and not any(one is marked for one in found):
        raise SenderError("a key of the envelope stands twice", rule="json.key_twice", at="page")
    yield from (Found(one, tuple(_twice(one))) for one in found)


def _broken(error: orjson.JSONDecodeError, content: bytes) -> SenderError:
    place = f"line {error.lineno}, column {error.colno}"
    if not content.strip():
        return SenderError("there is no content", rule="json.empty")
    if "surrogate" in error.msg or "utf-8" in error.msg.lower():
        return SenderError("not valid UTF-8", rule="json.not_utf8")
    if "depth" in error.msg or "recursion" in error.msg.lower():
        return SenderError("nested too deeply", rule="json.too_deep")
    if error.pos >= len(content.decode("utf-8", "replace").rstrip()):
        return SenderError("the JSON ends too early", rule="json.truncated", at=place)
    return SenderError("not JSON", rule="json.invalid", at=place)


_SPACE = b" \t\r\n"


def _keys_in_text(content: bytes) -> int:
    # Every key ends with a quote and, white space aside, a colon. A text value can look the
    # same, so the count may be too high, never too low: then the slow way is taken in vain.
    return content.translate(None, _SPACE).count(b'":')


_NESTED = frozenset((dict, list))


def _count_keys(value: Any) -> int:
    """Keys of all objects. Raises `SenderError` for nesting that no form has."""
    keys = 0
    level = [value]
    for _ in range(MAX_DEPTH):
        found = [one for one in level if one.__class__ is dict]
        keys += sum(map(len, found))
        inner = [item for one in found for item in one.values()]
        inner += [item for one in level if one.__class__ is list for item in one]
        level = [item for item in inner if item.__class__ in _NESTED]
        if not level:
            return keys
    raise SenderError("nested too deeply", rule="json.too_deep")


class _Marked(dict[str, Any]):
    """An object that remembers which of its keys stood twice with different values."""

    twice: tuple[str, ...] = ()


def _pairs(found: list[tuple[str, Any]]) -> _Marked:
    marked = _Marked()
    for key, value in found:
        if key in marked and marked[key] != value:
            marked.twice += (key,)
        marked[key] = value
    return marked


def _no_constant(name: str) -> NoReturn:
    raise ValueError


def _loads_marking(content: bytes, *, exact: bool) -> Any:
    try:
        return json.loads(
            content.decode(),
            object_pairs_hook=_pairs,
            parse_float=Decimal if exact else None,
            parse_constant=_no_constant,
        )
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
