"""The schemas themselves: they say the same to two engines, and everything they must say."""

import json
import random
import re
from collections import Counter
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from referencing import Registry, Resource

from gateway.compatibility import frozen
from gateway.record import RECORD_TYPES, SCHEMAS, fields, leaves, load, structural, validator, walk
from tests.schema_instances import broken, instance

DOCUMENTS = sorted(path.stem for path in SCHEMAS.glob("*.json"))
EXAMPLES = {
    name: json.loads((SCHEMAS / "examples" / f"{name}.json").read_bytes()) for name in RECORD_TYPES
}
INSTANCES = 500
"""For each record type: half of them follow the schema, half are changed in one place."""


def ecma_pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Any:
    # Patterns are ECMA-262 (JSON Schema, 6.3.3): `$` is the end. In Python a line feed may follow.
    if isinstance(instance, str) and not re.search(ecma(pattern), instance):
        yield jsonschema.ValidationError("pattern")


def ecma(pattern: str) -> str:
    return re.sub(r"\$$", r"\\Z", pattern)


Reference = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": ecma_pattern})


def reference(name: str) -> Any:
    parts = load("parts")
    registry = Registry().with_resource(parts["$id"], Resource.from_contents(parts))
    return Reference(load(name), registry=registry)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_is_a_schema(name):
    jsonschema.Draft202012Validator.check_schema(load(name))
    assert load(name)["$id"] == f"https://corridor.invalid/schemas/{name}/1"


def patterns(node: Any) -> list[str]:
    if isinstance(node, list):
        return [found for item in node for found in patterns(item)]
    if not isinstance(node, dict):
        return []
    own = [node["pattern"]] if isinstance(node.get("pattern"), str) else []
    return own + [found for item in node.values() for found in patterns(item)]


@pytest.mark.parametrize("name", [*RECORD_TYPES, "parts"])
def test_patterns_mean_the_same_to_every_engine(name):
    for pattern in patterns(load(name)):
        # Classes differ in what is beyond ASCII; `$` inside, flags and look-around differ too.
        assert not re.search(r"\\[wWdDsSbB]|\(\?|\.\*|[^\\]\$.", pattern), pattern
        assert pattern.startswith("^")
        assert pattern.endswith("$")


@pytest.mark.parametrize("name", sorted({*RECORD_TYPES}))
def test_examples_follow_the_schema_and_touch_every_leaf(name):
    for example in EXAMPLES[name]:
        assert list(reference(name).iter_errors(example)) == []
        assert validator(name).is_valid(example)
    touched = {
        leaf.name
        for leaf in leaves(name).values()
        if any(list(walk(example, leaf.path)) for example in EXAMPLES[name])
    }

    assert leaves(name).keys() - touched == set()
    assert len(EXAMPLES[name]) in (2, 3)
    assert len({example["record_id"] for example in EXAMPLES[name]}) == len(EXAMPLES[name])


@pytest.mark.parametrize("name", RECORD_TYPES)
def test_two_engines_give_one_verdict(name):
    chance = random.Random(name)
    schema, ours = frozen(load(name)), validator(name)
    theirs = Reference(schema)  # with references followed already, which halves the time
    verdicts: Counter[bool] = Counter()
    for number in range(INSTANCES):
        record = instance(schema, chance)
        if number % 2:
            record = broken(record, chance)
        verdict = ours.is_valid(record)
        assert theirs.is_valid(record) == verdict, record
        assert verdict or number % 2, record
        verdicts[verdict] += 1

    assert min(verdicts[True] - INSTANCES // 2, verdicts[False]) > INSTANCES // 50


@pytest.mark.parametrize("part", ["pcode", "record_id"])
def test_white_space_is_the_same_to_every_engine_and_as_it_was(part):
    before = {"pcode": r"^\S+$", "record_id": r"^[a-z0-9][a-z0-9.-]*/[^\s/][^\s]*$"}[part]
    now = load("parts")["$defs"][part]["pattern"]
    old = jsonschema_rs.Draft202012Validator({"pattern": before})
    new = jsonschema_rs.Draft202012Validator({"pattern": now})
    compiled = re.compile(ecma(now))
    for number in [*range(0xD800), *range(0xE000, 0x10000), 0x1F600, 0x10FFFF]:
        text = chr(number) if part == "pcode" else f"a/{chr(number)}"
        verdict = new.is_valid(text)
        assert verdict == old.is_valid(text) == bool(compiled.search(text)), hex(number)


# -- what every field must say -----------------------------------------------------------------


@pytest.mark.parametrize("name", RECORD_TYPES)
def test_every_leaf_has_a_meaning_and_a_hashtag_of_its_own(name):
    tags = Counter(
        frozenset(leaf.spec["x-hxl"].split("+"))
        for leaf in leaves(name).values()
        if "x-hxl" in leaf.spec
    )
    untold = [leaf for leaf, one in leaves(name).items() if "x-hxl" not in one.spec]

    assert untold == ["extension"]
    assert max(tags.values()) == 1
    for field, spec in load(name)["properties"].items():
        assert spec["description"].endswith("."), field
    for leaf in leaves(name).values():
        assert leaf.path[-1] == "[]" or leaf.spec["description"].endswith("."), leaf.name


def test_a_hashtag_has_one_shape_in_all_record_types():
    """Or a table of two record types could not be read back."""
    shapes: dict[frozenset[str], set[Any]] = {}
    for name in RECORD_TYPES:
        for leaf in leaves(name).values():
            if tag := leaf.spec.get("x-hxl"):
                shape = (leaf.path.count("[]"), leaf.path[-1] == "[]", leaf.spec.get("type"))
                kind = (*shape[:2], "text" if shape[2] in (None, "string") else shape[2])
                shapes.setdefault(frozenset(tag.split("+")), set()).add(kind)

    assert {tag: found for tag, found in shapes.items() if len(found) > 1} == {}


@pytest.mark.parametrize("name", RECORD_TYPES)
def test_a_field_in_a_date_or_place_form_still_follows_the_schema(name):
    """A date cut to its month, a place without its finer codes: nothing below may be required."""
    for field, one in fields(name).items():
        spec = frozen(load(name))["properties"][field]
        kept = {"record_type": name, "record_id": "demo.example/1"}
        if one.family == "date":
            assert validator(name).is_valid({**kept, field: "2026-03"})
            assert validator(name).is_valid({**kept, field: "2026"})
        if one.family == "place":
            area = {"admin1_code": "XX01"}
            area = [area] if spec["type"] == "array" else area
            assert validator(name).is_valid({**kept, field: area})


def test_every_record_type_has_the_same_head_and_tail():
    person = load("person")["properties"]
    for name in RECORD_TYPES:
        properties = load(name)["properties"]
        assert structural(name) == ("record_type", "schema_version", "withheld", "absent")
        for shared in ("schema_version", "withheld", "absent", "source", "protection", "extension"):
            assert properties[shared] == person[shared], (name, shared)
        assert properties["record_type"]["const"] == name
        assert properties["record_id"]["x-ref"] == "record_id"


@pytest.mark.parametrize("name", RECORD_TYPES)
def test_a_field_that_holds_a_reference_has_the_family_of_references(name):
    marked = {leaf.path[0] for leaf in leaves(name).values() if "x-ref" in leaf.spec}

    assert {field for field, one in fields(name).items() if one.family == "id"} == marked


def test_the_readme_names_every_file():
    text = (SCHEMAS / "README.md").read_text(encoding="utf-8")

    assert [name for name in DOCUMENTS if f"`{name}.json`" not in text] == []
