"""Workbooks as they come: what their cells mean, against openpyxl, and hostile ones."""

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import SenderError
from gateway.source import tables
from gateway.source import workbook as parts
from gateway.source.cells import ERROR, FORMULA, NO_DAY, Wrong, guarded, unguarded
from gateway.source.parts import Parts
from gateway.source.rows import Rows
from gateway.source.tables import workbook

ROOT = Path(__file__).resolve().parent.parent
SLOW = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
Samples = Callable[[str], Path]


def rows(content: bytes, **said: Any) -> list[tuple[int, list[Any]]]:
    return list(Rows(io.BytesIO(content), **said))


def refused(content: bytes, **said: Any) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        rows(content, **said)
    return caught.value.rule, caught.value.at


def written(*values: Any, **options: Any) -> bytes:
    """A workbook of XlsxWriter's, with one sheet for each list of rows."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, **options})
    # It writes the time of day otherwise, and a damaged copy would differ from run to run.
    book.set_properties({"created": datetime(2026, 1, 1)})  # noqa: DTZ001
    shown = book.add_format({"num_format": "yyyy-mm-dd"})
    clock = book.add_format({"num_format": "dd/mm/yyyy h:mm"})
    hours = book.add_format({"num_format": "hh:mm:ss"})
    for table in values:
        page = book.add_worksheet()
        for y, row in enumerate(table):
            for x, cell in enumerate(row):
                if isinstance(cell, datetime):
                    page.write_datetime(y, x, cell, clock)
                elif isinstance(cell, date):
                    page.write_datetime(y, x, cell, shown)
                elif isinstance(cell, time):
                    page.write_datetime(y, x, cell, hours)
                elif isinstance(cell, str) and not cell.startswith("="):
                    page.write_string(y, x, cell)
                else:
                    page.write(y, x, cell)
    book.close()
    return out.getvalue()


def repacked(content: bytes, **changed: bytes | None) -> bytes:
    """A workbook with parts replaced or left out; `xl_sheet1` is any part with that in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            word = next((word for word in changed if word.replace("_", "/") in name), None)
            found = changed[word] if word else old.read(name)
            if found is not None:
                new.writestr(name, found, zipfile.ZIP_DEFLATED)
    return out.getvalue()


PLAIN = b"".join(workbook([["a", "b"], ["1", "2"]]))


def sheet(inner: str) -> bytes:
    """A workbook whose sheet has this inside."""
    found = f'<worksheet xmlns="{MAIN}">{inner}</worksheet>'
    return repacked(PLAIN, worksheets=found.encode())


def data(*cells: str) -> bytes:
    return sheet(f"<sheetData><row r='1'>{''.join(cells)}</row></sheetData>")


# What cells mean


def test_cells_keep_their_kind() -> None:
    content = written(
        [
            ["00123", 7, 0.1, -1.5, True, False, "", "=1+1 is not run"],
            [date(1990, 3, 14), datetime(2026, 10, 3, 9, 30), time(13, 17), 1e20, 123456789012],  # noqa: DTZ001
        ]
    )
    assert rows(content)[0][1][:6] == ["00123", 7, Decimal("0.1"), Decimal("-1.5"), True, False]
    assert rows(content)[1] == (
        2, ["1990-03-14", "2026-10-03T09:30:00", "13:17:00", Decimal("1e+20"), 123456789012],
    )  # fmt: skip
    assert [value.__class__ for value in rows(content)[0][1][:6]] == [
        str, int, Decimal, Decimal, bool, bool,
    ]  # fmt: skip


def test_a_number_is_what_it_means_not_how_it_was_spelled() -> None:
    cells = ["1.1000000000000001", "12.0", "1E+3", "1e-7", "-0.5", "99999999999999999999"]
    found = rows(data(*(f"<c><v>{cell}</v></c>" for cell in cells)))[0][1]
    assert found == [Decimal("1.1"), 12, 1000, Decimal("1e-07"), Decimal("-0.5"), Decimal(10**20)]
    assert rows(data("<c><v>1e999</v></c>", "<c><v>abc</v></c>"))[0][1] == [
        Wrong("not a number", "table.not_a_number")
    ] * 2  # fmt: skip


@pytest.mark.parametrize("from_1904", [False, True])
def test_days_of_both_systems(from_1904: bool) -> None:
    days = [date(1904, 1, 2), date(1900 if not from_1904 else 1904, 3, 1), date(2026, 11, 22)]
    content = written([days], default_date_format="", **({"date_1904": True} if from_1904 else {}))
    assert rows(content)[0][1] == [str(day) for day in days]


def test_days_that_never_were() -> None:
    styles = (
        f'<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/>'
        '<xf numFmtId="22"/><xf numFmtId="46"/></cellXfs></styleSheet>'
    )
    cells = [f'<c s="1"><v>{day}</v></c>' for day in ("0", "1", "59", "60", "61", "-1", "2958466")]
    cells += ['<c s="2"><v>0.75</v></c>', '<c s="3"><v>1.5</v></c>', '<c s="1"><v>45.5</v></c>']
    cells += ['<c t="d"><v>2026-11-22</v></c>', '<c t="d"><v>22 November</v></c>']
    rels = parts_of(PLAIN, "xl/_rels/workbook.xml.rels").replace(
        b"</Relationships>",
        b'<Relationship Id="s" Type="x/styles" Target="styles.xml"/></Relationships>',
    )
    content = added(repacked(data(*cells), **{"workbook.xml.rels": rels}), styles.encode())
    assert rows(content)[0][1] == [
        NO_DAY, "1900-01-01", "1900-02-28", NO_DAY, "1900-03-01", NO_DAY, NO_DAY,
        "18:00:00", Decimal("1.5"), "1900-02-14T12:00:00", "2026-11-22", NO_DAY,
    ]  # fmt: skip


def parts_of(content: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return opened.read(name)


def added(content: bytes, styles: bytes, name: str = "xl/styles.xml") -> bytes:
    out = io.BytesIO(content)
    with zipfile.ZipFile(out, "a") as opened:
        opened.writestr(name, styles)
    return out.getvalue()


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("General", "number"),
        ("0.00", "number"),
        ('#,##0 "days"', "number"),
        ("[Red]0;[Blue]-0", "number"),
        ("[$-409]d mmm yyyy", "date"),
        ("yyyy\\-mm", "date"),
        ("mmmm", "date"),
        ("h:mm AM/PM", "clock"),
        ("dd/mm/yy hh:mm:ss", "clock"),
        ("[h]:mm", "elapsed"),
        ("[ss].00", "elapsed"),
        ("0\\h", "number"),
        ('0;"hms"', "number"),
        ("_(* #,##0_)", "number"),
    ],
)
def test_number_formats(code: str, shown: str) -> None:
    assert parts.shown_as(code) == shown


def test_errors_and_formulas_without_a_result_hold_no_value() -> None:
    found = rows(
        data(
            '<c t="e"><v>#N/A</v></c>',
            "<c><f>SUM(A1)</f></c>",
            '<c t="str"><f>A1&amp;"x"</f><v>Amina</v></c>',
            '<c t="str"><f>""</f></c>',
            "<c><f>1+1</f><v>2</v></c>",
        )
    )
    assert found == [(1, [ERROR, FORMULA, "Amina", "", 2])]


def test_rich_and_phonetic_and_escaped_texts() -> None:
    found = rows(
        data(
            '<c t="inlineStr"><is><r><rPr/><t>Ami</t></r><r><t xml:space="preserve">na </t></r>'
            "<rPh><t>no</t></rPh></is></c>",
            '<c t="inlineStr"><is><t>a_x000D_b_x005F_x0041__xD83D__xDE00_</t></is></c>',
        )
    )
    assert found == [(1, ["Amina ", "a\rb_x0041_😀"])]


def test_holes_in_rows_and_columns() -> None:
    content = sheet(
        "<sheetData><row r='3'><c r='B3'><v>1</v></c><c r='D3'><v>2</v></c><c r='F3' s='1'/></row>"
        "<row/><row r='9'><c/><c><v>3</v></c></row></sheetData>"
    )
    assert rows(content) == [(3, ["", 1, "", 2]), (9, ["", 3])]


def test_a_sheet_that_lies_about_its_size_costs_nothing() -> None:
    content = sheet(
        "<dimension ref='A1:XFD1048576'/><cols><col min='1' max='16384'/></cols>"
        "<sheetData><row r='1'><c r='A1'><v>1</v></c></row>"
        "<row r='1048576'><c r='XFD1048576'><v>2</v></c></row></sheetData>"
    )
    found = rows(content)
    assert [(number, len(cells), cells[-1]) for number, cells in found] == [
        (1, 1, 1),
        (1048576, 16384, 2),
    ]


# Which sheet


def test_the_only_visible_sheet_with_anything_on_it() -> None:
    assert rows(written([], [["a"]], []))[0] == (1, ["a"])
    assert refused(written([["a"]], [["b"]])) == ("table.several_sheets", "")
    assert refused(written([], [])) == ("table.empty", "")
    assert rows(written([["a"]], [["b"]]), sheet="Sheet2") == [(1, ["b"])]
    assert refused(written([["a"]]), sheet="Sheet9") == ("table.no_sheet", "")


def test_hidden_sheets_are_read_only_by_name() -> None:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.add_worksheet("Open").write(0, 0, "a")
    hidden = book.add_worksheet("Lists")
    hidden.write(0, 0, "b")
    hidden.hide()
    book.close()
    assert rows(out.getvalue()) == [(1, ["a"])]
    assert rows(out.getvalue(), sheet="Lists") == [(1, ["b"])]


def merged(place: str) -> bytes:
    inner = "<row r='1'><c><v>0</v></c></row><row r='2'><c><v>1</v></c><c><v>2</v></c></row>"
    inner += "<row r='3'><c><v>3</v></c></row><row r='4'><c><v>3</v></c></row>"
    return sheet(
        f"<sheetData>{inner}</sheetData><mergeCells><mergeCell ref='{place}'/></mergeCells>"
    )


@pytest.mark.parametrize(
    ("place", "rule"),
    [
        ("A1:B1", ""), ("A2:A3", "table.merged"), ("B3:B4", "table.merged"),
        ("A3:B3", "table.merged"), ("D3:D4", ""), ("A8:C9", ""), ("A2:B2", ""),
    ],
)  # fmt: skip
def test_merged_cells_are_refused_among_data(place: str, rule: str) -> None:
    found = Rows(io.BytesIO(merged(place)))
    read = iter(found)
    next(read)
    number, header = next(read)
    found.begin(number, len(header))
    try:
        list(read)
        said = ""
    except SenderError as error:
        said = error.rule
    assert said == rule


# What is refused


def many(count: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as opened:
        for number in range(count):
            opened.writestr(f"x{number}", b"")
    return out.getvalue()


def encrypted() -> bytes:
    found = bytearray(PLAIN)
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = found.find(sign)
        while at >= 0:
            found[at + place] |= 1
            at = found.find(sign, at + 4)
    return bytes(found)


def larger_than_it_says() -> bytes:
    """The list of contents says 40 bytes; there is a megabyte."""
    found = bytearray(sheet("<sheetData>" + "<row/>" * 200_000 + "</sheetData>"))
    at = found.rfind(b"xl/worksheets/sheet1.xml") - 46
    found[at + 24 : at + 28] = (40).to_bytes(4, "little")
    return bytes(found)


ENTITY = '<!DOCTYPE worksheet [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
ROW = "<row r='1'><c r='A1' t='inlineStr'><is><t>{}</t></is></c></row>"
REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "not a workbook": (lambda: many(3), "table.not_xlsx"),
    "no end": (lambda: PLAIN[:-30], "table.workbook"),
    "cut": (lambda: PLAIN[:900] + PLAIN[910:], "table.workbook"),
    "no type": (lambda: added(many(1), b"x", "content.xml"), "table.not_xlsx"),
    "many files": (lambda: many(parts.MEMBERS + 1), "table.bomb"),
    "bomb": (lambda: sheet("<sheetData>" + " " * (20 << 20) + "</sheetData>"), "table.bomb"),
    "lying size": (larger_than_it_says, "table.workbook"),
    "password": (encrypted, "table.encrypted"),
    "twice": (lambda: twice(), "table.part_twice"),
    "missing sheet": (lambda: repacked(PLAIN, worksheets=None), "table.workbook"),
    "entities": (
        lambda: repacked(PLAIN, worksheets=f"{ENTITY}<worksheet>&b;<row/></worksheet>".encode()),
        "xml.doctype",
    ),
    "undeclared entity": (lambda: sheet("<sheetData>&x;</sheetData>"), "xml.entity"),
    "ends early": (lambda: repacked(PLAIN, worksheets=b"<worksheet><row>"), "xml.truncated"),
    "junk": (lambda: sheet("<a/>" * (5 << 20)), "table.bomb"),
    "rows backwards": (
        lambda: sheet("<sheetData><row r='2'/><row r='1'/></sheetData>"),
        "table.workbook",
    ),
    "too many rows": (lambda: sheet("<sheetData><row r='1048577'/></sheetData>"), "table.workbook"),
    "row number": (lambda: sheet("<sheetData><row r='x'/></sheetData>"), "table.workbook"),
    "cells backwards": (
        lambda: data("<c r='B1'><v>1</v></c>", "<c r='A1'><v>1</v></c>"),
        "table.workbook",
    ),
    "cell of another row": (lambda: data("<c r='B2'><v>1</v></c>"), "table.workbook"),
    "cell nowhere": (lambda: data("<c r='1B'><v>1</v></c>"), "table.workbook"),
    "too far right": (lambda: data("<c r='XFE1'><v>1</v></c>"), "table.workbook"),
    "no such text": (lambda: data("<c t='s'><v>0</v></c>"), "table.workbook"),
    "no such type": (lambda: data("<c t='z'><v>0</v></c>"), "table.workbook"),
    "boolean": (lambda: data("<c t='b'><v>2</v></c>"), "table.workbook"),
    "nul": (lambda: sheet(f"<sheetData>{ROW.format('_x0000_')}</sheetData>"), "table.nul"),
    "half a character": (
        lambda: sheet(f"<sheetData>{ROW.format('_xD83D_')}</sheetData>"),
        "table.workbook",
    ),
    "long cell": (
        lambda: sheet(f"<sheetData>{ROW.format('ab' * (1 << 20))}</sheetData>"),
        "table.cell_too_long",
    ),
}


def twice() -> bytes:
    out = io.BytesIO(PLAIN)
    with zipfile.ZipFile(out, "a") as opened, pytest.warns(UserWarning, match="Duplicate"):
        opened.writestr("xl/workbook.xml", b"<workbook/>")
    return out.getvalue()


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_its_rule(name: str) -> None:
    make, rule = REFUSED[name]
    assert refused(make())[0] == rule


def test_other_documents_are_named() -> None:
    ods = added(added(many(1), b"x", "content.xml"), b"x", "mimetype")
    assert refused(ods)[0] == "table.ods"
    rels = parts_of(PLAIN, "_rels/.rels").replace(b"workbook.xml", b"workbook.bin")
    assert refused(added(repacked(PLAIN, rels=rels), b"", "xl/workbook.bin"))[0] in {
        "table.xlsb", "table.not_xlsx",
    }  # fmt: skip


def test_the_texts_that_sheets_share_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "TEXTS", 100)
    content = written([[f"Amina {number}"] for number in range(30)])
    assert refused(content) == ("table.too_many_texts", "")


def test_macros_and_links_stay_unread() -> None:
    content = added(PLAIN, b"\xd0\xcf\x11\xe0", "xl/vbaProject.bin")
    content = added(content, b"not XML", "xl/externalLinks/externalLink1.xml")
    assert rows(content) == rows(PLAIN)


def test_what_is_damaged_is_the_same_in_every_run() -> None:
    assert b">2026-01-01T00:00:00Z<" in parts_of(written([["a"]]), "docProps/core.xml")


@SLOW
@given(st.data())
def test_damaged_workbooks(data: st.DataObject) -> None:
    content = bytearray(written([["a", "b", 1.5], [date(2026, 1, 1), "c", True]]))
    start = data.draw(st.integers(0, len(content)))
    content[start : start + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=4))
    with suppress(SenderError):
        rows(bytes(content))


# Against others


def as_ours(cell: Any) -> Any:
    """A cell of openpyxl's as ours."""
    if isinstance(cell, datetime):
        text = cell.isoformat(timespec="milliseconds" if cell.microsecond else "seconds")
        return text.removesuffix("T00:00:00")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() else Decimal(repr(cell))
    return "" if cell is None else cell


def trimmed(row: Iterable[Any]) -> list[Any]:
    """Without the empty cells at the end. Midnight is a day, and a formula nobody ran is empty."""
    cells = ["" if isinstance(cell, Wrong) else cell for cell in row]
    cells = [cell.removesuffix("T00:00:00") if isinstance(cell, str) else cell for cell in cells]
    while cells and cells[-1] == "":
        cells.pop()
    return cells


@pytest.mark.parametrize(
    "name",
    [
        "hxl/open/input-valid.xlsx", "ona/open/hxl_example_xlsform.xlsx",
        "kobo/open/hope_xlsform_template.xlsx", "hope/open/generic_import_somalia.xlsx",
        "hope/open/payment_list.xlsx", "hope/open/rdi_50hh.xlsx", "hope/open/rdi_people.xlsx",
        "rapidpro/open/import_data_formats.xlsx", "rapidpro/open/import_multiple_tel_urns.xlsx",
        "ocha-3w-cod/open/3w_tcd_avr2025.xlsx", "odk/open/simple_xlsform.xlsx",
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_openpyxl_reads_the_same_cells(samples: Samples, name: str) -> None:
    path = samples(name)
    if not path.is_file():
        pytest.skip("no such sample")
    for page in openpyxl.load_workbook(path, data_only=True).worksheets:
        ours = dict(rows(path.read_bytes(), sheet=page.title)) if page.max_row else {}
        theirs: dict[int, list[Any]] = {}
        for number, row in enumerate(page.iter_rows(values_only=True), 1):
            if cells := trimmed(map(as_ours, row)):
                theirs[number] = cells
        ours = {number: trimmed(row) for number, row in ours.items()}
        ours = {number: row for number, row in ours.items() if row}
        assert ours == theirs, page.title


_TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8
)


@SLOW
@given(
    st.lists(st.tuples(_TEXTS, st.integers(-(10**12), 10**12), st.floats(-1e9, 1e9)), max_size=4)
)
def test_we_read_what_we_write(table: list[tuple[str, int, float]]) -> None:
    content = b"".join(workbook([["no", "a", "b"], *table]))
    found = [cells for _, cells in rows(content)][1:]
    assert [(unguarded(text), a, float(b)) for text, a, b in found] == table


_VISIBLE = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1)


@SLOW
@given(st.lists(_VISIBLE, min_size=1, max_size=4))
def test_openpyxl_reads_what_we_write_as_texts(texts: list[str]) -> None:
    content = b"".join(workbook([texts]))
    [cells] = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0].iter_rows()
    assert [cell.data_type for cell in cells] == ["s"] * len(texts)
    assert [parts.unescaped(str(cell.value)) for cell in cells] == [guarded(text) for text in texts]


def test_texts_that_look_like_the_notation_come_back() -> None:
    texts = [
        "]]>",
        "<b>&amp;</b>",
        "_x0041_",
        "_x005F_x0041_",
        "_x_",
        "a\r\nb",
        "\x01\ufffe",
        " a ",
    ]
    assert rows(b"".join(workbook([texts]))) == [(1, texts)]


def test_what_stands_between_rows_is_bounded() -> None:
    content = io.BytesIO(b"<worksheet>" + b"<a/>" * (5 << 20))
    with pytest.raises(SenderError) as caught:
        list(Parts(content, ("row",)).each())
    assert caught.value.rule == "xml.too_large"


def test_the_same_rows_give_the_same_bytes() -> None:
    assert b"".join(workbook([["a", "b"], ["1", "2"]])) == PLAIN


def test_a_sheet_that_would_be_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "ROWS", 3)
    for table, rule in (
        ([["a"]] * 4, "table.too_large"),
        ([["a"] * 16_385], "table.too_many_columns"),
        ([["a" * 40_000]], "table.cell_too_long"),
    ):
        with pytest.raises(SenderError) as caught:
            list(workbook(table))
        assert caught.value.rule == rule


def test_large_workbooks_take_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.xlsx"
    row = ["A-0017", "Amina Yusuf", "F", "1990-03-14", "+254700000017", 7]
    with path.open("wb") as file:
        file.writelines(workbook(row for _ in range(30_000)))
    code = (
        "import resource, sys\n"
        "from gateway.source.rows import Rows\n"
        "from gateway.source.tables import workbook\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "with open(sys.argv[1], 'rb') as file:\n"
        "    print(sum(map(len, workbook(cells for _, cells in Rows(file)))))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    size, grown = map(int, done.stdout.split())
    assert size > 500_000
    assert grown < 12 << 10
