"""Hooks, over real HTTP: what each vendor's server sends, as it sends it."""

import copy
import json
import shutil
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.demo import served
from gateway.deployment import new_bearer
from gateway.errors import GatewayError, SenderError
from gateway.routes.envelopes import LISTS, items
from gateway.routes.gate import MAX_OF_ROUTE, Gate
from gateway.routes.identified import moment
from tests.vendors.pulled.world import SENDER, TO, add_mappings, add_route, write

Send = Callable[..., httpx.Response]
Answer = dict[str, Any]


@pytest.fixture(scope="module")
def place(
    prepared: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, Send]]:
    """A gateway with routes of every system."""
    directory = tmp_path_factory.mktemp("routes") / "demo"
    shutil.copytree(prepared[0], directory)
    add_mappings(directory)
    settings = directory / "corridor.toml"
    text = settings.read_text().replace("[limits]\n", "[limits]\ntransfers_per_day = 100000\n")
    settings.write_text(text + "\n[server]\nbody_limit_bytes = 1_048_576\n")
    two = {"to": [TO, "org:coordination-office"]}
    add_route(directory, "kobo", "kobo")
    add_route(directory, "kobo-two", "kobo", terms=two)
    add_route(directory, "kobo-strict", "kobo", strict=True)
    add_route(directory, "kobo-closed", "kobo", status="suspended")
    add_route(directory, "kobo-asked", "kobo", auth=None)
    add_route(directory, "kobo-basic", "kobo", auth={"kind": "basic", "user": "kobo"})
    add_route(directory, "forms", "commcare", terms={"mapping": "commcare-forms-households"})
    add_route(directory, "generic", "generic", terms={"format": "kobo"})
    for system in ("ona", "odk", "commcare", "primero", "rapidpro", "ushahidi", "dhis2"):
        add_route(directory, system, system)
    path = directory / "routes" / "kobo-asked.yaml"
    route = yaml.safe_load(path.read_text())
    del route["auth"]
    write(path, route)
    with served(directory) as address, httpx.Client(base_url=address, timeout=30) as client:
        bearer = {"Authorization": f"Bearer {prepared[1]}"}

        def send(route: str, body: Any, **headers: str) -> httpx.Response:
            plain = isinstance(body, (dict, list))
            content = json.dumps(body).encode() if plain else body
            said = {**bearer, "Content-Type": "text/plain", **headers}
            return client.post(f"/v1/routes/{route}", content=content, headers=said)

        yield directory, send


@pytest.fixture
def send(place: tuple[Path, Send]) -> Send:
    return place[1]


@pytest.fixture
def household(payload: bytes, request: pytest.FixtureRequest) -> Answer:
    """One submission of its own to each test, as Kobo's REST service posts it."""
    one: Answer = json.loads(payload)["results"][0]
    mark = zlib.crc32(request.node.nodeid.encode())
    name = f"00000000-0000-4000-8000-{mark:012d}"
    one.update({"_uuid": name, "meta/instanceID": f"uuid:{name}", "_id": mark})
    return one


def outcomes(answer: httpx.Response) -> list[str]:
    return [one["outcome"] for one in answer.json()["items"]]


def edited(one: Answer, version: str) -> Answer:
    """As Kobo gives it after an edit: a new instance, with the root and what it replaces."""
    new = copy.deepcopy(one)
    root = one.get("meta/rootUuid", one["meta/instanceID"])
    new["meta/rootUuid"] = root
    new["meta/deprecatedID"] = one["meta/instanceID"]
    new["meta/instanceID"] = f"uuid:{version}"
    new["_uuid"] = version
    return new


def test_a_retry_is_answered_and_not_carried_again(send, household):
    first = send("kobo", household)
    # Kobo writes what people did meanwhile into the record it sends again.
    again = send("kobo", {**household, "_validation_status": {"uid": "approved"}})

    assert (first.status_code, outcomes(first)) == (201, ["released"])
    assert (again.status_code, outcomes(again)) == (200, ["repeated"])
    assert again.json()["items"][0]["transfer"] == first.json()["items"][0]["transfer"]
    assert first.headers["content-type"] == "application/json"


def test_attempts_at_one_moment_make_one_transfer(send, household):
    with ThreadPoolExecutor(8) as many:
        answers = list(many.map(lambda _: send("kobo", household), range(8)))

    assert sorted(one.status_code for one in answers) == [200] * 7 + [201]
    assert len({one.json()["items"][0]["transfer"] for one in answers}) == 1


def test_an_edit_is_carried_and_what_it_replaced_is_not_any_more(send, household):
    edit = edited(household, "11111111-0000-4000-8000-000000000001")
    found = [send("kobo", one) for one in (household, edit, household, edit)]

    assert [outcomes(one) for one in found] == [
        ["released"],
        ["released"],
        ["older"],
        ["repeated"],
    ]
    assert found[2].status_code == 200
    assert found[2].json()["items"][0]["transfer"] == found[1].json()["items"][0]["transfer"]


def test_an_edit_that_overtook_the_first_version_stays(send, household):
    edit = edited(household, "22222222-0000-4000-8000-000000000001")

    assert outcomes(send("kobo", edit)) == ["released"]
    assert outcomes(send("kobo", household)) == ["older"]


def test_versions_that_come_together_do_not_overtake(send, household):
    edit = edited(household, "44444444-0000-4000-8000-000000000001")

    assert outcomes(send("kobo", [edit, household])) == ["released", "older"]


def test_a_transfer_for_each_recipient(send, household):
    answer = send("kobo-two", household)

    # The office has no agreement about registrations: refused for it alone, and in the log.
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert outcomes(answer) == ["released", "refused"]
    assert [one["to"] for one in answer.json()["items"]] == [TO, "org:coordination-office"]
    assert all(one["transfer"] for one in answer.json()["items"])
    assert answer.json()["items"][1]["rule"] == answer.json()["rule"]
    assert outcomes(send("kobo-two", household)) == ["repeated", "repeated"]


def test_each_record_and_recipient_counts_on_the_senders_day(place, send, household, token):
    address = httpx.URL(send("none", b"{}").url).copy_with(path="/v1/me")

    def used() -> int:
        me = httpx.get(address, headers={"Authorization": f"Bearer {token}"}).json()
        return int(me["used"]["transfers"])

    before = used()
    send("kobo-two", [household, edited(household, "v2")])
    assert used() == before + 4


def test_strict_refuses_what_no_mapping_names(send, household):
    answer = send("kobo-strict", household)

    assert answer.status_code == 422
    assert (answer.json()["rule"], answer.json()["act"]) == ("route.unmapped", "sender")
    assert outcomes(send("kobo-strict", household)) == ["faulty"]  # nothing of it was logged


@pytest.mark.parametrize("name", ["none", "kobo-closed", "kobo-asked", "KOBO"])
def test_a_route_that_takes_nothing_is_none(send, household, name):
    answer = send(name, household)

    assert answer.status_code == 404
    assert answer.json()["rule"] == "route.unknown"
    assert answer.content == send("none", household).content


def test_nobody_else_is_let_in(place, household):
    directory, send = place
    other = new_bearer(directory, TO)
    answers = [
        send("kobo", household, Authorization=f"Bearer {token}") for token in (other, "x", "y")
    ]

    assert [one.status_code for one in answers] == [401, 401, 401]
    assert len({one.content for one in answers}) == 1


def test_strangers_are_not_told_which_routes_there_are(send, household):
    names = ("kobo", "kobo-basic", "kobo-closed", "none")
    answers = [send(name, household, Authorization="Bearer x") for name in names]

    assert [one.status_code for one in answers] == [401] * 4
    assert len({one.content for one in answers}) == 1


def test_a_strangers_body_is_not_waited_for(send):
    address = httpx.URL(send("none", b"{}").url)
    with socket.create_connection((address.host, address.port), timeout=5) as connection:
        said = b"Host: x\r\nContent-Length: 1000\r\n\r\n{"
        connection.sendall(b"POST /v1/routes/kobo-basic HTTP/1.1\r\n" + said)
        assert connection.recv(4096).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize("path", ["transfers", "routes/kobo", "recalls"])
def test_a_key_that_ends_while_the_body_comes(place, path):
    directory, send = place
    keys = directory / "keys" / "bearer.json"
    before, key = keys.read_text(), new_bearer(directory, SENDER)
    query = "agreement=agr:registration-2026&purpose=hum.assist.registration&format=kobo"
    target = f"{path}?{query}" if path == "transfers" else path
    address = httpx.URL(send("none", b"{}").url)
    with socket.create_connection((address.host, address.port), timeout=5) as connection:
        said = f"Host: x\r\nAuthorization: Bearer {key}\r\nContent-Length: 2\r\n\r\n{{"
        connection.sendall(f"POST /v1/{target} HTTP/1.1\r\n{said}".encode())
        time.sleep(0.3)  # it is let in
        keys.write_text(before)
        time.sleep(0.25)
        connection.sendall(b"}")
        assert connection.recv(4096).startswith(b"HTTP/1.1 401")


def test_a_page_is_taken_apart(send, payload):
    page = json.loads(payload)
    for number, one in enumerate(page["results"]):
        name = f"33333333-0000-4000-8000-{number:012d}"
        one.update({"_uuid": name, "meta/instanceID": f"uuid:{name}"})
    answer = send("kobo", page)

    assert answer.json()["counts"] == {"released": 2, "refused": 1}
    assert [one["index"] for one in answer.json()["items"]] == [0, 1, 2]
    assert answer.status_code == 403


def test_one_bad_record_does_not_hold_up_the_others(send, household):
    other = {
        **household,
        "_uuid": "4",
        "meta/instanceID": "uuid:4",
        "household_status/size_h_c": "x",
    }
    answer = send("kobo", [household, other, {"nothing": "1"}])

    assert answer.status_code == 422
    assert outcomes(answer) == ["released", "faulty", "faulty"]
    assert answer.json()["items"][1]["rule"].startswith("value.")
    assert "x" not in str(answer.json()["items"][1].get("at", ""))


@pytest.mark.parametrize(
    ("body", "status", "rule"),
    [
        (b"", 422, "json.invalid"),
        (b"\xff{}", 422, "json.not_utf8"),
        (b"[" * 100_000, 422, "json.too_deep"),
        (b"[]", 422, "record.none"),
        (b"3", 422, "route.body"),
        (b'{"count": 1, "results": [{}], "secret": "x"}', 422, "route.envelope"),
        (b'{"results": [{}], "results": [{}], "count": 2}', 422, "json.key_twice"),
        (b"[" + b"{}," * 1000 + b"{}]", 413, "route.too_many"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", 422, "xml."),
        (b"<x>", 422, "xml."),
        (b"9" * 5000, 422, "json.invalid"),
    ],
)
def test_what_is_no_hook_is_refused(send, body, status, rule):
    answer = send("kobo", body)

    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.json()["rule"].startswith(rule)


def test_too_much_is_refused_before_it_is_read(send, token):
    address = httpx.URL(send("none", b"{}").url)
    with socket.create_connection((address.host, address.port), timeout=20) as connection:
        said = f"Authorization: Bearer {token}\r\nContent-Length: 99999999999\r\n"
        connection.sendall(f"POST /v1/routes/kobo HTTP/1.1\r\nHost: x\r\n{said}\r\n{{".encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")
    assert send("kobo", b"{}", **{"Content-Encoding": "gzip"}).status_code == 415


def test_more_than_was_announced_is_refused(send):
    limit = 1 << 20

    def parts() -> Iterator[bytes]:
        for _ in range(limit // (1 << 16) + 1):
            yield b" " * (1 << 16)

    answer = send("kobo", parts())
    assert (answer.status_code, answer.json()["rule"]) == (413, "body.too_large")


def test_numbers_keep_their_digits_and_keys_are_not_lost(send, household):
    """What the adapter sees is the text that came, not one written anew."""
    text = json.dumps(household).replace("{", '{"household_status/size_h_c": "9", ', 1)
    answer = send("kobo", f"[{text}]".encode())

    assert outcomes(answer) == ["faulty"]  # the size is said twice, differently


def test_half_a_character_in_an_id_is_no_fault_of_ours(send, household):
    text = json.dumps({**household, "_uuid": "u"}).replace("uuid:00000000", "\\ud800")
    assert send("kobo", text.encode()).status_code in (201, 422)


def test_a_template_around_a_record_is_taken_off_and_no_more(send, household):
    assert outcomes(send("kobo", {"submission_of_ours": household})) == ["released"]
    more = {"answers": household, "secret_of_the_template": "x"}
    assert send("kobo", more).status_code == 422


def system(name: str) -> list[Any]:
    """A record as that system's hook sends it, a retry, a newer and an older version."""
    later, earlier = "2026-05-02T10:00:00.000Z", "2026-05-01T10:00:00.000Z"
    makes: dict[str, Callable[[str], Any]] = {
        "ona": lambda when: {"_uuid": "o1", "_xform_id_string": "f", "size": 4,
                             "meta/rootUuid": "o1", "meta/instanceID": f"uuid:{when}",
                             "_date_modified": when},
        "odk": lambda when: {"__id": "uuid:k1", "size": 4, "__system": {"updatedAt": when}},
        "commcare": lambda when: {"case_id": "c1", "properties": {"size": "4", "case_type": "h"},
                                  "server_date_modified": when},
        "forms": lambda when: {"id": "f1", "form": {"size": "4", "@name": "n"},
                               "received_on": when},
        "primero": lambda when: {"data": {"record_id": "p1", "record_type": "case", "size": 4,
                                          "last_updated_at": when, "module_id": "primeromodule-cp",
                                          "consent_for_services": True,
                                          "disclosure_other_orgs": True}},
        "rapidpro": lambda when: {"contact": {"uuid": "r0", "name": "x", "urn": "tel:+1"},
                                  "flow": {"uuid": "w", "name": "f"}, "run": {"uuid": "r1"},
                                  "path": [{"node_uuid": "n", "arrived_on": when}],
                                  "results": {"size": {"name": "Size", "value": "4"}}},
        "ushahidi": lambda when: {"id": 7, "title": "t", "values": {"size": [4]},
                                  "updated": when},
        "dhis2": lambda when: {"path": "tracker.x", "meta": {"op": "update"}, "object": {
            "trackedEntity": "tEiAbCdEfGh", "trackedEntityType": "tYpEoFhOuse",
            "orgUnit": "oRgUnItAbCd", "updatedAt": when,
            "attributes": [{"attribute": "hOuseSize01", "value": "4"}]}},
    }  # fmt: skip
    make = makes[name]
    return [make(later), make(later), make("2026-05-03T10:00:00.000Z"), make(earlier)]


@pytest.mark.parametrize(
    "name", ["ona", "odk", "commcare", "forms", "primero", "rapidpro", "ushahidi", "dhis2"]
)
def test_each_system_by_its_own_ids_and_versions(send, name):
    found = [send(name, body) for body in system(name)]

    # A protection case is no household registration: refused, which is as final.
    what = "refused" if name == "primero" else "released"
    assert [outcomes(one)[0] for one in found] == [what, "repeated", what, "older"]


def test_xml_by_what_stands_in_it(send):
    case = (
        '<case case_id="x1" date_modified="2026-05-0{day}T10:00:00Z" user_id="u"'
        ' xmlns="http://commcarehq.org/case/transaction/v2"><update><size>4</size>'
        "</update></case>"
    )
    found = [send("commcare", case.format(day=day).encode()) for day in (2, 2, 3, 1)]

    assert [outcomes(one)[0] for one in found] == ["released", "repeated", "released", "older"]


def test_what_says_nothing_of_itself_is_known_by_its_content(send):
    figures = {"dataSet": "dAtAsEtAbCd", "period": "202605", "orgUnit": "oRgUnItAbCd"}
    several = {"trackedEntities": [{"trackedEntity": "x"}], "events": [{"event": "y"}]}
    event = {"path": "p", "meta": {"op": "create"}, "object": {"event": "e", "orgUnit": "o"}}
    flow = [[["2026-05-01", "row", "contact", "session", "q", "a", {}]]]
    lists = [("dhis2", figures | {"dataValues": []}), ("dhis2", several), ("ona", flow)]
    lists += [("commcare", flow), ("kobo", [3]), ("primero", {"data": [None]})]
    for name, body in [*lists, ("dhis2", event), ("odk", {"__id": "x" * 400}), ("rapidpro", {})]:
        answer = send(name, body)
        assert answer.status_code in (201, 403, 422), answer.text
        assert "route" in answer.json()


def test_a_contact_is_known_by_its_last_change(send):
    contact = {"uuid": "c1", "name": "x", "urns": ["tel:+1"], "groups": [], "fields": {},
               "results": {"size": {"value": "4"}}}  # fmt: skip
    found = [send("rapidpro", contact | {"modified_on": f"2026-05-0{day}T10:00:00Z"})
             for day in (2, 2, 3, 1)]  # fmt: skip
    assert [outcomes(one)[0] for one in found] == ["released", "repeated", "released", "older"]
    assert send("rapidpro", contact | {"modified_on": "9999-99-99"}).status_code == 201


def test_a_notice_and_a_deletion_are_told_apart(send):
    notice = {"received_on": "2026-05-01T10:00:00Z", "form_id": "f9", "case_ids": ["c"]}
    gone = {"path": "tracker.x", "meta": {"op": "delete"}, "object": {"event": "e"}}

    assert send("forms", notice).json()["rule"] == "commcare.notice"
    assert send("dhis2", gone).json()["rule"] == "route.deletion"


def test_a_message_by_its_id(send, household):
    first = send("generic", household, **{"webhook-id": "msg_1"})
    again = send("generic", household, **{"webhook-id": "msg_1"})
    other = {**household, "_uuid": "5", "meta/instanceID": "uuid:5"}

    assert (first.status_code, again.status_code) == (201, 200)
    assert outcomes(send("generic", other, **{"webhook-id": "msg_2"})) == ["released"]
    assert outcomes(send("generic", other)) == ["released"]  # by its content from here on
    assert outcomes(send("generic", other)) == ["repeated"]


def test_nothing_of_a_record_is_in_the_rows(place, household):
    directory, send = place
    send("kobo", household)
    from gateway.deployment import read_keys
    from gateway.log import Log

    key = read_keys(directory).log
    with Log.open(directory / "data", key=key, gateway="demo-1") as log:
        rows = log.rows("SELECT * FROM arrived")
    assert rows
    assert household["_uuid"].encode() not in repr(rows).encode()
    assert all(SENDER not in repr(row) for row in rows)


def test_a_route_does_not_take_the_room_of_all():
    gate = Gate()
    inside = [gate.entered("one") for _ in range(MAX_OF_ROUTE)]
    for one in inside:
        one.__enter__()
    with pytest.raises(GatewayError) as error, gate.entered("one"):
        pass
    assert (error.value.http_status, error.value.rule) == (503, "route.busy")
    with gate.entered("two"):
        pass
    for one in inside:
        one.__exit__(None, None, None)
    with gate.entered("one"):
        pass


@pytest.mark.parametrize(
    ("system", "path", "records"),
    [
        ("kobo", "kobo/open/hash_submission_1.json", 1),
        ("kobo", "kobo/open/transport_with_attachment.xml", 1),
        ("kobo", "kobo/open/rest_submission_transport.json", 1),
        ("odk", "odk/open/odata_submissions.json", 2),
        ("commcare", "commcare/open/forward_case.xml", 1),
        ("commcare", "commcare/open/forward_form.xml", 1),
        ("commcare", "commcare/open/lwala_case_malaria.json", 1),
        ("commcare", "commcare/open/case_v2_single.json", 1),
        ("commcare", "commcare/open/form_v1_list_example.json", 1),
        ("primero", "primero/open/webhook_sync_notification.json", 1),
        ("rapidpro", "rapidpro/open/resthook_payload.snap.json", 1),
        ("dhis2", "dhis2-tracker/open/trackedEntities.json", None),
        ("dhis2", "dhis2-tracker/open/events.json", None),
    ],
)
def test_real_payloads_say_which_record_they_are(samples, system, path, records):
    found = items(system, samples(path).read_bytes(), {})

    assert len(found) == records or (records is None and len(found) > 1)
    assert [one for one in found if not one.known.record] == []
    assert len({one.known.record for one in found}) == len(found)


NAMES = st.sampled_from(
    [
        *(
            "results",
            "count",
            "data",
            "objects",
            "cases",
            "value",
            "object",
            "meta",
            "op",
            "case_id",
        ),
        *("form_id", "case_ids", "path", "run", "uuid", "flow", "contact", "events", "event"),
        *("trackedEntities", "enrollments", "id", "submission", "meta/instanceID", "updatedAt"),
        *("dataSet", "last_updated_at", "__system", "#text", "modified_on", "dataValues"),
    ]
)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9)
)
ANYTHING = st.deferred(
    lambda: LEAVES | st.lists(ANYTHING, max_size=3) | st.dictionaries(NAMES, ANYTHING, max_size=4)
)


@given(st.sampled_from(sorted({*LISTS, "generic"})), ANYTHING)
def test_any_json_is_taken_apart_or_refused(system, value):
    with suppress(SenderError):
        for one in items(system, json.dumps(value, indent=1).encode(), {}):
            assert isinstance(one.content, bytes)


@given(st.binary(max_size=60))
def test_any_bytes_are_taken_apart_or_refused(content):
    with suppress(SenderError):
        items("commcare", content, {})


def test_a_time_without_a_zone_is_utc_wherever_we_are(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Kabul")
    time.tzset()
    try:
        assert moment("2022-12-11T09:35:57") == moment("2022-12-11T09:35:57Z") == 1670751357000000
    finally:
        monkeypatch.undo()
        time.tzset()
