"""Real payloads of real systems, file by file: read, or refused by the rule we expect.

`tests/real/*.json` lists every file of the folders it names: `file`, `adapter`, `mapping` (in
`tests/real/mappings/`, or null), `outcome` (`parsed` with `records`, or `refused` with `rule`)
and `why`. The payloads are no part of this project; without them every test here is skipped.
"""

import json
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gateway.adapter import installed
from gateway.errors import SenderError
from gateway.mapping import Plan, read_mapping
from gateway.record import Reading, check

REAL = Path(__file__).parent / "real"
TABLES = sorted(REAL.glob("*.json"))
KEYS = {"file", "adapter", "mapping", "outcome", "why"}

Samples = Callable[[str], Path]
Row = dict[str, Any]


def rows() -> Iterator[tuple[str, Row]]:
    """Every row with the name of its table."""
    for table in TABLES:
        for row in json.loads(table.read_bytes()):
            yield table.stem, row


ROWS = list(rows())


@cache
def plan(name: str) -> Plan:
    return read_mapping(REAL / "mappings" / name)


def outcome(row: Row, path: Path) -> dict[str, Any]:
    """What really comes of a row's file. Anything but a `SenderError` is a failure."""
    mapping = plan(row["mapping"]) if row["mapping"] else None
    number = 0
    reading = Reading()
    try:
        with path.open("rb") as file:
            for record in installed()[row["adapter"]].parse(file, mapping, reading):
                number += 1
                check(record, at=f"record {number}")
    except SenderError as error:
        return {"outcome": "refused", "rule": error.rule}
    assert reading.lineage or not number
    return {"outcome": "parsed", "records": number}


def named(row: Row) -> str:
    return f"{row['adapter']}-{row['file']}"


def test_there_are_tables() -> None:
    assert len(ROWS) > 100


@pytest.mark.parametrize(("table", "row"), ROWS, ids=[named(row) for _, row in ROWS])
def test_a_row_says_everything(table: str, row: Row) -> None:
    told = {"parsed": "records", "refused": "rule"}[row["outcome"]]
    assert row.keys() == KEYS | {told}
    assert row["adapter"].split(".")[0] == table.split("-")[0]
    assert row["why"]


def test_no_row_stands_twice() -> None:
    names = [named(row) for _, row in ROWS]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("row", [row for _, row in ROWS], ids=[named(row) for _, row in ROWS])
def test_a_real_file_is_read_or_refused_as_expected(samples: Samples, row: Row) -> None:
    expected = {key: row[key] for key in ("outcome", "records", "rule") if key in row}
    assert outcome(row, samples(row["file"])) == expected


def test_every_real_file_stands_in_a_table(samples: Samples) -> None:
    listed = {row["file"] for _, row in ROWS}
    missing = [
        f"{folder}/{path.name}"
        for folder in sorted({file.rpartition("/")[0] for file in listed})
        for path in sorted(samples(folder).iterdir())
        if f"{folder}/{path.name}" not in listed
    ]
    assert missing == []


def test_the_table_is_shown(samples: Samples, capsys: pytest.CaptureFixture[str]) -> None:
    """The figures for whoever reads the output: they are true, for the tests above passed."""
    folders = sorted(path.name for path in samples("").iterdir() if (path / "open").is_dir())
    claimed = {row["file"].partition("/")[0] for _, row in ROWS}
    lines = ["", f"{'file':52} {'adapter':16} {'outcome':32} why"]
    for _, row in ROWS:
        what = f"parsed, {row['records']} records" if "records" in row else row["rule"]
        lines.append(f"{row['file']:52} {row['adapter']:16} {what:32} {row['why']}")
    parsed = sum(row["outcome"] == "parsed" for _, row in ROWS)
    lines.append(f"{len(ROWS)} files: {parsed} parsed, {len(ROWS) - parsed} refused")
    lines.append(f"folders no adapter claims: {', '.join(sorted(set(folders) - claimed))}")
    with capsys.disabled():
        sys.stdout.write("\n".join(lines) + "\n")
    assert claimed <= {path.name for path in samples("").iterdir() if path.is_dir()}
