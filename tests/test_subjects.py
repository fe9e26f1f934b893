"""Rights of people: found by nobody but who holds the key, stopped at once, erased for good."""

import asyncio
import hashlib
import hmac
import shutil
from base64 import urlsafe_b64encode
from contextlib import closing
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from gateway import log_view, merkle, receipt, session
from gateway.audit import verify_log
from gateway.cli import app
from gateway.deployment import read_deployment, read_keys
from gateway.entry import new_id, parse
from gateway.errors import SenderError
from gateway.exchange import Transfer, exchange, judge
from gateway.log import Log, Superseded
from gateway.log_file import connect
from gateway.log_subjects import Subjects
from gateway.signing import new_key
from gateway.subjects import commitment, subject_key, token
from gateway.subjects.requests import Office
from gateway.terms import Asked, terms_of
from tests.conftest import DEMO

SENDER = "org:amal-relief"
ASKED = {
    "sender": SENDER,
    "agreement": "agr:registration-2026",
    "purpose": "hum.assist.registration",
    "source": "kobo",
    "target": "fhir.r4",
}
RUN = CliRunner()


def page(*numbers: int) -> bytes:
    """A Kobo page of some of the demo's submissions."""
    held = orjson.loads((DEMO / "payloads" / "households.json").read_bytes())
    results = [held["results"][number] for number in numbers]
    return orjson.dumps({**held, "count": len(results), "results": results})


def terms_in(gateway, deliver="return"):
    asked = Asked(**ASKED, deliver=deliver)
    return terms_of(asked, gateway.deployment, gateway.known)


def carried(directory: Path, *contents: bytes, deliver="return"):
    """Transfers, each with the ids its records have at the source and what left of them."""

    async def carry():
        made = []
        async with session.opened(directory) as gateway:
            for content in contents:
                terms = terms_in(gateway, deliver)
                judged = await judge(terms, content, gateway)
                left = list(judged.minimized.owned())
                judged.close()
                once = Transfer(new_id(), terms, content, once=new_id(), mark=b"m" * 32)
                outcome = await exchange(once, gateway)
                if outcome.released is not None:
                    outcome.released.close()
                    gateway.log.done(outcome.transfer)
                made.append((outcome, left))
        return made

    return asyncio.run(carry())


@pytest.fixture(scope="module")
def first(prepared, tmp_path_factory):
    """A deployment with an officer, and two transfers: of two households, and of the second."""
    directory = tmp_path_factory.mktemp("subjects") / "demo"
    shutil.copytree(prepared[0], directory)
    (directory / "officers").mkdir(exist_ok=True)
    held = orjson.dumps({"jwk": new_key()[1]}).decode()
    (directory / "officers" / "dpo.yaml").write_text(
        f"id: officer:dpo\nparty: {SENDER}\nroles: [dpo]\nstatus: active\nkeys:\n  - {held}\n"
    )
    return directory, carried(directory, page(0, 1), page(1))


@pytest.fixture
def world(first, tmp_path):
    """A copy of one's own, and the id of a person who was in both transfers."""
    directory = tmp_path / "demo"
    shutil.copytree(first[0], directory)
    (_, _), (_, second) = first[1]
    person = next(own for own, less in second if less["record_type"] == "person")
    return directory, first[1], person


def rights(directory: Path, *words: str, ids: str = "", json: bool = True):
    extra = ["--json"] if json else []
    if ids:
        extra += ["--from", SENDER, "--record-id", "-"]
    done = RUN.invoke(
        app, ["rights", *words, "--deployment", str(directory), *extra], input=f"{ids}\n"
    )
    return done


def told(done):
    assert done.exit_code == 0, done.output
    return orjson.loads(done.stdout)


def entries(directory: Path, *kinds: str) -> list[dict]:
    found = (parse(leaf) for _, leaf in log_view.entries(directory / "data"))
    return [one for one in found if one["type"] in kinds]


def held_rows(directory: Path, query: str) -> list[tuple]:
    with closing(connect(directory / "data" / "log.sqlite")) as connection:
        return connection.execute(query).fetchall()


def verified(directory: Path) -> None:
    findings = verify_log(directory / "data", vkey=read_deployment(directory).vkey())
    assert not findings.problems, findings.problems


DPO = ("--as", "officer:dpo")
UNKNOWN = "0198f0c2-7d0b-7000-8000-000000000001"


def test_each_record_that_left_is_committed_to(first):
    directory, (made, _) = first
    outcome, left = made

    [entry] = [one for one in entries(directory, "transfer") if one["id"] == outcome.transfer]
    key = subject_key(read_keys(directory), SENDER)
    rows = held_rows(directory, "SELECT transfer, position, token, salt FROM subject")
    salts = {(name, at): (mark, salt) for name, at, mark, salt in rows}
    hashes = []
    for at, (own, record) in enumerate(left):
        mark, salt = salts[outcome.transfer, at]
        assert mark == token(key, own)
        # Written out, for those who check it in another language.
        said = b"corridor/subject/v1\n" + outcome.transfer.encode()
        said += hashlib.sha256(orjson.dumps(record, option=orjson.OPT_SORT_KEYS)).digest()
        made_ = hmac.digest(salt, said, "sha256")
        assert made_ == commitment(salt, outcome.transfer, record)
        hashes.append(merkle.leaf_hash(made_))
    root = merkle.root(merkle.grow(0, (), hashes).edge)
    assert entry["subjects"] == urlsafe_b64encode(root).decode().rstrip("=")
    assert len(left) == outcome.details["records"]["released"] > 1


def test_a_person_is_told_what_was_shared_and_that_it_was_looked_at_is_logged(world):
    directory, made, person = world

    answer = told(rights(directory, "access", *DPO, ids=person))

    assert [one["transfer"] for one in answer["transfers"]] == [one.transfer for one, _ in made]
    one = answer["transfers"][0]
    assert one["recipient"] == "org:sante-sans-rivages"
    assert one["purpose"] == "hum.assist.registration"
    assert one["keep_until"] > one["when"][:10]
    assert one["copies"] == "held"
    said = entries(directory, "rights", "access")
    assert [(each["type"], each.get("state")) for each in said] == [
        ("rights", "received"), ("rights", "identified"), ("access", None), ("rights", "answered"),
    ]  # fmt: skip
    assert {each["case"] for each in said if "case" in each} == {answer["case"]}
    assert person.encode() not in b"".join(leaf for _, leaf in log_view.entries(directory / "data"))


def test_another_partys_record_of_the_same_id_is_another_person(world):
    directory, _, person = world

    done = RUN.invoke(
        app,
        ["rights", "access", "-d", str(directory), *DPO, "--from", "org:sante-sans-rivages",
         "--record-id", "-", "--json"],
        input=person,
    )  # fmt: skip

    assert told(done)["transfers"] == []


def test_after_an_objection_the_record_stays_and_the_others_leave(world):
    directory, _, person = world

    told(rights(directory, "object", *DPO, ids=person))
    [(outcome, left)] = carried(directory, page(1))

    assert outcome.outcome == "released"
    assert outcome.details["held_back"]["subject.objected"] == 1
    assert person not in {own for own, _ in left}
    assert "subject.objected" in entries(directory, "transfer")[-1]["rules"]
    assert all(person not in str(record) for _, record in left)
    verified(directory)


def test_a_stop_is_lifted_by_who_has_the_record_and_its_case(world):
    directory, _, person = world
    case = told(rights(directory, "restrict", *DPO, ids=person))["case"]

    done = rights(directory, "close", *DPO, "--case", case, ids=person, json=False)
    [(outcome, _)] = carried(directory, page(1))

    assert done.exit_code == 0
    assert "subject.objected" not in outcome.details["held_back"]
    assert [one["state"] for one in entries(directory, "rights")][-1] == "closed"


def test_a_release_that_was_decided_before_the_objection_is_refused(world):
    directory, _, person = world

    async def raced() -> None:
        async with session.opened(directory) as gateway:
            inner, log = gateway.log.submit, gateway.log
            mark = token(subject_key(gateway.keys, SENDER), person)

            def late(entry, **more):
                log.submit = inner
                said = {"v": 1, "type": "rights", "id": new_id(), "gateway": "gw-1",
                        "what": "objection", "case": new_id(), "state": "answered"}  # fmt: skip
                inner(said, subjects=Subjects(stop=[(mark, "objection")]))
                return inner(entry, **more)

            log.submit = late
            transfer = Transfer(new_id(), terms_in(gateway), page(1))
            with pytest.raises(Superseded):
                await exchange(transfer, gateway)
            again = await exchange(transfer, gateway)
            again.released.close()
            assert again.details["held_back"]["subject.objected"] == 1

    asyncio.run(raced())


def test_erasure_leaves_a_log_that_verifies_and_says_nothing(world):
    directory, made, person = world
    before = [leaf for _, leaf in log_view.entries(directory / "data")]

    answer = told(rights(directory, "erase", *DPO, ids=person))

    assert len(answer["transfers"]) == 2
    assert [leaf for _, leaf in log_view.entries(directory / "data")][: len(before)] == before
    verified(directory)
    [shred] = [one for one in entries(directory, "control") if one["what"] == "shred"]
    assert shred["n"] == 1
    recalls = [one for one in entries(directory, "custody") if one["what"] == "recall"]
    assert {one["transfer"] for one in recalls} == {one.transfer for one, _ in made}
    assert told(rights(directory, "access", *DPO, ids=person))["transfers"] == []


def guessed(directory: Path, person: str, left) -> list[str]:
    """What somebody with the database, the keys and every guess finds of a person in it."""
    keys = read_keys(directory)
    database = b"".join(path.read_bytes() for path in (directory / "data").iterdir())
    found = []
    if token(subject_key(keys, SENDER), person) in database:
        found.append("token")
    salts = [salt for (salt,) in held_rows(directory, "SELECT salt FROM subject")]
    salts += [
        receipt._unb64(text)
        for (value,) in held_rows(directory, "SELECT value FROM kept WHERE kind = 'receipt'")
        for text in orjson.loads(value)["opening"].values()
    ]
    hashes = {
        hashes[at : at + 32]
        for (hashes,) in held_rows(directory, "SELECT hashes FROM subject_leaves")
        for at in range(0, len(hashes), 32)
    }
    for transfer, record in left:
        guesses = {merkle.leaf_hash(commitment(salt, transfer, record)) for salt in salts}
        roots = {parse(leaf).get("subjects") for _, leaf in log_view.entries(directory / "data")}
        encoded = {urlsafe_b64encode(g).decode().rstrip("=") for g in guesses}
        if guesses & hashes or encoded & roots:
            found.append("commitment")
    return found


def test_a_dictionary_of_every_value_finds_nothing_after_erasure(world):
    directory, made, person = world
    left = [
        (outcome.transfer, record) for outcome, pairs in made for own, record in pairs
        if own == person
    ]  # fmt: skip
    assert set(guessed(directory, person, left)) == {"token", "commitment"}
    salts = held_rows(directory, "SELECT token, salt FROM subject")
    mark = token(subject_key(read_keys(directory), SENDER), person)
    mine = [salt for held, salt in salts if held == mark]

    told(rights(directory, "erase", *DPO, ids=person))

    assert guessed(directory, person, left) == []
    database = b"".join(path.read_bytes() for path in (directory / "data").iterdir())
    assert len(mine) == 2
    assert not [salt for salt in mine if salt in database]
    # The salt of the whole content went with the receipts; nobody can try whole contents.
    assert held_rows(directory, "SELECT key FROM kept WHERE kind <> 'recall'") == []


def test_what_waits_to_be_fetched_is_erased_and_never_left(world):
    directory, _, person = world
    [(outcome, _)] = carried(directory, page(1), deliver="inbox")

    answer = told(rights(directory, "erase", *DPO, ids=person))

    [waited] = [one for one in answer["transfers"] if one["transfer"] == outcome.transfer]
    assert waited["copies"] == "waiting"
    assert held_rows(directory, "SELECT key FROM kept WHERE kind = 'content'") == []
    gone = [one["not_released"] for one in entries(directory, "outcome") if "not_released" in one]
    assert [outcome.transfer] in gone


def test_a_record_is_shown_to_have_been_in_a_transfer_and_no_more_after_erasure(world, tmp_path):
    directory, made, person = world
    outcome, left = made[0]
    record = dict(left)[person]
    out, key = tmp_path / "proof.json", directory / "keys" / "log.vkey"
    (tmp_path / "record.json").write_bytes(orjson.dumps(record))
    words = ("prove", *DPO, "--transfer", outcome.transfer, "--out", str(out))
    opened = ["rights", "open", str(out), "--key", str(key), "--record"]
    neighbour = next(own for own, _ in left if own != person)

    # A neighbour's erasure takes nothing from this proof.
    told(rights(directory, "erase", *DPO, ids=neighbour))
    assert rights(directory, *words, ids=person, json=False).exit_code == 0

    done = RUN.invoke(app, [*opened, str(tmp_path / "record.json")])
    assert done.exit_code == 0, done.output
    assert outcome.transfer in done.stdout
    (tmp_path / "other.json").write_bytes(orjson.dumps({**record, "sex": "other"}))
    assert RUN.invoke(app, [*opened, str(tmp_path / "other.json")]).exit_code == 1
    assert RUN.invoke(app, [*opened, str(tmp_path / "none.json")]).exit_code == 1

    told(rights(directory, "erase", *DPO, ids=person))
    out.unlink()
    assert rights(directory, *words, ids=person, json=False).exit_code == 1
    assert not out.exists()


def test_cases_go_one_way_and_are_listed(world):
    directory, _, person = world
    case = rights(directory, "receive", "access", *DPO, json=False).stdout.strip()

    # Nobody closes what was not answered, answers with another right, or answers twice.
    assert rights(directory, "close", *DPO, "--case", case, json=False).exit_code == 1
    assert rights(directory, "erase", *DPO, "--case", case, ids=person).exit_code == 1
    told(rights(directory, "access", *DPO, "--case", case, ids=person))
    assert rights(directory, "access", *DPO, "--case", case, ids=person).exit_code == 1
    refusing = ("refuse", *DPO, "--case", case, "--reason")
    assert rights(directory, *refusing, "dpv:SecurityImpaired", json=False).exit_code == 1
    assert rights(directory, "close", *DPO, "--case", case, json=False).exit_code == 0

    held = read_deployment(directory)
    with Log.open(held.data, key=read_keys(directory).log, gateway="gw-1") as log:
        office = Office(log, held, "officer:dpo")
        one, same = (office.receive("access", 0) for _ in range(2))
        same.id = one.id
        office.identified(one)
        with pytest.raises(SenderError) as caught:
            office.identified(same)
        assert caught.value.rule == "case.taken"
        assert [one.late(0), one.late(one.due + 1)] == [False, True]

    refused = rights(directory, "receive", "erasure", *DPO, json=False).stdout.strip()
    refusing = ("refuse", *DPO, "--case", refused, "--reason")
    assert rights(directory, *refusing, "because", json=False).exit_code == 1
    assert rights(directory, *refusing, "dpv:LegalClaimImpaired", json=False).exit_code == 0
    complaint = rights(directory, "receive", "complaint", *DPO, json=False).stdout.strip()
    assert rights(directory, "close", *DPO, "--case", complaint, json=False).exit_code == 0
    listed = told(rights(directory, "list"))
    assert [(one["what"], one["state"], one["late"]) for one in listed] == [
        ("access", "closed", False), ("access", "identified", True),
        ("access", "received", True), ("erasure", "refused", False),
        ("complaint", "closed", False),
    ]  # fmt: skip
    assert listed[3]["reason"] == "dpv:LegalClaimImpaired"
    assert case in rights(directory, "list", json=False).stdout
    verified(directory)


@pytest.mark.parametrize(
    ("words", "ids", "rule"),
    [
        (("access", "--as", "officer:nobody"), "x/1", "officer.unknown"),
        (("access", *DPO), " ", "rights.record_id"),
        (("access", *DPO), "x/1\n" * 20_000, "rights.record_id"),
        (("access", *DPO, "--case", UNKNOWN), "x/1", "rights.unknown"),
        (("access", *DPO), "\udce9", "rights.unreadable"),
    ],
)  # fmt: skip
def test_what_is_not_fit_is_refused_by_rule_and_without_the_id(world, words, ids, rule):
    content = ids.encode("utf-8", "surrogateescape")
    done = RUN.invoke(
        app,
        ["rights", *words, "-d", str(world[0]), "--from", SENDER, "--record-id", "-"],
        input=content,
    )

    assert done.exit_code == 1
    assert rule in done.output.replace("\n", "")
    assert "x/1" not in done.output


def test_an_id_given_as_the_files_name_is_not_repeated(world):
    done = RUN.invoke(
        app,
        ["rights", "access", "-d", str(world[0]), *DPO, "--from", SENDER, "--record-id", "sx/7"],
    )
    assert done.exit_code == 1
    assert "sx/7" not in done.output
    done = RUN.invoke(
        app, ["rights", "access", "-d", str(world[0]), *DPO, "--from", "org:x", "--record-id", "-"]
    )
    assert "party.unknown" in done.output
    assert RUN.invoke(
        app, ["rights", "receive", "telepathy", "-d", str(world[0]), *DPO]
    ).exit_code == 1  # fmt: skip


def test_recipients_are_asked_back_where_the_officer_says_so(world):
    directory, _, person = world

    done = rights(directory, "correct", *DPO, "--recall", ids=person, json=False)

    assert done.exit_code == 0, done.output
    assert "2 transfers" in done.stdout
    recalls = [one for one in entries(directory, "custody") if one["what"] == "recall"]
    assert [one["reason"] for one in recalls] == ["wrong_data"] * 2
    listed = told(rights(directory, "access", *DPO, ids=person))
    assert {one["copies"] for one in listed["transfers"]} == {"recall.requested"}


def test_without_the_setting_nothing_is_kept_and_objections_still_hold(world):
    directory, _, person = world
    told(rights(directory, "withdraw", *DPO, ids=person))
    settings = directory / "corridor.toml"
    settings.write_text(settings.read_text() + "\n[log]\nsubjects = false\n")

    before = held_rows(directory, "SELECT count(*) FROM subject")
    [(outcome, _)] = carried(directory, page(1))

    assert held_rows(directory, "SELECT count(*) FROM subject") == before
    assert "subjects" not in entries(directory, "transfer")[-1]
    assert outcome.details["held_back"]["subject.objected"] == 1


def test_a_payload_too_large_to_be_held_is_treated_alike(world, tmp_path, monkeypatch):
    directory, _, person = world
    told(rights(directory, "object", *DPO, ids=person))
    large = tmp_path / "page.json"
    large.write_bytes(page(0, 1))
    [(held, pairs)] = carried(directory, page(0, 1))

    monkeypatch.setattr("gateway.content.HELD", 10)
    [(streamed, again)] = carried(directory, large)

    assert streamed.details["records"] == held.details["records"]
    assert streamed.details["held_back"] == held.details["held_back"]
    assert [own for own, _ in again] == [own for own, _ in pairs]
    assert person not in dict(again)
    query = "SELECT count(*) FROM subject WHERE transfer = "
    assert held_rows(directory, f"{query}'{streamed.transfer}'") == [(len(again),)]
