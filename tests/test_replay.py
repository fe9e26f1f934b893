"""What a change would have changed: exact, from the log alone, and only from a log that holds."""

import json
from collections import Counter

import apsw
import pytest
import typer
from typer.testing import CliRunner

from bench.replay import check, counted
from gateway import entry, session
from gateway.cli_policy_change import register
from gateway.deployment import read_deployment, read_keys
from gateway.errors import GatewayError, OfficerError
from gateway.log import Log
from gateway.log_file import FILE
from gateway.log_snapshot import open_unchanging
from gateway.policy import Bundle
from gateway.replay import Scope, replay, report_digest, since_of, totals, unknown, widens, written
from gateway.replay_reading import recorded
from tests.replayed import bundle, deployed, policies

TRANSFERS = 2_000
QUESTIONS = 25
ALONE = Scope(cases=0)


@pytest.fixture(scope="module")
def old(tmp_path_factory) -> Bundle:
    return bundle(tmp_path_factory.mktemp("old"))


@pytest.fixture(scope="module")
def logged(tmp_path_factory, old):
    """A deployment whose log nobody changes."""
    return deployed(
        tmp_path_factory.mktemp("logged") / "demo", old, count=TRANSFERS, distinct=QUESTIONS
    )


def replayed(deployment, new, scope=ALONE, **options):
    with recorded(deployment.data, deployment.vkey()) as log:
        return replay(log, new, scope, **options)


def test_a_large_log_is_read_while_generated_questions_are_decided(
    logged, old, tmp_path, monkeypatch
):
    new = bundle(tmp_path, barred=["hum.account.audit"])
    scope = Scope(cases=60)
    before = replayed(logged, new, scope)
    monkeypatch.setattr("gateway.replay.LARGE", 1)

    assert replayed(logged, new, scope) == before
    monkeypatch.setattr("gateway.replay_reading.Recorded.active", lambda _: old.revision + "0")
    assert replayed(logged, new, scope) == before, "nothing known beforehand"


def run(*arguments: str):
    app = typer.Typer()
    register(app)
    return CliRunner().invoke(app, [*arguments])


def test_the_difference_is_exact(logged, old, tmp_path):
    """Every figure, against deciding transfers one by one."""
    new = bundle(
        tmp_path, barred=["hum.account.audit", "hum.assist.dedup"], ends="2026-03-01T00:00:00Z"
    )

    report = replayed(logged, new)

    drawn, stretch = check(logged, old, new, report, sample=150)
    assert drawn == 150
    assert stretch > 1
    assert report["counted"] == TRANSFERS
    assert not report["widens"]
    assert sum(counted(report).values()) == sum(row["transfers"] for row in report["differences"])
    assert {"transfer.lost", "rule.gained"} <= totals(report, lambda row: "")[""].keys()


def test_processes_find_what_one_process_finds(logged, tmp_path):
    new = bundle(tmp_path, leaving={"person": {"record_id": "keep", "birth_date": "keep"}})
    scope = Scope(cases=120)

    alone = replayed(logged, new, scope, workers=1)
    together = replayed(logged, new, scope, workers=2)

    assert written(alone) == written(together)
    assert alone["corpus"]["tried"] == 121
    assert alone["corpus"]["widened"] > 0


def test_the_same_bundle_changes_nothing(logged, old):
    report = replayed(logged, old, Scope())

    assert (report["differences"], report["counted"], unknown(report)) == ([], TRANSFERS, 0)
    assert report["corpus"] == {
        "seed": "1", "cases": 0, "tried": 0, "widened": 0, "differences": [],
    }  # fmt: skip
    assert report["from"] == [old.revision] == [report["to"]]


def test_what_no_transfer_shows_is_found_by_trying(old, tmp_path):
    """The log holds no transfer at all, yet the change widens."""
    deployment = deployed(tmp_path / "demo", old, count=1, distinct=1)

    report = replayed(deployment, bundle(tmp_path / "new", held=[]), Scope(cases=150))

    assert not report["widens"]
    assert report["corpus"]["tried"] == 151
    assert report["corpus"]["widened"] > 0
    assert widens(report)
    kinds = {one["kind"] for one in report["corpus"]["differences"] if one["widens"]}
    assert "transfer.gained" in kinds


def test_a_window_begins_at_its_instant(logged, tmp_path):
    new = bundle(tmp_path, ends="2026-03-01T00:00:00Z")
    with open_unchanging(logged.data / FILE) as connection:
        said = [
            (index, json.loads(leaf))
            for index, leaf in connection.execute("SELECT idx, leaf FROM entry ORDER BY idx")
        ]
    since = "2026-04-01T00:00:00Z"
    expected = [i for i, one in said if one["time"] >= 1775001600000 and one["type"] == "transfer"]

    report = replayed(logged, new, Scope(since=since, cases=0))

    assert 0 < report["counted"] == len(expected) < TRANSFERS
    assert report["since"] == since


def test_the_report_names_the_log_as_it_was_signed(logged, tmp_path):
    new = bundle(tmp_path, barred=[])
    with recorded(logged.data, logged.vkey()) as log:
        now = replay(log, new, ALONE)
        first = replay(log, new, Scope(size=1, cases=0))

        with pytest.raises(GatewayError) as refused:
            replay(log, new, Scope(size=2, cases=0))

    assert refused.value.rule == "replay.size"
    assert now["log"]["size"] > first["log"]["size"] == 1
    assert (first["counted"], first["from"]) == (0, [])
    assert report_digest(now) != report_digest(first)


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        (
            "UPDATE entry SET leaf = (SELECT leaf FROM entry WHERE idx = 8) WHERE idx = 9",
            "log.head",
        ),
        ("DELETE FROM entry WHERE idx = 9", "log.incomplete"),
        ("UPDATE document SET value = x'00' WHERE kind = 'question'", "document.digest"),
        ("UPDATE document SET value = x'00' WHERE kind = 'bundle'", "document.digest"),
    ],
)
def test_a_log_that_was_changed_is_not_replayed(old, tmp_path, statement, rule):
    deployment = deployed(tmp_path / "demo", old, count=50, distinct=5)
    _changed(deployment, statement)

    with pytest.raises(GatewayError) as refused:
        replayed(deployment, bundle(tmp_path / "new", barred=[]))

    assert refused.value.rule == rule


def _changed(deployment, statement):
    """Write to the file as somebody does who has no respect for it."""
    connection = apsw.Connection(str(deployment.data / FILE), vfs="unix")
    for name in ("entry_update", "entry_delete", "document_update", "document_delete"):
        connection.execute(f"DROP TRIGGER IF EXISTS {name}")
    connection.execute(statement)
    connection.close()


@pytest.mark.parametrize("kind", ["question", "bundle"])
def test_what_cannot_be_replayed_is_counted_and_said(old, tmp_path, kind):
    deployment = deployed(tmp_path / "demo", old, count=50, distinct=5)
    _changed(deployment, f"DELETE FROM document WHERE kind = '{kind}'")

    report = replayed(deployment, bundle(tmp_path / "new", barred=[]))

    assert report["not_replayable"] == {"older": 0, "bundle": 0, "question": 0} | {kind: 50}
    assert (report["counted"], unknown(report), report["differences"]) == (50, 50, [])


def test_transfers_of_an_older_version_are_counted(deployment):
    """And so is a log without any documents."""
    read = read_deployment(deployment)
    made = entry.transfer(
        gateway="demo-1", outcome="refused", sender={"party": "org:a"},
        recipient={"party": "org:b"}, purpose="hum.rights", rules=["agreement.missing"], count="0",
    )  # fmt: skip
    with Log.open(read.data, key=read_keys(deployment).log, gateway="demo-1") as log:
        log.append(made)
    _changed(read, "DROP TABLE document")

    report = replayed(read, session.bundle_of(read))

    assert report["not_replayable"]["older"] == unknown(report) == 1
    with recorded(read.data, read.vkey()) as log:
        assert (log.standing(), list(log.activations())) == ("", [])


def test_a_question_that_breaks_the_new_policy_counts_as_refused(logged, old, tmp_path):
    """Its answer has no known shape for some of the questions."""
    from tests.replayed import DECISION

    broken = DECISION.replace('"max_form": "id",', '"max_form": largest,')
    broken += '\ndefault largest := "id"\n\nlargest := 7 if input.records == "10-99"\n'

    report = replayed(logged, bundle(tmp_path, decision=broken))

    rules = Counter(one["name"] for row in report["differences"] for one in row["changes"]
                    if one["kind"] == "rule.gained")  # fmt: skip
    assert set(rules) == {"policy.answer"}
    assert not report["widens"]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("all", ""),
        ("30d", "2026-10-23T08:00:00Z"),
        ("0d", "2026-11-22T08:00:00Z"),
        ("99999d", "1926-12-17T08:00:00Z"),
        ("2026-01-01", "2026-01-01T00:00:00Z"),
        ("2026-01-01T05:00:00Z", "2026-01-01T05:00:00Z"),
    ],
)
def test_since_is_an_instant(text, instant):
    assert since_of(text, "2026-11-22T08:00:00Z") == instant


@pytest.mark.parametrize(
    "text", ["", "d", "-1d", "30", "1.5d", "yesterday", "2026-13-01", "1000000d"]
)
def test_since_is_never_guessed(text):
    with pytest.raises(OfficerError) as refused:
        since_of(text, "2026-11-22T08:00:00Z")

    assert refused.value.rule == "replay.since"


def test_the_command_shows_and_writes_the_difference(logged, tmp_path):
    narrower = policies(tmp_path / "narrower", ends="2026-03-01T00:00:00Z", k=9)
    out = tmp_path / "report.json"

    done = run(
        "replay", "-d", str(logged.directory), "--bundle", str(narrower), "--since", "all",
        "--cases", "50", "--out", str(out),
    )  # fmt: skip

    assert done.exit_code == 0, done.output
    assert "nothing widens" in done.stdout
    assert "now refused" in done.stdout
    assert "agreement.expired" in done.stdout
    report = json.loads(out.read_bytes())
    assert written(report) == out.read_bytes()
    assert report_digest(report) in done.stdout


def test_the_command_exits_1_when_something_widens(logged, tmp_path):
    wider = policies(
        tmp_path / "wider", barred=[], held=[], k=0, obligations=[],
        leaving={"person": {"record_id": "keep", "birth_date": "keep", "sex": "keep"}},
    )  # fmt: skip

    done = run("replay", "-d", str(logged.directory), "--bundle", str(wider), "--since", "all",
               "--cases", "60")  # fmt: skip
    told = run("replay", "-d", str(logged.directory), "--bundle", str(wider), "--since", "all",
               "--cases", "60", "--json")  # fmt: skip

    assert (done.exit_code, told.exit_code) == (1, 1)
    assert "something widens" in done.stdout
    assert "now allowed" in done.stdout
    assert json.loads(told.stdout)["widens"]


def test_the_shipped_policies_over_a_transfer_of_the_demo(deployment, payload, tmp_path):
    """The whole way: a real transfer, its own recorded question, a rule of the operator."""
    from tests.test_opa_engine import carried

    carried(deployment, payload)
    before = session.bundle_of(read_deployment(deployment))
    (deployment / "policies").mkdir(exist_ok=True)
    (deployment / "policies" / "own.rego").write_text(
        'package local\n\nnarrow := {"person": {"sex": "drop"}}\n'
    )
    read = read_deployment(deployment)

    report = replayed(read, session.bundle_of(read), known=lambda: [before])

    [row] = report["differences"]
    assert row["transfers"] == 1
    assert [one["kind"] for one in row["changes"]] == ["field.lost"]
    assert row["changes"][0]["name"] == "person.sex"
    assert not row["widens"]
