"""Incidents and demands by authorities: opened, told in time, closed."""

import json
import re
import time

import pytest
from typer.testing import CliRunner

from gateway import entry, log_view
from gateway.audit import verify_log
from gateway.cli import app
from gateway.deployment import read_deployment, read_keys
from gateway.entry import new_id, parse
from gateway.errors import OfficerError
from gateway.happenings import incident
from gateway.happenings.affected import Asked, affected
from gateway.happenings.incident import Opening, cases, open_case, update
from gateway.log import Log

BY = "officer:dpo-1"
HOUR = incident.HOUR
NOW = 1_900_000_000_000
PARTY = "org:sante-sans-rivages"


class Clock:
    now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def place(deployment):
    (deployment / "officers").mkdir()
    for name, status in (("dpo-1", "active"), ("gone", "left")):
        (deployment / "officers" / f"{name}.yaml").write_text(
            f"id: officer:{name}\nparty: {PARTY}\nroles: [dpo]\nstatus: {status}\n"
        )
    return deployment


@pytest.fixture
def clock(request):
    made = Clock()
    if "command" in request.node.name:
        made.now = time.time_ns() // 1_000_000
    return made


@pytest.fixture
def log(place, clock):
    with Log.open(place / "data", key=read_keys(place).log, gateway="gw-1", clock=clock) as opened:
        yield opened


@pytest.fixture
def held(place):
    return read_deployment(place)


def opened(log, held, **more):
    opening = Opening(**{"what": "incident", "kind": "misdirected", "severity": 3} | more)
    return parse(open_case(log, held, opening, BY).leaf)["case"]


def rule(call, *arguments, **more):
    with pytest.raises(OfficerError) as caught:
        call(*arguments, **more)
    return caught.value.rule


def test_a_case_goes_through_its_steps_and_its_clock_runs(log, held, clock):
    case = opened(log, held, party=PARTY, transfers=14)

    known = cases(log)[case]
    assert (known.severity, known.party, known.transfers) == (3, PARTY, "10-99")
    assert known.due() == {"partner_told": NOW + 24 * HOUR, "authority_told": NOW + 72 * HOUR}
    assert rule(update, log, held, case, "closed", BY) == "incident.open"
    update(log, held, case, "contained", BY, severity=4)
    clock.now += 25 * HOUR
    update(log, held, case, "partner_told", BY, party=PARTY)
    update(log, held, case, "partner_told", BY, party="org:amal-relief")
    assert rule(update, log, held, case, "partner_told", BY, party=PARTY) == "incident.twice"
    update(log, held, case, "authority_told", BY)
    assert rule(update, log, held, case, "contained", BY) == "incident.twice"
    assert rule(update, log, held, case, "disclosed", BY) == "incident.state"
    known = cases(log)[case]
    assert (known.severity, known.due(), known.late()) == (4, {}, ["partner_told"])
    update(log, held, case, "closed", BY)
    assert rule(update, log, held, case, "people_told", BY) == "incident.closed"
    assert cases(log)[case].due() == {}


def test_a_demand_is_refused_or_disclosed_before_it_is_closed(log, held):
    case = opened(log, held, what="compelled", kind="court_order", severity=None)

    assert rule(update, log, held, case, "closed", BY) == "incident.open"
    assert rule(update, log, held, case, "contained", BY) == "incident.state"
    update(log, held, case, "refused", BY)
    update(log, held, case, "disclosed", BY)
    update(log, held, case, "closed", BY)

    other = opened(log, held, what="compelled", kind="regulator", severity=None)
    update(log, held, other, "disclosed", BY)
    assert rule(update, log, held, other, "refused", BY) == "incident.twice"


def test_what_cannot_be_opened(log, held):
    def refused(by=BY, **more):
        opening = Opening(**{"what": "incident", "kind": "other", "severity": 1} | more)
        return rule(open_case, log, held, opening, by)

    assert refused(kind="Fatima's file") == "incident.kind"
    assert refused(severity=None) == "incident.severity"
    assert refused(party="org:nobody") == "party.unknown"
    assert refused(by="officer:gone") == refused(by="officer:x") == "officer.unknown"
    assert rule(update, log, held, new_id(), "closed", BY) == "incident.unknown"
    assert cases(log) == {}


def test_a_step_that_somebody_else_took_is_not_taken_again(log, held, place, monkeypatch):
    case = opened(log, held)
    before = cases(log)
    with Log.open(place / "data", key=read_keys(place).log, gateway="gw-2", clock=Clock()) as other:
        update(other, held, case, "contained", BY)

    # This one looked before the other wrote.
    monkeypatch.setattr(incident, "cases", lambda _: before)
    assert rule(update, log, held, case, "contained", BY) == "case.taken"


def test_many_incidents_are_read_in_parts(log, held):
    before = [
        log.submit(
            {"v": 1, "type": "incident", "id": new_id(), "gateway": "gw-1", "what": "incident",
             "case": new_id(), "state": "opened", "severity": 1, "signers": [BY]}
        )
        for _ in range(300)
    ]  # fmt: skip
    for one in before:
        one.result()

    assert len(cases(log)) == 300


def released(log, n, **more):
    sample = json.loads((entry.SCHEMA.parent.parent / "tests/vectors/released_transfer.json")
                        .read_text())  # fmt: skip
    for _ in range(n):
        log.append(sample | more | {"id": new_id()})
    return sample


def test_affected_transfers_are_found_by_what_narrows_and_nothing_finds_none(log, clock):
    sample = released(log, 3)
    recipient, sender = sample["recipient"]["party"], sample["sender"]["party"]
    clock.now += HOUR
    released(log, 2, purpose="hum.other")
    log.append({**sample, "id": new_id(), "outcome": "refused"})

    def count(**asked):
        return len(list(affected(log, Asked(**asked))))

    assert count() == 0
    assert count(recipient=recipient) == count(sender=sender) == 5
    assert count(recipient=sender) == 0
    assert count(agreement=sample["agreement"]["id"], purpose="hum.other") == 2
    assert count(recipient=recipient, end=NOW + 1) == 3
    assert count(recipient=recipient, start=NOW + 1) == 2
    found = list(affected(log, Asked(purpose="hum.other")))
    assert {(one.recipient, one.time) for one in found} == {(recipient, NOW + HOUR)}
    assert all(log.find(one.transfer) is not None for one in found)


def command(*arguments):
    return CliRunner().invoke(app, ["incident", *(str(one) for one in arguments)])


def test_the_commands(place, log, tmp_path):
    sample = released(log, 2)
    log.close()
    there = ("-d", place, "--as", BY)
    out = tmp_path / "affected.txt"

    first = command("open", *there, "--kind", "recipient_breached", "--severity", "4", "--party",
                    PARTY, "--recipient", sample["recipient"]["party"], "--out", out)  # fmt: skip
    assert first.exit_code == 0, first.output
    case = re.search(r"case (\S+)", first.stdout)[1]
    assert "2 transfers affected" in first.stdout
    assert "authority_told by" in first.stdout
    assert len(out.read_text().splitlines()) == 2
    again = command("open", *there, "--kind", "court_order", "--compelled", "--purpose",
                    sample["purpose"])  # fmt: skip
    assert again.stdout.count(sample["recipient"]["party"]) == 2
    step = command("update", case, *there, "--state", "contained")
    assert "partner_told by" in step.stdout
    listed = json.loads(command("list", "-d", place, "--json").stdout)
    assert [one["state"] for one in listed] == ["contained", "opened"]
    assert (listed[0]["transfers"], listed[0]["kind"]) == ("1-9", "recipient_breached")
    assert case[:8] in command("list", "-d", place).stdout
    problems = verify_log(place / "data", vkey=read_deployment(place).vkey()).problems
    assert problems == ()
    said = [parse(leaf) for _, leaf in log_view.entries(place / "data")]
    assert sum(one["type"] == "incident" for one in said) == 3


def test_commands_that_cannot_be(place, log, tmp_path):
    sample = released(log, 1)
    log.close()
    there = ("-d", place, "--as", BY, "--kind", "other", "--severity", "2")

    assert command("open", *there, "--count", "2", "--purpose", "x").exit_code == 2
    full = command("open", *there, "--purpose", sample["purpose"], "--out", tmp_path)
    assert (full.exit_code, "out.unwritable" in full.stderr) == (1, True)
    assert command("open", *there, "--count", "2").exit_code == 0
    wrong = command("update", new_id(), "-d", place, "--as", BY, "--state", "closed")
    assert (wrong.exit_code, "incident.unknown" in wrong.stderr) == (1, True)
