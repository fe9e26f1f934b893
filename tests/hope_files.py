"""Documents and workbooks in HOPE's shapes, for its tests."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from adapters.hope import Hope, HopeXlsx
from gateway.adapter import read
from gateway.errors import SenderError
from gateway.record import Parsed, Record, check, leaves, walk
from gateway.source.tables import workbook_of

HOPE = Hope()
XLSX = HopeXlsx()
ROOT = Path(__file__).resolve().parent.parent
JSON_SAMPLES = ROOT / "adapters" / "hope" / "samples" / "hope"
BOOK_SAMPLES = ROOT / "adapters" / "hope" / "samples" / "hope.xlsx"
REAL_MAPPINGS = ROOT / "tests" / "real" / "mappings"
CROSSWALKS = ROOT / "deploy" / "crosswalks" / "mappings"

HEAD = {
    "relationship": "HEAD",
    "role": "PRIMARY",
    "full_name": "Amina Yusuf",
    "birth_date": "1984-02-17",
    "sex": "FEMALE",
}
HOUSEHOLD = {"originating_id": "D-1", "country": "SO", "size": 1, "members": [HEAD]}

LABELS = ["Household ID - ID"]


def parsed(content: bytes, adapter: Any, mapping: Any = None) -> Parsed:
    """What an adapter reads, each record held to its schema."""
    found = read(adapter, content, mapping)
    for number, record in enumerate(found.records):
        check(record, at=f"record {number}")
    return found


def refused(content: bytes, adapter: Any, mapping: Any = None) -> SenderError:
    """The error that reading gives."""
    with pytest.raises(SenderError) as caught:
        read(adapter, content, mapping)
    return caught.value


def document(value: Any) -> bytes:
    return json.dumps(value).encode()


def book(*sheets: tuple[str, list[list[Any]]]) -> bytes:
    return b"".join(workbook_of(sheets))


def differing(before: list[Record], after: list[Record]) -> set[str]:
    """Leaves in which records differ."""
    kinds = [Counter(one["record_type"] for one in records) for records in (before, after)]
    assert kinds[0] == kinds[1]
    return {
        f"{old['record_type']}.{leaf.name}"
        for old, new in zip(before, after, strict=True)
        for leaf in leaves(old["record_type"]).values()
        if list(walk(old, leaf.path)) != list(walk(new, leaf.path))
    }


SOURCES = ("XLS", "KOB", "AUR", "API")
KEYS = frozenset(
    (
        "birth_certificate", "drivers_license", "national_id", "national_passport",
        "electoral_card", "tax_id", "residence_permit_no", "bank_statement",
        "disability_certificate", "other_id", "foster_child",
    )
)  # fmt: skip
"""Of the documents that an import may have."""


def body_rules(body: Any) -> list[str]:
    """What HOPE's own validation would object to, read from its description by hand."""
    faults = []
    for number, one in enumerate(body["households"] if isinstance(body, dict) else body):
        members = one.get("members", [])
        relations = Counter(each.get("relationship") for each in members)
        roles = Counter(each.get("role") for each in members)
        faults += [f"{number} head"] * (relations["HEAD"] != 1)
        faults += [f"{number} primary"] * (roles["PRIMARY"] != 1)
        faults += [f"{number} alternate"] * (roles["ALTERNATE"] > 1)
        source = one.get("originating_id", "API#x").partition("#")
        faults += [f"{number} id"] * (source[0] not in SOURCES or not source[2])
        faults += [f"{number} country"] * (len(one.get("country", "")) != 2)
        for each in members:
            needed = ("full_name", "birth_date", "sex", "relationship")
            faults += [f"{number} {name}" for name in needed if not each.get(name)]
            faults += [
                f"{number} document"
                for document in each.get("documents", [])
                if not document["document_number"]
                or len(document["country"]) != 2
                or document["type"] not in KEYS
            ]
    return faults
