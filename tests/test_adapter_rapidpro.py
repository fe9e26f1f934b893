"""RapidPro: contacts, runs and posts of resthooks, bodies of contacts, and answers."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import adapters.rapidpro
from adapters.rapidpro import RapidPro
from adapters.rapidpro.answers import outcomes
from gateway.adapter import Outcome, read, write
from gateway.errors import SenderError
from gateway.mapping import Plan, plan_of, read_mapping
from gateway.record import Parsed

CANARY = "CanaryAmina"
SAMPLES = Path(adapters.rapidpro.__file__).parent / "samples"
MAPPINGS = Path(__file__).parent / "real" / "mappings"
CONTACTS = read_mapping(SAMPLES / "mapping.yaml")
HOOK = read_mapping(SAMPLES / "hook.json.mapping.yaml")

TABLE: dict[str, Any] = {
    "mapping": "small",
    "version": "1",
    "format": "rapidpro",
    "authority": "rapidpro.example",
    "records": [
        {
            "type": "person",
            "id": {"first": ["uuid", "contact/uuid"]},
            "fields": {
                "name.full_name": "name",
                "name.given_name": "contact/name",
                "phone_number[]": [
                    {
                        "from": ["urns/tel", "contact/urns/tel"],
                        "missing": {"null": "withheld"},
                    },
                    "urns/tel#2",
                ],
                "identifier[]": [
                    {
                        "needs": "identifier_value",
                        "fields": {
                            "identifier_value": "urns/telegram",
                            "issuer": "urns/telegram/display",
                        },
                    }
                ],
                "religion": {"from": "results/faith/value"},
                "ethnicity": "fields/tribe",
                "relationships[]": {
                    "each": "groups",
                    "fields": {"related": {"from": "groups/uuid", "as": "reference"}},
                },
            },
        }
    ],
}
SMALL = plan_of(TABLE, at="table")


def variant(fields: dict[str, Any], **record: Any) -> Plan:
    changed = {**TABLE["records"][0], **record, "fields": fields}
    return plan_of({**TABLE, "records": [changed]}, at="table")


def parse(content: Any, plan: Plan = SMALL) -> Parsed:
    found = content if isinstance(content, bytes) else json.dumps(content).encode()
    return read(RapidPro(), found, plan)


def only(content: Any, plan: Plan = SMALL) -> dict[str, Any]:
    (record,) = parse(content, plan).records
    return record


def refused(content: Any) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        parse(content)
    assert CANARY not in str(caught.value)
    return caught.value.rule, caught.value.at


def contact(**more: Any) -> dict[str, Any]:
    return {"uuid": "u-1", "name": "Hodan", "status": "active", "urns": [], "fields": {}, **more}


def hook(**more: Any) -> dict[str, Any]:
    said = {"uuid": "u-1", "name": "Hodan", "urn": "tel:+0615550181"}
    return {"contact": said, "flow": {"uuid": "f"}, "results": {}, "run": {"uuid": "r"}, **more}


# -- reading -----------------------------------------------------------------------------------

ONE = contact(urns=["tel:+0615550181"])


@pytest.mark.parametrize(
    "content",
    [
        ONE,
        [ONE],
        {"next": None, "previous": None, "results": [ONE]},
        orjson.dumps(ONE) + b"\n" + orjson.dumps(ONE | {"uuid": "u-2"}) + b"\n",
        hook(),
        {"next": None, "results": [{"resthook": "new", "data": hook(), "created_on": "x"}]},
        contact(urns=None, urn="tel:+0615550181"),
        contact(urns=["tel:+0615550181"], urn="tel:+0615550181"),
        contact(urns=[{"scheme": "tel", "path": "+0615550181", "display": None}]),
    ],
    ids=["one", "list", "page", "lines", "hook", "events", "urn", "urn and urns", "expanded"],
)
def test_every_notation_holds_the_same_contact(content):
    first = parse(content).records[0]

    assert first["record_id"] == "rapidpro.example/u-1"
    assert first["phone_number"] == ["+0615550181"]


def test_addresses_stand_under_their_scheme():
    urns = ["tel:+1", "telegram:99#hodan_j", "tel:+2", "tel:+3", "viber:a:b"]
    found = parse(contact(urns=urns))

    (record,) = found.records
    assert record["phone_number"] == ["+1", "+2"]
    assert record["identifier"] == [{"identifier_value": "99", "issuer": "hodan_j"}]
    assert {"urns/tel#3", "urns/viber"} <= set(found.unmapped)


@pytest.mark.parametrize(
    ("content", "absent"),
    [
        (contact(urns=["tel:********"]), {"phone_number": "withheld"}),
        (hook(contact={"uuid": "u-1", "urn": "tel:********"}), {"phone_number": "withheld"}),
        (contact(urns=[{"scheme": "tel", "path": None}]), {"phone_number": "withheld"}),
        (contact(urns=[{"scheme": "tel", "path": "********"}]), {"phone_number": "withheld"}),
        (hook(contact={"uuid": "u-1", "urn": None}), None),
        (hook(contact={"uuid": "u-1", "urn": ""}), None),
    ],
)
def test_a_hidden_number_is_none(content, absent):
    record = only(content)

    assert "phone_number" not in record
    assert record.get("absent") == absent


def test_a_mask_is_no_number_beside_one_either():
    assert only(contact(urns=["tel:+1", "tel:********"]))["phone_number"] == ["+1"]


def test_what_a_flow_knows_of_an_address_is_no_part_of_it():
    found = parse(hook(contact={"uuid": "u-1", "urns": ["tel:+1?channel=57f1&id=3#d"]}))

    assert found.records[0]["phone_number"] == ["+1"]
    assert {"contact/urns/tel/query", "contact/urns/tel/display"} <= set(found.unmapped)


def test_lists_of_any_depth_beside_what_is_mapped_are_told():
    extra = {"a": [{"b": [{"c": 1}]}], "d": [1, [2]]}
    found = parse(hook(results={"web": {"value": "200", "extra": extra}}))

    assert {"results/web/extra/a", "results/web/extra/d"} <= set(found.unmapped)


@pytest.mark.parametrize("name", ["results", "values"])
def test_answers_are_called_results_in_hooks_and_values_in_runs(name):
    run = {"contact": {"uuid": "u-1"}, name: {"faith": {"value": "none", "category": ""}}}

    assert only(run)["religion"] == "none"


def test_a_number_of_the_servers_own_is_an_id():
    message = {"id": 4105426, "contact": {"uuid": "u-1"}, "urn": "tel:+1", "text": "hello"}
    plan = variant({"phone_number[]": ["urns/tel"], "ethnicity": "text"}, id={"first": ["id"]})

    record = only(message, plan)

    assert record["record_id"] == "rapidpro.example/4105426"
    assert (record["phone_number"], record["ethnicity"]) == (["+1"], "hello")


def test_groups_are_objects_or_their_uuids():
    named = contact(groups=[{"uuid": "g-1", "name": "Parents"}])

    assert only(named) == only(contact(groups=["g-1"]))
    assert only(named)["relationships"] == [{"related": "rapidpro.example/g-1"}]


def test_a_page_that_goes_on_says_so():
    page = {"next": "https://rapidpro.example/x", "previous": None, "results": [ONE]}

    assert "next" in parse(page).unmapped
    assert "next" not in parse(page | {"next": None}).unmapped


@pytest.mark.parametrize(
    ("content", "rule", "at"),
    [
        (3, "rapidpro.not_contacts", ""),
        ([CANARY], "source.not_object", "object 1"),
        ({"results": []}, "rapidpro.not_a_page", ""),
        ({"uuid": "g-1", "name": CANARY, "query": None}, "rapidpro.not_contacts", "object 1"),
        ({"trigger": {}, "outputs": [], "contact": {}}, "rapidpro.engine_test", "object 1"),
        ([{"action": {}, "inspection": {}}], "rapidpro.engine_test", "object 1"),
        ({"detail": CANARY}, "rapidpro.error", "object 1"),
        (contact(contacts=[], text=CANARY), "rapidpro.not_contacts", "object 1"),
        ({"nodes": [], "uuid": "f"}, "rapidpro.flow_definition", "object 1"),
        ([ONE, contact(name=None, status=None)], "rapidpro.deleted", "object 2"),
        (contact(name=None, urns=None, fields=None), "rapidpro.deleted", "object 1"),
        (
            {"id": 1, "contact": {"uuid": "u"}, "visibility": "deleted", "text": ""},
            "rapidpro.deleted",
            "object 1",
        ),
        (contact(urns=["0615550181"]), "rapidpro.urn", "object 1, urns"),
        (contact(urns=[3]), "rapidpro.urn", "object 1, urns"),
        (contact(urns=CANARY), "source.not_a_list", "object 1, urns"),
        (hook(contact={"urns": [{"path": CANARY}]}), "source.no_kind", "object 1, contact/urns, i"),
        ({**ONE, "urns/tel": "+2"}, "json.key_twice", "object 1"),
        (b'{"uuid": "1", "uuid": "2", "urns": []}', "json.key_twice", "object 1"),
        (b'{"results": [{"a": 1},\n ...', "json.invalid", "line 2, column 2"),
        (b"Name,URN:tel\nDr\xe0zen,+2507\n", "rapidpro.table", ""),
        (b'\xef\xbb\xbf"Name";"URN:tel"\r', "rapidpro.table", ""),
        ("Name\tURN".encode("utf-16"), "rapidpro.table", ""),
        (b"PK\x03\x04\x00", "rapidpro.table", ""),
        ('{"urns": []}'.encode("utf-16"), "json.not_utf8", ""),
        (b"\xfe\xff" + '[{"urns": []}]'.encode("utf-16-be"), "json.not_utf8", ""),
        (b"", "json.empty", ""),
        (b"hello", "json.invalid", "line 1, column 1"),
    ],
)
def test_what_is_no_living_contact_is_refused(content, rule, at):
    found = refused(content)
    assert (found[0], found[1][: len(at) or None]) == (rule, at)


# -- writing -----------------------------------------------------------------------------------


def made(**fields: Any) -> dict[str, Any]:
    return {
        "record_type": "person",
        "schema_version": "1.0",
        "record_id": "rapidpro.example/u-1",
        **fields,
    }


def body(record: dict[str, Any], plan: Plan = SMALL) -> tuple[Any, tuple[str, ...]]:
    written = write(RapidPro(), [record], plan)
    return orjson.loads(written.content), written.unrendered


def test_a_body_has_the_servers_own_shape():
    record = made(
        name={"full_name": "Hodan"},
        phone_number=["+1", "+2"],
        identifier=[{"identifier_value": "99", "issuer": "hodan_j"}],
        ethnicity="x",
        relationships=[{"related": "rapidpro.example/g-1"}],
    )

    found, unrendered = body(record)

    assert unrendered == ()
    assert found == {
        "uuid": "u-1",
        "name": "Hodan",
        "urns": ["tel:+1", "tel:+2", "telegram:99#hodan_j"],
        "groups": ["g-1"],
        "fields": {"tribe": "x"},
    }
    assert only(found) == record


def test_a_hidden_number_is_not_written():
    # A mask would be refused, or be somebody's number.
    record = made(absent={"phone_number": "withheld"})

    assert body(record) == ({"uuid": "u-1", "fields": {}}, ("person.absent",))


def test_a_contact_without_a_field_is_still_one():
    # No `urns`: the server would take every number away.
    assert body(made()) == ({"uuid": "u-1", "fields": {}}, ())


def test_a_name_of_an_address_alone_is_not_written():
    record = made(identifier=[{"issuer": CANARY}])

    assert body(record) == ({"uuid": "u-1", "fields": {}}, ("person.identifier[].issuer",))


HOOKED: dict[str, Any] = {
    "phone_number[]": ["contact/urns/tel", "contact/urns/tel#2"],
    "religion": "results/faith/value",
}


@pytest.mark.parametrize(
    ("phones", "said"),
    [(["+1"], {"urn": "tel:+1"}), (["+1", "+2"], {"urns": ["tel:+1", "tel:+2"]}), ([], {})],
)
def test_a_mapping_for_hooks_writes_what_a_hook_posts(phones, said):
    plan = variant(HOOKED, id={"first": ["run/uuid"]})
    record = made(religion="none", **({"phone_number": phones} if phones else {}))

    found, unrendered = body(record, plan)

    assert unrendered == ()
    assert found == {
        "run": {"uuid": "u-1"},
        "results": {"faith": {"value": "none"}},
        "contact": said,
    }
    assert only(found, plan) == record


@pytest.mark.parametrize("path", ["urns", "contact"])
def test_addresses_are_no_value(path):
    plan = variant({"religion": path, "phone_number[]": ["urns/tel", "contact/urns/tel"]})

    with pytest.raises(SenderError) as caught:
        write(RapidPro(), [made(religion="a", phone_number=["+1", "+2"])], plan)
    assert caught.value.rule == "mapping.both"


@pytest.mark.parametrize(
    ("name", "plan"), [("contacts.json", CONTACTS), ("hook.json", HOOK)], ids=["page", "hook"]
)
def test_samples_go_both_ways(name, plan):
    records = parse((SAMPLES / name).read_bytes(), plan).records

    written = write(RapidPro(), records, plan)

    hidden = any(record.pop("absent", None) for record in records)
    assert written.media_type == "application/json"
    assert written.unrendered == (("person.absent",) if hidden else ())
    assert parse(written.content, plan).records == records
    assert written.content.count(b"\n") == len(records) - 1


@pytest.mark.parametrize(
    ("name", "mapping"),
    [
        ("doc_contacts_list.json", "contacts"),
        ("doc_contacts_post.json", "upsert"),
        ("resthook_payload.snap.json", "hook"),
    ],
)
def test_real_payloads_go_both_ways(samples, name, mapping):
    plan = read_mapping(MAPPINGS / f"rapidpro-{mapping}.yaml")
    records = parse(samples(f"rapidpro/open/{name}").read_bytes(), plan).records

    written = write(RapidPro(), records, plan)

    assert written.unrendered == ()
    assert parse(written.content, plan).records == records
    assert len(written.lineage) > 3


# -- answers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "sent", "expected"),
    [
        (contact(modified_on="2026-05-11T07:31:02.576056Z"), 1, [Outcome(0, "accepted")]),
        (
            {
                "urns": {"0": [CANARY], "1": CANARY},
                "language": [CANARY],
                "non_field_errors": [CANARY],
                "A b": [CANARY],
                "uuid": [],
            },
            1,
            [
                Outcome(0, "refused", None, "urns/0"),
                Outcome(0, "refused", None, "language"),
                Outcome(0, "refused"),
                Outcome(0, "refused"),
            ],
        ),
        ({"detail": CANARY}, 1, [Outcome(0, "refused")]),
        ({"detail": CANARY}, 2, [Outcome(None, "refused")]),
        ({"uuid": "u-1"}, 1, [Outcome(0, "unknown")]),
        ({"detail": 3}, 1, [Outcome(0, "unknown")]),
    ],
)
def test_answers_say_what_became_of_an_object(answer, sent, expected):
    assert outcomes(orjson.dumps(answer), sent) == expected
    assert RapidPro().outcomes(orjson.dumps(answer), sent) == expected


# -- any JSON ----------------------------------------------------------------------------------

KEYS = ["uuid", "contact", "urns", "urn", "groups", "fields", "results", "values", "next", "name"]
KEYS += ["scheme", "path", "id", "status", "tribe", "faith", "value"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=15,
)


def answers(content: Any) -> bool:
    """Parsed or `SenderError`; anything else escapes and fails the test."""
    try:
        return isinstance(parse(content), Parsed)
    except SenderError as error:
        return bool(error.rule)


@given(JSON)
def test_any_json_is_an_answer(value):
    for content in (value, contact(urns=value, groups=value), hook(results=value)):
        assert answers(content)
