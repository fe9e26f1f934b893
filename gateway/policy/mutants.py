"""Small changes to a policy, each of which a test must notice.

Made from the engine's syntax tree and applied to the text, so that a survivor is shown as
the line an officer can read. Nothing here runs anything.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import regorus

from gateway.errors import OfficerError

OPPOSITE = {"==": "!=", "!=": "==", "<": "<=", "<=": "<", ">": ">=", ">=": ">"}
COMPARISON = re.compile(r"[=!<>]=|[<>]")
ARITHMETIC = {"|": "&", "&": "|", "-": "+", "+": "-"}
CALLS = {"min": "max", "max": "min"}
UNBINDING = ("AssignExpr",)
"""Statements that give a name its value: to deny one says nothing."""

Node = dict[str, Any]
Edit = tuple[int, int, str, str]
"""Start, end, the new text, and the change in words."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change to one file."""

    file: str
    """Name in the bundle, such as `exchange/basis.rego` or `taxonomy/bases.json`."""
    place: str
    """A line of a policy, a path in a table."""
    change: str
    source: str
    """The line as it stands, so that a listed mutant is found again when lines move."""
    text: str
    """The whole file with the change; of a table, the canonical JSON of all tables."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What names it in `mutants.json`."""
        return self.file, self.source, self.change


def of_policy(name: str, text: str) -> list[Mutant]:
    """Every mutant of one file, in the order of its lines."""
    written = text.encode()
    found: dict[bytes, tuple[int, Edit]] = {}
    for edit in _edits(_parsed(name, text), written):
        start, end, new, _ = edit
        changed = written[:start] + new.encode() + written[end:]
        if changed != written:
            found.setdefault(changed, (written.count(b"\n", 0, start) + 1, edit))
    lines = text.split("\n")
    mutants = [
        Mutant(name, str(line), edit[3], lines[line - 1].strip(), changed.decode())
        for changed, (line, edit) in found.items()
    ]
    return sorted(mutants, key=lambda mutant: int(mutant.place))


def _parsed(name: str, text: str) -> Node:
    engine = regorus.Engine()
    try:
        engine.add_policy(name, text)
    except RuntimeError:
        raise OfficerError("does not parse", rule="policy.not_rego", at=name) from None
    tree: Node = json.loads(engine.get_ast_as_json())[0]["ast"]
    return tree


def _edits(tree: Node, text: bytes) -> Iterator[Edit]:
    for rule in tree["rules"]:
        [(kind, node)] = rule.items()
        if kind == "Default":
            yield from _of_default(node, text)
        else:
            yield from _of_rule(node, text)
        names = Counter(_variables(node))
        for inner, found in _nodes(node):
            # What gives names to the rest cannot go alone: no engine would load what is left.
            if inner == "stmts" and _needed(found, names):
                continue
            yield from _of_node(inner, found, text)


def _of_default(node: Node, text: bytes) -> Iterator[Edit]:
    start, end = _extent(node, text)
    yield start, end, "", f"default of {_shown(node['refr'], text)} removed"


def _of_rule(node: Node, text: bytes) -> Iterator[Edit]:
    [head] = node["head"].values()
    name = _shown(head["refr"], text)
    if not node["bodies"]:
        _, end = _extent(node, text)
        yield end, end, " if false", f"a definition of {name} removed"
    for body in node["bodies"]:
        # Denied and not cut out: a function that is gone is an error, not a change.
        query = body["query"]
        first, last = query["stmts"][0], query["stmts"][-1]
        start, end = _extent(first, text)[0], _extent(last, text)[1]
        braced = text[query["span"]["start"] : query["span"]["start"] + 1] == b"{"
        whole = text[start:end].decode()
        new = f"false; {whole}" if braced else f"{{ false; {whole} }}"
        yield start, end, new, f"a definition of {name} removed"


def _of_node(kind: str, node: Node, text: bytes) -> Iterator[Edit]:
    if kind == "BoolExpr":
        yield from _swapped(node, text, COMPARISON, OPPOSITE)
    elif kind in ("BinExpr", "ArithExpr"):
        yield from _swapped(node, text, re.compile(r"[-|&+]"), ARITHMETIC)
    elif kind == "stmts":
        yield from _of_statement(node, text)
    elif kind in ("SomeIn", "Every"):
        domain = node["collection" if kind == "SomeIn" else "domain"]
        start, end = _extent(domain, text)
        yield start, end, "[]", f"{kind_words(kind)} over nothing"
    elif kind == "Call" and (name := _shown(node["fcn"], text)) in CALLS:
        start, end = _extent(node["fcn"], text)
        yield start, end, CALLS[name], f"{name} -> {CALLS[name]}"
    else:
        yield from _of_constant(kind, node, text)


def kind_words(kind: str) -> str:
    """The word of the language for a node."""
    return "every" if kind == "Every" else "some"


def _of_statement(node: Node, text: bytes) -> Iterator[Edit]:
    [(kind, literal)] = node["literal"].items()
    start, end = _extent(node, text)
    shown = " ".join(text[start:end].decode().split())
    if kind == "NotExpr":
        inner, _ = _extent(literal["expr"], text)
        yield start, inner, "", "not removed"
    elif kind == "Expr" and next(iter(literal["expr"])) not in UNBINDING:
        yield start, start, "not ", "not added"
    yield start, end, "true", f"dropped: {shown}"


def _of_constant(kind: str, node: Node, text: bytes) -> Iterator[Edit]:
    span = node.get("span", {})
    if kind in ("String", "RawString"):
        end = span["end"]
        yield end, end, "~", f'"{node["value"]}" -> "{node["value"]}~"'
    elif kind == "Number":
        value = int(node["value"])
        for other in (value + 1, value - 1):
            if other >= 0:
                yield span["start"], span["end"], str(other), f"{value} -> {other}"
    elif kind == "Bool":
        old, new = ("true", "false") if node["value"] else ("false", "true")
        yield span["start"], span["end"], new, f"{old} -> {new}"


def _swapped(
    node: Node, text: bytes, operator: re.Pattern[str], table: dict[str, str]
) -> Iterator[Edit]:
    left, right = _extent(node["lhs"], text)[1], _extent(node["rhs"], text)[0]
    found = operator.search(text[left:right].decode())
    if found and found[0] in table:
        new = table[found[0]]
        start = left + found.start()
        yield start, start + len(found[0]), new, f"{found[0]} -> {new}"


def _nodes(tree: Any) -> Iterator[tuple[str, Node]]:
    if isinstance(tree, list):
        for item in tree:
            yield from _nodes(item)
    elif isinstance(tree, dict):
        for kind, inner in tree.items():
            for node in inner if isinstance(inner, list) else [inner]:
                if isinstance(node, dict):
                    yield kind, node
            yield from _nodes(inner)


def _needed(statement: Node, names: Counter[str]) -> bool:
    """Whether a statement brings in a name that stands elsewhere in its rule."""
    [(kind, literal)] = statement["literal"].items()
    brought: list[Any] = []
    if kind == "SomeIn":
        brought = [literal["key"], literal["value"]]
    elif kind == "Expr" and "AssignExpr" in literal["expr"]:
        brought = [literal["expr"]["AssignExpr"]["lhs"]]
    own = Counter(_variables(statement))
    return any(names[name] > own[name] for name in _variables(brought))


def _variables(tree: Any) -> Iterator[str]:
    for kind, node in _nodes([tree]):
        if kind == "Var":
            yield str(node["value"])


def _extent(node: Node, text: bytes) -> tuple[int, int]:
    """From the first to the last byte of a node, quotes of its strings included.

    The engine's spans leave out a string's quotes, and begin some objects at their last key.
    """
    starts, ends = [], []
    for kind, inner in [*_alone(node), *_nodes(node)]:
        span = inner.get("span")
        if span is None:
            continue
        quoted = kind in ("String", "RawString")
        starts.append(span["start"] - quoted)
        ends.append(span["end"] + quoted)
    start, end = min(starts), max(ends)
    if next(iter(node)) == "Object" and text[start : start + 1] != b"{":
        start = text.rindex(b"{", 0, start)
    return start, end


def _alone(node: Node) -> list[tuple[str, Node]]:
    return [("", node)] if "span" in node else []


def _shown(node: Node, text: bytes) -> str:
    start, end = _extent(node, text)
    return text[start:end].decode()
