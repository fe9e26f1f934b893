"""Numbers and shapes for systems that type their answers.

A mapping says what an answer is read as; so it also says what the answer was. A question that
two lines read differently, or that a condition compares, stays text.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from gateway.mapping import Plan
from gateway.mapping.bad import Bad
from gateway.mapping.convert import Converter
from gateway.mapping.nodes import Constant, Each, Listed, Member, Node, Object, Value

NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
"""JSON's numbers without an exponent: others would come back with other digits."""

NUMBERS = frozenset(("integer", "decimal", "number"))
SHAPES = frozenset(("point", "geometry"))
SEVERAL = frozenset(("list", "codes"))
_BOOLEANS = {"true": True, "false": False}


class Typed:
    """Types the answers of flat submissions. With `shapes`, points become GeoJSON objects.

    With `booleans`, true and false are JSON's; with `between`, a text of several answers is the
    list of the parts between it.
    """

    def __init__(
        self, plan: Plan, *, shapes: bool, booleans: bool = False, between: str = ""
    ) -> None:
        kinds = NUMBERS | (SHAPES if shapes else frozenset())
        kinds |= frozenset(("boolean",)) if booleans else frozenset()
        kinds |= SEVERAL if between else frozenset()
        self._between = between
        found: dict[str, Converter | None] = {}
        for slot, converter in uses(plan):
            same = found.setdefault(slot, converter)
            if same is None or converter is None or same.name != converter.name:
                found[slot] = None
        typed = {slot: one for slot, one in found.items() if one and one.name in kinds}
        self._whole = {slot: one for slot, one in typed.items() if not slot.startswith("*/")}
        self._last = {slot[2:]: one for slot, one in typed.items() if slot.startswith("*/")}

    def __call__(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The same answers, typed."""
        return {key: self._typed(key, value) for key, value in fields.items()}

    def _typed(self, key: str, value: Any) -> Any:
        if isinstance(value, list):
            return [self(item) for item in value]
        converter = self._whole.get(key) or self._last.get(key.rsplit("/", 1)[-1])
        if converter is None or not isinstance(value, str) or not value:
            return value
        if converter.name in SHAPES:
            return _shape(converter, value)
        if converter.name == "boolean":
            return _BOOLEANS.get(value, value)
        if converter.name in SEVERAL:
            return value.split(self._between)
        if not NUMBER.fullmatch(value) or value == "-0":
            return value
        # Not a float: its digits are not the digits somebody wrote.
        return orjson.Fragment(value)


def _shape(converter: Converter, value: str) -> Any:
    try:
        return converter.forward(value)
    except Bad:
        return value  # The text that gives a reason why there is none.


def uses(plan: Plan) -> Iterator[tuple[str, Converter | None]]:
    """Each source path of the table with the converter that reads it, or None."""
    for made in plan.made:
        yield from ((source.slot, None) for source in made.ids)
        yield from _node(made.body)


def _node(node: Node) -> Iterator[tuple[str, Converter | None]]:
    if isinstance(node, Value | Constant | Member) and node.when:
        yield node.when.source.slot, None
    if isinstance(node, Value):
        yield from ((source.slot, node.converter) for source in node.sources)
    elif isinstance(node, Each):
        yield from _node(node.item)
    elif isinstance(node, Object):
        for child in node.fields.values():
            yield from _node(child)
    elif isinstance(node, Listed):
        for child in node.items:
            yield from _node(child)
