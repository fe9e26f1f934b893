"""What a server answers to objects that it is sent one a request.

An answer is about its one object. Where several were sent, their answers are lines, in order.
"""

import io
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from gateway.adapter import Outcome
from gateway.errors import SenderError
from gateway.source.objects import objects

_CODE = re.compile(r"(?=.{1,80}\Z)([A-Z][A-Z0-9_-]+|[a-z][A-Za-z0-9]*([._:-][A-Za-z0-9]+)*)")
_PATH = re.compile(r"(?=.{1,200}\Z)[a-z_][A-Za-z0-9_-]*(\[[0-9]+\]|[./][A-Za-z0-9_-]+)*")

Judge = Callable[[dict[str, Any], int | None], Iterable[Outcome]]
"""What one answer says of the object at a position, or of all of them."""


def one_by_one(answer: bytes, sent: int, judge: Judge) -> list[Outcome]:
    """The outcomes of `sent` objects. What is no JSON, such as a proxy's page, says nothing.

    One answer to several objects can refuse them all; it cannot accept one.
    """
    try:
        found = list(islice(objects(io.BytesIO(answer), lambda document: (document,)), sent + 1))
    except SenderError:
        return [Outcome(None, "unknown")]
    if any(one.twice for one in found):
        return [Outcome(None, "unknown")]
    if len(found) == sent:
        return [one for at, said in enumerate(found) for one in _judged(said.value, at, judge)]
    if len(found) == 1:
        refused = [one for one in _judged(found[0].value, None, judge) if one.state == "refused"]
        return refused or [Outcome(None, "unknown")]
    return [Outcome(None, "unknown")]


def _judged(value: Any, index: int | None, judge: Judge) -> Iterator[Outcome]:
    outcomes = list(judge(value, index)) if isinstance(value, dict) else []
    yield from outcomes or [Outcome(index, "unknown")]


def code(value: Any) -> str | None:
    """A code of the server, where it is surely one: a message may stand in its place."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else None


def path(value: Any) -> str | None:
    """A path of the server, where it is surely one."""
    return value if isinstance(value, str) and _PATH.fullmatch(value) else None
