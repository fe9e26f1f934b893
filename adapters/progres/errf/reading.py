"""A case of the form to records: the household, a person for each individual, and the referral.

Specific needs of members other than the referral's subject are cases of their own, parts of it.
"""

from collections.abc import Iterator
from typing import Any

from adapters.progres.errf import codes, members, referrals
from adapters.progres.errf.envelope import Case, broken
from adapters.progres.errf.kept import leftover
from adapters.progres.errf.members import Seen
from adapters.progres.errf.referrals import Numbering
from adapters.progres.errf.tables import GROUP, INDIVIDUAL, RESETTLEMENT
from gateway.record import Record

INDICATOR = "GroupIndividualIndicator"
SINGLE = "Single Submission"


def records_of(case: Case, numbering: Numbering, indicator: str) -> Iterator[Record]:
    """Every record of a case. `indicator`: one person at a time, or a group."""
    number = str(case.group[referrals.NUMBER])
    seen = [members.read(one.parts, one.place) for one in case.individuals]
    ids = [numbering.person(one.number, one.place) for one in case.individuals]
    yield _household(
        case, numbering.household(number), list(zip(ids, seen, strict=True)), indicator
    )
    for one, individual, record_id in zip(seen, case.individuals, ids, strict=True):
        kept = leftover(individual.parts, members.write(one), INDIVIDUAL)
        yield _record("person", record_id, one.person, kept)
    yield _referral(case, number, numbering, (ids[case.applicant], seen[case.applicant].needs))
    for position, one in enumerate(seen):
        if one.needs and position != case.applicant:
            fields = {
                "case_type": "case",
                "subject": ids[position],
                "related_cases": [{"relation": "part_of", "related": numbering.referral(number)}],
                "specific_needs": one.needs,
            }
            part = numbering.part(number, case.individuals[position].number)
            yield _record("case", part, fields, {})


def _household(
    case: Case, record_id: str, people: list[tuple[str, Seen]], indicator: str
) -> Record:
    heads = [person for person, one in people if one.relation == codes.HEAD]
    if len(heads) > 1:
        raise broken("two principal applicants", "applicant", "", referrals.NUMBER)
    household = referrals.read_group(case.group)
    if heads:
        household["group_head"] = heads[0]
    household["member_list"] = [_member(*one) for one in people]
    kept = leftover(case.group, referrals.write_group(household), GROUP)
    if indicator != SINGLE:
        kept[INDICATOR] = indicator
    return _record("household", record_id, household, kept)


def _member(person: str, one: Seen) -> dict[str, Any]:
    member: dict[str, Any] = {"member": person}
    if one.relation:
        member["relationship_head"] = one.relation
    if one.relation == codes.HEAD:
        member["is_head"] = True
    return member


def _referral(
    case: Case, number: str, numbering: Numbering, subject: tuple[str, list[str]]
) -> Record:
    fields: dict[str, Any] = {"case_type": "referral", "subject": subject[0]}
    said = referrals.read_referral(case.resettlement, number, numbering, "")
    kept = leftover(
        case.resettlement, referrals.write_referral(said, number, numbering), RESETTLEMENT
    )
    if subject[1]:
        fields["specific_needs"] = subject[1]
    return _record("case", numbering.referral(number), {**fields, **said}, kept)


def _record(
    record_type: str, record_id: str, fields: dict[str, Any], kept: dict[str, Any]
) -> Record:
    record: Record = {"record_type": record_type, "record_id": record_id, **fields}
    return {**record, "extension": kept} if kept else record
