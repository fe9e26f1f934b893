"""The file around the activities: which version it is, and what it is where it is none."""

import re
from collections.abc import Iterator
from typing import BinaryIO

from adapters.iati.grammar import shape
from adapters.iati.node import Node, broken, check_attributes, node_of, shown
from gateway.errors import SenderError
from gateway.source.markup import Element, Markup, at, local, namespace

_READ = re.compile(r"2\.0[0-9]")
_NO_NUMBER = re.compile(r"[A-Za-z]+")

_OTHERS = {
    "iati-organisations": ("a file of organisations, not of activities", "iati.organisations"),
    "iati-activity": ("an activity without the file that says its version", "iati.version"),
}
ROOT = "iati-activities"


def activities(content: BinaryIO, unmapped: set[str]) -> Iterator[tuple[Node, bool]]:
    """Every activity, and whether its codes are those of IATI's lists.

    Raises `SenderError` for what is no file of activities of IATI 2. What the file says for
    itself goes into `unmapped`.
    """
    document = Markup(content)
    root = document.root
    strict = _strict(root)
    head = Node(ROOT, {str(key): str(value) for key, value in root.attrib.items()}, at=at(root))
    check_attributes(head, shape(ROOT))
    head.taken.add("version")
    unmapped.update(head.left())
    count = 0
    after = False
    for item in document.items():
        if namespace(item):
            unmapped.add(f"{ROOT}/{shown(local(item))}")
            after = True
            continue
        if local(item) != "iati-activity":
            raise broken("not an element of IATI 2", "iati.element", head, "?")
        if after:
            raise SenderError("elements out of order", rule="iati.order", at=at(item))
        count += 1
        yield node_of(item, "iati-activity"), strict
    if not count:
        raise broken("an element is missing", "iati.required", head, "iati-activity")


def _strict(root: Element) -> bool:
    name = local(root)
    if namespace(root) or name not in (ROOT, *_OTHERS):
        raise SenderError("not a file of IATI activities", rule="iati.not_iati", at=at(root))
    if name in _OTHERS:
        problem, rule = _OTHERS[name]
        raise SenderError(problem, rule=rule, at=at(root))
    version = root.get("version", "").strip()
    if not (_READ.fullmatch(version) or _NO_NUMBER.fullmatch(version)):
        raise SenderError("a version that is not read", rule="iati.version", at=at(root))
    return _READ.fullmatch(version) is not None
