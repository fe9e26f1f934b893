"""Delimited tables as they come: sound, odd and hostile. Workbooks: test_source_workbook.py."""

import csv
import io
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import SenderError
from gateway.source.rows import ENCODINGS, Rows
from gateway.source.tables import delimited

ROOT = Path(__file__).resolve().parent.parent
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def rows(content: bytes, **said: Any) -> list[tuple[int, list[Any]]]:
    return list(Rows(io.BytesIO(content), **said))


def refused(content: bytes, **said: Any) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        rows(content, **said)
    return caught.value.rule, caught.value.at


# What is read


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_the_header_says_what_separates(delimiter: str) -> None:
    content = "\r\n".join(
        delimiter.join(line) for line in [("no", "name", "note"), ("1", '"a, b; c|d\te"', "")]
    )
    assert rows(content.encode()) == [
        (1, ["no", "name", "note"]),
        (2, ["1", "a, b; c|d\te", ""]),
    ]


def test_excels_own_line_says_it_too() -> None:
    content = b"sep=;\r\nname, first;sex\r\nAmina;F\r\n"
    assert rows(content) == [(2, ["name, first", "sex"]), (3, ["Amina", "F"])]


def test_a_caller_may_say_it() -> None:
    content = b"Sex (M|F),Age\nF,3\n"
    assert refused(content) == ("table.delimiter", "")
    assert rows(content, delimiter=",")[0] == (1, ["Sex (M|F)", "Age"])


def test_one_column_needs_no_delimiter() -> None:
    assert rows(b"no\n1\n2") == [(1, ["no"]), (2, ["1"]), (3, ["2"])]


def test_blank_rows_are_counted_and_passed_over() -> None:
    assert rows(b'a,b\n\n,\n"x\ny",2\n,3\n') == [
        (1, ["a", "b"]),
        (4, ["x\ny", "2"]),
        (5, ["", "3"]),
    ]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_line_ending(ending: str) -> None:
    assert rows(f"a,b{ending}1,2{ending}".encode()) == [(1, ["a", "b"]), (2, ["1", "2"])]


TEXT = "no,name\r\n1,أمينة\r\n2,Zoé 😀\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_says_what_it_is(encoding: str) -> None:
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    assert rows(mark + TEXT.encode(encoding)) == [
        (1, ["no", "name"]),
        (2, ["1", "أمينة"]),
        (3, ["2", "Zoé 😀"]),
    ]


def test_latin_1_is_never_guessed_but_may_be_said() -> None:
    content = "no,name\n1,Zoé\n".encode("latin-1")
    assert refused(content)[0] == "table.encoding"
    assert rows(content, encoding="iso-8859-1")[1] == (2, ["1", "Zoé"])
    assert refused(content, encoding="utf-8")[0] == "table.encoding"
    assert refused(content, encoding="utf-16")[0] == "table.encoding"
    assert refused(content, encoding="rot13")[0] == "table.encoding"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_of_the_list_can_be_read(encoding: str) -> None:
    assert rows("a,b\n1,2\n".encode(encoding), encoding=encoding)[1] == (2, ["1", "2"])


# What is refused

LONG = "x" * ((1 << 20) + 1)
REFUSED = {
    "encoding far down": (b"a,b\n" + b"1,2\n" * 9 + b"\xff,3\n", "table.encoding"),
    "utf-16 without its mark": ("a,b\n1,2\n".encode("utf-16-le"), "table.nul"),
    "nul": (b"a,b\n1,\x00\n", "table.nul"),
    "open quote": (b'a,b\n1,"2\n', "table.quotes"),
    "text behind a quote": (b'a,b\n1,"2"3\n', "table.quotes"),
    "open quote in the header": (b'a,"b\n1,2\n', "table.quotes"),
    "long cell": (f"a,b\n1,{LONG}\n".encode(), "table.cell_too_long"),
    "ten megabytes": (f"a,b\n1,{LONG * 10}\n".encode(), "table.cell_too_long"),
    "endless row": (b"a,b\n" + b"1," * (9 << 20), "table.row_too_long"),
    "endless quote": (b'a,b\n"' + (b"1" * 999 + b"\n") * (17 << 10), "table.row_too_long"),
    "columns": (b"a," * 16_384 + b"a\n", "table.too_many_columns"),
    "old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "table.xls"),
    "markup": (b"\n<html><table><tr><td>1</td></tr></table></html>", "table.markup"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_its_rule(name: str) -> None:
    content, rule = REFUSED[name]
    assert refused(content)[0] == rule


def test_places_are_rows_as_a_spreadsheet_counts_them() -> None:
    assert refused(b'a,b\n"x\ny",2\n\n1,"2\n') == ("table.quotes", "row 4")
    assert refused(f"a,b\n\n1,{LONG}\n".encode()) == ("table.cell_too_long", "row 3")


def test_a_row_longer_than_the_header_is_refused_once_that_is_known() -> None:
    found = Rows(io.BytesIO(b"title,,\na,b\n1\n1,2,\n"))
    read = iter(found)
    next(read)
    number, header = next(read)
    found.begin(number, len(header))
    assert next(read) == (3, ["1"])
    with pytest.raises(SenderError) as caught:
        next(read)
    assert (caught.value.rule, caught.value.at) == ("table.row_length", "row 4")
    assert found.place(4, 3) == "row 4, column 3"


@SLOW
@given(st.binary(max_size=300) | st.text(alphabet="a,;\t|\"'\r\n\0é", max_size=60).map(str.encode))
def test_any_bytes(content: bytes) -> None:
    with suppress(SenderError):
        rows(content)


# Against others

_CELLS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8
)


@SLOW
@given(st.lists(st.tuples(_CELLS, _CELLS), min_size=1, max_size=5), st.sampled_from(",\t;|"))
def test_we_read_what_we_write_and_python_does(
    table: list[tuple[str, str]], delimiter: str
) -> None:
    content = b"".join(delimited([["no", "name"], *table], delimiter))
    ours = [cells for _, cells in rows(content)]
    theirs = list(csv.reader(io.StringIO(content.decode(), newline=""), delimiter=delimiter))
    assert ours == theirs


@SLOW
@given(st.lists(st.tuples(_CELLS, _CELLS), min_size=1, max_size=5))
def test_polars_reads_what_we_write(table: list[tuple[str, str]]) -> None:
    content = b"".join(delimited([["no", "name"], *table]))
    found = polars.read_csv(content, infer_schema=False)
    assert [list(row) for row in found.rows()] == [cells for _, cells in rows(content)][1:]


def test_gigabytes_take_little_memory(tmp_path: Path) -> None:
    """Seventeen megabytes here: what grows with the file would show."""
    path = tmp_path / "large.csv"
    line = b"A-0017,Amina Yusuf,F,1990-03-14,+254700000017,Kambi Moja\n"
    path.write_bytes(b"no,name,sex,born,phone,place\n" + line * 300_000)
    code = (
        "import resource, sys\n"
        "from gateway.source.rows import Rows\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "with open(sys.argv[1], 'rb') as file:\n"
        "    print(sum(1 for _ in Rows(file)))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    count, grown = map(int, done.stdout.split())
    assert count == 300_001
    assert grown < 8 << 10
