"""Cases and the cases that point to them, put together while a file is read.

A file is walked twice: once to count who points to whom, once to read. A case is passed on as
soon as all its children were met, so that only what stands out of order is held.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from adapters.commcare.cases import Fields, prefixed, share
from adapters.commcare.found import Found
from adapters.commcare.scope import Scope
from gateway.errors import SenderError
from gateway.marks import Marks, mark

_NAMES = {"case_id": "case_id", "temporary_id": "temporary_id"} | {
    "properties/external_id": "external_id"
}


def _names(fields: Fields) -> list[str]:
    """What an index may call this case."""
    return [f"{kind} {fields[key]}" for key, kind in _NAMES.items() if _text(fields.get(key))]


def _targets(fields: Fields) -> list[str]:
    """What the indices of this case call other cases."""
    own = _names(fields)
    found = []
    for key, value in fields.items():
        if key.startswith("indices/") and _text(value):
            target = f"{key.rsplit('/', 1)[-1]} {value}"
            if target not in own:
                found.append(target)
    return found


def _text(value: object) -> bool:
    return isinstance(value, str) and value != ""


class Census:
    """Every case of a file by its marks: who is there, who points where, who stands twice."""

    def __init__(self) -> None:
        self._there = Marks()
        self._children: dict[int, int] = {}
        self._twice: set[int] = set()

    def add(self, fields: Fields) -> None:
        """Count a case. One that stands there again is the same child of the same parent."""
        again = False
        for name in _names(fields):
            if name.startswith("case_id ") and name in self._there:
                self._twice.add(mark(name))
                again = True
            self._there.add(name)
        for target in () if again else _targets(fields):
            self._children[mark(target)] = self._children.get(mark(target), 0) + 1

    def twice(self, fields: Fields) -> bool:
        """Whether this case stands in the file more than once."""
        return mark(f"case_id {fields.get('case_id')}") in self._twice

    def parent(self, fields: Fields) -> str:
        """What this case calls the first case of the file it points to; empty for none."""
        return next((target for target in _targets(fields) if target in self._there), "")

    def children(self, name: str) -> int:
        """How many cases point to one, by one of its names."""
        return self._children.get(mark(name), 0)


@dataclass(slots=True)
class _Root:
    """A case that points to no other of the file, and what it waits for."""

    found: Found
    names: list[str]
    expected: int
    children: list[Fields] = field(default_factory=list, repr=False)


class Family:
    """Cases waiting for their children, and children for the case they point to."""

    def __init__(self, census: Census, scope: Scope) -> None:
        self._census = census
        self._scope = scope
        self._roots: dict[int, _Root] = {}
        self._named: dict[str, list[int]] = {}
        self._waiting: dict[str, list[Found]] = {}
        self._no_root: set[str] = set()
        self._count = 0
        self._said: dict[int, int] = {}
        """Of cases that stand in the file more than once, what was said first."""
        self.homeless = False
        """Somebody stands below a child: a repeat has no repeats, so there is no place."""
        self.repeated = False
        """A case stands there again, exactly alike, and was left out."""

    def take(self, found: Found) -> Iterator[Found]:
        """Pass on what is complete with this case.

        Raises `SenderError` for a case that stands there again and is not alike.
        """
        if self._census.twice(found.fields) and self._again(found):
            self.repeated = True
            return
        parent = self._census.parent(found.fields)
        names = [name for name in _names(found.fields) if self._census.children(name)]
        if not parent:
            yield from self._root(found, names)
            return
        self._no_root.update(names)
        self.homeless |= any([self._waiting.pop(name, None) for name in names])
        if parent in self._named:
            yield from self._attach(self._named[parent][0], found)
        elif parent in self._no_root:
            self.homeless = True
        else:
            self._waiting.setdefault(parent, []).append(found)

    def rest(self) -> Iterator[Found]:
        """Pass on what is still held, when the file has ended."""
        for number in list(self._roots):
            yield self._whole(number)
        self.homeless |= bool(self._waiting)

    def _again(self, found: Found) -> bool:
        said = mark(repr(sorted(found.fields.items(), key=lambda pair: pair[0])))
        case = mark(str(found.fields["case_id"]))
        if case not in self._said:
            self._said[case] = said
            return False
        if self._said[case] != said:
            raise SenderError(
                "one case twice, and not alike", rule="commcare.case_twice", at=found.at
            )
        return True

    def _root(self, found: Found, names: list[str]) -> Iterator[Found]:
        expected = sum(map(self._census.children, names))
        if not expected:
            yield found
            return
        self._count += 1
        number = self._count
        self._roots[number] = _Root(found, names, expected)
        for name in names:
            self._named.setdefault(name, []).append(number)
        for child in [one for name in names for one in self._waiting.pop(name, ())]:
            yield from self._attach(number, child)

    def _attach(self, number: int, child: Found) -> Iterator[Found]:
        if number not in self._roots:
            self.homeless = True
            return
        root = self._roots[number]
        root.children.append(child.fields)
        if len(root.children) == root.expected:
            yield self._whole(number)

    def _whole(self, number: int) -> Found:
        root = self._roots.pop(number)
        for name in root.names:
            self._named[name].remove(number)
            if not self._named[name]:
                del self._named[name]
        if root.children:
            items = prefixed(root.children, "child_cases")
            share(root.found.fields, "child_cases", items, self._scope)
        return root.found
