"""Flat objects as the bodies that Primero's API takes."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from adapters.flat.nested import nest
from adapters.primero.facts import CHILD_MODULE, DISCLOSURE, MODULE, is_hidden, is_transition
from adapters.primero.fields import SEPARATOR, split_of
from adapters.primero.plan import CONSENT, KIND, SELF
from gateway.mapping import Plan
from gateway.mapping.nodes import values_of

_WHOLE = frozenset(("integer", "number"))
_NUMBER = re.compile("-?[0-9]{1,10}")
"""Primero's numbers have 32 bits. Others stay text, for the server to refuse."""

_MANY = frozenset(("list", "codes"))
_TRUTH = {"true": True, "false": False}
_DESTROY = "/_destroy"
"""In an item of a subform: that it is to be deleted. Whatever line wrote it, it is no text."""


class Body:
    """Types and nests what a mapping wrote."""

    def __init__(self, plan: Plan) -> None:
        self._split = split_of(plan) or ""
        found: dict[str, str] = {}
        for made in plan.made:
            for value, _ in values_of(made.body, made.each.slot if made.each else None):
                for source in value.sources:
                    kind = value.converter.name
                    if found.setdefault(source.slot, kind) != kind:
                        found[source.slot] = ""  # two lines read it differently: it stays text
        self._whole = {slot: kind for slot, kind in found.items() if not slot.startswith("*/")}
        self._last = {slot[2:]: kind for slot, kind in found.items() if slot.startswith("*/")}

    def __call__(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of one record, nested.

        Never says that somebody agreed: consent that was refused or withdrawn is written, and
        no other. The module is written where the case is a child's; of any other it is not known.
        """
        flat = {key: value for key, value in fields.items() if key not in (CONSENT, KIND, SELF)}
        for item in fields.get(SELF, ())[:1]:
            flat = {**item, **flat}
        found = nest(self._typed(flat))
        if isinstance(found.get(self._split), dict):
            found[self._split] = [found[self._split]]
        if fields.get(CONSENT) in ("refused", "withdrawn"):
            found.setdefault(DISCLOSURE, False)
        if fields.get(KIND) == "child" and not is_transition(flat):
            found.setdefault(MODULE, CHILD_MODULE)
        return found

    def _typed(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self._each(fields))

    def _each(self, fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for key, value in fields.items():
            if isinstance(value, list):
                yield key, [self._typed(item) for item in value]
            elif not is_hidden(value):
                # Asterisks would take the place of what they hide.
                yield key, self._one(key, value)

    def _one(self, key: str, value: Any) -> Any:
        kind = self._whole.get(key) or self._last.get(key.rsplit("/", 1)[-1])
        if not value or not isinstance(value, str):
            return value
        if kind == "boolean" or key.endswith(_DESTROY):
            return _TRUTH.get(value, value)
        if kind in _WHOLE and _NUMBER.fullmatch(value):
            return int(value)
        return value.split(SEPARATOR) if kind in _MANY else value
