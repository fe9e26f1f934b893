"""One form, from XML or JSON, as the flat keys a mapping names, and the case blocks in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.commcare.cases import (
    CASE_NS,
    Fields,
    answer,
    block_fields,
    prefixed,
    share,
)
from adapters.commcare.scope import Scope, shown
from gateway.errors import SenderError

ENVELOPE = ("metadata",)
"""Parts of what HQ puts around a form that are opened up. The rest keeps its key: the names of
attachments, for example, are anybody's words."""


def is_block(path: str, value: Mapping[str, Any]) -> bool:
    """Whether an object of a form is a case block."""
    return path.endswith("/case") and ("@case_id" in value or value.get("@xmlns") == CASE_NS)


@dataclass(slots=True)
class Form:
    """A form being taken apart."""

    scope: Scope
    at: str
    count: int = 0
    """Case blocks of the form before these."""
    fields: Fields = field(default_factory=dict, repr=False)
    blocks: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list, repr=False)
    """Place and content of every case block."""

    def read(self, document: Mapping[str, Any]) -> None:
        """A form as API v1 gives it. Raises `SenderError` for a mapped answer that stands in
        several items of a group the mapping does not know as a repeat."""
        for key, value in document.items():
            if key == "form" or key in ENVELOPE:
                self._walk(key, value, self.fields, many=False)
            else:
                self.fields["id" if key == "_id" else key] = answer(value)
        if not self.scope.cases and self.scope.names("id") and not self.fields.get("id"):
            self.fields["id"] = self.fields.get("form/meta/instanceID")
        if self.scope.blocks:
            share(self.fields, "case", self._items(), self.scope)

    @property
    def holds_answers(self) -> bool:
        """Whether there is anything in the form beside what every form has."""
        return any(
            key.startswith("form/") and not key.startswith(("form/@", "form/#", "form/meta/"))
            for key in self.fields
        )

    def cases(self) -> list[Fields]:
        """Every case block with the keys of a case."""
        return [
            block_fields(block, self.scope, at=f"{self.at}, case {number}")
            for number, (_, block) in enumerate(self.blocks, self.count + 1)
        ]

    def _items(self) -> list[Fields]:
        found = prefixed(self.cases(), "case")
        for item, (place, _) in zip(found, self.blocks, strict=True):
            item["case/@place"] = place
        return found

    def _walk(self, path: str, value: Any, into: Fields, *, many: bool) -> None:
        if into is self.fields and not self.scope.cases and self.scope.repeats_at(path):
            self._repeat(path, value, many=many)
        elif isinstance(value, dict) and value:
            self._object(path, value, into, many=many)
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            # A group of the form may have the name of the case blocks beside it.
            blocks = [one for one in value if isinstance(one, dict) and is_block(path, one)]
            others = len(value) - len(blocks)
            for item in value:
                alike = len(blocks) if isinstance(item, dict) and is_block(path, item) else others
                self._walk(path, item, into, many=many or alike > 1)
        else:
            self._put(path, answer("" if value == {} else value, path), into, many=many)

    def _object(self, path: str, value: Mapping[str, Any], into: Fields, *, many: bool) -> None:
        block = is_block(path, value)
        if block:
            self.blocks.append((path, value))
        for key, inner in value.items():
            name = path if key == "#text" else f"{path}/{key}"
            if not block or not (self.scope.blocks or self.scope.cases):
                self._walk(name, inner, into, many=many)
            elif not self.scope.cases:
                # Read as a case; under its place in the form only what a line names.
                self._named(name, inner, into, many=many)

    def _named(self, path: str, value: Any, into: Fields, *, many: bool) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                name = path if key == "#text" else f"{path}/{key}"
                self._named(name, inner, into, many=many)
        elif self.scope.names(path):
            self._put(path, answer(value, path), into, many=many)

    def _repeat(self, path: str, value: Any, *, many: bool) -> None:
        items = value if isinstance(value, list) else [value]
        found: list[Any] = []
        for item in items:
            inner: Fields = {}
            if isinstance(item, dict):
                self._object(path, item, inner, many=False)
            found.append(inner if isinstance(item, dict) or answer(item) == "" else item)
        if value is not None and answer(value) != "":
            self._put(path, found, self.fields, many=many)

    def _put(self, path: str, value: Any, into: Fields, *, many: bool) -> None:
        if many and not self.scope.cases and self.scope.names(path):
            raise SenderError(
                "a mapped question stands several times, and the mapping does not say it repeats",
                rule="commcare.repeated",
                at=f"{self.at}, {shown(path)}",
            )
        into.setdefault(path, value)
