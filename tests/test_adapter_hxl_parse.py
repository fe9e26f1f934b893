"""HXL: what tables of others mean, what is refused and where, and hostile content."""

import csv
import io
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.hxl import Hxl
from gateway.adapter import read
from gateway.errors import SenderError

HXL = Hxl()
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def table(*rows: str) -> bytes:
    return "\r\n".join(rows).encode()


TAGS = "#meta+record+type,#meta+id"


def refused(content: bytes) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        read(HXL, content, None)
    return caught.value.rule, caught.value.at


def test_case_order_and_space_of_attributes_mean_nothing() -> None:
    content = table(
        "#META +type+Record, #meta+ID ,#Beneficiary +Family +name", "person,a.b/1,Diallo"
    )
    assert read(HXL, content, None).records == [
        {"record_type": "person", "record_id": "a.b/1", "name": {"surname": "Diallo"}}
    ]


def test_hashtags_may_stand_below_titles_but_not_far_below() -> None:
    rows = (TAGS, "person,a.b/1")
    titles = ["About our programme,"] * 24
    assert len(read(HXL, table(*titles, *rows), None).records) == 1
    assert refused(table(*titles, "one more,", *rows)) == ("hxl.no_hashtags", "")


def test_a_mark_blank_rows_and_short_rows_are_fine() -> None:
    content = b"\xef\xbb\xbf" + table(f"{TAGS},#date+birth", ",,", "", "person,a.b/1")
    assert read(HXL, content, None).records == [{"record_type": "person", "record_id": "a.b/1"}]


def test_what_has_no_field_is_listed() -> None:
    content = table(
        f"{TAGS},#Affected+F, ,,#meta+identifier+value,#date+birth+i2,#population+hh"
        ",#date+birth+i1+i2",
        "person,a.b/1,7,Amina Yusuf,,x,1990,5,1990",
    )
    parsed = read(HXL, content, None)
    assert parsed.records == [{"record_type": "person", "record_id": "a.b/1"}]
    assert parsed.unmapped == (
        "#affected+f",
        "#date+birth+i1+i2",
        "#date+birth+i2",
        "#meta+identifier+value",
        "#population+hh",
        "column 4",
    )


REFUSED = {
    "bytes": (b"\xff", "table.encoding", "row 1 or later"),
    "csv": (table(TAGS, 'person,"a'), "table.quotes", "row 2"),
    "field too long": (
        table(TAGS, "person," + "a" * 1_100_000),
        "table.cell_too_long",
        "row 2",
    ),
    "nothing": (b"", "hxl.no_hashtags", ""),
    "twice": (table(f"{TAGS},#meta+id", "person,a,b"), "hxl.repeated_hashtag", "row 1, column 3"),
    "long row": (table(TAGS, "person,a.b/1,"), "table.row_length", "row 2"),
    "type": (table(TAGS, "animal,a.b/1"), "hxl.record_type", "row 2"),
    "no type": (table(TAGS, ",a.b/1"), "hxl.record_type", "row 2"),
    "no id": (table(TAGS, "person,"), "hxl.record_id", "row 2"),
    "integer": (
        table(f"{TAGS},#population+hh", "household,a.b/1,5.0"),
        "hxl.value",
        "row 2, column 3",
    ),
    "boolean": (
        table(f"{TAGS},#meta+birth+estimated", "person,a.b/1,yes"),
        "hxl.value",
        "row 2, column 3",
    ),
    "number": (
        table(f"{TAGS},#geo+lat,#geo+lon", "person,a.b/1,1,1°"),
        "hxl.value",
        "row 2, column 4",
    ),
    "infinite": (
        table(f"{TAGS},#geo+lat,#geo+lon", "person,a.b/1,1,1e999"),
        "hxl.value",
        "row 2, column 4",
    ),
    "point": (table(f"{TAGS},#geo+lat", "person,a.b/1,1"), "hxl.point", "row 2"),
    "withheld": (
        table(f"{TAGS},#meta+withheld", "person,a.b/1,name"),
        "hxl.value",
        "row 2, column 3",
    ),
    "item twice": (
        table(f"{TAGS},#meta+identifier+value+i1,#meta+identifier+i1+value", "person,a.b/1,x,y"),
        "hxl.repeated_hashtag",
        "row 1, column 4",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_rule_and_place(name: str) -> None:
    content, rule, at = REFUSED[name]
    assert refused(content) == (rule, at)


# Hostile content


@SLOW
@given(st.binary(max_size=200))
def test_any_bytes(content: bytes) -> None:
    with suppress(SenderError):
        read(HXL, content, None)


@settings(SLOW, max_examples=300)
@given(st.lists(st.lists(st.text(alphabet="#meta+idypcor1,\"'\n=", max_size=8)), max_size=4))
def test_any_table_under_our_hashtags(rows: list[list[str]]) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([*TAGS.split(","), "#geo+lat", "#geo+lon", "#meta+withheld", "#population+hh"])
    writer.writerows(rows)
    with suppress(SenderError):
        read(HXL, out.getvalue().encode(), None)


@SLOW
@given(st.data())
def test_damaged_files(data: st.DataObject) -> None:
    content = bytearray(
        table(f"{TAGS},#contact+phone,#geo+lat,#geo+lon", "person,a.b/1,'+254,1,2.5")
    )
    start = data.draw(st.integers(0, len(content)))
    content[start : start + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=4))
    with suppress(SenderError):
        read(HXL, bytes(content), None)


@given(st.text(alphabet="أمينةZoé '-", min_size=4))
def test_refusals_never_quote(secret: str) -> None:
    secret = f"Zoé {secret}"
    for content in (
        table(TAGS, f"{secret},a.b/1"),
        table(f"{TAGS},#population+hh", f"household,a.b/1,{secret}"),
        table(f"#meta+id,#date,{secret}", "x"),
    ):
        with pytest.raises(SenderError) as caught:
            read(HXL, content, None)
        assert secret not in str(caught.value)
