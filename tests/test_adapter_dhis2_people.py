"""People and events as other servers write them, and mistakes that must not pass."""

from typing import Any

import orjson
import pytest
import yaml

from adapters.dhis2.tracker import Dhis2Tracker, Dhis2TrackerCsv
from adapters.dhis2.tracker.event_rows import COLUMNS
from adapters.dhis2.tracker.parameters import ImportParameters
from gateway.adapter import Adapter, read, write
from gateway.errors import SenderError
from gateway.mapping import Plan, plan_of
from gateway.record import Parsed, Record, check

TRACKER, ROWS = Dhis2Tracker(), Dhis2TrackerCsv()


def parsed(content: Any, adapter: Adapter, plan: Plan) -> Parsed:
    raw = content if isinstance(content, bytes) else orjson.dumps(content)
    found = read(adapter, raw, plan)
    for number, record in enumerate(found.records, 1):
        check(record, at=f"record {number}")
    return found


def rule(content: Any, adapter: Adapter, plan: Plan) -> str:
    with pytest.raises(SenderError) as caught:
        parsed(content, adapter, plan)
    return caught.value.rule


TEI, ENROLLMENT, EVENT = "tEntityNo01", "eNrolmentN1", "eVentNumbr1"
ENTITY = {"trackedEntity": TEI, "attributes": [{"attribute": "nAmeOfPers1", "value": "Amina"}]}
OUTER = {"enrollment": ENROLLMENT, "program": "pRogMother1"}
INNER = {"event": EVENT, "dataValues": [{"dataElement": "oUtcomeOfIt", "value": "well"}]}


def mapping(kind: str, first: str, fields: str) -> Plan:
    return plan_of(
        {
            "mapping": "m",
            "version": "1",
            "format": "dhis2.tracker",
            "authority": "dhis2.example",
            "records": [{"type": kind, "id": {"first": [first]}, "fields": yaml.safe_load(fields)}],
        },
        at="m",
    )


PERSON = mapping("person", "trackedEntity", "{name.full_name: attributes/nAmeOfPers1}")
CASE = mapping(
    "case",
    "event",
    """
    outcome: dataValues/oUtcomeOfIt
    source_status: trackedEntities/orgUnit
    location.geo: {from: geometry, as: point, order: lon-lat}
    note[]: [assignedUser/username]
    """,
)


def people(content: Any, plan: Plan = PERSON) -> list[Record]:
    return parsed(content, TRACKER, plan).records


@pytest.mark.parametrize(
    "body",
    [
        [ENTITY],
        [{"trackedEntities": [ENTITY]}],
        {"instances": [ENTITY], "page": 1, "pageSize": 50},
        {"instances": [ENTITY], "trackedEntities": [ENTITY], "pager": {"page": 1}},
    ],
)
def test_pages_and_lists_of_every_version(body: Any) -> None:
    assert people(body) == people({"trackedEntities": [ENTITY]})


def test_a_list_of_bodies_is_read_one_by_one() -> None:
    other = ENTITY | {"trackedEntity": "tEntityNo02"}

    assert len(people([{"trackedEntities": [ENTITY]}, {"trackedEntities": [other]}])) == 2
    assert rule([], TRACKER, PERSON) == rule([1], TRACKER, PERSON) == "dhis2.not_tracker"


def test_two_lists_of_one_page_must_agree() -> None:
    other = ENTITY | {"trackedEntity": "tEntityNo02"}

    body = {"instances": [other], "trackedEntities": [ENTITY]}
    assert rule(body, TRACKER, PERSON) == "dhis2.two_meanings"


def test_one_object_twice_in_a_list_must_agree() -> None:
    other = ENTITY | {"attributes": [{"attribute": "nAmeOfPers1", "value": "Salma"}]}

    assert rule({"trackedEntities": [ENTITY, other]}, TRACKER, PERSON) == "dhis2.two_meanings"
    assert len(people({"trackedEntities": [ENTITY, ENTITY]})) == 2


def test_one_attribute_twice_must_agree() -> None:
    more = [*ENTITY["attributes"], {"attribute": "nAmeOfPers1", "value": "Salma"}]  # type: ignore[misc]

    body = {"trackedEntities": [ENTITY | {"attributes": more}]}
    assert rule(body, TRACKER, PERSON) == "dhis2.two_meanings"


def test_a_page_of_events_without_any_number_is_not_taken_for_enrollments() -> None:
    page = {"instances": [{"enrollment": ENROLLMENT, "dataValues": INNER["dataValues"]}]}

    assert rule(page, TRACKER, CASE) == "mapping.no_id"


def test_who_is_deleted_is_not_passed_on() -> None:
    gone: dict[str, Any] = {"deleted": True}
    nested = {"trackedEntities": [ENTITY | gone | {"enrollments": [OUTER | {"events": [INNER]}]}]}

    assert rule({"trackedEntities": [ENTITY | gone]}, TRACKER, PERSON) == "dhis2.deleted"
    assert rule(nested, TRACKER, CASE) == "dhis2.deleted"
    assert rule({"events": [INNER | gone]}, TRACKER, CASE) == "dhis2.deleted"
    assert rule(b"event,program,deleted\n%s,p,true\n" % EVENT.encode(), ROWS, CASE) == (
        "dhis2.deleted"
    )
    # Nobody reads the events here, or the mapping says what became of it.
    enrollment = OUTER | {"events": [INNER | gone]}
    assert len(people({"trackedEntities": [ENTITY | {"enrollments": [enrollment]}]})) == 1
    told = mapping("person", "trackedEntity", "is_disabled: {from: deleted, as: boolean}")
    assert len(people({"trackedEntities": [ENTITY | gone]}, told)) == 1


def test_a_body_that_deletes_is_no_data() -> None:
    body = {"importStrategy": "DELETE", "trackedEntities": [ENTITY]}

    assert rule(body, TRACKER, PERSON) == "dhis2.deleted"


@pytest.mark.parametrize(
    "body",
    [
        {"trackedEntities": [ENTITY | {"events": [INNER]}]},
        {"events": [INNER | {"enrollments": [OUTER]}]},
        {"enrollments": [OUTER | {"notes": [{"value": "x", "events": [INNER]}]}]},
    ],
)
def test_a_list_where_nobody_looks_is_refused(body: Any) -> None:
    assert rule(body, TRACKER, PERSON) == "dhis2.misplaced"
    assert len(people({"trackedEntities": [ENTITY | {"events": []}]})) == 1


def test_what_nobody_reads_around_an_event_does_not_stand_with_each() -> None:
    enrollment = OUTER | {"events": [INNER, INNER | {"event": "eVentNumbr2"}]}
    entity = ENTITY | {"orgUnit": "oUgelbis003", "enrollments": [enrollment]}

    found = parsed({"trackedEntities": [entity]}, TRACKER, CASE)

    assert [one["source_status"] for one in found.records] == ["oUgelbis003"] * 2
    assert "trackedEntities/attributes/nAmeOfPers1" in found.unmapped
    assert "enrollments/program" in found.unmapped


# Events as rows

BEFORE = [
    *COLUMNS[:25],
    "storedBy",
    "providedElsewhere",
    "storedByDataValue",
    "updatedAtDataValue",
    "createdAtDataValue",
]


def row(columns: list[str], **cells: str) -> str:
    return ",".join({"event": EVENT, "program": "p", **cells}.get(one, "") for one in columns)


@pytest.mark.parametrize("names", [BEFORE, [*BEFORE[:6], "orgUnitName", *BEFORE[6:]]])
@pytest.mark.parametrize("titled", [True, False])
def test_rows_of_older_servers(names: list[str], titled: bool) -> None:
    rows = [
        row(names, dataElement="oUtcomeOfIt", value="well", storedBy="a", createdAtDataValue="1"),
        row(names, dataElement="oTherValue1", value="ill", storedBy="b", createdAtDataValue="2"),
    ]
    content = "\n".join([",".join(names), *rows] if titled else rows)

    (record,) = people(content.encode(), CASE)

    assert record["outcome"] == "well"


def test_the_user_of_a_row_is_named_as_in_json() -> None:
    content = f"event,program,assignedUser\n{EVENT},p,hodan\n".encode()

    (record,) = people(content, CASE)

    assert record["note"] == ["hodan"]
    assert write(ROWS, [record], CASE).unrendered == ()


def test_a_user_is_written_as_an_object() -> None:
    plan = mapping("case", "event", "outcome: assignedUser")
    record = {"record_type": "case", "record_id": f"dhis2.example/{EVENT}"}

    for said, user in (("hodan.abdi", "username"), ("hOdanAbdi01", "uid")):
        told = write(TRACKER, [record | {"outcome": said}], plan)
        assert orjson.loads(told.content)["events"][0]["assignedUser"] == {user: said}


@pytest.mark.parametrize("shape", ["'POINT (43.5 3.1)'", "POINT(43.5 3.1)", "point (4.35E1 3.1)"])
def test_points_of_rows_in_other_spellings(shape: str) -> None:
    content = f"event,program,geometry,latitude,longitude\n{EVENT},p,{shape},3.1,43.5\n".encode()

    assert people(content, CASE)[0]["location"]["geo"]["coordinates"] == [43.5, 3.1]


def test_two_points_of_a_row_must_agree() -> None:
    content = f"event,program,geometry,latitude,longitude\n{EVENT},p,POINT (3.1 43.5),3.1,43.5\n"

    assert rule(content.encode(), ROWS, CASE) == "dhis2.two_meanings"


def test_an_event_is_not_written_twice_as_rows() -> None:
    record = {"record_type": "case", "record_id": f"dhis2.example/{EVENT}"}

    with pytest.raises(SenderError) as caught:
        write(ROWS, [record | {"outcome": "well"}, record | {"outcome": "ill"}], CASE)
    assert caught.value.rule == "dhis2.repeated"


def test_a_server_is_told_of_the_header() -> None:
    assert "skipFirst=true" in ImportParameters(skip_first=True).query()
    assert "skipFirst" not in ImportParameters().query()


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-03-15T10:30", "2026-03-15T10:30:00Z"),
        ("2026-03-15 10:30:00.0", "2026-03-15T10:30:00.0Z"),
        ("2026-03-15T10:30:00+0300", "2026-03-15T10:30:00+03:00"),
    ],
)
def test_times_that_people_entered(said: str, meant: str) -> None:
    plan = mapping(
        "case", "event", "occurrence_start: {from: dataValues/a, as: instant, assume: UTC}"
    )
    event = INNER | {"dataValues": [{"dataElement": "a", "value": said}]}

    assert people({"events": [event]}, plan)[0]["occurrence_start"] == meant


def test_a_time_of_the_server_may_come_as_a_day_but_no_other() -> None:
    line = "occurrence_start: {from: %s, as: instant, assume: UTC}"
    own, other = (mapping("case", "event", line % path) for path in ("occurredAt", "dataValues/a"))

    (record,) = people({"events": [INNER | {"occurredAt": "2026-03-15"}]}, own)
    assert record["occurrence_start"] == "2026-03-15T00:00:00Z"
    event = INNER | {"dataValues": [{"dataElement": "a", "value": "2026-03-15"}]}
    assert rule({"events": [event]}, TRACKER, other) == "value.not_instant"


@pytest.mark.parametrize("said", ["1987-05-02T00:00", "1987-05-02 00:00:00.0"])
def test_a_day_may_come_as_any_midnight_without_a_zone(said: str) -> None:
    plan = mapping("person", "trackedEntity", "birth_date: {from: attributes/a, as: date}")

    def entity(value: str) -> Any:
        return {"trackedEntities": [ENTITY | {"attributes": [{"attribute": "a", "value": value}]}]}

    assert people(entity(said), plan)[0]["birth_date"] == "1987-05-02"
    assert rule(entity(f"{said[:10]}T00:00:00Z"), TRACKER, plan) == "value.not_date"
