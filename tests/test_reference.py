"""docs/records.md is what the schemas say."""

import pytest

from gateway import reference
from gateway.record import RECORD_TYPES, leaves, load
from gateway.reference import main, page


def test_the_page_is_current(capsys):
    assert (main(["--check"]), capsys.readouterr().out) == (0, "docs/records.md is current\n")


@pytest.mark.parametrize("name", RECORD_TYPES)
def test_every_field_stands_in_the_chapter_of_its_record_type(name):
    chapter = page().partition(f"\n## {name}\n")[2].partition("\n## ")[0]

    assert load(name)["description"] in chapter
    assert f"../schemas/examples/{name}.json" in chapter
    for field in load(name)["properties"]:
        assert f"\n| `{field}` | " in chapter


def test_every_leaf_stands_on_the_page():
    text = page()
    for name in RECORD_TYPES:
        for leaf in leaves(name).values():
            # In its chapter, in the list it is an item of, or in the part it belongs to.
            tails = [".".join(leaf.path[start:]) for start in range(len(leaf.path))]
            names = {tail.replace(".[]", "[]").removesuffix("[]") for tail in tails}
            assert any(f"\n| `{one}` | " in text for one in names), (name, leaf.name)
            if tag := leaf.spec.get("x-hxl"):
                assert f"`{tag}`" in text


def test_every_row_has_the_columns_of_its_table():
    for block in page().split("\n\n"):
        rows = [line for line in block.splitlines() if line.startswith("|")]
        assert len({line.replace("\\|", "").count("|") for line in rows}) <= 1, block


@pytest.mark.parametrize(
    ("spec", "shape"),
    [
        ({"$ref": "parts#/$defs/place"}, "[place](#place)"),
        ({"$ref": "parts#/$defs/code"}, "[code](#values)"),
        ({"$ref": "parts#/$defs/position"}, "position"),
        ({"type": "integer", "minimum": 0, "maximum": 1000}, "whole number, 0 to 1,000"),
        ({"type": "integer"}, "whole number"),
        ({"type": "string", "pattern": "^a|b$"}, "text like `^a\\|b$`"),
        ({"type": "array", "items": {"type": "boolean"}}, "list of true or false"),
        ({"type": "array"}, "list"),
        ({"type": "object"}, "any object"),
        ({"const": "Point"}, "`Point`"),
    ],
)
def test_a_shape_in_words(spec, shape):
    assert reference._shape(spec) == shape


def test_a_page_that_is_not_current_is_told_and_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reference, "PAGE", tmp_path / "records.md")
    assert main(["--check"]) == 1
    assert "not current" in capsys.readouterr().out

    assert main([]) == 0
    assert main(["--check"]) == 0
    (tmp_path / "records.md").write_text(page() + "\n")
    assert main(["--check"]) == 1
    assert main(["--other"]) == 2
