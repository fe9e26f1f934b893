"""Where a mapping writes each canonical leaf, for the lineage of what was written."""

from collections.abc import Iterator, Mapping

from gateway.mapping.nodes import Constant, Each, Listed, Member, Node, Object, Plan, Value


def destinations(plan: Plan) -> Mapping[str, str]:
    """Canonical leaf path to the source path it is written to, or to what stands for it.

    A constant is written nowhere, and a member's id is its place in the repeat: lineage says so.
    """
    return {**dict(_given(plan)), **plan.targets()}


def slots_of(plan: Plan) -> Mapping[str, frozenset[str]]:
    """Canonical leaf path to every source path that may hold it; a list may have one an item."""
    found: dict[str, set[str]] = {}
    for made in plan.made:
        for name, node in made.body.fields.items():
            for path, slot in _slots(f"{made.record_type}.{name}", node):
                found.setdefault(path, set()).add(slot)
    return {path: frozenset(slots) for path, slots in found.items()}


def _slots(path: str, node: Node) -> Iterator[tuple[str, str]]:
    if isinstance(node, Value):
        path += "[]" if node.converter.many else ""
        yield from ((path, source.slot) for source in node.sources)
    elif isinstance(node, Object):
        for name, child in node.fields.items():
            yield from _slots(f"{path}.{name}", child)
    elif isinstance(node, Each):
        yield from _slots(f"{path}[]", node.item)
    elif isinstance(node, Listed):
        for child in node.items:
            yield from _slots(f"{path}[]", child)


def _given(plan: Plan) -> Iterator[tuple[str, str]]:
    for made in plan.made:
        level = made.each.slot if made.each else ""
        if made.each:
            yield f"{made.record_type}.record_id", level
        for name, node in made.body.fields.items():
            yield from _node(f"{made.record_type}.{name}", node, level)


def _node(path: str, node: Node, level: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, Constant):
        yield path, "constant"
    elif isinstance(node, Member):
        yield path, node.each.slot if node.each else level
    elif isinstance(node, Object):
        for name, child in node.fields.items():
            yield from _node(f"{path}.{name}", child, level)
    elif isinstance(node, Each):
        yield from _node(f"{path}[]", node.item, node.each.slot)
    elif isinstance(node, Listed):
        for child in node.items:
            yield from _node(f"{path}[]", child, level)
