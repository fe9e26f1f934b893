"""Records that are not sound are listed by position and rule; lenient, the others are carried."""

import io
import shutil

import httpx
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from corridor.client import Client, Terms
from gateway import adapter, receipt, records
from gateway.cli import app
from gateway.demo import served
from gateway.errors import SenderError
from gateway.faults import ANSWERED, RECEIPTED
from gateway.record import Reading
from tests.bulk_world import World, ndjson, submissions

MANY = 60
WRONG = {"_uuid": 7, "meta/instanceID": 7}
SECRET = "Amina-Secret"


@pytest.fixture(scope="module")
def world(prepared, tmp_path_factory):
    directory = tmp_path_factory.mktemp("faults") / "demo"
    shutil.copytree(prepared[0], directory)
    found = World(directory)
    yield found
    found.close()


def spoilt(found: list[dict], places: dict[int, str]) -> bytes:
    """NDJSON with lines that cannot be read, mapped, or taken."""
    lines = [orjson.dumps(one) for one in found]
    for place, how in places.items():
        if how == "json":
            lines[place] = b'{"name": "%s", ' % SECRET.encode()
        elif how == "id":
            lines[place] = orjson.dumps({**found[place], **WRONG})
        else:
            lines[place] = orjson.dumps([1]) if how == "list" else b'"%s"' % SECRET.encode()
    return b"\n".join(lines) + b"\n"


def sound(found: list[dict], places) -> bytes:
    return ndjson([one for n, one in enumerate(found) if n not in places])


HOWS = ("json", "id", "list", "text")


@settings(max_examples=4, deadline=None)
@given(
    places=st.dictionaries(st.integers(2, MANY - 1), st.sampled_from(HOWS), max_size=6),
    target=st.sampled_from(["fhir.r4", "geojson.seq"]),
)
def test_the_sound_records_are_carried_in_parts_as_at_once(world, places, target):
    found = submissions(MANY)

    parts, whole, _ = world.both(spoilt(found, places), lenient=True, target=target)
    alone, _, _ = world.both(sound(found, places), target=target)

    assert parts == whole
    assert whole[0] == alone[0]  # the content
    details = dict(whole[1])
    faults = details.pop("faults", {"count": 0, "first": []})
    assert faults["count"] == len(places)
    assert [one["record"] for one in faults["first"]] == sorted(n + 1 for n in places)
    assert SECRET not in repr(faults)
    assert details["records"] == alone[1]["records"]
    assert whole[2] == alone[2]  # the entry says nothing of them


@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize("page", [False, True])
def test_a_refusal_lists_every_one(world, lenient, page):
    found = submissions(MANY)
    places = {3: "id", 40: "id", 41: "json"}
    payload = spoilt(found, places)
    if page:
        places.pop(41)
        items = [{**one, **WRONG} if n in places else one for n, one in enumerate(found)]
        payload = orjson.dumps({"count": MANY, "next": None, "results": items})

    parts, whole, _ = world.both(payload, lenient=lenient)

    assert parts == whole
    if lenient:
        assert whole[1]["faults"]["count"] == len(places)
    else:
        assert whole[:3] == ("value.not_text", whole[1], 422)
        assert [one["record"] for one in whole[3]] == [n + 1 for n in places]
        assert whole[3][0]["at"] == whole[1]


def test_what_breaks_off_is_refused_and_ends_the_list(world):
    found = submissions(MANY)
    encrypted = {**found[-1], "base64EncryptedKey": "x"}
    items = [{**found[0], **WRONG}, *found[1:-1], encrypted]

    for payload in (orjson.dumps(found)[:-2], orjson.dumps(items), ndjson([found[0] | WRONG])):
        parts, whole, _ = world.both(payload, lenient=True)

        assert parts == whole
        assert whole[2] == 422
    _, whole, _ = world.both(orjson.dumps(items))
    assert [one.get("record") for one in whole[3]] == [1, None]


def test_one_id_with_two_contents_refuses_all(world):
    found = submissions(MANY)
    twice = [*found, {**found[3], "household_location/address_h_c": "elsewhere"}]

    parts, whole, _ = world.both(ndjson(twice), lenient=True)

    assert parts == whole
    assert whole[0] == "record.conflict"


def parsed(name, content, plan, *, lenient=True, hold=True):
    reading = Reading()

    def parse(told):
        return adapter.named(name).parse(io.BytesIO(content), plan, told)

    def class_of(record):
        return record["record_type"], ()

    found = records.read(parse, reading, class_of, hold=hold, lenient=lenient)
    return [record for record, _ in found], reading.faults


@pytest.mark.parametrize("hold", [True, False])
def test_lists_are_bounded(world, hold):
    plan = next(one for one in world.gateway.deployment.mappings.values() if one.format == "kobo")
    payload = ndjson([{**one, **WRONG} for one in submissions(RECEIPTED + 2)] + submissions(1))

    left, faults = parsed("kobo", payload, plan, hold=hold)
    with pytest.raises(SenderError) as error:
        parsed("kobo", payload, plan, lenient=False, hold=hold)

    assert left
    assert (faults.count, len(faults.first)) == (RECEIPTED + 2, RECEIPTED)
    assert [one["record"] for one in error.value.faults] == list(range(1, ANSWERED + 1))


def test_records_without_a_reader_of_objects_are_counted_themselves():
    good, bad = ({"record_type": "person", "record_id": one} for one in ("a/1", "a/2"))
    bad["sex"] = 7
    reading = Reading()

    found = records.read(
        lambda told: iter([good, bad, {"record_type": "?"}]),
        reading,
        lambda record: (record["record_type"], ()),
        hold=False,
        lenient=True,
    )

    assert [record for record, _ in found] == [good]
    assert [one["record"] for one in reading.faults.first] == [2, 3]


def test_a_table_goes_on_behind_a_bad_row():
    from tests.test_adapter_tabular import plan

    content = b"No,sex\n1,F\n,F\n2,F,x,y\n3,F\n"

    left, faults = parsed("tabular", content, plan())

    assert [one["record"] for one in faults.first] == [2, 3]
    assert [one["rule"] for one in faults.first][1] == "table.row_length"
    assert len(left) == 2


# Over HTTP, and by command


TERMS = Terms("agr:registration-2026", "hum.assist.registration", "kobo")
MIXED = spoilt(submissions(4), {1: "id", 2: "json"})


@pytest.fixture(scope="module")
def address(prepared, tmp_path_factory):
    directory = tmp_path_factory.mktemp("faults-http") / "demo"
    shutil.copytree(prepared[0], directory)
    with served(directory) as found:
        yield found


def post(address, token, path="/v1/transfers", **headers):
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(
        address + path,
        params={"agreement": TERMS.agreement, "purpose": TERMS.purpose, "format": TERMS.format},
        content=MIXED,
        headers={"Authorization": f"Bearer {token}", **said},
    )


LISTED = [(2, "value.not_text"), (3, "json.truncated")]


def listed(faults) -> list[tuple[int, str]]:
    assert SECRET not in repr(faults)
    return [(one["record"], one["rule"]) for one in faults]


def test_a_problem_document_lists_them(prepared, address):
    told = post(address, prepared[1])

    assert told.status_code == 422
    assert told.json()["rule"] == "value.not_text"
    assert listed(told.json()["faults"]) == LISTED


def test_who_prefers_it_lenient_gets_the_others(prepared, address):
    lenient = {"Prefer": "handling=lenient"}

    made = post(address, prepared[1], **lenient, Idempotency_Key="a")
    taken = post(address, prepared[1], Prefer="return=representation, handling=lenient")
    seen = post(address, prepared[1], "/v1/preview", **lenient)
    again = post(address, prepared[1], Idempotency_Key="a")

    assert made.status_code == taken.status_code == 201
    assert made.headers["Preference-Applied"] == "handling=lenient"
    assert taken.headers["Preference-Applied"] == "return=representation, handling=lenient"
    details = made.json()["details"]
    assert listed(details["faults"]["first"]) == LISTED
    assert seen.json()["details"]["faults"] == details["faults"]
    assert again.json()["rule"] == "idempotency.conflict"
    vkey = (prepared[0] / "keys" / "log.vkey").read_text().strip()
    assert receipt.verify(made.content, vkey=vkey).details == details


def test_a_job_lists_them_too(prepared, address):
    with Client(address, prepared[1]) as client:
        refused = client.transfer(TERMS, MIXED, later=True)
        carried = client.transfer(TERMS, MIXED, later=True, lenient=True)
        told = client.wait(refused.transfer, every=0.05)
        done = client.wait(carried.transfer, every=0.05)

        assert told.state == "failed"
        assert listed(told.said["problem"]["faults"]) == LISTED
        assert done.state != "failed"
        assert listed(client.receipt(carried.transfer).details["faults"]["first"]) == LISTED


def test_the_command_lists_them(deployment, tmp_path):
    (tmp_path / "in.ndjson").write_bytes(MIXED)
    command = ["exchange", str(tmp_path / "in.ndjson"), "-d", str(deployment),
               "--format", "kobo", "--agreement", TERMS.agreement, "--purpose", TERMS.purpose,
               "--out", str(tmp_path / "out"), "--receipt", str(tmp_path / "receipt")]  # fmt: skip

    strict = CliRunner().invoke(app, command)
    lenient = CliRunner().invoke(app, [*command, "--lenient"])

    assert strict.exit_code == 1
    assert "record 2 value.not_text" in strict.stderr
    assert "record 3 json.truncated" in strict.stderr
    assert lenient.exit_code == 0
    assert "2 left out" in lenient.stdout
    assert "faults" in orjson.loads((tmp_path / "receipt").read_bytes())["details"]
