"""`corridor policy explain`: a question, or a transfer by what the log has of it."""

import json
import sys
import zlib
from pathlib import Path

import apsw
import pytest
from typer.testing import CliRunner

from gateway import recorded, start
from gateway.canonical import digest
from gateway.cli import app
from gateway.errors import GatewayError, OfficerError
from gateway.explained import explained
from gateway.policy.bundle import Bundle, gathered
from gateway.policy.bundle import read as read_bundle
from gateway.policy.faults import PolicyError

POLICIES = Path(__file__).resolve().parent.parent / "policies"
BUNDLE = read_bundle(POLICIES)
SAMPLES = {sample.name: sample for sample in BUNDLE.samples}


@pytest.fixture
def asked(tmp_path):
    file = tmp_path / "question.json"
    file.write_bytes(SAMPLES["no_agreement"].question.canonical)
    return file


def test_gathered_is_what_is_read():
    assert gathered(POLICIES) == BUNDLE


def test_a_folder_without_policies_and_broken_tables_are_named(tmp_path):
    with pytest.raises(OfficerError, match="no policies"):
        gathered(tmp_path)
    (tmp_path / "exchange").mkdir()
    (tmp_path / "taxonomy").mkdir()
    (tmp_path / "taxonomy" / "a.json").write_text("{")
    with pytest.raises(OfficerError, match="not a table"):
        gathered(tmp_path)
    (tmp_path / "taxonomy" / "a.json").write_text('{"x": 1}')
    (tmp_path / "taxonomy" / "b.json").write_text('{"x": 1}')
    with pytest.raises(OfficerError, match="given twice"):
        gathered(tmp_path)


def test_a_question_is_answered_by_the_policies_that_come_with_corridor(asked):
    document = json.loads(explained(str(asked), None, json=True))

    assert (document["verdict"], document["bundle"]) == ("refuse", BUNDLE.revision)
    assert explained(str(asked), None, json=False).startswith("REFUSED")


def test_a_deployments_own_policy_is_asked_too(asked, tmp_path):
    local = tmp_path / "here" / "policies"
    local.mkdir(parents=True)
    (local / "own.rego").write_text(
        'package local\n\nobjections contains {"rule": "local.no", "fix": "Ask us."}\n'
    )

    document = json.loads(explained(str(asked), tmp_path / "here", json=True))

    own = next(one for one in document["objections"] if one["rule"] == "local.no")
    assert own["fix"] == "Ask us."


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("none.json", None, "explain.file"),
        ("bad.json", b"{", "explain.file"),
        ("list.json", b"[]", "question.shape"),
    ],
)
def test_a_file_that_is_no_question_is_refused(tmp_path, name, content, rule):
    if content is not None:
        (tmp_path / name).write_bytes(content)

    with pytest.raises((OfficerError, PolicyError)) as told:
        explained(str(tmp_path / name), None, json=False)

    assert told.value.rule == rule


def test_a_transfer_needs_a_log(tmp_path):
    with pytest.raises(OfficerError) as told:
        explained("tr-1", None, json=False)
    assert told.value.rule == "explain.no_log"
    with pytest.raises(GatewayError) as missing:
        explained("tr-1", tmp_path, json=False)
    assert missing.value.rule == "log.missing"


@pytest.mark.parametrize(
    "arguments", [[], ["--help"], ["a.json", "b.json"], ["a.json", "-d"], ["a.json", "--what"]]
)
def test_the_quick_way_leaves_everything_unclear_to_the_long_one(arguments):
    assert start.quick(arguments) is None


def test_the_quick_way_and_the_long_one_say_the_same(asked, capsys, monkeypatch):
    assert start.quick([str(asked), "--json"]) == 0
    quick = capsys.readouterr().out
    long = CliRunner().invoke(app, ["policy", "explain", str(asked), "--json"])

    assert (long.exit_code, long.stdout) == (0, quick)
    monkeypatch.setattr(sys, "argv", ["corridor", "policy", "explain", str(asked)])
    with pytest.raises(SystemExit) as left:
        start.main()
    assert left.value.code == 0


def test_the_quick_way_names_what_is_wrong(tmp_path, capsys):
    assert start.quick([str(tmp_path / "none.json"), "-d", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "corridor: no such file at none.json (explain.file)\n"


def test_any_other_command_goes_the_long_way(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["corridor", "policy", "explain", "--help"])

    with pytest.raises(SystemExit) as left:
        start.main()

    assert left.value.code == 0
    assert "TRANSFER|QUESTION.json" in capsys.readouterr().out


# A transfer in the log


@pytest.fixture
def carried(deployment, tmp_path):
    """A deployment, and the id of a transfer that went through it."""
    arguments = [
        "exchange", deployment / "payloads" / "households.json", "-d", deployment,
        "--format", "kobo", "--agreement", "agr:registration-2026",
        "--purpose", "hum.assist.registration", "--json",
        "--out", tmp_path / "out", "--receipt", tmp_path / "receipt",
    ]  # fmt: skip
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    return deployment, json.loads(result.stdout)["transfer"], json.loads(result.stdout)["outcome"]


def test_a_transfer_is_explained_by_what_was_recorded(carried):
    deployment, transfer, outcome = carried

    document = json.loads(explained(transfer, deployment, json=True))

    verdict = {"released": "allow", "held": "pending", "refused": "refuse"}[outcome]
    assert document["verdict"] == verdict
    question, bundle = recorded.asked(deployment / "data", transfer, lambda: BUNDLE)
    assert (document["question"], document["bundle"]) == (question.digest, bundle.revision)


def test_only_the_bundle_that_answered_explains(carried):
    deployment, transfer, _ = carried
    _, found = recorded.asked(deployment / "data", transfer, lambda: BUNDLE)
    other = Bundle(BUNDLE.policies[1:], BUNDLE.data)

    assert found.revision == BUNDLE.revision
    _rewritten(deployment, "DELETE FROM document WHERE kind = 'bundle'")
    with pytest.raises(GatewayError) as told:
        recorded.asked(deployment / "data", transfer, lambda: other)
    assert told.value.rule == "explain.lost"


def test_a_bundle_that_is_kept_is_found_when_the_folders_have_another(carried):
    deployment, transfer, _ = carried
    other = Bundle(BUNDLE.policies[1:], BUNDLE.data)
    _keep(deployment, BUNDLE)
    _keep(deployment, other)

    _, found = recorded.asked(deployment / "data", transfer, lambda: other)

    assert found == BUNDLE


def test_an_unknown_transfer_is_refused(carried):
    with pytest.raises(OfficerError) as told:
        explained("tr-none", carried[0], json=False)

    assert told.value.rule == "explain.unknown"


def _rewritten(deployment: Path, *statements: str) -> None:
    connection = apsw.Connection(str(deployment / "data" / "log.sqlite"))
    for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'"):
        connection.execute(f"DROP TRIGGER {row[0]}")
    for statement in statements:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("DELETE FROM document WHERE kind = 'question'", "explain.lost"),
        ("UPDATE document SET value = x'00'", "document.digest"),
        ("UPDATE entry SET leaf = CAST(replace(CAST(leaf AS TEXT), '\"at\":\"20', '\"at\":\"21')"
         " AS BLOB)", "explain.question"),
        ("UPDATE entry SET leaf = CAST(replace(CAST(leaf AS TEXT), '\"template\"', '\"tomplate\"')"
         " AS BLOB)", "explain.no_question"),
        ("DROP TABLE entry", "log.unavailable"),
    ],
)  # fmt: skip
def test_a_log_that_was_tampered_with_explains_nothing(carried, statement, rule):
    deployment, transfer, _ = carried
    _rewritten(deployment, statement)

    with pytest.raises((GatewayError, OfficerError)) as told:
        explained(transfer, deployment, json=False)

    assert told.value.rule == rule


def _keep(deployment: Path, bundle: Bundle) -> str:
    name, packed = digest(bundle.packed()), zlib.compress(bundle.packed()).hex()
    _rewritten(
        deployment, f"INSERT OR IGNORE INTO document VALUES ('{name}', 'bundle', x'{packed}')"
    )
    return name


def test_the_activated_bundle_answers_questions(carried, asked):
    deployment, _, _ = carried
    assert recorded.standing(deployment / "data") is None
    other = Bundle((*BUNDLE.policies, ("local/other.rego", "package local\n")), BUNDLE.data)
    row = f"'1', 'active', '{other.revision}', '{_keep(deployment, other)}', 1"
    _rewritten(deployment, f"INSERT INTO standing VALUES ('policy', 'policy', {row})")

    document = json.loads(explained(str(asked), deployment, json=True))

    assert document["bundle"] == other.revision


def test_a_log_of_an_older_version_has_no_bundle(carried):
    deployment, _, _ = carried
    _rewritten(deployment, "DROP TABLE standing", "DELETE FROM document")

    assert recorded.standing(deployment / "data") is None
    assert recorded.standing(deployment) is None
