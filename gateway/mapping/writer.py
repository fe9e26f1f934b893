"""Lines of Python source, and the objects they refer to by name."""

from typing import Any

from gateway.mapping.lookup import NOT_THERE, Keys
from gateway.mapping.nodes import Constant, Node, Object, Slot, Source, Value


class Writer:
    """Source under construction. Every text of a table passes through `repr` on its way here."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"N": NOT_THERE}
        self._count = 0

    def line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def fresh(self, letter: str) -> str:
        """A name that nothing else has."""
        self._count += 1
        return f"{letter}{self._count}"

    def bind(self, letter: str, value: Any) -> str:
        """A new name for an object that the source needs."""
        name = self.fresh(letter)
        self.names[name] = value
        return name

    def place(self) -> int:
        """Where lines can be put once it is known which names the lines after it use."""
        return len(self.lines)


class Scene:
    """The values of one source object, unpacked into a local variable for each line in use."""

    def __init__(self, writer: Writer, depth: int, name: str, keys: Keys) -> None:
        self.name = name
        self.keys = keys
        self._writer = writer
        self._depth = depth
        self._place = writer.place()
        self._used: set[int] = set()

    def value(self, slot: Slot) -> str:
        """The variable that holds a line's source value."""
        number = self.keys.numbers[slot]
        self._used.add(number)
        return f"{self.name}_{number}"

    @property
    def record_id(self) -> str:
        """The variable that holds the id of the record made from this item."""
        self._used.add(len(self.keys.slots))
        return f"{self.name}_{len(self.keys.slots)}"

    def close(self) -> None:
        """Write what unpacks the values that were asked for."""
        if not self._used:
            return
        count = len(self.keys.slots) + 2
        if len(self._used) > FEW:
            names = [f"{self.name}_{n}" if n in self._used else "_" for n in range(count)]
            lines = [f"{', '.join(names)} = {self.name}"]
        else:
            lines = [f"{self.name}_{n} = {self.name}[{n}]" for n in sorted(self._used)]
        indent = "    " * self._depth
        self._writer.lines[self._place : self._place] = [indent + line for line in lines]


FEW = 4
"""Up to here, taking single values out of a tuple is quicker than unpacking all of it."""


class Place:
    """Where the writing stands: depth, and the scenes in which sources are looked up."""

    def __init__(self, depth: int, scene: Scene, root: Scene) -> None:
        self.depth = depth
        self.scene = scene
        self.root = root

    def deeper(self, steps: int = 1) -> "Place":
        return Place(self.depth + steps, self.scene, self.root)

    def read(self, source: Source) -> str:
        """The variable that holds the value of a source."""
        return (self.root if source.parent else self.scene).value(source.slot)

    def told(self, source: Source) -> bool:
        """Whether a null is not the same as an absent key."""
        return source.slot in (self.root if source.parent else self.scene).keys.told

    def answered(self, source: Source) -> str:
        """The test whether a source holds an answer."""
        value = self.read(source)
        there = f" and {value} is not N" if self.told(source) else ""
        return f"({value} or ({value} is not None and {value} != ''{there}))"


def leading(node: Object) -> tuple[dict[str, Any], dict[str, Node]]:
    """The constants an object begins with, and the rest."""
    fixed: dict[str, Any] = {}
    rest = dict(node.fields)
    for name, child in node.fields.items():
        if not isinstance(child, Constant) or child.when:
            break
        fixed[name] = child.value
        del rest[name]
    return fixed, rest


def guard(node: Object, place: Place) -> str:
    """A test that is false only where nothing of the object can have a value; or none at all.

    Most objects of a table are empty for most records: one test instead of one for each line.
    """
    if isinstance(node.fields.get(node.needs or ""), Constant):
        return ""
    sources: list[Source] = []
    for child in node.fields.values():
        if isinstance(child, Value) and child.when is None:
            sources += child.sources
        elif not isinstance(child, Constant) or node.needs is None:
            return ""
    if len(sources) < 2 or any(place.told(source) for source in sources):
        return ""
    return " or ".join(f"{place.read(source)} is not None" for source in sources)
