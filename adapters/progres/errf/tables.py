"""The tables of the form, in the order of its schema for proGres v4 (rrf-v4, version 4.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

Row = dict[str, str]
"""Element to its text. What says nothing (no text, `-` in a row of a list) is left out."""

Parts = dict[str, str | list[Row]]
"""What the form says of one subject: elements, and lists of rows under the names of tables."""


class Kind(Enum):
    """What may stand in an element."""

    TEXT = "text"
    CODE = "code"
    DATE = "date"
    """`xs:dateTime`, with or without a zone."""
    FLAG = "flag"
    """`xs:boolean`. One that must stand there and is not set says nothing: v3 has none of them."""
    COUNT = "count"
    """`xs:short`."""
    KEY = "key"
    """Names the row itself."""
    JOIN = "join"
    """Names the subject of the row, or its case."""


@dataclass(frozen=True, slots=True)
class Item:
    """One element."""

    name: str
    kind: Kind
    needed: bool
    """The schema of v4 requires it, or the official validator does, whatever its version."""

    @property
    def filler(self) -> str | None:
        """What stands there where nobody says anything. None: nothing can."""
        if self.kind in (Kind.DATE, Kind.COUNT):
            return None
        if self.kind is Kind.FLAG:
            return "0"
        return "" if self.kind is Kind.TEXT else UNKNOWN


UNKNOWN = "-"

INDIVIDUAL = "dataIndividual"
MEMBERSHIP = "dataIndividualProcessGroup"
GROUP = "dataProcessGroup"
REFERENCE = "dataProcessGroupCrossReference"
ADDRESS = "dataAddress"
ALIAS = "dataAlias"
RESETTLEMENT = "dataResettlement"
VULNERABILITY = "dataVulnerability"
DOCUMENT = "dataDocument"
CONTACT = "dataContact"
RELATION = "RelationshipToPrincipalRepresentative"

_KINDS = {"t": Kind.TEXT, "c": Kind.CODE, "d": Kind.DATE, "f": Kind.FLAG, "n": Kind.COUNT}


def _table(items: str) -> tuple[Item, ...]:
    """`Name:c!` for a code that is required. Keys and joins are always required."""
    found = []
    for item in items.split():
        name, _, how = item.partition(":")
        kind = Kind(how) if how in ("key", "join") else _KINDS[how[0]]
        found.append(Item(name, kind, how.endswith("!") or kind in (Kind.KEY, Kind.JOIN)))
    return tuple(found)


TABLES: Mapping[str, tuple[Item, ...]] = {
    INDIVIDUAL: _table(
        "IndividualGUID:key IndividualID:c! FamilyName:c! SecondFamilyName:t GivenName:c! "
        "MiddleName:t MaidenName:t RegistrationDate:d! DateofBirth:d DateofBirthEstimate:f! "
        "BirthCountryCode:c! BirthCityTownVillage:t OriginCountryCode:c! AsylumCountryCode:c! "
        "ArrivalDate:d SexCode:c! NationalityCode:c! MarriageStatusCode:c! ReligionCode:c! "
        "EthnicityCode:c! EducationLevelCode:c! MotherName:t FatherName:t"
    ),
    MEMBERSHIP: _table(
        "IndividualProcessingGroupGUID:key IndividualGUID:join ProcessingGroupGUID:join "
        f"{RELATION}:c!"
    ),
    GROUP: _table("ProcessingGroupGUID:key ProcessingGroupNumber:c! ProcessingGroupSize:n!"),
    REFERENCE: _table(
        "ProcessingGroupCrossReferenceGUID:key ProcessingGroupGUIDFrom:join "
        "ProcessingGroupNumberFrom:c! ProcessingGroupGUIDTo:join ProcessingGroupNumberTo:c!"
    ),
    ADDRESS: _table(
        "AddressGUID:key IndividualGUID:join AddressType:c! AddressCountry:c! AddressPostal:t "
        "LocationLevel1Description:t LocationLevel2Description:t LocationLevel3Description:t "
        "LocationLevel4Description:t LocationLevel5Description:t LocationLevel6:t"
    ),
    ALIAS: _table(
        "AliasGUID:key IndividualGUID:join IndividualAliasLastName:t! IndividualAliasFirstName:t"
    ),
    "dataEducation": _table(
        "EducationGUID:key IndividualGUID:join EducationLevelCode:c! DegreeTypeCode:c!"
    ),
    "dataEmployment": _table(
        "EmploymentGUID:key IndividualGUID:join EmploymentTypeCode:c! OccupationCode:c! "
        "OccupationText:t!"
    ),
    "dataIndividualRelatives": _table(
        "IndividualRelativesGUID:key IndividualGUID:join FamilyName:c! SecondFamilyName:t "
        "GivenName:c! MiddleName:t MaidenName:t RelationshipCode:c! DateofBirth:d "
        "DateofBirthEstimateFlag:f BirthCountryCode:c! BirthCityTownVillage:t "
        "ResidenceCountryCode:c! SexCode:c! NationalityCode:c! Deceased:f! DeceasedDate:d "
        "MarriageStatusCode:c!"
    ),
    "dataLanguage": _table(
        "LanguageGUID:key IndividualGUID:join LanguageCode:c! LanguageReadCode:c! "
        "LanguageWriteCode:c! LanguageSpeakCode:c! LanguageUnderstandCode:c!"
    ),
    RESETTLEMENT: _table(
        "IndividualGUID:join ResettlementCriteriaCode:c! ResettlementCriteria2Code:c! "
        "ResettlementPriorityCode:c!"
    ),
    VULNERABILITY: _table("VulnerabilityGUID:key IndividualGUID:join VulnerabilityCode:c!"),
}
"""Photographs are not among them: no picture of a person is carried."""

ONLY_READ: Mapping[str, tuple[Item, ...]] = {
    INDIVIDUAL: _table(f"ConcatenatedName:t {RELATION}:c"),
    DOCUMENT: _table("DocumentNumber:t"),
    CONTACT: _table(
        "ContactDetailsGUID:t PhoneNumber:t PhoneNumberCountry:t PhoneType:t Email:t StillInUse:f "
        "StartDate:t EndDate:t"
    ),
}
"""Of v3, and the contacts of 4.2.7 and 4.2.8, which write their days in two ways."""
OLD: Mapping[str, str] = {"ResettlementCriteriaCode2": "ResettlementCriteria2Code"}
"""Names of v3."""

ONCE = (GROUP, RESETTLEMENT)
OF_THE_CASE = (GROUP, REFERENCE, RESETTLEMENT)
OF_A_PERSON = tuple(name for name in TABLES if name not in (INDIVIDUAL, *OF_THE_CASE))
"""Lists that belong to one individual each."""

READ: Mapping[str, Mapping[str, Item]] = {
    name: {item.name: item for item in (*TABLES.get(name, ()), *ONLY_READ.get(name, ()))}
    for name in (*TABLES, DOCUMENT, CONTACT)
}
"""Everything that is read, whatever the version."""
