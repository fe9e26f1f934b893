"""Every kind of attack once; `python -m tests.attacks` makes ten thousand."""

import random

import pytest

from tests.attacks import KINDS, attacked
from tests.attacks.attacker import Attack
from tests.attacks.shell import added
from tests.attacks.world import verified, world


@pytest.mark.parametrize("number", range(len(KINDS)), ids=lambda number: KINDS[number].__name__)
def test_an_attack_is_found(number):
    kind, rules = attacked(11, number)

    assert rules, kind


def test_the_honest_way_to_add_to_a_log_is_no_attack():
    base, _ = world(2)
    attack = Attack(base.copy(), random.Random(1))
    author = attack.author()

    def usual(attack):
        said = author.transfer()
        yield said, attack.log.now
        yield author.head("outcome") | {"delivered": [said["id"]]}, attack.log.now + 5

    files = added(usual)(attack)

    assert verified(attack.log, files) == []


def test_the_rules_name_what_was_done():
    """Not any finding will do: each of these attacks breaks one rule, and that one is named."""
    wanted = {
        "rolled_back": "log.rolled_back", "fork": "log.forked", "split_view": "log.forked",
        "entry_long_ago": "entry.witnessed_late", "entry_of_tomorrow": "entry.after_witness",
        "policy_that_does_not_stand": "release.policy", "id_twice": "entry.id_twice",
        "agreement_that_ended": "release.agreement", "delivered_twice": "outcome.transfer",
        "after_the_end": "entry.after_freeze", "name_in_an_entry": "entry.schema",
        "answer_to_nothing": "entry.names_nothing", "clock_set_back": "entry.time",
    }  # fmt: skip
    names = [kind.__name__ for kind in KINDS]
    for name, rule in wanted.items():
        found = set()
        for turn in range(4):
            found.update(attacked(11, names.index(name) + turn * len(KINDS))[1])
        assert rule in found, name
