"""The Rego tests beside the rules, on the embedded engine and under `opa test`."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import regorus

POLICIES = Path(__file__).resolve().parent.parent / "policies"
RULES = sorted(path for path in POLICIES.rglob("*.rego") if not path.name.endswith("_test.rego"))
TESTS = sorted(
    (path.name, rule)
    for path in POLICIES.rglob("*_test.rego")
    for rule in re.findall(r"^(test_\w+)", path.read_text(), re.MULTILINE)
)
needs_opa = pytest.mark.skipif(not shutil.which("opa"), reason="opa is not on PATH")


@pytest.fixture(scope="module")
def engine():
    engine = regorus.Engine()
    for path in sorted(POLICIES.rglob("*.rego")):
        engine.add_policy(path.name, path.read_text())
    data = {}
    for folder in ("taxonomy", "samples"):
        data[folder] = {}
        for path in (POLICIES / folder).glob("*.json"):
            data[folder] |= json.loads(path.read_text())
    engine.add_data_json(json.dumps(data))
    engine.set_input_json("{}")
    return engine


@pytest.mark.parametrize(("file", "rule"), TESTS)
def test_rego(engine, file, rule):
    assert json.loads(engine.eval_rule_as_json(f"data.exchange_test.{rule}")) is True


def test_no_test_is_written_twice():
    assert len({rule for _, rule in TESTS}) == len(TESTS) > 150


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_each_rule_has_a_test_and_says_what_it_does(path):
    text = path.read_text()

    assert path.with_name(f"{path.stem}_test.rego").exists()
    assert "# METADATA" in text
    assert "# title: " in text
    assert "# description: " in text


def test_every_objection_has_a_fix_and_a_line_in_the_readme():
    fixes = json.loads((POLICIES / "taxonomy" / "fixes.json").read_text())["fixes"]
    readme = (POLICIES / "README.md").read_text()
    raised = set()
    for path in RULES:
        raised |= set(re.findall(r"^#     - ([a-z_.*]+)$", path.read_text(), re.MULTILINE))
        assert f"`{path.name}`" in readme
    reds = json.loads((POLICIES / "taxonomy" / "red_lines.json").read_text())["red_lines"]
    raised = raised - {"red.*"} | set(reds) | {"red.unknown"}

    assert raised == fixes.keys()
    assert [rule for rule in sorted(raised) if f"`{rule}`" not in readme] == []


def test_metadata_names_exactly_the_objections_of_its_file():
    for path in RULES:
        text = path.read_text()
        named = set(re.findall(r"^#     - ([a-z_.]+)$", text, re.MULTILINE))
        literal = set(re.findall(r'objections contains (?:\[i, )?"([a-z_.]+)"', text))
        assert literal - {"red.unknown", "red.donor_crossref"} <= named, path.name


@needs_opa
def test_opa_runs_the_same_tests_and_reaches_every_line():
    run = subprocess.run(
        ["opa", "test", "--timeout", "60s", "--coverage", "--threshold", "100", str(POLICIES)],
        capture_output=True,
        text=True,
    )

    assert run.returncode == 0, run.stdout[-2000:] + run.stderr
    assert json.loads(run.stdout)["coverage"] == 100


def test_fields_and_families_are_those_of_the_schemas():
    fields = json.loads((POLICIES / "taxonomy" / "forms.json").read_text())["fields"]
    for record_type, families in fields.items():
        schema = POLICIES.parent / "schemas" / f"{record_type}.json"
        wanted = {
            name: field["x-family"]
            for name, field in json.loads(schema.read_text())["properties"].items()
            if field["x-family"] != "structural"
        }
        assert {n: "date" if f == "birth" else f for n, f in families.items()} == wanted
