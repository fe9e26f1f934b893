"""What partners answer to records and to payments: nothing is taken for accepted."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.g2p import G2p
from adapters.g2p import answers as g2p
from adapters.spdci import Spdci
from adapters.spdci import answers as spdci
from gateway.adapter import Outcome
from gateway.errors import SenderError

CANARY = "CanaryAmina"


def ack(status: Any, **more: Any) -> bytes:
    return json.dumps({"message": {"ack_status": status, "timestamp": "x", **more}}).encode()


def states(*items: dict[str, Any], name: str = "disbursements_status") -> bytes:
    header = {"message_id": "1", "status": "succ"}
    return json.dumps({"header": header, "message": {name: list(items)}}).encode()


def state(reference: Any, status: Any, code: Any = None) -> dict[str, Any]:
    return {"reference_id": reference, "status": status, "status_reason_code": code}


@pytest.mark.parametrize(
    ("answer", "records", "payments"),
    [
        (ack("ACK"), Outcome(None, "accepted"), Outcome(None, "unknown")),
        (ack("NACK"), Outcome(None, "unknown"), Outcome(None, "unknown")),
        (ack(CANARY), Outcome(None, "unknown"), Outcome(None, "unknown")),
        (ack(["ACK"]), Outcome(None, "unknown"), Outcome(None, "unknown")),
        (
            ack("ERR", error={"code": "err.signature.invalid", "message": CANARY}),
            Outcome(None, "refused", "err.signature.invalid"),
            Outcome(None, "refused", "err.signature.invalid"),
        ),
        (ack("ERR", error=CANARY), Outcome(None, "refused"), Outcome(None, "refused")),
        (ack("ERR", error={"code": CANARY}), Outcome(None, "refused"), Outcome(None, "refused")),
    ],
)
def test_an_acknowledgement_accepts_a_message_and_no_payment(
    answer: bytes, records: Outcome, payments: Outcome
):
    assert Spdci().outcomes(answer, 3) == [records]
    assert G2p().outcomes(answer, 3) == [payments]
    nested = json.dumps({"header": {}, "message": json.loads(answer)}).encode()
    assert spdci.outcomes(nested, 3) == [records]


def test_a_payment_is_known_by_its_reference():
    answer = states(
        state("c", "pdng"),
        state("a", "succ"),
        state("b", "rjct", "rjct.payee_fa.invalid"),
        state("elsewhere", "succ"),
    )

    assert g2p.outcomes(answer, 4, ["a", "b", "c", "d"]) == [
        Outcome(0, "accepted"),
        Outcome(1, "refused", "rjct.payee_fa.invalid", "payee_fa"),
        Outcome(2, "unknown"),
        Outcome(3, "unknown"),
        Outcome(None, "accepted"),
    ]


def test_without_references_only_what_is_the_same_for_all_is_told_of_each():
    alike = states(state("a", "succ"), state("b", "succ"))
    mixed = states(state("a", "succ"), state("b", "rjct", "rjct.amount.invalid"))

    assert G2p().outcomes(alike, 2) == [Outcome(0, "accepted"), Outcome(1, "accepted")]
    assert G2p().outcomes(alike, 3) == [Outcome(None, "accepted")] * 2
    assert G2p().outcomes(mixed, 2) == [
        Outcome(None, "accepted"),
        Outcome(None, "refused", "rjct.amount.invalid", "amount"),
    ]
    twice = states(state("a", "succ"), state("a", "succ"))
    assert G2p().outcomes(twice, 2) == [Outcome(None, "accepted")] * 2
    assert g2p.outcomes(twice, 2, ["a", "b"]) == [Outcome(None, "unknown")]


def test_the_state_of_a_transaction_holds_states_of_payments():
    inner = {"disbursements_status": [state("a", "succ")]}
    answer = json.dumps({"message": {"txnstatus_response": {"txn_status": inner}}}).encode()

    assert g2p.outcomes(answer, 1) == [Outcome(0, "accepted")]


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        ("rcvd", None, Outcome(0, "unknown")),
        ("SUCC", None, Outcome(0, "unknown")),
        (True, None, Outcome(0, "unknown")),
        ("rjct", CANARY, Outcome(0, "refused")),
        ("rjct", "rjct.amina yusuf.invalid", Outcome(0, "refused")),
        ("rjct", 7, Outcome(0, "refused")),
        ("rjct", "rjct.filter", Outcome(0, "refused", "rjct.filter")),
    ],
)
def test_what_is_not_surely_a_state_or_a_code_is_none(status: Any, code: Any, outcome: Outcome):
    answer = states(state("a", status, code), name="enrolled_response")

    assert spdci.outcomes(answer, 1) == [outcome]


@pytest.mark.parametrize(
    "answer", [b"{}", b"[]", b'"ACK"', b'{"message": {"enrolled_response": [7]}}', states()]
)
def test_an_answer_that_says_nothing_is_unknown(answer: bytes):
    assert spdci.outcomes(answer, 2) == [Outcome(None, "unknown")]
    assert g2p.outcomes(answer, 2) == [Outcome(None, "unknown")]


def test_what_is_no_json_is_no_answer():
    for outcomes in (Spdci().outcomes, G2p().outcomes):
        with pytest.raises(SenderError):
            outcomes(b"<html>", 1)


WORDS = st.sampled_from(["a", "b", "succ", "rjct", "pdng", "ACK", CANARY, 7, None])


@given(st.lists(st.builds(state, WORDS, WORDS, WORDS), max_size=4), st.integers(0, 4))
def test_no_more_is_accepted_than_is_said(items: list[dict[str, Any]], sent: int):
    for references in ((), ("a", "b")):
        found = g2p.outcomes(states(*items), sent, references)

        accepted = sum(one.state == "accepted" for one in found)
        assert accepted <= sum(item["status"] == "succ" for item in items)
        assert all(one.index is None or 0 <= one.index < sent for one in found)
        assert CANARY not in repr(found)
