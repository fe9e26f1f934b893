"""Mutants are real changes, a weak test lets one live, and what lives is shown with its line."""

import json
from pathlib import Path

import pytest
import regorus

from gateway.errors import OfficerError
from gateway.policy import mutate
from gateway.policy.bundle import read
from gateway.policy.mutants import Mutant, of_policy
from gateway.policy.table_mutants import of_tables

POLICIES = Path(__file__).resolve().parent.parent / "policies"
WEAK = """\
package exchange

default decision := {"verdict": "refuse", "objections": []}

decision := {"verdict": "allow", "objections": []} if count(objections) == 0

decision := {"verdict": "refuse", "objections": [{"rule": rule} | some rule in objections]} if {
	count(objections) > 0
}

objections contains "a.late" if input.end <= input.now

objections contains "a.kind" if not input.kind in data.taxonomy.kinds
"""
TESTS = """\
package exchange_test

import data.exchange

sound := {"end": 3, "now": 1, "kind": "x"}

test_sound if exchange.decision == {"verdict": "allow", "objections": []} with input as sound

test_late if exchange.objections == {"a.late"} with input as object.union(sound, {"now": 4})

test_kind if exchange.objections == {"a.kind"} with input as object.union(sound, {"kind": "y"})
"""
BOUNDARY = """
test_at_the_end if exchange.objections == {"a.late"} with input as object.union(sound, {"now": 3})

test_refused if exchange.decision.verdict == "refuse" with input as {}
"""


@pytest.fixture
def policies(tmp_path):
    """A folder of policies of one rule file, whose tests forget the boundary."""
    folder = tmp_path / "policies"
    for name in ("exchange", "taxonomy", "samples"):
        (folder / name).mkdir(parents=True)
    (folder / "exchange" / "a.rego").write_text(WEAK)
    (folder / "exchange" / "a_test.rego").write_text(TESTS)
    (folder / "taxonomy" / "kinds.json").write_text('{"kinds": ["x"], "kinds_comment": "words"}')
    (folder / "samples" / "s.json").write_text('{"comment": "none"}')
    return folder


def judged(policies: Path, *, workers: int = 0, known: Path | None = None) -> mutate.Report:
    bundle = read(policies)
    mutants = mutate.mutants_of(bundle, "exchange")
    suite = mutate.suite_of(bundle, policies / "exchange")
    fates = mutate.judge(suite, mutants, workers=workers)
    return mutate.report(fates, mutate.read_known(known or policies / "none"), whole=True)


def changes(text: str) -> set[tuple[str, str]]:
    return {(one.place, one.change) for one in of_policy("a.rego", f"package a\n\n{text}\n")}


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("r if input.x == 1", "== -> !="),
        ("r if input.x != 1", "!= -> =="),
        ("r if input.x < 1", "< -> <="),
        ("r if input.x <= 1", "<= -> <"),
        ("r if input.x > 1", "> -> >="),
        ("r if input.x >= 1", ">= -> >"),
        ("r if input.x == 1", "1 -> 2"),
        ("r if input.x == 1", "1 -> 0"),
        ("r if not input.x", "not removed"),
        ("r if input.x", "not added"),
        ("r if input.x", "dropped: input.x"),
        ("r if input.x", "a definition of r removed"),
        ('r := "s"', "a definition of r removed"),
        ('r := "s"', '"s" -> "s~"'),
        ("r if regex.match(`s`, input.x)", '"s" -> "s~"'),
        ("r := true", "true -> false"),
        ("r := {x | some x in input.y}", "some over nothing"),
        ("r if { every x in input.y { x > 1 } }", "every over nothing"),
        ("r := input.a | input.b", "| -> &"),
        ("r := input.a & input.b", "& -> |"),
        ("r := input.a - input.b", "- -> +"),
        ("r := input.a + input.b", "+ -> -"),
        ("r := min(input.x)", "min -> max"),
        ("default r := {}", "default of r removed"),
        ("r := 1 if { input.x } else := 2 if { input.y }", "dropped: input.y"),
    ],
)
def test_every_kind_of_change(text, change):
    assert ("3", change) in changes(text)


def test_every_mutant_of_our_policies_is_a_change_that_parses():
    broken = []
    for path in sorted((POLICIES / "exchange").glob("*.rego")):
        if path.name.endswith("_test.rego"):
            continue
        text = path.read_text()
        mutants = of_policy(path.name, text)
        assert len({mutant.text for mutant in mutants}) == len(mutants)
        for mutant in mutants[::20]:
            assert mutant.text != text
            assert mutant.source == text.split("\n")[int(mutant.place) - 1].strip()
            try:
                regorus.Engine().add_policy(path.name, mutant.text)
            except RuntimeError:
                broken.append((path.name, mutant.place, mutant.change))
    assert broken == []


@pytest.mark.parametrize("object_", ['{"a": "b"}', '{"a": 1, "b": {"c": "d"}}', '["a", {"b": 1}]'])
def test_an_object_is_replaced_whole_and_strings_keep_their_quotes(object_):
    for text in (f"package a\n\nr if input.x == {object_}\n", f"package a\n\nr if {object_}.a\n"):
        made = {one.change.partition(":")[0]: one.text for one in of_policy("a.rego", text)}

        assert made["dropped"] == "package a\n\nr if true\n"
        assert made["not added"] == text.replace(" if ", " if not ")


def test_a_statement_that_names_what_others_use_is_not_dropped():
    used = changes("r contains x if {\n\tsome x in input.y\n\tx > 1\n}")
    unused = changes("r if {\n\tsome _ in input.y\n\tz := 1\n\tinput.k\n}")

    assert not any("dropped: some" in change for _, change in used)
    assert {change for _, change in unused if change.startswith("dropped")} == {
        "dropped: some _ in input.y",
        "dropped: z := 1",
        "dropped: input.k",
    }


def test_a_policy_that_is_none_is_named():
    with pytest.raises(OfficerError) as told:
        of_policy("a.rego", "package a\n\nr if {")

    assert (told.value.rule, told.value.at) == ("policy.not_rego", "a.rego")


def test_what_no_test_notices_survives_and_is_shown_with_its_line(policies):
    report = judged(policies)

    shown = list(report.lines())
    assert any(line.startswith("exchange/a.rego:11: <= -> <: ") for line in shown)
    assert report.killed > 5
    assert report.unbuilt == 0
    assert not report.sound


def test_a_test_more_and_it_does_not(policies):
    before = judged(policies)
    with (policies / "exchange" / "a_test.rego").open("a") as tests:
        tests.write(BOUNDARY)

    report = judged(policies)

    assert len(report.survived) < len(before.survived)
    assert not any(one.change == "<= -> <" for one in report.survived)
    assert report.percent > before.percent


def test_processes_find_what_one_finds(policies):
    assert judged(policies, workers=2) == judged(policies)


def test_a_sample_kills_what_the_tests_do_not(policies):
    before = judged(policies)
    question = {"context": {"now": "2026-01-01T00:00:00Z"}, "end": 1, "now": 1, "kind": "x"}
    sample = {"s": {"question": question, "verdict": "refuse", "rules": ["a.late"]}}
    (policies / "samples" / "s.json").write_text(json.dumps(sample))

    report = judged(policies)

    assert report.killed > before.killed


def test_an_equivalent_mutant_is_listed_with_its_reason(policies, tmp_path):
    source = 'objections contains "a.late" if input.end <= input.now'
    entry = {"file": "exchange/a.rego", "source": source, "change": "<= -> <",
             "reason": "Nobody asks at the very second, and this is only a test."}  # fmt: skip
    gone = {**entry, "change": "== -> !="}
    known = tmp_path / "mutants.json"
    known.write_text(json.dumps({"mutants": [entry]}))

    report = judged(policies, known=known)

    assert [one.change for one in report.equivalent] == ["<= -> <"]
    assert report.document()["equivalent"][0]["source"] == source
    known.write_text(json.dumps({"mutants": [entry, gone]}))
    stale = judged(policies, known=known)
    assert len(stale.stale) == 1
    assert not stale.sound
    assert "no longer made" in " ".join(stale.lines())


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("{", "mutate.list"),
        ('{"mutants": [{"file": "a"}]}', "mutate.list"),
        ('{"mutants": [{"file": "a", "source": "b", "change": "c", "reason": "so"}]}',
         "mutate.reason"),
    ],
)  # fmt: skip
def test_a_list_without_reasons_is_refused(tmp_path, content, rule):
    (tmp_path / "mutants.json").write_text(content)

    with pytest.raises(OfficerError) as told:
        mutate.read_known(tmp_path / "mutants.json")

    assert told.value.rule == rule


def test_the_shipped_list_is_one():
    for reason in mutate.read_known(POLICIES / "mutants.json").values():
        assert len(reason.split()) > 5


def test_tests_that_fail_as_they_are_judge_nothing(policies):
    (policies / "exchange" / "b_test.rego").write_text("package b_test\n\ntest_no if false\n")

    with pytest.raises(OfficerError) as told:
        judged(policies)

    assert (told.value.rule, told.value.at) == ("mutate.baseline", "data.b_test.test_no")


def test_what_no_engine_would_load_is_not_counted(policies):
    bundle = read(policies)
    broken = Mutant("exchange/b.rego", "3", "", "", "package exchange\n\nr := g(1)\n")
    suite = mutate.suite_of(bundle, policies / "exchange")

    report = mutate.report(mutate.judge(suite, [broken], workers=0), {}, whole=False)

    assert (report.unbuilt, report.killed, report.survived) == (1, 0, ())
    assert report.percent == report.percent_tables == 100


def test_a_sample_of_mutants_is_the_same_for_one_seed(policies):
    mutants = mutate.mutants_of(read(policies), "exchange")

    assert mutate.sampled(mutants, None, seed=1) == mutants
    assert mutate.sampled(mutants, 5, seed=1) == mutate.sampled(mutants, 5, seed=1)
    assert mutate.sampled(mutants, 5, seed=1) != mutate.sampled(mutants, 5, seed=2)


# Tables


def test_table_entries_are_removed_and_cells_opened():
    taxonomy = {
        "fixes": {"a": "words"},
        "kinds": ["x"],
        "deep": {"list": ["p"], "flag": True, "number": 3, "label": "words", "none": []},
        "deep_comment": "words",
        "fields": {"person": {"name": "plain", "sex": "plain"}},
        "matrices": {"use": {"person": {"name": "keep"}}},
    }

    mutants = of_tables({"taxonomy": taxonomy, "samples": {}}, most=100, seed=0)

    assert {(one.place, one.change) for one in mutants} == {
        ("kinds.0", "entry removed"),
        ("deep.list.0", "entry removed"),
        ("deep.flag", "true -> false"),
        ("deep.number", "3 -> 4"),
        ("deep.none", "entry removed"),
        ("fields.person.name", "entry removed"),
        ("fields.person.sex", "entry removed"),
        ("matrices.use.person.sex", "drop -> keep"),
    }
    opened = next(one for one in mutants if one.place.startswith("matrices"))
    held = json.loads(opened.text)["taxonomy"]["matrices"]["use"]["person"]
    assert held == {"name": "keep", "sex": "keep"}


def test_of_a_long_table_a_seeded_sample_is_taken():
    data = {"taxonomy": {"long": [str(number) for number in range(100)]}, "samples": {}}

    some = of_tables(data, most=10, seed=1)

    assert len(some) == 10
    assert some == of_tables(data, most=10, seed=1) != of_tables(data, most=10, seed=2)
