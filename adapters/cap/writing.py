"""A canonical alert to one `alert` element of CAP 1.2."""

from typing import Any

from adapters.cap.elements import ALERT, CAP_1_2, Item, places
from adapters.cap.rules import check, record_id
from adapters.leaf_names import NOTHING, changed, leaf_names
from gateway.errors import SenderError
from gateway.record import Record, Writing
from gateway.source import markup
from gateway.source.markup import Element

_NAMED_BY = {"alert.sender", "alert.identifier", "alert.sent"}
_CARRIED = frozenset(item.field for item in ALERT) | {"record_type", "record_id"}


class _MissingError(Exception):
    """An element that must be there cannot be written."""

    def __init__(self, element: str) -> None:
        super().__init__(element)
        self.element = element


def write_alert(alert: Record, number: int, authority: str | None, writing: Writing) -> Element:
    """The element. Raises `SenderError` where CAP requires what the record does not have."""
    at = f"alert {number}"
    written = _Written()
    try:
        element = written.object("alert", ALERT, alert, "")
    except _MissingError as missing:
        raise SenderError(
            "CAP requires an element for which the record has no value it can write",
            rule="cap.required",
            at=f"{at}, {missing.element}",
        ) from None
    check(alert, at=at)
    for field, value in alert.items():
        if field not in _CARRIED:
            written.lost.update(leaf_names("alert", field, value))
    written.names.add("alert.record_type")
    found_again = alert["record_id"] == record_id(alert, authority)
    same = found_again and written.lost.isdisjoint(_NAMED_BY)
    (written.names if same else written.lost).add("alert.record_id")
    known = places()
    writing.lineage.update({name: known[name] for name in sorted(written.names)})
    writing.unrendered |= written.lost
    return element


class _Written:
    """What became of the leaves of one alert."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.lost: set[str] = set()

    def object(
        self, name: str, items: tuple[Item, ...], body: dict[str, Any], above: str
    ) -> Element:
        """An element with the elements of a table in it."""
        element = markup.element(CAP_1_2, name)
        for item in items:
            content = body.get(item.field, [] if item.many else NOTHING)
            values = content if item.many else [content]
            made = [self._value(item, one, above) for one in values if one is not NOTHING]
            element.extend(child for child in made if child is not None)
            if CAP_1_2 in item.needed and not any(child is not None for child in made):
                if not item.empty:
                    raise _MissingError(item.element)
                element.append(markup.element(CAP_1_2, item.element))
        return element

    def _value(self, item: Item, value: Any, above: str) -> Element | None:
        leaf = item.leaf(above)
        try:
            if item.kind is None:
                return self._inside(item, value, leaf)
            text = item.kind.write(value)
            back = item.kind.read(text)
        except (ValueError, _MissingError):
            if item.whole:
                raise
            self.lost.update(leaf_names("alert", leaf, value))
            return None
        if back is None:
            self.lost.update(leaf_names("alert", leaf, value))
            return None
        element = markup.element(CAP_1_2, item.element, text)
        self.lost.update(changed("alert", leaf, value, back))
        self.names.update(leaf_names("alert", leaf, value))
        return element

    def _inside(self, item: Item, value: dict[str, Any], leaf: str) -> Element:
        inner = _Written()
        element = inner.object(item.element, item.inside, value, f"{leaf}.")
        self.names |= inner.names
        self.lost |= inner.lost
        return element
