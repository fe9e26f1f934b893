"""A table as plain Python source, as fast as written by hand.

Every text of the table passes through `repr`, and only the shapes below are ever written, so
nothing a mapping's author writes can become code. What the source does is what `interpret`
does; on any exception the caller asks `interpret` for the place.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import NamedTuple

from gateway.mapping.bad import Bad
from gateway.mapping.ids import BETWEEN, part
from gateway.mapping.interpret import VERSION
from gateway.mapping.lookup import MAX_REPEAT, Keys, Lookup
from gateway.mapping.nodes import (
    Constant,
    Listed,
    Made,
    Member,
    Node,
    Object,
    Plan,
    Slot,
    Source,
    Value,
    When,
    values_of,
)
from gateway.mapping.writer import Place, Scene, Writer, guard, leading
from gateway.record import Record

Compiled = Callable[..., list[Record]]
"""Called with a source object, and the record id where it is known already."""

Bind = Callable[..., Compiled]
"""Called with the layouts of each level and what makes a new one; gives the reading function."""

Levels = Mapping[Slot | None, Keys]


Usual = Mapping[Slot | None, tuple[str, ...]]
"""For some levels, the keys that most objects have. No two of them fill one line."""


def compile_plan(plan: Plan, levels: Levels, usual: Usual = MappingProxyType({})) -> Bind:
    """What makes the function that reads one source object.

    It raises anything at all where the source object is at fault. Objects with exactly the
    `usual` keys are read quicker than others.
    """
    writer = Writer()
    writer.names |= {"Bad": Bad, "P": part}
    writer.names |= {"D": date.fromisoformat, "T": datetime.fromisoformat}
    numbers = {level: str(n) for n, level in enumerate(levels)}
    writer.line(0, f"def bind({', '.join(f'L{n}, R{n}' for n in numbers.values())}):")
    writer.line(1, "def read(s, b=None):")
    _picked(writer, 2, _Picking("s", "x0", numbers[None], "None"), levels[None], usual.get(None))
    root = Scene(writer, 2, "x0", levels[None])
    place = Place(2, root, root)
    _base(writer, place, plan)
    for level, number in numbers.items():
        if level is not None:
            _items(writer, place, level, number, levels[level], usual.get(level))
    repeats = {level: (f"m{number}", levels[level]) for level, number in numbers.items() if level}
    writer.line(2, "out = []")
    for made in plan.made:
        _Record(writer, place, repeats).write(made)
    root.close()
    writer.line(2, "return out")
    writer.line(1, "return read")
    source = "\n".join(writer.lines)
    exec(compile(source, f"<mapping {plan.digest}>", "exec"), writer.names)  # noqa: S102 - see above
    bind: Bind = writer.names["bind"]
    return bind


def bound(bind: Bind, lookups: Mapping[Slot | None, Lookup]) -> Compiled:
    """The reading function for one payload."""
    return bind(*[part for one in lookups.values() for part in (one.layouts, one.layout)])


class _Picking(NamedTuple):
    """Names of variables: the object, its scene, its level's layouts; and the record id."""

    source: str
    scene: str
    number: str
    record_id: str


def _picked(
    writer: Writer, depth: int, names: _Picking, keys: Keys, usual: tuple[str, ...] | None
) -> None:
    """Write what makes a scene of an object."""
    source, scene, number, record_id = names
    if usual is not None:
        held = {keys.line(key): key for key in usual}
        values = [
            f"{source}[{held[slot]!r}]" if slot in held else "N" if slot in keys.told else "None"
            for slot in keys.slots
        ]
        # A list is made and compared quicker than a tuple is hashed and found.
        expected = writer.bind("U", list(usual))
        writer.line(depth, f"if [*{source}] == {expected}:")
        writer.line(depth + 1, f"{scene} = ({', '.join([*values, record_id, 'None'])})")
        writer.line(depth, "else:")
        depth += 1
    for text in (
        f"w = [*{source}.values(), {record_id}, N, None]",
        f"k = tuple({source})",
        f"g = L{number}.get(k)",
        f"if g is None: g = R{number}(k)",
        f"{scene} = g(w)",
    ):
        writer.line(depth, text)


def _base(writer: Writer, place: Place, plan: Plan) -> None:
    made, authority = plan.made[0], plan.authority + "/"
    writer.line(2, "if b is None:")
    if made.every:
        parts = [f"P({place.read(source)})" for source in made.ids]
        writer.line(3, f"b = {authority!r} + {f' + {BETWEEN!r} + '.join(parts)}")
        return
    for n, source in enumerate(made.ids):
        test = place.answered(source)
        writer.line(3, f"{'elif' if n else 'if'} {test}: b = {place.read(source)}")
    writer.line(3, f"b = b.removeprefix({made.without!r})")
    writer.line(3, "if not b: raise Bad('mapping.no_id')")
    writer.line(3, f"b = {authority!r} + b")


def _items(
    writer: Writer,
    place: Place,
    level: Slot,
    number: str,
    keys: Keys,
    usual: tuple[str, ...] | None,
) -> None:
    source = Source(level, parent=False)
    writer.line(2, f"m{number} = []")
    writer.line(2, f"if {place.answered(source)}:")
    writer.line(3, f"t = {place.read(source)}")
    writer.line(3, "if isinstance(t, dict): t = (t,)")
    writer.line(3, "elif not isinstance(t, list): raise Bad('source.not_repeat')")
    writer.line(3, f"if len(t) > {MAX_REPEAT}: raise Bad('source.repeat_too_long')")
    writer.line(3, "i = 0")
    writer.line(3, "for q in t:")
    writer.line(4, "i += 1")
    _picked(writer, 4, _Picking("q", "n", number, "f'{b}.{i}'"), keys, usual)
    writer.line(4, f"m{number}.append(n)")


class _Record:
    """Writes the lines that make one record type."""

    def __init__(
        self, writer: Writer, root: Place, repeats: Mapping[Slot, tuple[str, Keys]]
    ) -> None:
        self.writer = writer
        self.root = root
        self.repeats = repeats

    def write(self, made: Made) -> None:
        if made.each is None:
            self._body(made, self.root, "b")
        else:
            place = self._loop(self.root, made.each.slot)
            self._body(made, place, place.scene.record_id)
            place.scene.close()

    def _body(self, made: Made, place: Place, record_id: str) -> None:
        writer, depth = self.writer, place.depth
        head = f"'record_type': {made.record_type!r}, 'schema_version': {VERSION!r}"
        told = any(value.missing.reasons for value, _ in values_of(made.body, None))
        if told:
            writer.line(depth, "z = {}")
        writer.line(depth, f"r = {{{head}, 'record_id': {record_id}}}")
        for name, node in made.body.fields.items():
            self._node(place, node, f"r[{name!r}] = {{}}")
        if told:
            writer.line(depth, "if z: z = {k: z[k] for k in z if k not in r}")
            writer.line(depth, "if z: r['absent'] = z")
        writer.line(depth, "out.append(r)")

    def _loop(self, place: Place, repeat: Slot) -> Place:
        """Begin a walk over the items of a repeat. Its scene must be closed."""
        items, keys = self.repeats[repeat]
        name = self.writer.fresh("x")
        self.writer.line(place.depth, f"for {name} in {items}:")
        depth = place.depth + 1
        return Place(depth, Scene(self.writer, depth, name, keys), place.root)

    def _node(self, place: Place, node: Node, store: str) -> None:
        """Write what computes `node` and puts it where `store` says (`r['x'] = {}`)."""
        if isinstance(node, Value):
            self._value(place, node, store)
        elif isinstance(node, Constant):
            place = self._when(place, node.when)
            self.writer.line(place.depth, store.format(repr(node.value)))
        elif isinstance(node, Member):
            self._member(place, node, store)
        elif isinstance(node, Object):
            self._object(place, node, store)
        elif isinstance(node, Listed):
            name = self.writer.fresh("a")
            self.writer.line(place.depth, f"{name} = []")
            for item in node.items:
                self._node(place, item, f"{name}.append({{}})")
            self.writer.line(place.depth, f"if {name}: {store.format(name)}")
        else:
            name = self.writer.fresh("a")
            self.writer.line(place.depth, f"{name} = []")
            inner = self._loop(place, node.each.slot)
            self._node(inner, node.item, f"{name}.append({{}})")
            self.writer.line(inner.depth, "pass")
            inner.scene.close()
            self.writer.line(place.depth, f"if {name}: {store.format(name)}")

    def _object(self, place: Place, node: Object, store: str) -> None:
        writer, name = self.writer, self.writer.fresh("o")
        test = guard(node, place)
        if test:
            writer.line(place.depth, f"if {test}:")
            place = place.deeper()
        fixed, rest = leading(node)
        writer.line(place.depth, f"{name} = {fixed!r}")
        for key, child in rest.items():
            self._node(place, child, f"{name}[{key!r}] = {{}}")
        if node.needs is not None and node.needs not in fixed:
            writer.line(place.depth, f"if {node.needs!r} in {name}: {store.format(name)}")
        elif fixed:
            writer.line(place.depth, store.format(name))
        else:
            writer.line(place.depth, f"if {name}: {store.format(name)}")

    def _member(self, place: Place, node: Member, store: str) -> None:
        if node.each is None:
            record_id = place.scene.record_id
            place = self._when(place, node.when)
            self.writer.line(place.depth, store.format(record_id))
            return
        loop = self._loop(place, node.each.slot)
        record_id = loop.scene.record_id
        inner = self._when(loop, node.when)
        self.writer.line(inner.depth, store.format(record_id))
        self.writer.line(inner.depth, "break")
        loop.scene.close()

    def _when(self, place: Place, when: When | None) -> Place:
        if when is None:
            return place
        value = place.read(when.source)
        if all(one.__class__ is str for one in when.values):
            self.writer.line(place.depth, f"if {value} in {when.values!r}:")
        else:
            pairs = self.writer.bind("W", when.pairs)
            self.writer.line(place.depth, f"if ({value}.__class__, {value}) in {pairs}:")
        return place.deeper()

    def _value(self, place: Place, node: Value, store: str) -> None:
        place = self._when(place, node.when)
        line, depth = self.writer.line, place.depth
        value, test = self._source(place, node)
        line(depth, f"if {test}:")
        _convert(self.writer, depth + 1, node, value, store)
        if node.missing.reasons:
            # The first of the sources that says why there is no value.
            why = self.writer.bind("Y", node.missing.reason)
            said = " or ".join(f"{why}({place.read(source)})" for source in node.sources)
            line(depth, "else:")
            line(depth + 1, f"y = {said}")
            line(depth + 1, f"if y is not None: z.setdefault({node.top!r}, y)")

    def _source(self, place: Place, node: Value) -> tuple[str, str]:
        """The variable that holds the value, and the test whether it is an answer."""
        holds = self.writer.bind("H", node.missing.holds) if node.missing.texts else ""

        def test(source: Source) -> str:
            missing = f" and not {holds}({place.read(source)})" if holds else ""
            return place.answered(source) + missing

        first, *others = node.sources
        if not others:
            return place.read(first), test(first)
        line = self.writer.line
        line(place.depth, f"v = {place.read(first)} if {test(first)} else None")
        for source in others:
            line(place.depth, f"w = {place.read(source)} if {test(source)} else None")
            line(place.depth, "if v is None: v = w")
            line(place.depth, "elif w is not None and w != v: raise Bad('mapping.ambiguous')")
        return "v", "v is not None"


def _convert(writer: Writer, depth: int, node: Value, value: str, store: str) -> None:
    converter = node.converter
    if converter.inline == "text":
        writer.line(depth, f"if {value}.__class__ is not str: raise Bad('value.not_text')")
        writer.line(depth, store.format(value))
        return
    convert = writer.bind("C", converter.forward)
    if converter.inline == "date":
        # With hyphens in these two places, `fromisoformat` reads nothing but `YYYY-MM-DD`.
        writer.line(depth, f"if {value}[4::3] != '--': {convert}({value})")
        writer.line(depth, f"D({value})")
        writer.line(depth, store.format(value))
        return
    if converter.inline == "utc":
        writer.line(depth, f"if len({value}) == 19 and {value}[4::3] == '--T::':")
        writer.line(depth + 1, f"T({value})")
        writer.line(depth + 1, f"u = {value} + 'Z'")
        writer.line(depth, f"else: u = {convert}({value})")
    elif converter.quick:
        quick = writer.bind("K", converter.quick)
        writer.line(depth, f"u = {quick}.get({value})")
        writer.line(depth, f"if u is None: u = {convert}({value})")
    else:
        writer.line(depth, f"u = {convert}({value})")
    kept = store.format("u")
    writer.line(depth, f"if u is not None: {kept}" if converter.may_drop else kept)
