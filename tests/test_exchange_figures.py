"""Figures on their whole way: small ones stay, and so does what would give them away."""

import asyncio
import csv
import io
import shutil

import pytest

from gateway import adapter, log_file, session
from gateway.entry import new_id
from gateway.exchange import Transfer, exchange
from gateway.log import Superseded
from gateway.record import Writing
from gateway.terms import Asked, terms_of

ASKED = Asked(
    agreement="agr:coordination-2026", purpose="hum.coord.needs", source="hxl", deliver="return"
)


@pytest.fixture
def deployment(prepared, tmp_path):
    directory = tmp_path / "demo"
    shutil.copytree(prepared[0], directory)
    return directory


def payload(**people):
    """People in need of health care in one district, by gender."""
    records = [
        {
            "record_type": "needs",
            "schema_version": "1.0",
            "record_id": f"amal-relief.example/{gender}",
            "place": {"location_code": "SOM", "admin2_code": "SO2502"},
            "sector_code": "HEA",
            "gender": gender,
            "population": many,
        }
        for gender, many in people.items()
    ]
    return b"".join(adapter.named("hxl").render(records, None, Writing()))


async def sent(gateway, **people):
    terms = terms_of(ASKED, gateway.deployment, gateway.known)
    return await exchange(Transfer(new_id(), terms, payload(**people)), gateway)


def carried(deployment, *payloads):
    async def carry():
        async with session.opened(deployment) as gateway:
            return [await sent(gateway, **people) for people in payloads]

    return asyncio.run(carry())


def figures(outcome):
    """Gender to what was said of it."""
    header, _, *rows = csv.reader(io.StringIO(outcome.content.decode()))
    if "population" not in header:
        return {}
    at, value = header.index("gender"), header.index("population")
    return {row[at]: row[value] for row in rows if row[value]}


def test_a_small_figure_stays_and_so_does_what_would_give_it_away(deployment):
    [outcome] = carried(deployment, {"f": 40, "m": 3, "all": 43})

    assert figures(outcome) == {"all": "43"}
    assert outcome.details["minimization"]["suppressed"] == 2


def test_large_figures_leave(deployment):
    [outcome] = carried(deployment, {"f": 40, "m": 30, "all": 70})

    assert figures(outcome) == {"f": "40", "m": "30", "all": "70"}


def test_two_releases_do_not_differ_by_a_few_people(deployment):
    first, second, third = carried(deployment, {"f": 40}, {"f": 42, "m": 30}, {"f": 47})

    assert figures(first) == {"f": "40"}
    assert figures(second) == {"m": "30"}
    assert second.details["minimization"]["suppressed"] == 1
    assert figures(third) == {"f": "47"}


def test_what_stayed_is_not_to_be_computed_from_a_later_total(deployment):
    _, later = carried(deployment, {"f": 40, "m": 3}, {"all": 43})

    assert figures(later) == {}


def test_a_refused_release_teaches_nothing(deployment):
    path = deployment / "agreements" / "coordination-2026.yaml"
    text = path.read_text()
    path.write_text(text.replace("state: active", "state: suspended"))
    [refused] = carried(deployment, {"f": 40})
    path.write_text(text)

    [outcome] = carried(deployment, {"f": 42})

    assert (refused.outcome, figures(outcome)) == ("refused", {"f": "42"})


def test_two_releases_at_one_time_do_not_pass_each_other(deployment):
    async def carry():
        async with session.opened(deployment) as gateway:
            return await asyncio.gather(
                sent(gateway, f=40), sent(gateway, f=42), return_exceptions=True
            )

    done = asyncio.run(carry())

    assert sorted(type(one) is Superseded for one in done) == [False, True]


def test_the_log_file_holds_no_name_of_a_cell(deployment):
    carried(deployment, {"f": 41234, "m": 3})

    connection = log_file.connect(deployment / "data" / log_file.FILE)
    rows = connection.execute("SELECT line, cell FROM cell").fetchall()
    connection.close()
    content = b"".join(part for row in rows for part in row)
    assert content
    assert b"SO2502" not in content
