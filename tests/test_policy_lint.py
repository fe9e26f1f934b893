"""The lint bites, and bites nothing it should not."""

import runpy
import sys

import pytest

from gateway.policy import lint
from gateway.policy.lint import main
from gateway.policy.portable import findings
from tests.strategies_policy import POLICIES


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("r := time.now_ns()", "time.now_ns"),
        ('r := http.send({"url": "x"})', "http.send"),
        ("r := upper(input.x)", "upper"),
        ("r := crypto.sha256(input.x)", "crypto.sha256"),
        ("r := rand.intn(input.x, 5)", "rand.intn"),
        ("r := opa.runtime()", "opa.runtime"),
        ('r := strings.count(input.x, "a")', "strings.count"),
        ("r if print(input.x)", "print"),
        ("r if regex.match(`\\w`, input.x)", "character class"),
        ("r if regex.match(`[\\d]`, input.x)", "character class"),
        ("r if regex.match(`\\s`, input.x)", "character class"),
        ('r if regex.match("\\\\b", input.x)', "character class"),
        ("r if regex.match(input.pattern, input.x)", "not written down"),
        ("r := p if [p, v] := walk(input.x)", "walk"),
        ("r := 0.5", "not whole"),
        ("r := 1.0", "not whole"),
        ("r if x = input.x", "instead of"),
        ("r if s with input as {}", "tests"),
        ("r if s := input.x", "local name s"),
        ("r if some s in input.x", "local name s"),
        ("r if some s, _ in input.x", "local name s"),
        ("r if some _, s in input.x", "local name s"),
        ("r if { some s; input.x[s] }", "local name s"),
        ("r if every s in input.x { s > 1 }", "local name s"),
        ("r if every s, v in input.x { v > 1 }", "local name s"),
        ("r if {", "not Rego"),
    ],
)
def test_outside_the_subset(line, problem):
    [finding] = findings({"a.rego": f"package a\n\ns := 1\n\n{line}\n"})[:1]

    assert problem in finding.problem
    assert finding.place.startswith("a.rego:")


def test_the_place_is_the_line():
    [finding] = findings({"a.rego": "package a\n\nr := 1\n\nx := upper(input.x)\n"})

    assert (finding.place, "upper" in finding.problem) == ("a.rego:5", True)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("package exchange\nobjections := 1", "must be in package local"),
        ("package local\nobjections := data.exchange.objections", "not for this package"),
        ('package local\nobjections := data["exchange"]', "not for this package"),
        ("package local\nimport data.exchange\nobjections := exchange.x", "import"),
        ("package local\nobjections := {x | some x in data}", "not for this package"),
        ("package local\nobjections := data[input.x]", "not for this package"),
        ("package local.deep\nobjections := 1", "must be in package local"),
    ],
)
def test_a_local_policy_stays_in_its_place(text, problem):
    assert problem in findings({"a.rego": text}, package="local")[0].problem


def test_a_local_policy_may_read_the_tables():
    text = "package local\nnarrow := {} if data.taxonomy.forms.keep == 0"

    assert findings({"a.rego": text}, package="local") == []


def test_functions_of_other_files_and_imports_are_known():
    files = {
        "a.rego": "package a\nf(x) := x + 1\n",
        "b.rego": "package a\nimport data.c\nr := f(1) + c.g(2) + data.c.g(3)\n",
    }

    assert findings(files) == []


def test_our_policies_are_clean(capsys):
    assert main([str(POLICIES)]) == 0
    assert capsys.readouterr().out == ""


def test_the_command_names_file_and_line(tmp_path, capsys):
    (tmp_path / "a.rego").write_text("package a\n\nr := upper(input.x)\n")

    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.endswith("a.rego:3: the builtin upper is outside the subset\n")


def test_it_runs_as_a_command(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["lint", str(POLICIES)])

    with pytest.raises(SystemExit) as left:
        runpy.run_path(lint.__file__, run_name="__main__")

    assert left.value.code == 0
