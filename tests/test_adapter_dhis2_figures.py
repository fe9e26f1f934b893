"""Figures as other servers and other senders write them, and mistakes that must not pass."""

from typing import Any

import orjson
import pytest

from adapters.dhis2.aggregate import (
    Dhis2Adx,
    Dhis2Aggregate,
    Dhis2AggregateCsv,
    Dhis2AggregateXml,
)
from adapters.dhis2.aggregate import answers as aggregate_answers
from adapters.dhis2.tracker import answers as tracker_answers
from gateway.adapter import Adapter, Outcome, read, write
from gateway.errors import SenderError
from gateway.mapping import plan_of
from gateway.record import Parsed, check

JSON, XML, CSV, ADX = Dhis2Aggregate(), Dhis2AggregateXml(), Dhis2AggregateCsv(), Dhis2Adx()
VALUE = {"dataElement": "mAl01Gelbi1", "period": "202601", "orgUnit": "oUgelbis003", "value": "1"}
OPEN = '<dataValueSet xmlns="http://dhis2.org/schema/dxf/2.0"'
FIGURE = '<dataValue dataElement="mAl01Gelbi1" period="202601" orgUnit="oUgelbis003" value="1"/>'


def parsed(content: Any, adapter: Adapter = JSON) -> Parsed:
    raw = content if isinstance(content, bytes) else orjson.dumps(content)
    found = read(adapter, raw)
    for number, record in enumerate(found.records, 1):
        check(record, at=f"record {number}")
    return found


def rule(content: Any, adapter: Adapter = JSON) -> str:
    with pytest.raises(SenderError) as caught:
        parsed(content, adapter)
    return caught.value.rule


LONG = "ü\n" * 25_000


@pytest.mark.parametrize("adapter", [JSON, XML, CSV, ADX], ids=lambda one: one.name)
def test_texts_as_long_as_servers_allow_go_through(adapter: Adapter) -> None:
    figure = VALUE | {"value": LONG, "comment": LONG[::-1]}
    records = parsed({"dataSet": "mAlariaSet1", "dataValues": [figure]}).records

    (again,) = parsed(write(adapter, records).content, adapter).records

    assert again["value_text"] == LONG
    assert again["comment"] == LONG[::-1]


@pytest.mark.parametrize("body", [{}, {"dataSet": "mAlariaSet1", "period": "202601"}])
def test_a_server_without_data_values_writes_no_list(body: dict[str, str]) -> None:
    found = parsed(body)

    assert found.records == []
    assert found.unmapped == tuple(sorted(body))


def test_what_a_header_says_of_no_values_is_told() -> None:
    complete = {"dataSet": "mAlariaSet1", "completeDate": "2026-02-01"}
    content = f'{OPEN} dataSet="mAlariaSet1" completeDate="2026-02-01"/>'.encode()

    assert parsed(complete | {"dataValues": []}).unmapped == ("completeDate", "dataSet")
    assert parsed(content, XML).unmapped == ("completeDate", "dataSet")


def test_a_list_of_sets_keeps_each_header_with_its_values() -> None:
    figure = {key: VALUE[key] for key in ("dataElement", "orgUnit")} | {"value": 1.50}
    sets = [{"period": period, "dataValues": [figure]} for period in ("202601", "202602")]

    found = [record["period"]["dhis2_period"] for record in parsed(sets).records]

    assert found == ["202601", "202602"]
    assert rule([]) == rule([[]]) == "dhis2.not_data_values"


@pytest.mark.parametrize("name", ["strategy", "importStrategy"])
def test_what_is_to_be_deleted_is_no_data(name: str) -> None:
    assert rule({name: "DELETE", "dataValues": [VALUE]}) == "dhis2.deleted"
    assert rule(f'{OPEN} {name}="delete">{FIGURE}</dataValueSet>'.encode()) == "dhis2.deleted"
    assert len(parsed({name: "CREATE_AND_UPDATE", "dataValues": [VALUE]}).records) == 1


def test_no_dry_run_is_data_however_it_is_spelt() -> None:
    assert len(parsed({"dryRun": "false", "dataValues": [VALUE]}).records) == 1
    assert len(parsed(f'{OPEN} dryRun="FALSE">{FIGURE}</dataValueSet>'.encode()).records) == 1
    assert rule({"dryRun": "TRUE", "dataValues": [VALUE]}) == "dhis2.dry_run"


def test_attributes_by_id_of_their_options_are_not_left_out() -> None:
    options = {"combo": "cOmboGelb01", "options": ["dOnorNumber"]}

    assert rule(VALUE | {"attribute": options}) == "dhis2.categories"
    assert len(parsed(VALUE | {"attribute": {"combo": None, "options": []}}).records) == 1


def test_a_combination_has_no_thousand_categories() -> None:
    many = {f"c{number}": "x" for number in range(101)}

    assert rule({"attributeOptionCombo": many, "dataValues": [VALUE]}) == "dhis2.categories"


def test_xml_may_be_utf_16() -> None:
    content = f'<?xml version="1.0" encoding="UTF-16"?>{OPEN}>{FIGURE}</dataValueSet>'

    assert len(parsed(content.encode("utf-16"), XML).records) == 1


MANUAL = "dataelement,period,orgunit,catoptcombo,attroptcombo,value,strby,lstupd,cmt"
WORDS = (
    "Data element,Period,Organisation unit,Category option combo,Attribute option combo,Value,"
    "Stored by,Last updated,Comment"
)


@pytest.mark.parametrize("header", [MANUAL, WORDS])
def test_columns_by_the_names_of_the_manual_and_by_words(header: str) -> None:
    rows = "a,202601,o,c1,d,1,hodan,2026-02-01,x\na,202601,o,c2,d,2,hodan,2026-02-01,y\n"

    found = parsed(f"{header}\n{rows}".encode(), CSV)

    assert [record["category_option_combo"] for record in found.records] == ["c1", "c2"]
    assert found.records[0]["stored_by"] == "hodan"
    assert found.records[0]["reported_at"] == "2026-02-01"
    assert found.records[1]["comment"] == "y"
    assert found.unmapped == ()


def test_eleven_columns_of_an_export_whose_header_was_cut_off() -> None:
    (record,) = parsed(b"a,202601,o,c,d,1,hodan,2026-02-01,x,FALSE,True\n", CSV).records

    assert record["deleted"] is True
    assert record["follow_up"] is False


def test_what_a_server_ignored_without_an_error_it_may_have_already() -> None:
    summary = {"importCount": {"imported": 0, "updated": 0, "ignored": 1, "deleted": 0}}
    unchanged = orjson.dumps(summary | {"status": "SUCCESS"})
    wrong = orjson.dumps(summary | {"status": "ERROR"})

    assert aggregate_answers.outcomes(unchanged, 1) == [Outcome(0, "unknown")]
    assert aggregate_answers.outcomes(wrong, 1) == [Outcome(0, "refused")]


def test_an_answer_without_a_report_still_has_its_code() -> None:
    answer = b'{"httpStatusCode": 409, "status": "ERROR", "errorCode": "E7643", "message": "x"}'

    assert aggregate_answers.outcomes(answer, 1) == [Outcome(None, "unknown", "E7643")]
    assert tracker_answers.outcomes(answer, 1) == [Outcome(None, "unknown", "E7643")]


def test_xml_is_written_without_prefixes() -> None:
    records = parsed({"dataSet": "mAlariaSet1", "dataValues": [VALUE]}).records

    assert b"<dataValue " in write(XML, records).content
    adx = write(ADX, records).content
    assert b"<group " in adx
    assert b"<dataValue " in adx


def test_a_mapping_for_data_values_serves_adx_too() -> None:
    plan = plan_of(
        {
            "mapping": "m",
            "version": "1",
            "format": "dhis2.aggregate",
            "authority": "dhis2.example",
            "records": [
                {
                    "type": "indicator",
                    "id": {"first": ["key"]},
                    "fields": {
                        "indicator_code": "dataElement",
                        "dataset": "dataSet",
                        "place.site_code": "orgUnit",
                        "period.dhis2_period": "period",
                        "value": "value",
                    },
                }
            ],
        },
        at="m",
    )
    content = orjson.dumps({"dataSet": "mAlariaSet1", "dataValues": [VALUE]})
    records = read(JSON, content, plan).records

    assert read(ADX, write(ADX, records, plan).content, plan).records == records
    with pytest.raises(SenderError) as caught:
        read(JSON, content, plan_of(plan.document | {"format": "dhis2.adx"}, at="m"))
    assert caught.value.rule == "mapping.other_format"
