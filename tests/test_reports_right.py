"""Reports that were wrong once: what an auditor would have believed."""

import json
from contextlib import closing

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pyld import jsonld

from gateway import log_place, log_rotation
from gateway.errors import SenderError
from gateway.high_water import HighWater
from gateway.log import Log
from gateway.reports import Asked, run
from gateway.reports.report import said
from gateway.reports.source import Source
from gateway.reports.written import entries, written
from tests import test_reports
from tests.report_world import DAY, KEY, story
from tests.test_reports import asked_of

told = test_reports.told


def test_unchanged_holds_across_a_new_key(tmp_path):
    data, new = tmp_path / "data", Ed25519PrivateKey.generate()
    with story(data) as one:
        one.transfer()
        now = one.now
    with closing(log_place.open_store(data)) as store, closing(HighWater(data)) as noted:
        log_rotation.rotate(store, noted, KEY, new, gateway="gw", clock=lambda: now)
    with Log.open(data, key=new, gateway="gw", clock=lambda: now) as log:
        answer = run("unchanged", Asked(), log, now).answer
    assert answer.found["checked"] > 3
    assert answer.found["do_not_hold"] == 0


def test_what_never_left_was_not_sent(told):
    donor = {"recipient.kind": "donor"}
    told.transfer(donor)
    told.log.never_left([told.transfer(donor)])
    assert asked_of(told, "sent").found["transfers"] == 1
    assert asked_of(told, "donors").found["with_identified_data"] == 1
    assert asked_of(told, "processing").found["transfers"] == 1
    assert asked_of(told, "evidence").found["transfers"] == 1
    assert asked_of(told, "holdings").found["copies"] == 1
    assert asked_of(told, "offboarding", party="org:b").found["unconfirmed"] == 1


def test_a_transfers_entries_say_what_became_of_it(told):
    one = told.transfer()
    told.log.never_left([one])
    lines = b"".join(entries(Source(told.log, told.now), Asked.of(transfer=one), "json"))
    kinds = [json.loads(line)["entry"]["type"] for line in lines.splitlines()]
    assert kinds == ["transfer", "outcome"]


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("rights", "party"),
        ("sent", "transfer"),
        ("break-glass", "party"),
        ("changes", "purpose"),
        ("decisions", "agreement"),
        ("unchanged", "agreement"),
        ("decision-time", "purpose"),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(told, name, option):
    with pytest.raises(SenderError) as refused:
        asked_of(told, name, **{option: "org:x"})
    assert (refused.value.rule, refused.value.at) == ("report.option", option)


def test_special_as_the_policies_mean_it(told):
    told.transfer(released=["person.nationality:keep", "person.photo_url:keep"])
    told.transfer(released=["case.incident_account:keep"])
    assert asked_of(told, "special-categories").found["without_condition"] == 2


def test_linked_data_is_one_activity_a_basis_in_the_default_graph(told):
    told.transfer()
    told.transfer({"agreement.legal_bases": []}, legal_basis="lb.consent")
    report = run("processing", Asked(), told.log, told.now)
    quads = jsonld.to_rdf(json.loads(written(report, "jsonld")))
    assert list(quads) == ["@default"]
    said_ = [
        (q["subject"]["value"], q["predicate"]["value"], q["object"]["value"])
        for q in quads["@default"]
    ]
    dpv = "https://w3id.org/dpv#"
    assert len({s for s, _, o in said_ if o == f"{dpv}Process"}) == 2
    assert any(report.root in o for _, _, o in said_)
    assert f"{dpv}hasDataTransferLegalBasis" not in {p for _, p, _ in said_}
    assert any(o.endswith("instrument/scc") for _, _, o in said_)


def test_a_transfer_is_counted_once(told):
    told.transfer(outcome="refused", rules=["red.bio_reuse", "red.sale"], count="0")
    assert asked_of(told, "denials").found == {"transfers": 1, "on_red_lines": 1}
    one = told.transfer()
    asked = told.say("custody", what="recall", transfer=one, party="org:b", state="requested")
    told.say("custody", what="deleted", transfer=one, party="org:b", state="done")
    told.say("custody", what="answer", transfer=one, party="org:b", state="done", recall=asked)
    assert asked_of(told, "overdue").found["without_certificate"] == 1
    told.say(
        "custody",
        what="deleted",
        transfer=one,
        party="org:b",
        state="done",
        certificate="sha256:" + "c" * 64,
    )
    assert asked_of(told, "overdue").found["without_certificate"] == 0
    start = told.now + DAY
    scope = {"agreement.scope": {"start": said(start), "end": said(start + DAY)}}
    for _ in range(3):
        told.transfer(scope)
    told.wait(5 * DAY)
    for _ in range(4):
        told.transfer(scope)
    assert asked_of(told, "outside-agreement").found["faulty"] == 7


def test_what_cannot_be_told_is_said(told):
    told.transfer(outcome="held", rules=["human.dpo:x"], count="0")
    told.transfer(
        policy={
            "bundle": "sha256:" + "a" * 64,
            "question": "sha256:" + "a" * 64,
            "engine": "embedded",
        }
    )
    said_ = {
        name: " ".join(asked_of(told, name).not_answered)
        for name in (
            "decision-time",
            "break-glass",
            "outside-agreement",
            "holdings",
            "copies",
            "overdue",
            "below-threshold",
            "unusual",
            "processing",
        )
    }
    assert "no entry ties" in said_["decision-time"]
    assert "writes no such entry" in said_["break-glass"]
    assert "ever activated" in said_["outside-agreement"]
    assert all("is not kept" in said_[name] for name in ("holdings", "copies", "overdue"))
    assert "without a measured risk" in said_["below-threshold"]
    assert "1000+" in said_["unusual"]
    assert "data subjects" in said_["processing"]


def test_moments(told):
    assert asked_of(told, "sent", to="9999-12-31").rows == []
    assert run("sent", Asked.of(to="9999-12-31"), told.log, told.now).asked["before"][:4] == "9999"
    assert Asked.of(from_="1969-12-31").start == 0
