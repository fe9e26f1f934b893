"""A schema only widens within its major version."""

import copy
import json
import random

import pytest

from gateway import compatibility
from gateway.compatibility import NAMES, PUBLISHED, frozen, main, narrowings, published
from gateway.record import RECORD_TYPES, SCHEMAS, load, validator
from tests.schema_instances import instance


@pytest.mark.parametrize("name", NAMES)
def test_the_current_schema_accepts_what_its_published_version_did(name):
    assert narrowings(published(name), frozen(load(name))) == []


@pytest.mark.parametrize("name", RECORD_TYPES)
def test_instances_of_the_published_schema_follow_the_current_one(name):
    chance = random.Random(f"published {name}")
    schema = published(name)

    for _ in range(200):
        record = instance(schema, chance, few=8)
        assert validator(name).is_valid(record), record


def test_every_published_schema_is_compared():
    assert {path.name for path in PUBLISHED.iterdir()} == {f"{name}-1.json" for name in NAMES}
    assert set(RECORD_TYPES) < set(NAMES)


def test_absent_came_after_the_first_version():
    assert "absent" not in published("person")["properties"]
    assert "absent" in load("person")["properties"]


OLD = {
    "type": "object",
    "additionalProperties": False,
    "required": ["a"],
    "properties": {
        "a": {"type": "string", "minLength": 1, "maxLength": 9, "pattern": "^[a-z]+$"},
        "b": {"enum": ["x", "y"], "x-kind": ["none"], "x-family": "plain", "x-category": None},
        "c": {
            "type": "integer",
            "minimum": 0,
            "maximum": 5,
            "x-fact": {"name": "c", "as": "value"},
        },
        "d": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"type": "number"}},
        "e": {"type": "object", "additionalProperties": {"type": "string"}},
        "f": {"type": ["string", "null"], "x-hxl": "#meta+f", "x-ref": "record_id"},
        "g": {"type": "object", "properties": {"h": {"const": "z"}}},
    },
}


def at(schema, place):
    for step in place.split("/") if place else ():
        schema = schema[step]
    return schema


def drop(place, key):
    return lambda schema: at(schema, place).pop(key)


def put(place, **keys):
    return lambda schema: at(schema, place).update(keys)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (drop("properties", "b"), ("b", "removed")),
        (drop("properties/g/properties", "h"), ("g.h", "removed")),
        (put("", required=["a", "b"]), ("b", "required")),
        (put("properties/g", required=["h"]), ("g.h", "required")),
        (put("properties/b", enum=["x"]), ("b", "enum")),
        (put("properties/b", enum=["x", "z"]), ("b", "enum")),
        (put("properties/g/properties/h", const="w"), ("g.h", "enum")),
        (put("properties/a", enum=["k"]), ("a", "enum")),
        (put("properties/c", minimum=1), ("c", "minimum")),
        (put("properties/c", maximum=4), ("c", "maximum")),
        (put("properties/c", exclusiveMinimum=-1), ("c", "exclusiveMinimum")),
        (put("properties/c", exclusiveMaximum=9), ("c", "exclusiveMaximum")),
        (put("properties/a", minLength=2), ("a", "minLength")),
        (put("properties/a", maxLength=8), ("a", "maxLength")),
        (put("properties/f", maxLength=8), ("f", "maxLength")),
        (put("properties/a", pattern="^[a-z0-9]+$"), ("a", "pattern")),
        (put("properties/f", pattern="^[a-z]+$"), ("f", "pattern")),
        (put("properties/d", minItems=2), ("d", "minItems")),
        (put("properties/d", maxItems=2), ("d", "maxItems")),
        (put("properties/d", uniqueItems=True), ("d", "uniqueItems")),
        (put("properties/d/items", type="integer"), ("d[]", "type")),
        (put("properties/d", items=False), ("d[]", "items")),
        (put("properties/e", minProperties=1), ("e", "minProperties")),
        (put("properties/e", maxProperties=1), ("e", "maxProperties")),
        (put("properties/e", additionalProperties=False), ("e.*", "additionalProperties")),
        (put("properties/e/additionalProperties", maxLength=1), ("e.*", "maxLength")),
        (put("properties/e", propertyNames={"pattern": "^a"}), ("e.?", "pattern")),
        (put("properties/g", additionalProperties=False), ("g.*", "additionalProperties")),
        (put("properties/g/properties", i={"type": "string"}), ("g.i", "type")),
        (put("properties/e/properties", i={"type": "integer"}), ("e.i", "type")),
        (put("properties/f", type="string"), ("f", "type")),
        (put("properties/c", type="string"), ("c", "type")),
        (put("properties/a", format="email"), ("a", "format")),
        (put("properties/c", multipleOf=2), ("c", "multipleOf")),
        (put("properties/d", contains={"const": 1}), ("d", "contains")),
        (put("properties/d", prefixItems=[{"maximum": 1}]), ("d", "prefixItems")),
        (put("", allOf=[{"required": ["b"]}]), ("", "allOf")),
        (put("", dependentRequired={"a": ["b"]}), ("", "dependentRequired")),
        (put("properties/b", **{"x-kind": ["direct"]}), ("b", "x-kind")),
        (put("properties/b", **{"x-family": "id"}), ("b", "x-family")),
        (put("properties/b", **{"x-category": "pd:Name"}), ("b", "x-category")),
        (put("properties/c", **{"x-fact": {"name": "c", "as": "past"}}), ("c", "x-fact")),
        (drop("properties/c", "x-fact"), ("c", "x-fact")),
        (put("properties/f", **{"x-hxl": "#meta+g"}), ("f", "x-hxl")),
        (drop("properties/f", "x-ref"), ("f", "x-ref")),
        (put("properties/a", **{"x-ref": "record_id"}), ("a", "x-ref")),
    ],
)
def test_a_narrowing_is_named(change, found):
    new = copy.deepcopy(OLD)
    new["properties"]["e"]["properties"] = {}
    assert narrowings(OLD, new) == []

    change(new)

    assert narrowings(OLD, new) == [found]


@pytest.mark.parametrize(
    "change",
    [
        put("properties", z={"type": "string"}),
        put("", required=[]),
        put("", additionalProperties=True),
        put("", description="New words.", title="Other"),
        put("properties/b", enum=["y", "x", "z"]),
        drop("properties/b", "enum"),
        put("properties/a", minLength=0, maxLength=10),
        drop("properties/a", "pattern"),
        put("properties/c", type="number", minimum=-1),
        put("properties/c", type=["integer", "string"]),
        drop("properties/d", "maxItems"),
        put("properties/d", items=True),
        put("properties/e", additionalProperties=True),
        put("properties/f", type=["string", "null", "boolean"]),
        put("properties/g/properties/h", enum=["z", "y"], const="z"),
        put("properties/a", **{"x-hxl": "#meta+a"}),
    ],
)
def test_a_widening_is_none(change):
    new = copy.deepcopy(OLD)
    change(new)

    assert narrowings(OLD, new) == []


def test_true_is_not_one():
    assert narrowings({"enum": [True]}, {"enum": [1]}) == [("", "enum")]


def test_a_frozen_schema_stands_alone():
    for name in NAMES:
        text = json.dumps(frozen(load(name)))
        assert '"$ref"' not in text
        assert '"$defs"' not in text


def test_a_reference_and_what_stands_beside_it_are_one():
    document = {
        "properties": {"title": {"$ref": "#/$defs/short", "maxLength": 3, "description": "No."}},
        "$defs": {"short": {"type": "string", "minLength": 1, "maxLength": 9}},
    }

    assert frozen(document) == {
        "properties": {"title": {"type": "string", "minLength": 1, "maxLength": 3}}
    }


@pytest.mark.parametrize("part", ["pcode", "record_id"])
def test_a_respelled_pattern_is_told_by_name_and_no_other_is(part):
    [before] = [old for old, name in compatibility.RESPELLED.items() if name == part]
    now = load("parts")["$defs"][part]["pattern"]

    assert narrowings({"pattern": before}, {"pattern": now}) == []
    assert narrowings({"pattern": before}, {"pattern": f"{now}?"}) == [("", "pattern")]
    assert narrowings({"pattern": now}, {"pattern": before}) == [("", "pattern")]


def test_the_command_names_every_narrowing(tmp_path, monkeypatch, capsys):
    for path in PUBLISHED.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(compatibility, "PUBLISHED", tmp_path)
    assert (main([]), capsys.readouterr().out) == (0, "")

    old = json.loads((tmp_path / "person-1.json").read_bytes())
    old["properties"]["shoe_size"] = {"type": "integer"}
    (tmp_path / "person-1.json").write_text(json.dumps(old))

    assert main([]) == 1
    assert capsys.readouterr().out == "person: shoe_size: removed\n"


def test_a_published_schema_is_written_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(compatibility, "PUBLISHED", tmp_path)
    (tmp_path / "person-1.json").write_text("{}")

    assert main(["--freeze"]) == 0
    assert "alert-1.json" in capsys.readouterr().out
    assert (tmp_path / "person-1.json").read_text() == "{}"
    assert json.loads((tmp_path / "alert-1.json").read_bytes()) == frozen(load("alert"))
    assert main(["--freeze"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["more"]) == 2


def test_the_readme_says_how_a_schema_may_change():
    text = (SCHEMAS / "README.md").read_text(encoding="utf-8")

    assert "`python -m gateway.compatibility`" in text


def kinds(**properties):
    return {
        "allOf": [
            {"if": {"required": ["a"]}, "then": {"type": "object", "properties": properties}},
        ]
    }


def test_kinds_of_a_document_are_compared_one_by_one():
    old = kinds(a={"type": "string"})

    assert narrowings(old, kinds(a={"type": "string"}, b={"type": "string"})) == [("b", "type")]
    closed = {"additionalProperties": False}
    old["allOf"][0]["then"] |= closed
    wider = kinds(a={"type": "string"}, b={"type": "string"})
    wider["allOf"][0]["then"] |= closed
    assert narrowings(old, wider) == []
    assert narrowings(wider, old) == [("b", "removed")]
    other = {"allOf": [{**wider["allOf"][0], "if": {"required": ["b"]}}]}
    assert narrowings(old, other) == [("", "allOf")]
    assert narrowings(old, {"allOf": [*wider["allOf"], {"minProperties": 1}]}) == [("", "allOf")]


@pytest.mark.parametrize(("word", "found"), [("new", []), ("old", [("", "allOf")])])
def test_a_kind_may_come_that_was_refused_before(word, found):
    told = {"type": {"enum": ["old"]}}
    old = {**kinds(a={"type": "string"}), "properties": told}
    condition = {"required": ["type"], "properties": {"type": {"const": word}}}
    more = [*old["allOf"], {"if": condition, "then": {"required": ["b"]}}]
    widened = {"type": {"enum": ["old", "new"]}}

    assert narrowings(old, {"allOf": more, "properties": widened}) == found
