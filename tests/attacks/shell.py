"""Entries are added as the gateway would, and honest witnesses cosign them."""

from gateway import entry
from tests.attacks.attacker import spelt
from tests.small_logs import BUNDLES, IDLE_MS

MINUTE = 60_000


def added(make):
    """Add what `make` gives: (entry, time), and have it witnessed."""

    def attacked(attack):
        for said, time in make(attack):
            attack.add(said, time)
        return attack.log.files()

    return attacked


def _later(attack):
    attack.log.now += IDLE_MS
    return attack.said(len(attack.log.leaves) - 1)["time"]


def entry_long_ago(attack):
    then = _later(attack) + attack.rng.randint(0, MINUTE)
    yield attack.author().transfer(), then


def policy_long_ago(attack):
    then = _later(attack) + attack.rng.randint(0, MINUTE)
    author = attack.author()
    yield author.policy(BUNDLES[1]), then
    author.bundle = BUNDLES[1]
    yield author.transfer(), then


def agreement_long_ago(attack):
    then = _later(attack) + attack.rng.randint(0, MINUTE)
    yield attack.author().agreement("suspended"), then


def entry_of_tomorrow(attack):
    yield attack.author().transfer("refused"), attack.log.now + attack.rng.randint(2, 600) * MINUTE


def clock_set_back(attack):
    last = attack.said(len(attack.log.leaves) - 1)["time"]
    yield attack.author().transfer(), last - attack.rng.randint(1, 10_000_000)


def policy_that_does_not_stand(attack):
    author = attack.author()
    author.bundle = "sha256:" + f"{attack.rng.getrandbits(256):064x}"
    yield author.transfer(), attack.log.now


def policy_of_yesterday(attack):
    author = attack.author()
    old = author.bundle
    yield author.policy(BUNDLES[1 - BUNDLES.index(old)]), attack.log.now
    author.bundle = old
    yield author.transfer(), attack.log.now


def agreement_that_ended(attack):
    author = attack.author()
    yield author.agreement(attack.rng.choice(["suspended", "terminated"])), attack.log.now
    yield author.transfer(), attack.log.now


def agreement_of_another_version(attack):
    said = attack.author().transfer()
    yield said | {"agreement": said["agreement"] | {"version": "9.9"}}, attack.log.now


def question_of_another_day(attack):
    said = attack.author().transfer()
    asked = {"at": f"2026-01-0{attack.rng.randint(1, 9)}T00:00:00Z", "template": BUNDLES[0]}
    said["policy"] |= asked
    said["time"] = attack.log.now
    attack.log.leaves.append(entry.canonical(said))
    attack.log.commit()
    attack.log.witness()
    return iter(())


def id_twice(attack):
    author = attack.author()
    old = attack.said(attack.some(b"transfer"))["id"]
    yield author.transfer() | {"id": old}, attack.log.now


def delivered_twice(attack):
    author = attack.author()
    said = author.transfer()
    yield said, attack.log.now
    for _ in range(2):
        yield author.head("outcome") | {"delivered": [said["id"]]}, attack.log.now


def outcome_of_nothing(attack):
    author = attack.author()
    yield author.head("outcome") | {"delivered": [entry.new_id()]}, attack.log.now


def outcome_of_a_refusal(attack):
    author = attack.author()
    said = author.transfer("refused")
    yield said, attack.log.now
    yield author.head("outcome") | {"delivered": [said["id"]]}, attack.log.now


def custody_of_nothing(attack):
    author = attack.author()
    author.done = [entry.new_id()]
    yield author.custody(attack.rng.choice(["acknowledged", "deleted", "recall"])), attack.log.now


def answer_to_nothing(attack):
    author = attack.author()
    said = author.transfer()
    yield said, attack.log.now
    author.recalls = [(entry.new_id(), said["id"])]
    yield author.custody("answer"), attack.log.now


def review_of_nothing(attack):
    author = attack.author()
    author.decisions = [entry.new_id()]
    yield author.review(), attack.log.now


def second_beginning(attack):
    yield attack.author().head("control") | {"what": "init"}, attack.log.now


def after_the_end(attack):
    author = attack.author()
    yield author.head("control") | {"what": "freeze"}, attack.log.now
    yield author.transfer("refused"), attack.log.now


def name_in_an_entry(attack):
    part = attack.rng.choice(["name", "phone", "comment"])
    yield attack.author().transfer() | {part: "a person's"}, attack.log.now


def another_spelling(attack):
    said = spelt(attack.author().transfer(), attack.log.now)
    attack.log.leaves.append(said.replace(b'"count":', b'"count": ', 1))
    attack.log.commit()
    attack.log.witness()
    return iter(())


def case_out_of_nowhere(attack):
    author = attack.author()
    said = author.head("incident") | {"what": "incident", "case": entry.new_id()}
    yield said | {"state": "closed", "severity": 2}, attack.log.now


SHELL = (
    entry_long_ago, policy_long_ago, agreement_long_ago, entry_of_tomorrow, clock_set_back,
    policy_that_does_not_stand, policy_of_yesterday, agreement_that_ended,
    agreement_of_another_version, question_of_another_day, id_twice, delivered_twice,
    outcome_of_nothing, outcome_of_a_refusal, custody_of_nothing, answer_to_nothing,
    review_of_nothing, second_beginning, after_the_end, name_in_an_entry, another_spelling,
    case_out_of_nowhere,
)  # fmt: skip
