"""Each report finds what a small log was given to find, and nothing beside it."""

import pytest

from gateway.errors import GatewayError, SenderError
from gateway.reports import REPORTS, Asked, run
from gateway.reports.report import milliseconds, said
from tests.report_world import DAY, HOUR, Story, story


@pytest.fixture
def told(tmp_path):
    with story(tmp_path / "data") as one:
        yield one


def asked_of(one: Story, name: str, **asked: str):
    return run(name, Asked.of(**asked), one.log, one.now).answer


def table(answer) -> list[dict]:
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


def column(answer, *names: str) -> list[tuple]:
    return [tuple(row[name] for name in names) for row in table(answer)]


def test_every_question_of_the_list_has_a_report_of_its_own():
    assert sorted(one.number for one in REPORTS.values()) == list(range(1, 25))


def test_a_report_names_the_checkpoint_it_was_computed_from(told):
    told.transfer()
    size, note = told.log.size(), told.log.checkpoint()
    report = run("sent", Asked.of(to=said(told.now)[:10]), told.log, told.now)
    told.transfer()

    document = report.document()
    assert (document["checkpoint"]["size"], document["checkpoint"]["note"]) == (size, note)
    assert document["checkpoint"]["root"] in {report.root}
    assert document["rows"][0]["transfers"] == 1
    assert document["asked"]["before"].endswith("T00:00:00Z")


def test_sent_counts_by_way_and_keeps_to_what_is_asked(told):
    told.transfer()
    told.transfer(count="1000+")
    told.wait(2 * DAY)
    late = said(told.now)
    told.transfer(purpose="hum.assist.dedup", recipient={"party": "org:c", "regimes": []})
    told.transfer(outcome="refused", rules=["red.sale"], count="0")

    whole = asked_of(told, "sent")
    counts = ("recipient", "purpose", "transfers", "of_10-99_records", "of_1000+_records")
    assert column(whole, *counts) == [
        ("org:b", "hum.health.care", 2, 1, 1),
        ("org:c", "hum.assist.dedup", 1, 1, 0),
    ]
    assert whole.found == {"transfers": 3, "never_left": 0}
    for narrowed, expected in (
        ({"from_": late}, ["org:c"]),
        ({"to": said(told.start)}, ["org:b"]),
        ({"party": "org:c"}, ["org:c"]),
        ({"purpose": "hum.health"}, ["org:b"]),
        ({"purpose": "hum.heal"}, []),
        ({"agreement": "agr:other"}, []),
    ):
        answer = asked_of(told, "sent", **narrowed)
        assert [row["recipient"] for row in table(answer)] == expected, narrowed
    assert column(whole, "first", "last")[1] == (late, late)


def test_the_record_of_processing_says_what_left_and_how_long_it_may_be_kept(told):
    told.transfer()

    [row] = table(asked_of(told, "processing"))

    assert row["record_types"] == "person"
    assert row["personal_data_categories"] == "pd:Identifier pd:Name"
    assert (row["retention_days"], row["security"]) == ("person:30", "at_rest")
    assert (row["instrument"], row["regimes"], row["recipient_kind"]) == ("scc", "state:UG", "ngo")


def test_a_question_that_is_not_kept_is_said_not_to_be_known(told):
    told.transfer(policy={"bundle": "sha256:" + "0" * 64, "question": "sha256:" + "1" * 64,
                          "engine": "opa"})  # fmt: skip

    answer = asked_of(told, "evidence")
    assert (answer.found["not_known"], len(answer.not_answered), answer.rows) == (1, 1, [])
    assert asked_of(told, "processing").found["not_known"] == 1
    assert asked_of(told, "donors").not_answered
    assert asked_of(told, "overdue").found["retention_not_known"] == 1


def faults(one: Story, name: str) -> list[tuple]:
    return sorted(column(asked_of(one, name), "fault", "transfers"))


def test_evidence_missing_and_expired(told):
    base = {"basis": "lb.public", "evidence": ["x"], "valid_until": "2099-01-01T00:00:00Z"}
    told.transfer()
    told.transfer({"agreement.legal_bases": []})
    told.transfer({"agreement.legal_bases": [{**base, "evidence": []}]})
    told.transfer({"agreement.legal_bases": [{**base, "basis": "lb.consent", "evidence": []}]},
                  legal_basis="lb.consent")  # fmt: skip
    until = said(told.now + DAY)
    runs_out = {"agreement.legal_bases": [{**base, "valid_until": until}]}
    told.transfer(runs_out)
    told.wait(3 * DAY)
    told.transfer(runs_out)
    told.transfer(runs_out)

    assert faults(told, "evidence") == [
        ("evidence_expired", 2), ("no_evidence", 1), ("no_evidence", 1),
    ]  # fmt: skip
    assert asked_of(told, "evidence").found == {"transfers": 7, "faulty": 4, "not_known": 0}


def test_outside_the_agreement(told):
    told.transfer()
    told.transfer({"agreement.scope.start": said(told.now + DAY)})
    told.transfer({"agreement.scope.end": "2020-01-01T00:00:00Z"})
    two = {"id": "agr:two", "version": "1", "digest": "sha256:" + "2" * 64}
    told.stands("agr:two", "1", "active")
    told.transfer(agreement=two)
    assert faults(told, "outside-agreement") == [("after_its_end", 1), ("before_its_start", 1)]


def test_a_release_after_the_entry_that_ended_its_agreement_is_found(told):
    two = {"id": "agr:two", "version": "1", "digest": "sha256:" + "2" * 64}
    told.transfer(agreement=two)
    told.stands("agr:two", "2", "active")
    told.stands("agr:two", "2", "suspended")
    # The log refuses such a release; somebody who can write the table could make one.
    told.log._store._writer.execute("DELETE FROM standing")
    told.transfer(agreement=two)
    told.stands("agr:two", "2", "active")
    told.log._store._writer.execute("DELETE FROM standing")
    told.transfer(agreement=two)

    assert faults(told, "outside-agreement") == [
        ("agreement_suspended", 1), ("another_version_stood", 1),
    ]  # fmt: skip


def test_impact_assessments(told):
    place = "agreement.safeguards.dpia"
    good = {"ref": "d", "date": "2099-01-01", "outcome": "low",
            "next_review": "2099-01-01T00:00:00Z"}  # fmt: skip
    told.transfer()
    told.transfer({place: None})
    told.transfer({place: {**good, "outcome": "high"}})
    told.transfer({place: {**good, "date": "2024-01-01"}})
    told.transfer({place: {**good, "next_review": "2025-01-01T00:00:00Z"}})
    told.transfer({place: {name: good[name] for name in good if name != "date"}})

    assert [fault for fault, _ in faults(told, "assessments")] == [
        "high_risk", "no_assessment", "no_date", "older_than_12_months", "review_overdue",
    ]  # fmt: skip


def test_notices(told):
    notice = {"recipients_listed": ["org:b"], "purposes_listed": ["hum.health"]}
    told.transfer()
    told.transfer({"agreement.notice": None})
    told.transfer({"agreement.notice": {**notice, "recipients_listed": [], "date": "2020-01-01"}})
    told.transfer({"agreement.notice": {**notice, "purposes_listed": ["hum.heal"],
                                        "date": "2020-01-01"}})  # fmt: skip
    told.transfer({"agreement.notice": {**notice, "date": "2098-01-01"}})
    told.transfer({"agreement.notice": notice})

    assert [fault for fault, _ in faults(told, "notices")] == [
        "before_it_was_given", "no_date", "no_notice", "purpose_not_named", "recipient_not_named",
    ]  # fmt: skip


def test_consent_and_withdrawals(told):
    told.transfer(legal_basis="lb.consent")
    told.transfer()
    case = "00000000-0000-7000-8000-000000000001"
    told.say("rights", what="withdrawal", case=case, state="received")
    told.say("rights", what="withdrawal", case=case, state="closed")

    answer = asked_of(told, "consent")
    assert answer.found == {"transfers_on_consent": 1, "withdrawals_since": 1}
    assert answer.not_answered


def test_donors_are_told_the_form_of_what_they_got(told):
    told.transfer()
    donor = {"recipient.kind": "donor"}
    told.transfer(donor)
    told.transfer(donor, released=["person.record_id:pseudonym"])
    told.transfer(donor, released=["person.sex:keep"])
    told.transfer(donor, released=[])
    told.transfer(donor, released=["nothing.known:keep"])

    answer = asked_of(told, "donors")
    assert sorted(column(answer, "form", "transfers")) == [
        ("agg", 2), ("id", 1), ("ps", 1), ("rec", 1),
    ]  # fmt: skip
    assert answer.found == {"transfers_to_donors": 5, "with_identified_data": 1}


def test_risk_beyond_the_limits_and_who_let_it_pass(told):
    risk = {"person": {"k": 4, "l": 3, "risk_permille": 90}}
    told.transfer({"context.risk": {"person": {"k": 20, "l": 3, "risk_permille": 9}}})
    decided = [{"decision": "human.dpo:disclosure_risk.person", "by": ["dpo"]}]
    told.transfer({"context.risk": risk, "agreement.decisions": decided})

    answer = asked_of(told, "below-threshold")
    assert column(answer, "below", "k", "decided_by", "transfers") == [("k risk", 4, "dpo", 1)]
    assert answer.found == {"transfers_measured": 2, "below": 1}


def test_special_categories_without_a_decision(told):
    special = ["person.ethnicity:keep", "person.name:keep"]
    told.transfer()
    told.transfer(released=special)
    decided = [{"decision": "human.dpo:special_category.person.ethnicity", "by": ["dpo"]}]
    told.transfer({"agreement.decisions": decided}, released=special)

    answer = asked_of(told, "special-categories")
    assert column(answer, "fields", "transfers") == [("person.ethnicity", 1)]
    assert answer.found == {"transfers_with_special_categories": 2, "without_condition": 1}


def test_unusual_magnitudes_are_rare_on_their_own_way(told):
    for _ in range(60):
        told.transfer()
    told.transfer(count="1000+")
    told.transfer({"context.above_volume": ["person"]}, purpose="hum.assist.pdm")

    assert column(asked_of(told, "unusual"), "why", "records", "transfers", "of_transfers") == [
        ("above_agreed_volume", "", 1, 1),
        ("rare_magnitude", "1000+", 1, 61),
    ]


def test_denials_month_by_month(told):
    told.wait(milliseconds("2027-01-31") - told.now)
    told.transfer(outcome="refused", rules=["party.unknown", "red.sale"], count="0")
    told.wait(2 * DAY)
    told.transfer(outcome="refused", rules=["red.sale"], count="0")
    told.transfer(outcome="held", rules=["human.dpo:archive"], count="0")
    told.transfer()

    answer = asked_of(told, "denials")
    assert answer.rows == [
        ("2027-01", "refused", "party.unknown", "no", 1),
        ("2027-01", "refused", "red.sale", "yes", 1),
        ("2027-02", "held", "human.dpo:archive", "no", 1),
        ("2027-02", "refused", "red.sale", "yes", 1),
    ]
    assert answer.found == {"transfers": 3, "on_red_lines": 2}
    assert asked_of(told, "denials", from_="2030-01-01").rows == []


def test_what_each_recipient_holds_and_what_of_it_is_past_its_time(told):
    old = told.transfer()
    told.transfer()
    never = told.transfer()
    told.log.append(told_lost := {"v": 1, "type": "outcome", "gateway": "gw",
                                  "id": "00000000-0000-7000-8000-00000000000a",
                                  "not_released": [never]})  # fmt: skip
    told.log._store._writer.execute(
        "UPDATE transfer_state SET state = 'not_released' WHERE id = ?",
        tuple(told_lost["not_released"]),
    )
    told.say("custody", what="acknowledged", transfer=old, party="org:b")
    told.say("custody", what="deleted", transfer=old, party="org:b", state="done")
    told.wait(40 * DAY)
    told.transfer()

    holds = asked_of(told, "holdings", party="org:b")
    assert column(holds, "copies", "past_their_time", "retention_days") == [(2, 1, 30)]
    assert asked_of(told, "holdings", party="org:a").rows == []
    before = asked_of(told, "holdings", to=said(told.start)[:10])
    assert column(before, "copies", "past_their_time") == [(1, 0)]
    assert column(asked_of(told, "copies"), "transfers", "copies_left", "may_pass_on_to") == [
        (3, 2, "org:c")
    ]
    late = asked_of(told, "overdue")
    assert column(late, "past_their_time", "deleted_without_certificate") == [(1, 1)]
    leaving = asked_of(told, "offboarding", party="org:b")
    assert leaving.found == {"transfers": 3, "unconfirmed": 2, "listed": 2}
    assert old not in {row[0] for row in leaving.rows}
    assert asked_of(told, "offboarding").not_answered


def test_a_deletion_with_a_certificate_misses_none(told):
    one = told.transfer()
    told.say("custody", what="deleted", transfer=one, party="org:b", state="done",
             certificate="sha256:" + "c" * 64)  # fmt: skip

    assert asked_of(told, "overdue").found["without_certificate"] == 0
    assert asked_of(told, "copies", agreement="agr:one").found["copies_left"] == 0


def test_who_decided_and_what_a_transfer_rests_on(told):
    told.stands("agr:one", "1", "active")
    one = told.transfer(outcome="held", rules=["human.two:first_transfer"], count="0",
                        decisions=["human.dpo:archive"])  # fmt: skip
    told.wait(30 * HOUR)
    parts = {"decision": "human.two:first_transfer", "signers": ["officer:x"], "roles": ["dpo"],
             "requester": "org:a"}  # fmt: skip
    told.say("decision", what="approved", transfer=one, **parts)
    told.say("decision", what="refused", subject="agr:one", **parts)

    answer = asked_of(told, "decisions", transfer=one)
    assert column(answer, "what", "decided_by") == [
        ("active", "officer:x org:a"), ("approved", "officer:x"),
    ]  # fmt: skip
    assert answer.found["the_transfer_rests_on"] == "human.dpo:archive"
    assert len(asked_of(told, "decisions").rows) == 2
    assert len(asked_of(told, "decisions", party="agr:one").rows) == 1
    assert asked_of(told, "decisions", transfer=told.say("access", what="report", who="x",
                                                         size=1)).not_answered  # fmt: skip
    waits = asked_of(told, "decision-time")
    assert column(waits, "hours", "over_24_hours") == [(30, "yes")]
    assert waits.found["without_a_transfer"] == 1


def test_break_glass_and_its_review(told):
    parts = {"decision": "break_glass.one", "what": "break_glass"}
    uses = [told.say("decision", signers=[f"officer:{n}"], **parts) for n in range(3)]
    told.wait(2 * HOUR)
    review = {"what": "review", "decision": "break_glass.one"}
    told.say("decision", signers=["officer:y"], of=uses[0], **review)
    told.say("decision", signers=["officer:1"], of=uses[1], **review)
    told.wait(30 * HOUR)
    told.say("decision", signers=["officer:y"], of=told.say("decision", signers=["a"], **parts),
             **review)  # fmt: skip
    told.say("decision", signers=["officer:9"], **parts)

    answer = asked_of(told, "break-glass")
    assert column(answer, "review", "hours") == [
        ("in_time", 2), ("by_the_same_person", 2), ("late", 32), ("in_time", 0), ("due", 0),
    ]  # fmt: skip


def test_changes_say_who_signed(told):
    told.stands("agr:one", "1", "active")
    told.stands("agr:two", "1", "active")

    answer = asked_of(told, "changes", agreement="agr:two")
    assert column(answer, "id", "signed_by", "two_signed") == [
        ("agr:two", "officer:x org:a", "yes")
    ]
    assert asked_of(told, "changes").found == {"changes": 2, "agreement": 2}


def test_rights_late_refused_and_still_open(told):
    def case(number: int, *steps: dict) -> None:
        name = f"00000000-0000-7000-8000-00000000000{number}"
        for step in steps:
            told.say("rights", what="erasure", case=name, **step)

    due = told.now + DAY
    case(1, {"state": "received", "due": due}, {"state": "answered"})
    case(2, {"state": "received", "due": due})
    case(3, {"state": "received"}, {"state": "refused", "reason": "LegalObligation"})
    told.wait(2 * DAY)

    assert asked_of(told, "rights").rows == [
        ("erasure", "answered", "in_time", "", 1),
        ("erasure", "received", "late", "", 1),
        ("erasure", "refused", "no_due_date", "LegalObligation", 1),
    ]
    assert asked_of(told, "rights", from_="2090-01-01").rows == []


def test_unchanged_checks_a_proof_for_each_checkpoint(told):
    for _ in range(60):
        told.transfer()

    answer = asked_of(told, "unchanged")
    assert {row[2] for row in answer.rows} == {"holds"}
    assert (answer.found["do_not_hold"], answer.found["checked"] <= 51) == (0, True)


def test_a_checkpoint_that_is_no_beginning_of_the_newest_is_found(told):
    told.transfer()
    writer = told.log._store._writer
    [(text,)] = writer.execute("SELECT note FROM checkpoint WHERE size = 2").fetchall()
    [(other,)] = writer.execute("SELECT note FROM checkpoint WHERE size = 1").fetchall()
    writer.execute("DROP TRIGGER checkpoint_update")
    writer.execute("UPDATE checkpoint SET note = ? WHERE size = 2", (other,))

    assert asked_of(told, "unchanged").found["do_not_hold"] == 1
    writer.execute("UPDATE checkpoint SET note = ? WHERE size = 2", (text.swapcase(),))
    assert asked_of(told, "unchanged").found["do_not_hold"] == 1


@pytest.mark.parametrize("name", ["person", "forbidden-fields"])
def test_what_the_log_cannot_answer_says_why(told, name):
    answer = asked_of(told, name)
    assert (answer.rows, len(answer.not_answered)) == ((), 1)


def test_an_index_that_is_not_whole_answers_nothing(told):
    told.transfer()
    told.log._store._writer.execute("DELETE FROM entry_index WHERE idx = 0")

    with pytest.raises(GatewayError, match="reindex") as error:
        asked_of(told, "sent")
    assert error.value.rule == "log.index_incomplete"


def test_a_document_that_was_changed_is_not_believed(told):
    told.transfer()
    writer = told.log._store._writer
    writer.execute("DROP TRIGGER document_update")
    writer.execute("UPDATE document SET value = x'00'")

    with pytest.raises(GatewayError) as error:
        asked_of(told, "evidence")
    assert error.value.rule == "document.digest"


@pytest.mark.parametrize(
    ("asked", "rule", "at"),
    [
        ({"from_": "yesterday"}, "report.moment", "from"),
        ({"to": "2026-02-30"}, "report.moment", "to"),
        ({"from_": "2026-02-02", "to": "2026-02-01"}, "report.period", "to"),
        ({"party": "a person's name"}, "report.identifier", "party"),
    ],
)
def test_a_period_or_a_name_that_is_none(asked, rule, at):
    with pytest.raises(SenderError) as error:
        Asked.of(**asked)
    assert (error.value.rule, error.value.at) == (rule, at)


def test_no_such_report(told):
    with pytest.raises(SenderError) as error:
        asked_of(told, "nothing")
    assert (error.value.rule, error.value.http_status) == ("report.unknown", 404)
