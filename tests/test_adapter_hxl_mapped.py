"""HXL through a mapping: the tables that say neither record type nor id."""

import io
import json
from typing import Any

import pytest

from adapters.hxl import Hxl, HxlJson, HxlXlsx
from gateway.adapter import read, write
from gateway.errors import SenderError
from gateway.mapping import Plan, plan_of
from gateway.record import check
from gateway.source.tables import workbook

HXL = Hxl()
NOTATIONS = [HXL, HxlXlsx(), HxlJson()]
FIELDS: dict[str, Any] = {
    "place.admin2_code": "#adm2+code",
    "population": {"from": "#affected+f+idps", "as": "integer", "missing": ["n/a"]},
    "reported_on": {"from": "#date+reported", "as": "date"},
    "population_status": {"constant": "all"},
}
EVERY = {"all": ["#adm2+code", "#date+reported"]}


def plan(fields: Any = None, ident: Any = None, **more: Any) -> Plan:
    document = {
        "mapping": "displaced",
        "version": "1",
        "format": "hxl",
        "authority": "tracking.example",
        "records": [{"type": "needs", "id": ident or EVERY, "fields": fields or FIELDS}],
    }
    return plan_of(document | more, at="test")


def table(*rows: str) -> bytes:
    return "\r\n".join(rows).encode()


TAGS = "#adm2 +code,#Affected+IDPs+f,#date+reported"


def refused(content: bytes, mapping: Plan) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        read(HXL, content, mapping)
    return caught.value.rule, caught.value.at


def test_rows_become_records_with_an_id_of_their_parts() -> None:
    content = table(
        "P-code,Women displaced,Day", TAGS, "KE023,1820,2026-10-01", "KE024,n/a,2026-10-01"
    )
    parsed = read(HXL, content, plan())
    assert parsed.records == [
        {
            "record_type": "needs",
            "schema_version": "1.0",
            "record_id": f"tracking.example/{code}:2026-10-01",
            "place": {"admin2_code": code},
            "reported_on": "2026-10-01",
            "population_status": "all",
            **more,
        }
        for code, more in (("KE023", {"population": 1820}), ("KE024", {}))
    ]
    assert parsed.unmapped == ()
    assert parsed.lineage["needs.population"] == "#affected+f+idps"
    assert parsed.lineage["needs.record_id"] == "#adm2+code | #date+reported"
    for record in parsed.records:
        check(record, at="parsed")


def test_the_same_table_in_every_notation() -> None:
    rows: list[list[Any]] = [
        ["a title"],
        ["#adm2+code", "", "#affected+f+idps", "#date+reported"],
        ["KE023", "x", 1820, "2026-10-01"],
    ]
    keyed = {
        "#adm2+code": "KE023",
        "": "x",
        "#affected+f+idps": 1820,
        "#date+reported": "2026-10-01",
    }
    contents = [
        "\n".join(delimiter.join(map(str, row)) for row in rows).encode() for delimiter in ",;\t|"
    ]
    contents.append(b"".join(workbook(rows)))
    contents += [
        json.dumps(one).encode()
        for one in (rows, [keyed], {"ok": True, "data": rows}, {"d": [keyed]})
    ]
    found = [read(HXL, content, plan()) for content in contents]
    assert {len(one.records) for one in found} == {1}
    assert all(one == found[0] for one in found)
    assert found[0].unmapped == ("column 2",)


@pytest.mark.parametrize("notation", NOTATIONS, ids=lambda one: one.name)
def test_back_into_the_mappings_own_columns(notation: Hxl) -> None:
    fields = {
        "place.admin2_code": "#adm2+code",
        "comment": "column 3",
        "cause[]": ["#cause", "#cause 2"],
        "population": {"from": "#affected", "as": "integer"},
    }
    mapping = plan(fields, {"first": ["column 1"]})
    content = table(",#adm2+code,,#cause,#affected,#cause", "7,KE023,=1+1,flood,12,-drought")
    parsed = read(HXL, content, mapping)
    assert parsed.records[0]["cause"] == ["flood", "-drought"]
    rendered = write(notation, parsed.records, mapping)
    assert read(HXL, rendered.content, mapping).records == parsed.records
    assert rendered.unrendered == ()
    assert rendered.lineage == parsed.lineage


def test_untagged_columns_stand_where_their_name_says() -> None:
    mapping = plan({"comment": "column 5", "place.name": "#loc"}, {"first": ["#meta+id"]})
    record = {
        "record_type": "needs", "schema_version": "1.0", "record_id": "tracking.example/1",
        "comment": "c", "place": {"name": "Kambi"},
    }  # fmt: skip
    content = write(HXL, [record], mapping).content
    assert content.decode().splitlines()[1] == "#meta+id,#loc,,,"
    assert read(HXL, content, mapping).records == [record]


def test_what_the_mapping_does_not_carry_is_told() -> None:
    record = {
        "record_type": "needs", "schema_version": "1.0",
        "record_id": "tracking.example/KE023:2026-10-01",
        "place": {"admin2_code": "KE023", "name": "Kambi"}, "reported_on": "2026-10-01",
        "population_status": "AFF",
    }  # fmt: skip
    person = {"record_type": "person", "record_id": "a.example/1", "email": ["a@b.example"]}
    rendered = write(HXL, [record, person], plan())
    assert rendered.unrendered == (
        "needs.place.name", "needs.population_status", "person.email[]", "person.record_id",
    )  # fmt: skip


REFUSED = {
    "no hashtags": (table("KE023,1,2026-10-01"), "hxl.no_hashtags", ""),
    "half of them": (table("#adm2+code,affected", "KE023,1"), "hxl.hashtag", "row 1, column 2"),
    "a part of the id": (table(TAGS, ",1,2026-10-01"), "mapping.no_id", "row 2, #adm2+code"),
    "value": (table(TAGS, "KE023,many,2026-10-01"), "value.not_integer", "row 2, #affected+f+idps"),
    "long row": (table(TAGS, "KE023,1,2026-10-01,"), "table.row_length", "row 2"),
    "equal columns": (
        table(f"{TAGS},#adm2+code", "KE023,1,2026-10-01,KE024"),
        "hxl.repeated_hashtag",
        "row 1, column 4",
    ),
    "two tables": (b'{"a": [["#adm2"]], "b": [["#adm2"]]}', "hxl.several_tables", ""),
    "no table": (b'{"a": [1]}', "hxl.no_hashtags", ""),
    "nothing": (b"[]", "hxl.no_hashtags", ""),
    "cell": (b'[["#adm2+code"], [{"x": 1}]]', "hxl.json_cell", "row 2"),
    "keys": (b'[{"#adm2+code": "1", "adm1": "2"}]', "hxl.hashtag", "keys 1, column 2"),
    "a key twice": (b'[{"#adm2+code": "1", "#adm2+code": "2"}]', "json.key_twice", ""),
    "lines": (b'{"#adm2+code": "1"}\n{"#adm2+code": "2"}', "hxl.json_lines", ""),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_rule_and_place(name: str) -> None:
    content, rule, at = REFUSED[name]
    assert refused(content, plan()) == (rule, at)


@pytest.mark.parametrize(
    "path", ["Sector", "#Adm2", "#affected+idps+f", "#adm2 0", "column A", "#"]
)
def test_a_path_in_another_spelling_is_refused(path: str) -> None:
    mapping = plan({"comment": path})
    assert refused(table(TAGS), mapping) == ("mapping.no_hashtag", "")
    with pytest.raises(SenderError):
        write(HXL, [], mapping)


def test_mappings_serve_their_family_only() -> None:
    assert read(HxlXlsx(), table(TAGS), plan()).records == []
    with pytest.raises(SenderError) as caught:
        read(HXL, table(TAGS), plan(format="hxl.xlsx"))
    assert caught.value.rule == "mapping.other_format"


def test_error_values_are_refused_where_they_are_wanted() -> None:
    from tests.test_source_workbook import sheet

    def made(column: str) -> bytes:
        tags = "".join(
            f"<c t='inlineStr'><is><t>{tag}</t></is></c>"
            for tag in ("#adm2+code", "#date+reported", "#affected+f+idps", "#org")
        )
        cells = "<c t='inlineStr'><is><t>KE</t></is></c><c t='d'><v>2026-10-01</v></c>"
        cells += f"<c r='{column}2' t='e'><v>#REF!</v></c>"
        return sheet(f"<sheetData><row>{tags}</row><row>{cells}</row></sheetData>")

    assert refused(made("C"), plan()) == ("table.error_value", "row 2, column C")
    assert len(read(HXL, made("D"), plan()).records) == 1


def test_records_come_while_rows_are_read() -> None:
    class Watched(io.BytesIO):
        read_so_far = 0

        def read1(self, size: int | None = -1) -> bytes:
            found = super().read1(size)
            self.read_so_far += len(found)
            return found

    from gateway.record import Reading

    content = Watched(table(TAGS, *("KE023,1,2026-10-01" for _ in range(100_000))))
    next(HXL.parse(content, plan(), Reading()))
    assert content.read_so_far < 200_000
