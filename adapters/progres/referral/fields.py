"""The fields of each shape, by the vendor's own names, misspelt ones as they are.

`group/part` is a part of an entity reference: `individuals.progres_registrationgroupid/Name`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.progres.referral.places import OTHER_SERVICE, Place, kept, place
from adapters.progres.referral.values import (
    BORN,
    BORN_AT,
    BORN_ON,
    BORN_ON_AT,
    CODE,
    DIGITS,
    GUID,
    INDIVIDUAL,
    MOMENT,
    NO_GUID,
    NOTES,
    NUMBER,
    SEX,
    SEX_WORD,
    TEXT,
    Kind,
    option,
)

INDIVIDUAL_NO = "unhcr_individual_no"
GROUP_NO = "unhcr_id_no"
INTERVENTION_NO = "progres_interventionnumber"
INTERVENTION_ID = "progres_lpinterventionid"
PARTNER_CASE = "case_id"
REFERRAL_NO = "progres_interoperabilityreferralnumber"
ORG_REFERRAL = "progres_orgreferralid"
DECISION = "progres_reviewdecision"
REASON = "progres_interoperabiltyreferralrejectionreason"
COMMENTS = (
    "progres_interoperabilityreferralrejectionomment",
    "progres_interoperabilityreferralrejectioncomment",
)
"""The first is the field's real name; the second stands in older messages."""


@dataclass(frozen=True, slots=True)
class Item:
    """One field."""

    sources: tuple[str, ...]
    """Its names. The first is written."""
    place: Place
    kind: Kind


def _item(sources: str, path: str, kind: Kind = TEXT) -> Item:
    return Item(tuple(sources.split()), place(path), kind)


def _kept(record: str, *sources: str, kind: Kind = TEXT) -> tuple[Item, ...]:
    return tuple(Item((source,), kept(record, source), kind) for source in sources)


def _known(kind: str, number: str, record: str) -> str:
    return f"{record}.identifier[identifier_type={kind}].identifier_{number}"


def _number(source: str, kind: str, record: str = "case", as_: Kind = TEXT) -> Item:
    return _item(source, _known(kind, "value", record), as_)


_LEVEL = "individuals.progres_coalocationlevel"
PERSON_ROW = (
    _number("individuals.progres_id progres_individual/Name", INDIVIDUAL_NO, "person", INDIVIDUAL),
    _number("individuals.progres_id progres_individual/Name", INDIVIDUAL_NO, "case", INDIVIDUAL),
    _number("individuals.progres_registrationgroupid/Name", GROUP_NO, "person"),
    *_kept("person", "individuals.progres_registrationgroupid/Id", "progres_individual/Id"),
    _item("individuals.progres_givenname", "person.name.given_name"),
    _item("individuals.progres_middlename", "person.name.second_name"),
    _item("individuals.progres_familyname", "person.name.surname"),
    _item("individuals.progres_commonyusedname", "person.name.alternate_names[0]"),
    _item("individuals.progres_dateofbirth", "person.birth_date", BORN),
    *_kept("person", "individuals.progres_dateofbirth", kind=BORN_AT),
    _item("individuals.progres_sex", "person.sex", SEX),
    _item("individuals.progres_primaryphonenumber", "person.phone_number[0]"),
    *_kept("person", "individuals.progres_primaryphonenumber", kind=DIGITS),
    *(
        _item(f"{_LEVEL}{number}/Name", f"person.place.admin{number}_name")
        for number in range(1, 5)
    ),
    _item(f"{_LEVEL}5/Name", "person.address[0].address_line_1"),
    _item(f"{_LEVEL}6", "person.address[0].address_line_2"),
    *_kept("person", *(f"{_LEVEL}{n}/Id" for n in range(1, 6))),
)
"""Levels 1 to 4 of the country of asylum are names of places; 5 and 6 are written as addresses."""

_TYPE = "progres_interventiontype2"
_SUBTYPE = "progres_interventionsubtype2"
CASE_ROW = (
    _number(INTERVENTION_NO, INTERVENTION_NO, as_=NUMBER),
    _number(INTERVENTION_ID, INTERVENTION_ID, as_=GUID),
    _number("progres_primeroid", PARTNER_CASE),
    _item("progres_interventionstartdate", "case.authored_on", MOMENT),
    _item(f"{_TYPE} {_TYPE}/Id", f"case.service_type[system={_TYPE}].code", GUID),
    _item(
        f"interventiontype.progres_description {_TYPE}/Name",
        f"case.service_type[system={_TYPE}].display",
    ),
    _item(f"{_SUBTYPE} {_SUBTYPE}/Id", f"case.service_type[system={_SUBTYPE}].code", GUID),
    _item(
        f"interventionsubtype.progres_description {_SUBTYPE}/Name",
        f"case.service_type[system={_SUBTYPE}].display",
    ),
    _item("user.progres_partner/Name", "case.requester.org_name"),
    _item("user.progres_partner/Id", "case.requester.org_id"),
    _item("user.title", "case.requester_contact.role"),
    _item("user.internalemailaddress", "case.requester_contact.email"),
    _item("user.mobilephone", "case.requester_contact.phone"),
    _item("progres_interventionserviceprovider", "case.performer[+org_id].org_id"),
    _item("progres_interventionbyother", "case.performer[+org_name].org_name"),
    _item("progres_interventiondescription", "case.note", NOTES),
    *_kept("case", "progres_businessowner", "progres_businessunit"),
)

PRIORITY = "childprotection.progres_priority"
LANGUAGE = "languages."
LANGUAGE_NAME = "languages.progres_languagecodeid/Name"
LANGUAGE_ROW = (
    LANGUAGE_NAME,
    "languages.progres_languagecodeid/Id",
    "languages.progres_readlevel",
    "languages.progres_writelevel",
    "languages.progres_speaklevel",
    "languages.progres_comprehensionlevel",
    "languages.progres_mothertongue",
)
NEED_CODES = ("spnsubcategory2code", "spncategory2code")
NEEDS = ("specificneeds.progres_spnsubcategory2", "specificneeds.progres_spncategory2")
"""The finer one first."""
NEED_ROW = (*NEED_CODES, *(f"{need}/{part}" for need in NEEDS for part in ("Name", "Id")))
REASON_FOR_REFERRAL = "progres_reasonforreferral"
STORE = "progres_comments_nonrestrictedstore"

LOGICAL: Mapping[str, str] = {
    "individuals.progres_registrationgroupid": "progres_registrationgroup",
    "progres_individual": "progres_individual",
    "user.progres_partner": "progres_partner",
    "languages.progres_languagecodeid": "progres_languagecode",
    NEEDS[0]: "progres_specificneeddetailscode",
    NEEDS[1]: "progres_specificneedcode",
    **{f"{_LEVEL}{n}": "progres_locationlevel" for n in range(1, 6)},
}
"""Fields that are entity references, and the entity each refers to."""

DECIDED = option({"125080000": "accepted", "125080001": "rejected", "accepted": "accepted",
                  "rejected": "rejected"})  # fmt: skip
_DECIDED_TYPE = "progres_interventiontype"
_ROUTE = "progres_interoperabilityreferralroute"
DECISION_ROW = (
    _number(REFERRAL_NO, REFERRAL_NO, as_=NUMBER),
    _number("progres_interoperabilityreferralid", "progres_interoperabilityreferralid"),
    _number("progres_individualid", "progres_individualid"),
    _item(DECISION, "case.status", DECIDED),
    _item("progres_reviewdate", "case.modified_on", MOMENT),
    _item(_DECIDED_TYPE, f"case.service_type[system={_DECIDED_TYPE}].code", GUID),
    _item(_DECIDED_TYPE, "case.service_type[+display].display", NO_GUID),
    *_kept("case", f"{_ROUTE}to", f"{_ROUTE}serviceunito", "progres_reviewby"),
)

NOTICE_STATUS: Mapping[str, str] = {
    "acknowledged": "accepted",
    "rejected": "rejected",
    "Pending Acknowledgement": "received",
    "Delivery Fail": "failed",
}
NOTICE = (
    _number(INTERVENTION_NO, INTERVENTION_NO, as_=NUMBER),
    _number(PARTNER_CASE, PARTNER_CASE),
    _item("primero_user", "case.performer_contact.name"),
    _item("status", "case.status", option(NOTICE_STATUS)),
    _item("closure_reason reason", "case.status_reason"),
)

CONCERNS = "protection_concerns"
INCOMING = (
    _item("service_implementing_agency", "case.performer[+org_name].org_name"),
    _item("service_response_day_time", "case.authored_on", MOMENT),
    _item("service_type", "case.service_type[+display].display"),
    _item("service_type_other", f"case.service_type[system={OTHER_SERVICE}].display"),
    _item("service_referral_notes", "case.note", NOTES),
    _item("owned_by_agency_id", "case.requester.org_name"),
    _item("full_name", "case.requester_contact.name"),
    _item("position", "case.requester_contact.role"),
    _item("email", "case.requester_contact.email"),
    _item("phone", "case.requester_contact.phone"),
    *_kept("case", "primero_user"),
    _item("protection_concerns_other", "case.reason[+display].display"),
    _item("risk_level", "case.risk_level", CODE),
    _number(INDIVIDUAL_NO, INDIVIDUAL_NO, "person", INDIVIDUAL),
    _number(INDIVIDUAL_NO, INDIVIDUAL_NO, "case", INDIVIDUAL),
    _number(GROUP_NO, GROUP_NO, "person"),
    _item("name_first", "person.name.given_name"),
    _item("name_middle", "person.name.second_name"),
    _item("name_last", "person.name.surname"),
    _item("name_nickname", "person.name.alternate_names[0]"),
    _item("date_of_birth", "person.birth_date", BORN_ON),
    *_kept("person", "date_of_birth", kind=BORN_ON_AT),
    _item("sex", "person.sex", SEX_WORD),
    _item("address_current", "person.address[0].address_line_1"),
    _item("telephone_current", "person.phone_number[0]"),
    *_kept("person", "telephone_current", kind=DIGITS),
)
