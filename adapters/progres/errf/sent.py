"""Which record becomes which part of a case of the form."""

from dataclasses import dataclass, field

from adapters.progres.errf import codes
from adapters.progres.errf.tables import INDIVIDUAL, RESETTLEMENT
from adapters.progres.errf.together import Together, members_of
from gateway.errors import SenderError
from gateway.record import Record


@dataclass(slots=True)
class Sent:
    """The records of a household, each in its part."""

    household: Record = field(repr=False)
    people: list[Record] = field(repr=False)
    referral: Record = field(repr=False)
    head: str = field(repr=False)
    """Id of the principal applicant."""
    subject: str = field(repr=False)
    """Id of whom the resettlement data is about."""
    parts: dict[str, Record] = field(default_factory=dict, repr=False)
    """Cases about specific needs of the others, by their subject."""
    relations: dict[str, str] = field(default_factory=dict, repr=False)
    """What members are to the principal applicant."""
    unsent: list[Record] = field(default_factory=list, repr=False)

    def needs(self, person: str) -> list[str]:
        """Specific needs of one of the people."""
        one = self.referral if person == self.subject else self.parts.get(person, {})
        needs: list[str] = one.get("specific_needs", [])
        return needs

    def relation(self, person: str) -> str | None:
        """What one of the people is to the principal applicant."""
        if person == self.head:
            return codes.HEAD
        return self.relations.get(person)

    def compared(self, back: list[Record]) -> list[tuple[Record, Record]]:
        """Every record that was written, and what was read again of it."""
        count = len(self.people)
        people = list(zip(self.people, back[1 : count + 1], strict=True))
        again = {record["subject"]: record for record in back[count + 2 :]}
        parts = [
            (self.parts[old["record_id"]], again[new["record_id"]])
            for old, new in people
            if old["record_id"] in self.parts
        ]
        return [(self.household, back[0]), *people, (self.referral, back[count + 1]), *parts]


def sent(found: Together, at: str) -> Sent:
    """Raises `SenderError` where there is nobody, or not exactly one referral and applicant."""
    listed = dict.fromkeys(members_of(found.household))
    people = [found.persons[one] for one in listed if one in found.persons]
    if not people:
        raise missing(at, INDIVIDUAL)
    parts = [one for one in found.cases if _is_part(one)]
    others = [one for one in found.cases if not _is_part(one)]
    referrals = [one for one in others if one.get("case_type", "referral") == "referral"]
    if not referrals:
        raise missing(at, RESETTLEMENT)
    if len(referrals) > 1:
        raise SenderError("two referrals of one household", rule="errf.two_referrals", at=at)
    referral = referrals[0]
    ids = [one["record_id"] for one in people]
    head = _head(found.household, ids, at)
    subject = next((one for one in ids if one == referral.get("subject")), head)
    made = Sent(found.household, people, referral, head, subject, relations=_relations(found))
    made.unsent = [one for one in others if one is not referral]
    made.unsent += [one for name, one in found.persons.items() if name not in listed]
    for part in parts:
        about = part.get("subject", "")
        free = (
            about in listed
            and about in found.persons
            and about != subject
            and about not in made.parts
        )
        if free and part.get("specific_needs"):
            made.parts[about] = part
        else:
            made.unsent.append(part)
    return made


def missing(at: str, name: str) -> SenderError:
    """What no record says."""
    return SenderError(
        "the form requires an element for which no record has a value",
        rule="errf.required",
        at=f"{at}, {name}",
    )


def _relations(found: Together) -> dict[str, str]:
    relations: dict[str, str] = {}
    for one in found.household["member_list"]:
        relation = one.get("relationship_head", codes.HEAD)
        if "member" in one and relation != codes.HEAD:
            relations.setdefault(one["member"], relation)
    return relations


def _head(household: Record, ids: list[str], at: str) -> str:
    heads = {household.get("group_head")} - {None} or {
        one.get("member")
        for one in household.get("member_list", ())
        if one.get("is_head") or one.get("relationship_head") == codes.HEAD
    }
    here = [one for one in ids if one in heads]
    if len(here) != 1 or len(heads) != 1:
        raise SenderError("not one principal applicant", rule="errf.applicant", at=at)
    return here[0]


def _is_part(case: Record) -> bool:
    return any(one.get("relation") == "part_of" for one in case.get("related_cases", ()))
