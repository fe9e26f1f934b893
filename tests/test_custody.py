"""What recipients say of their copies, over HTTP: acknowledgements, deletions, recalls."""

import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from joserfc.jwk import OKPKey
from typer.testing import CliRunner

from gateway import log_view
from gateway.audit import verify_log
from gateway.cli import app
from gateway.demo import served
from gateway.deployment import new_bearer, read_deployment, read_keys
from gateway.document_edit import read_text, replace, with_item
from gateway.entry import new_id, parse
from gateway.happenings import custody
from gateway.happenings.certificate import FORM, TYP, About, Word, statement_of
from gateway.happenings.custody import Desk
from gateway.happenings.passed import passed
from gateway.log import Log
from gateway.receipt import verify
from gateway.signing import new_key, sign, write_private

SENDER, RECIPIENT = "org:amal-relief", "org:sante-sans-rivages"
AT = "2030-01-01T00:00:00Z"
TERMS = {
    "agreement": "agr:registration-2026",
    "purpose": "hum.assist.registration",
    "format": "kobo",
}


class World:
    """A server, its parties, and transfers whose content was fetched."""

    def __init__(self, directory: Path, client: httpx.Client, tokens, key: OKPKey) -> None:
        self.directory, self.client, self.key = directory, client, key
        self.sender, self.recipient, self.stranger = (
            {"Authorization": f"Bearer {token}"} for token in tokens
        )

    def released(self, payload: bytes, *, fetched: bool = True) -> str:
        answer = self.client.post(
            "/v1/transfers", params={**TERMS, "deliver": "inbox"}, content=payload,
            headers=self.sender,
        )  # fmt: skip
        address = answer.headers["location"]
        if fetched:
            held = self.client.get(f"{address}/content", headers=self.recipient)
            self.content = held.content
        return address.rpartition("/")[2]

    def say(self, path: str, body=None, who=None):
        return self.client.post(path, json=body or {}, headers=who or self.recipient)

    def acknowledge(self, transfer: str, body=None, who=None):
        return self.say(f"/v1/transfers/{transfer}/acknowledgement", body, who)

    def delete(self, transfer: str, body=None, who=None):
        return self.say(f"/v1/transfers/{transfer}/deletion", body or {"state": "done"}, who)

    def recall(self, *transfers: str, reason="wrong_data", who=None):
        body = {"transfers": transfers, "reason": reason}
        return self.say("/v1/recalls", body, who or self.sender)

    def asked(self, transfer: str) -> str:
        [one] = self.recall(transfer).json()["items"]
        return one["recall"]

    def answer(self, recall: str, state: str, who=None, **more):
        return self.say(f"/v1/recalls/{recall}/answer", {"state": state, **more}, who)

    def signed(self, what: str, transfer: str, *, at=None, recall=None, key=None, **word) -> str:
        about = About(what, transfer, RECIPIENT, recall)
        return sign(statement_of(about, Word(**word), at or now()), key or self.key, TYP)

    def entries(self, kind="custody") -> list[dict]:
        found = (parse(leaf) for _, leaf in log_view.entries(self.directory / "data"))
        return [one for one in found if one["type"] == kind]


def now() -> str:
    from gateway.activation import now as moment

    return moment()


@pytest.fixture(scope="module")
def world(prepared, tmp_path_factory):
    directory = tmp_path_factory.mktemp("custody") / "demo"
    shutil.copytree(prepared[0], directory)
    private, public = new_key()
    path = directory / "parties" / "sante-sans-rivages.yaml"
    replace(path, with_item(read_text(path), "keys", {"jwk": public}, at=path.name))
    write_private(directory / "recipient.jwk", private)
    (directory / "officers").mkdir()
    (directory / "officers" / "dpo-1.yaml").write_text(
        f"id: officer:dpo-1\nparty: {SENDER}\nroles: [dpo]\nstatus: active\n"
    )
    others = [new_bearer(directory, one) for one in (RECIPIENT, "org:border-directorate")]
    with served(directory) as address, httpx.Client(base_url=address, timeout=30) as client:
        tokens = (prepared[1], *others)
        yield World(directory, client, tokens, OKPKey.import_key({**private}))
    problems = verify_log(directory / "data", vkey=read_deployment(directory).vkey()).problems
    assert problems == ()


def refused(answer, status: int, rule: str) -> None:
    assert (answer.status_code, answer.json()["rule"]) == (status, rule)


def test_an_acknowledgement_is_an_entry_with_a_proof(world, payload):
    transfer = world.released(payload)
    digest = "sha256:" + hashlib.sha256(world.content).hexdigest()

    answer = world.acknowledge(transfer, {"content": digest})

    assert answer.status_code == 201
    entry = answer.json()["entry"]
    assert (entry["what"], entry["transfer"], entry["party"]) == (
        "acknowledged", transfer, RECIPIENT,
    )  # fmt: skip
    assert world.entries()[-1] == entry
    assert answer.json()["proof"]["size"] > answer.json()["proof"]["index"]
    refused(world.acknowledge(transfer), 409, "custody.twice")


def test_a_digest_of_something_else_is_no_acknowledgement(world, payload):
    transfer = world.released(payload)

    refused(world.acknowledge(transfer, {"content": "sha256:" + "0" * 64}), 422, "custody.content")
    assert not [one for one in world.entries() if one["transfer"] == transfer]


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ({"state": "done"}, "custody.form"),
        ({"name": "Fatima"}, "custody.form"),
        ({"content": "Fatima"}, "custody.form"),
        ({"signed": "a.b.c", "copies": "erased"}, "custody.form"),
        ({"signed": "a.b.c", "state": "done"}, "custody.form"),
        ({"signed": "a.b.c"}, "signature.form"),
    ],
)
def test_a_word_that_is_not_fit_is_refused_and_not_quoted(world, payload, body, rule):
    transfer = world.released(payload)

    answer = world.acknowledge(transfer, body)

    refused(answer, 422, rule)
    assert "Fatima" not in answer.text


def test_only_the_recipient_says_what_became_of_its_copies(world, payload):
    transfer = world.released(payload)

    for say in (world.acknowledge, world.delete):
        refused(say(transfer, who=world.stranger), 404, "transfer.unknown")
        refused(say(transfer, who=world.sender), 403, "custody.not_yours")
        refused(say(new_id()), 404, "transfer.unknown")
    recall = world.asked(transfer)
    for who in (world.sender, world.stranger):
        refused(world.answer(recall, "done", who), 404, "recall.unknown")
    held = f"/v1/transfers/{transfer}/custody"
    assert world.client.get(held, headers=world.stranger).status_code == 404
    assert len(world.client.get(held, headers=world.sender).json()["items"]) == 1


def test_nobody_has_what_was_not_fetched_or_never_left(world, payload):
    waiting = world.released(payload, fetched=False)
    answer = world.client.post(
        "/v1/transfers", params={**TERMS, "purpose": "hum.health.care"}, content=payload,
        headers=world.sender,
    )  # fmt: skip
    held = answer.headers["location"].rpartition("/")[2]

    refused(world.acknowledge(waiting), 409, "custody.not_fetched")
    refused(world.delete(held), 409, "custody.not_released")
    refused(world.recall(held), 409, "custody.not_released")


def test_a_deletion_may_be_partial_first_and_is_then_done_once(world, payload):
    transfer = world.released(payload)

    refused(world.delete(transfer, {"state": "partial"}), 422, "custody.form")
    refused(world.delete(transfer, {"state": "refused", "reason": "backups"}), 422, "custody.form")
    partial = {"state": "partial", "reason": "backups", "copies": "will_expire"}
    assert world.delete(transfer, partial).status_code == 201
    refused(world.delete(transfer, partial), 409, "custody.twice")
    refused(world.acknowledge(transfer), 409, "custody.twice")
    assert world.delete(transfer).status_code == 201
    refused(world.delete(transfer), 409, "custody.twice")

    said = [(one["state"], one.get("reason")) for one in world.entries()[-2:]]
    assert said == [("partial", "backups"), ("done", None)]
    assert [one["state"] for one in world.recall(transfer).json()["items"]] == ["done"]


def test_a_certificate_is_kept_under_the_digest_in_the_entry(world, payload):
    transfer = world.released(payload)
    signed = world.signed("deleted", transfer, state="done", method="erased", copies="erased")

    entry = world.delete(transfer, {"signed": signed}).json()["entry"]

    assert entry["certificate"] == "sha256:" + hashlib.sha256(signed.encode()).hexdigest()
    assert entry["signers"] == [world.key.thumbprint()]
    with opened(world.directory) as log:
        assert log.document(entry["certificate"]) == signed.encode()


def test_a_certificate_counts_for_its_own_transfer_word_party_and_time_only(world, payload):
    transfer, other = world.released(payload), world.released(payload)
    stranger = OKPKey.import_key({**new_key()[0]})
    wrong = {
        "custody.other": [
            world.signed("deleted", other, state="done"),
            world.signed("acknowledged", transfer, state="done"),
            sign(
                statement_of(About("deleted", transfer, SENDER), Word(state="done"), now()),
                world.key, TYP,
            ),
            sign(
                json.dumps({
                    "form": FORM, "what": "deleted", "transfer": transfer, "party": RECIPIENT,
                    "at": now(), "state": "done",
                }).encode(), world.key, TYP,
            ),
        ],
        "custody.moment": [
            world.signed("deleted", transfer, state="done", at=AT),
            world.signed("deleted", transfer, state="done", at="2020-01-01T00:00:00Z"),
        ],
        "custody.form": [
            world.signed("deleted", transfer, state="done", at="2026-02-31T00:00:00Z"),
            sign(b"{}", world.key, TYP),
        ],
        "signature.unknown_key": [world.signed("deleted", transfer, state="done", key=stranger)],
        "signature.typ": [
            sign(statement_of(About("deleted", transfer, RECIPIENT), Word(state="done"), now()),
                 world.key, "corridor-approval+jws")
        ],
    }  # fmt: skip
    for rule, all_signed in wrong.items():
        for signed in all_signed:
            refused(world.delete(transfer, {"signed": signed}), 422, rule)
    assert not [one for one in world.entries() if one["transfer"] == transfer]


def test_a_recall_goes_through_its_states_and_no_others(world, payload):
    transfer = world.released(payload)
    recall = world.asked(transfer)
    assert world.asked(transfer) == recall

    [asked] = [one for one in mine(world) if one["recall"] == recall]
    assert (asked["state"], asked["reason"], asked["by"]) == ("requested", "wrong_data", SENDER)
    refused(world.say(f"/v1/recalls/{recall}/answer"), 422, "custody.form")
    assert world.answer(recall, "acknowledged").status_code == 201
    refused(world.answer(recall, "acknowledged"), 409, "custody.state")
    assert world.answer(recall, "refused", reason="legal_claim").status_code == 201
    refused(world.answer(recall, "acknowledged"), 409, "custody.state")
    assert world.answer(recall, "partial", reason="backups").status_code == 201
    assert world.answer(recall, "done").status_code == 201
    refused(world.answer(recall, "done"), 409, "custody.state")

    assert recall not in [one["recall"] for one in mine(world)]
    states = [one["state"] for one in world.entries() if one["transfer"] == transfer]
    assert states == ["requested", "acknowledged", "refused", "partial", "done"]
    with opened(world.directory) as log:
        assert custody.held(log, transfer).deleted == "done"


def mine(world) -> list[dict]:
    return world.client.get("/v1/recalls", headers=world.recipient).json()["items"]


def test_a_deletion_answers_the_recall_that_is_open(world, payload):
    transfer = world.released(payload)
    recall = world.asked(transfer)

    signed = world.signed("answer", transfer, recall=recall, state="acknowledged")
    assert world.say(f"/v1/recalls/{recall}/answer", {"signed": signed}).status_code == 201
    entry = world.delete(transfer).json()["entry"]

    assert (entry["what"], entry["recall"]) == ("deleted", recall)
    assert recall not in [one["recall"] for one in mine(world)]
    refused(world.answer(recall, "refused", reason="backups"), 409, "custody.state")


def test_what_nobody_fetched_is_destroyed_by_a_recall_and_never_left(world, payload):
    waiting, fetched = world.released(payload, fetched=False), world.released(payload)

    answers = world.recall(waiting, fetched, waiting).json()["items"]

    assert [one["state"] for one in answers] == ["never_left", "requested"]
    address = f"/v1/transfers/{waiting}"
    assert world.client.get(f"{address}/content", headers=world.recipient).status_code == 410
    assert world.client.get(address, headers=world.sender).json()["state"] == "not_released"
    refused(world.acknowledge(waiting), 409, "custody.not_released")
    assert world.recall(waiting).json()["items"][0]["state"] == "never_left"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"transfers": [], "reason": "breach"},
        {"transfers": ["x"], "reason": "breach"},
        {"transfers": [new_id()], "reason": "breach", "why": "Fatima asked"},
    ],
)
def test_a_recall_that_is_not_fit(world, body):
    answer = world.say("/v1/recalls", body, world.sender)

    refused(answer, 422, "recall.form")


def test_a_recall_of_what_is_not_ones_own_asks_nobody(world, payload):
    transfer = world.released(payload)

    refused(world.recall(transfer, reason="Fatima"), 422, "recall.reason")
    refused(world.recall(transfer, new_id()), 404, "transfer.unknown")
    refused(world.recall(transfer, who=world.recipient), 404, "transfer.unknown")
    refused(world.answer(new_id(), "done"), 404, "recall.unknown")
    refused(world.answer(transfer, "done"), 404, "recall.unknown")
    body = b"x" * 40_000
    large = world.client.post("/v1/recalls", content=body, headers=world.sender)
    refused(large, 413, "body.too_large")
    assert not [one for one in world.entries() if one["transfer"] == transfer]


def test_of_many_at_once_one_is_first(world, payload):
    transfer = world.released(payload)
    recall = world.asked(transfer)
    states = [{"state": "done"}, {"state": "refused", "reason": "backups"}] * 4

    with ThreadPoolExecutor(8) as pool:
        path = f"/v1/recalls/{recall}/answer"
        answers = list(pool.map(lambda body: world.say(path, body), states))

    said = [one["state"] for one in world.entries() if one["transfer"] == transfer][1:]
    assert len(said) == sum(one.status_code == 201 for one in answers)
    assert said in (["done"], ["refused", "done"])
    assert {one.status_code for one in answers} == {201, 409}


def opened(directory, clock=None):
    deployment = read_deployment(directory)
    more = {"clock": clock} if clock else {}
    return Log.open(deployment.data, key=read_keys(directory).log, gateway="cli-1", **more)


def test_what_nobody_fetched_in_time_never_left_and_what_was_fetched_did(world, payload):
    waiting, fetched = world.released(payload, fetched=False), world.released(payload)
    deployment = read_deployment(world.directory)

    with opened(world.directory) as log:
        log.done(fetched)
        recall = custody.recall(Desk(log, deployment), [fetched], "breach", by="officer:dpo-1")
        due = recall[0]["due"]
        passed(Desk(log, deployment, lambda: due - 1))
        assert log.state(waiting) == "not_released"
        assert log.state(fetched) == "delivered"
        assert custody.held(log, fetched).open_recall.state == "requested"
        for _ in range(2):
            passed(Desk(log, deployment, lambda: due + 1))
        assert custody.held(log, fetched).open_recall.state == "overdue"

    said = [one["state"] for one in world.entries() if one["transfer"] == fetched]
    assert said == ["requested", "overdue"]
    assert "overdue" in [one["state"] for one in mine(world)]
    assert world.answer(recall[0]["recall"], "acknowledged").status_code == 201


def test_an_agreement_may_ask_for_a_signed_certificate(world, payload, tmp_path):
    transfer = world.released(payload)
    recall = world.asked(transfer)
    copy = tmp_path / "demo"
    shutil.copytree(world.directory, copy)
    path = copy / "agreements" / "registration-2026.yaml"
    path.write_text(path.read_text() + "deletion_certificate_required: true\n")

    with opened(copy) as log:
        desk = Desk(log, read_deployment(copy))
        for say, name in ((custody.delete, transfer), (custody.answer, recall)):
            with pytest.raises(Exception, match="signed word") as caught:
                say(desk, name, RECIPIENT, b'{"state":"done"}')
            assert caught.value.rule == "custody.unsigned"
        signed = world.signed("answer", transfer, recall=recall, state="done")
        done = custody.answer(desk, recall, RECIPIENT, json.dumps({"signed": signed}).encode())
        assert parse(done.leaf)["certificate"]


def test_without_its_receipt_a_digest_cannot_be_compared(world, payload):
    transfer = world.released(payload)
    with opened(world.directory) as log:
        log.destroy("receipt", transfer)

    digest = "sha256:" + hashlib.sha256(world.content).hexdigest()
    refused(world.acknowledge(transfer, {"content": digest}), 410, "receipt.gone")
    assert world.acknowledge(transfer).status_code == 201


def test_recalls_come_in_pages(world, payload):
    recalls = [world.asked(world.released(payload)) for _ in range(2)]

    with opened(world.directory) as log:
        first = custody.asked_of(log, RECIPIENT, limit=1)
        rest = custody.asked_of(log, RECIPIENT, after=recalls[0])
        assert custody.asked_of(log, SENDER) == []
    assert len(first) == 1
    assert [one["recall"] for one in rest if one["recall"] in recalls] == recalls[1:]


def test_a_receipt_still_holds_after_all_that(world, payload):
    transfer = world.released(payload)
    world.delete(transfer)
    held = world.client.get(f"/v1/transfers/{transfer}/receipt", headers=world.sender).content

    vkey = read_deployment(world.directory).vkey()
    assert verify(held, vkey=vkey, content=world.content).content_checked


def command(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_the_commands_ask_list_and_sign(world, payload):
    transfer = world.released(payload)
    there = ("-d", world.directory, "--as", "officer:dpo-1")

    found = command("recall", "ask", *there, "--reason", "breach", "--json", transfer)
    [asked] = json.loads(found.stdout)
    listed = json.loads(command("recall", "list", "-d", world.directory, "--json").stdout)
    assert asked["recall"] in [one["recall"] for one in listed]
    table = command("recall", "list", "-d", world.directory, "--party", SENDER)
    assert (table.exit_code, "due" in table.stdout) == (0, True)
    signed = command(
        "recall", "sign", "answer", transfer, "--recall", asked["recall"], "--party", RECIPIENT,
        "--key", world.directory / "recipient.jwk", "--state", "done", "--method", "erased",
    ).stdout.strip()  # fmt: skip
    path = f"/v1/recalls/{asked['recall']}/answer"
    assert world.say(path, {"signed": signed}).status_code == 201
    with opened(world.directory) as log:
        assert custody.held(log, transfer).deleted == "done"


def test_the_command_finds_transfers_by_party_and_time(world, payload):
    transfer = world.released(payload)
    there = ("recall", "ask", "-d", world.directory, "--as", "officer:dpo-1", "--reason", "breach")

    none = command(*there, "--recipient", RECIPIENT, "--to", "2020-01-01", "--json")
    some = command(*there, "--agreement", TERMS["agreement"], "--from", "2020-01-01", "--json")

    assert json.loads(none.stdout) == []
    states = {one["transfer"]: one["state"] for one in json.loads(some.stdout)}
    assert states[transfer] == "requested"


def test_commands_that_cannot_be(world):
    there = ("recall", "ask", "-d", world.directory, "--as")

    def fails(*arguments, code=1):
        found = command(*arguments)
        assert found.exit_code == code, found.output
        return found.stderr

    assert "officer.unknown" in fails(*there, "officer:x", "--reason", "breach", new_id())
    assert "transfer.unknown" in fails(*there, "officer:dpo-1", "--reason", "breach", new_id())
    found = fails(*there, "officer:dpo-1", "--reason", "breach", "--from", "soon", "--purpose", "x")
    assert "recall.moment at --from" in found or "recall.moment" in found
    fails(*there, "officer:dpo-1", "--reason", "breach", code=2)
    sign_ = ("recall", "sign", "deleted", new_id(), "--party", RECIPIENT, "--key", "none")
    assert "custody.form" in fails(*sign_, "--state", "lost")
    fails(*sign_, "--recall", new_id(), code=2)
