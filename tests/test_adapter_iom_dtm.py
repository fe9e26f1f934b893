"""IOM DTM: sums that are the published figures, answers that are refused, and what comes back."""

import io
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.hxl import Hxl
from adapters.iom_dtm import IomDtm, sums
from gateway.adapter import read, write
from gateway.errors import SenderError
from gateway.mapping import Plan, plan_of, read_mapping
from gateway.record import Parsed, Record, check
from tests.canonical_records import comparable, present, records

CANARY = "CanaryAmina"
ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "adapters/iom_dtm/samples"
DTM = IomDtm()

ROW: dict[str, Any] = {
    "operation": "Floods",
    "admin0Name": "Somalia",
    "admin0Pcode": "SOM",
    "numPresentIdpInd": 7,
    "reportingDate": "2026-02-28T00:00:00",
    "yearReportingDate": 2026,
    "monthReportingDate": 2,
    "roundNumber": 3,
    "displacementReason": "Conflict",
    "numberMales": 3,
    "numberFemales": 4,
    "idpOriginAdmin1Name": "Gedo",
    "idpOriginAdmin1Pcode": "SO26",
    "assessmentType": "BA",
}


def answer(*rows: Any, **more: Any) -> bytes:
    said = {"result": list(rows), "isSuccess": True, "totalRecordsCount": len(rows), **more}
    return json.dumps(said).encode()


def row(**changes: Any) -> dict[str, Any]:
    return {**ROW, **changes}


def without(*names: str) -> dict[str, Any]:
    return {key: value for key, value in ROW.items() if key not in names}


def parse(content: bytes, plan: Plan | None = None) -> Parsed:
    parsed = read(DTM, content, plan)
    for record in parsed.records:
        check(record, at="")
    return parsed


def refused(content: bytes) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        parse(content)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value.rule, caught.value.at


def plan_for(name: str) -> Plan:
    table = {"type": "needs", "id": {"first": ["id"]}, "fields": {}}
    return plan_of(
        {
            "mapping": "only-the-authority",
            "version": "1",
            "format": name,
            "authority": "dtm.example",
            "records": [table],
        },
        at="",
    )


def everybody(parsed: Parsed) -> list[Record]:
    return [record for record in parsed.records if record["gender"] == "all"]


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir()))
def test_what_is_read_is_written(name):
    parsed = parse((SAMPLES / name).read_bytes())
    rendered = write(DTM, parsed.records)

    assert rendered.unrendered == ()
    assert parse(rendered.content).records == parsed.records
    assert rendered.lineage == parsed.lineage


def test_rows_of_one_figure_are_added_up():
    everyone, men, women = parse((SAMPLES / "rounds.json").read_bytes()).records[:3]

    assert everyone == {
        "record_type": "needs",
        "record_id": "iom.dtm.invalid/SOM:SO24::Bahari%20floods:3:BA:2026-02-28",
        "place": {"location_code": "SOM", "admin1_code": "SO24", "admin1_name": "Bay"},
        "population_group": "IDP",
        "operation": "Bahari floods",
        "reporting_round": 3,
        "assessment_type": "BA",
        "reported_on": "2026-02-28",
        "cause": ["Conflict", "Natural disaster"],
        "origin_place": {"admin1_code": "SO26", "admin1_name": "Gedo"},
        "gender": "all",
        "population": 1500,
    }
    assert (men["gender"], men["population"]) == ("m", 730)
    assert (women["gender"], women["population"]) == ("f", 770)
    assert women["record_id"] == f"{everyone['record_id']}:f"


@pytest.mark.parametrize(
    "change",
    [
        {"roundNumber": 4},
        {"reportingDate": "2026-02-27T00:00:00"},
        {"operation": "Drought"},
        {"assessmentType": "SA"},
        {"admin0Pcode": "KEN"},
        {"admin1Pcode": "SO24"},
        {"admin2Name": "Baidoa"},
        {"reportingDate": "2026-02-28T10:00:00"},
    ],
)
def test_what_is_not_one_figure_is_not_added_up(change):
    found = everybody(parse(answer(ROW, row(**change))))

    assert [record["population"] for record in found] == [7, 7]
    assert len({record["record_id"] for record in found}) == 2


def test_rows_may_stand_in_any_order():
    other = row(roundNumber=4)
    found = parse(answer(ROW, other, row(displacementReason="Other reason", numPresentIdpInd=5)))

    assert [record["population"] for record in everybody(found)] == [12, 7]


def test_a_part_of_a_sum_is_not_the_sum():
    parsed = parse(answer(ROW, row(numberMales=None)))

    assert [record["gender"] for record in parsed.records] == ["all", "f"]
    assert "result/numberMales" in parsed.unmapped
    whole = parse(answer(ROW, row(numPresentIdpInd=None)))
    assert whole.records[0]["absent"] == {"population": "unknown"}
    assert "population" not in whole.records[0]
    assert "result/numPresentIdpInd" in whole.unmapped


def test_origins_that_differ_stay_behind():
    parsed = parse(answer(ROW, row(idpOriginAdmin1Pcode="SO24", idpOriginAdmin1Name="Bay")))

    assert "origin_place" not in parsed.records[0]
    assert {"result/idpOriginAdmin1Name", "result/idpOriginAdmin1Pcode"} <= set(parsed.unmapped)


def test_a_place_of_two_names_has_a_code_and_no_name():
    parsed = parse(
        answer(row(admin1Pcode="SO24", admin1Name="Bay"), row(admin1Pcode="SO24", admin1Name="Bai"))
    )

    assert parsed.records[0]["place"] == {"location_code": "SOM", "admin1_code": "SO24"}
    assert "result/admin1Name" in parsed.unmapped


def test_not_available_is_unknown_and_null_says_nothing():
    nobody = row(idpOriginAdmin1Pcode="Not available", idpOriginAdmin1Name="Not available")
    silent = row(idpOriginAdmin1Pcode=None, idpOriginAdmin1Name=None)

    assert parse(answer(nobody)).records[0]["absent"] == {"origin_place": "unknown"}
    assert "absent" not in parse(answer(silent)).records[0]
    unsaid = parse(answer(row(displacementReason="Not available")))
    assert unsaid.records[0]["absent"] == {"cause": "unknown"}
    assert parse(write(DTM, unsaid.records).content).records == unsaid.records


def test_an_answer_may_not_say_how_many_rows_it_has():
    assert len(parse(answer(ROW, totalRecordsCount=None)).records) == 3


def test_other_keys_are_listed_unless_they_are_odd():
    parsed = parse(answer(row(id=5, admin3Pcode="x", **{f"{CANARY} of Bay": 1}), note=1))

    assert parsed.unmapped == ("note", "result/?", "result/admin0Name", "result/admin3Pcode",
                               "result/id")  # fmt: skip


def test_rows_that_went_through_a_table_are_read():
    table = [row(numberMales=3.0, id=1.0), row(roundNumber=4, numberMales=None, id=2.0)]
    found = parse(json.dumps(table).encode())

    assert [record["population"] for record in found.records] == [7, 3, 4, 7, 4]


@pytest.mark.parametrize(
    ("date", "found"),
    [
        ("2026-02-28", "2026-02-28"),
        ("2026-02-28T00:00:00.0000000", "2026-02-28"),
        ("2026-02-28T10:20:30.25", "2026-02-28T10:20:30.25"),
    ],
)
def test_the_day_stands_alone_where_the_time_says_nothing(date, found):
    parsed = parse(answer(row(reportingDate=date)))

    assert parsed.records[0]["reported_on"] == found
    assert parse(write(DTM, parsed.records).content).records == parsed.records


def test_codes_of_places_are_kept_as_iom_writes_them():
    found = parse(answer(row(admin0Pcode="IRQ", admin1Pcode="IRQ-G01")))

    assert found.records[0]["place"]["admin1_code"] == "IRQ-G01"


def test_a_long_key_becomes_its_digest():
    parsed = parse(answer(row(operation="عملية " * 60)), plan_for("iom.dtm"))

    assert parsed.records[0]["record_id"].startswith("dtm.example/sha256:")
    assert parsed.records[1]["record_id"] == f"{parsed.records[0]['record_id']}:m"


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (answer(ROW, isSuccess=False), "dtm.failed"),
        (answer(ROW, isSuccess="true"), "dtm.failed"),
        (answer(ROW, errorMessages=[CANARY]), "dtm.failed"),
        (answer(ROW, totalRecordsCount=2), "dtm.incomplete"),
        (answer(ROW, totalRecordsCount=True), "dtm.incomplete"),
        (answer({"admin0Name": CANARY, "admin0Pcode": "SOM"}), "dtm.country_list"),
        (answer({"operation": CANARY, "admin0Name": "x", "operationStatus": "Active"}),
         "dtm.operation_list"),
        (answer(ROW, statusCode=500), "dtm.failed"),
        (json.dumps({"result": None, "isSuccess": False}).encode(), "dtm.failed"),
        (json.dumps("x").encode(), "dtm.not_an_answer"),
        (json.dumps([{"admin0Name": CANARY, "admin0Pcode": "SOM"}]).encode(), "dtm.country_list"),
        (json.dumps([7]).encode(), "dtm.row"),
        (answer(ROW, row(roundNumber=4), ROW), "dtm.twice"),
        (answer(ROW, dict(reversed(ROW.items()))), "dtm.twice"),
        (json.dumps({"result": None}).encode(), "dtm.not_an_answer"),
        (answer([ROW]), "dtm.row"),
        (answer(row(id=1), row(id=1)), "dtm.twice"),
        (answer(row(id=[1])), "dtm.text"),
        (answer(row(operation=7)), "dtm.text"),
        (answer(row(operation=" ")), "dtm.text"),
        (answer(row(admin1Pcode=24)), "dtm.text"),
        (answer(row(admin0Pcode=CANARY)), "dtm.code"),
        (answer(row(assessmentType=CANARY)), "dtm.code"),
        (answer(row(numPresentIdpInd="7")), "dtm.count"),
        (answer(row(numPresentIdpInd=7.5)), "dtm.count"),
        (answer(row(numPresentIdpInd=1e300)), "dtm.count"),
        (answer(row(reportingDate="2026-02-28T00:00:00Z")), "dtm.date"),
        (answer(row(id=True)), "dtm.text"),
        (answer(row(numPresentIdpInd=-7)), "dtm.count"),
        (answer(row(numberMales=True)), "dtm.count"),
        (answer(row(numPresentIdpInd=10**12), ROW), "dtm.count"),
        (answer(row(reportingDate=CANARY)), "dtm.date"),
        (answer(row(reportingDate="2026-02-30T00:00:00")), "dtm.date"),
        (answer(row(reportingDate=None)), "dtm.date"),
        (answer(row(yearReportingDate=2025)), "dtm.date"),
        (answer(row(monthReportingDate=3)), "dtm.date"),
        (answer(ROW, without("numPresentIdpInd")), "dtm.required"),
        (answer(without("admin0Pcode")), "dtm.required"),
        (answer(without("roundNumber")), "dtm.required"),
        (b"{", "json.truncated"),
    ],
)  # fmt: skip
def test_what_is_refused_and_by_which_rule(content, rule):
    assert refused(content)[0] == rule


def test_a_number_of_any_size_in_a_column_of_others_is_read():
    content = answer(row(other=10**30)).replace(b'"other"', b'"\\u0022"')

    assert len(parse(content).records) == 3


def test_errors_name_row_and_column():
    assert refused(answer(ROW, row(numberFemales=CANARY))) == ("dtm.count", "row 2, numberFemales")


def test_figures_are_held_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(sums, "LIMIT", 2)

    again = row(displacementReason="Insecurity")
    assert len(parse(answer(ROW, row(roundNumber=4), again)).records) == 6
    assert refused(answer(*(row(roundNumber=one) for one in range(3))))[0] == "dtm.too_many"


def test_a_mapping_says_whose_figures_they_are():
    assert (
        parse(answer(ROW), plan_for("iom.dtm")).records[0]["record_id"].startswith("dtm.example/")
    )
    with pytest.raises(SenderError) as caught:
        parse(answer(ROW), plan_for("hxl"))
    assert caught.value.rule == "mapping.other_format"


BASE, MEN, WOMEN = parse(answer(ROW)).records


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ({}, set()),
        ({"record_id": "other.example/1"}, {"record_id"}),
        ({"cause": ["b", "a"]}, {"cause[]"}),
        ({"cause": ["a; b"]}, {"cause[]"}),
        ({"population_status": "all", "comment": "x"}, {"population_status", "comment"}),
        ({"place": {"location_code": "SOM", "admin3_code": "x"}}, {"place.admin3_code"}),
        ({"origin_place": {"admin2_code": "x"}}, {"origin_place.admin2_code"}),
        ({"households": 3}, {"households"}),
    ],
)
def test_what_a_row_cannot_hold_is_listed(change, lost):
    record = {**BASE, **change}
    rendered = write(DTM, [record])

    assert set(rendered.unrendered) == {f"needs.{name}" for name in lost}
    gone = set(rendered.unrendered)
    assert comparable(parse(rendered.content).records, gone) == comparable([record], gone)


@pytest.mark.parametrize(
    "change",
    [
        {"population_group": "REF"},
        {"population_status": "TGT"},
        {"gender": "o"},
        {"gender": None},
        {"min_age": 5},
        {"sector_code": "HEA"},
        {"withheld": {"age_range": "purpose"}},
        {"withheld": {"place": "purpose"}},
        {"place": {"location_code": "QQQ"}},
        {"operation": None},
        {"reporting_round": None},
        {"assessment_type": None},
        {"reported_on": "2026-02"},
        {"reported_on": "2026-02-28T00:00:00Z"},
        {"reported_on": None},
        {"population": None},
    ],
)
def test_a_part_of_the_people_is_never_written_as_all_of_them(change):
    record = {key: value for key, value in {**BASE, **change}.items() if value is not None}
    rendered = write(DTM, [record])

    assert json.loads(rendered.content)["result"] == []
    assert set(rendered.unrendered) == present([record]) - {"needs.record_type"}


def test_men_without_everybody_are_not_written():
    assert json.loads(write(DTM, [MEN]).content)["result"] == []
    other = {**MEN, "reporting_round": 9}
    assert json.loads(write(DTM, [BASE, other]).content)["result"][0]["numberMales"] is None
    assert json.loads(write(DTM, [BASE, MEN, WOMEN]).content)["result"][0]["numberMales"] == 3


def test_two_records_of_one_figure_are_refused():
    with pytest.raises(SenderError) as caught:
        write(DTM, [BASE, {**BASE, "record_id": "a.example/1"}])
    assert caught.value.rule == "dtm.key_twice"


def test_records_of_other_types_are_listed():
    rendered = write(DTM, [{"record_type": "person", "record_id": "a.example/1"}])

    assert rendered.unrendered == ("person.record_id", "person.record_type")
    assert parse(rendered.content).records == []


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(found=records(types=("needs",), most=2), figure=st.booleans())
def test_every_figure_comes_back_or_is_told_to_be_lost(found, figure):
    head = {key: BASE[key] for key in BASE if key != "record_id"} if figure else {}
    several = [
        {**record, **head, "record_id": f"a.example/{number}", "reporting_round": number}
        for number, record in enumerate(found)
    ]
    rendered = write(DTM, several)

    gone = set(rendered.unrendered)
    back, kept = (
        [one for one in comparable(records, gone) if len(one) > 1]
        for records in (parse(rendered.content).records, several)
    )
    assert back == kept
    assert present(several) <= rendered.lineage.keys() | gone | {"needs.record_type"}


# Real answers.

ANSWERS = (
    "displacement-admin0-admin0pcode-afg.json",
    "displacement-admin0-admin0pcode-tcd.json",
    "displacement-admin1-admin0pcode-tcd.json",
    "displacement-admin2-admin0pcode-hti.json",
    "idpadmin0data-getadmin0datav2-admin0pcode-sdn.json",
)
PARTS = ("operation", "admin0Pcode", "admin1Pcode", "admin2Pcode", "roundNumber",
         "assessmentType", "reportingDate")  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_a_real_answer_comes_back_field_by_field(samples, name):
    content = samples(f"iom-dtm/open/{name}").read_bytes()
    parsed = parse(content)
    rendered = write(DTM, parsed.records)

    people: Counter[Any] = Counter()
    for one in json.loads(content)["result"]:
        people[tuple(one.get(part) for part in PARTS)] += one["numPresentIdpInd"]
    assert [record["population"] for record in everybody(parsed)] == list(people.values())
    assert rendered.unrendered == ()
    assert parse(rendered.content).records == parsed.records


def test_afghanistan_s_first_round_is_the_figure_that_is_published(samples):
    content = samples("iom-dtm/open/displacement-admin0-admin0pcode-afg.json").read_bytes()

    assert everybody(parse(content))[0]["population"] == 179956 + 98 + 66308 == 246362


# To HXL, read by libhxl.


def read_by_libhxl(content: bytes) -> list[dict[str, Any]]:
    rows = hxl.data(hxl.make_input(io.BytesIO(content)))
    return [
        dict(zip((column.display_tag for column in row.columns), row.values, strict=True))
        for row in rows
    ]


def test_a_real_answer_goes_to_hxl_and_libhxl_reads_it(samples: Callable[[str], Path]):
    content = samples("iom-dtm/open/displacement-admin1-admin0pcode-tcd.json").read_bytes()
    parsed = parse(content)
    rendered = write(Hxl(), parsed.records)
    rows = read_by_libhxl(rendered.content)

    assert rendered.unrendered == ()
    assert len(rows) == len(parsed.records)
    assert [int(found["#population+num"]) for found in rows] == [
        record["population"] for record in parsed.records
    ]
    assert read(Hxl(), rendered.content).records == parsed.records


def test_the_crosswalk_writes_the_hashtags_of_published_files(samples: Callable[[str], Path]):
    plan = read_mapping(ROOT / "deploy/crosswalks/mappings/dtm-hxl.yaml")
    content = samples("iom-dtm/open/displacement-admin1-admin0pcode-tcd.json").read_bytes()
    parsed = parse(content)
    rendered = write(Hxl(), parsed.records, plan)
    rows = read_by_libhxl(rendered.content)

    assert set(rendered.unrendered) == {"needs.absent"}
    assert Counter(int(found["#affected+idps"]) for found in rows) == Counter(
        record["population"] for record in parsed.records
    )
    assert comparable(read(Hxl(), rendered.content, plan).records, ["needs.schema_version"]) == (
        comparable(parsed.records, ["needs.absent"])
    )
    assert rows[0]["#adm1+code"] == "TD07"
