"""The journey: order, refusals, holds, and what a failure at each step leaves behind."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from gateway import log_view, receipt, session
from gateway.audit import verify_log
from gateway.deployment import read_deployment, read_keys
from gateway.entry import new_id, parse
from gateway.errors import GatewayError, SenderError
from gateway.exchange import Outcome, Transfer, exchange, judge
from gateway.log import Log
from gateway.spool import Spool
from gateway.terms import Asked, terms_of

ASKED = {
    "sender": "org:amal-relief",
    "agreement": "agr:registration-2026",
    "purpose": "hum.assist.registration",
    "source": "kobo",
    "target": "fhir.r4",
    "deliver": "return",
}


def carried(directory: Path, content: bytes | Path, **asked: str) -> Outcome:
    async def carry() -> Outcome:
        async with session.opened(directory) as gateway:
            terms = terms_of(Asked(**{**ASKED, **asked}), gateway.deployment, gateway.known)
            outcome = await exchange(Transfer(new_id(), terms, content), gateway)
            if outcome.content is not None:
                gateway.log.done(outcome.transfer)
            return outcome

    return asyncio.run(carry())


def entries(directory: Path, kind: str = "transfer") -> list[dict]:
    found = (parse(leaf) for _, leaf in log_view.entries(directory / "data"))
    return [entry for entry in found if entry["type"] == kind]


def test_a_transfer_arrives_minimized(deployment, payload):
    outcome = carried(deployment, payload)

    patients = [
        entry["resource"]
        for entry in orjson.loads(outcome.content)["entry"]
        if entry["resource"]["resourceType"] == "Patient"
    ]
    assert outcome.outcome == "released"
    assert {patient["birthDate"] for patient in patients} == {
        "1975", "1978", "1989", "2011", "2014", "2019",
    }  # fmt: skip
    for secret in (b"0041977", b"07AX00417", b"2.34471", b"Hodan", b"Third row", b"SO250201"):
        assert secret in payload
        assert secret not in outcome.content


def test_records_whose_consent_was_refused_stay_and_are_counted(deployment, payload):
    outcome = carried(deployment, payload)

    assert outcome.details["records"] == {"read": 10, "released": 8}
    assert outcome.details["held_back"] == {"consent.refused": 2}
    assert "Xaawo" not in outcome.content.decode()


def test_every_released_leaf_has_a_lineage(deployment, payload):
    outcome = carried(deployment, payload)

    lineage = {line["field"]: line for line in outcome.details["lineage"]}
    assert lineage["person.name.full_name"] == {
        "source": "individual_questions/individual_details/full_name_i_c",
        "field": "person.name.full_name",
        "target": "Patient.name.text",
    }
    assert all(line["source"] and line["target"] for line in lineage.values())
    left = {name for name, how in outcome.details["fields"].items() if "reason" not in how}
    assert {leaf.replace("[]", "").rsplit(".", leaf.count(".") - 1)[0] for leaf in lineage} >= (
        left - {"person.age"}
    )


def test_the_entry_of_a_release_says_who_what_and_why_and_no_value(deployment, payload):
    outcome = carried(deployment, payload)

    [entry] = entries(deployment)
    assert entry["outcome"] == "released"
    assert entry["sender"] == {"party": "org:amal-relief", "regimes": ["state:KE"]}
    assert entry["border"] == {
        "crosses": True, "destination": "dest.safeguards", "instrument": "own_clauses",
    }  # fmt: skip
    assert (entry["considered"], entry["count"]) == ("10-99", "1-9")
    assert "person.birth_date:year" in entry["released"]
    assert "person.identifier:agreement" in entry["withheld"]
    assert entry["policy"]["engine"] == "embedded"
    assert "consent.refused" in entry["rules"]
    assert outcome.details["obligations"] == entry["obligations"]


def test_a_receipt_holds_with_the_public_key_and_the_content(deployment, payload):
    outcome = carried(deployment, payload)

    vkey = read_deployment(deployment).vkey()
    verified = receipt.verify(outcome.receipt, vkey=vkey, content=outcome.content)
    assert verified.entry["id"] == outcome.transfer
    assert verified.details == outcome.details
    with pytest.raises(receipt.ReceiptError, match="content"):
        receipt.verify(outcome.receipt, vkey=vkey, content=outcome.content + b" ")


@pytest.mark.parametrize(
    ("asked", "outcome", "rule"),
    [
        ({"purpose": "hum.account.donor"}, "refused", "minimize.aggregate_only"),
        ({"purpose": "red.migration", "recipient": "org:border-directorate",
          "legal_basis": "lb.public"}, "refused", "red.migration"),
        ({"recipient": "org:border-directorate", "legal_basis": "lb.public"}, "refused",
         "red.migration"),
        ({"purpose": "hum.rfl.tracing", "recipient": "org:sante-sans-rivages",
          "legal_basis": "lb.public"}, "refused", "purpose.not_granted"),
        ({"legal_basis": "lb.consent"}, "refused", "basis.not_granted"),
        ({"purpose": "hum.health.care"}, "held",
         "human.dpo:further_use.hum.assist.registration.hum.health.care"),
    ],
)  # fmt: skip
def test_a_refusal_and_a_hold_are_logged_and_release_nothing(
    deployment, payload, asked, outcome, rule
):
    answered = carried(deployment, payload, **asked)

    [entry] = entries(deployment)
    assert (answered.outcome, answered.content, entry["outcome"]) == (outcome, None, outcome)
    assert rule in entry["rules"]
    assert entry["count"] == "0"
    assert "content" not in entry
    assert receipt.verify(answered.receipt, vkey=read_deployment(deployment).vkey())


def test_a_decision_of_the_right_person_lets_a_held_transfer_go(deployment, payload):
    path = deployment / "agreements" / "registration-2026.yaml"
    text = path.read_text()
    decided = """decisions:
  - decision: human.dpo:further_use.hum.assist.registration.hum.health.care
    by: [dpo]
    valid_until: 2027-06-01T00:00:00Z
    reason: The clinics treat the same families; they were told so in March.
"""
    path.write_text(text.replace("decisions: []\n", decided))

    assert carried(deployment, payload, purpose="hum.health.care").outcome == "released"


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (("state: active", "state: suspended"), "agreement.not_active"),
        (("end: 2027-12-31", "end: 2026-02-01"), "agreement.expired"),
        (("start: 2026-01-01", "start: 2027-11-01"), "agreement.not_yet"),
        (("red_lines_acknowledged: true", "red_lines_acknowledged: false"),
         "agreement.red_lines_not_acknowledged"),
        (("    - {type: own_clauses, ref: annex 2 of the agreement, to: [FR]}\n",
          "    []\n"), "human.dpo:dest.public_interest"),
    ],
)  # fmt: skip
def test_what_people_agreed_decides(deployment, payload, change, rule):
    path = deployment / "agreements" / "registration-2026.yaml"
    text = path.read_text()
    assert change[0] in text
    path.write_text(text.replace(*change))

    assert carried(deployment, payload).outcome != "released"
    [entry] = entries(deployment)
    assert rule in entry["rules"]


def test_an_empty_field_list_permits_nothing(deployment, payload):
    path = deployment / "agreements" / "registration-2026.yaml"
    lines = [
        line.split("[")[0] + "[]" if line.strip().startswith("fields:") else line
        for line in path.read_text().splitlines()
    ]
    path.write_text("\n".join(lines) + "\n")

    outcome = carried(deployment, payload)

    assert (outcome.outcome, outcome.content) == ("refused", None)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "json.empty"),
        (b'{"count": 1, "results": [', "json.truncated"),
        (b'{"_uuid": NaN}', "json.invalid"),
        (b"[]", "record.none"),
        (b'{"no": "id"}', "mapping.no_id"),
    ],
)
def test_content_that_cannot_be_read_never_becomes_a_transfer(deployment, content, rule):
    with pytest.raises(SenderError) as caught:
        carried(deployment, content)

    assert caught.value.rule == rule
    assert entries(deployment) == []


def test_two_records_of_one_id_with_other_content_are_refused(deployment, payload):
    page = orjson.loads(payload)
    page["results"].append({**page["results"][0], "household_status/size_h_c": "9"})

    with pytest.raises(SenderError, match="record 11"):
        carried(deployment, orjson.dumps(page))


def test_a_record_sent_twice_alike_leaves_once(deployment, payload):
    page = orjson.loads(payload)
    page["results"].append(page["results"][0])

    outcome = carried(deployment, orjson.dumps(page))

    assert outcome.details["records"]["read"] == 10
    assert outcome.details["repeated"] == ["4 records came twice"]


class Broken:
    """A policy engine that does what a test says."""

    name, revision = "embedded", "sha256:" + "0" * 64

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def decide(self, question: object) -> object:
        raise self.error


@pytest.mark.parametrize("error", [GatewayError("down", rule="policy.down"), RuntimeError()])
def test_nothing_leaves_and_nothing_is_logged_when_policy_fails(deployment, payload, error):
    async def carry() -> None:
        async with session.opened(deployment) as gateway:
            broken = replace(gateway, engine=Broken(error))
            terms = terms_of(Asked(**ASKED), gateway.deployment, gateway.known)
            await exchange(Transfer(new_id(), terms, payload), broken)

    with pytest.raises(type(error)):
        asyncio.run(carry())
    assert entries(deployment) == []


def test_nothing_leaves_when_the_log_has_stopped(deployment, payload):
    async def carry() -> None:
        async with session.opened(deployment) as gateway:
            terms = terms_of(Asked(**ASKED), gateway.deployment, gateway.known)
            gateway.log.close()
            await exchange(Transfer(new_id(), terms, payload), gateway)

    with pytest.raises(GatewayError) as caught:
        asyncio.run(carry())
    assert (caught.value.rule, entries(deployment)) == ("log.unavailable", [])


def test_a_release_that_was_not_finished_is_closed_at_the_next_start(deployment, payload):
    async def carry() -> str:
        async with session.opened(deployment) as gateway:
            terms = terms_of(Asked(**ASKED), gateway.deployment, gateway.known)
            outcome = await exchange(Transfer(new_id(), terms, payload), gateway)
            return outcome.transfer  # nobody says `done`

    transfer = asyncio.run(carry())
    carried(deployment, payload)

    closed = [entry for entry in entries(deployment, "outcome") if "not_released" in entry]
    assert [entry["not_released"] for entry in closed] == [[transfer]]
    assert verify_log(deployment / "data", vkey=read_deployment(deployment).vkey()).problems == ()


def test_preview_says_the_same_and_writes_nothing(deployment, payload):
    async def look() -> object:
        async with session.opened(deployment) as gateway:
            terms = terms_of(Asked(**ASKED), gateway.deployment, gateway.known)
            return await judge(terms, payload, gateway)

    judged = asyncio.run(look())

    assert judged.outcome == "released"
    assert entries(deployment) == []
    assert judged.details == carried(deployment, payload).details


def test_pseudonyms_differ_by_recipient_and_purpose(deployment, payload):
    agreement = deployment / "agreements" / "registration-2026.yaml"
    extra = """purposes:
  - {purpose: hum.assist.dedup, from: org:amal-relief, to: org:sante-sans-rivages, legal_basis: lb.public}
  - {purpose: hum.account.audit, from: org:amal-relief, to: org:sante-sans-rivages, legal_basis: lb.public}
"""  # noqa: E501 - one grant a line
    decided = "".join(
        f"""  - decision: human.dpo:further_use.hum.assist.registration.{purpose}
    by: [dpo]
    valid_until: 2027-06-01T00:00:00Z
    reason: Families are registered twice and wait twice.
"""
        for purpose in ("hum.assist.dedup", "hum.account.audit")
    )
    text = agreement.read_text().replace("purposes:\n", extra, 1)
    agreement.write_text(text.replace("decisions: []\n", "decisions:\n" + decided))

    contents = [
        carried(deployment, payload, purpose=purpose).content
        for purpose in ("hum.assist.dedup", "hum.assist.dedup", "hum.account.audit")
    ]

    assert contents[0] == contents[1] != contents[2]
    assert b"3b1c6d0e" not in b"".join(contents)
    assert b"pseudonym/" in contents[0]


def test_the_real_hope_export_becomes_valid_fhir(deployment, samples: Callable[[str], Path]):
    fhir = pytest.importorskip("fhir.resources.R4B.bundle")
    content = samples("kobo/open/hope_kobo_submissions.json").read_bytes()

    outcome = carried(deployment, content)

    assert outcome.outcome == "released"
    assert outcome.details["repeated"] == ["end"]
    bundle = fhir.Bundle.model_validate_json(outcome.content)
    kinds = [entry.resource.__resource_type__ for entry in bundle.entry]
    assert (kinds.count("Patient"), kinds.count("Group")) == (2, 1)
    assert carried(deployment, content, target="hxl").content.count(b"\r\n") == 5


@pytest.mark.parametrize("party", ["amal-relief", "sante-sans-rivages"])
def test_a_suspended_party_neither_sends_nor_receives(deployment, payload, party):
    path = deployment / "parties" / f"{party}.yaml"
    path.write_text(path.read_text().replace("status: active", "status: suspended"))

    with pytest.raises(SenderError) as caught:
        carried(deployment, payload)

    assert (caught.value.rule, entries(deployment)) == ("party.suspended", [])


def test_a_format_that_needs_no_mapping_is_carried_without_one(deployment, payload):
    bundle = carried(deployment, payload).content

    outcome = carried(deployment, bundle, source="fhir.r4", target="hxl")

    assert outcome.outcome == "released"
    assert "mapping" not in entries(deployment)[-1]


def test_content_nobody_fetched_is_destroyed_when_its_time_has_passed(deployment, payload):
    async def carry() -> str:
        async with session.opened(deployment) as gateway:
            asked = Asked(**{**ASKED, "deliver": "inbox"})
            terms = terms_of(asked, gateway.deployment, gateway.known)
            return (await exchange(Transfer(new_id(), terms, payload), gateway)).transfer

    transfer = asyncio.run(carry())
    key = read_keys(deployment).log

    def later() -> Log:
        return Log.open(deployment / "data", key=key, gateway="late", clock=lambda: 4 * 10**12)

    with later() as log:
        assert (log.state(transfer), log.kept("content", transfer)) == ("open", None)
        assert log.destroy_expired() == 1
    with later() as log:
        assert log.state(transfer) == "not_released"


PURPOSE = "hum.account.evaluation"
RISK = [f"human.dpo:disclosure_risk.{name}" for name in ("household", "person")]


@pytest.fixture
def evaluated(deployment):
    """A deployment whose agreement lets de-identified records go to an evaluation."""

    def decide(*decisions):
        agreement = deployment / "agreements" / "registration-2026.yaml"
        text = agreement.read_text()
        grant = f"""purposes:
  - purpose: {PURPOSE}
    from: org:amal-relief
    to: org:sante-sans-rivages
    legal_basis: lb.public
"""
        decided = "decisions:\n" + "".join(
            f"""  - decision: {decision}
    by: [dpo]
    valid_until: 2027-06-01T00:00:00Z
    reason: The evaluation was announced to the families in March.
"""
            for decision in (
                f"human.dpo:further_use.hum.assist.registration.{PURPOSE}",
                *decisions,
            )
        )
        text = text.replace("purposes:\n", grant, 1).replace("decisions: []\n", decided)
        agreement.write_text(text)
        return deployment

    return decide


def alike(payload, many):
    """The first family of a payload so many times: its people are alike, and told apart by id."""
    page = orjson.loads(payload)
    first = page["results"][0]
    page["results"] = [
        {**first, "_id": 1000 + n, "_uuid": name, "meta/instanceID": f"uuid:{name}"}
        for n in range(many)
        for name in [f"00000000-0000-4000-8000-{n:012}"]
    ]
    return orjson.dumps({**page, "count": many})


def test_de_identified_records_cannot_be_joined_over_time(evaluated, payload):
    deployment, many = evaluated(*RISK), alike(payload, 6)

    first, second = (carried(deployment, many, purpose=PURPOSE) for _ in range(2))

    ids = [set(re.findall(rb"pseudonym/[a-z2-7]{26}", one.content)) for one in (first, second)]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_how_easily_somebody_could_be_found_is_measured_before_anything_leaves(evaluated, payload):
    deployment = evaluated()

    few = carried(deployment, alike(payload, 2), purpose=PURPOSE)
    held = carried(deployment, alike(payload, 4), purpose=PURPOSE)

    assert few.outcome == "refused"
    assert {one["rule"] for one in few.details["objections"]} == {
        "records.none_releasable",
        "risk.floor",
    }
    assert held.outcome == "held"
    assert {one["decision"] for one in held.details["pending"]} <= set(RISK)


def test_the_receipt_says_what_minimization_did(evaluated, payload):
    outcome = carried(evaluated(*RISK), alike(payload, 6), purpose=PURPOSE)

    told = outcome.details["minimization"]
    assert told["rows"] == outcome.details["records"]
    assert told["risk"]["person"]["k_min"] == 6
    assert told["risk"]["person"]["global_risk_permille"] == 167
    assert told["information_loss"]["person.name"]["dropped_permille"] == 1000
    assert (
        told["operations"].items()
        <= {name: one["form"] for name, one in outcome.details["fields"].items()}.items()
    )


def test_a_transfer_of_places_nobody_can_generalise_releases_nothing(deployment, payload):
    page = orjson.loads(payload)
    for submission in page["results"]:
        del submission["household_location/admin1_h_c"], submission["household_location/admin2_h_c"]
        submission["household_location/admin3_h_c"] = "SO999999"

    outcome = carried(deployment, orjson.dumps(page))

    assert (outcome.outcome, outcome.content) == ("refused", None)
    assert outcome.details["held_back"]["minimize.place_unknown"] == 8
    assert [one["rule"] for one in outcome.details["objections"]] == ["records.none_releasable"]


# -- payloads that are not held in memory -----------------------------------------------------


@pytest.fixture
def unheld(monkeypatch, tmp_path, payload):
    """The payload as NDJSON in a file that is read again at each step, with the same content."""
    monkeypatch.setattr("gateway.content.HELD", 0)
    monkeypatch.setattr("gateway.exchange.Spool", lambda folder: Spool(folder, in_memory=100))

    def write(change: Callable[[list], None] = lambda submissions: None) -> tuple[bytes, Path]:
        submissions = orjson.loads(payload)["results"]
        change(submissions)
        lines = b"".join(orjson.dumps(one) + b"\n" for one in submissions)
        path = tmp_path / "payload.ndjson"
        path.write_bytes(lines)
        return lines, path

    return write


def nothing(submissions: list) -> None:
    """As it is."""


def refused_consent(submissions: list) -> None:
    submissions[1]["consent/consent_h_c"] = "0"


def unknown_place(submissions: list) -> None:
    del submissions[0]["household_location/admin1_h_c"]
    del submissions[0]["household_location/admin2_h_c"]
    submissions[0]["household_location/admin3_h_c"] = "SO999999"


def sent_twice(submissions: list) -> None:
    submissions.append(submissions[0])


@pytest.mark.parametrize("target", ["fhir.r4", "hxl"])
@pytest.mark.parametrize("change", [nothing, refused_consent, unknown_place, sent_twice])
def test_what_is_read_again_leaves_as_what_is_held(deployment, unheld, change, target):
    held, again = (carried(deployment, one, target=target) for one in unheld(change))

    assert again.outcome == held.outcome == "released"
    assert again.released.on_disk
    assert again.content == held.content
    assert again.details == held.details
    for one in (held, again):
        one.released.close()


def test_what_is_refused_is_refused_when_read_again(deployment, unheld):
    held, again = (carried(deployment, one, purpose="hum.account.donor") for one in unheld(nothing))

    assert (held.outcome, again.outcome) == ("refused", "refused")
    assert again.details == held.details


def test_a_file_that_changes_while_it_is_decided_releases_nothing(deployment, unheld):
    _, path = unheld()
    changed: list[bool] = []

    class Meddling:
        """The real engine, beside somebody who edits the payload while it answers."""

        def __init__(self, engine: object) -> None:
            self._engine = engine

        async def decide(self, question: object) -> object:
            path.write_bytes(path.read_bytes().replace(b"camps", b"towns"))
            changed.append(True)
            return await self._engine.decide(question)

    async def carry() -> None:
        async with session.opened(deployment) as gateway:
            terms = terms_of(Asked(**ASKED), gateway.deployment, gateway.known)
            other = replace(gateway, engine=Meddling(gateway.engine))
            await exchange(Transfer(new_id(), terms, path), other)

    with pytest.raises(SenderError) as caught:
        asyncio.run(carry())

    assert (caught.value.rule, changed) == ("payload.changed", [True])
    assert entries(deployment) == []
