"""Reports as files: JSON, CSV, a workbook, JSON-LD; and all entries as a stream.

Each says the checkpoint it was computed from: CSV in lines that begin with `#` above the
table, a workbook on a sheet of its own.
"""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from gateway.errors import SenderError
from gateway.reports.processing import linked
from gateway.reports.report import Asked, Question, Report, said
from gateway.reports.source import Source

FORMS = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "jsonld": "application/ld+json",
}
MAX_SHEET = 1_000_000
"""Rows of a sheet; a workbook has room for 1,048,576."""
PART = 1_000
ENTRY = (
    "index", "id", "time", "type", "what", "sender", "recipient", "party", "purpose",
    "legal_basis", "agreement", "destination", "rules", "count", "entry",
)  # fmt: skip


def written(report: Report, form: str) -> bytes:
    """A report in one of `FORMS`. Raises `SenderError` for a form it does not have."""
    if form == "json":
        return orjson.dumps(report.document(), option=orjson.OPT_INDENT_2) + b"\n"
    if form == "csv":
        return _head(_about(report)) + _csv([report.answer.columns, *report.answer.rows])
    if form == "xlsx":
        return _workbook(report)
    if form == "jsonld" and report.name == "processing":
        document = report.document()
        about = {key: document[key] for key in ("computed_at", "checkpoint", "not_answered")}
        record = linked(document["rows"], about)
        return orjson.dumps(record, option=orjson.OPT_INDENT_2) + b"\n"
    raise SenderError("not in this form", rule="report.form", at="form")


def _about(report: Report) -> Iterator[str]:
    yield f"report {report.name}: {report.question}"
    yield f"computed {report.at} from checkpoint {report.size} {report.root}"
    for name, value in report.asked.items():
        yield f"asked {name} {value}"
    for line in report.note.splitlines():
        yield f"note {line}"
    for found, number in report.answer.found.items():
        yield f"found {found} {number}"
    for reason in report.answer.not_answered:
        yield f"not answered: {reason}"


def _head(lines: Iterable[str]) -> bytes:
    return "".join(f"# {line}\n" for line in lines).encode()


def _csv(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _workbook(report: Report) -> bytes:
    import xlsxwriter  # type: ignore[import-untyped]  # large, and rarely asked for

    if len(report.answer.rows) > MAX_SHEET:
        raise SenderError("too many rows for a sheet", rule="report.too_long", at="form")
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "report.xlsx"
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        with xlsxwriter.Workbook(path, options) as book:
            sheets: dict[str, list[Sequence[Any]]] = {
                "report": [report.answer.columns, *report.answer.rows],
                "about": [(line,) for line in _about(report)],
            }
            for name, rows in sheets.items():
                sheet = book.add_worksheet(name)
                for number, row in enumerate(rows):
                    sheet.write_row(number, 0, row)
        return path.read_bytes()


def entries(source: Source, asked: Asked, form: str) -> Iterator[bytes]:
    """All entries of the period, as CSV or as one JSON object a line. Holds few at a time."""
    if form not in ("csv", "json"):
        raise SenderError("entries are csv or json", rule="report.form", at="form")
    return _entries(source, asked, form)


def _entries(source: Source, asked: Asked, form: str) -> Iterator[bytes]:
    question = Question(source, asked)
    if form == "csv":
        note = [f"note {line}" for line in source.note.splitlines()]
        yield _head([f"checkpoint {source.size} {source.root()}", *note]) + _csv([ENTRY])
    query = "SELECT idx, leaf FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx"
    for low in range(question.low, question.high, PART):
        rows = source.log.rows(query, (low, min(low + PART, question.high)))
        found = [
            (index, bytes(leaf), entry)
            for index, leaf in rows
            if _fits(entry := orjson.loads(leaf), question)
        ]
        if form == "csv":
            yield _csv([_line(*one) for one in found])
        else:
            yield b"".join(b'{"index":%d,"entry":%b}\n' % (at, leaf) for at, leaf, _ in found)


def _fits(entry: dict[str, Any], question: Question) -> bool:
    asked = question.asked
    if asked.transfer and asked.transfer not in _about_transfers(entry):
        return False
    if entry["type"] == "transfer":
        return question.fits(entry, released=False)
    said_ = (entry.get("party"), entry.get("requester"), entry.get("who"), _subject(entry))
    return (
        (not asked.party or asked.party in said_)
        and not asked.purpose
        and (not asked.agreement or asked.agreement == _subject(entry))
    )


def _about_transfers(entry: dict[str, Any]) -> set[str | None]:
    """Transfers an entry is about: an outcome names many."""
    ended = (*entry.get("delivered", ()), *entry.get("not_released", ()))
    return {entry["id"], entry.get("transfer"), *ended}


def _subject(entry: dict[str, Any]) -> str | None:
    subject = entry.get("subject")
    named: str | None = subject["id"] if isinstance(subject, dict) else subject
    return named


def _line(index: int, leaf: bytes, entry: dict[str, Any]) -> tuple[Any, ...]:
    return (
        index, entry["id"], said(entry["time"]), entry["type"],
        entry.get("outcome", entry.get("what", "")),
        entry.get("sender", {}).get("party", ""), entry.get("recipient", {}).get("party", ""),
        entry.get("party", ""), entry.get("purpose", ""), entry.get("legal_basis", ""),
        entry.get("agreement", {}).get("id", _subject(entry) or ""),
        entry.get("border", {}).get("destination", ""), " ".join(entry.get("rules", ())),
        entry.get("count", ""), leaf.decode(),
    )  # fmt: skip
