"""A table as plain Python source, as fast as written by hand.

Every text of the table passes through `repr`, and only the shapes below are ever written, so
nothing a mapping's author writes can become code. What the source does is what `interpret`
does; on any exception the caller asks `interpret` for the place.
"""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.mapping.convert import Bad
from gateway.mapping.interpret import VERSION, Lookups
from gateway.mapping.nodes import (
    Constant,
    Each,
    Listed,
    Made,
    Member,
    Node,
    Object,
    Plan,
    Slot,
    Value,
    When,
)
from gateway.record import Record

Compiled = Callable[[Any], list[Record]]


class _Writer:
    """Lines of source, and the objects they refer to by name."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"Bad": Bad}
        self._count = 0

    def line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def fresh(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"

    def loop(self, depth: int, repeat: str) -> str:
        """Begin a walk over a repeat; the name of its item, which no other walk has."""
        scene = self.fresh("n")
        self.line(depth, f"for i{scene}, {scene} in enumerate({repeat}, 1):")
        return scene

    def bind(self, letter: str, value: Any) -> str:
        name = self.fresh(letter)
        self.names[name] = value
        return name


def compile_plan(plan: Plan, lookups: Lookups) -> Compiled:
    """The function that reads one source object. Raises anything at all where it is at fault."""
    writer = _Writer()
    writer.line(0, "def read(s):")
    _scene(writer, 1, lookups[None], "s", "n0")
    _base(writer, plan)
    repeats: dict[Slot, str] = {}
    for level, lookup in lookups.items():
        if level is None:
            continue
        repeats[level] = name = writer.fresh("m")
        writer.line(1, f"{name} = []")
        writer.line(1, f"t = n0.get({level!r})")
        writer.line(1, "if t is not None:")
        writer.line(2, "if t.__class__ is not list: raise Bad('source.not_repeat')")
        writer.line(2, "for q in t:")
        _scene(writer, 3, lookup, "q", "n")
        writer.line(3, f"{name}.append(n)")
    writer.line(1, "out = []")
    for made in plan.made:
        _record(writer, made, repeats)
    writer.line(1, "return out")
    source = "\n".join(writer.lines)
    exec(compile(source, f"<mapping {plan.digest}>", "exec"), writer.names)  # noqa: S102 - see above
    read: Compiled = writer.names["read"]
    return read


def _scene(writer: _Writer, depth: int, lookup: Any, source: str, scene: str) -> None:
    known = writer.bind("L", lookup.known)
    met = writer.bind("M", lookup.met.update)
    resolve = writer.bind("R", lookup.resolve)
    for text in (
        f"{scene} = {{}}",
        f"{met}({source})",
        f"for k, v in {source}.items():",
        f"    t = {known}.get(k)",
        f"    if t is None: t = {resolve}(k)",
        "    if t and v is not None and v != '':",
        f"        if t in {scene} and {scene}[t] != v: raise Bad('mapping.ambiguous')",
        f"        {scene}[t] = v",
    ):
        writer.line(depth, text)


def _base(writer: _Writer, plan: Plan) -> None:
    made = plan.made[0]
    for n, source in enumerate(made.ids):
        writer.line(1, f"{'if b is None: ' if n else ''}b = n0.get({source.slot!r})")
    writer.line(1, f"b = b.removeprefix({made.without!r})")
    writer.line(1, "if not b: raise Bad('mapping.no_id')")
    writer.line(1, f"b = {plan.authority + '/'!r} + b")


def _record(writer: _Writer, made: Made, repeats: Mapping[Slot, str]) -> None:
    depth, scene, record_id = 1, "n0", "b"
    if made.each:
        scene = writer.loop(1, repeats[made.each.slot])
        depth, record_id = 2, _record_id(scene)
    head = f"'record_type': {made.record_type!r}, 'schema_version': {VERSION!r}"
    writer.line(depth, f"r = {{{head}, 'record_id': {record_id}}}")
    for name, node in made.body.fields.items():
        _node(writer, depth, node, f"r[{name!r}] = {{}}", scene, repeats)
    writer.line(depth, "out.append(r)")


def _node(
    writer: _Writer, depth: int, node: Node, store: str, scene: str, repeats: Mapping[Slot, str]
) -> None:
    """Write the lines that compute `node` and put it where `store` says (`r['x'] = {}`)."""
    if isinstance(node, Value):
        _value(writer, depth, node, store, scene)
    elif isinstance(node, Constant):
        depth = _when(writer, depth, node.when, scene)
        writer.line(depth, store.format(repr(node.value)))
    elif isinstance(node, Member):
        _member(writer, depth, node, store, scene, repeats)
    elif isinstance(node, Object):
        name = writer.fresh("o")
        writer.line(depth, f"{name} = {{}}")
        for key, child in node.fields.items():
            _node(writer, depth, child, f"{name}[{key!r}] = {{}}", scene, repeats)
        test = name if node.needs is None else f"{node.needs!r} in {name}"
        writer.line(depth, f"if {test}: {store.format(name)}")
    elif isinstance(node, Listed):
        name = writer.fresh("a")
        writer.line(depth, f"{name} = []")
        for item in node.items:
            _node(writer, depth, item, f"{name}.append({{}})", scene, repeats)
        writer.line(depth, f"if {name}: {store.format(name)}")
    else:
        _each(writer, depth, node, store, repeats)


def _each(writer: _Writer, depth: int, node: Each, store: str, repeats: Mapping[Slot, str]) -> None:
    name = writer.fresh("a")
    writer.line(depth, f"{name} = []")
    scene = writer.loop(depth, repeats[node.each.slot])
    _node(writer, depth + 1, node.item, f"{name}.append({{}})", scene, repeats)
    writer.line(depth, f"if {name}: {store.format(name)}")


def _member(
    writer: _Writer, depth: int, node: Member, store: str, scene: str, repeats: Mapping[Slot, str]
) -> None:
    if node.each is None:
        depth = _when(writer, depth, node.when, scene)
        writer.line(depth, store.format(_record_id(scene)))
        return
    scene = writer.loop(depth, repeats[node.each.slot])
    depth = _when(writer, depth + 1, node.when, scene)
    writer.line(depth, store.format(_record_id(scene)))
    writer.line(depth, "break")


def _record_id(scene: str) -> str:
    return f"f'{{b}}.{{i{scene}}}'"


def _value(writer: _Writer, depth: int, node: Value, store: str, scene: str) -> None:
    depth = _when(writer, depth, node.when, scene)
    for n, source in enumerate(node.sources):
        read = f"{'n0' if source.parent else scene}.get({source.slot!r})"
        if n == 0:
            writer.line(depth, f"v = {read}")
        else:
            writer.line(depth, f"w = {read}")
            writer.line(depth, "if v is None: v = w")
            writer.line(depth, "elif w is not None and w != v: raise Bad('mapping.ambiguous')")
    test = "v is not None" + (f" and v not in {node.missing!r}" if node.missing else "")
    writer.line(depth, f"if {test}:")
    if node.converter.name == "text":
        writer.line(depth + 1, "if v.__class__ is not str: raise Bad('value.not_text')")
        writer.line(depth + 1, store.format("v"))
        return
    convert = writer.bind("C", node.converter.forward)
    if node.converter.may_drop:
        writer.line(depth + 1, f"v = {convert}(v)")
        writer.line(depth + 1, f"if v is not None: {store.format('v')}")
    else:
        writer.line(depth + 1, store.format(f"{convert}(v)"))


def _when(writer: _Writer, depth: int, when: When | None, scene: str) -> int:
    if when is None:
        return depth
    read = f"{'n0' if when.source.parent else scene}.get({when.source.slot!r})"
    writer.line(depth, f"if {read} in {when.values!r}:")
    return depth + 1
