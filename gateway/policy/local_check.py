"""The shape of an operator's own policy, looked at before it is loaded.

It has two things to say: `objections`, a set of objects with `rule` and `fix`, and `narrow`, an
object of record type to field to form. Everything else is a helper. Package, imports, `with` and
what may be read of `data` are checked in `portable`; that what is said cannot widen anything is
the work of `policies/exchange/local.rego` and `minimize.rego`, whatever passes here.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.policy.faults import PolicyError
from gateway.policy.portable import Finding, dotted, line_of, nodes, syntax

RULE = re.compile(r"local(\.[a-z0-9_]+)+")
FIX_LENGTH = 500

OBJECTS = {"Object", "ObjectCompr"}
OPEN = {"Var", "RefDot", "RefBrack", "Call"}
"""Written elsewhere: what it is shows when the rule is evaluated."""


def misshapen(files: Mapping[str, str]) -> list[Finding]:
    """Everything in the files that says an entry point in another shape, in order.

    A file that is no Rego is left to `portable.findings`.
    """
    found: list[Finding] = []
    needs: dict[str, set[str]] = {}
    ways: dict[str, tuple[str, int]] = {}
    for name, text in sorted(files.items()):
        try:
            rules = syntax(name, text)["rules"]
        except PolicyError:
            continue
        problems = {problem for rule in rules for problem in _of_rule(rule)}
        problems |= {problem for rule in rules for problem in _otherwise(rule, ways)}
        found += [Finding(f"{name}:{line}", problem) for line, problem in sorted(problems)]
        for rule in rules:
            needs.setdefault(_named(rule), set()).update(_needed(rule))
    first = f"{min(files, default='')}:1"
    found += [
        Finding(first, f"the rule {name} needs itself")
        for name in sorted(needs)
        if _reaches(name, name, needs)
    ]
    return found


def _head(rule: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    [(kind, node)] = rule.items()
    if kind == "Default":
        return kind, node
    [(kind, head)] = node["head"].items()
    return kind, head


def _named(rule: dict[str, Any]) -> str:
    return dotted(_head(rule)[1]["refr"]).split(".")[0]


def _otherwise(rule: dict[str, Any], ways: dict[str, tuple[str, int]]) -> Iterator[tuple[int, str]]:
    """One name is one thing: a set, an object in parts, a value, or a function of so many."""
    kind, head = _head(rule)
    name, depth = _named(rule), _depth(head["refr"])
    if kind == "Default":
        if f"default {name}" in ways:
            yield _line(head), f"a second default of {name}"
        ways[f"default {name}"] = (kind, 0)
        kind = "Func" if head["args"] else "Compr"
    way = (kind if depth == 0 else "in parts", len(head.get("args") or ()))
    if ways.setdefault(name, way) != way:
        yield _line(head), f"{name} is written in two ways that exclude each other"


def _of_rule(rule: dict[str, Any]) -> Iterator[tuple[int, str]]:
    name = _named(rule)
    if name == "objections":
        yield from _of_objections(rule)
    elif name == "narrow":
        yield from _of_narrow(rule)


def _of_objections(rule: dict[str, Any]) -> Iterator[tuple[int, str]]:
    kind, head = _head(rule)
    line = _line(head)
    if kind != "Set":
        # OPA looks into a set that is written out, and loads no policy over an empty one.
        yield line, "objections must be a set: `objections contains {...}`"
        return
    for problem in _of_objection(head["key"]):
        yield line, problem


def _of_objection(item: dict[str, Any]) -> Iterator[str]:
    [(kind, node)] = item.items()
    if kind != "Object":
        if kind not in OPEN:
            yield "an objection must be an object with rule and fix"
        return
    texts = dict(_pairs(node))
    if sorted(texts) != ["fix", "rule"]:
        yield "an objection has rule and fix, and nothing else"
        return
    rule, fix = texts["rule"], texts["fix"]
    if not _perhaps(rule, RULE.fullmatch):
        yield "the rule of an objection must begin with `local.`"
    if not _perhaps(fix, lambda text: 0 < len(text) <= FIX_LENGTH):
        yield "the fix of an objection must be one plain sentence"


def _of_narrow(rule: dict[str, Any]) -> Iterator[tuple[int, str]]:
    kind, head = _head(rule)
    line = _line(head)
    values = _values(rule)
    depth = _depth(head["refr"])
    if kind not in ("Compr", "Default") or not values or depth > 2:
        yield line, "narrow must be an object: `narrow := {...}`"
        return
    for value in values:
        if not _formed(value, depth):
            yield line, "narrow must be record type to field to form"


def _formed(value: dict[str, Any], depth: int) -> bool:
    """Whether a value may stand `depth` keys below narrow: objects down to the form, a text."""
    [(kind, node)] = value.items()
    if kind in OPEN:
        return True
    if depth == 2:
        return kind in ("String", "RawString")
    if kind not in OBJECTS:
        return False
    inner = [node["value"]] if kind == "ObjectCompr" else [item[2] for item in node["fields"]]
    return all(_formed(one, depth + 1) for one in inner)


def _values(rule: dict[str, Any]) -> list[dict[str, Any]]:
    """What a complete rule may be: its value, and that of each `else`."""
    [(kind, node)] = rule.items()
    if kind == "Default":
        return [node["value"]]
    _, head = _head(rule)
    said = [head.get("assign"), *(body["assign"] for body in node["bodies"])]
    return [one["value"] for one in said if one]


def _pairs(node: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for _, key, value in node["fields"]:
        yield str(key.get("String", {}).get("value", "")), value


def _perhaps(value: dict[str, Any], fits: Any) -> bool:
    """False only for a text that is written down and does not fit, or for no text at all."""
    [(kind, node)] = value.items()
    if kind in ("String", "RawString"):
        return bool(fits(node["value"]))
    return kind in OPEN


def _depth(reference: dict[str, Any]) -> int:
    depth = 0
    while "Var" not in reference:
        [(_, node)] = reference.items()
        reference, depth = node["refr"], depth + 1
    return depth


def _line(head: dict[str, Any]) -> int:
    return line_of(head) if "span" in head else line_of(next(iter(head["refr"].values())))


def _needed(rule: dict[str, Any]) -> set[str]:
    """Names of this package that a rule may need: more than it does, for locals are among them."""
    [(_, node)] = rule.items()
    head = _head(rule)[1]
    own = {id(inner) for _, inner in nodes([head["refr"]])}
    found = set()
    for kind, inner in nodes([node]):
        if kind == "Var" and id(inner) not in own:
            found.add(str(inner["value"]))
        elif kind == "RefDot" and dotted(inner["refr"]) == "data.local":
            found.add(str(inner["field"][1]))
    return found


def _reaches(name: str, goal: str, needs: Mapping[str, set[str]]) -> bool:
    seen: set[str] = set()
    waiting = set(needs[name])
    while waiting:
        one = waiting.pop()
        if one == goal:
            return True
        if one not in seen:
            seen.add(one)
            waiting |= needs.get(one, set())
    return False
