"""The same entries and open work, where the log is in PostgreSQL."""

import json
import shutil

import pytest

from gateway.audit import verify_log
from gateway.deployment import read_deployment, read_keys
from gateway.entry import SCHEMA, new_id
from gateway.errors import SenderError
from gateway.happenings import custody, decided, followed, incident
from gateway.happenings.affected import Asked, affected
from gateway.happenings.custody import Desk
from gateway.happenings.incident import Opening
from gateway.happenings.passed import passed
from gateway.log import Keep, Log
from tests.test_followed import made, officer

SENDER, RECIPIENT = "org:amal-relief", "org:sante-sans-rivages"
SAMPLE = json.loads((SCHEMA.parent.parent / "tests/vectors/released_transfer.json").read_text())


@pytest.fixture
def directory(deployment, database):
    officer(deployment)
    made(deployment)
    settings = deployment / "corridor.toml"
    settings.write_text(
        settings.read_text() + f'\n[log]\nstore = "postgresql"\ndatabase = "{database}"\n'
    )
    shutil.rmtree(deployment / "data")
    held = read_deployment(deployment)
    origin, key = held.settings.gateway.origin, read_keys(deployment).log
    Log.create(held.data, origin=origin, key=key, gateway="gw-1").close()
    return deployment


def test_every_way_of_writing_and_finding(directory):
    held, keys = read_deployment(directory), read_keys(directory)
    with Log.open(held.data, key=keys.log, gateway="gw-1") as log:
        desk = Desk(log, held)
        assert [followed.follow(log, held, keys) for _ in range(2)] == [7, 0]
        assert [decided.follow(log, held, keys) for _ in range(2)] == [1, 0]
        names = [new_id() for _ in range(3)]
        for n, name in enumerate(names):
            parties = {"sender": {**SAMPLE["sender"], "party": SENDER},
                       "recipient": {**SAMPLE["recipient"], "party": RECIPIENT}}  # fmt: skip
            keep = [Keep("content", name, b"sealed", RECIPIENT, expires=n)] if n else []
            log.append({**SAMPLE, **parties, "id": name}, keep=keep)
        assert [one.transfer for one in affected(log, Asked(recipient=RECIPIENT))] == names
        passed(desk)
        assert [log.state(name) for name in names] == ["open", "not_released", "not_released"]

        custody.acknowledge(desk, names[0], RECIPIENT, b"")
        with pytest.raises(SenderError, match="told before"):
            custody.acknowledge(desk, names[0], RECIPIENT, b"")
        [asked, never, _] = custody.recall(desk, names, "breach")
        assert never["state"] == "never_left"
        [open_] = custody.asked_of(log, RECIPIENT)
        assert open_["recall"] == asked["recall"]
        custody.answer(desk, asked["recall"], RECIPIENT, b'{"state":"done"}')
        assert custody.asked_of(log, RECIPIENT) == []

        opening = Opening("incident", "other", 2, RECIPIENT, 1)
        incident.open_case(log, held, opening, "officer:dpo-1")
        [case] = incident.cases(log).values()
        incident.update(log, held, case.id, "contained", "officer:dpo-1")
        assert incident.cases(log)[case.id].said() == {"opened", "contained"}
    assert verify_log(held.data, vkey=held.vkey()).problems == ()
