"""An operator's own policy is looked at before it is loaded: what it may say, and in what shape."""

import pytest

from gateway.errors import OfficerError
from gateway.policy import read_bundle
from gateway.policy.local_check import misshapen
from gateway.policy.portable import findings
from tests.strategies_policy import POLICIES

SET = "objections must be a set"
OBJECT = "narrow must be an object"
FORMS = "narrow must be record type to field to form"
OBJECTION = '{"rule": "local.x", "fix": "Wait."}'


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("objections := 5", SET),
        ("objections := [{}]", SET),
        ('objections := "local.x"', SET),
        ("objections if input.records", SET),
        (f'objections["x"] := {OBJECTION}', SET),
        (f"objections.x := {OBJECTION}", SET),
        (f"objections(x) := {OBJECTION} if x", SET),
        ("default objections := {}", SET),
        ("objections := {1} if input.x else := 2", SET),
        (f"objections := {{{OBJECTION}}}", SET),
        ("objections := set()", SET),
        ("objections := {one | some one in input.said}", SET),
        ('objections contains "local.x"', "an objection must be an object"),
        ("objections contains 1", "an objection must be an object"),
        ('objections contains {"rule": "local.x"}', "has rule and fix"),
        ('objections contains {"rule": "local.x", "fix": "No.", "who": "me"}', "has rule and fix"),
        ('objections contains {"rule": "red.sale", "fix": "No."}', "must begin with"),
        ('objections contains {"rule": "local.", "fix": "No."}', "must begin with"),
        ('objections contains {"rule": "local..x", "fix": "No."}', "must begin with"),
        ('objections contains {"rule": 5, "fix": "No."}', "must begin with"),
        ('objections contains {"rule": "local.x", "fix": ""}', "plain sentence"),
        (f'objections contains {{"rule": "local.x", "fix": "{"x" * 501}"}}', "plain sentence"),
        ("narrow := 5", FORMS),
        ("narrow := []", FORMS),
        ("narrow := null", FORMS),
        ('narrow := {"person": []}', FORMS),
        ('narrow := {"person": {"name": 1}}', FORMS),
        ('narrow := {"person": {"name": {"form": "drop"}}}', FORMS),
        ('narrow := {kind: ["drop"] | some kind in input.types}', FORMS),
        ('narrow.person := "drop"', FORMS),
        ("narrow.person.name := 1", FORMS),
        ('narrow.person.name.form := "drop"', OBJECT),
        ("narrow if input.records", OBJECT),
        ('narrow contains "person"', OBJECT),
        ("narrow(x) := {} if x", OBJECT),
        ("default narrow := 5", FORMS),
        ("narrow := {} if input.x else := 5", FORMS),
    ],
)
def test_another_shape_is_a_finding_with_file_and_line(line, problem):
    [finding] = misshapen({"local/own.rego": f"package local\n\nother := 1\n\n{line}\n"})

    assert problem in finding.problem
    assert finding.place == "local/own.rego:5"


@pytest.mark.parametrize(
    "line",
    [
        "",
        f"objections contains {OBJECTION}",
        f'objections contains {OBJECTION} if input.records == "1000+"',
        f"objections contains one if {{ some one in later }}\n\nlater := {{{OBJECTION}}}",
        'objections contains {"rule": "local.x", "fix": sprintf("Wait for %s.", ["x"])}',
        'objections contains {"rule": `local.x.y_2`, "fix": `Wait.`}',
        "narrow := {}",
        "default narrow := {}",
        'narrow := {"person": {"name": "drop", "place": form}}\n\nform := "admin2"',
        'narrow := object.union({"person": {}}, other) if input.x\n\nother := {}',
        'narrow.person := {"name": "drop"}',
        'narrow.person.name := "drop" if input.records',
        'narrow[kind][field] := "drop" if some kind, field in {"person": "name"}',
        'narrow := {kind: {"place": `admin2`} | some kind in ["person"]}',
        "helper(x) := x + 1\n\nother := helper(1)",
    ],
)
def test_what_an_operator_may_say(line):
    files = {"local/own.rego": f"package local\n\n{line}\n"}

    assert [*findings(files, package="local"), *misshapen(files)] == []


@pytest.mark.parametrize(
    "text",
    [
        "a := b\n\nb := a",
        "narrow := object.union(narrow, {})",
        "objections contains one if { some one in data.local.objections }",
        "f(x) := g(x)\n\ng(x) := f(x)",
    ],
)
def test_a_rule_that_needs_itself_is_a_finding(text):
    found = misshapen(
        {"local/b.rego": f"package local\n\n{text}\n", "local/a.rego": "package local"}
    )

    assert {finding.problem.partition("needs")[2] for finding in found} == {" itself"}
    assert {finding.place for finding in found} == {"local/a.rego:1"}


@pytest.mark.parametrize(
    "text",
    [
        'narrow.person := {"name": "drop"}\nnarrow := {}',
        "default narrow := {}\nnarrow.person.name := `drop`",
        "f(x) := x\nf(x, y) := x + y",
        "f(x) := x\nf := 1",
        "f contains 1\nf := 1",
        "default f(_) := 1\nf := 1",
        "default narrow := {}\ndefault narrow := {}",
    ],
)
def test_one_name_is_one_thing(text):
    [finding] = misshapen({"local/own.rego": f"package local\n{text}\n"})

    assert finding.place == "local/own.rego:3"
    assert "two ways" in finding.problem or "second default" in finding.problem


def test_a_function_may_have_a_default_and_a_value_several_conditions():
    text = "default f(_) := 1\nf(x) := 2 if x\ndefault a := 1\na := 2 if input.x\na := 3 if input.y"

    assert misshapen({"local/own.rego": f"package local\n{text}\n"}) == []


def test_a_misshapen_policy_is_not_loaded(tmp_path):
    (tmp_path / "own.rego").write_text("package local\n\nobjections := 5\n")

    with pytest.raises(OfficerError) as refused:
        read_bundle(POLICIES, tmp_path)

    assert (refused.value.rule, refused.value.at) == ("bundle.policy", "local/own.rego:3")


def test_what_is_no_rego_is_left_to_the_lint():
    assert misshapen({"local/own.rego": "not rego"}) == []
