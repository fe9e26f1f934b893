"""The proof under load, small: `make test-log` does the same a thousand times."""

import pytest

from tests.postgres import Cluster
from tests.proof.__main__ import on
from tests.proof.judge import judge
from tests.proof.load import eager
from tests.proof.places import Place, released
from tests.proof.trials import answered, backend, fighting, gateway, killing, server
from tests.proof.watched import Forge, Watched


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path / "log")
    made.create()
    return made


def test_a_gateway_killed_at_any_moment_has_answered_nothing_that_is_not_logged():
    row = killing("gateway", Place, gateway, trials=6, seed=7)

    assert row.problems == []
    assert row.trials == 6
    assert row.answers > 5
    assert not row.failures


def test_gateways_that_are_stopped_and_killed_write_one_log_together():
    row = fighting("fight", Place, blows=6, seed=7)

    assert row.problems == []
    assert (row.trials, row.went_on) == (6, 3)


def test_the_same_on_postgresql(cluster):
    row = killing("gateway", on(cluster), gateway, trials=3, seed=7)

    assert row.problems == []
    assert row.answers > 5
    assert not row.failures


def test_gateways_write_one_database_together(cluster):
    row = fighting("fight", on(cluster), blows=6, seed=7)

    assert row.problems == []
    assert (row.trials, row.went_on) == (6, 3)


def test_a_database_that_is_killed_loses_nothing_and_the_gateway_goes_on():
    with Cluster.made() as own:
        rows = [
            killing("database", on(own), kill(own), trials=1, seed=7) for kill in (backend, server)
        ]

    assert [row.problems for row in rows] == [[], []]
    assert [row.went_on for row in rows] == [1, 1]


def test_an_answer_before_its_entry_is_found_out(place):
    """The trials must find the mistake that they are there for."""
    with Forge() as forge, Watched(forge, place, work=eager) as watched:
        assert watched.wait_for(answered)
        said = watched.kill()

    problems = judge(place, said).problems

    assert any(problem.startswith(("lost", "changed")) for problem in problems)


def test_each_kind_of_wrong_answer_is_found(place):
    transfer = released()
    with place.open() as log:
        appended = log.append(transfer)
        log.done(transfer["id"])
    true = {
        "id": transfer["id"], "index": appended.index, "size": appended.size,
        "leaf": "00" * 32, "checkpoint": appended.checkpoint,
    }  # fmt: skip

    assert _found(place, []) == set()
    assert _found(place, [true]) == {"changed"}
    assert _found(place, [true | {"index": 99}]) == {"lost"}
    assert _found(place, [true | {"index": 99, "size": 2}]) == {"lost", "forked"}


def _found(place, said):
    return {problem.split(":")[0] for problem in judge(place, said).problems}
