"""`corridor policy check`, `test` and `mutate`: on ours, on a deployment's, on broken ones."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway import session
from gateway.cli import app
from gateway.cli_policy import _runs
from gateway.errors import OfficerError
from gateway.policy import metadata, rego_tests, thorough

ROOT = Path(__file__).resolve().parent.parent
POLICIES = ROOT / "policies"
needs_tools = pytest.mark.skipif(
    not (shutil.which("opa") and shutil.which("regal")), reason="opa or regal is not on PATH"
)
LOCAL = """\
# METADATA
# title: Rules of our office
package local

objections contains {"rule": "local.no_tables", "fix": "Ask."} if input.request.into == "hxl"
"""
LOCAL_TEST = """\
package local_test

import data.local

refusal := {"rule": "local.no_tables", "fix": "Ask."}

test_no_tables if local.objections == {refusal} with input as {"request": {"into": "hxl"}}

test_others if count(local.objections) == 0 with input as {"request": {"into": "fhir.r4"}}
"""


RULE = """\
# METADATA
# title: x
# description: y
package exchange

decision := {"verdict": "allow", "objections": []} if input.x == 1
"""
RULE_TEST = """\
package exchange_test

import data.exchange

test_x if exchange.decision.verdict == "allow" with input.x as 1

test_y if not exchange.decision with input.x as 2
"""


def run(*arguments: object) -> tuple[int, list[str]]:
    result = CliRunner().invoke(app, ["policy", *(str(one) for one in arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout.splitlines()


@pytest.fixture
def office(tmp_path, deployment):
    """A deployment with a policy of its own and a test of it."""
    folder = deployment / "policies"
    folder.mkdir(exist_ok=True)
    (folder / "office.rego").write_text(LOCAL)
    (folder / "office_test.rego").write_text(LOCAL_TEST)
    return deployment


@pytest.fixture
def copied(tmp_path):
    """Our policies, to be broken."""
    shutil.copytree(POLICIES, tmp_path / "policies")
    return tmp_path / "policies"


@pytest.fixture
def small(tmp_path, monkeypatch):
    """One rule and its test in the place of our policies."""
    folder = tmp_path / "small"
    for name in ("exchange", "taxonomy", "samples"):
        (folder / name).mkdir(parents=True)
    (folder / "exchange" / "a.rego").write_text(RULE)
    (folder / "exchange" / "a_test.rego").write_text(RULE_TEST)
    (folder / "taxonomy" / "fixes.json").write_text('{"fixes": {}, "rules": {}}')
    (folder / "taxonomy" / "rules.json").write_text("{}")
    (folder / "samples" / "s.json").write_text('{"comment": "none"}')
    monkeypatch.setattr(session, "POLICIES", folder)
    return folder


def found(directory: Path, local: Path | None = None) -> set[tuple[str, str]]:
    _, findings = thorough.check(directory, local, tools=False)
    return {(one.place, one.rule) for one in findings}


def test_our_policies_are_in_order(office):
    code, lines = run("check", "--without-opa", "-d", office)

    assert (code, lines[-1]) == (0, "0 findings")
    assert any(line.startswith("bundle sha256:") for line in lines)


def test_a_missing_tool_is_said_and_is_a_finding(small, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")

    code, lines = run("check")

    assert code == 1
    for tool in ("opa", "regal"):
        assert f"{tool}: not found on PATH, so it was not asked (check.no_{tool})" in lines


@needs_tools
def test_what_opa_and_regal_find_is_told_with_file_and_line(small, office):
    (small / "exchange" / "b.rego").write_text("package exchange\n\nx := 1 if 1 == 1\n")
    broken = office / "policies" / "broken.rego"
    broken.write_text(
        "# METADATA\n# title: x\npackage local\n\nhalf(unused) := 1\n\nloose   := half(2)\n\n"
        "always if 1 == 1\n"
    )

    code, lines = run("check", "-d", office)

    text = "\n".join(lines)
    assert code == 1
    assert f"{broken}:5: " in text
    assert "(opa.check)" in text
    assert "(opa.fmt)" in text
    assert f"{broken}:9: " in text
    assert f"{small}/exchange/b.rego:3: " in text
    assert text.count("(regal.constant-condition)") == 2


def test_metadata_is_held_to_what_the_file_does(copied):
    rule = copied / "exchange" / "party.rego"
    rule.write_text(rule.read_text().replace("#     - party.suspended\n", ""))
    (copied / "exchange" / "bare.rego").write_text("package exchange\n")
    line = next(
        number
        for number, text in enumerate(rule.read_text().split("\n"), 1)
        if text.startswith('objections contains "party.suspended"')
    )

    assert {
        (f"exchange/party.rego:{line}", "policy.metadata"),
        ("exchange/bare.rego:1", "policy.metadata"),
    } <= found(copied)


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("# title: Known parties", "# title: ", "policy.metadata"),
        ("# title: Known parties", "# title: Other parties", "policy.explained"),
        ("# title: Known parties", "# title: [", "policy.metadata"),
        ("# description: |", "# summary: |", "policy.metadata"),
        ("ICRC Handbook 3rd ed., 4.2, 4.4.2", "ICRC Handbook 3rd ed., 9", "policy.explained"),
        ("#     - party.suspended", "#     - party.suspended\n#     - party.new", "policy.fix"),
        ("#     - party.suspended", "#     - party.suspended\n#     - party.new",
         "policy.explained"),
    ],
)  # fmt: skip
def test_a_file_that_says_something_else_of_itself_is_found(copied, old, new, rule):
    path = copied / "exchange" / "party.rego"
    path.write_text(path.read_text().replace(old, new))

    assert ("exchange/party.rego:3", rule) in found(copied)


def test_every_use_outside_the_subset_is_listed(copied):
    (copied / "exchange" / "bad.rego").write_text(
        "# METADATA\n# title: x\n# description: y\npackage exchange\n\n"
        "a := time.now_ns()\n\nb := upper(input.x)\n"
    )

    findings = found(copied)

    assert {("exchange/bad.rego:6", "bundle.policy"), ("exchange/bad.rego:8", "bundle.policy")} <= (
        findings
    )


def test_a_bundle_that_does_not_load_is_a_finding(copied):
    sample = copied / "samples" / "questions.json"
    held = json.loads(sample.read_text())
    held["registration"]["verdict"] = "refuse"
    sample.write_text(json.dumps(held))

    bundle, findings = thorough.check(copied, None, tools=False)

    assert bundle is not None
    assert [(one.place, one.rule) for one in findings] == [("bundle", "policy.self_test")]


def test_a_sample_that_is_no_question_is_found(small):
    question = {"context": {"now": "2026-01-01T00:00:00Z"}, "x": 1, "records": "many"}
    sample = {"s": {"question": question, "verdict": "allow", "rules": []}}
    (small / "samples" / "s.json").write_text(json.dumps(sample))

    assert ("samples:s", "schema.question") in found(small)


def test_metadata_that_is_no_yaml_names_its_line():
    with pytest.raises(OfficerError) as told:
        metadata.metadata_of("a.rego", "\n# METADATA\n# title: [\npackage a\n")

    assert (told.value.rule, told.value.at) == ("policy.metadata", "a.rego:2")


# Tests and coverage


def test_coverage_is_told_file_by_file(small, office):
    (office / "policies" / "more.rego").write_text("package local\n\nf(x) := x + 1\n")

    code, lines = run("test", "--coverage", "-d", office)

    assert code == 1
    assert "  0% local/more.rego  no test reaches 3" in lines
    assert {"100% local/office.rego", "100% exchange/a.rego"} <= {*lines}
    assert lines[-1].endswith("policy tests passed")


def test_a_test_that_fails_is_named(small, office):
    path = office / "policies" / "office_test.rego"
    path.write_text(LOCAL_TEST + "\ntest_wrong if 1 == 2\n\ntest_breaks if 1 / 0 == 1\n")

    code, lines = run("test", "-d", office)

    assert code == 1
    assert {"failed: data.local_test.test_wrong", "failed: data.local_test.test_breaks"} <= {*lines}


def test_our_tests_pass_and_reach_every_line():
    code, lines = run("test", "--coverage")

    assert [line for line in lines if "no test reaches" in line or line.startswith("failed")] == []
    assert (code, lines[-2]) == (0, "100.0 percent of all lines")


def test_nothing_covered_is_nothing():
    assert rego_tests.Results({}).coverage == 0


@pytest.mark.parametrize(
    ("text", "rule"),
    [("x := 1\n", "policy.no_package"), ("package a\n\nx if {", "policy.not_rego")],
)
def test_a_test_file_that_is_none_is_refused(small, text, rule):
    (small / "exchange" / "zz_test.rego").write_text(text)

    with pytest.raises(OfficerError) as told:
        rego_tests.run(small)

    assert told.value.rule == rule


def test_no_test_at_all_is_refused(small):
    (small / "exchange" / "a_test.rego").unlink()

    with pytest.raises(OfficerError) as told:
        rego_tests.run(small)

    assert told.value.rule == "policy.no_tests"


# Mutation testing


def test_mutants_are_listed_and_nothing_runs(office):
    code, lines = run("mutate", "--list", "-d", office)

    assert code == 0
    assert 'local/office.rego:5: "hxl" -> "hxl~"' in lines


def test_a_deployments_tests_are_judged(small, office):
    code, lines = run("mutate", "-d", office, "--workers", 1)
    assert (code, lines[-2].rpartition(",")[2]) == (0, " 100.0 percent")

    weak = LOCAL_TEST.replace("== {refusal}", "!= 1").replace("== 0", ">= 0")
    (office / "policies" / "office_test.rego").write_text(weak)
    code, lines = run("mutate", "-d", office, "--workers", 1)
    assert code == 1
    assert any(line.startswith('local/office.rego:5: "hxl" -> "hxl~": ') for line in lines)


def test_a_few_mutants_are_judged(small):
    code, lines = run("mutate", "--limit", 3, "--seed", 4, "--json", "--workers", 1)

    report = json.loads("\n".join(lines))
    alive = report["survived"] + report["equivalent"]
    assert report["killed"] + report["killed_tables"] + len(alive) + report["unbuilt"] == 3
    assert code == (0 if min(report["percent"], report["percent_tables"]) >= 95 else 1)


def test_a_deployment_without_policies_has_nothing_to_change(deployment):
    result = CliRunner().invoke(app, ["policy", "mutate", "-d", str(deployment)])

    assert result.exit_code == 1
    assert "mutate.none" in result.stderr


def test_lines_are_told_as_runs():
    assert _runs((3, 7, 8, 9, 12)) == "3, 7-9, 12"
    assert session.POLICIES == POLICIES
