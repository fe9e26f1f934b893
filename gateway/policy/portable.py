"""The Rego on which every engine agrees, and what a policy says outside it.

Engines differ silently on some builtins and spellings, so what is allowed is listed and all
else is a finding. Read from the syntax tree of the embedded engine, which is the stricter.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import regorus

from gateway.policy.faults import PolicyError

PLAIN = frozenset(
    [
        "abs",
        "ceil",
        "concat",
        "contains",
        "count",
        "endswith",
        "floor",
        "format_int",
        "indexof",
        "intersection",
        "is_array",
        "is_boolean",
        "is_null",
        "is_number",
        "is_object",
        "is_set",
        "is_string",
        "lower",
        "max",
        "min",
        "replace",
        "round",
        "sort",
        "split",
        "sprintf",
        "startswith",
        "substring",
        "sum",
        "to_number",
        "trim",
        "trim_left",
        "trim_prefix",
        "trim_right",
        "trim_space",
        "trim_suffix",
        "type_name",
        "union",
        "walk",
    ]
)
DOTTED = frozenset(
    [
        "array.concat",
        "array.reverse",
        "array.slice",
        "glob.match",
        "json.filter",
        "json.remove",
        "net.cidr_contains",
        "numbers.range",
        "object.filter",
        "object.get",
        "object.keys",
        "object.remove",
        "object.union",
        "object.union_n",
        "regex.match",
        "strings.any_prefix_match",
        "strings.any_suffix_match",
        "time.parse_duration_ns",
        "time.parse_rfc3339_ns",
        "units.parse_bytes",
    ]
)
CLASSES = re.compile(r"\\[wWdDsSbBpP]")
"""ASCII in one engine, Unicode in another."""

READABLE = ("taxonomy", "local")
"""Below `data`, what a policy of the bundle may read by path. A local policy that read
`exchange` could answer its own question."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One use of something outside the subset."""

    place: str
    """`file:line`."""
    problem: str


@dataclass(frozen=True, slots=True)
class _File:
    tree: dict[str, Any]
    text: bytes
    rules: frozenset[str]
    """Of the whole package, for a local name must differ from each."""
    imports: tuple[str, ...]

    @property
    def package(self) -> str:
        return dotted(self.tree["package"]["refr"])


def findings(files: Mapping[str, str], *, package: str | None = None) -> list[Finding]:
    """Everything in the files that is outside the subset, in order of name and line.

    Files of one package are read together: one calls what another defines. With `package`
    each must also be in it, and read nothing of `data` that it may not.
    """
    trees: dict[str, dict[str, Any]] = {}
    found: list[Finding] = []
    for name, text in files.items():
        try:
            trees[name] = syntax(name, text)
        except PolicyError as error:
            found.append(Finding(error.at, error.problem))
    rules: dict[str, set[str]] = {}
    for tree in trees.values():
        known = rules.setdefault(dotted(tree["package"]["refr"]), set())
        known.update(_rules(tree))
    for name, tree in sorted(trees.items()):
        own = frozenset(rules[dotted(tree["package"]["refr"])])
        imports = tuple(dotted(item["refr"]).rpartition(".")[2] for item in tree["imports"])
        file = _File(tree, files[name].encode(), own, imports)
        problems = {problem for node in nodes(tree["rules"]) for problem in _of_node(*node, file)}
        if package is not None:
            problems |= set(_out_of_place(file, package))
        found += [Finding(f"{name}:{line}", problem) for line, problem in sorted(problems)]
    return found


def _of_node(kind: str, node: dict[str, Any], file: _File) -> Iterator[tuple[int, str]]:
    if kind == "Call":
        yield from _call(node, file)
    elif kind == "Number" and not _source(node["span"], file).isdigit():
        yield line_of(node), "a number that is not whole"
    elif kind in ("String", "RawString") and CLASSES.search(node["value"]):
        yield line_of(node), "a character class that engines read differently"
    elif kind == "AssignExpr":
        yield from _assignment(node)
    elif kind == "with_mods" and not file.package.endswith("_test"):
        yield line_of(node), "`with` belongs in tests"
    for variable in _bound(kind, node, file):
        if variable in file.rules:
            yield line_of(node), f"the local name {variable} is also a rule"


def _call(node: dict[str, Any], file: _File) -> Iterator[tuple[int, str]]:
    name = dotted(node["fcn"])
    # A function of another package is reached by its path or through an import.
    if name in file.rules or name.partition(".")[0] in ("data", *file.imports):
        return
    if name not in PLAIN | DOTTED:
        yield line_of(node), f"the builtin {name} is outside the subset"
    if name == "regex.match" and next(iter(node["params"][0])) not in ("String", "RawString"):
        yield line_of(node), "a pattern that is not written down"


def _assignment(node: dict[str, Any]) -> Iterator[tuple[int, str]]:
    if node["op"] != "ColEq":
        yield line_of(node), "`=` instead of `:=` or `==`"
    right = node["rhs"].get("Call")
    if right is not None and dotted(right["fcn"]) == "walk":
        yield line_of(node), "walk on the right of an assignment"


def _bound(kind: str, node: dict[str, Any], file: _File) -> Iterator[str]:
    """Local names that a node brings in. `every` and `some x` give places, the rest expressions."""
    if kind == "AssignExpr":
        yield from _variables(node["lhs"])
    elif kind == "SomeIn":
        yield from _variables([node["key"], node["value"]])
    elif kind == "SomeVars":
        yield from (_source(span, file) for span in node["vars"])
    elif kind == "Every":
        yield from (_source(span, file) for span in (node["key"], node["value"]) if span)


def _out_of_place(file: _File, package: str) -> Iterator[tuple[int, str]]:
    if file.package != package:
        yield line_of(file.tree["package"]), f"a policy must be in package {package}"
    if file.tree["imports"]:
        yield line_of(file.tree["imports"][0]), "an import: write the path out"
    held = list(nodes(file.tree["rules"]))
    readable = {
        node["refr"]["Var"]["span"]["start"]
        for kind, node in held
        if kind == "RefDot" and "Var" in node["refr"] and node["field"][1] in READABLE
    }
    for kind, node in held:
        if kind == "Var" and node["value"] == "data" and node["span"]["start"] not in readable:
            yield line_of(node), "this part of data is not for this package"


def syntax(name: str, text: str) -> dict[str, Any]:
    """The syntax tree of one file. Raises `PolicyError` with file and line."""
    engine = regorus.Engine()
    try:
        engine.add_policy(name, text)
        tree: dict[str, Any] = json.loads(engine.get_ast_as_json())[0]["ast"]
    except Exception as error:
        line = re.search(rf"--> {re.escape(name)}:(\d+)", str(error))
        at = f"{name}:{line[1] if line else 1}"
        raise PolicyError("not Rego", rule="bundle.parse", at=at) from None
    return tree


def _rules(tree: dict[str, Any]) -> Iterator[str]:
    for rule in tree["rules"]:
        [(kind, node)] = rule.items()
        head = node if kind == "Default" else next(iter(node["head"].values()))
        yield dotted(head["refr"]).split(".")[0]


def nodes(tree: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every node of a tree, the outermost first, with its kind."""
    if isinstance(tree, list):
        for item in tree:
            yield from nodes(item)
    elif isinstance(tree, dict):
        for kind, inner in tree.items():
            for node in inner if isinstance(inner, list) else [inner]:
                if isinstance(node, dict):
                    yield kind, node
            yield from nodes(inner)


def dotted(node: dict[str, Any]) -> str:
    """The dotted name of a reference; empty when part of it is computed."""
    if "Var" in node:
        return str(node["Var"]["value"])
    if "RefDot" in node:
        return f"{dotted(node['RefDot']['refr'])}.{node['RefDot']['field'][1]}"
    if "RefBrack" in node:
        return dotted(node["RefBrack"]["refr"])
    return ""


def _variables(node: Any) -> Iterator[str]:
    for kind, inner in nodes([node]):
        if kind == "Var":
            yield str(inner["value"])


def _source(span: dict[str, int], file: _File) -> str:
    return file.text[span["start"] : span["end"]].decode()


def line_of(node: dict[str, Any]) -> int:
    """The line a node starts on."""
    return int(node["span"]["line"])
