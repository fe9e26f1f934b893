"""Records of one household to a `CASE` element, valid by the schema of proGres v4 (4.1).

What was written is read again and compared with the records, so that nothing is lost in silence.
"""

from collections.abc import Mapping
from typing import Any

from lxml import etree

from adapters.leaf_names import NOTHING, changed
from adapters.progres.errf import members, referrals
from adapters.progres.errf.envelope import CASE, Case, Individual, case_of, made_of, row_key
from adapters.progres.errf.kept import overlaid
from adapters.progres.errf.members import NAMES, Seen
from adapters.progres.errf.paths import PATHS, all_of, names_of
from adapters.progres.errf.reading import INDICATOR, SINGLE, records_of
from adapters.progres.errf.referrals import Numbering
from adapters.progres.errf.sent import Sent, missing, sent
from adapters.progres.errf.tables import (
    GROUP,
    INDIVIDUAL,
    MEMBERSHIP,
    OF_A_PERSON,
    REFERENCE,
    RESETTLEMENT,
    TABLES,
    Parts,
    Row,
)
from adapters.progres.errf.together import Together
from adapters.progres.errf.values import key_of
from gateway.record import Record, Writing
from gateway.source.markup import Element

GROUP_OF_CASES = "Group Submission"


def indicator_of(household: Record, *, alone: bool) -> str:
    """How cases are submitted, of which this is the first: one that stands `alone` is a single
    submission unless it says otherwise, several are a group for the official validator."""
    said = _extension(household).get(INDICATOR)
    return SINGLE if alone and said != GROUP_OF_CASES else GROUP_OF_CASES


def write_case(
    found: Together, position: int, indicator: str, numbering: Numbering, writing: Writing
) -> Element:
    """The element. Raises `SenderError` where the schema requires what no record says."""
    at = f"household {position}"
    parts = sent(found, at)
    case = _case(parts, numbering, at)
    made = _element(case, at)
    back = list(records_of(case_of(made, set()), numbering, indicator))
    _tell(parts.compared(back), writing)
    for record in parts.unsent:
        writing.unrendered.update(all_of(record))
    return made


def _extension(record: Record) -> Mapping[str, Any]:
    kept = record.get("extension")
    return kept if isinstance(kept, dict) else {}


def _case(one: Sent, numbering: Numbering, at: str) -> Case:
    household = one.household
    group = overlaid(
        referrals.write_group(household), _extension(household), GROUP, referrals.read_group
    )
    number = group.get(referrals.NUMBER)
    if not isinstance(number, str):
        raise missing(at, referrals.NUMBER)

    def read_referral(parts: Parts) -> object:
        return referrals.read_referral(parts, number, numbering, at)

    resettlement = overlaid(
        referrals.write_referral(one.referral, number, numbering),
        _extension(one.referral),
        RESETTLEMENT,
        read_referral,
    )
    people = [
        _individual(record, one, f"{at}, person {place}")
        for place, record in enumerate(one.people, 1)
    ]
    ids = [record["record_id"] for record in one.people]
    return Case(group, people, resettlement, ids.index(one.subject))


def _individual(record: Record, one: Sent, at: str) -> Individual:
    name = record["record_id"]
    plain = members.write(Seen(record, one.relation(name), one.needs(name)))
    number = plain.get(members.NUMBER)
    if not isinstance(number, str):
        raise missing(at, members.NUMBER)
    if NAMES.keys().isdisjoint(plain) and "name" not in record.get("absent", {}):
        raise missing(at, "FamilyName")
    parts = overlaid(plain, _extension(record), INDIVIDUAL, lambda more: members.read(more, at))
    guid = parts.get(members.GUID)
    return Individual(number, guid if isinstance(guid, str) else key_of(number), parts, at)


def _element(case: Case, at: str) -> Element:
    number = str(case.group[referrals.NUMBER])
    guid = str(case.group.get(referrals.GUID, key_of(number)))
    rows: dict[str, list[Row]] = {name: [] for name in TABLES}
    rows[GROUP] = [{referrals.GUID: guid, **_texts(case.group)}]
    about = {members.GUID: case.individuals[case.applicant].guid}
    rows[RESETTLEMENT] = [{**about, **_texts(case.resettlement)}]
    rows[REFERENCE] = [
        {**made_of(row, number, guid, place), **row}
        for place, row in enumerate(_list(case.resettlement, REFERENCE))
    ]
    for one in case.individuals:
        rows[INDIVIDUAL].append({members.GUID: one.guid, **_texts(one.parts)})
        joins = {members.GUID: one.guid, referrals.GUID: guid}
        for table in OF_A_PERSON:
            of_one = _list(one.parts, table) or ([{}] if table == MEMBERSHIP else [])
            for place, row in enumerate(of_one):
                own = {TABLES[table][0].name: row_key(one.guid, table, place)}
                rows[table].append({**own, **joins, **row})
    made = etree.Element(CASE)
    for table, of_table in rows.items():
        for row in of_table:
            made.append(_row(table, row, at))
    return made


def _row(table: str, row: Row, at: str) -> Element:
    made = etree.Element(table)
    for item in TABLES[table]:
        text = row.get(item.name)
        if text is None and item.needed:
            text = item.filler
            if text is None:
                raise missing(at, item.name)
        if text is not None:
            etree.SubElement(made, item.name).text = text or None
    return made


def _texts(parts: Parts) -> Row:
    return {name: text for name, text in parts.items() if isinstance(text, str)}


def _list(parts: Parts, table: str) -> list[Row]:
    rows = parts.get(table, [])
    return rows if isinstance(rows, list) else []


def _tell(pairs: list[tuple[Record, Record]], writing: Writing) -> None:
    renamed = {old["record_id"]: new["record_id"] for old, new in pairs}
    for old, new in pairs:
        kind = old["record_type"]
        same = {**_renamed(old, renamed), "record_id": old["record_id"]}
        lost = {
            name
            for field_name, value in same.items()
            for name in changed(kind, field_name, value, new.get(field_name, NOTHING))
        }
        if new.get("absent") != old.get("absent"):
            # What nobody says is written as unknown, which says more.
            lost.add(f"{kind}.absent")
        writing.unrendered |= lost
        for name in names_of(old):
            if name not in lost:
                writing.lineage.setdefault(name, PATHS[name])


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, dict):
        return {key: _renamed(part, names) for key, part in value.items()}
    return [_renamed(item, names) for item in value] if isinstance(value, list) else value
