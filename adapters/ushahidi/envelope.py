"""Taking Ushahidi's JSON apart into posts, and posts into flat objects."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, BinaryIO

from adapters.flat.reading import Found, shown
from adapters.ushahidi import wkt
from adapters.ushahidi.slots import Slots
from gateway.errors import SenderError
from gateway.mapping import Plan
from gateway.record import Reading
from gateway.source.objects import objects

BETWEEN = "\n"
"""Between several values of one field: names of choices have blanks and commas in them."""

VALUES, CONTENT = "values", "post_content"
NUMBERS = frozenset({"id", "parent_id", "form_id", "form/id", "user_id", "user/id"})
"""The server counts posts, surveys and users, so no leading zero is lost in a number."""

PAGE = frozenset(
    {"count", "results", "limit", "offset", "order", "orderby", "curr", "prev", "total_count"}
)
"""Keys of a page that need no mention. `next` does: the payload is not all there is."""

_OTHERS: tuple[tuple[frozenset[str], str, str], ...] = (
    (frozenset({"shared_secret"}), "settings of a webhook, not a post", "webhook_settings"),
    (frozenset({"event_type", "entity_type"}), "settings of a webhook", "webhook_settings"),
    (frozenset({"message", "direction"}), "a message, not a post", "message"),
    (frozenset({"features"}), "GeoJSON, which the geojson adapter reads", "geojson"),
    (frozenset({"geometry", "properties"}), "GeoJSON, which geojson reads", "geojson"),
    (frozenset({"errors"}), "an answer of the server, not a post", "error"),
    (frozenset({"error"}), "an answer of the server, not a post", "error"),
)
_POINT = frozenset({"lat", "lon"})
_DEGREES = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,20})?")
"""A coordinate as text: the server takes it as well as a number."""


def posts(content: BinaryIO, plan: Plan, reading: Reading) -> Iterator[Found]:
    """Every post, flat. Raises `SenderError` for other JSON."""
    flat = Flat(Slots(plan))
    for found in objects(content, Unfold(reading), exact=True):
        if found.twice:
            raise SenderError(
                "a key stands twice in one object", rule="json.key_twice", at=found.at
            )
        yield Found(flat(found.value, found.at), (), found.at)


class Unfold:
    """From a document to its posts. Tells `reading` what else stands in the document."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def __call__(self, document: Any) -> Iterator[Any]:
        """The posts of one document."""
        if isinstance(document, list):
            yield from map(_post, document)
        elif isinstance(document, dict) and isinstance(document.get("results"), list):
            said = {key for key, value in document.items() if value is not None}
            self._reading.unmapped.update(map(shown, said - PAGE))
            yield from map(_post, document["results"])
        elif isinstance(document, dict) and isinstance(document.get("result"), dict):
            yield _post(document["result"])
        else:
            yield _post(document)


def _post(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        if VALUES in value or CONTENT in value:
            return value
        for keys, problem, rule in _OTHERS:
            if keys <= value.keys():
                raise SenderError(problem, rule=f"ushahidi.{rule}")
    raise SenderError("no post of Ushahidi", rule="ushahidi.not_a_post")


class Flat:
    """A post as one flat object."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots

    def __call__(self, post: Mapping[str, Any], at: str) -> dict[str, Any]:
        """Raises `SenderError` for a point that is none, and for a field that stands twice."""
        fields: dict[str, Any] = {}
        for key, value in self._post(post, at):
            if key in fields:
                raise SenderError("a field stands twice", rule="ushahidi.twice", at=_place(at, key))
            fields[key] = value
        return fields

    def _post(self, post: Mapping[str, Any], at: str) -> Iterator[tuple[str, Any]]:
        for key, value in post.items():
            if key == CONTENT and isinstance(value, list):
                for stage in value:
                    yield from self._stage(stage, at)
            elif key != VALUES or value:  # PHP writes no values as an empty list
                yield from self._value(value, key, at)

    def _stage(self, stage: Any, at: str) -> Iterator[tuple[str, Any]]:
        listed = stage.get("fields") if isinstance(stage, dict) else None
        if not isinstance(listed, list):
            raise SenderError("not a stage of a post", rule="ushahidi.stage", at=at)
        for field in listed:
            name = _name(field) if isinstance(field, dict) else None
            if name is None:
                raise SenderError("a field without a key", rule="ushahidi.field", at=at)
            path = f"{CONTENT}/{name}"
            holder = field.get("value")
            if not isinstance(holder, dict):
                yield from self._value(holder, path, at)
                continue
            yield from self._value(holder.get("value"), path, at)
            for key, value in holder.items():
                if key != "value":
                    yield from self._value(value, f"{path}/{key}", at)

    def _value(self, value: Any, path: str, at: str) -> Iterator[tuple[str, Any]]:
        if isinstance(value, list):
            yield from self._several([one for one in value if one is not None], path, at)
        elif isinstance(value, dict) and value and value.keys() <= _POINT:
            yield path, _point(value, path, at)
        elif isinstance(value, dict):
            for key, inner in value.items():
                yield from self._value(inner, f"{path}/{key}", at)
        elif isinstance(value, str) and self._slots.shape(path):
            yield path, wkt.geojson(value) or value
        elif path in NUMBERS and isinstance(value, int) and not isinstance(value, bool):
            yield path, str(value)
        else:
            yield path, value

    def _several(self, values: list[Any], path: str, at: str) -> Iterator[tuple[str, Any]]:
        plain = not any(isinstance(one, dict | list) for one in values)
        if not values:
            yield path, None
        elif plain and self._slots.several(path):
            yield path, _joined(values, path, at)
        elif plain and len(values) > 1 and not self._slots.shape(path):
            # Which of them is meant cannot be said: a mapping that reads one refuses the list.
            yield path, values
        elif self._slots.repeat(path) and all(isinstance(one, dict) for one in values):
            yield path, [self._item(one, path, at) for one in values]
        else:
            for number, one in enumerate(values, 1):
                yield from self._value(one, path if number == 1 else f"{path}#{number}", at)

    def _item(self, item: Mapping[str, Any], path: str, at: str) -> dict[str, Any]:
        return {
            key: inner
            for name, value in item.items()
            for key, inner in self._value(value, f"{path}/{name}", at)
        }


def _joined(values: list[Any], path: str, at: str) -> str:
    texts = [one if isinstance(one, str) else _written(one) for one in values]
    if any(BETWEEN in one for one in texts):
        raise SenderError(
            "a line break in one of several values",
            rule="ushahidi.line_break",
            at=_place(at, path),
        )
    return BETWEEN.join(texts)


def _name(field: Mapping[str, Any]) -> str | None:
    key, number = field.get("key"), field.get("id")
    if isinstance(key, str) and key and "/" not in key:
        return key
    if isinstance(number, int) and not isinstance(number, bool):
        return f"id-{number}"
    return None


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _point(value: Mapping[str, Any], path: str, at: str) -> dict[str, Any] | None:
    pair = [_degrees(value.get(key)) for key in ("lon", "lat")]
    if pair == [None, None]:
        return None
    if any(isinstance(one, bool) or not isinstance(one, int | Decimal) for one in pair):
        raise SenderError("not a point of Ushahidi", rule="ushahidi.point", at=_place(at, path))
    return {"type": "Point", "coordinates": pair}


def _degrees(value: Any) -> Any:
    known = isinstance(value, str) and _DEGREES.fullmatch(value)
    return Decimal(value) if known else value


def _place(at: str, path: str) -> str:
    return f"{at}, {shown(path)}" if at else shown(path)
