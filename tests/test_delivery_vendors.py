"""Each system as it is pushed to, by a server that answers as the vendor's does."""

import asyncio
import base64
import re
from collections.abc import Callable
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID, uuid5

import orjson
import pytest
from standardwebhooks import Webhook

from gateway import adapter
from gateway.delivery import dhis2
from gateway.delivery.parcel import Parcel
from gateway.delivery.send import send
from gateway.delivery.told import Told
from gateway.outbound import client_for
from gateway.settings import DeliverySettings
from tests.vendors.pushed.server import Answer, Asked, Recipient, json, recipient

SETTINGS = DeliverySettings(timeout_seconds=1, total_seconds=2)
TRANSFER = "01936f00-0000-7000-8000-000000000001"
Answers = Callable[[Asked], Answer]


def pushed(
    answer: Answers,
    content: bytes,
    fmt: str,
    system: str,
    *,
    taken: frozenset[int] = frozenset(),
    secret: str = "",
    **options: str,
) -> tuple[Told, Recipient]:
    async def push(url: str) -> Told:
        endpoint = {"id": "e", "system": system, "url": url, "network": "loopback"}
        endpoint["options"] = {name.replace("__", "."): value for name, value in options.items()}
        media_type = adapter.named(fmt).media_type
        parcel = Parcel(TRANSFER, fmt, media_type, content, endpoint, secret, taken)
        async with client_for(endpoint, {}, SETTINGS) as client:
            return await send(client, parcel)

    with recipient(answer) as to:
        return asyncio.run(push(to.address + "/base")), to


def states(told: Told) -> list[tuple[int | None, str]]:
    return [(one.index, one.state) for one in told.outcomes]


# Standard Webhooks

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


def test_a_web_hook_is_signed_as_the_standard_says():
    told, to = pushed(
        lambda _: Answer(204), '{"name": "Adaé"}'.encode(), "fhir.r4", "webhook", secret=SECRET
    )
    assert told.taken
    [asked] = to.asked
    assert asked.path == "/base"
    assert Webhook(SECRET).verify(asked.body.decode(), dict(asked.headers)) == {"name": "Adaé"}
    assert asked.headers["Content-Type"] == "application/fhir+json"


def test_content_that_is_no_text_is_signed_too():
    told, to = pushed(lambda _: Answer(200), b"PK\xff\x00", "hxl.xlsx", "webhook", secret=SECRET)
    assert (told.taken, to.asked[0].body) == (True, b"PK\xff\x00")


def test_a_secret_that_is_no_key():
    told, to = pushed(lambda _: Answer(200), b"{}", "fhir.r4", "webhook", secret="whsec_%")
    assert (told.rule, told.again, told.begun, to.asked) == ("endpoint.secret", True, False, [])


@pytest.mark.parametrize(
    ("status", "rule", "again"),
    [
        (200, "", False),
        (304, "push.redirected", False),
        (400, "push.refused", False),
        (401, "push.denied", True),
        (408, "push.http_408", True),
        (410, "push.refused", False),
        (500, "push.http_500", True),
        (503, "push.http_503", True),
    ],
)
def test_what_statuses_mean(status, rule, again):
    told, _ = pushed(lambda _: Answer(status), b"{}", "fhir.r4", "webhook")
    assert (told.rule, told.again) == (rule, again)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7), ("999999999999", 86_400), ("Sat, 01 Jan 2000 00:00:00 GMT", 0), ("soon", None)],
)
def test_how_long_a_server_asks_to_be_left_alone(said, seconds):
    busy = Answer(429, headers={"Retry-After": said})
    told, _ = pushed(lambda _: busy, b"{}", "fhir.r4", "webhook")
    assert told.after == seconds


def test_a_system_that_is_only_asked():
    """Also what goes wrong in our own code is told, and nothing of it."""
    told, to = pushed(lambda _: Answer(200), b"{}", "fhir.r4", "elsewhere")
    assert (told.rule, told.begun, to.asked) == ("push.system", False, [])
    told, _ = pushed(lambda _: Answer(200), b"no json", "fhir.r4", "fhir")
    assert (told.rule, told.again) == ("push.failed", True)


def test_a_hang_up_may_have_taken_it_and_no_connection_has_not():
    told, _ = pushed(lambda _: Answer(raw=lambda _: None), b"{}", "fhir.r4", "webhook")
    assert (told.rule, told.again, told.begun) == ("outbound.broken", True, True)

    async def nobody() -> Told:
        endpoint = {"id": "e", "system": "webhook", "url": "http://127.0.0.1:9"}
        parcel = Parcel(TRANSFER, "fhir.r4", "application/fhir+json", b"{}", endpoint)
        async with client_for({**endpoint, "network": "private"}, {}, SETTINGS) as client:
            return await send(client, parcel)

    told = asyncio.run(nobody())
    assert (told.rule, told.begun) == ("outbound.address", False)


# OpenRosa: Kobo, Ona, ODK, CommCare

SUBMISSION = b'<?xml version="1.0" encoding="UTF-8"?>\n<data id="f"><meta/></data>'


def rosa(nature: str) -> bytes:
    message = f'<message nature="{nature}">Ada was refused</message>'
    return (
        '<?xml version="1.0" ?><OpenRosaResponse xmlns="http://openrosa.org/http/response">'
        f"{message}</OpenRosaResponse>"
    ).encode()


@pytest.mark.parametrize(
    ("system", "fmt", "options", "path"),
    [
        ("kobo", "kobo.xml", {}, "/base/submission"),
        ("ona", "kobo.xml", {"path": "team/submission"}, "/base/team/submission"),
        ("odk", "odk", {"project": "7"}, "/base/v1/projects/7/submission"),
        ("openrosa", "odk", {}, "/base/submission"),
        ("commcare", "commcare.xml", {"domain": "d"}, "/base/a/d/receiver/api/"),
    ],
)
def test_a_submission_is_posted_in_parts(system, fmt, options, path):
    told, to = pushed(lambda _: Answer(201), SUBMISSION, fmt, system, **options)
    [asked] = to.asked
    assert (told.taken, asked.path) == (True, path)
    assert asked.headers["X-OpenRosa-Version"] == "1.0"
    head = b"Content-Type: " + asked.headers["Content-Type"].encode() + b"\r\n\r\n"
    [part] = message_from_bytes(head + asked.body).get_payload()
    assert part.get_param("name", header="content-disposition") == "xml_submission_file"
    assert part.get_payload(decode=True) == SUBMISSION


@pytest.mark.parametrize(
    ("status", "body", "rule", "again"),
    [
        (201, rosa("submit_success"), "", False),
        (201, rosa(""), "", False),
        (202, b"", "", False),
        (201, rosa("submit_error"), "push.refused", False),  # CommCare, OpenRosa 2
        (422, rosa("processing_failure"), "push.refused", False),
        (409, b"", "push.conflict", False),
        (200, b"<html>Log in, Ada</html>", "push.unclear", True),
        (402, b"", "push.denied", True),
        (423, b"", "push.http_423", True),
    ],
)
def test_what_submissions_are_answered(status, body, rule, again):
    told, _ = pushed(lambda _: Answer(status, body), SUBMISSION, "kobo.xml", "kobo")
    assert (told.rule, told.again) == (rule, again)
    assert "Ada" not in repr(told)


def test_a_page_is_no_submission():
    told, to = pushed(lambda _: Answer(201), b"{}", "kobo", "kobo")
    assert (told.rule, told.begun, to.asked) == ("push.format", False, [])


# CommCare

CASES = [
    {"create": False, "case_id": "c1", "case_name": "Ada"},
    {"external_id": "hh/2", "case_type": "person"},
    {"external_id": "hh3", "case_type": "person"},
]


def test_cases_are_put_one_after_the_other():
    told, to = pushed(
        lambda _: json({"xform_id": "x", "case": {"case_id": "c"}}),
        orjson.dumps(CASES), "commcare", "commcare", domain="aid",
    )  # fmt: skip
    assert (told.taken, states(told)) == (True, [(n, "accepted") for n in range(3)])
    assert [(asked.method, asked.path) for asked in to.asked] == [
        ("PUT", "/base/a/aid/api/case/v2/c1/"),
        ("PUT", "/base/a/aid/api/case/v2/ext/hh%2F2/"),
        ("PUT", "/base/a/aid/api/case/v2/ext/hh3/"),
    ]
    assert to.asked[0].json == {"case_name": "Ada"}


def test_what_was_taken_is_not_sent_again():
    answers = iter([json({"error": "no such owner 'Ada'"}, 400), Answer(503)])
    told, _ = pushed(
        lambda _: next(answers), orjson.dumps(CASES), "commcare", "commcare",
        domain="aid", taken=frozenset((0,)),
    )  # fmt: skip
    assert (told.rule, told.again) == ("push.http_503", True)
    assert states(told) == [(0, "accepted"), (1, "refused"), (2, "unknown")]
    answers = iter([Answer(503)])
    told, to = pushed(
        lambda _: next(answers), orjson.dumps(CASES), "commcare", "commcare",
        domain="aid", taken=frozenset((0, 2)),
    )  # fmt: skip
    assert states(told) == [(0, "accepted"), (1, "unknown"), (2, "accepted")]
    assert len(to.asked) == 1


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (json({"error": "bad"}), "push.refused"),
        (Answer(200, b"<html>"), "push.unclear"),
        (json(["case"]), "push.unclear"),
        (json({"case": {}}, 203), "push.unclear"),
        (json({"status": "ok"}), "push.unclear"),
    ],
)
def test_200_from_commcare_may_be_a_refusal(answer, rule):
    told, _ = pushed(
        lambda _: answer, orjson.dumps(CASES[:1]), "commcare", "commcare", domain="aid"
    )
    assert told.rule == rule


def test_commcare_needs_a_domain_and_takes_no_pages_of_forms():
    told, _ = pushed(lambda _: Answer(200), b"[]", "commcare", "commcare")
    assert (told.rule, told.again, told.begun) == ("push.option_missing", True, False)
    told, _ = pushed(lambda _: Answer(200), b'{"objects":[]}', "commcare", "commcare", domain="a")
    assert (told.rule, told.again) == ("push.format", False)


# Primero

RECORDS = b'{"data":{"id":"a1","sex":"female"}}\n{"data":{"sex":"male"}}'
MADE = str(uuid5(UUID(TRANSFER), "1"))


class PrimeroServer:
    """Cases by id, as `POST` and `PATCH` leave them. Its schema is closed."""

    def __init__(self, *there: str) -> None:
        self.cases: dict[str, Any] = {one: {} for one in there}

    def __call__(self, asked: Asked) -> Answer:
        data = asked.json["data"]
        if not data.keys() <= {"id", "sex"}:
            error = {"status": 422, "detail": ["extra"], "message": "Ada"}
            return json({"errors": [error]}, 422)
        name = asked.path.rpartition("/")[2]
        if asked.method == "PATCH":
            if name not in self.cases:
                return json({"errors": [{"status": 404}]}, 404)
            self.cases[name] |= data
            return json({"data": {"id": name, **data}})
        if data["id"] in self.cases:
            return json({"errors": [{"status": 409}]}, 409)
        self.cases[data["id"]] = data
        return Answer(204)


@pytest.mark.parametrize("there", [(), ("a1",), ("a1", MADE)])
def test_a_record_of_primero_is_made_or_patched(there):
    server = PrimeroServer(*there)
    for _ in range(2):
        told, _to = pushed(server, RECORDS, "primero", "primero")
        assert (told.taken, states(told)) == (True, [(0, "accepted"), (1, "accepted")])
    assert server.cases.keys() == {"a1", MADE}
    assert (server.cases["a1"]["sex"], server.cases[MADE]["sex"]) == ("female", "male")


def test_an_id_is_no_step_to_another_address():
    told, to = pushed(PrimeroServer(), RECORDS.replace(b'"a1"', b'".."'), "primero", "primero")
    assert states(told) == [(0, "refused"), (1, "accepted")]
    assert {one.path for one in to.asked} == {"/base/api/v2/cases"}


def test_primero_refuses_a_field_and_takes_the_rest():
    records = RECORDS.replace(b'"sex":"female"', b'"extra":1')
    told, to = pushed(PrimeroServer("a1"), records, "primero", "primero", records="incidents")
    assert (told.rule, told.again) == ("push.refused", False)
    assert states(told) == [(0, "refused"), (1, "accepted")]
    assert (told.outcomes[0].code, told.outcomes[0].at) == ("422", "extra")
    assert to.asked[1].path == "/base/api/v2/incidents"


# RapidPro


def test_contacts_are_found_by_uuid_or_urn():
    contacts = b'{"uuid":"u1","name":"Ada"}\n{"urns":["tel:+25470"]}\n{"name":"Grace"}'
    told, to = pushed(
        lambda _: json({"uuid": "u", "modified_on": "2026"}), contacts, "rapidpro", "rapidpro"
    )
    assert states(told) == [(0, "accepted"), (1, "accepted"), (2, "refused")]
    assert [parse_qs(urlsplit(asked.path).query) for asked in to.asked] == [
        {"uuid": ["u1"]},
        {"urn": ["tel:+25470"]},
    ]
    assert to.asked[0].json == {"name": "Ada"}


# DHIS2

UIDS = ("aaaaaaaaaa1", "bbbbbbbbbb2")
TRACKER = orjson.dumps(
    {"trackedEntities": [{"trackedEntity": uid, "attributes": []} for uid in UIDS]}
)


def report(status: str, created: int, ignored: int, *errors: dict[str, Any]) -> dict[str, Any]:
    stats = {"created": created, "updated": 0, "deleted": 0, "ignored": ignored}
    stats["total"] = created + ignored
    return {
        "status": status,
        "validationReport": {"errorReports": list(errors), "warningReports": []},
        "stats": stats,
        "bundleReport": {
            "typeReportMap": {
                "TRACKED_ENTITY": {
                    "trackerType": "TRACKED_ENTITY",
                    "objectReports": [
                        {"trackerType": "TRACKED_ENTITY", "uid": uid, "errorReports": []}
                        for uid in UIDS[:created]
                    ],
                }
            }
        },
    }


ERROR = {
    "message": "Value `Ada` is no number", "errorCode": "E1007",
    "trackerType": "TRACKED_ENTITY", "uid": UIDS[1],
}  # fmt: skip


def test_an_import_into_tracker():
    told, to = pushed(
        lambda _: json(report("OK", 2, 0)), TRACKER, "dhis2.tracker", "dhis2",
        query__orgUnitIdScheme="CODE",
    )  # fmt: skip
    assert (told.taken, states(told)) == (True, [(0, "accepted"), (1, "accepted")])
    where = urlsplit(to.asked[0].path)
    assert (where.path, parse_qs(where.query)) == (
        "/base/api/tracker",
        {
            "async": ["false"], "importStrategy": ["CREATE_AND_UPDATE"],
            "atomicMode": ["OBJECT"], "orgUnitIdScheme": ["CODE"],
        },
    )  # fmt: skip


@pytest.mark.parametrize("status", [200, 409])
def test_200_from_dhis2_with_an_error_inside_is_no_success(status):
    answer = json(report("ERROR", 1, 1, ERROR), status)
    told, _ = pushed(lambda _: answer, TRACKER, "dhis2.tracker", "dhis2")
    assert (told.rule, told.again) == ("push.refused", False)
    assert states(told) == [(0, "accepted"), (1, "refused")]
    assert told.outcomes[1].code == "E1007"
    assert "Ada" not in repr(told)


def test_an_answer_without_a_report_is_asked_again():
    told, _ = pushed(lambda _: Answer(200, b"<html>"), TRACKER, "dhis2.tracker", "dhis2")
    assert (told.rule, told.again) == ("push.unclear", True)
    told, _ = pushed(lambda _: json({}, 502), TRACKER, "dhis2.tracker", "dhis2")
    assert (told.rule, told.again) == ("push.http_502", True)


def _jobs(report_: Answer, looks: int) -> Answers:
    asked_for = 0

    def answer(asked: Asked) -> Answer:
        nonlocal asked_for
        if asked.method == "POST":
            return json({"httpStatusCode": 200, "response": {"id": "jobjobjobj1"}})
        if asked.path.endswith("/report"):
            return report_
        asked_for += 1
        return json([{"completed": asked_for > looks}] if asked_for > 1 else [])

    return answer


def test_a_job_of_dhis2_is_asked_until_it_is_done(monkeypatch):
    monkeypatch.setattr(dhis2, "ASK_SECONDS", 0.01)
    options = {"async": "true"}
    told, to = pushed(
        _jobs(json(report("OK", 2, 0)), 2), TRACKER, "dhis2.tracker", "dhis2", **options
    )
    assert told.taken
    assert [urlsplit(one.path).path for one in to.asked[1:]] == [
        *["/base/api/tracker/jobs/jobjobjobj1"] * 3,
        "/base/api/tracker/jobs/jobjobjobj1/report",
    ]
    monkeypatch.setattr(dhis2, "MAX_ASKED", 2)
    told, _ = pushed(_jobs(Answer(200), 9), TRACKER, "dhis2.tracker", "dhis2", **options)
    assert (told.rule, told.again) == ("push.job_unfinished", True)
    lost = lambda asked: Answer(404) if asked.method == "GET" else _jobs(Answer(), 0)(asked)  # noqa: E731
    told, _ = pushed(lost, TRACKER, "dhis2.tracker", "dhis2", **options)
    assert told.rule == "push.refused"
    told, _ = pushed(lambda _: Answer(200, b"-"), TRACKER, "dhis2.tracker", "dhis2", **options)
    assert (told.rule, told.again) == ("push.unclear", True)


VALUES = b'{"dataValues":[{"value":"1"},{"value":"Ada"}]}'


@pytest.mark.parametrize(
    ("fmt", "content", "media_type"),
    [
        ("dhis2.aggregate", VALUES, "application/json"),
        ("dhis2.aggregate.csv", b"dataelement,value\na,1\nb,Ada\n", "text/csv"),
        ("dhis2.aggregate.xml", b"<dataValueSet><dataValue/><dataValue/></dataValueSet>",
         "application/xml"),
        ("dhis2.adx", b"<adx><group><dataValue a='1'/><dataValue a='2'/></group></adx>",
         "application/adx+xml"),
    ],
)  # fmt: skip
def test_data_values_are_taken_one_by_one(fmt, content, media_type):
    summary = {
        "status": "WARNING",
        "importCount": {"imported": 1, "updated": 0, "ignored": 1, "deleted": 0},
        "conflicts": [{"errorCode": "E7619", "property": "value", "indexes": [1], "value": "Ada"}],
        "rejectedIndexes": [1],
    }
    answer = json({"httpStatusCode": 409, "response": summary}, 409)
    told, to = pushed(lambda _: answer, content, fmt, "dhis2")
    assert to.asked[0].headers["Content-Type"] == media_type
    assert urlsplit(to.asked[0].path).path == "/base/api/dataValueSets"
    assert (told.rule, told.outcomes[1].code) == ("push.refused", "E7619")


def test_dhis2_takes_no_flat_bodies_from_us():
    told, _ = pushed(lambda _: Answer(200), b"{}", "dhis2.tracker.flat", "dhis2")
    assert (told.rule, told.begun) == ("push.format", False)


# FHIR

BUNDLE = orjson.dumps({
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {"fullUrl": f"urn:uuid:{n}", "resource": {"resourceType": "Patient", "id": n}}
        for n in ("p1", "p2")
    ],
})  # fmt: skip


def fhir_server(*statuses: str) -> Answers:
    issue = [{"severity": "error", "code": "business-rule", "diagnostics": "Ada"}]
    outcome = {"resourceType": "OperationOutcome", "issue": issue}

    def answer(asked: Asked) -> Answer:
        if "400" in statuses:
            return json(outcome, 400)
        entry = [
            {"response": {"status": one, **({"outcome": outcome} if one[0] == "4" else {})}}
            for one in statuses
        ]
        kind = asked.json["type"] + "-response"
        return json({"resourceType": "Bundle", "type": kind, "entry": entry})

    return answer


def test_resources_are_put_in_one_transaction():
    told, to = pushed(fhir_server("201 Created", "200"), BUNDLE, "fhir.r4", "fhir")
    assert (told.taken, states(told)) == (True, [(0, "accepted"), (1, "accepted")])
    [asked] = to.asked
    assert (asked.path, asked.json["type"]) == ("/base", "transaction")
    assert [one["request"] for one in asked.json["entry"]] == [
        {"method": "PUT", "url": "Patient/p1"},
        {"method": "PUT", "url": "Patient/p2"},
    ]
    assert [one["fullUrl"] for one in asked.json["entry"]] == ["urn:uuid:p1", "urn:uuid:p2"]


def test_a_batch_may_be_taken_in_part():
    told, to = pushed(fhir_server("201", "422 Ada"), BUNDLE, "fhir.r4", "fhir", bundle="batch")
    assert to.asked[0].json["type"] == "batch"
    assert states(told) == [(0, "accepted"), (1, "refused")]
    assert told.outcomes[1].code == "business-rule"
    told, _ = pushed(fhir_server("201", "500"), BUNDLE, "fhir.r4", "fhir", bundle="batch")
    assert (told.rule, told.again) == ("push.unclear", True)


@pytest.mark.parametrize(
    "answer",
    [
        json({"resourceType": "Bundle", "entry": []}),
        json({"resourceType": "Patient"}),
        json([1]),
        Answer(200, b"<Bundle/>"),
        json({"resourceType": "Bundle", "entry": [{}, {"response": {"status": 201}}]}),
    ],
)
def test_an_answer_that_is_not_of_this_bundle(answer):
    told, _ = pushed(lambda _: answer, BUNDLE, "fhir.r4", "fhir")
    assert (told.rule, told.again) == ("push.unclear", True)


def test_a_transaction_that_is_refused():
    told, _ = pushed(fhir_server("400"), BUNDLE, "fhir.r4", "fhir")
    assert (told.rule, [one.code for one in told.outcomes]) == ("push.refused", ["business-rule"])
    assert "Ada" not in repr(told)
    told, _ = pushed(lambda _: Answer(200), b"{}", "fhir.r4.ndjson", "fhir")
    assert told.rule == "push.format"


# HOPE

HOUSEHOLDS = b'[{"country":"SO","members":[]},{"country":"SO","members":[]}]'


class HopeServer:
    """Imports by number; each household without a fault is taken."""

    def __init__(self, *faults: int) -> None:
        self.faults, self.completed = faults, [""][:0]

    def __call__(self, asked: Asked) -> Answer:
        path = unquote(asked.path)
        if path.endswith("/rdi/create/"):
            assert asked.json["name"] == f"corridor {TRANSFER}"
            return json({"id": "0000-7", "name": "x"}, 201)
        if path.endswith("/completed/"):
            self.completed.append(path)
            return json([{"id": "0000-7", "status": "IN_REVIEW"}], 201)
        found = re.search("/rdi/(0000-7/push/lax|upload)/$", path)
        assert found
        if found[1] == "upload":
            return json({"id": "0000-8", "households": 2, "individuals": 0}, 201)
        results = [
            {f"Household #{n + 1}": [{"members": ["Ada?"]} if n in self.faults else {"pk": "1"}]}
            for n in range(2)
        ]
        return json({
            "id": "0000-7", "processed": 2, "accepted": 2 - len(self.faults),
            "errors": len(self.faults), "households": results,
        }, 201)  # fmt: skip


def test_hope_takes_households_and_the_import_is_completed():
    server = HopeServer()
    told, to = pushed(server, HOUSEHOLDS, "hope", "hope", business_area="somalia", program="p1")
    assert (told.taken, len(server.completed)) == (True, 1)
    assert to.asked[0].json["program"] == "p1"
    assert to.asked[0].path == "/base/api/rest/somalia/rdi/create/"


def test_hope_takes_what_it_can():
    server = HopeServer(1)
    told, _ = pushed(server, HOUSEHOLDS, "hope", "hope", business_area="somalia")
    assert (told.rule, states(told)) == ("push.refused", [(0, "accepted"), (1, "refused")])
    assert len(server.completed) == 1
    server = HopeServer(0, 1)
    told, _ = pushed(server, HOUSEHOLDS, "hope", "hope", business_area="somalia")
    assert (told.rule, server.completed) == ("push.refused", [])


def test_hope_takes_a_whole_body():
    body = b'{"name":"n","program":"p","households":[{},{}]}'
    told, to = pushed(HopeServer(), body, "hope", "hope", business_area="somalia")
    assert (told.taken, len(to.asked)) == (True, 1)


@pytest.mark.parametrize(
    ("created", "rule"),
    [
        (Answer(503), "push.http_503"),
        (Answer(201, b"<html>"), "push.unclear"),
        (json({"id": "../../x"}, 201), "push.unclear"),
        (json([], 201), "push.unclear"),
    ],
)
def test_an_import_that_is_not_made(created, rule):
    told, _ = pushed(lambda _: created, HOUSEHOLDS, "hope", "hope", business_area="somalia")
    assert (told.rule, told.again) == (rule, True)


def test_hope_needs_a_business_area_and_its_own_format():
    told, _ = pushed(lambda _: Answer(200), HOUSEHOLDS, "hope", "hope")
    assert told.rule == "push.option_missing"
    told, _ = pushed(lambda _: Answer(200), b"", "hope.xlsx", "hope")
    assert told.rule == "push.format"
    for system in ("primero", "rapidpro"):
        told, _ = pushed(lambda _: Answer(200), b"", "hope", system)
        assert told.rule == "push.format"
