"""docs/records.md, made from the schemas: every record type, field and leaf.

python -m gateway.reference            # writes the page
python -m gateway.reference --check    # exit 1 where the page is not what it would write
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gateway.record import RECORD_TYPES, SCHEMAS, load

PAGE = SCHEMAS.parent / "docs" / "records.md"
Spec = Mapping[str, Any]

_HEAD = """# Record types

For everybody who reads, writes or maps canonical records. Made from the
[schemas](../schemas/README.md) by `python -m gateway.reference`; not written by hand.

```sh
python -m gateway.reference --check
```

```text
docs/records.md is current
```

A record is a JSON object of one record type. Absent means unknown; there is no empty text and no
null. Only `record_type` and `record_id` are required, because minimization may take away anything
else.

| column | says |
|---|---|
| field | name; below it its leaves, as lineage writes them (`age.years`, `notes[].text`) |
| shape | what stands there; [values](#values) and [parts](#parts) are shared by record types |
| kind | of a field: `direct` identifier, `quasi`-identifier, `sensitive`, `none` |
| category | of a field: term of the Data Privacy Vocabulary (DPV PD) |
| family | of a field: which [forms](../policies/taxonomy/forms.json) it may leave in |
| fact | policy may see the value, or what is said of it, under this name |
| hashtag | HXL |

Policy is not asked about `structural` fields: they say what the object is.
"""

_COLUMNS = "| field | shape | kind | category | family | fact | hashtag | meaning |"
_PART_COLUMNS = "| leaf | shape | fact | hashtag | meaning |"
_FACTS = {
    "value": "{}",
    "past": "{}: the day is over",
    "age_class": "{}: child or adult",
    "count_class": "{}: how small",
}


def page() -> str:
    """The whole page."""
    parts = load("parts")["$defs"]
    lines = [_HEAD, "## Contents\n"]
    lines += [f"- [{name}](#{name}): {load(name)['description']}" for name in RECORD_TYPES]
    lines += ["- [Values](#values) and [parts](#parts) that they share\n"]
    for name in RECORD_TYPES:
        lines += _record_type(name)
    lines += ["## Values\n", "| value | shape | meaning |", "|---|---|---|"]
    for name, spec in parts.items():
        if spec["type"] == "string":
            lines.append(f"| {name} | {_shape(spec)} | {_cell(spec['description'])} |")
    lines += ["\n## Parts\n"]
    for name, spec in parts.items():
        if spec["type"] == "object":
            lines += _part(name, spec)
    return "\n".join(lines).rstrip("\n") + "\n"


def _record_type(name: str) -> Iterator[str]:
    schema = load(name)
    yield f"## {name}\n"
    yield f"{schema['description']} Version {schema['x-version']}."
    yield f"[Schema](../schemas/{name}.json), [examples](../schemas/examples/{name}.json).\n"
    yield _COLUMNS
    yield _rule(_COLUMNS)
    for field, spec in schema["properties"].items():
        told = (", ".join(spec["x-kind"]), spec["x-category"] or "", spec["x-family"])
        for leaf, inner in _rows(field, spec):
            about = told if leaf == field else ("", "", "")
            yield _row(f"`{leaf}`", _shape(inner), *about, *_last(inner))
    yield ""


def _part(name: str, spec: Spec) -> Iterator[str]:
    yield f"### {name}\n"
    yield f"{spec['description']}\n"
    yield _PART_COLUMNS
    yield _rule(_PART_COLUMNS)
    for leaf, inner in spec["properties"].items():
        for below, one in _rows(leaf, inner):
            yield _row(f"`{below}`", _shape(one), *_last(one))
    yield ""


def _rows(path: str, spec: Spec) -> Iterator[tuple[str, Spec]]:
    """A field and everything below it that is not told in a part of its own."""
    yield path, spec
    inner, mark = spec, ""
    while inner.get("type") == "array" and "items" in inner:
        inner, mark = inner["items"], mark + "[]"
    for name, below in inner.get("properties", {}).items():
        yield from _rows(f"{path}{mark}.{name}", below)


def _last(spec: Spec) -> tuple[str, str, str]:
    fact = spec.get("x-fact")
    shown = _FACTS[fact["as"]].format(fact["name"]) if fact else ""
    inner = spec.get("items", spec)
    tag = spec.get("x-hxl") or inner.get("x-hxl")
    return shown, f"`{tag}`" if tag else "", _cell(spec["description"])


def _shape(spec: Spec) -> str:
    reference = spec.get("$ref")
    if reference:
        name = reference.rsplit("/", 1)[1]
        kind = load("parts")["$defs"][name]["type"]
        where = {"string": "values", "object": name}.get(kind)
        return f"[{name}](#{where})" if where else name
    if "const" in spec:
        return f"`{spec['const']}`"
    if "enum" in spec:
        return "one of " + ", ".join(f"`{value}`" for value in spec["enum"])
    return _SHAPES[spec["type"]](spec)


def _text(spec: Spec) -> str:
    longest = f", at most {spec['maxLength']:,} characters" if "maxLength" in spec else ""
    like = f" like `{_cell(spec['pattern'])}`" if "pattern" in spec else ""
    return f"text{like}{longest}"


def _number(spec: Spec) -> str:
    lowest, highest = spec.get("minimum"), spec.get("maximum")
    return "whole number" + ("" if lowest is None else f", {lowest:,} to {highest:,}")


def _object(spec: Spec) -> str:
    rest = spec.get("additionalProperties")
    if isinstance(rest, Mapping):
        return f"object of names to {_shape(rest)}"
    return "object" if spec.get("properties") else "any object"


_SHAPES: Mapping[str, Callable[[Spec], str]] = {
    "string": _text,
    "integer": _number,
    "object": _object,
    "boolean": lambda spec: "true or false",
    "array": lambda spec: f"list of {_shape(spec['items'])}" if "items" in spec else "list",
}


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _rule(columns: str) -> str:
    return "|" + "---|" * (columns.count("|") - 1)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(arguments: Sequence[str]) -> int:
    """Write the page, or with `--check` say whether it is current."""
    if list(arguments) not in ([], ["--check"]):
        sys.stderr.write("usage: python -m gateway.reference [--check]\n")
        return 2
    made = page()
    if not arguments:
        PAGE.write_text(made, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made:
        sys.stdout.write("docs/records.md is not current: python -m gateway.reference\n")
        return 1
    sys.stdout.write("docs/records.md is current\n")
    return 0


if __name__ == "__main__":  # pragma: no cover
    sys.exit(main(sys.argv[1:]))
