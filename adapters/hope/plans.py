"""What HOPE's own fields mean: one mapping for each shape it has, all made of the same tables.

They are used where the caller has no mapping. A caller's mapping replaces them: it reads the
same paths, and the fields a country adds (`flex_fields/…`, `…_h_f`, `…_i_f`) besides.
"""

from adapters.hope.fields import (
    COLUMNS,
    DOCUMENTS,
    MECHANISMS,
    PLAN_STATES,
    ROLES,
    STATES,
    YES_NO,
    Fields,
    Name,
    coded,
    household,
    listed,
    members,
    numbered,
    person,
    situation,
)
from gateway.mapping import Plan, plan_of

AUTHORITY = "hope.invalid"
"""Whose numbering ids are where no mapping says it. `.invalid` never resolves (RFC 2606)."""


def _plan(name: str, *records: Fields, form: str = "hope") -> Plan:
    document = {
        "mapping": f"hope.{name}",
        "version": "1",
        "format": form,
        "authority": AUTHORITY,
        "records": list(records),
    }
    return plan_of(document, at=f"the adapter's own mapping {name}")


def _record(kind: str, fields: Fields, *ids: str, each: str = "") -> Fields:
    found: Fields = {"type": kind, "fields": fields}
    if ids:
        found["id"] = {"first": list(ids)}
    if each:
        found["each"] = each
    return found


def _documents(prefix: str) -> list[Fields]:
    return [
        numbered(
            f"{prefix}documents/{key}/document_number",
            kind,
            issuer=listed(f"{prefix}documents/{key}/country", "country.iso2"),
        )
        for key, kind in DOCUMENTS.items()
    ]


def _rdi() -> Plan:
    def inside(name: str) -> str:
        return f"members/{name}"

    top = {
        "group_identifier[]": [
            numbered("unhcr_id", "unhcr"),
            numbered("program_registration_id", "programme-registration"),
        ],
        **members("members", "members/relationship", "members/role"),
        **household(str, "country.iso2"),
    }
    one = {
        **person(inside, _documents("members/")),
        "email[]": ["members/email"],
        "language_code[]": ["members/preferred_language"],
        **situation(lambda name: f"../{name}", "country.iso2"),
    }
    ids = ("originating_id", "country_workspace_id", "position")
    return _plan("rdi", _record("household", top, *ids), _record("person", one, each="members"))


def _people() -> Plan:
    fields = {
        **person(
            str,
            [
                *_documents(""),
                numbered("identities/unhcr/number", "unhcr", issuer=_iso2("identities/unhcr")),
                numbered("identities/wfp/number", "scope", issuer=_iso2("identities/wfp")),
                numbered("hope_id", "hope"),
            ],
        ),
        "email[]": ["email"],
        "language_code[]": ["preferred_language"],
        **situation(str, "country.iso2"),
        "place.name": "village",
    }
    ids = (
        "originating_id", "country_workspace_id", "unicef_id", "id", "individual_id", "position",
    )  # fmt: skip
    return _plan("people", _record("person", fields, *ids))


def _iso2(path: str) -> Fields:
    return listed(f"{path}/country", "country.iso2")


def _references(path: str) -> Fields:
    return {"from": path, "as": "reference"}


def _households(name: str, each: str, member: str, collects: str, *ids: str) -> Plan:
    """Households whose members are known by their numbers only."""
    codes: dict[str, str] = {}
    names: Fields = {}
    if name == "households":
        # The API has names of places; of a country `ready` looks for the code.
        codes["country"] = "country_code"
        names = {f"place.admin{level}_name": f"admin{level}/name" for level in range(1, 5)}
    fields = {
        "group_identifier[]": [
            numbered("unhcr_id", "unhcr"),
            numbered("program_registration_id", "programme-registration"),
            numbered("hope_id", "hope"),
        ],
        "group_head": _references("head_of_household_id"),
        "member_list[]": {
            "each": each,
            "fields": {
                "member": _references(f"{each}/{member}"),
                "is_head": coded(f"{each}/is_head", YES_NO),
                "collector": coded(f"{each}/{collects}", ROLES),
            },
        },
        **household(lambda field: codes.get(field, field), "country.iso2"),
        **names,
    }
    return _plan(name, _record("household", fields, *ids))


def _payments() -> Plan:
    fields = {
        "beneficiary": _references("household_unicef_id"),
        "collector": _references("collector_id"),
        "payee_name": "snapshot_collector_full_name",
        "delivery_mechanism": coded(
            ["delivery_type", "delivery_mechanism", "delivery_mechanism/name"], MECHANISMS
        ),
        "benefit_value": {"from": "entitlement_quantity", "as": "decimal"},
        "delivered_value": {"from": "delivered_quantity", "as": "decimal"},
        "currency_code": "currency",
        "delivered_on": "delivery_date",
        "status": coded("status", STATES),
        "status_reason": "reason_for_unsuccessful_payment",
        "programme_identifier[]": ["program_code"],
        "programme_name": "program_name",
        "cycle": "payment_plan_cycle",
        "payment_reference": "transaction_reference_id",
        "delivery_place.admin2_name": "household_admin2",
        "deliverer.org_name": "fsp_name",
    }
    return _plan("payments", _record("assistance", fields, "unicef_id", "id"))


def _payment_plan() -> Plan:
    """A plan without its sums: they are of many people, and an assistance is of one."""
    fields = {
        "benefit_description": "name",
        "currency_code": "currency",
        "scheduled_date": "dispersion_start_date",
        "status": coded("status", PLAN_STATES),
        "source_status": "status",
        "programme_identifier[]": [{"from": ["program/code", "program_code"]}],
        "programme_name": {"from": ["program/name", "program"]},
        "cycle": "program_cycle/title",
        "deliverer.org_name": "financial_service_provider/name",
    }
    return _plan("payment-plan", _record("assistance", fields, "unicef_id", "id"))


def _columns(prefix: str) -> list[Fields]:
    return [
        numbered(
            f"{prefix}{key}_no_i_c",
            kind,
            issuer=listed(f"{prefix}{key}_issuer_i_c", "country.iso3"),
        )
        for key, kind in COLUMNS.items()
    ]


def _column(prefix: str, suffix: str) -> Name:
    def name(field: str) -> str:
        # Forms ask for `gender`, and the field is `sex` all the same.
        return f"{prefix}{'gender' if field == 'sex' else field}{suffix}"

    return name


def _workbook() -> Plan:
    own, inside = _column("", "_h_c"), _column("individuals/", "_i_c")
    top = {
        "group_identifier[]": [
            numbered("unhcr_id_h_c", "unhcr"),
            numbered("program_registration_id_h_c", "programme-registration"),
        ],
        **members("individuals", inside("relationship"), "individuals/role"),
        **household(own, "country.iso3"),
        "place.geo": {"from": "hh_geopoint_h_c", "as": "point", "order": "lat-lon"},
    }
    one = {
        **person(inside, _columns("individuals/")),
        "email[]": [{"from": ["individuals/email_i_c", "individuals/email"]}],
        "language_code[]": [
            {"from": ["individuals/preferred_language_i_c", "individuals/preferred_language"]}
        ],
        **situation(_column("../", "_h_c"), "country.iso3"),
    }
    return _plan(
        "workbook",
        _record("household", top, "household_id"),
        _record("person", one, each="individuals"),
        form="hope.xlsx",
    )


def _people_sheet() -> Plan:
    name = _column("pp_", "_i_c")
    fields = {
        **person(name, _columns("pp_")),
        "email[]": [{"from": ["pp_email_i_c", "pp_email"]}],
        "language_code[]": [{"from": ["pp_preferred_language_i_c", "pp_preferred_language"]}],
        **situation(name, "country.iso3"),
        "place.name": name("village"),
        "place.geo": {"from": "pp_hh_geopoint_i_c", "as": "point", "order": "lat-lon"},
        "address[]": [
            {
                "needs": "address_line_1",
                "fields": {"address_line_1": name("address"), "postal_code": name("zip_code")},
            }
        ],
    }
    return _plan("people-sheet", _record("person", fields, "pp_index_id"), form="hope.xlsx")


def _payment_list() -> Plan:
    fields = {
        "beneficiary": _references("household_id"),
        "collector": _references("collector_id"),
        "payee_name": "collector_name",
        "payee_fa": {"from": ["account_number", "bank_account_number", "wallet_number"]},
        "delivery_mechanism": coded(["payment_channel", "delivery_mechanism"], MECHANISMS),
        "benefit_value": {"from": "entitlement_quantity", "as": "decimal"},
        "delivered_value": {"from": "delivered_quantity", "as": "decimal"},
        "currency_code": "currency",
        "delivered_on": "delivery_date",
        "status": coded(["status", "outcome"], STATES),
        "status_reason": "reason_for_unsuccessful_payment",
        "payment_reference": "reference_id",
        "delivery_place.admin2_name": "admin_level_2",
        "delivery_place.name": "village",
        "deliverer.org_name": "fsp_name",
    }
    return _plan("payment-list", _record("assistance", fields, "payment_id"), form="hope.xlsx")


RDI = _rdi()
PEOPLE = _people()
HOUSEHOLDS = _households(
    "households", "roles_in_household", "individual/unicef_id", "role", "unicef_id", "id"
)
LAX = _households("lax", "members", "id", "collects", "originating_id", "position")
PAYMENTS = _payments()
PAYMENT_PLAN = _payment_plan()
WORKBOOK = _workbook()
PEOPLE_SHEET = _people_sheet()
PAYMENT_LIST = _payment_list()
