"""Where in the form each canonical leaf stands."""

from collections.abc import Mapping

from adapters.leaf_names import leaf_names
from gateway.record import Record

_PERSON = "CASE/dataIndividual"
_ADDRESS = "CASE/dataAddress"
_MEMBER = "CASE/dataIndividualProcessGroup"
_GROUP = "CASE/dataProcessGroup"
_CASE = "CASE/dataResettlement"

PATHS: Mapping[str, str] = {
    "household.record_type": "CASE",
    "household.record_id": f"{_GROUP}/ProcessingGroupNumber",
    "household.group_identifier[].identifier_type": _GROUP,
    "household.group_identifier[].identifier_value": f"{_GROUP}/ProcessingGroupNumber",
    "household.group_size": f"{_GROUP}/ProcessingGroupSize",
    "household.group_head": f"{_MEMBER}/IndividualGUID",
    "household.member_list[].member": f"{_MEMBER}/IndividualGUID",
    "household.member_list[].relationship_head": f"{_MEMBER}/RelationshipToPrincipalRepresentative",
    "household.member_list[].is_head": f"{_MEMBER}/RelationshipToPrincipalRepresentative",
    "household.extension": "CASE",
    "person.record_type": _PERSON,
    "person.record_id": f"{_PERSON}/IndividualID",
    "person.identifier[].identifier_type": _PERSON,
    "person.identifier[].identifier_value": f"{_PERSON}/IndividualID",
    "person.name.full_name": f"{_PERSON}/ConcatenatedName",
    "person.name.surname": f"{_PERSON}/FamilyName",
    "person.name.given_name": f"{_PERSON}/GivenName",
    "person.name.second_name": f"{_PERSON}/MiddleName",
    "person.name.maiden_name": f"{_PERSON}/MaidenName",
    "person.name.alternate_names[]": "CASE/dataAlias/IndividualAliasLastName",
    "person.sex": f"{_PERSON}/SexCode",
    "person.birth_date": f"{_PERSON}/DateofBirth",
    "person.birth_date_estimated": f"{_PERSON}/DateofBirthEstimate",
    "person.registration_date": f"{_PERSON}/RegistrationDate",
    "person.marital_status": f"{_PERSON}/MarriageStatusCode",
    "person.nationality[]": f"{_PERSON}/NationalityCode",
    "person.displacement_status": f"{_PERSON}/NationalityCode",
    "person.religion": f"{_PERSON}/ReligionCode",
    "person.ethnicity": f"{_PERSON}/EthnicityCode",
    "person.phone_number[]": f"{_ADDRESS}/LocationLevel6",
    "person.email[]": f"{_ADDRESS}/LocationLevel6",
    "person.place.location_code": f"{_ADDRESS}/AddressCountry",
    "person.place.admin1_name": f"{_ADDRESS}/LocationLevel1Description",
    "person.place.admin2_name": f"{_ADDRESS}/LocationLevel2Description",
    "person.place.admin3_name": f"{_ADDRESS}/LocationLevel3Description",
    "person.place.admin4_name": f"{_ADDRESS}/LocationLevel4Description",
    "person.place.name": f"{_ADDRESS}/LocationLevel5Description",
    "person.address[].locality": f"{_ADDRESS}/LocationLevel5Description",
    "person.address[].address_line_1": f"{_ADDRESS}/LocationLevel6",
    "person.address[].postal_code": f"{_ADDRESS}/AddressPostal",
    "person.address[].country_code": f"{_ADDRESS}/AddressCountry",
    "person.absent": _PERSON,
    "person.extension": "CASE",
    "case.record_type": _CASE,
    "case.record_id": f"{_GROUP}/ProcessingGroupNumber",
    "case.case_type": _CASE,
    "case.subject": f"{_CASE}/IndividualGUID",
    "case.reason[].system": _CASE,
    "case.reason[].code": f"{_CASE}/ResettlementCriteriaCode",
    "case.priority": f"{_CASE}/ResettlementPriorityCode",
    "case.specific_needs[]": "CASE/dataVulnerability/VulnerabilityCode",
    "case.related_cases[].relation": _CASE,
    "case.related_cases[].related": "CASE/dataProcessGroupCrossReference/ProcessingGroupNumberTo",
    "case.absent": f"{_CASE}/ResettlementPriorityCode",
    "case.extension": "CASE",
}
"""Of v4. In v3 a relation stands with the individual, and joins are by number."""


def names_of(record: Record) -> list[str]:
    """Every leaf a record has, in order."""
    names = (
        name
        for field, value in record.items()
        for name in leaf_names(record["record_type"], field, value)
    )
    return list(dict.fromkeys(names))


def all_of(record: Record) -> list[str]:
    """Every leaf of a record that is not carried."""
    return [name for name in names_of(record) if not name.endswith(".record_type")]
