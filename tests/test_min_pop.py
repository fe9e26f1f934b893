"""A place with few people leaves as a larger one."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.errors import OfficerError
from gateway.forms import transform
from gateway.minimize import minimize
from gateway.places import Places, read_places
from gateway.records import Received

PLACES = Places(
    {
        "XA01": (1, "XAA"),
        "XA0101": (2, "XA01"),
        "XA010101": (3, "XA0101"),
        "XA02": (1, "XAA"),
        "XA0201": (2, "XA02"),
        "XA03": (1, "XAA"),
        "XA0301": (2, "XA03"),
    },
    {"XA01": 90_000, "XA0101": 20_000, "XA010101": 4_999, "XA02": 60_000, "XA0301": 70_000},
)
COUNTRY = {"location_code": "XAA"}
FULL = COUNTRY | {"admin1_code": "XA01", "admin2_code": "XA0101", "admin3_code": "XA010101"}
FULL |= {"name": "a site", "site_code": "S1", "admin3_name": "Small", "admin_level": 3}
POINT = {"geo": {"type": "Point", "coordinates": [45.1, 2.1]}, "precision": "exact"}


def placed(value: Any, form: str = "keep", min_pop: int = 5_000) -> Any:
    options: Any = {"key": b"", "places": PLACES, "today": "2026-11-22", "min_pop": min_pop}
    how = transform("needs", "place", form, **options)
    return value if how is None else how(value)


def test_the_finest_area_with_enough_people():
    two = COUNTRY | {"admin1_code": "XA01", "admin2_code": "XA0101", "admin_level": 2}
    one = COUNTRY | {"admin1_code": "XA01", "admin_level": 1}

    assert placed(FULL | POINT) == two
    assert placed(FULL, min_pop=4_999) == two | {
        "admin3_code": "XA010101", "admin3_name": "Small", "admin_level": 3
    }  # fmt: skip
    assert placed(FULL, min_pop=20_001) == one
    assert placed(FULL, min_pop=90_001) == COUNTRY | {"admin_level": 0}


def test_no_finer_than_its_form():
    one = COUNTRY | {"admin1_code": "XA01", "admin_level": 1}

    assert placed(FULL | POINT, "admin1") == one
    assert placed(FULL | POINT, "coarse_point")["admin2_code"] == "XA0101"
    assert "geo" not in placed(FULL | POINT, "coarse_point")
    assert "geo" in placed(FULL | POINT, "coarse_point", min_pop=0)
    assert placed(FULL | POINT, min_pop=0) == FULL | POINT


def test_unknown_is_coarser():
    assert placed({"admin2_code": "XA0201"}) == {"admin1_code": "XA02", "admin_level": 1}
    assert placed(COUNTRY | {"admin2_code": "ZZ01"}) == COUNTRY | {"admin_level": 0}
    assert placed({"name": "a site"} | POINT) == {}
    # Of the larger area nobody knows how many live there, and it would stand beside the smaller.
    assert placed(COUNTRY | {"admin1_code": "XA03", "admin2_code": "XA0301"}) == COUNTRY | {
        "admin_level": 0
    }


def test_the_table_is_read_with_its_people(tmp_path):
    head = "Location,Admin Level,P-Code,Name,Parent P-Code,Valid from date,Population\n"
    (tmp_path / "a.csv").write_text(
        head
        + "XAA,1,XA-01,One,XAA,2020-01-01,900\n"
        + "XAA,1,XA-01,One,XAA,2021-01-01,800\n"
        + "XAA,1,XA-01,One,XAA,2021-01-01,850\n"
        + "XAA,1,XA-01,One,XBB,2019-01-01,700\n"
        + "XAA,1,XA-02,Two,XAA,2021-01-01,\n"
    )
    places = read_places(tmp_path)

    assert places.population("XA-01") == places.population("xa01") == 800
    assert places.population("XA-02") is None
    assert places.population("XA-09") is None


@pytest.mark.parametrize("number", ["-1", "1e3", "12.5", "many", "1234567890123"])
def test_a_population_that_is_no_number_is_an_error_with_its_line(tmp_path, number):
    head = "Location,Admin Level,P-Code,Name,Parent P-Code,Population\n"
    (tmp_path / "a.csv").write_text(f"{head}XAA,1,XA01,One,XAA,{number}\n")
    with pytest.raises(OfficerError) as error:
        read_places(tmp_path)

    assert (error.value.rule, error.value.at) == ("places.population", "a.csv, line 2")
    assert number not in str(error.value).replace("a.csv, line 2", "")


# -- in a transfer -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Limits:
    k: int = 0
    min_pop: int = 0


@dataclass(frozen=True, eq=False)
class Ruling:
    forms: dict[str, tuple[str, str]]
    limits: Limits
    allows: bool = True
    rules: tuple[str, ...] = ()


@dataclass
class Figures:
    """Takes the population out of the second record."""

    seen: list[Any] = field(default_factory=list)
    settled: int = 0

    def see(self, record: Any, hidden: Any) -> None:
        self.seen.append((record["record_id"], dict(hidden)))

    def settle(self) -> None:
        self.settled += 1

    def less(self, number: int, record: Any) -> Any:
        assert self.settled == 1
        return {k: v for k, v in record.items() if number != 1 or k != "population"}


@pytest.mark.parametrize("held", [True, False])
def test_a_shape_of_a_place_stays_and_figures_are_seen_once(held):
    one = ("needs", ())
    records = [
        {"record_type": "needs", "record_id": f"a/{n}", "place": dict(FULL), "population": n,
         "households": n, "geometry": POINT["geo"]}
        for n in range(3)
    ]  # fmt: skip
    keep = dict.fromkeys(("record_id", "place", "population", "geometry"), ("keep", ""))
    ruling = Ruling({**keep, "households": ("drop", "small_cell")}, Limits(5, 5_000))
    received = Received(
        lambda: iter([(record, one) for record in records]),
        held, 3, 0, {one: {*records[0]}}, {"needs": 3},
    )  # fmt: skip
    figures = Figures()
    told: list[Any] = []
    minimized = minimize(
        received, {one: ruling}, key=b"k" * 32, places=PLACES, today="2026-11-22",
        figures=figures, seen=lambda record, less: told.append((record, less)),
    )  # fmt: skip
    left = list(minimized.records)

    assert list(minimized.records) == left
    assert [record.get("population") for record in left] == [0, None, 2]
    assert figures.seen == [(f"a/{n}", {"households": n}) for n in range(3)]
    assert len(told) == 3
    assert told[1][0] == records[1]
    assert all("geometry" not in record for record in left)
    assert minimized.withheld == {"needs.geometry": "min_pop", "needs.households": "small_cell"}
    assert left[0]["place"]["admin_level"] == 2
    assert records[0]["place"] == FULL
