"""JSON documents and NDJSON, one object after another.

Real exports repeat keys, and every usual JSON parser keeps the last one in silence. Looking at
each key again would cost several times the parsing, so what was parsed is written again and the
keys are counted in both texts: where the counts are equal, none was lost. Only a document in
which they differ is read a second time, slowly.
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

Skip = Callable[[SenderError], None]
"""Is told of a line that cannot be read, and passed over."""


@dataclass(slots=True)
class Found:
    """One object, as parsed."""

    value: Any = field(repr=False)
    twice: tuple[str, ...] = ()
    """Keys that stood twice in one object with different values."""
    at: str = ""
    """`line 3` of an NDJSON file; else empty."""


def objects(
    content: BinaryIO, unfold: Unfold, *, exact: bool = False, skip: Skip | None = None
) -> Iterator[Found]:
    """Every object of a file. Raises `SenderError` for what is not strict JSON in UTF-8.

    With `exact`, numbers with a fraction or an exponent are `Decimal`, digits untouched;
    without it they are floats, several times faster.
    """
    number, first = _next_line(content, 0, WHOLE) or (1, b"")
    more = b""
    if _looks_like_object(first):
        second = _next_line(content, number, LINE)
        if second and _is_json(first):
            for at, line in _lines(content, (number, first), second):
                try:
                    yield from _line(line, at, unfold, exact=exact)
                except SenderError as error:
                    if skip is None:
                        raise
                    skip(error)
            return
        more = b"\n" * (second[0] - number - 1) + second[1] if second else b""
    blank = b"\n" * min(number - 1, WHOLE)  # so that places in what follows are true
    whole = blank + first + more
    whole += content.read(max(WHOLE + 1 - len(whole), 0))
    if len(whole) > WHOLE:
        raise SenderError(
            "too large for one JSON document: send NDJSON, one object a line", rule="json.too_large"
        )
    yield from _document(whole, unfold, exact=exact)


def by_line(content: BinaryIO) -> bool:
    """Whether `objects` would read a file line by line."""
    number, first = _next_line(content, 0, WHOLE) or (1, b"")
    if not _looks_like_object(first):
        return False
    return _next_line(content, number, LINE) is not None and _is_json(first)


def document(content: BinaryIO, *, exact: bool = False) -> Any:
    """One JSON document, in which no key may stand twice with different values."""
    found, *more = islice(objects(content, lambda value: (value,), exact=exact), 2)
    if more:
        raise SenderError("more than one JSON document", rule="json.invalid", at=more[0].at)
    if found.twice:
        raise SenderError("a key stands twice in one object", rule="json.key_twice")
    return found.value


def _looks_like_object(line: bytes) -> bool:
    line = line.removeprefix(BOM).strip()
    return line.startswith(b"{") and line.endswith(b"}")


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line.removeprefix(BOM))
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
    content: BinaryIO, first: tuple[int, bytes], second: tuple[int, bytes]
) -> Iterator[tuple[int, bytes]]:
    yield first
    found: tuple[int, bytes] | None = second
    while found:
        number, line = found
        if len(line) > LINE:
            raise SenderError("a line is too long", rule="json.too_large", at=f"line {number}")
        yield number, line
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
    if not _shallow(content):
        _refuse_deep(value)
    if not exact and _once(content, value):
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
_SPELT = (b"\\u0022", b"\\u003a", b"\\u003A")
"""A quotation mark or a colon spelt in a way that `orjson` does not write again."""


def _once(content: bytes, value: Any) -> bool:
    """Whether no key of the text was lost in parsing.

    Every key ends with a quotation mark and, white space aside, a colon. A text value can look
    the same, and then does so in both texts: `value` holds no text that `content` does not. So
    a lost key makes the first count higher, and nothing makes it lower.
    """
    again = orjson.dumps(value)
    if again == content:
        return True
    if any(spelt in content for spelt in _SPELT):
        return False
    return _ends_of_keys(content) == _ends_of_keys(again)


def _ends_of_keys(text: bytes) -> int:
    return text.translate(None, _SPACE).count(b'":')


_BRACKETS = b"[]{}"
_OTHERS = bytes(sorted(set(range(256)) - set(_BRACKETS)))


def _shallow(content: bytes) -> bool:
    """Whether the nesting is surely within bounds: its brackets, innermost first, are soon gone.

    Brackets in texts may hide that, and then the answer is no.
    """
    left = content.translate(None, _OTHERS)
    for _ in range(MAX_DEPTH // 2):  # each round takes up to two levels away
        if not left:
            return True
        left = left.replace(b"{}", b"").replace(b"[]", b"")
    return not left


_NESTED = frozenset((dict, list))


def _refuse_deep(value: Any) -> None:
    """Raise `SenderError` for nesting that no form has."""
    level = [value]
    for _ in range(MAX_DEPTH):
        inner = [item for one in level if one.__class__ is dict for item in one.values()]
        inner += [item for one in level if one.__class__ is list for item in one]
        level = [item for item in inner if item.__class__ in _NESTED]
        if not level:
            return
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
