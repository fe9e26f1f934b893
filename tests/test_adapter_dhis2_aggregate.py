"""DHIS2's aggregate data: data value sets as JSON, XML and CSV."""

import io
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.dhis2.aggregate import Dhis2Aggregate, Dhis2AggregateCsv, Dhis2AggregateXml
from adapters.dhis2.aggregate.value import DataValue, key_of
from adapters.dhis2.digits import values_are_numbers
from adapters.dhis2.period import period_of
from gateway.adapter import Adapter, read, write
from gateway.errors import SenderError
from gateway.mapping import Plan, plan_of, read_mapping
from gateway.record import Record, check
from gateway.source.tables import workbook

SAMPLES = Path(__file__).parent.parent / "adapters/dhis2/aggregate/samples"
JSON, XML, CSV = Dhis2Aggregate(), Dhis2AggregateXml(), Dhis2AggregateCsv()
VALUE = {"dataElement": "mAl01Gelbi1", "period": "202601", "orgUnit": "oUgelbis003"}


def body(*values: dict[str, Any], **head: Any) -> bytes:
    return orjson.dumps({**head, "dataValues": [VALUE | value for value in values]})


def records(content: bytes, adapter: Adapter = JSON, mapping: Plan | None = None) -> list[Record]:
    found = read(adapter, content, mapping).records
    for number, record in enumerate(found, 1):
        check(record, at=f"record {number}")
    return found


def one(content: bytes) -> Record:
    (record,) = records(content)
    return record


def refusal(content: bytes, adapter: Adapter = JSON, mapping: Plan | None = None) -> SenderError:
    with pytest.raises(SenderError) as caught:
        read(adapter, content, mapping)
    return caught.value


def unwritable(adapter: Adapter, *some: Record) -> SenderError:
    with pytest.raises(SenderError) as caught:
        write(adapter, some)
    return caught.value


def indicator(**fields: Any) -> Record:
    return {
        "record_type": "indicator",
        "schema_version": "1.0",
        "record_id": "dhis2.invalid/mAl01Gelbi1:oUgelbis003:202601::",
        "indicator_code": "mAl01Gelbi1",
        "place": {"site_code": "oUgelbis003"},
        "period": {
            "dhis2_period": "202601",
            "start": "2026-01-01",
            "end": "2026-01-31",
            "interval": "2026-01-01/P1M",
        },
        **fields,
    }


# What a data value says


def test_a_data_value_is_an_indicator() -> None:
    content = body(
        {
            "value": "12",
            "categoryOptionCombo": "cOcUnder5F1",
            "comment": "Deux à revoir",
            "storedBy": "hodan.abdi",
            "lastUpdated": "2026-02-02T08:00:00.000+0000",
            "followUp": True,
        },
        dataSet="mAlGelbis01",
        attributeOptionCombo="aOcSahil001",
    )

    parsed = read(JSON, content)

    assert parsed.records == [
        indicator(
            record_id="dhis2.invalid/mAl01Gelbi1:oUgelbis003:202601:cOcUnder5F1:aOcSahil001",
            dataset="mAlGelbis01",
            category_option_combo="cOcUnder5F1",
            attribute_option_combo="aOcSahil001",
            value="12",
            comment="Deux à revoir",
            stored_by="hodan.abdi",
            reported_at="2026-02-02T08:00:00.000+00:00",
            follow_up=True,
        )
    ]
    assert parsed.unmapped == ()
    assert parsed.lineage["indicator.indicator_code"] == "dataElement"
    assert parsed.lineage["indicator.period.end"] == "period/end"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("12", {"value": "12"}),
        ("041.50", {"value": "041.50"}),
        ("-1.5e3", {"value": "-1.5e3"}),
        ("true", {"value_text": "true"}),
        ("+5", {"value_text": "+5"}),
        ("2026-01-31", {"value_text": "2026-01-31"}),
        ("9" * 65, {"value_text": "9" * 65}),
        ("", {"absent": {"value": "unanswered"}}),
        (None, {}),
        (7, {"value": "7"}),
        (True, {"value_text": "true"}),
    ],
)
def test_a_value_is_a_number_a_text_empty_or_not_there(written: Any, kept: dict[str, Any]) -> None:
    assert one(body({"value": written})) == indicator(**kept)


def test_a_value_written_as_a_number_keeps_its_digits() -> None:
    content = b'{"dataValues":[{"dataElement":"a","period":202601,"orgUnit":"b","value": 12.50}]}'

    record = one(content)

    assert (record["value"], record["period"]["dhis2_period"]) == ("12.50", "202601")


@pytest.mark.parametrize("gap", [0, 65_000, 65_530, 131_068])
def test_a_number_is_found_wherever_it_stands(gap: int) -> None:
    content = io.BytesIO(b" " * gap + b'{"value" :  -4}')

    assert values_are_numbers(content)
    assert content.tell() == 0
    assert not values_are_numbers(io.BytesIO(b'{"value": "4"}'))


def test_what_is_said_once_holds_for_every_value() -> None:
    content = orjson.dumps(
        {
            "dataSet": "mAlGelbis01",
            "completedDate": "2026-02-03",
            "period": "202601",
            "orgUnit": "oUgelbis003",
            "attributeOptionCombo": {"donor": "FR"},
            "dataValues": [{"dataElement": "mAl01Gelbi1", "value": "1"}],
        }
    )

    assert one(content) == indicator(
        record_id="dhis2.invalid/mAl01Gelbi1:oUgelbis003:202601::donor=FR",
        dataset="mAlGelbis01",
        completed_on="2026-02-03",
        attributes=[{"category": "donor", "option": "FR"}],
        value="1",
    )


@pytest.mark.parametrize("name", ["followUp", "followup"])
def test_both_spellings_of_a_mark_are_read(name: str) -> None:
    assert one(body({"value": "1", name: False}))["follow_up"] is False


def test_categories_have_one_id_in_any_order() -> None:
    some = [{"sex": "F", "age": "0:4 & 5"}, {"age": "0:4 & 5", "sex": "F"}]
    ids = {one(body({"value": "1", "categoryOptionCombo": pairs}))["record_id"] for pairs in some}

    assert ids == {"dhis2.invalid/mAl01Gelbi1:oUgelbis003:202601:age=0%3A4%20%26%205&sex=F:"}


@given(st.lists(st.text(min_size=1, max_size=4), min_size=2, max_size=2))
def test_no_two_data_values_share_a_key(names: list[str]) -> None:
    period = period_of("202601")
    assert period is not None
    ways = [
        DataValue({"dataElement": names[0], "orgUnit": names[1]}),
        DataValue({"dataElement": names[1], "orgUnit": names[0]}),
        DataValue({"dataElement": "a", "orgUnit": "b", "categoryOptionCombo": names[0]}),
        DataValue({"dataElement": "a", "orgUnit": "b", "attributeOptionCombo": names[0]}),
        DataValue({"dataElement": "a", "orgUnit": "b"}, {names[0]: names[1]}),
        DataValue({"dataElement": "a", "orgUnit": "b"}, {}, {names[0]: names[1]}),
    ]
    said = {
        (tuple(sorted(way.fields.items())), str(way.categories), str(way.attributes))
        for way in ways
    }

    assert len({key_of(way, period) for way in ways}) == len(said)


def test_a_long_key_becomes_a_digest() -> None:
    long = {"value": "1", "categoryOptionCombo": {"sex": "x" * 200}}
    other = {"value": "1", "categoryOptionCombo": {"sex": "x" * 199 + "y"}}
    ids = [record["record_id"] for record in records(body(long, other))]

    assert [len(one) for one in ids] == [len("dhis2.invalid/") + 64] * 2
    assert ids[0] != ids[1]


def test_lines_are_sets_or_single_values() -> None:
    lines = b"\n".join(
        [
            body({"value": "1"}, dataSet="a"),
            orjson.dumps({**VALUE, "value": "2", "period": "202602"}),
        ]
    )

    assert [record.get("dataset") for record in records(lines)] == ["a", None]


def test_what_nobody_takes_is_listed() -> None:
    content = body(
        {"value": "1", "created": "2026-01-01", "Amina Yusuf": 1, "noted": {"by": "a"}, "x": None},
        dataElementIdScheme="CODE",
        deletion={"periods": ["202601"]},
    )

    assert read(JSON, content).unmapped == (
        "?",
        "created",
        "dataElementIdScheme",
        "deletion",
        "noted",
    )


# Refusals


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "json.empty"),
        (b"[]", "dhis2.not_data_values"),
        (b'{"name": "x"}', "dhis2.not_data_values"),
        (b'{"dataValues": 1}', "dhis2.not_data_values"),
        (b'{"dataValues": ["a"]}', "dhis2.not_data_values"),
        (b'{"httpStatus": "OK", "response": {}}', "dhis2.answer"),
        (b'{"dataElements": [], "dataSets": []}', "dhis2.metadata"),
        (b'{"headers": [], "rows": []}', "dhis2.analytics"),
        (body({"value": "1"}, dryRun=True), "dhis2.dry_run"),
        (body({"value": "1", "period": "2026X"}), "dhis2.period"),
        (body({"value": "1", "period": ""}), "dhis2.required"),
        (body({"value": "1", "dataElement": None}), "dhis2.required"),
        (body({"value": "1", "orgUnit": 17}), "dhis2.not_text"),
        (body({"value": {"a": 1}}), "dhis2.not_text"),
        (body({"value": "1", "comment": ["a"]}), "dhis2.not_text"),
        (body({"value": "1", "followUp": True, "followup": False}), "dhis2.two_meanings"),
        (body({"value": "1"}, period="202602"), "dhis2.two_meanings"),
        (
            body(
                {"value": "1", "attributeOptionCombo": {"a": "b"}}, attributeOptionCombo={"a": "c"}
            ),
            "dhis2.two_meanings",
        ),
        (body({"value": "1", "categoryOptionCombo": {"sex": 1}}), "dhis2.categories"),
        (body({"value": "1", "categoryOptionCombo": {"sex": ""}}), "dhis2.categories"),
        (body({"value": "1", "lastUpdated": "2026-02-30"}), "dhis2.date"),
        (body({"value": "1", "lastUpdated": "last week"}), "dhis2.date"),
        (body({"value": "1", "followUp": "yes"}), "value.not_boolean"),
        (body({"value": "1"}, {"value": "2"}), "dhis2.repeated"),
        (body({"value": "1"}, {"value": "1", "deleted": True}), "dhis2.repeated"),
        (
            b'{"dataValues":[{"dataElement":"a","dataElement":"b","period":"2026","orgUnit":"c"}]}',
            "json.key_twice",
        ),
        (b'<dataValueSets xmlns="http://dhis2.org/schema/dxf/2.0"/>', "dhis2.not_data_values"),
        (b'<adx xmlns="urn:ihe:qrph:adx:2015"/>', "dhis2.not_data_values"),
        (b'<dataValueSet dryRun="true"/>', "dhis2.dry_run"),
        (
            b'<dataValueSet period="2026"><dataValue dataElement="a" orgUnit="b" period="2027"/>'
            b"</dataValueSet>",
            "dhis2.two_meanings",
        ),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><dataValueSet/>', "xml.doctype"),
        (b"dataelement,period,value\na,2026,1\n", "dhis2.columns"),
        (b"dataelement,period,orgunit,period\na,2026,b,2026\n", "table.column_twice"),
        (b"a,2026,b,,,1,,,,,,\n", "dhis2.columns"),
        (b"a,2026,b\n", "dhis2.columns"),
        (b"".join(workbook([["dataelement"]])), "dhis2.not_data_values"),
    ],
)
def test_what_is_no_data_value_is_refused(content: bytes, rule: str) -> None:
    assert refusal(content).rule == rule


def test_a_refusal_names_the_place_and_no_value() -> None:
    error = refusal(body({"value": "1"}, {"value": "1", "period": "Amina"}))

    assert error.at == "data value 2, period"
    assert "Amina" not in str(error)


def test_the_same_data_value_twice_is_ordinary() -> None:
    assert len(records(body({"value": "1"}, {"value": "1"}))) == 2


def test_a_file_of_nothing_is_refused_as_a_table() -> None:
    assert refusal(b",,,\n\n,,\n").rule == "table.no_header"


# XML and CSV


def test_xml_says_the_same_as_json() -> None:
    content = (
        b'<dataValueSet xmlns="http://dhis2.org/schema/dxf/2.0" dataSet="s" orgUnitIdScheme="UID">'
        b'<dataValue dataElement="mAl01Gelbi1" period="202601" orgUnit="oUgelbis003" value="1"'
        b' timestamp="2026-02-01" followup="true"><extra/></dataValue><other/></dataValueSet>'
    )

    parsed = read(XML, content)

    assert parsed.records == [
        indicator(dataset="s", value="1", reported_at="2026-02-01", follow_up=True)
    ]
    assert parsed.unmapped == ("dataValue/extra", "orgUnitIdScheme", "other")


def test_csv_is_read_with_and_without_its_header() -> None:
    header = b"dataelement,period,orgunit,categoryoptioncombo,attributeoptioncombo,value,"
    row = b"mAl01Gelbi1,202601,oUgelbis003,,,1,hodan,2026-02-01,,false\n"
    expected = [indicator(value="1", stored_by="hodan", reported_at="2026-02-01", follow_up=False)]

    assert records(header + b"storedby,timestamp,comment,followup\n" + row) == expected
    assert records(header + b"storedby,lastupdated,comment,followup,deleted\n" + row) == expected
    assert records(row) == expected


def test_csv_is_read_by_the_names_of_its_columns() -> None:
    content = "value,orgunit,Zone de santé,dataelement,period\n1,oUgelbis003,x,mAl01Gelbi1,202601\n"
    parsed = read(CSV, content.encode())

    assert parsed.records == [indicator(value="1")]
    assert parsed.unmapped == ("column-3",)


def test_xml_written_is_what_servers_read() -> None:
    some = records((SAMPLES / "dhis2.aggregate.xml/monthly.xml").read_bytes())
    root = etree.fromstring(write(XML, some).content)

    assert root.tag == "{http://dhis2.org/schema/dxf/2.0}dataValueSet"
    assert dict(root.attrib) == {
        "dataSet": "rHmGelbis02",
        "completeDate": "2026-04-06",
        "period": "202603",
        "orgUnit": "oUgelbis003",
        "attributeOptionCombo": "aOcSahil001",
    }
    assert [child.get("followUp") for child in root] == ["true", "false", None, None]
    assert [child.get("value") for child in root][2:] == ["نفد المخزون", ""]


def test_csv_written_has_the_ten_columns() -> None:
    lines = write(CSV, [indicator(value="1", comment="=1+1", follow_up=True)]).content.splitlines()

    assert lines == [
        b"dataelement,period,orgunit,categoryoptioncombo,attributeoptioncombo,"
        b"value,storedby,timestamp,comment,followup",
        b"mAl01Gelbi1,202601,oUgelbis003,,,1,,,'=1+1,true",
    ]


# Writing


def test_json_written_says_once_what_is_common() -> None:
    content = (SAMPLES / "dhis2.aggregate/report.json").read_bytes()
    written = orjson.loads(write(JSON, records(content)).content)

    assert {key: value for key, value in written.items() if key != "dataValues"} == {
        "dataSet": "rHmGelbis02",
        "completeDate": "2026-04-06",
        "period": "202603",
        "orgUnit": "oUgelbis003",
        "attributeOptionCombo": {"donor": "Fonds Rivière", "project": "Sahil"},
    }
    assert written["dataValues"][0] == {
        "dataElement": "aNc1Gelbis1",
        "value": "12",
        "comment": "Comptées par la sage-femme.",
        "followUp": True,
        "categoryOptionCombo": {"location": "fixed", "age": "15-19"},
    }
    assert all("value" in one for one in written["dataValues"])


@pytest.mark.parametrize("key", ["dataset", "completed_on"])
def test_what_is_not_common_stands_in_no_header_and_is_told(key: str) -> None:
    head = {"dataset": "s", "completed_on": "2026-02-03"}
    other = indicator(**{**head, key: "2026-02-04"}, value="2")
    other["place"] = {"site_code": "oUgelbis004"}
    some = [indicator(**head, value="1"), other]
    written = write(JSON, some)

    assert "completeDate" not in orjson.loads(written.content)
    expected = {"indicator.completed_on", "indicator.record_id", f"indicator.{key}"}
    assert set(written.unrendered) == expected


def test_a_period_is_written_from_any_way_of_saying_it() -> None:
    whole = indicator()["period"]
    for names in (["dhis2_period"], ["interval"], ["start", "end"], ["interval", "start"]):
        record = indicator(value="1", period={name: whole[name] for name in names})
        assert orjson.loads(write(JSON, [record]).content)["dataValues"][0]["period"] == "202601"


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"period": {}}, "dhis2.required"),
        ({"period": {"start": "2026-01-01"}}, "dhis2.required"),
        ({"period": {"start": "2026-01-01", "end": "2026-01-15"}}, "dhis2.period"),
        ({"period": {"dhis2_period": "202601", "start": "2026-02-01"}}, "dhis2.period"),
        ({"period": {"dhis2_period": "202601", "interval": "2026-02-01/P1M"}}, "dhis2.period"),
        ({"period": {"dhis2_period": "2026ish"}}, "dhis2.period"),
        ({"place": {"name": "Gelbis"}}, "dhis2.required"),
        ({"disaggregation": [{"category": "sex"}]}, "dhis2.categories"),
        (
            {
                "disaggregation": [
                    {"category": "s", "option": "F"},
                    {"category": "s", "option": "M"},
                ]
            },
            "dhis2.categories",
        ),
    ],
)
def test_a_record_without_an_identity_is_not_written(fields: dict[str, Any], rule: str) -> None:
    assert unwritable(JSON, indicator(value="1", **fields)).rule == rule


def test_attributes_that_differ_have_no_place_in_json() -> None:
    some = [
        indicator(value="1", attributes=[{"category": "donor", "option": option}])
        for option in ("FR", "SO")
    ]

    assert unwritable(JSON, *some).rule == "dhis2.categories"


@pytest.mark.parametrize("adapter", [XML, CSV])
@pytest.mark.parametrize("field", ["disaggregation", "attributes"])
def test_a_notation_without_categories_refuses_rather_than_adds_up(
    adapter: Adapter, field: str
) -> None:
    record = indicator(value="1", **{field: [{"category": "sex", "option": "F"}]})

    assert unwritable(adapter, record).rule == "dhis2.categories"


def test_categories_beside_a_combination_are_left_out_and_told() -> None:
    record = indicator(
        record_id="dhis2.invalid/mAl01Gelbi1:oUgelbis003:202601:cOc:aOc",
        value="1",
        category_option_combo="cOc",
        attribute_option_combo="aOc",
        disaggregation=[{"category": "sex", "option": "F"}],
        attributes=[{"category": "donor", "option": "FR"}],
    )
    for adapter in (JSON, XML, CSV):
        assert write(adapter, [record]).unrendered == (
            "indicator.attributes[].category",
            "indicator.attributes[].option",
            "indicator.disaggregation[].category",
            "indicator.disaggregation[].option",
        )


def test_a_deleted_value_does_not_come_back_through_csv() -> None:
    assert unwritable(CSV, indicator(value="1", deleted=True)).rule == "dhis2.deleted"
    assert records(write(JSON, [indicator(value="1", deleted=True)]).content)[0]["deleted"] is True


def test_a_text_the_notation_cannot_hold_is_told_or_refused() -> None:
    assert write(XML, [indicator(value="1", comment="a\x01")]).unrendered == ("indicator.comment",)
    assert write(CSV, [indicator(value="1", comment="a\0")]).unrendered == ("indicator.comment",)
    assert unwritable(XML, indicator(value="1", indicator_code="\x01")).rule == "xml.character"
    assert unwritable(CSV, indicator(value="1", indicator_code="\0")).rule == "table.nul"


def test_a_value_that_was_withheld_is_not_written_as_none() -> None:
    other = indicator(value="2", period={"dhis2_period": "2026"})
    written = write(JSON, [indicator(withheld={"value_text": "purpose"}), other])

    assert [one["value"] for one in orjson.loads(written.content)["dataValues"]] == ["2"]
    assert {"indicator.record_id", "indicator.indicator_code"} <= set(written.unrendered)
    never = write(JSON, [indicator(), other])
    assert [one["value"] for one in orjson.loads(never.content)["dataValues"]] == ["2"]
    assert "indicator.indicator_code" in never.unrendered
    gone = write(JSON, [indicator(deleted=True)])
    assert orjson.loads(gone.content)["dataValues"][0]["deleted"] is True


def test_two_values_that_become_one_are_not_written() -> None:
    some = [indicator(value="1"), indicator(value="2", record_id="demo.example/2")]

    assert unwritable(JSON, *some).rule == "dhis2.repeated"


def test_a_number_of_somebody_else_is_not_carried() -> None:
    written = write(JSON, [indicator(value="1", record_id="demo.example/i-1", unit="visit")])

    assert written.unrendered == ("indicator.record_id", "indicator.unit")
    assert written.lineage["indicator.value"] == "value"


def test_a_value_and_a_text_beside_it_are_not_both_written() -> None:
    record = indicator(value_text="out of stock", absent={"value": "unanswered"})
    written = write(JSON, [record])

    assert orjson.loads(written.content)["dataValues"][0]["value"] == "out of stock"
    assert written.unrendered == ("indicator.absent",)


# With a mapping


def test_a_mapping_says_what_elements_and_places_are_called() -> None:
    folder = SAMPLES / "dhis2.aggregate"
    plan = read_mapping(folder / "clinics.json.mapping.yaml")
    parsed = read(JSON, (folder / "clinics.json").read_bytes(), plan)

    assert [record["indicator_name"] for record in parsed.records] == [
        "Antenatal visits, first",
        "Deliveries",
    ]
    assert parsed.records[0]["disaggregation"] == [
        {"category": "sex", "option": "female"},
        {"category": "age", "option": "15-19"},
    ]
    assert parsed.records[0]["record_id"].startswith("dhis2.gelbis-health.example/aNc1Gelbis1:")
    assert parsed.unmapped == ("storedBy",)
    written = write(JSON, parsed.records, plan)
    assert written.unrendered == ()
    assert read(JSON, written.content, plan).records == parsed.records


def mapping(fields: dict[str, Any], **more: Any) -> Plan:
    table = {
        "mapping": "m",
        "version": "1",
        "format": "dhis2.aggregate",
        "authority": "dhis2.example",
        "records": [{"type": "indicator", "id": {"first": ["key"]}, "fields": fields}],
        **more,
    }
    return plan_of(table, at="m")


def test_a_mapping_that_takes_less_lists_the_rest() -> None:
    plan = mapping({"indicator_code": "dataElement", "value_text": "value"})
    content = body({"value": "12", "categoryOptionCombo": {"sex": "F", "age": "5+"}})
    parsed = read(JSON, content, plan)

    assert parsed.records[0]["value_text"] == "12"
    assert parsed.unmapped == ("category/age", "category/sex", "orgUnit", "period")


def test_a_mapping_may_take_the_repeat_and_one_category_of_it() -> None:
    plan = mapping(
        {
            "unit": "category/sex",
            "disaggregation[]": {
                "each": "categories",
                "fields": {"option": "categories/option"},
            },
        }
    )
    content = body({"value": "12", "categoryOptionCombo": {"sex": "F", "age": "5+"}})
    (record,) = read(JSON, content, plan).records

    assert (record["unit"], len(record["disaggregation"])) == ("F", 2)


def test_a_mapping_for_another_format_is_refused() -> None:
    plan = mapping({"value": "value"}, format="dhis2.adx")

    assert refusal(body({"value": "1"}), JSON, plan).rule == "mapping.other_format"
    with pytest.raises(SenderError, match="another format"):
        write(JSON, [], plan)


def test_a_mapping_that_writes_no_place_is_told_which_is_missing() -> None:
    plan = mapping({"indicator_code": "dataElement"})
    with pytest.raises(SenderError) as caught:
        write(JSON, [indicator(value="1")], plan)

    assert caught.value.rule == "dhis2.required"


@pytest.mark.parametrize("adapter", [JSON, XML, CSV])
def test_no_figures_are_an_empty_file(adapter: Adapter) -> None:
    told = write(adapter, [])

    assert read(adapter, told.content).records == []


def test_too_many_values_that_come_twice_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.dhis2.aggregate.once.MOST", 1)
    twice = [{"value": "1", "orgUnit": place} for place in "aabb"]

    assert refusal(body(*twice)).rule == "dhis2.repeated"
    assert len(records(body(*twice[:2]))) == 2


def test_a_mapping_that_takes_a_repeat_for_a_text_loses_it() -> None:
    plan = mapping(
        {
            "indicator_code": "dataElement",
            "place.site_code": "orgUnit",
            "period.dhis2_period": "period",
            "unit": "categories",
        }
    )

    assert "indicator.unit" in write(JSON, [indicator(value="1", unit="visit")], plan).unrendered
