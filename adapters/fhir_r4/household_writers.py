"""Writers of the fields of a household, into a Group."""

from collections.abc import Mapping
from typing import Any

from adapters.fhir_r4 import terms
from adapters.fhir_r4.address_writers import group_address, group_place
from adapters.fhir_r4.writers import (
    Json,
    Sheet,
    Uncarriable,
    Writer,
    identifiers,
    part,
    protection,
    reference,
    simple,
)


def _group_type(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
    resource["code"] = {"text": value}


def _group_size(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
    resource["quantity"] = value


def _group_head(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
    extensions.append({"url": terms.HEAD, "valueReference": reference("person", value, sheet)})


_NOBODY: Json = {"extension": [{"url": terms.ABSENT, "valueCode": "unknown"}]}


def _members(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
    members = resource["member"] = []
    for item in value:
        sheet.shapes.add(("household.member_list[]", "", *item))
        record_id = item.get("member")
        entity = _NOBODY if record_id is None else reference("person", record_id, sheet)
        member: Json = {"entity": entity}
        marks: list[Json] = []
        if "relationship_head" in item:
            code = item["relationship_head"]
            marks.append({"url": terms.MEMBER_RELATIONSHIP, "valueCode": code})
        if "is_head" in item:
            marks.append({"url": terms.MEMBER_HEAD, "valueBoolean": item["is_head"]})
        if "collector" in item:
            marks.append({"url": terms.MEMBER_COLLECTOR, "valueCode": item["collector"]})
        if marks:
            member["extension"] = marks
        elif record_id is None:
            raise Uncarriable
        members.append(member)


HOUSEHOLD: Mapping[str, Writer] = {
    "schema_version": simple("schema_version"),
    "group_identifier": identifiers("household.group_identifier[]"),
    "group_type": _group_type,
    "group_head": _group_head,
    "member_list": _members,
    "group_size": _group_size,
    "poverty_score": simple("poverty_score"),
    "poverty_score_type": simple("poverty_score_type"),
    "displacement_status": simple("displacement_status"),
    "address": group_address,
    "place": group_place,
    "registration_date": simple("registration_date"),
    "source": part("household.source", "source"),
    "protection": protection("household.protection"),
}
