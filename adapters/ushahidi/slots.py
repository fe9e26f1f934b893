"""What a mapping reads as a list, and what as a shape or a repeat: only it knows."""

from adapters.flat.nested import Repeats
from gateway.mapping import Plan
from gateway.mapping.nodes import Value, values_of


class Slots:
    """Source paths of a plan by what is read from them."""

    def __init__(self, plan: Plan) -> None:
        found = [
            (source.slot, value)
            for made in plan.made
            for value, _ in values_of(made.body, None)
            for source in value.sources
        ]
        self._several = frozenset(slot for slot, value in found if value.converter.many)
        self._repeats = Repeats(plan)
        self._shapes = frozenset(slot for slot, value in found if _is_shape(value))

    def several(self, key: str) -> bool:
        """Whether a field is read as a list."""
        return key in self._several or f"*/{key.rpartition('/')[2]}" in self._several

    def repeat(self, key: str) -> bool:
        """Whether the items of a field are read one by one."""
        return key in self._repeats

    def shape(self, key: str) -> bool:
        """Whether a field is read as a line or an area."""
        return key in self._shapes or f"*/{key.rpartition('/')[2]}" in self._shapes


def _is_shape(value: Value) -> bool:
    return value.converter.name == "geometry"
