"""CommCare cases and forms for tests, and a mapping for each."""

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.commcare import CommCare
from gateway.adapter import read
from gateway.errors import SenderError
from gateway.mapping import Plan, plan_of, read_mapping
from gateway.record import Parsed

SAMPLES = Path(__file__).resolve().parent.parent / "adapters/commcare/samples"
CASE_NS = "http://commcarehq.org/case/transaction/v2"
CANARY = "CanaryAmina"

PERSON: dict[str, Any] = {
    "mapping": "people",
    "version": "1",
    "format": "commcare",
    "authority": "hq.example",
    "records": [
        {
            "type": "person",
            "id": {"first": ["case_id"]},
            "fields": {
                "name.full_name": "properties/case_name",
                "birth_date": {"from": "properties/dob", "as": "partial_date"},
                "ethnicity": "properties/owner_id",
                "religion": "indices/parent/relationship",
                "registration_date": {"from": "properties/date_opened", "as": "written_date"},
                "source.source_date": {"from": "date_modified", "as": "instant"},
                "source.source_name": "domain",
                "source.source_url": "indices/parent/record_id",
                "source.author_name": "indices/parent/case_type",
                "identifier[]": [
                    {
                        "needs": "identifier_value",
                        "fields": {
                            "identifier_type": {"constant": "code"},
                            "identifier_value": "properties/external_id",
                        },
                    }
                ],
            },
        }
    ],
}

FORM: dict[str, Any] = {
    **PERSON,
    "mapping": "visits",
    "records": [
        {
            "type": "household",
            "id": {"first": ["id", "form/meta/instanceID"]},
            "fields": {
                "group_size": {"from": "form/size", "as": "integer"},
                "place.name": "form/place/village",
                "registration_date": {"from": "form/day", "as": "date"},
                "source.source_url": "form/@xmlns",
                "source.source_date": {"from": "form/meta/timeEnd", "as": "instant"},
                "place.geo": {"from": "form/meta/location", "as": "point", "order": "lat-lon"},
                "member_list[]": {
                    "each": "form/people/one",
                    "fields": {"member": {"member": "person"}},
                },
            },
        },
        {
            "type": "person",
            "each": "form/people/one",
            "fields": {"name.full_name": "form/people/one/who/name"},
        },
    ],
}


def person(**changes: Any) -> Plan:
    """Cases as persons. `fields` and `id` change the record."""
    return plan_of({**PERSON, "records": [{**PERSON["records"][0], **changes}]}, at="people")


def form() -> Plan:
    return plan_of(FORM, at="visits")


def blocks(each: str = "case") -> Plan:
    """A form whose case blocks are persons."""
    root, item = FORM["records"]
    fields = {"member_list[]": {"each": each, "fields": {"member": {"member": "person"}}}}
    names = {
        "name.full_name": "case/properties/case_name",
        "source.source_url": "case/@place",
        "identifier[]": [
            {
                "needs": "identifier_value",
                "fields": {
                    "identifier_type": {"constant": "case"},
                    "identifier_value": "case/case_id",
                },
            }
        ],
    }
    records = [{**root, "fields": fields}, {**item, "each": each, "fields": names}]
    return plan_of({**FORM, "records": records}, at="blocks")


def families() -> Plan:
    return read_mapping(SAMPLES / "mapping.yaml")


V1: dict[str, Any] = {
    "case_id": "c1",
    "domain": "amal",
    "closed": False,
    "date_modified": "2026-01-02T03:04:05.000000Z",
    "server_date_modified": "2026-01-02T03:05:00.000000Z",
    "indices": {"parent": {"case_id": "h1", "case_type": "household", "relationship": "child"}},
    "properties": {
        "case_name": "Amina",
        "case_type": "member",
        "owner_id": "o1",
        "external_id": "E1",
        "date_opened": "2026-01-01T00:00:00Z",
        "dob": "1990-05",
    },
}
V2: dict[str, Any] = {
    "case_id": "c1",
    "domain": "amal",
    "closed": False,
    "case_name": "Amina",
    "case_type": "member",
    "owner_id": "o1",
    "external_id": "E1",
    "date_opened": "2026-01-01T00:00:00Z",
    "last_modified": "2026-01-02T03:04:05.000000Z",
    "server_last_modified": "2026-01-02T03:05:00.000000Z",
    "indices": V1["indices"],
    "properties": {"dob": "1990-05"},
}
BLOCK: dict[str, Any] = {
    "@case_id": "c1",
    "@date_modified": "2026-01-02T03:04:05.000000Z",
    "@user_id": "u1",
    "@xmlns": CASE_NS,
    "create": {"case_name": "Amina", "owner_id": "-", "case_type": "member"},
    "update": {"owner_id": "o1", "external_id": "E1", "dob": "1990-05"},
    "index": {"parent": {"@case_type": "household", "#text": "h1"}},
}
BLOCK_XML = f"""<case xmlns="{CASE_NS}" case_id="c1"
  date_modified="2026-01-02T03:04:05.000000Z" user_id="u1">
  <create><case_name>Amina</case_name><owner_id>-</owner_id><case_type>member</case_type></create>
  <update><owner_id>o1</owner_id><external_id>E1</external_id><dob>1990-05</dob></update>
  <index><parent case_type="household">h1</parent></index>
</case>""".encode()


def json_form(**answers: Any) -> bytes:
    """One form as API v1 gives it."""
    inner = {"@xmlns": "http://openrosa.org/formdesigner/A1", "meta": {"instanceID": "f1"}}
    return json.dumps({"id": "f1", "domain": "amal", "form": {**inner, **answers}}).encode()


def xml_form(answers: str) -> bytes:
    """One form as a phone submits it."""
    return (
        '<?xml version="1.0"?>\n<data xmlns="http://openrosa.org/formdesigner/A1" version="3">'
        f"{answers}"
        '<m:meta xmlns:m="http://openrosa.org/jr/xforms"><m:instanceID>f1</m:instanceID></m:meta>'
        "</data>"
    ).encode()


def dumps(value: Any) -> bytes:
    return json.dumps(value).encode()


def parse(content: bytes, plan: Plan | None = None) -> Parsed:
    """What the adapter reads; cases as persons where no plan is given."""
    return read(CommCare(), content, plan or person())


def refused(content: bytes, plan: Plan | None = None) -> tuple[str, str]:
    """Rule and place of a refusal, which must quote nothing."""
    with pytest.raises(SenderError) as caught:
        parse(content, plan)
    assert CANARY not in str(caught.value)
    return caught.value.rule, caught.value.at
