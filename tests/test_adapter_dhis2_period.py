"""DHIS2's period ids: against days counted by hand, the ISO calendar, and each other."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dhis2.moments import day_of, spelt
from adapters.dhis2.period import period_between, period_of, period_of_interval

KNOWN = [
    ("20260315", "2026-03-15", "2026-03-15", "2026-03-15/P1D"),
    ("2026W1", "2025-12-29", "2026-01-04", "2025-12-29/P7D"),
    ("2020W53", "2020-12-28", "2021-01-03", "2020-12-28/P7D"),
    ("2015WedW5", "2015-01-28", "2015-02-03", "2015-01-28/P7D"),
    ("2015ThuW6", "2015-02-05", "2015-02-11", "2015-02-05/P7D"),
    ("2015FriW6", "2015-02-06", "2015-02-12", "2015-02-06/P7D"),
    ("2015SatW7", "2015-02-14", "2015-02-20", "2015-02-14/P7D"),
    ("2015SunW8", "2015-02-22", "2015-02-28", "2015-02-22/P7D"),
    ("2015BiW1", "2014-12-29", "2015-01-11", "2014-12-29/P14D"),
    ("202002", "2020-02-01", "2020-02-29", "2020-02-01/P1M"),
    ("202002B", "2020-03-01", "2020-04-30", "2020-03-01/P2M"),
    ("2020Q4", "2020-10-01", "2020-12-31", "2020-10-01/P3M"),
    ("2020NovQ1", "2019-11-01", "2020-01-31", "2019-11-01/P3M"),
    ("2020NovQ2", "2020-02-01", "2020-04-30", "2020-02-01/P3M"),
    ("2020S2", "2020-07-01", "2020-12-31", "2020-07-01/P6M"),
    ("2020AprilS1", "2020-04-01", "2020-09-30", "2020-04-01/P6M"),
    ("2020AprilS2", "2020-10-01", "2021-03-31", "2020-10-01/P6M"),
    ("2020NovS1", "2019-11-01", "2020-04-30", "2019-11-01/P6M"),
    ("2020NovS2", "2020-05-01", "2020-10-31", "2020-05-01/P6M"),
    ("2020", "2020-01-01", "2020-12-31", "2020-01-01/P1Y"),
    ("2020Feb", "2020-02-01", "2021-01-31", "2020-02-01/P1Y"),
    ("2020April", "2020-04-01", "2021-03-31", "2020-04-01/P1Y"),
    ("2020July", "2020-07-01", "2021-06-30", "2020-07-01/P1Y"),
    ("2020Aug", "2020-08-01", "2021-07-31", "2020-08-01/P1Y"),
    ("2020Sep", "2020-09-01", "2021-08-31", "2020-09-01/P1Y"),
    ("2020Oct", "2020-10-01", "2021-09-30", "2020-10-01/P1Y"),
    ("2020Nov", "2019-11-01", "2020-10-31", "2019-11-01/P1Y"),
]


@pytest.mark.parametrize(("name", "start", "end", "interval"), KNOWN)
def test_an_id_is_days_and_an_interval_and_back(
    name: str, start: str, end: str, interval: str
) -> None:
    found = period_of(name)

    assert found is not None
    assert (found.id, found.start, found.end, found.interval) == (name, start, end, interval)
    assert period_between(start, end) == found
    assert period_of_interval(interval) == found
    assert period_of_interval(f"{start}/{end}") == found


@pytest.mark.parametrize(
    ("written", "name"),
    [("2026-03-15", "20260315"), ("2026-03", "202603"), ("2026W07", "2026W7")],
)
def test_other_spellings_servers_read_are_the_same_period(written: str, name: str) -> None:
    assert period_of(written) == period_of(name) is not None


@pytest.mark.parametrize(
    "text",
    [
        "", "26", "202613", "20260230", "2026Q5", "2026Q0", "2026W54", "2025W53", "2026S3",
        "2026BiW28", "202607B", "2026Juli", "2026nov", "0000", "9999", "2026W", "LAST_MONTH",
        "2026-0315", "٢٠٢٦", "2026\n",
    ],
)  # fmt: skip
def test_what_is_no_id_is_no_period(text: str) -> None:
    assert period_of(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "", "2026-01-01", "2026-01-02/P1M", "2026-01-06/P7D", "2026-01-01/P4M", "2026-12-01/P1Y",
        "2026-01-01/P2Y", "2026-02-01/P2M", "2026-06-01/P6M", "2026-02-30/P1D", "2026-01-05/P14D",
        "20260101/20260131", "2026-01-01/2026-02-15", "2026-01-01/P1W", "9999-12-01/P1M",
        "2026-01-01/P21D",
    ],
)  # fmt: skip
def test_an_interval_on_which_nothing_begins_is_no_period(text: str) -> None:
    assert period_of_interval(text) is None


def test_days_between_which_nothing_lies_are_no_period() -> None:
    assert period_between("2026-01-31", "2026-01-01") is None
    assert period_between("no day", "2026-01-01") is None


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)))
def test_a_week_is_the_week_of_the_iso_calendar(day: date) -> None:
    year, week, weekday = day.isocalendar()
    found = period_of(f"{year}W{week}")

    assert found is not None
    assert date.fromisoformat(found.start) == day - timedelta(days=weekday - 1)


@pytest.mark.parametrize(
    ("suffix", "count"),
    [("{:02}", 12), ("{:02}B", 6), ("Q{}", 4), ("NovQ{}", 4), ("S{}", 2), ("AprilS{}", 2),
     ("NovS{}", 2), ("W{}", 53), ("WedW{}", 53), ("SunW{}", 53)],
)  # fmt: skip
def test_periods_of_one_type_follow_each_other_without_a_gap(suffix: str, count: int) -> None:
    found = [
        period
        for year in range(2000, 2030)
        for number in range(1, count + 1)
        if (period := period_of(f"{year}{suffix.format(number)}"))
    ]

    assert len(found) >= 30 * (52 if count == 53 else count)
    for one, other in pairwise(found):
        assert date.fromisoformat(one.end) + timedelta(days=1) == date.fromisoformat(other.start)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("2016-03-17T01:51:39.609+0000", "2016-03-17T01:51:39.609+00:00"),
        ("2016-03-17 01:51", "2016-03-17T01:51:00"),
        ("2016-03-17T01:51:39-03", "2016-03-17T01:51:39-03:00"),
        ("2016-03-17T01:51:39Z", "2016-03-17T01:51:39Z"),
        ("2016-03-17T01:51:39.000", "2016-03-17T01:51:39.000"),
        ("2016-03-17", "2016-03-17"),
        ("yesterday", "yesterday"),
    ],
)
def test_a_moment_is_spelt_in_one_way_and_gets_no_zone(written: str, canonical: str) -> None:
    assert spelt(written) == canonical


def test_only_a_midnight_without_a_zone_is_a_day() -> None:
    assert day_of("2018-11-01T00:00:00.000") == "2018-11-01"
    assert day_of("2018-11-01T00:00:00Z") == "2018-11-01T00:00:00Z"
    assert day_of("2018-11-01T00:00:01") == "2018-11-01T00:00:01"
