"""Ways round a person's rights that were tried once and must stay closed."""

import asyncio
import json
import time

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey

from gateway import session
from gateway.activation import now
from gateway.demo import served
from gateway.deployment import new_bearer, read_deployment, read_keys
from gateway.entry import new_id
from gateway.errors import CorridorError
from gateway.exchange import Transfer, exchange
from gateway.happenings import passed as passing
from gateway.happenings.certificate import TYP, About, Word, read, statement_of
from gateway.happenings.custody import Desk
from gateway.log import Log, Superseded
from gateway.log_subjects import Subjects
from gateway.signing import _decoded, _encoded, new_key
from gateway.subjects import commitments, subject_key, token
from gateway.subjects import rights as done_rights
from gateway.subjects.stops import Stops
from tests import test_subjects
from tests.test_subjects import (
    DPO,
    SENDER,
    carried,
    entries,
    held_rows,
    page,
    rights,
    terms_in,
    told,
)

first = test_subjects.first
world = test_subjects.world


def test_waiting_content_leaves_after_objection(world):
    directory, _, person = world
    [(outcome, _)] = carried(directory, page(1), deliver="inbox")
    told(rights(directory, "object", *DPO, ids=person))
    bearer = new_bearer(directory, "org:sante-sans-rivages")
    with served(directory) as address, httpx.Client(base_url=address, timeout=30) as client:
        got = client.get(
            f"/v1/transfers/{outcome.transfer}/content",
            headers={"Authorization": f"Bearer {bearer}"},
        )
    assert got.status_code == 410, (got.status_code, len(got.content))


@pytest.mark.parametrize("how", ["bare", "bom"])
def test_an_id_that_is_no_record_id(world, how):
    directory, _, person = world
    given = person.partition("/")[2] if how == "bare" else "\ufeff" + person
    done = rights(directory, "object", *DPO, ids=given)
    assert done.exit_code != 0


def test_superseded_retry_of_many(world, monkeypatch):
    directory, _, person = world
    monkeypatch.setattr(commitments, "LEAVES", 2)

    async def raced():
        async with session.opened(directory) as gateway:
            inner, log = gateway.log.submit, gateway.log
            mark = token(subject_key(gateway.keys, SENDER), person)

            def late(entry, **more):
                log.submit = inner
                said = {
                    "v": 1,
                    "type": "rights",
                    "id": new_id(),
                    "gateway": "gw-1",
                    "what": "objection",
                    "case": new_id(),
                    "state": "answered",
                }
                inner(said, subjects=Subjects(stop=[(mark, "objection")]))
                return inner(entry, **more)

            log.submit = late
            transfer = Transfer(new_id(), terms_in(gateway), page(0, 1))
            with pytest.raises(Superseded):
                await exchange(transfer, gateway)
            again = await exchange(transfer, gateway)
            again.released.close()

    asyncio.run(raced())


def test_erase_interrupted_leaves_idempotency(world, monkeypatch):
    directory, _, person = world
    inner = Log.destroy

    def torn(self, kind, key):
        if kind == "idempotency":
            raise KeyboardInterrupt
        return inner(self, kind, key)

    monkeypatch.setattr(Log, "destroy", torn)
    done = rights(directory, "erase", *DPO, ids=person)
    assert done.exit_code != 0
    monkeypatch.undo()
    told(rights(directory, "erase", *DPO, ids=person))
    assert held_rows(directory, "SELECT key FROM kept WHERE kind = 'idempotency'") == []


def test_refused_case_lifts_a_standing_stop(world):
    directory, _, person = world
    told(rights(directory, "object", *DPO, ids=person))
    case = rights(directory, "receive", "objection", *DPO, json=False).stdout.strip()
    rights(
        directory, "refuse", *DPO, "--case", case, "--reason", "dpv:LegalClaimImpaired", json=False
    )
    rights(directory, "close", *DPO, "--case", case, ids=person, json=False)
    stops = held_rows(directory, "SELECT * FROM subject_stop")
    assert stops


def test_lift_of_a_wrong_person_is_said(world):
    directory, _, person = world
    case = told(rights(directory, "object", *DPO, ids=person))["case"]
    done = rights(directory, "close", *DPO, "--case", case, ids=person + "x", json=False)
    again = rights(directory, "close", *DPO, "--case", case, ids=person, json=False)
    assert done.exit_code != 0
    assert again.exit_code == 0


def _late():
    return time.time_ns() // 1_000_000 + 400 * 3_600_000


def test_more_than_a_round_expires(world, monkeypatch):
    directory, _, _ = world
    made = carried(directory, page(0), page(1), deliver="inbox")
    monkeypatch.setattr(passing, "MAX_LOST", 1)
    held = read_deployment(directory)
    late = _late
    with Log.open(held.data, key=read_keys(directory).log, gateway="gw-1", clock=late) as log:
        passing.passed(Desk(log, held, late))
        log.destroy_expired()
        states = [log.state(o.transfer) for o, _ in made]
    assert states == ["not_released"] * 2, states


def test_erase_race(world, monkeypatch):
    directory, _, person = world
    made = []
    inner = done_rights._destroy_kept

    def slow(log, transfers):
        inner(log, transfers)
        made.extend(carried(directory, page(1)))

    monkeypatch.setattr(done_rights, "_destroy_kept", slow)
    told(rights(directory, "erase", *DPO, ids=person))
    monkeypatch.undo()
    name = made[0][0].transfer
    recalls = [o["transfer"] for o in entries(directory, "custody") if o["what"] == "recall"]
    found = [
        t["transfer"] for t in told(rights(directory, "access", *DPO, ids=person))["transfers"]
    ]
    assert name in recalls or name in found


@pytest.mark.parametrize(
    "record",
    [
        {"record_type": "case", "record_id": "d/c9", "subject": "d/p1"},
        {"record_type": "assistance", "record_id": "d/a9", "beneficiary": "d/p1"},
        {"record_type": "missing-person", "record_id": "d/m9", "person_record_id": "d/p1"},
    ],
)
def test_about(record):
    key = b"k" * 32
    assert Stops(1, frozenset({token(key, "d/p1")})).check(key)(record)


def test_header():
    private, public = new_key()
    key = Ed25519PrivateKey.from_private_bytes(_decoded(private["d"]))
    kid = OKPKey.import_key({**private}).thumbprint()
    about = About("deleted", "01a2054a-32a7-7679-97ab-3d02ccc9a926", "org:x")
    pay = statement_of(about, Word(state="done"), now())
    head = (
        f'{{"alg":"Ed25519","kid":"Amina Yusuf, +252 61 5550101","kid":"{kid}","typ":"{TYP}"}}'
    ).encode()
    text = _encoded(head) + "." + _encoded(pay)
    jws = text + "." + _encoded(key.sign(text.encode()))
    with pytest.raises(CorridorError):
        read(
            json.dumps({"signed": jws}).encode(),
            about,
            [{"jwk": public}],
            since=0,
            now=time.time_ns() // 10**6,
        )


def test_without_setting(world):
    directory, _, person = world
    path = directory / "corridor.toml"
    path.write_text(path.read_text() + "\n[log]\nsubjects = false\n")
    carried(directory, page(1), deliver="inbox")
    done = rights(directory, "erase", *DPO, ids=person)
    assert done.exit_code == 1
    assert "rights.not_kept" in done.output
