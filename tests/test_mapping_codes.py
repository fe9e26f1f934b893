"""Code lists and vendors' tables that come with the gateway."""

import copy
import json
from typing import Any

import pytest

from gateway.errors import OfficerError, SenderError
from gateway.mapping import Reader, plan_of
from gateway.mapping.codes import code_list, code_table
from gateway.record import SCHEMAS, leaves
from tests.mapping_tables import ROWS

FILES = sorted((SCHEMAS / "codes").glob("*.json"))
LISTS = [path.stem for path in FILES if "." not in path.stem]
TABLES = [path.stem for path in FILES if "." in path.stem]

ENUMS = {
    "sex": "person.sex",
    "marital_status": "person.marital_status",
    "displacement_status": "person.displacement_status",
    "population_group": "needs.population_group",
    "population_status": "needs.population_status",
    "gender": "needs.gender",
    "assistance_unit": "assistance.assistance_unit",
    "benefit_type": "assistance.benefit_type",
    "enrollment_status": "assistance.enrollment_status",
    "cap_status": "alert.status",
    "cap_msg_type": "alert.msg_type",
    "cap_scope": "alert.scope",
    "cap_category": "alert.info[].category[]",
    "cap_response_type": "alert.info[].response_type[]",
    "cap_urgency": "alert.info[].urgency",
    "cap_severity": "alert.info[].severity",
    "cap_certainty": "alert.info[].certainty",
}
"""Code list to the leaf of a schema that has the same codes."""


def document(name: str) -> Any:
    return json.loads((SCHEMAS / "codes" / f"{name}.json").read_bytes())


@pytest.mark.parametrize("name", LISTS)
def test_a_list_says_what_it_is_and_what_each_code_means(name):
    found = document(name)

    assert found["title"]
    assert found["source"]
    assert code_list(name) == found["codes"].keys()
    assert all(one["en"] and code for code, one in found["codes"].items())


@pytest.mark.parametrize("name", TABLES)
def test_a_table_ends_in_the_list_it_is_named_after(name):
    found = document(name)

    assert found["title"]
    assert found["source"]
    targets = {target for target in code_table(name).values() if target is not None}
    assert targets <= code_list(name.split(".")[0])


@pytest.mark.parametrize(("name", "leaf"), ENUMS.items())
def test_a_list_has_the_codes_of_its_schema(name, leaf):
    record_type, path = leaf.split(".", 1)

    assert code_list(name) == set(leaves(record_type)[path].spec["enum"])


def test_countries_are_told_apart_three_ways():
    countries = document("country")["codes"]

    assert len(countries) > 240
    assert {code for code in countries if len(code) == 3 and code.isupper()} == set(countries)
    for name, key, length in (("country.iso2", "alpha_2", 2), ("country.numeric", "numeric", 3)):
        table = code_table(name)
        assert {one[key]: code for code, one in countries.items()} == table
        assert {len(code) for code in table} == {length}
    assert code_table("country.iso3") == {code: code for code in countries}
    assert code_table("country.iso2")["SO"] == code_table("country.numeric")["706"] == "SOM"
    assert {b: a for a, b in code_table("country_alpha2.iso3").items()} == code_table(
        "country.iso2"
    )


def line(**spec: Any) -> Any:
    table = copy.deepcopy(ROWS)
    table["records"][0]["fields"] = {"place.location_code": {"from": "c", "as": "code", **spec}}
    return table


def read(table: Any, value: Any) -> Any:
    [found] = Reader(plan_of(table, at="t")).read({"site": "A", "round": 1, "c": value}, at="here")
    return found.get("place", {}).get("location_code")


def test_hope_s_countries_are_read_and_others_refused():
    table = line(table="country.iso3", list="country")

    assert read(table, "SOM") == "SOM"
    with pytest.raises(SenderError) as caught:
        read(table, "SUD")  # proGres for Sudan
    assert caught.value.rule == "code.unknown"


def test_a_cluster_is_read_from_its_id_or_its_acronym():
    table = copy.deepcopy(ROWS)
    table["records"][0] = {
        "type": "activity",
        "id": {"all": ["row"]},
        "fields": {"sector_code": {"from": "cluster", "as": "code", "table": "cluster.ocha"}},
    }
    reader = Reader(plan_of(table, at="t"))

    found = [reader.read({"row": "1", "cluster": one}, at="x")[0] for one in ("11", "WSH")]

    assert [one["sector_code"] for one in found] == ["WSH", "WSH"]


def test_an_unknown_code_goes_to_another_only_where_the_table_says_so():
    assert read(line(table="country.iso2", otherwise="SOM"), "??") == "SOM"


def test_a_table_may_be_read_in_any_letter_case():
    assert read(line(table="country.iso2", fold="lower"), "so") == "SOM"


@pytest.mark.parametrize(
    ("spec", "rule"),
    [
        ({"table": "country.iso2", "codes": {"a": "SOM"}}, "document.anyOf"),
        ({"list": "country"}, "document.anyOf"),
        ({"table": "country"}, "document.anyOf"),
        ({"table": "../country.iso2"}, "document.anyOf"),
        ({"table": "country.nobody"}, "mapping.no_code_table"),
        ({"table": "country.iso2", "list": "sex"}, "mapping.code_list"),
        ({"table": "country.iso2", "list": "nothing"}, "mapping.no_code_list"),
        ({"table": "country_alpha2.iso3"}, "mapping.not_allowed"),
        ({"codes": {"a": "Somalia"}}, "mapping.not_allowed"),
        ({"codes": {"a": "SOM"}, "otherwise": "other"}, "mapping.not_allowed"),
        ({"codes": {"a": True}}, "mapping.not_allowed"),
        ({"codes": {"a": "SOM", "A": "ETH"}, "fold": "lower"}, "mapping.fold_twice"),
    ],
)
def test_a_line_of_codes_that_cannot_hold_is_refused(spec, rule):
    with pytest.raises(OfficerError) as caught:
        plan_of(line(**spec), at="t.yaml")

    assert caught.value.rule == rule


def test_a_table_s_codes_are_part_of_the_mapping_s_digest(monkeypatch):
    before = plan_of(line(table="country.iso2"), at="t").digest
    inline = plan_of(line(codes={"SO": "SOM"}), at="t")

    monkeypatch.setattr("gateway.mapping.table.table_digest", lambda name: "sha256:other")

    assert plan_of(line(table="country.iso2"), at="t").digest != before
    assert plan_of(line(codes={"SO": "SOM"}), at="t").digest == inline.digest
