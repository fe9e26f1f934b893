"""SPDCI's fields by object: canonical field, its name in the vocabulary, other names in use."""

from dataclasses import dataclass

from adapters.spdci import values
from adapters.spdci.values import Kind


@dataclass(frozen=True, slots=True)
class Item:
    """One field."""

    field: str
    """Of the canonical object; in `BENEFIT` and the like, of the record."""
    names: tuple[str, ...]
    """The first is written. The others are read."""
    kind: Kind

    @property
    def leaf(self) -> str:
        """As lineage names it."""
        return f"{self.field}[]" if self.kind.many else self.field


NAME = (
    Item("surname", ("surname", "sur_name", "last_name", "family_name"), values.TEXT),
    Item("given_name", ("given_name", "first_name"), values.TEXT),
    Item("second_name", ("second_name", "middle_name"), values.TEXT),
    Item("maiden_name", ("maiden_name",), values.TEXT),
    Item("prefix", ("prefix",), values.TEXT),
    Item("suffix", ("suffix",), values.TEXT),
)

IDENTIFIER = (
    Item("identifier_type", ("identifier_type", "type"), values.TEXT),
    Item("identifier_value", ("identifier_value", "value"), values.TEXT),
)

ADDRESS = (
    Item("address_line_1", ("address_line_1", "address_line1", "street_address"), values.TEXT),
    Item("address_line_2", ("address_line_2", "address_line2"), values.TEXT),
    Item("locality", ("locality", "city"), values.TEXT),
    Item("sub_region_code", ("sub_region_code",), values.CODE),
    Item("region_code", ("region_code",), values.CODE),
    Item("postal_code", ("postal_code",), values.TEXT),
    Item("country_code", ("country_code",), values.COUNTRY),
)

PERSON = (
    Item("sex", ("sex", "gender"), values.SEXES),
    Item("birth_date", ("birth_date", "date_of_birth"), values.DATE),
    Item("death_date", ("death_date", "date_of_death"), values.DATE),
    Item("phone_number", ("phone_number",), values.TEXTS),
    Item("email", ("email",), values.TEXTS),
    Item("nationality", ("nationality",), values.NATIONS),
    Item("ethnicity", ("ethnicity",), values.ONLY),
)
MEMBER = (
    Item("is_disabled", ("is_disabled",), values.FLAG),
    Item("marital_status", ("marital_status",), values.MARRIED),
    Item("language_code", ("language_code",), values.LANGUAGES),
)
DIFFICULTY = Item("disability_info", ("disability_info",), values.DIFFICULTIES)
"""Written. What is read are objects with the two names below, or such lists in the person."""
LIMITATIONS = ("disability_limitation_type", "functional_limitation_type")
SEVERITY = "functional_severity"

GROUP = (
    Item("group_type", ("group_type",), values.UNITS),
    Item("poverty_score", ("poverty_score",), values.SCORE),
    Item("poverty_score_type", ("poverty_score_type",), values.CODE),
    Item("group_size", ("group_size",), values.COUNT),
)
DATES = (
    Item("registration_date", ("registration_date", "sregistration_date"), values.DATE),
    Item("source_date", ("last_updated", "last_update"), values.INSTANT),
)
"""Of persons, members and groups. `source_date` stands in the record's `source`."""

ENROLLMENT = (
    Item("enrollment_date", ("enrollment_date", "enrolment_date"), values.MOMENT),
    Item("enrollment_status", ("enrollment_status", "enrolment_status"), values.STATES),
    Item("status_change_dates", ("status_change_date",), values.MOMENTS),
)
PROGRAMME = (
    Item("programme_identifier", ("programme_identifier",), values.TEXT),
    Item("programme_name", ("programme_name",), values.TEXT),
)
BENEFIT = (
    Item("benefit_type", ("benefit_type",), values.TYPES),
    Item("benefit_date", ("benefit_date",), values.MOMENT),
    Item("benefit_description", ("benefit_description",), values.TEXT),
    Item("benefit_quantity", ("benefit_quantity",), values.QUANTITY),
)
"""`benefit_value` holds two fields: the value and its currency."""
PAYROLL = (
    Item("delivered_on", ("payment_credit_date",), values.MOMENT),
    Item("status", ("payment_status",), values.PAID),
)
"""`payroll_amount` and `payment_credit_amount` hold two fields each. Read, never written: the
vocabulary of beneficiaries has no payroll."""

UNIT = Item("assistance_unit", ("assistance_unit", "benefiting_entity"), values.UNITS)

PROGRAMMES = ("programme_identifier", "programme", "programmes")
ENROLLED = ("programs_enrollments", "programs_enrolments")
BENEFITS = ("benefits", "benefit")
PERSONAL = ("demographic_info", "person")
FARMER = ("farmer_personal_details", "famer_personal_details")
PLACE = ("geographical_location", "place")
