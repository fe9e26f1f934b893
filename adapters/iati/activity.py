"""One activity: an `iati-activity` to a record, and a record to an `iati-activity`."""

import re
from calendar import monthrange
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import quote, unquote

from adapters.iati import kinds
from adapters.iati.money import (
    day_of,
    read_budget,
    read_transactions,
    whole_day,
    write_budget,
    write_transactions,
)
from adapters.iati.node import LANGUAGE, Node, broken, ordered, said
from adapters.iati.organisations import (
    REPORTING,
    read_contact,
    read_organisations,
    write_contact,
    write_organisations,
)
from adapters.iati.places import read_places, write_places
from adapters.iati.results import COUNTS, read_results, write_results
from adapters.iati.scope import (
    read_scopes,
    read_sectors,
    take_flag,
    write_flag,
    write_scopes,
    write_sectors,
)
from adapters.iati.terms import DATES, FINALISING, STATUS, Tongue
from adapters.leaf_names import NOTHING, changed, leaf_names
from gateway.errors import SenderError
from gateway.record import Record

KIND = "activity"
NOWHERE = "iati.invalid"
"""Authority of an activity where no mapping says whose numbering it is (RFC 2606)."""

OWN = "-record:"
"""Between the publisher and the id of a record whose activity has no identifier: IATI requires
one, which begins with its publisher's and has no `/`, `&`, `|` or `?` in it."""

_RECORD = re.compile(r"([a-z0-9][a-z0-9.-]*):(\S+)")
_PLAIN = "@:+._-~"
_LONGEST = 256
_STARTS = ("1", "2")
_PART = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2]))?")
_CODE_OF = {status: code for code, status in STATUS.items() if code != FINALISING}

LINES: Mapping[str, str] = {
    "record_type": "",
    "record_id": "/iati-identifier",
    "activity_id": "/iati-identifier",
    "activity_name": "/title/narrative",
    "description": "/description/narrative",
    "organisations": "/participating-org | iati-activity/reporting-org",
    "status": "/activity-status/@code",
    "source_status": "/activity-status/@code",
    **dict.fromkeys(DATES.values(), "/activity-date/@iso-date"),
    "contact": "/contact-info",
    "place": "/location | iati-activity/recipient-country",
    "other_places": "/location | iati-activity/recipient-country",
    **dict.fromkeys(("sector_code", "sector_name", "sector_vocabulary"), "/sector"),
    "other_sectors": "/sector",
    "glide_number": "/humanitarian-scope/@code",
    "appeal_code": "/humanitarian-scope/@code",
    "budget": "/budget/value",
    "currency_code": "/@default-currency | iati-activity/budget/value/@currency",
    "transactions": "/transaction",
    "results": "/result/indicator",
    **dict.fromkeys(
        (
            *(field for _, *fields in COUNTS.values() for field in fields),
            "reference_period_start",
            "reference_period_end",
        ),
        "/result/indicator/period",
    ),
    "source": "/@last-updated-datetime",
}
"""Field of a record to the place of its values below `iati-activity`."""


def lines(record: Record) -> Mapping[str, str]:
    """Each leaf of a record that IATI has a place for, and the place."""
    return {
        name: f"iati-activity{LINES[field]}"
        for field, value in record.items()
        if field in LINES
        for name in leaf_names(KIND, field, value)
    }


def read_activity(node: Node, authority: str | None, *, strict: bool) -> Record:
    """The record. `strict` holds codes to IATI's lists: the file names a version.

    Raises `SenderError` for a code, a day, a position or a GLIDE number that is none.
    """
    tongue = Tongue(strict, node.attributes.get(LANGUAGE))
    body: Record = {}
    name = tongue.spoken(node.one("title"))
    if name:
        body["activity_name"] = name
    body |= _description(node, tongue)
    body |= read_organisations(node, tongue)
    body |= _status(node, tongue)
    body |= _dates(node, tongue)
    body |= read_contact(node, tongue)
    body |= read_places(node, tongue)
    body |= read_sectors(node, tongue)
    body |= read_scopes(node, tongue)
    take_flag(node, body)
    body |= read_budget(node, body, tongue)
    body |= read_transactions(node, tongue)
    body |= read_results(node, body, tongue)
    changed_on = kinds.instant(node.attributes.get("last-updated-datetime", ""))
    if changed_on:
        node.taken.add("last-updated-datetime")
        body["source"] = {"source_date": changed_on}
    return {"record_type": KIND, **_identified(node, authority), **body}


def _identified(node: Node, authority: str | None) -> Record:
    identifier = node.all("iati-identifier")[0].own()
    mine = authority or NOWHERE
    if identifier is None:
        return {"record_id": f"{mine}/sha256:{node.digest().hex()}"}
    own = _own(identifier, node)
    if own:
        if authority is not None and not own.startswith(f"{authority}/"):
            raise broken(
                "a record of another authority than the mapping's", "iati.other_authority", node
            )
        return {"record_id": own}
    local = quote(identifier, safe=_PLAIN)
    if len(mine) + 1 + len(local) > _LONGEST:
        local = f"sha256:{sha256(local.encode()).hexdigest()}"
    return {"record_id": f"{mine}/{local}", "activity_id": identifier}


def _own(identifier: str, node: Node) -> str | None:
    """The id of the record, in an identifier that was made of one."""
    publisher = node.all("reporting-org")[0].attributes["ref"]
    found = _RECORD.fullmatch(identifier.removeprefix(f"{publisher}{OWN}"))
    if not found or not identifier.startswith(f"{publisher}{OWN}"):
        return None
    local = unquote(found[2])
    record_id = f"{found[1]}/{local}"
    same = quote(local, safe=_PLAIN) == found[2] and not re.search(r"\s", local)
    return record_id if same and local[0] != "/" and len(record_id) <= _LONGEST else None


def _description(node: Node, tongue: Tongue) -> Record:
    for one in node.all("description"):
        if one.attributes.get("type") in (None, "", "1"):
            text = tongue.spoken(one)
            one.taken.add("type")
            return {} if text is None else {"description": text}
    return {}


def _status(node: Node, tongue: Tongue) -> Record:
    code = tongue.code(node.all("activity-status")[0], "code", STATUS)
    if code is None:
        return {}
    return {"status": STATUS[code]} | ({"source_status": code} if code == FINALISING else {})


def _dates(node: Node, tongue: Tongue) -> Record:
    found: Record = {}
    for one in node.all("activity-date"):
        code = tongue.code(one, "type", DATES)
        if code is None:
            continue
        day = _as_known(one)
        if found.setdefault(DATES[code], day) != day:
            raise broken("two dates of one type", "iati.repeated", one)
    return found


def _as_known(date: Node) -> str:
    """The day; its month or year, where the text beside it says that no more is known."""
    day = day_of(date)
    texts = date.all("narrative")
    part = texts[0].text.strip() if len(texts) == 1 else ""
    if not _PART.fullmatch(part) or not day.startswith(part):
        return day
    texts[0].taken.add("")
    return part


def write_activity(record: Record, authority: str | None, *, at: str) -> tuple[Node, set[str]]:
    """The activity in the order of the schema, and the leaves of the record that are not in it.

    Raises `SenderError` where IATI requires what the record does not have.
    """
    node = Node("iati-activity")
    activity_id = said(record.get("activity_id"))
    node.add("iati-identifier", activity_id or _made(record))
    for element, field in (("title", "activity_name"), ("description", "description")):
        text = said(record.get(field))
        if text or element == "description":
            # A description may hold nothing: the title says what is done.
            node.add(element).add("narrative", text or "")
    for write in _WRITERS:
        write(node, record)
    write_flag(node)
    try:
        ordered(node, "iati-activity")
    except SenderError as error:
        raise SenderError(
            "IATI requires what the record does not have, or not in a form it can write",
            rule="iati.required",
            at=f"{at}, {error.at}",
        ) from None
    return node, _lost(record, node, authority)


def _made(record: Record) -> str:
    several = record.get("organisations", ())
    refs = (one.get("org_id") for one in several if one.get("role") == REPORTING)
    authority, _, local = record["record_id"].partition("/")
    return f"{next(refs, None) or ''}{OWN}{authority}:{quote(local, safe=_PLAIN)}"


def _write_status(node: Node, record: Record) -> None:
    status, code = record.get("status", ""), record.get("source_status", "")
    if code not in STATUS or STATUS[code] != status:
        code = _CODE_OF.get(status, "")
    if code:
        node.add("activity-status", code=code)


def _write_dates(node: Node, record: Record) -> None:
    for code, field in DATES.items():
        moment = record.get(field, "")
        part = _PART.fullmatch(moment)
        day = whole_day(_edge(moment, first=code in _STARTS) if part else moment)
        if day:
            date = node.add("activity-date", type=code, iso_date=day)
            if part:
                date.add("narrative", moment)


def _edge(part: str, *, first: bool) -> str:
    """The first or the last day of a month or a year."""
    year, _, month = part.partition("-")
    month = month or ("01" if first else "12")
    return f"{year}-{month}-{1 if first else monthrange(int(year), int(month))[1]:02}"


def _write_source(node: Node, record: Record) -> None:
    changed_on = record.get("source", {}).get("source_date", "")
    if kinds.instant(changed_on) and kinds.fits(changed_on, "dateTime"):
        node.attributes["last-updated-datetime"] = changed_on


_WRITERS = (
    write_organisations,
    _write_status,
    _write_dates,
    write_contact,
    write_places,
    write_sectors,
    write_scopes,
    write_budget,
    write_transactions,
    write_results,
    _write_source,
)


def _lost(record: Record, node: Node, authority: str | None) -> set[str]:
    """What a reader of the activity does not find in it as the record has it."""
    try:
        back: dict[str, Any] = read_activity(node, authority, strict=True)
    except SenderError as error:
        if error.rule != "iati.other_authority":
            raise
        back = {**read_activity(node, None, strict=True), "record_id": NOTHING}
    return {
        name
        for field, value in record.items()
        if field != "record_type"
        for name in changed(KIND, field, value, back.get(field, NOTHING))
    }
