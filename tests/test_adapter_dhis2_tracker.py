"""DHIS2 tracker: nested and flat bodies, pages, events as CSV, and what is written."""

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from adapters.dhis2.tracker import Dhis2Tracker, Dhis2TrackerCsv, Dhis2TrackerFlat
from adapters.dhis2.tracker.event_rows import COLUMNS
from gateway.adapter import Adapter, read, write
from gateway.errors import SenderError
from gateway.mapping import Plan, plan_of, read_mapping
from gateway.record import Parsed, Record, check
from gateway.source.tables import workbook

SAMPLES = Path(__file__).parent.parent / "adapters/dhis2/tracker/samples"
NESTED, FLAT, CSV = Dhis2Tracker(), Dhis2TrackerFlat(), Dhis2TrackerCsv()
TEI, ENROLLMENT, EVENT = "tEntityNo01", "eNrolmentN1", "eVentNumbr1"


def mapping(text: str, kind: str = "person", first: str = "trackedEntity", form: str = "") -> Plan:
    table = {
        "mapping": "m",
        "version": "1",
        "format": "dhis2.tracker",
        "authority": "dhis2.example",
        "records": [{"type": kind, "id": {"first": [first]}, "fields": yaml.safe_load(text)}],
    }
    return plan_of(table | ({"form": {"id": form}} if form else {}), at="m")


PERSON = mapping("{name.full_name: attributes/nAmeOfPers1, place.site_code: orgUnit}")
CASE = mapping(
    "{source_status: status, location.site_code: orgUnit, outcome: dataValues/oUtcomeOfIt}",
    "case",
    "event",
)


def entity(**members: Any) -> dict[str, Any]:
    return {"trackedEntity": TEI, "orgUnit": "oUgelbis003", **members}


def body(**lists: Any) -> bytes:
    return orjson.dumps(lists)


def parsed(content: bytes, plan: Plan = PERSON, adapter: Adapter = NESTED) -> Parsed:
    found = read(adapter, content, plan)
    for number, record in enumerate(found.records, 1):
        check(record, at=f"record {number}")
    return found


def refusal(content: bytes, plan: Plan = PERSON) -> SenderError:
    with pytest.raises(SenderError) as caught:
        read(NESTED, content, plan)
    return caught.value


def unwritable(plan: Plan, *some: Record, adapter: Adapter = NESTED) -> SenderError:
    with pytest.raises(SenderError) as caught:
        write(adapter, some, plan)
    return caught.value


def written(plan: Plan, *some: Record, adapter: Adapter = NESTED) -> Any:
    return orjson.loads(write(adapter, some, plan).content)


def person(**fields: Any) -> Record:
    return {
        "record_type": "person",
        "schema_version": "1.0",
        "record_id": f"dhis2.example/{TEI}",
        **fields,
    }


# Shapes of a payload

INNER = {"event": EVENT, "programStage": "sTageVisit1", "orgUnit": "oUgelbis003"}
OUTER = {"enrollment": ENROLLMENT, "program": "pRogMother1", "orgUnit": "oUgelbis003"}
LINK = {
    "relationship": "rElationNo1",
    "relationshipType": "pArentChil1",
    "from": {"trackedEntity": {"trackedEntity": TEI}},
    "to": {"trackedEntity": {"trackedEntity": "tEntityNo02"}},
}
EVERYTHING = mapping(
    """
    place.site_code: orgUnit
    relationships[]:
      each: relationships
      fields: {related: {from: relationships/related, as: reference}}
    identifier[]:
      each: events
      fields:
        identifier_type: events/programStage
        identifier_value: events/event
        issuer: events/enrollments/program
    """
)


def test_nested_and_flat_bodies_say_the_same() -> None:
    enrollment = OUTER | {"events": [INNER]}
    nested = body(trackedEntities=[entity(enrollments=[enrollment], relationships=[LINK])])
    flat = body(
        trackedEntities=[entity()],
        enrollments=[OUTER | {"trackedEntity": TEI}],
        events=[INNER | {"enrollment": ENROLLMENT}],
        relationships=[LINK],
    )

    found = parsed(nested, EVERYTHING)

    assert found == parsed(flat, EVERYTHING)
    assert found.records == [
        person(
            place={"site_code": "oUgelbis003"},
            relationships=[{"related": "dhis2.example/tEntityNo02"}],
            identifier=[
                {
                    "identifier_type": "sTageVisit1",
                    "identifier_value": EVENT,
                    "issuer": "pRogMother1",
                }
            ],
        )
    ]


def test_real_nested_and_flat_bodies_say_the_same(samples: Any) -> None:
    plan = read_mapping(Path(__file__).parent / "real/mappings/dhis2-people.yaml")
    folder = samples("dhis2-tracker/open")
    nested = parsed((folder / "import_nested_payload.json").read_bytes(), plan)

    assert nested == parsed((folder / "import_flatten_payload.json").read_bytes(), plan)
    assert len(nested.records) == 5


@pytest.mark.parametrize(
    "document",
    [
        {"trackedEntities": [entity()]},
        {"instances": [entity()], "page": 1},
        {"trackedEntities": [entity()], "pager": {"page": 1}},
        entity(trackedEntityType="pErsonGelb1"),
        entity(),
        {"enrollments": [OUTER | {"trackedEntity": TEI}], "trackedEntities": [entity()]},
    ],
)
def test_every_shape_the_api_has_is_read(document: dict[str, Any]) -> None:
    assert parsed(orjson.dumps(document)).records == [person(place={"site_code": "oUgelbis003"})]


def test_what_stands_around_a_page_is_listed() -> None:
    content = body(instances=[], page=1, total=0, pageSize=None)

    assert parsed(content).unmapped == ("page", "total")


def test_lines_are_bodies_or_single_objects() -> None:
    lines = b"\n".join([body(trackedEntities=[entity()]), orjson.dumps(entity(orgUnit="x"))])

    assert [one["place"]["site_code"] for one in parsed(lines).records] == ["oUgelbis003", "x"]


@pytest.mark.parametrize(
    "document",
    [
        {"relationships": [LINK]},
        {"enrollments": [OUTER | {"trackedEntity": TEI}]},
        {"events": [INNER | {"trackedEntity": TEI}]},
        {"events": [INNER | {"trackedEntity": TEI, "enrollment": ENROLLMENT}]},
        OUTER | {"trackedEntity": TEI},
        LINK,
    ],
)
def test_what_refers_to_somebody_else_makes_a_bare_entity(document: dict[str, Any]) -> None:
    (record,) = parsed(orjson.dumps(document)).records

    assert record == person()


def test_a_relationship_is_read_from_the_side_it_stands_at() -> None:
    plan = mapping(
        """
        relationships[]:
          each: relationships
          fields:
            related: {from: relationships/related, as: reference}
            relationship_type:
              from: relationships/side
              as: code
              codes: {from: child, to: parent}
        """
    )
    other = {"from": {"trackedEntity": "tEntityNo02"}, "to": {"trackedEntity": TEI}}
    (record,) = parsed(
        body(trackedEntities=[entity(relationships=[LINK, LINK | other])]), plan
    ).records

    assert record["relationships"] == [
        {"related": "dhis2.example/tEntityNo02", "relationship_type": "child"},
        {"related": "dhis2.example/tEntityNo02", "relationship_type": "parent"},
    ]
    (back,) = written(plan, record)["trackedEntities"]
    mine, theirs = ({"trackedEntity": {"trackedEntity": uid}} for uid in (TEI, "tEntityNo02"))
    assert back["relationships"] == [{"from": mine, "to": theirs}, {"from": theirs, "to": mine}]


def test_more_about_the_other_side_is_not_taken_for_this_one() -> None:
    side = {"trackedEntity": {"trackedEntity": "tEntityNo02", "orgUnit": "x", "attributes": []}}
    found = parsed(body(trackedEntities=[entity(relationships=[LINK | {"to": side}])]), EVERYTHING)

    assert found.records[0]["relationships"] == [{"related": "dhis2.example/tEntityNo02"}]
    assert "relationships/to/trackedEntity/attributes" in found.unmapped


def test_an_attribute_of_another_place_is_not_the_same() -> None:
    attributes = [{"attribute": "nAmeOfPers1", "value": "Amina", "displayName": "Name"}]
    found = parsed(
        body(
            trackedEntities=[
                entity(enrollments=[OUTER | {"attributes": attributes}], attributes=attributes)
            ]
        )
    )

    assert found.records[0]["name"] == {"full_name": "Amina"}
    assert found.unmapped == ("attributes/nAmeOfPers1/displayName", "enrollments")
    assert found.lineage["person.name.full_name"] == "attributes/nAmeOfPers1"


# Which object becomes the first record


def test_an_event_is_read_with_what_is_around_it() -> None:
    plan = mapping(
        """
        subject: {from: trackedEntity, as: reference}
        authored_on: {from: enrollments/enrolledAt, as: date}
        outcome: trackedEntities/attributes/nAmeOfPers1
        note[]: [enrollments/attributes/nAmeOfPers1]
        """,
        "case",
        "event",
    )
    enrollment = OUTER | {
        "enrolledAt": "2026-03-14T00:00:00.000",
        "attributes": [{"attribute": "nAmeOfPers1", "value": "then"}],
        "events": [INNER],
        "notes": [{"value": "a"}],
    }
    one = entity(
        enrollments=[enrollment],
        attributes=[{"attribute": "nAmeOfPers1", "value": "now"}],
        relationships=[LINK],
    )
    found = parsed(body(trackedEntities=[one]), plan)

    assert found.records == [
        {
            "record_type": "case",
            "schema_version": "1.0",
            "record_id": f"dhis2.example/{EVENT}",
            "subject": f"dhis2.example/{TEI}",
            "authored_on": "2026-03-14",
            "outcome": "now",
            "note": ["then"],
        }
    ]
    assert {"enrollments/notes", "trackedEntities/relationships"} <= set(found.unmapped)
    told = write(NESTED, found.records, plan)
    assert orjson.loads(told.content) == {"events": [{"event": EVENT, "trackedEntity": TEI}]}
    assert told.unrendered == ("case.authored_on", "case.note[]", "case.outcome")


def test_what_has_no_event_in_it_is_listed() -> None:
    one = entity(enrollments=[OUTER | {"trackedEntity": TEI}])
    found = parsed(body(trackedEntities=[one]), CASE)

    assert found.records == []
    assert found.unmapped == (
        "enrollments/orgUnit",
        "enrollments/program",
        "trackedEntities/orgUnit",
    )


def test_an_enrollment_is_read_with_its_events_and_written_with_them() -> None:
    folder = SAMPLES / "dhis2.tracker"
    plan = read_mapping(folder / "enrollments.json.mapping.yaml")
    found = parsed((folder / "enrollments.json").read_bytes(), plan)

    assert found.records[0]["enrollment_date"] == "2026-03-14"
    assert found.records[0]["items"] == [
        {"item_code": "sTagePaid01", "description": "cash", "quantity": "85"},
        {"item_code": "sTagePaid01"},
    ]
    first, second = written(plan, *found.records)["enrollments"]
    assert first == {
        "enrollment": "eNrolAmina1",
        "trackedEntity": "aMinaYusuf1",
        "program": "pRogCash001",
        "orgUnit": "oUgelbis003",
        "status": "ACTIVE",
        "enrolledAt": "2026-03-14",
        "attributes": [{"attribute": "aMountUsd01", "value": "085.00"}],
        "events": [
            {
                "programStage": "sTagePaid01",
                "dataValues": [
                    {"dataElement": "kIndOfItem1", "value": "cash"},
                    {"dataElement": "aMountPaid1", "value": "85"},
                ],
            },
            {"programStage": "sTagePaid01"},
        ],
    }
    assert second["status"] == "CANCELLED"


# Refusals


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        ([], "dhis2.not_tracker"),
        ({}, "dhis2.not_tracker"),
        ({"trackedEntities": [1]}, "dhis2.not_tracker"),
        ({"trackedEntities": [entity(enrollments=1)]}, "dhis2.not_tracker"),
        ({"instances": [{"a": 1}]}, "dhis2.not_tracker"),
        ({"httpStatus": "OK"}, "dhis2.answer"),
        ({"validationReport": {}, "stats": {}}, "dhis2.answer"),
        ({"trackedEntityAttributes": [], "programs": []}, "dhis2.metadata"),
        ({"trackedEntityInstances": []}, "dhis2.before_2_36"),
        ({"events": [{"event": EVENT, "eventDate": "2026"}]}, "dhis2.before_2_36"),
        ({"enrollments": [{"enrollmentDate": "2026"}]}, "dhis2.before_2_36"),
        ({"idSchemes": {"idScheme": {"idScheme": "UID"}}, "events": []}, "dhis2.internal"),
        ({"events": [INNER | {"orgUnit": {"idScheme": "UID"}}]}, "dhis2.internal"),
        (
            {"trackedEntities": [entity(attributes=[{"attribute": {"idScheme": "UID"}}])]},
            "dhis2.internal",
        ),
        ({"trackedEntities": [entity(trackedEntity="17")]}, "dhis2.uid"),
        ({"trackedEntities": [entity(trackedEntity=17)]}, "dhis2.uid"),
        ({"events": [{"event": "%id%"}]}, "dhis2.template"),
        ({"events": [INNER | {"enrollment": "{{enrollment}}"}]}, "dhis2.template"),
        ({"events": [INNER | {"notes": [{"note": "Amina"}]}]}, "dhis2.uid"),
        ({"relationships": [LINK | {"to": {"event": {"event": "1"}}}]}, "dhis2.uid"),
        ({"events": [INNER | {"status": "DONE"}]}, "dhis2.status"),
        ({"enrollments": [OUTER | {"status": "SCHEDULE"}]}, "dhis2.status"),
        ({"enrollments": [OUTER | {"status": ["ACTIVE"]}]}, "dhis2.status"),
        (
            {"trackedEntities": [entity(enrollments=[OUTER | {"trackedEntity": "tEntityNo02"}])]},
            "dhis2.two_meanings",
        ),
        ({"trackedEntities": [entity(attributes=[{"value": "1"}])]}, "source.no_kind"),
        ({"trackedEntities": [entity(attributes={})]}, "source.not_a_list"),
        ({"events": [INNER]}, "mapping.no_id"),
    ],
)
def test_what_is_no_tracker_payload_is_refused(document: Any, rule: str) -> None:
    error = refusal(orjson.dumps(document))

    assert error.rule == rule
    assert "Amina" not in str(error)


def test_a_key_that_stands_twice_is_refused_wherever_it_stands() -> None:
    content = b'{"events":[{"event":"eVentNumbr1","orgUnit":"a","orgUnit":"b"}]}'

    assert refusal(content, CASE).rule == "json.key_twice"


def test_a_refusal_names_the_place() -> None:
    one = entity(enrollments=[OUTER | {"events": [INNER, INNER | {"event": "x"}]}])

    error = refusal(body(trackedEntities=[entity(trackedEntity="tEntityNo02"), one]))

    assert error.at == "tracked entity 2, enrollment 1, event 2, event"


def test_a_mapping_is_needed_and_of_this_format() -> None:
    with pytest.raises(SenderError) as caught:
        read(NESTED, b"{}")
    assert caught.value.rule == "mapping.missing"


# Values


def test_points_and_days_are_read_and_written_as_servers_have_them() -> None:
    plan = mapping(
        """
        place.geo: {from: attributes/hOmeOfPers1, as: point, order: lon-lat}
        birth_date: {from: attributes/bIrthDate01, as: date}
        death_date: {from: "*/dEathDate01", as: partial_date}
        registration_date: {from: createdAtClient, as: date}
        """
    )
    attributes = [
        {"attribute": "hOmeOfPers1", "value": "[-11.566044,9.477801]"},
        {"attribute": "bIrthDate01", "value": "1987-05-02T00:00:00.000"},
        {"attribute": "dEathDate01", "value": "2020-01-01T00:00:00"},
    ]
    content = body(
        trackedEntities=[entity(attributes=attributes, createdAtClient="2026-03-14T00:00:00.000")]
    )
    (record,) = parsed(content, plan).records

    assert record["place"]["geo"]["coordinates"] == [-11.566044, 9.477801]
    assert (record["birth_date"], record["registration_date"]) == ("1987-05-02", "2026-03-14")
    (back,) = written(plan, record)["trackedEntities"]
    assert back["attributes"][0] == attributes[0]
    assert back["attributes"][1] == {"attribute": "bIrthDate01", "value": "1987-05-02"}
    assert back["createdAtClient"] == "2026-03-14"


@pytest.mark.parametrize("kind", ["geometry", "geometry/Point"])
def test_a_geometry_is_geojson_in_both_directions(kind: str) -> None:
    plan = mapping(f"place.geo: {{from: {kind}, as: point, order: lat-lon}}")
    shape = {"type": "Point", "coordinates": [43.65, 3.12]}
    (record,) = parsed(body(trackedEntities=[entity(geometry=shape)]), plan).records

    assert record["place"]["geo"] == shape
    assert written(plan, record)["trackedEntities"] == [{"trackedEntity": TEI, "geometry": shape}]


def test_a_mapping_takes_the_kind_of_geometry_it_names() -> None:
    area = {"type": "Polygon", "coordinates": [[[1, 2], [2, 2], [2, 3], [1, 2]]]}
    plan = mapping("place.geo: {from: geometry/Point, as: point, order: lon-lat}")
    found = parsed(body(trackedEntities=[entity(geometry=area)]), plan)

    assert (found.records, found.unmapped) == ([person()], ("geometry", "orgUnit"))
    areas = mapping(
        "geometry: {from: geometry/Polygon, as: geometry, shape: polygon, order: lon-lat}",
        "facility",
    )
    (record,) = parsed(body(trackedEntities=[entity(geometry=area)]), areas).records
    assert record["geometry"] == area
    assert written(areas, record)["trackedEntities"][0]["geometry"] == area
    texts = mapping(
        "geometry: {from: attributes/a, as: geometry, shape: line, order: lon-lat}", "facility"
    )
    record = {**person(), "record_type": "facility"}
    record["geometry"] = {"type": "LineString", "coordinates": [[1.0, 2.0], [2.0, 2.0]]}
    (back,) = written(texts, record)["trackedEntities"]
    assert back["attributes"] == [{"attribute": "a", "value": "1.0 2.0 0 0;2.0 2.0 0 0"}]


def test_moments_get_a_colon_in_their_zone() -> None:
    plan = mapping("{authored_on: occurredAt}", "case", "event")
    content = body(events=[INNER | {"occurredAt": "2016-03-17T01:51:39.609+0000"}])

    assert parsed(content, plan).records[0]["authored_on"] == "2016-03-17T01:51:39.609+00:00"


def test_a_value_that_is_a_number_keeps_its_digits() -> None:
    plan = mapping(
        """
        outcome: dataValues/a
        observations[]:
          - {needs: value, fields: {value: {from: dataValues/b, as: decimal}}}
        """,
        "case",
        "event",
    )
    values = b'[{"dataElement":"a","value":"x"},{"dataElement":"b","value":12.50}]'
    content = b'{"events":[{"event":"eVentNumbr1","dataValues":%s}]}' % values

    assert parsed(content, plan).records[0]["observations"] == [{"value": "12.50"}]


# Writing


def test_only_what_an_import_takes_is_written() -> None:
    plan = mapping(
        """
        source.author_name: createdBy/username
        source.source_url: storedBy
        place.site_code: orgUnit
        is_disabled: {from: inactive, as: boolean}
        name.full_name: attributes/nAmeOfPers1
        name.surname: attributes/nAmeOfPers1/code
        """,
        form="pErsonGelb1",
    )
    one = entity(
        createdBy={"username": "hodan", "uid": "x"},
        storedBy="hodan",
        inactive=True,
        attributes=[{"attribute": "nAmeOfPers1", "value": "Amina", "code": "NAME"}],
    )
    (record,) = parsed(body(trackedEntities=[one]), plan).records
    told = write(NESTED, [record], plan)

    assert orjson.loads(told.content) == {
        "trackedEntities": [
            {
                "trackedEntity": TEI,
                "orgUnit": "oUgelbis003",
                "inactive": True,
                "attributes": [{"attribute": "nAmeOfPers1", "value": "Amina"}],
                "trackedEntityType": "pErsonGelb1",
            }
        ]
    }
    assert told.unrendered == (
        "person.name.surname",
        "person.source.author_name",
        "person.source.source_url",
    )


def test_the_form_says_what_events_share() -> None:
    plan = mapping(
        """
        protection.objected: {from: dataValues/a/providedElsewhere, as: boolean}
        note[]: [dataValues/a]
        """,
        "case",
        "event",
        form="pRogClinic1/sTageVisit1",
    )
    record = {**person(protection={"objected": True}, note=["x"]), "record_type": "case"}
    record["record_id"] = f"dhis2.example/{EVENT}"

    assert written(plan, record)["events"] == [
        {
            "event": EVENT,
            "dataValues": [{"dataElement": "a", "value": "x", "providedElsewhere": True}],
            "program": "pRogClinic1",
            "programStage": "sTageVisit1",
        }
    ]


EVENTS = mapping(
    """
    identifier[]:
      each: events
      fields:
        identifier_type: events/programStage
        identifier_value: events/enrollment
    """
)


def test_events_go_into_their_enrollments() -> None:
    other = "eNrolmentN2"
    numbers = [
        {"identifier_type": "a", "identifier_value": ENROLLMENT},
        {"identifier_type": "b", "identifier_value": other},
        {"identifier_type": "c", "identifier_value": ENROLLMENT},
    ]
    (one,) = written(EVENTS, person(identifier=numbers))["trackedEntities"]

    assert [
        (enrollment["enrollment"], [event["programStage"] for event in enrollment["events"]])
        for enrollment in one["enrollments"]
    ] == [(ENROLLMENT, ["a", "c"]), (other, ["b"])]


def test_an_event_without_an_enrollment_is_not_written() -> None:
    error = unwritable(EVENTS, person(identifier=[{"identifier_type": "a"}]))

    assert error.rule == "dhis2.no_enrollment"
    assert error.at == "record 1"


def test_an_event_that_names_no_enrollment_goes_into_the_only_one() -> None:
    plan = mapping(
        """
        identifier[]: {each: enrollments, fields: {identifier_value: enrollments/program}}
        relationships[]: {each: events, fields: {relationship_type: events/programStage}}
        """
    )
    record = person(
        identifier=[{"identifier_value": "p"}], relationships=[{"relationship_type": "a"}]
    )
    (one,) = written(plan, record)["trackedEntities"]

    assert one["enrollments"] == [{"program": "p", "events": [{"programStage": "a"}]}]
    assert unwritable(plan, record, adapter=FLAT).rule == "dhis2.uid"


NOTES = """
reason[]:
  each: notes
  fields: {display: notes/value, code: notes/event, system: notes/enrollment}
"""


def test_notes_go_where_they_came_from() -> None:
    plan = mapping(NOTES, "case", "enrollment")
    events = [INNER | {"notes": [{"value": "of the event"}]}]
    content = body(
        enrollments=[OUTER | {"events": events, "notes": [{"value": "of the enrollment"}]}]
    )
    (record,) = parsed(content, plan).records

    assert record["reason"] == [
        {"display": "of the enrollment"},
        {"display": "of the event", "code": EVENT},
    ]
    both = mapping(
        NOTES + "service_type[]: {each: events, fields: {code: events/event}}",
        "case",
        "enrollment",
    )
    (record,) = parsed(content, both).records
    (one,) = written(both, record)["enrollments"]
    assert one["notes"] == [{"value": "of the enrollment"}]
    assert one["events"] == [{"event": EVENT, "notes": [{"value": "of the event"}]}]
    assert unwritable(plan, record).rule == "dhis2.note"


@pytest.mark.parametrize(
    ("field", "rule"),
    [
        ("related: {from: relationships/related, as: reference}", "dhis2.uid"),
        ("relationship_type: relationships/relationshipType", "dhis2.relationship"),
        ("relationship_type: relationships/side", "dhis2.relationship"),
    ],
)
def test_a_relationship_that_is_none_is_not_written(field: str, rule: str) -> None:
    record = person(
        relationships=[{"related": "dhis2.example/somebody", "relationship_type": "beside"}]
    )

    plan = mapping(f"relationships[]: {{each: relationships, fields: {{{field}}}}}")
    assert unwritable(plan, record).rule == rule


def test_a_number_that_is_no_uid_is_not_written() -> None:
    assert unwritable(PERSON, person(record_id="dhis2.example/17")).rule == "dhis2.uid"


def test_an_id_in_an_attribute_leaves_the_uid_to_the_server() -> None:
    plan = mapping("place.site_code: orgUnit", first="attributes/cAseNumber1")
    record = person(record_id="dhis2.example/A-17", place={"site_code": "x"})

    assert written(plan, record)["trackedEntities"] == [
        {"orgUnit": "x", "attributes": [{"attribute": "cAseNumber1", "value": "A-17"}]}
    ]
    plan = mapping(
        "identifier[]: {each: enrollments, fields: {identifier_value: enrollments/program}}",
        first="attributes/cAseNumber1",
    )
    record = person(record_id="dhis2.example/A-17", identifier=[{"identifier_value": "p"}])
    assert unwritable(plan, record, adapter=FLAT).rule == "dhis2.uid"


def test_a_status_servers_do_not_have_is_not_written() -> None:
    record = {**person(source_status="DONE"), "record_type": "case"}
    record["record_id"] = f"dhis2.example/{EVENT}"

    assert unwritable(CASE, record).rule == "dhis2.status"


def test_the_flat_body_has_a_list_for_each_kind() -> None:
    content = body(
        trackedEntities=[
            entity(enrollments=[OUTER | {"events": [INNER]}], relationships=[LINK]),
            entity(trackedEntity="tEntityNo02"),
        ]
    )
    some = parsed(content, EVERYTHING_BACK).records
    told = write(FLAT, some, EVERYTHING_BACK)

    assert orjson.loads(told.content) == {
        "trackedEntities": [
            {"trackedEntity": TEI, "orgUnit": "oUgelbis003"},
            {"trackedEntity": "tEntityNo02", "orgUnit": "oUgelbis003"},
        ],
        "enrollments": [{"enrollment": ENROLLMENT, "trackedEntity": TEI}],
        "events": [
            {
                "event": EVENT,
                "enrollment": ENROLLMENT,
                "programStage": "sTageVisit1",
            }
        ],
        "relationships": [
            {
                "from": {"trackedEntity": {"trackedEntity": TEI}},
                "to": {"trackedEntity": {"trackedEntity": "tEntityNo02"}},
            }
        ],
    }
    assert told.unrendered == ()
    assert parsed(told.content, EVERYTHING_BACK).records == some
    nested = write(NESTED, some, EVERYTHING_BACK).content
    assert parsed(nested, EVERYTHING_BACK).records == some


EVERYTHING_BACK = mapping(
    """
    place.site_code: orgUnit
    relationships[]:
      each: relationships
      fields: {related: {from: relationships/related, as: reference}}
    identifier[]:
      each: events
      fields:
        identifier_type: events/programStage
        identifier_value: events/event
        issuer: events/enrollment
    """
)


# Events as CSV

ROWS = (SAMPLES / "dhis2.tracker.csv/visits.csv").read_bytes()
VISITS = read_mapping(SAMPLES / "dhis2.tracker.csv/mapping.yaml")


def rows(*lines: str, header: str = "event,orgUnit,program,dataElement,value") -> bytes:
    return "\n".join([header, *lines, ""]).encode()


def test_the_rows_of_one_event_are_one_object() -> None:
    first, second = parsed(ROWS, VISITS, CSV).records

    assert first["reason"] == [{"code": "MALARIA"}]
    assert first["note"] == ["revient jeudi, avec sa fille"]
    assert first["location"]["geo"]["coordinates"] == [43.6521, 3.1187]
    assert second["location"]["geo"]["coordinates"] == [43.7, 3.2001]


def test_rows_need_no_header_where_they_have_every_column() -> None:
    without = ROWS.split(b"\n", 1)[1]

    assert parsed(without, VISITS, CSV).records == parsed(ROWS, VISITS, CSV).records
    assert refusal(b"eVentNumbr1,ACTIVE\n", VISITS).rule == "dhis2.columns"


def test_events_are_written_as_rows() -> None:
    some = parsed(ROWS, VISITS, CSV).records
    told = write(CSV, some, VISITS)
    header, *lines = told.content.decode().split("\r\n")

    assert header.split(",") == list(COLUMNS)
    assert lines[0].startswith("eVentAmina1,COMPLETED,pRogClinic1,sTageVisit1,,oUgelbis003,")
    assert "POINT (43.6521 3.1187)" in lines[0]
    assert len(lines) == 4
    assert told.unrendered == ()
    assert parsed(told.content, VISITS, CSV).records == some


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (rows(f"{EVENT},a,b,c,1", f"{EVENT},x,b,d,2"), "dhis2.two_meanings"),
        (rows(f"{EVENT},a,b,c,1", "eVentNumbr2,a,b,c,1", f"{EVENT},a,b,d,2"), "dhis2.scattered"),
        (rows("%id%,a,b,c,1"), "dhis2.template"),
        (rows(header="event,program,eventDate"), "dhis2.before_2_36"),
        (rows(header="event,program,event"), "table.column_twice"),
        (rows(f"{EVENT},a,b,,1"), "source.no_kind"),
        (b",,\n", "table.no_header"),
        (b"".join(workbook([["event", "program"]])), "dhis2.not_tracker"),
        (rows(header="event,orgUnit,program,geometry") + b"eVentNumbr1,a,b,POINT(1)\n",
         "value.not_point"),
    ],
)  # fmt: skip
def test_what_is_no_table_of_events_is_refused(content: bytes, rule: str) -> None:
    assert refusal(content, VISITS).rule == rule


def test_columns_nobody_knows_are_listed() -> None:
    content = rows(f"{EVENT},a,b,x,y", header="event,orgUnit,program,storedBy,Nom de famille")

    assert parsed(content, VISITS, CSV).unmapped == ("column-5", "program", "storedBy")


def test_what_a_row_cannot_hold_is_told() -> None:
    plan = mapping(
        """
        reason[]: {each: notes, fields: {display: notes/value}}
        location.geo: {from: geometry, as: point, order: lon-lat}
        outcome: assignedUser/username
        note[]: [dataValues/a, dataValues/b]
        """,
        "case",
        "event",
    )
    point = {"type": "Point", "coordinates": [1.0, 2.0, 3.0]}
    record = {
        **person(reason=[{"display": "x"}], outcome="hodan", note=["a\0", "b"]),
        "record_type": "case",
        "record_id": f"dhis2.example/{EVENT}",
        "location": {"geo": point},
    }
    told = write(CSV, [record], plan)

    assert told.unrendered == (
        "case.location.geo",
        "case.note[]",
        "case.reason[].display",
    )
    assert b"POINT (1.0 2.0)" in told.content
    assert b",hodan," in told.content
    (one,) = written(plan, record)["events"]
    assert one["assignedUser"] == {"username": "hodan"}
    assert one["geometry"] == point


def test_an_area_has_no_place_in_a_row() -> None:
    plan = mapping(
        "geometry: {from: geometry, as: geometry, shape: polygon, order: lon-lat}",
        "facility",
        "event",
    )
    area = {"type": "Polygon", "coordinates": [[[1.0, 2.0], [2.0, 2.0], [2.0, 3.0], [1.0, 2.0]]]}
    record = {**person(), "record_type": "facility", "geometry": area}
    record["record_id"] = f"dhis2.example/{EVENT}"

    assert write(CSV, [record], plan).unrendered == ("facility.geometry",)


def test_rows_hold_events_only() -> None:
    assert unwritable(PERSON, person(), adapter=CSV).rule == "mapping.no_events"


def test_values_without_the_number_of_their_event_are_not_written_as_rows() -> None:
    plan = mapping("note[]: [dataValues/a, dataValues/b]", "case", "event")
    record = {**person(note=["x", "y"]), "record_type": "case"}
    record["record_id"] = f"dhis2.example/{EVENT}"

    assert write(CSV, [record], plan).content.count(b"\r\n") == 3


def test_rows_without_the_number_of_an_event_are_events_of_their_own() -> None:
    assert refusal(rows(",a,b,c,1", ",a,b,d,2"), CASE).rule == "mapping.no_id"
    assert parsed(rows(), CASE, CSV).records == []


def test_yes_and_no_are_written_as_words_in_rows() -> None:
    plan = mapping(
        """
        protection.objected: {from: dataValues/a/providedElsewhere, as: boolean}
        note[]: [dataValues/a]
        """,
        "case",
        "event",
    )
    record = {**person(note=["x"], protection={"objected": False}), "record_type": "case"}
    record["record_id"] = f"dhis2.example/{EVENT}"

    assert b",a,x,false,," in write(CSV, [record], plan).content


def test_nobody_is_an_empty_body() -> None:
    assert written(PERSON) == {"trackedEntities": []}
    assert written(PERSON, adapter=FLAT)["relationships"] == []


def test_a_repeat_that_is_no_list_is_not_taken_for_one() -> None:
    plan = mapping("place.site_code: events")

    told = write(NESTED, [person(place={"site_code": "x"})], plan)
    assert told.unrendered == ("person.place.site_code",)
