"""The page about the mapping language: every example is read, every key and code list named."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway.document import parse_yaml
from gateway.errors import OfficerError
from gateway.mapping import Reader, plan_of
from gateway.mapping.table import examined
from gateway.record import load, validator

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "mappings.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = FENCE.findall(PAGE)
HEAD = ("record_type", "schema_version", "record_id")


def examples() -> list[Any]:
    """Lines, source and result of each example: three blocks in a row."""
    found = []
    for n, (info, text) in enumerate(BLOCKS):
        if info.split()[0] == "yaml" and info != "yaml open":
            (source, given), (result, wanted) = BLOCKS[n + 1], BLOCKS[n + 2]
            assert source == "json source", text
            assert result in ("json", "json records"), text
            found.append((info.removeprefix("yaml").strip(), text, given, wanted))
    return found


def plan(record_type: str, text: str) -> Any:
    document = parse_yaml(text.encode(), at="example")
    if record_type:
        document = {
            "mapping": "example",
            "version": "1",
            "format": "kobo",
            "authority": "here.example",
            "records": [{"type": record_type, "id": {"first": ["row"]}, "fields": document}],
        }
    return plan_of(document, at="example")


@pytest.mark.parametrize(
    ("record_type", "lines", "given", "wanted"),
    examples(),
    ids=[f"{n}-{one[0] or 'whole'}" for n, one in enumerate(examples())],
)
def test_an_example_reads_as_the_page_says(record_type, lines, given, wanted):
    source = json.loads(given, parse_float=Decimal)

    found = Reader(plan(record_type, lines)).read({"row": "1", **source}, at="example")

    for one in found:
        assert validator(one["record_type"]).is_valid(one)
    if record_type:
        found = [{key: value for key, value in one.items() if key not in HEAD} for one in found]
        assert found == [json.loads(wanted)]
    else:
        assert found == json.loads(wanted)


def test_a_draft_of_the_page_is_explained_and_not_used():
    [draft] = [text for info, text in BLOCKS if info == "yaml open"]
    [whole] = [text for kind, text, *_ in examples() if not kind and "household" in text]

    _, found, faults = examined((whole + draft).encode(), at="t")

    assert (found is not None, faults) == (True, [])
    with pytest.raises(OfficerError) as caught:
        plan_of(parse_yaml((whole + draft).encode(), at="t"), at="t")
    assert caught.value.rule == "mapping.open_questions"


def keys(schema: Any) -> set[str]:
    """Every key that a mapping may have, at any depth."""
    if isinstance(schema, list):
        return set().union(*map(keys, schema))
    if not isinstance(schema, dict):
        return set()
    own = {name for name, one in schema.get("properties", {}).items() if isinstance(one, dict)}
    return own.union(*map(keys, schema.values()))


def test_every_key_of_the_language_is_on_the_page():
    named = set(re.findall(r"`(?:[a-z]+\.)?([a-z_]+)(?:: [^`]*)?`", PAGE))
    assert len(keys(load("mapping"))) > 25
    assert keys(load("mapping")) - named == set()


def test_every_converter_and_reason_is_on_the_page():
    parts = load("mapping")["$defs"]
    for word in [*parts["converted"]["properties"]["as"]["enum"], *parts["reason"]["enum"]]:
        assert f"`{word}`" in PAGE, word


def test_every_converter_but_the_unused_has_an_example():
    used = set(re.findall(r"as: ([a-z_]+)", PAGE)) | {"text"}
    # No record type has a field that is a JSON number and no whole one.
    assert set(load("mapping")["$defs"]["converted"]["properties"]["as"]["enum"]) - used == {
        "number"
    }


def test_every_code_list_and_table_is_on_the_page():
    rows = dict(re.findall(r"^\| `([a-z0-9_]+)` \| [^|]+ \| ([^|]+) \|$", PAGE, re.MULTILINE))
    files = [path.stem for path in (ROOT / "schemas" / "codes").glob("*.json")]
    for name in files:
        known, _, vendor = name.partition(".")
        assert known in rows, name
        assert not vendor or f"`{name}`" in rows[known]
    assert {name for name in rows if name in files} == {one for one in files if "." not in one}
