"""Documents of one system: objects of a payload as flat ones, other documents, bodies of requests.

For formats whose every object is nested JSON and is taken by the server one a request.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, BinaryIO, Protocol

import orjson

from adapters.flat.back import Back
from adapters.flat.reading import Found, shown
from gateway.errors import SenderError
from gateway.record import Reading
from gateway.source.objects import Unfold, objects

Nested = Callable[[Mapping[str, Any]], dict[str, Any]]
"""From a flat object to the system's own."""


class Flattened(Protocol):
    """From the system's object to a flat one. What is no object stays for the mapping to refuse."""

    def __call__(self, value: Any, *, at: str) -> Any:
        """Raises `SenderError` for an object that is known and no record, or is deleted."""


@dataclass(frozen=True, slots=True)
class Other:
    """A kind of document that holds no records, told by the members it has."""

    members: frozenset[str]
    problem: str
    rule: str


def others(form: str, *kinds: tuple[str, str, str]) -> tuple[Other, ...]:
    """Of each kind the members, with spaces between, what it is, and its rule after `form`."""
    return tuple(
        Other(frozenset(members.split()), problem, f"{form}.{rule}")
        for members, problem, rule in kinds
    )


def refuse(document: Mapping[str, Any], kinds: Iterable[Other], *, at: str = "") -> None:
    """Raise `SenderError` for the first kind whose members a document has."""
    for kind in kinds:
        if kind.members <= document.keys():
            raise SenderError(kind.problem, rule=kind.rule, at=at)


def note(reading: Reading, document: Mapping[str, Any], known: frozenset[str]) -> None:
    """List as unmapped what else an envelope says."""
    said = {key for key, value in document.items() if value is not None}
    reading.unmapped.update(map(shown, said - known))


def flat_objects(
    content: BinaryIO, unfold: Unfold, flattened: Flattened, *, called: str
) -> Iterator[Found]:
    """Every object of a payload, flat. `called` is what errors call one that has no line."""
    for number, found in enumerate(objects(content, unfold, exact=True), 1):
        at = found.at or f"{called} {number}"
        if found.twice:
            # A name without its groups: which path it belongs to cannot be told.
            raise SenderError("a key stands twice in one object", rule="json.key_twice", at=at)
        yield Found(flattened(found.value, at=at), (), at)


def once(pairs: Iterable[tuple[str, Any]], fields: dict[str, Any], *, at: str) -> None:
    """Add paths to a flat object. Raises `SenderError` where one is there with another value."""
    for key, value in pairs:
        if fields.setdefault(key, value) != value:
            raise SenderError("a path stands twice", rule="json.key_twice", at=at)


def no_empty_lists(fields: Any) -> Any:
    """A flat object in which a list of nothing is a question left open, as null is."""
    if not isinstance(fields, dict):
        return fields
    return {
        key: [*map(no_empty_lists, value)] or None if isinstance(value, list) else value
        for key, value in fields.items()
    }


def ordered(items: Iterable[Mapping[str, Any]], path: str) -> Iterator[tuple[str, Any]]:
    """Each member of each item by position: `path/member`, then `path#2/member` and so on."""
    for number, item in enumerate(items, 1):
        own = path if number == 1 else f"{path}#{number}"
        yield from ((f"{own}/{key}", value) for key, value in item.items())


def bodies(back: Back, nested: Nested, again: Flattened) -> Iterator[bytes]:
    """One object a line, each read `again` to find what it lost."""
    between = b""
    for fields in back:
        line = orjson.dumps(nested(fields))
        back.compare(fields, again(json.loads(line, parse_float=Decimal), at="written"))
        yield between + line
        between = b"\n"
