"""Instances of a schema from a seed, and broken ones. For schemas as `frozen` makes them."""

import copy
import random
from collections.abc import Callable
from functools import cache
from re import _constants as code  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from gateway.record import Record

ODD = ["", " ", "x" * 200000, "\u00e9\U0001f600", "2026-01-01\n", "\x1c", "\ufeff", "\u0663"]
OTHERS: list[Any] = [None, True, 0, -1, 1.5, 10**15, [], [[]], {}, {"a": 1}, *ODD]
COORDINATES = {
    "Point": lambda chance: position(chance),
    "MultiPoint": lambda chance: some(chance, position, 0),
    "LineString": lambda chance: some(chance, position, 2),
    "MultiLineString": lambda chance: [some(chance, position, 2)],
    "Polygon": lambda chance: [some(chance, position, 4)],
    "MultiPolygon": lambda chance: [[some(chance, position, 4)]],
}


def position(chance: random.Random) -> list[float]:
    numbers = [chance.uniform(-180, 180), chance.uniform(-90, 90), chance.uniform(-400, 9000)]
    return numbers[: chance.choice([2, 3])]


def some(chance: random.Random, make: Callable[[random.Random], Any], least: int) -> list[Any]:
    return [make(chance) for _ in range(chance.randint(least, least + 2))]


def instance(spec: Any, chance: random.Random, few: int = 6) -> Any:
    """One instance that follows the schema. `few` bounds the optional properties of an object."""
    if "const" in spec:
        return spec["const"]
    if "enum" in spec:
        return chance.choice(spec["enum"])
    if "coordinates" in spec.get("properties", ()):
        kinds = spec["properties"]["type"]
        kind = kinds["const"] if "const" in kinds else chance.choice(kinds["enum"])
        return {"type": kind, "coordinates": COORDINATES[kind](chance)}
    kind = spec["type"]
    if kind == "boolean":
        return chance.random() < 0.5
    if kind == "integer":
        return chance.randint(spec["minimum"], spec["maximum"])
    if kind == "array":
        return some(chance, lambda more: instance(spec["items"], more, few), 0)
    if kind == "object":
        return _object(spec, chance, few)
    return _text(spec, chance)


def _object(spec: Any, chance: random.Random, few: int) -> Any:
    properties = spec.get("properties")
    if properties is None:
        inner = spec.get("additionalProperties", {"type": "boolean"})
        return {f"key_{n}": instance(inner, chance) for n in range(chance.randint(0, 2))}
    optional = sorted(properties.keys() - set(spec.get("required", ())))
    named = [*spec.get("required", ()), *chance.sample(optional, min(few, len(optional)))]
    return {name: instance(properties[name], chance, few) for name in named}


def _text(spec: Any, chance: random.Random) -> str:
    if "pattern" in spec:
        return _matching(_parsed(spec["pattern"]), chance)
    size = chance.randint(spec.get("minLength", 0), min(spec.get("maxLength", 12), 12))
    return "".join(chance.choice("abcéŷ \n'=+٣\U0001f600") for _ in range(size))


@cache
def _parsed(pattern: str) -> Any:
    return parser.parse(pattern)


def _matching(nodes: Any, chance: random.Random) -> str:
    """A text that a parsed pattern matches: literals, sets, repeats, groups and branches."""
    out = ""
    for kind, said in nodes:
        if kind is code.LITERAL:
            out += chr(said)
        elif kind is code.IN:
            out += _one_of(said, chance)
        elif kind is code.NOT_LITERAL:
            out += chance.choice([c for c in "abc" if ord(c) != said])
        elif kind in (code.MAX_REPEAT, code.MIN_REPEAT):
            least, most, inner = said
            times = chance.randint(least, min(most, least + 3))
            out += "".join(_matching(inner, chance) for _ in range(times))
        elif kind is code.SUBPATTERN:
            out += _matching(said[3], chance)
        elif kind is code.BRANCH:
            out += _matching(chance.choice(said[1]), chance)
        elif kind is not code.AT:
            raise AssertionError(f"a pattern with {kind}")
    return out


def _one_of(said: Any, chance: random.Random) -> str:
    if said[0][0] is code.NEGATE:
        return chance.choice("abcé%_\x1c\u200b\U0001f600")
    kind, value = chance.choice(said)
    if kind is code.CATEGORY:  # `\S`, in the first version only
        return chance.choice("abcé%_")
    return chr(value) if kind is code.LITERAL else chr(chance.randint(*value))


def broken(whole: Record, chance: random.Random) -> Record:
    """A copy with one thing changed somewhere. It is not always wrong."""
    whole = copy.deepcopy(whole)
    holder: Any = whole
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = chance.choice(keys)
        inner = holder[key]
        if not isinstance(inner, dict | list) or not inner or chance.random() < 0.2:
            break
        holder = inner
    change = chance.random()
    if change < 0.15 and isinstance(holder, dict):
        del holder[key]
    elif change < 0.3 and isinstance(holder, dict):
        holder[chance.choice(["more", "Name", "x-", "", "a\n"])] = holder[key]
    elif change < 0.6 and isinstance(inner, str):
        holder[key] = _spoilt(inner, chance)
    elif change < 0.7 and isinstance(inner, int):
        holder[key] = chance.choice(
            [-inner - 1, inner + 10**13, float(inner), inner + 0.5, str(inner)]
        )
    else:
        holder[key] = copy.deepcopy(chance.choice(OTHERS))
    return whole


def _spoilt(text: str, chance: random.Random) -> str:
    place = chance.randint(0, len(text))
    mark = chance.choice(
        ["\n", " ", "\t", "\x0b", "\x1c", "\x85", "\u00a0", "\u2028", "\ufeff", "\u0663", "/", "Z"]
    )
    return chance.choice(
        [
            text + mark,
            mark + text,
            text[:place] + mark + text[place:],
            text[:-1],
            text * 40,
            text.upper(),
        ]
    )
