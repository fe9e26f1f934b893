"""Changes in files, and decisions of people, as the log says them."""

import asyncio
import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest

from gateway import log_view, session
from gateway.audit import verify_log
from gateway.canonical import canonical
from gateway.deployment import read_deployment, read_keys
from gateway.entry import commitment, new_id, parse
from gateway.errors import CorridorError, OfficerError
from gateway.exchange import Transfer, exchange
from gateway.happenings import decided, followed
from gateway.happenings.looking import open_work
from gateway.log import Log
from gateway.policy import PolicyFailed
from gateway.terms import Asked, terms_of

AGREEMENT = "agr:registration-2026"
RECIPIENT = "org:sante-sans-rivages"
NEEDED = "human.further_use:hum.health.care"
VKEY = "witness.example.net/w1+aa9487e1+BBOY9ixtGkV8UbpqS189vS9p/KkyFiGNyJl+QWvRfZPK"


@pytest.fixture
def log(deployment):
    with opened(deployment) as held:
        yield held


def opened(directory, name="gw-1"):
    return Log.open(directory / "data", key=read_keys(directory).log, gateway=name)


def follow(directory, log, before=None):
    return followed.follow(log, read_deployment(directory), read_keys(directory), before)


def decide(directory, log, before=None):
    return decided.follow(log, read_deployment(directory), read_keys(directory), before)


def changes(directory):
    found = (parse(leaf) for _, leaf in log_view.entries(directory / "data"))
    return [(one["what"], one["subject"]["id"], one["subject"]["state"])
            for one in found if one["type"] == "control" and "subject" in one]  # fmt: skip


def decisions(directory):
    found = (parse(leaf) for _, leaf in log_view.entries(directory / "data"))
    return [one for one in found if one["type"] == "decision"]


def edit(directory, path, old, new):
    file = directory / path
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def officer(directory, name="dpo-1", status="active"):
    (directory / "officers").mkdir(exist_ok=True)
    (directory / "officers" / f"{name}.yaml").write_text(
        f"id: officer:{name}\nparty: {RECIPIENT}\nroles: [dpo]\nstatus: {status}\n"
    )


def test_what_the_files_say_is_logged_once(deployment, log):
    officer(deployment)
    (deployment / "witnesses.policy").write_text(f"# of Fatima\nlog {VKEY}\n\nwitness  w1 {VKEY}\n")

    assert follow(deployment, log) == 8
    assert follow(deployment, log) == 0

    said = changes(deployment)
    assert ("party", RECIPIENT, "active") in said
    assert {("officer", "officer:dpo-1", "active"), ("retention", "content", "active"),
            ("witness", "witnesses", "active"), ("key", "log", "active")} <= {*said}  # fmt: skip
    kept = {kind: log.document(row.document) for (kind, _), row in log.standing().items()}
    assert kept["key"].decode() == read_deployment(deployment).vkey()
    assert kept["witness"].decode() == f"log {VKEY}\nwitness w1 {VKEY}"
    assert kept["retention"] == b'{"keep_hours":72}'
    assert problems(deployment) == ()


def problems(directory):
    return verify_log(directory / "data", vkey=read_deployment(directory).vkey()).problems


def test_nothing_about_a_person_is_kept_of_a_party(deployment, log):
    follow(deployment, log)

    row = log.standing()["party", RECIPIENT]
    assert json.loads(log.document(row.document)).keys() <= {*followed.PARTY}
    edit(deployment, "parties/sante-sans-rivages.yaml", "email: ", "email: other-")
    assert follow(deployment, log) == 0


def test_a_change_a_return_and_a_removal_are_each_said(deployment, log):
    officer(deployment)
    follow(deployment, log)
    settings = (deployment / "corridor.toml").read_text()
    path = "parties/sante-sans-rivages.yaml"
    before = len(changes(deployment))

    edit(deployment, path, "status: active", "status: suspended")
    (deployment / "corridor.toml").write_text(settings + "\n[content]\nkeep_hours = 24\n")
    assert follow(deployment, log) == 2
    edit(deployment, path, "status: suspended", "status: active")
    officer(deployment, status="left")
    assert follow(deployment, log) == 2
    shutil.rmtree(deployment / "officers")
    assert [follow(deployment, log) for _ in range(2)] == [1, 0]

    assert sorted(changes(deployment)[before : before + 2]) == [
        ("party", RECIPIENT, "suspended"), ("retention", "content", "active"),
    ]  # fmt: skip
    assert sorted(changes(deployment)[before + 2 :]) == [
        ("officer", "officer:dpo-1", "removed"), ("officer", "officer:dpo-1", "terminated"),
        ("party", RECIPIENT, "active"),
    ]  # fmt: skip
    assert problems(deployment) == ()


def test_who_reads_again_says_only_what_changed_in_its_own_files(deployment, log, tmp_path):
    other = tmp_path / "other"
    follow(deployment, log)
    shutil.copytree(deployment, other, ignore=shutil.ignore_patterns("data"))
    mine = read_deployment(deployment)
    edit(other, "parties/sante-sans-rivages.yaml", "status: active", "status: suspended")
    assert follow(other, log, mine) == 1

    assert follow(deployment, log, mine) == 0
    assert log.standing()["party", RECIPIENT].state == "suspended"
    assert follow(deployment, log) == 1


def test_two_that_open_at_once_say_it_once(deployment, log):
    with opened(deployment, "gw-2") as second, ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: follow(deployment, one), (log, second)))

    said = changes(deployment)
    assert len(said) == len({*said}) == 6


@pytest.mark.parametrize("content", ["witnéss", None, "x" * ((1 << 20) + 1)])
def test_a_list_of_witnesses_that_cannot_be_read_stops_the_opening(deployment, log, content):
    path = deployment / "witnesses.policy"
    path.write_text(content, encoding="utf-8") if content else path.mkdir()

    with pytest.raises(OfficerError) as caught:
        follow(deployment, log)

    assert (caught.value.rule, caught.value.at) == ("witness.unreadable", "witnesses.policy")


def test_a_gateway_says_it_when_it_opens_and_when_it_reads_again(deployment):
    async def run():
        async with session.opened(deployment) as gateway:
            assert len(changes(deployment)) == 6
            edit(deployment, "parties/sante-sans-rivages.yaml", "status: active",
                 "status: suspended")  # fmt: skip
            newer = session.reread(gateway)
            assert newer.log.epoch() == newer.epoch
            await newer.engine.close()

    asyncio.run(run())
    assert changes(deployment)[-1] == ("party", RECIPIENT, "suspended")


MADE = """decisions:
  - decision: {name}
    by: [programme, dpo]
    officers: [officer:dpo-1, officer:programme-1]
    requested_by: officer:desk-1
    at: 2026-11-01T08:00:00Z
    valid_until: {until}
    reason: {reason}
"""


def made(directory, *, name=NEEDED, until="2027-06-30T00:00:00Z", reason="Clinics ask for it now."):
    path = directory / "agreements" / "registration-2026.yaml"
    text = path.read_text().partition("decisions:")[0]
    path.write_text(
        text + MADE.format(name=name, until=until, reason=reason) + "red_lines_acknowledged: true\n"
    )


def test_a_decision_is_logged_when_it_is_first_read_and_when_it_is_gone(deployment, log):
    assert decide(deployment, log) == 0
    made(deployment)
    assert [decide(deployment, log) for _ in range(2)] == [1, 0]

    [said] = decisions(deployment)
    assert (said["what"], said["decision"], said["subject"]) == ("approved", NEEDED, AGREEMENT)
    assert said["signers"] == ["officer:dpo-1", "officer:programme-1"]
    assert (said["requester"], said["roles"]) == ("officer:desk-1", ["dpo", "programme"])
    assert said["valid_until"] == 1_814_313_600_000
    [(_, kept)] = open_work(log, decided.KIND)
    salt = bytes.fromhex(json.loads(kept)["salt"])
    assert commitment(b"Clinics ask for it now.", salt) == said["reason"]

    made(deployment, reason="Another reason, as long as it must be.")
    assert decide(deployment, log) == 2
    assert [one["what"] for one in decisions(deployment)] == ["approved", "approved", "expired"]
    assert decisions(deployment)[-1]["of"] == said["id"]
    assert problems(deployment) == ()


def test_who_reads_again_says_only_its_own_decisions(deployment, log):
    before = read_deployment(deployment)
    made(deployment)
    after = read_deployment(deployment)

    assert decide(deployment, log, after) == 0
    assert decide(deployment, log, before) == 1
    made(deployment, until="2027-01-01T00:00:00Z")
    assert decide(deployment, log, after) == 2


def test_two_that_read_a_decision_at_once_say_it_once(deployment, log):
    made(deployment)
    with opened(deployment, "gw-2") as second, ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: decide(deployment, one), (log, second)))

    assert len(decisions(deployment)) == 1


def test_a_log_that_refuses_for_another_reason_is_heard(deployment, log):
    made(deployment)
    log.halt()

    with pytest.raises(CorridorError) as caught:
        decide(deployment, log)
    assert caught.value.rule == "log.stopped"


def released(directory, payload, purpose):
    asked = Asked(None, None, AGREEMENT, purpose, None, "kobo", None, "return", None)

    async def run():
        async with session.opened(directory) as gateway:
            terms = terms_of(asked, gateway.deployment, gateway.known)
            outcome = await exchange(Transfer(new_id(), terms, payload), gateway)
            if outcome.released:
                outcome.released.close()
                gateway.log.done(outcome.transfer)
            return parse(orjson.loads(outcome.receipt)["entry"].encode())

    return asyncio.run(run())


def test_a_release_names_the_decisions_it_rests_on_and_no_others(deployment, payload):
    held = released(deployment, payload, "hum.health.care")
    assert held["outcome"] == "held"
    needed = [rule for rule in held["rules"] if rule.startswith("human.")]
    for name in needed:
        made(deployment, name=name)
    path = deployment / "agreements" / "registration-2026.yaml"
    more = MADE.format(
        name="human.unrelated", until="2027-06-30T00:00:00Z", reason="Something else altogether."
    ).removeprefix("decisions:\n")
    path.write_text(path.read_text().replace("red_lines_ack", more + "red_lines_ack"))

    entry = released(deployment, payload, "hum.health.care")
    other = released(deployment, payload, "hum.assist.registration")

    assert (entry["outcome"], entry["decisions"]) == ("released", needed)
    assert other["outcome"] == "released"
    assert "decisions" not in other
    assert problems(deployment) == ()


def test_where_policy_does_not_say_what_a_release_rests_on_nothing_is_released(deployment, payload):
    made(deployment)

    class Silent:
        async def decide(self, question):
            raise PolicyFailed("no answer", rule="policy.failed")

    async def run():
        async with session.opened(deployment) as gateway:
            asked = Asked(None, None, AGREEMENT, "hum.assist.registration", None, "kobo", None,
                          "return", None)  # fmt: skip
            terms = terms_of(asked, gateway.deployment, gateway.known)
            from gateway.exchange import judge

            judged = await judge(terms, payload, gateway)
            judged.close()
            return await decided.rests_on(judged.decision, Silent())

    with pytest.raises(PolicyFailed):
        asyncio.run(run())


def test_the_kept_form_of_a_party_has_one_spelling(deployment):
    party = read_deployment(deployment).parties[RECIPIENT]
    shown = {name: party[name] for name in followed.PARTY if name in party}

    assert followed._followed(party, followed.PARTY).document == canonical(shown)
