"""Lists whose items say what they are: attributes, documents, data values.

    {"attributes": [{"attribute": "w75KJ2mc4zz", "value": "Amina"}]}

is `{"attributes/w75KJ2mc4zz": "Amina"}` to a mapping, and `{"documents": [{"type": "BIRTH", "no":
"007"}]}` is `{"documents/BIRTH/no": "007"}`. Position says nothing in such a list. A second item
of one kind stands under `BIRTH#2`, so that nothing is lost and nothing taken for the first.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.errors import SenderError

_NUMBERED = re.compile(r"(?P<kind>.+)#(?P<number>[2-9]|[1-9][0-9]+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Keyed:
    """How one list is keyed."""

    kind: str
    """The member that says what an item is. It may be an object with a `uuid` or `code`: say
    `attributeType/uuid`."""
    value: str | None = None
    """The member that is the whole of it, where there is one. The others stand below it."""


def spread(items: Any, path: str, how: Keyed, *, at: str) -> Iterator[tuple[str, Any]]:
    """Each member of each item with its path. Raises `SenderError` for an item of no kind."""
    if not isinstance(items, list):
        raise SenderError("not a list", rule="source.not_a_list", at=at)
    seen: dict[str, int] = {}
    for number, item in enumerate(items, 1):
        kind = _inside(item, how.kind)
        if not isinstance(kind, str) or not kind or "/" in kind or _NUMBERED.fullmatch(kind):
            raise SenderError(
                "an item does not say what it is", rule="source.no_kind", at=f"{at}, item {number}"
            )
        seen[kind] = seen.get(kind, 0) + 1
        own = f"{path}/{kind}" if seen[kind] == 1 else f"{path}/{kind}#{seen[kind]}"
        yield from _members(item, own, how)


def _members(item: Mapping[str, Any], own: str, how: Keyed) -> Iterator[tuple[str, Any]]:
    for key, value in item.items():
        if key == how.value:
            yield own, value
        elif key != how.kind.partition("/")[0]:
            yield f"{own}/{key}", value
        elif isinstance(value, dict):
            rest = {name: one for name, one in value.items() if f"{key}/{name}" != how.kind}
            yield from ((f"{own}/{key}/{name}", one) for name, one in rest.items())


def _inside(item: Any, path: str) -> Any:
    for step in path.split("/"):
        item = item.get(step) if isinstance(item, dict) else None
    return item


def gathered(fields: Mapping[str, Any], path: str, how: Keyed) -> list[dict[str, Any]]:
    """The list again, of every field below `path`, in the order of the fields."""
    items: dict[str, dict[str, Any]] = {}
    for key, value in fields.items():
        if not key.startswith(f"{path}/"):
            continue
        own, _, rest = key.removeprefix(f"{path}/").partition("/")
        item = items.setdefault(own, {})
        named = _NUMBERED.fullmatch(own)
        _put(item, how.kind, named["kind"] if named else own)
        if rest:
            _put(item, rest, value)
        elif how.value is not None:
            item[how.value] = value
        else:
            raise SenderError(
                "the mapping writes a path that is an item and its member",
                rule="mapping.not_written",
                at=path,
            )
    return list(items.values())


def _put(item: dict[str, Any], path: str, value: Any) -> None:
    *groups, name = path.split("/")
    for group in groups:
        item = item.setdefault(group, {})
        if not isinstance(item, dict):
            raise SenderError(
                "the mapping writes a path that is a question and a group", rule="mapping.both"
            )
    item[name] = value
