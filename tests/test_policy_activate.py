"""A bundle comes into force tested, replayed and approved, or not at all."""

import json
import shutil

import pytest
import typer
from typer.testing import CliRunner

from gateway import activation, session
from gateway.activation import activate, read_report
from gateway.approval import approve
from gateway.bundle_named import named
from gateway.deployment import read_deployment, read_keys
from gateway.errors import CorridorError, OfficerError
from gateway.log import Log
from gateway.log_standing import digest_of
from gateway.replay import Scope, replay, report_digest, written
from gateway.replay_reading import recorded
from gateway.signing import read_private
from tests.replayed import DECISION, TEST, bundle, deployed, policies

REASON = "Seen the replay; it narrows as we want."
DPO, PROGRAMME = ("dpo-1", "dpo"), ("programme-1", "programme")
NARROW = 'package local\n\nobjections contains {"rule": "local.stop", "fix": "Ask."}\n'


@pytest.fixture(scope="module")
def prepared_log(tmp_path_factory):
    """A deployment whose log a small policy answered, and that policy's folder."""
    folder = tmp_path_factory.mktemp("activate")
    deployed(folder / "demo", bundle(folder / "policies"), count=60, distinct=6)
    return folder


@pytest.fixture
def place(prepared_log, tmp_path):
    return shutil.copytree(prepared_log, tmp_path / "place")


class Officers:
    """What officers do, in order, on one deployment."""

    def __init__(self, place, policies_, *, cases=8):
        self.place, self.directory = place, place / "demo"
        self.deployment = read_deployment(self.directory)
        self.named = named(str(policies_), self.deployment)
        self.bundle = self.named.bundle
        self.report = place / "report.json"
        self.cases = cases

    def replay(self, **scope):
        with recorded(self.deployment.data, self.deployment.vkey()) as log:
            made = replay(log, self.bundle, Scope(cases=self.cases, **scope))
        self.report.write_bytes(written(made))
        return made

    def approve(self, *officers, digest="", report="", subject="policy"):
        seen = report or report_digest(json.loads(self.report.read_bytes()))
        for name, role in officers:
            signed = approve(
                what="policy", subject=subject, digest=digest or self.bundle.revision,
                report=seen, officer=f"officer:{name}", role=role, at=activation.now(),
                reason=REASON, key=read_private(self.directory / f"{name}.jwk"),
            )  # fmt: skip
            (self.place / f"{name}.jws").write_text(signed)
        return [self.place / f"{name}.jws" for name, _ in officers]

    def activate(self, approvals):
        return activate(self.deployment, self.named, self.report, approvals)

    def all(self, *officers, **scope):
        self.replay(**scope)
        return self.activate(self.approve(*officers))

    def standing(self):
        with recorded(self.deployment.data, self.deployment.vkey()) as log:
            return log.standing()


def refused(step, *arguments) -> CorridorError:
    with pytest.raises(CorridorError) as caught:
        step(*arguments)
    return caught.value


@pytest.fixture
def first(place):
    """The policy that answered, now in force."""
    officers = Officers(place, place / "policies")
    assert officers.all(DPO, PROGRAMME).index is not None
    return officers


def local(place, text=NARROW):
    (place / "demo" / "policies").mkdir(exist_ok=True)
    (place / "demo" / "policies" / "own.rego").write_text(text)
    return Officers(place, place / "policies")


def test_the_first_activation_needs_two_people(place):
    officers = Officers(place, place / "policies")
    officers.replay()

    one = refused(officers.activate, officers.approve(DPO))
    same_role = refused(officers.activate, officers.approve(DPO, ("dpo-2", "dpo")))
    nobody = refused(officers.activate, [])
    assert {error.rule for error in (one, same_role, nobody)} == {"activate.people"}
    assert "no bundle was activated before" in one.problem
    assert officers.standing() == ""

    done = officers.activate(officers.approve(DPO, PROGRAMME))
    assert officers.standing() == done.revision == officers.bundle.revision
    assert done.signers == ("officer:dpo-1", "officer:programme-1")


def test_the_entry_names_everything_it_rests_on(first):
    with recorded(first.deployment.data, first.deployment.vkey()) as log:
        [(index, entry)] = log.activations()
        kept = {digest: log.document(digest) for digest in entry["documents"]}

    report, paths = first.report.read_bytes(), sorted(first.place.glob("*.jws"))
    assert list(kept.values()) == [first.bundle.packed(), report, *(p.read_bytes() for p in paths)]
    assert list(kept) == [digest_of(one) for one in kept.values()]
    assert entry["digest"] == first.bundle.revision
    assert entry["signers"] == ["officer:dpo-1", "officer:programme-1"]
    assert entry["subject"] == {
        "id": "policy", "version": first.bundle.revision[7:19], "state": "active",
    }  # fmt: skip
    assert index > 60


def test_the_gateway_answers_from_it_and_not_from_the_folders(first):
    keys = read_keys(first.directory)
    with Log.open(first.deployment.data, key=keys.log, gateway="demo-1") as log:
        assert session.standing_bundle(first.deployment, log) == first.bundle
    assert session.bundle_of(first.deployment).revision != first.bundle.revision


def test_to_activate_it_again_does_nothing(first):
    before = (first.deployment.data / "log.sqlite").read_bytes()

    again = first.activate([])

    assert (again.revision, again.index) == (first.bundle.revision, None)
    assert (first.deployment.data / "log.sqlite").read_bytes() == before


def test_one_officer_narrows_the_operators_own_policy(first, place):
    narrower = local(place)

    done = narrower.all(DPO)

    assert narrower.standing() == done.revision != first.bundle.revision


def test_what_goes_back_to_wider_needs_two(first, place):
    local(place).all(DPO)
    shutil.rmtree(place / "demo" / "policies")
    wider = Officers(place, place / "policies", cases=0)
    report = wider.replay()
    # Every transfer was answered before it was narrowed; what is left is what holds now.
    assert not report["widens"]
    assert report["corpus"]["widened"] > 0

    one = refused(wider.activate, wider.approve(DPO))

    assert one.rule == "activate.people"
    assert "something widens" in one.problem
    assert wider.activate(wider.approve(DPO, PROGRAMME)).index


def test_a_change_of_the_shipped_tables_needs_two(first, place):
    """Though it narrows: red lines and thresholds are changed by two."""
    stricter = Officers(place, policies(place / "stricter", k=9))
    assert not stricter.replay()["widens"]

    one = refused(stricter.activate, stricter.approve(DPO))

    assert (one.rule, "more changes than" in one.problem) == ("activate.people", True)
    assert stricter.activate(stricter.approve(DPO, PROGRAMME)).index


def test_approvals_must_be_of_this_bundle_and_this_report(first, place):
    narrower = local(place)
    narrower.replay()
    other = "sha256:" + "0" * 64

    assert refused(narrower.activate, narrower.approve(DPO, digest=other)).rule == "approval.digest"
    assert refused(narrower.activate, narrower.approve(DPO, report=other)).rule == "approval.report"
    assert refused(narrower.activate, [place / "none.jws"]).rule == "approval.unreadable"
    assert narrower.standing() == first.bundle.revision


def test_a_report_that_was_edited_is_not_believed(first, place):
    wider = Officers(place, policies(place / "wider", barred=[]))
    report = wider.replay()
    report["differences"], report["widens"] = [], False
    report["corpus"] |= {"widened": 0, "differences": []}
    wider.report.write_bytes(written(report))

    error = refused(wider.activate, wider.approve(DPO, PROGRAMME))

    assert error.rule == "replay.stale"
    assert wider.standing() == first.bundle.revision


def test_what_was_logged_since_the_replay_must_not_widen(first, place):
    """The report is of the log's first entry only, so all transfers came since."""
    local(place).all(DPO)
    shutil.rmtree(place / "demo" / "policies")
    wider = Officers(place, place / "policies", cases=0)
    with recorded(wider.deployment.data, wider.deployment.vkey()) as log:
        begun = replay(log, wider.bundle, Scope(size=1, cases=0))
    wider.report.write_bytes(written(begun))
    # The recorded answers are those of the first bundle: nothing widens, and it is allowed.
    assert wider.activate(wider.approve(DPO, PROGRAMME)).index

    looser = Officers(place, policies(place / "looser", barred=[]), cases=0)
    with recorded(looser.deployment.data, looser.deployment.vkey()) as log:
        begun = replay(log, looser.bundle, Scope(size=1, cases=0))
        whole = replay(log, looser.bundle, Scope(cases=0))
    assert whole["widens"]
    looser.report.write_bytes(written(begun))
    error = refused(looser.activate, looser.approve(DPO, PROGRAMME))
    assert (error.rule, "since" in error.problem) == ("replay.stale", True)


def test_transfers_that_cannot_be_replayed_need_two(first, place, monkeypatch):
    narrower = local(place)
    report = narrower.replay()
    report["not_replayable"] = {"older": 1, "bundle": 0, "question": 0}

    with pytest.raises(OfficerError) as caught:
        activation.enough([_one()], report, first.bundle, narrower.bundle)

    assert "not known of every transfer" in caught.value.problem


def _one():
    from gateway.approval import Approval

    return Approval("policy", "policy", "", "", "officer:dpo-1", "dpo", "", REASON, b"")


def test_a_bundle_whose_tests_fail_stays_out(first, place):
    folder = policies(place / "broken")
    failing = TEST + '\ntest_all_is_well if data.exchange.decision.verdict == "allow"\n'
    (folder / "exchange" / "decision_test.rego").write_text(failing)
    broken = Officers(place, folder)
    broken.replay()
    # The same bundle as before, as far as an engine sees: only its tests differ.
    assert broken.activate([]).index is None

    (folder / "taxonomy" / "all.json").write_text(
        (folder / "taxonomy" / "all.json").read_text().replace('"k": 5', '"k": 6')
    )
    broken = Officers(place, folder)
    broken.replay()
    error = refused(broken.activate, broken.approve(DPO, PROGRAMME))
    assert (error.rule, error.at) == ("activate.tests", "data.exchange_test.test_all_is_well")


def test_the_operators_own_tests_are_run(first, place):
    narrower = local(place)
    (place / "demo" / "policies" / "own_test.rego").write_text(
        "package local_test\n\ntest_nothing_is_narrowed if count(data.local.objections) == 0\n"
    )
    narrower.replay()

    error = refused(narrower.activate, narrower.approve(DPO))

    assert (error.rule, error.at) == ("activate.tests", "data.local_test.test_nothing_is_narrowed")


@pytest.mark.parametrize(
    ("text", "rule", "at"),
    [
        ("package exchange\n\ndecision := {", "bundle.policy", "exchange/decision.rego:3"),
        (DECISION + "\nmore := time.now_ns()\n", "bundle.policy", "exchange/decision.rego:"),
    ],
)
def test_what_is_not_rego_is_named_with_its_line(place, text, rule, at):
    folder = policies(place / "odd", decision=text)

    error = refused(Officers, place, folder)

    assert (error.rule, error.at[: len(at)]) == (rule, at)


def test_a_bundle_that_does_not_answer_its_samples_stays_out(first, place):
    folder = policies(place / "odd", decision=DECISION.replace("records.none", "records.few"))
    odd = Officers(place, folder)

    assert refused(odd.replay).rule == "policy.self_test"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda report: b"",
        lambda report: b"{",
        lambda report: json.dumps(report, indent=1).encode(),
        lambda report: written({**report, "form": "corridor/replay/v0"}),
        lambda report: written({**report, "more": 1}),
        lambda report: written({**report, "to": "sha256:" + "0" * 64}),
        lambda report: written({**report, "since": "yesterday"}),
        lambda report: written({**report, "corpus": {}}),
        lambda report: written({**report, "log": []}),
    ],
)
def test_a_report_is_one_of_ours_or_none(first, spoil):
    report = json.loads(first.report.read_bytes())
    first.report.write_bytes(spoil(report))

    with pytest.raises(OfficerError) as caught:
        read_report(first.report, first.bundle)

    assert caught.value.rule in ("replay.form", "replay.bundle")


def test_a_report_of_another_log_is_none_of_this(first, place):
    narrower = local(place)
    report = narrower.replay()
    narrower.report.write_bytes(written({**report, "log": {**report["log"], "origin": "other"}}))

    assert refused(narrower.activate, narrower.approve(DPO)).rule == "replay.log"


def test_two_activations_at_once(first, place, monkeypatch):
    """The second was checked against what no longer stands."""
    narrower = local(place)
    report = narrower.replay()

    error = refused(activation._logged, narrower.deployment, narrower.bundle, report, [], "")

    assert error.rule == "activate.superseded"


def test_a_bundle_in_force_that_is_not_kept_is_an_error(first, place, tmp_path):
    from tests.test_replay import _changed

    _changed(first.deployment, "DELETE FROM document WHERE kind = 'bundle'")
    narrower = local(place)
    narrower.replay()

    assert refused(narrower.activate, narrower.approve(DPO)).rule == "bundle.lost"


def test_folders_that_cannot_be_read_are_no_help(place):
    local(place)
    (place / "demo" / "policies" / "own.rego").write_text("package local\n\nnarrow := {")
    deployment = read_deployment(place / "demo")

    assert activation.folders(deployment) == []


def test_the_commands(place, tmp_path):
    """Replay, approve twice, activate, list: as an officer types them."""
    app = typer.Typer()
    from gateway.cli_policy_change import register

    register(app)

    def run(*arguments, code=0):
        done = CliRunner().invoke(app, [str(one) for one in arguments])
        assert done.exit_code == code, done.output
        return done.stdout

    demo, new, out = place / "demo", place / "policies", tmp_path / "r.json"
    common = ("-d", demo, "--bundle", new)
    run("replay", *common, "--since", "all", "--cases", "0", "--out", out)
    for name, role in (DPO, PROGRAMME):
        told = run(
            "approve", *common, "--replay", out, "--as", f"officer:{name}", "--role", role,
            "--key", demo / f"{name}.jwk", "--reason", REASON, "--out", tmp_path / name,
        )  # fmt: skip
        assert "widens nothing" in told
    run("activate", *common, "--replay", out, "--approval", tmp_path / "dpo-1", code=1)
    approvals = ("--approval", tmp_path / "dpo-1", "--approval", tmp_path / "programme-1")
    told = run("activate", *common, "--replay", out, *approvals)
    revision = named(str(new), read_deployment(demo)).bundle.revision
    assert revision in told
    assert "officer:dpo-1, officer:programme-1" in told
    assert "already active" in run("activate", *common, "--replay", out)
    [listed] = json.loads(run("list", "-d", demo, "--json"))
    assert (listed["revision"], listed["signers"]) == (
        revision, ["officer:dpo-1", "officer:programme-1"],
    )  # fmt: skip
    assert "officer:dpo-1" in run("list", "-d", demo)
