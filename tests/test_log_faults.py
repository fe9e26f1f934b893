"""Small runs of the faults in `tests/log_faults.py`; `make test-log` runs them whole."""

import pytest

from tests import log_faults


@pytest.mark.parametrize(
    ("kind", "count", "start"), [("syncs", 4, 4), ("full", 4, 40), ("power", 6, 1), ("clock", 4, 1)]
)
def test_no_answer_is_lost_and_the_log_goes_on(kind, count, start):
    found = log_faults.apart(kind, count, start)

    assert found.failures == []
    assert (found.trials, found.struck) == (count, count)


def test_a_small_file_system_fills_up_under_a_log():
    found = log_faults.apart("tmpfs", 1)
    if not found.trials:
        pytest.skip("no file system can be mounted here")

    assert found.failures == []
    assert found.answered
    assert found.struck == 1


def test_a_disk_that_lies_about_its_syncs_is_noticed():
    """Else the power cuts above would prove nothing."""
    found = log_faults.apart("lying", 5)

    assert any("lost" in failure or "not opened" in failure for failure in found.failures)
