"""Whether a schema still accepts what its published version accepts.

`schemas/published/<name>-<major>.json` is a schema as it was when its version was published:
shared parts in their places, no texts for people. Files are written once and never changed. The
current schema may accept more than they do, never less, and no field may change its meaning.

    python -m gateway.compatibility            # names every narrowing; exit 1 if there is one
    python -m gateway.compatibility --freeze   # publishes the schemas that have no file yet
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.record import RECORD_TYPES, SCHEMAS, load

Schema = Mapping[str, Any]
Narrowing = tuple[str, str]
"""Place (`identifier[].issuer`; empty for the document itself) and rule."""

PUBLISHED = SCHEMAS / "published"
NAMES = (*RECORD_TYPES, "party", "agreement", "entry", "receipt")
"""Schemas of documents that other people write or keep."""

RESPELLED = {
    # `\s` is not the same set of characters for every engine, so the set was written out.
    "^\\S+$": "pcode",
    "^[a-z0-9][a-z0-9.-]*/[^\\s/][^\\s]*$": "record_id",
}
"""Published pattern to the shared part whose pattern accepts the same texts. A test compares
them for every character."""

_TEXTS = {"$schema", "$id", "$defs", "title", "description", "x-version"}
_MEANINGS = (
    *("x-kind", "x-category", "x-family", "x-ref", "x-band-into"),
    *("x-admin", "x-admin-name", "x-admin-depth", "x-point", "x-precision"),
)
"""Another value, or one where there was none, is another meaning of the field."""
_NAMED = ("x-fact", "x-hxl", "x-count", "x-cell")
"""A leaf may get one; it never loses or changes it."""
_LOWEST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_HIGHEST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_COMPARED = {
    *("type", "const", "enum", "pattern", "required", "properties", "additionalProperties"),
    *("propertyNames", "items", "uniqueItems", *_LOWEST, *_HIGHEST),
}


def frozen(document: Schema) -> dict[str, Any]:
    """A schema on its own: references replaced by what they name, texts for people left out."""
    return _inlined(document, document.get("$defs", {}))


def _inlined(spec: Schema, definitions: Schema) -> dict[str, Any]:
    found: dict[str, Any] = {}
    reference: str = spec.get("$ref", "")
    if reference:
        where, _, name = reference.partition("#/$defs/")
        shared = load("parts")["$defs"] if where else definitions
        found = _inlined(shared[name], shared)
    for key, value in spec.items():
        if key == "properties":
            # A property may be called `title`: names are not keywords.
            found[key] = {name: _inlined(one, definitions) for name, one in value.items()}
        elif key in ("enum", "const") or key.startswith("x-"):
            found[key] = value
        elif key != "$ref":
            found[key] = _anything(value, definitions)
    return {key: value for key, value in found.items() if key not in _TEXTS}


def _anything(value: Any, definitions: Schema) -> Any:
    if isinstance(value, Mapping):
        return _inlined(value, definitions)
    return [_anything(one, definitions) for one in value] if isinstance(value, list) else value


def narrowings(old: Schema, new: Schema) -> list[Narrowing]:
    """What `old` accepts or means and `new` does not; both as `frozen` makes them.

    Never overlooks one: a keyword that is not understood counts when it is new or has changed.
    """
    return list(_compare(old, new, ""))


def _compare(old: Schema, new: Schema, place: str) -> Iterator[Narrowing]:
    rules = (_types, _values, _limits, _pattern, _meaning, _others)
    for rule in rules:
        for found in rule(old, new):
            yield place, found
    for name in old.get("properties", {}):
        if name not in new.get("properties", {}):
            yield _below(place, name), "removed"
    for name in sorted({*new.get("required", ())} - {*old.get("required", ())}):
        yield _below(place, name), "required"
    yield from _members(old, new, place)
    for before, after in _kindred(old, new):
        yield from _compare(before, after, place)


def _types(old: Schema, new: Schema) -> Iterator[str]:
    before, after = _kinds(old), _kinds(new)
    if "number" in after:
        after |= {"integer"}
    if not before <= after:
        yield "type"


def _kinds(spec: Schema) -> set[str]:
    said = spec.get("type", _ALL)
    kinds = {said} if isinstance(said, str) else set(said)
    return kinds | {"integer"} if "number" in kinds else kinds


_ALL = ("array", "boolean", "integer", "null", "number", "object", "string")


def _values(old: Schema, new: Schema) -> Iterator[str]:
    before, after = _listed(old), _listed(new)
    if after is not None and (before is None or not before <= after):
        yield "enum"


def _listed(spec: Schema) -> set[str] | None:
    # As JSON, for `1` and `true` are one value in Python and two in JSON.
    if "const" in spec:
        return {json.dumps(spec["const"], sort_keys=True)}
    if "enum" in spec:
        return {json.dumps(value, sort_keys=True) for value in spec["enum"]}
    return None


def _limits(old: Schema, new: Schema) -> Iterator[str]:
    for name in _LOWEST:
        if name in new and (name not in old or new[name] > old[name]):
            yield name
    for name in _HIGHEST:
        if name in new and (name not in old or new[name] < old[name]):
            yield name
    if new.get("uniqueItems") and not old.get("uniqueItems"):
        yield "uniqueItems"


def _pattern(old: Schema, new: Schema) -> Iterator[str]:
    after = new.get("pattern")
    if after is None or after == old.get("pattern"):
        return
    respelled = RESPELLED.get(old.get("pattern", ""))
    if respelled is None or load("parts")["$defs"][respelled]["pattern"] != after:
        yield "pattern"


def _meaning(old: Schema, new: Schema) -> Iterator[str]:
    for name in _MEANINGS:
        if old.get(name) != new.get(name):
            yield name
    for name in _NAMED:
        if name in old and old[name] != new.get(name):
            yield name


def _others(old: Schema, new: Schema) -> Iterator[str]:
    known = {*_COMPARED, *_TEXTS}
    if _kindred(old, new):
        known.add("allOf")
    for name in sorted(new.keys() - known):
        if not name.startswith("x-") and new[name] != old.get(name):
            yield name


def _kindred(old: Schema, new: Schema) -> list[tuple[Schema, Schema]]:
    """The kinds of one document that is told apart by `allOf` of `if` and `then`, old and new.

    Nothing where the conditions are not the same, one by one. There may be more kinds, of
    documents that the old schema refused.
    """
    before, after = old.get("allOf", []), new.get("allOf", [])
    told = [one.keys() == {"if", "then"} for one in (*before, *after)]
    if len(before) > len(after) or not all(told):
        return []
    if any(one["if"] != other["if"] for one, other in zip(before, after, strict=False)):
        return []
    if not all(_was_refused(old, one["if"]) for one in after[len(before) :]):
        return []
    return [(one["then"], other["then"]) for one, other in zip(before, after, strict=False)]


def _was_refused(old: Schema, condition: Schema) -> bool:
    """Whether a condition asks for a word in one place that the old schema did not allow."""
    for name in condition.get("required", ()):
        allowed = old.get("properties", {}).get(name, {}).get("enum")
        asked = condition.get("properties", {}).get(name, {})
        if allowed is not None and "const" in asked and asked["const"] not in allowed:
            return True
    return False


def _members(old: Schema, new: Schema, place: str) -> Iterator[Narrowing]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in before.keys() & after.keys():
        yield from _compare(before[name], after[name], _below(place, name))
    rest = old.get("additionalProperties", True)
    for name in after.keys() - before.keys():
        # What an open object held under this name could be anything.
        if rest is not False:
            yield from _compare(_as_schema(rest), after[name], _below(place, name))
    for keyword, mark in (("additionalProperties", ".*"), ("propertyNames", ".?"), ("items", "[]")):
        yield from _inner(old.get(keyword, True), new.get(keyword, True), keyword, place + mark)


def _inner(old: Any, new: Any, keyword: str, place: str) -> Iterator[Narrowing]:
    if old is False or new is True:
        return
    if new is False:
        yield place, keyword
        return
    yield from _compare(_as_schema(old), _as_schema(new), place)


def _as_schema(said: Any) -> Schema:
    return said if isinstance(said, Mapping) else {}


def _below(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def published(name: str) -> Schema:
    """The published schema of this name, in the current major version."""
    return json.loads(_file(name).read_bytes())  # type: ignore[no-any-return]


def _file(name: str) -> Path:
    major = load(name)["$id"].rsplit("/", 1)[1]
    return PUBLISHED / f"{name}-{major}.json"


def main(arguments: Sequence[str]) -> int:
    if list(arguments) == ["--freeze"]:
        for name in NAMES:
            if not _file(name).exists():
                _file(name).write_text(json.dumps(frozen(load(name)), indent=1) + "\n")
                sys.stdout.write(f"published: {_file(name).name}\n")
        return 0
    if arguments:
        sys.stderr.write("usage: python -m gateway.compatibility [--freeze]\n")
        return 2
    found = [(n, *one) for n in NAMES for one in narrowings(published(n), frozen(load(n)))]
    for name, place, rule in found:
        sys.stdout.write(f"{name}: {place or 'the document'}: {rule}\n")
    return 1 if found else 0


if __name__ == "__main__":  # pragma: no cover
    sys.exit(main(sys.argv[1:]))
