"""Three gateways on one PostgreSQL, each killed under load: nothing lost, nothing unlogged."""

from tests.replicas import trial


def test_each_gateway_is_killed_and_nothing_is_lost(cluster, tmp_path):
    problems, counted = trial(cluster, tmp_path, rounds=1, seconds=0.5)

    assert problems == [], counted
