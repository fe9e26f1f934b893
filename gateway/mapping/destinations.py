"""Where a mapping writes each canonical leaf, for the lineage of what was written."""

from collections.abc import Iterator, Mapping

from gateway.mapping.nodes import Constant, Each, Listed, Member, Node, Object, Plan


def destinations(plan: Plan) -> Mapping[str, str]:
    """Canonical leaf path to the source path it is written to, or to what stands for it.

    A constant is written nowhere, and a member's id is its place in the repeat: lineage says so.
    """
    return {**dict(_given(plan)), **plan.targets()}


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
