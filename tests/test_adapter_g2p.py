"""G2P Connect payments: read and written so that nothing is paid twice, early or by guess."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.g2p import G2p
from adapters.spdci.envelope import addressed
from gateway.adapter import read, write
from gateway.errors import SenderError
from gateway.record import Parsed, Record, Rendered, check
from tests.test_adapter_spdci import plan_for

CANARY = "CanaryAmina"
SAMPLES = Path(__file__).resolve().parent.parent / "adapters/g2p/samples"
PAID = {
    "reference_id": "7",
    "payer_fa": "account:1@bank",
    "payee_fa": "mobile:2@wallet",
    "amount": "85.00",
}
RECORD: Record = {
    "record_type": "assistance",
    "record_id": "mis.example/7",
    "benefit_id": "7",
    "payer_fa": "account:1@bank",
    "payee_fa": "mobile:2@wallet",
    "benefit_value": "85.00",
}


def message(*payments: Any, **more: Any) -> bytes:
    header = {"message_id": "1", "action": "disburse", "sender_id": "mis.example"}
    body = more or {"transaction_id": "t", "disbursements": list(payments)}
    return json.dumps({"header": header, "message": body}).encode()


def parse(content: bytes) -> Parsed:
    parsed = read(G2p(), content)
    for record in parsed.records:
        check(record, at="")
    return parsed


def refused(content: bytes) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        parse(content)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value.rule, caught.value.at


def not_written(*records: Record) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        write(G2p(), records)
    assert CANARY not in str(caught.value)
    return caught.value.rule, caught.value.at


def payments(rendered: Rendered) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(rendered.content)["message"]["disbursements"]
    return found


def test_every_field_of_a_payment_has_its_place():
    first, second = parse((SAMPLES / "payments.json").read_bytes()).records

    assert first == {
        "record_type": "assistance",
        "record_id": "mis.sahil.example/2026-03%2F0001",
        "benefit_id": "2026-03/0001",
        "payer_fa": "account:1200@national-bank",
        "payee_fa": "mobile:555-0101@wallet",
        "benefit_value": "85.00",
        "scheduled_date": "2026-03-05T08:00:00+03:00",
        "payer_name": "Cash for the north",
        "payee_name": "Halima Warsame",
        "note": "March",
        "programme_name": "Cash for the north 2026",
        "instruction": "pay at any agent",
        "currency_code": "USD",
        "language_code": "som",
    }
    assert second["benefit_value"] == "40.5"


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir()))
def test_what_is_read_is_written(name: str):
    parsed = parse((SAMPLES / name).read_bytes())
    rendered = write(G2p(), parsed.records)
    again = parse(rendered.content)

    lost = [leaf.removeprefix("assistance.") for leaf in rendered.unrendered]
    assert lost in ([], ["language_code"])
    assert again.records == [
        {key: value for key, value in one.items() if key not in lost} for one in parsed.records
    ]


def test_both_spellings_are_read_and_may_not_differ():
    expected = parse(message(PAID)).records

    assert parse(message(disburemsents=[PAID])).records == expected
    assert parse(message(disburemsents=[PAID], disbursements=[PAID])).records == expected
    assert parse(message(disburemsents=[], disbursements=[PAID])).records == expected
    other = [{**PAID, "amount": "1.00"}]
    assert refused(message(disburemsents=other, disbursements=[PAID]))[0] == "g2p.two_values"


def test_the_list_is_written_once_and_the_misspelt_one_is_empty():
    body = json.loads(write(G2p(), [RECORD]).content)

    assert body["message"]["disbursements"] == [PAID]
    assert body["message"]["disburemsents"] == []
    assert body["header"]["action"] == "disburse"
    assert body["header"]["total_count"] == 1
    assert body["header"]["sender_id"] == "mis.example"


@pytest.mark.parametrize(
    ("value", "written", "lost"),
    [
        ("85.00", "85.00", ()),
        ("85.5", "85.5", ()),
        ("85", "85.00", ("assistance.benefit_value",)),
        ("0085", "0085.00", ("assistance.benefit_value",)),
    ],
)
def test_an_amount_keeps_its_digits(value: str, written: str, lost: tuple[str, ...]):
    rendered = write(G2p(), [{**RECORD, "benefit_value": value}])

    assert payments(rendered)[0]["amount"] == written
    assert rendered.unrendered == lost
    assert rendered.lineage["assistance.benefit_value"] == "disbursements[].amount"


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"benefit_value": "85.005"}, "amount"),
        ({"benefit_value": "-85.00"}, "amount"),
        ({"benefit_value": "1e3"}, "amount"),
        ({"benefit_value": "12345678901234"}, "amount"),
        ({"benefit_value": None}, "amount"),
        ({"payee_fa": CANARY}, "payee_fa"),
        ({"payer_fa": f"a b@{CANARY}"}, "payer_fa"),
        ({"payee_fa": None}, "payee_fa"),
        ({"benefit_id": None}, "reference_id"),
    ],
)
def test_a_payment_that_could_not_be_made_as_meant_is_not_written(change: dict[str, Any], at: str):
    record = {key: value for key, value in {**RECORD, **change}.items() if value is not None}

    assert not_written(RECORD | {"benefit_id": "1"}, record) == ("g2p.required", f"record 2, {at}")


@pytest.mark.parametrize(
    "change",
    [
        {"scheduled_date": "2026-03-05"},
        {"scheduled_date": "2026-03-05T08:00:00"},
        {"scheduled_date": "2026-02-30T08:00:00Z"},
        {"withheld": {"scheduled_date": "agreement"}},
    ],
)
def test_a_payment_with_a_date_is_never_made_at_once(change: dict[str, Any]):
    assert not_written({**RECORD, **change}) == ("g2p.scheduled", "record 1, scheduled_timestamp")


def test_no_reference_is_paid_twice():
    again = {**RECORD, "record_id": "mis.example/8"}

    assert not_written(RECORD, again) == ("g2p.reference_twice", "record 2, reference_id")


@pytest.mark.parametrize(
    ("field", "fits", "too_much"),
    [
        ("note", "x" * 99, "x" * 100),
        ("programme_name", "é" * 99, "é" * 100),
        ("instruction", "x" * 999, "x" * 1000),
        ("language_code", "som", "so"),
        ("currency_code", "USD", "QQQ"),
    ],
)
def test_what_does_not_fit_is_told_and_never_cut(field: str, fits: str, too_much: str):
    (made,) = payments(write(G2p(), [{**RECORD, field: fits}]))
    rendered = write(G2p(), [{**RECORD, field: too_much}])

    assert fits in made.values()
    assert payments(rendered) == [PAID]
    assert rendered.unrendered == (f"assistance.{field}",)


def test_what_is_no_payment_is_told():
    person = {"record_type": "person", "record_id": "mis.example/p", "sex": "male"}
    rendered = write(G2p(), [person, {**RECORD, "benefit_type": "cash"}])

    assert payments(rendered) == [PAID]
    assert rendered.unrendered == (
        "assistance.benefit_type",
        "person.record_id",
        "person.record_type",
        "person.sex",
    )
    assert json.loads(rendered.content)["header"]["total_count"] == 1


def test_ids_of_several_authorities_do_not_come_back():
    second = {**RECORD, "record_id": "other.example/8", "benefit_id": "8"}
    third = {**RECORD, "record_id": "other.example/10", "benefit_id": "9"}

    assert write(G2p(), [RECORD, second]).unrendered == ("assistance.record_id",)
    assert write(G2p(), [third]).unrendered == ("assistance.record_id",)
    assert write(G2p(), [RECORD], plan_for("g2p", "mis.example")).unrendered == ()
    parsed = read(G2p(), message(PAID), plan_for("g2p"))
    assert parsed.records[0]["record_id"] == "a.example/7"


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"amount": "85,00"}, "g2p.amount"),
        ({"amount": "-1.00"}, "g2p.amount"),
        ({"payee_fa": CANARY}, "g2p.financial_address"),
        ({"payee_fa": 7}, "g2p.financial_address"),
        ({"currency_code": "usd"}, "g2p.currency"),
        ({"currency_code": [CANARY]}, "g2p.currency"),
        ({"scheduled_timestamp": "soon"}, "g2p.scheduled"),
        ({"locale": 7}, "g2p.locale"),
        ({"reference_id": 7}, "g2p.text"),
        ({"reference_id": ""}, "g2p.required"),
        ({"payer_fa": None}, "g2p.required"),
    ],
)
def test_what_a_field_does_not_have_is_refused(change: dict[str, Any], rule: str):
    found = refused(message(PAID, {**PAID, **change}))

    assert found[0] == rule
    assert found[1] == f"disbursement 2, disbursements[].{next(iter(change))}"


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"{", "json.truncated"),
        (b"[]", "g2p.not_a_message"),
        (b'{"header": {}, "message": ""}', "g2p.not_a_message"),
        (b'{"message": {"disbursements": []}}', "g2p.header"),
        (b'{"header": {}, "message": {"a": 1, "a": 2}}', "json.key_twice"),
        (b'{"header": {"is_msg_encrypted": true}, "message": {"x": 1}}', "g2p.encrypted"),
        (b'{"header": {"is_msg_encrypted": true}, "message": "eyJh.x.y"}', "g2p.encrypted"),
        (message({}), "g2p.required"),
        (message(ciphertext="x"), "g2p.encrypted"),
        (message(ack_status="ACK"), "g2p.acknowledgement"),
        (message(disbursements_status=[]), "g2p.status"),
        (message(search_criteria=[{}]), "g2p.request"),
        (message(link_request=[{"id": CANARY}]), "g2p.mapper"),
        (message(resolve_response=[{}]), "g2p.mapper"),
        (message(search_response=[]), "g2p.registry"),
        (message(transaction_id="t"), "g2p.not_a_message"),
        (message(disbursements={"x": 1}), "g2p.payment"),
        (message(CANARY), "g2p.payment"),
    ],
)
def test_what_holds_no_payments_is_refused_by_a_rule_that_says_so(content: bytes, rule: str):
    assert refused(content)[0] == rule


def test_what_nobody_takes_is_told():
    parsed = parse(message({**PAID, "meta": {"a": 1}, CANARY: 1}))

    assert parsed.unmapped == ("disbursements[].?", "disbursements[].meta")
    assert parse(message(disbursements=[])).records == []
    lines = message(PAID) + b"\n" + message({**PAID, "amount": "x"})
    assert refused(lines)[1] == "line 2, disbursement 1, disbursements[].amount"
    with pytest.raises(SenderError, match="another format"):
        read(G2p(), message(PAID), plan_for("kobo"))


def test_a_list_of_payments_is_addressed_as_a_message():
    sent = addressed(
        write(G2p(), [RECORD]).content,
        sender_id="mis.example",
        receiver_id="payments.example",
        message_id="m-1",
        message_ts="2026-03-02T08:15:00Z",
        transaction_id="t-1",
    )

    assert json.loads(sent)["message"]["transaction_id"] == "t-1"
    assert parse(sent).records == [RECORD]


AMOUNTS = st.from_regex(r"[0-9]{1,13}\.[0-9]{1,2}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=120)


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(TEXTS.filter(str.strip), AMOUNTS, TEXTS),
        max_size=4,
        unique_by=lambda one: one[0],
    ),
    st.sampled_from(["USD", "QQQ", "KES"]),
)
def test_whatever_is_paid_comes_back(several: list[tuple[str, str, str]], currency: str):
    records = [
        {
            **RECORD,
            "record_id": f"mis.example/{number}",
            "benefit_id": reference,
            "benefit_value": amount,
            "note": note,
            "currency_code": currency,
        }
        for number, (reference, amount, note) in enumerate(several)
    ]
    rendered = write(G2p(), records)
    back = read(G2p(), rendered.content).records

    assert [one["benefit_value"] for one in back] == [amount for _, amount, _ in several]
    for old, new in zip(records, back, strict=True):
        changed = {f"assistance.{key}" for key in old if old[key] != new.get(key)}
        assert changed <= set(rendered.unrendered)


def test_descriptions_of_the_interface_are_no_payments(samples: Callable[[str], Path]):
    rows = json.loads((Path(__file__).parent / "real/g2p.json").read_bytes())

    for row in rows:
        assert refused(samples(row["file"]).read_bytes())[0] == row["rule"]


def test_what_payers_vary_is_read():
    email = "email:amina@mail.example@wallet"
    moment = "2026-03-05T08:00:00+0300"
    varied = {**PAID, "payee_fa": email, "scheduled_timestamp": moment, "locale": "en_US"}
    body = {**json.loads(message(varied)), "trace_id": "7", CANARY: 1}
    body["message"]["error"] = {}
    parsed = parse(json.dumps(body).encode())

    assert parsed.records[0]["payee_fa"] == email
    assert parsed.records[0]["scheduled_date"] == "2026-03-05T08:00:00+03:00"
    assert parsed.unmapped == ("?", "disbursements[].locale", "trace_id")
    assert payments(write(G2p(), parsed.records))[0]["payee_fa"] == email
