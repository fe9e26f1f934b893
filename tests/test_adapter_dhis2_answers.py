"""What servers say of an import, and how one is asked for."""

from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dhis2.aggregate import Dhis2Adx
from adapters.dhis2.aggregate import answers as aggregate
from adapters.dhis2.tracker import Dhis2Tracker
from adapters.dhis2.tracker import answers as tracker
from adapters.dhis2.tracker.parameters import ImportParameters
from adapters.dhis2.web_message import job_of
from gateway.adapter import Outcome
from gateway.errors import OfficerError

UNKNOWN = [Outcome(None, "unknown")]


def summary(status: str, taken: int, ignored: int, code: int = 200, **more: Any) -> bytes:
    """A WebMessage around an import summary."""
    counts = {"imported": taken, "updated": 0, "deleted": 0, "ignored": ignored}
    report = {"responseType": "ImportSummary", "status": status, "importCount": counts, **more}
    return orjson.dumps({"httpStatusCode": code, "status": status, "response": report})


def conflict(*indexes: int, code: str = "E7619", **more: Any) -> dict[str, Any]:
    return {
        "object": "Amina",
        "value": "Value `Amina` is no number",
        "errorCode": code,
        "property": "value",
        "indexes": list(indexes),
        **more,
    }


def test_all_taken_is_accepted() -> None:
    assert aggregate.outcomes(summary("SUCCESS", 2, 0), 2) == [
        Outcome(0, "accepted"),
        Outcome(1, "accepted"),
    ]
    assert Dhis2Adx().outcomes(summary("SUCCESS", 1, 0), 1) == [Outcome(0, "accepted")]
    bare = orjson.loads(summary("SUCCESS", 1, 0))["response"]
    assert aggregate.outcomes(orjson.dumps(bare), 1) == [Outcome(0, "accepted")]


@pytest.mark.parametrize("code", [200, 409])
def test_a_warning_refuses_what_it_names(code: int) -> None:
    answer = summary("WARNING", 2, 1, code, conflicts=[conflict(1)], rejectedIndexes=[1])
    others = "accepted" if code == 200 else "unknown"

    assert aggregate.outcomes(answer, 3) == [
        Outcome(0, others),
        Outcome(1, "refused", "E7619", "value"),
        Outcome(2, others),
    ]


def test_no_text_of_the_server_is_kept() -> None:
    odd = conflict(0, code="Amina", property="Amina Yusuf")
    answer = summary("WARNING", 0, 1, conflicts=[odd], rejectedIndexes=[0])

    assert aggregate.outcomes(answer, 1) == [Outcome(0, "refused")]


def test_an_error_that_took_nothing_refuses_everything() -> None:
    answer = summary("ERROR", 0, 2, 409, conflicts=[conflict(0)])

    assert aggregate.outcomes(answer, 2) == [
        Outcome(0, "refused", "E7619", "value"),
        Outcome(1, "refused"),
    ]


def test_a_conflict_without_an_index_leaves_everybody_unknown() -> None:
    nameless = {"object": "oUgelbis003", "value": "Organisation unit not found"}

    assert aggregate.outcomes(summary("WARNING", 1, 1, conflicts=[nameless]), 2) == [
        Outcome(0, "unknown"),
        Outcome(1, "unknown"),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<importSummary/>",
        b"[]",
        b"{}",
        b'{"response": {"importCount": {"imported": true}}}',
        summary("SUCCESS", 5, 0),
        summary("SUCCESS", 1, 0),
        summary("WARNING", 1, 1, rejectedIndexes=[7]),
        summary("SUCCESS", 2, 0, importOptions={"dryRun": True}),
        summary("SUCCESS", -2, 4),
    ],
)
def test_what_does_not_add_up_is_unknown(answer: bytes) -> None:
    assert aggregate.outcomes(answer, 2) == UNKNOWN


def test_an_import_in_the_background_is_unknown() -> None:
    answer = orjson.dumps(
        {
            "httpStatusCode": 200,
            "status": "OK",
            "response": {"id": "jObNumber01", "jobType": "DATAVALUE_IMPORT"},
        }
    )

    assert aggregate.outcomes(answer, 2) == [
        Outcome(None, "unknown", at="system/taskSummaries/DATAVALUE_IMPORT/jObNumber01")
    ]


# Tracker

BODY = orjson.dumps(
    {
        "trackedEntities": [
            {
                "trackedEntity": "tEntityNo01",
                "enrollments": [
                    {"enrollment": "eNrolmentN1", "events": [{"event": "eVentNumbr1"}]}
                ],
                "relationships": [{"relationship": "rElationNo1"}],
            },
            {"trackedEntity": "tEntityNo02", "enrollments": [{"enrollment": "eNrolmentN2"}]},
            {"orgUnit": "no uid"},
        ]
    }
)
UIDS = tracker.numbered(BODY)


def report(status: str, taken: int, ignored: int, *errors: Any, **more: Any) -> dict[str, Any]:
    counts = {"created": taken, "updated": 0, "deleted": 0, "ignored": ignored}
    return {
        "status": status,
        "stats": counts | {"total": taken + ignored},
        "validationReport": {"errorReports": list(errors), "warningReports": []},
        **more,
    }


def error(uid: str, kind: str = "EVENT", code: str = "E1007") -> dict[str, Any]:
    message = "Value `Amina` is not a valid INTEGER"
    return {"uid": uid, "trackerType": kind, "errorCode": code, "message": message}


def bundle(*uids: str, **wrong: list[Any]) -> dict[str, Any]:
    """The part of a report that goes through the objects."""
    objects = [
        {"trackerType": "EVENT", "uid": uid, "index": 0, "errorReports": wrong.get(uid, [])}
        for uid in uids
    ]
    return {"bundleReport": {"typeReportMap": {"EVENT": {"objectReports": objects}, "X": 1}}}


def outcomes(found: dict[str, Any], code: int = 200) -> list[Outcome]:
    wrapped = {"httpStatusCode": code, "response": found} if code != 200 else found
    return tracker.outcomes(orjson.dumps(wrapped), 2, UIDS)


def test_every_uid_of_a_body_has_its_position() -> None:
    assert UIDS == {
        "tEntityNo01": 0,
        "eNrolmentN1": 0,
        "eVentNumbr1": 0,
        "rElationNo1": 0,
        "tEntityNo02": 1,
        "eNrolmentN2": 1,
    }


def test_a_report_without_a_loss_accepts_everything() -> None:
    expected = [Outcome(0, "accepted"), Outcome(1, "accepted")]

    assert outcomes(report("OK", 6, 0)) == expected
    assert outcomes(report("WARNING", 6, 0)) == expected


def test_all_or_nothing_refuses_all_and_says_why() -> None:
    assert outcomes(report("ERROR", 0, 6, error("eVentNumbr1")), 409) == [
        Outcome(0, "refused", "E1007", "EVENT"),
        Outcome(1, "refused"),
    ]


def test_an_error_of_nobody_knows_whom_is_told_of_the_whole() -> None:
    assert outcomes(report("ERROR", 0, 6, error("sOmebodyEls", "PERSON", "Amina"))) == [
        Outcome(None, "refused"),
        Outcome(0, "refused"),
        Outcome(1, "refused"),
    ]


def test_of_a_partial_import_only_what_is_whole_is_accepted() -> None:
    done = bundle("tEntityNo02", "eNrolmentN2", "tEntityNo01", "eNrolmentN1")
    errors = [error("eVentNumbr1", code="E1125")]

    assert outcomes(report("WARNING", 4, 2, *errors, **done)) == [
        Outcome(0, "refused", "E1125", "EVENT"),
        Outcome(1, "accepted"),
    ]
    odd = bundle("tEntityNo02", "eNrolmentN2")
    for one in odd["bundleReport"]["typeReportMap"]["EVENT"]["objectReports"][:1]:
        one["uid"] = ["tEntityNo02"]
    assert outcomes(report("WARNING", 4, 2, **odd))[1] == Outcome(1, "unknown")
    assert outcomes(report("WARNING", 4, 2, **done)) == [
        Outcome(0, "unknown"),
        Outcome(1, "accepted"),
    ]


def test_an_error_beside_an_object_counts_like_one_of_the_validation() -> None:
    wrong = bundle("eVentNumbr1", eVentNumbr1=[{"errorCode": "E5000"}])

    assert outcomes(report("OK", 6, 0, **wrong)) == [
        Outcome(0, "refused", "E5000", "EVENT"),
        Outcome(1, "unknown"),
    ]


@pytest.mark.parametrize(
    "found",
    [
        report("OK", 0, 0),
        report("OK", 1, 0),
        report("OK", 0, 6),
        report("STRANGE", 6, 0),
        report("STRANGE", 6, 0) | {"validationReport": None, "bundleReport": {}},
        report("OK", 6, 0) | {"stats": {"created": 6, "updated": 0, "deleted": 0, "ignored": 0,
                                        "total": 7}},
    ],
)  # fmt: skip
def test_a_report_that_does_not_add_up_is_unknown(found: dict[str, Any]) -> None:
    assert outcomes(found) == [Outcome(0, "unknown"), Outcome(1, "unknown")]


def test_a_200_that_names_a_job_is_no_acceptance() -> None:
    answer = orjson.dumps(
        {
            "httpStatus": "OK",
            "httpStatusCode": 200,
            "status": "OK",
            "response": {
                "responseType": "TrackerJob",
                "id": "jObNumber01",
                "location": "https://play.example/api/tracker/jobs/jObNumber01",
            },
        }
    )

    assert tracker.outcomes(answer, 2) == [Outcome(None, "unknown", at="tracker/jobs/jObNumber01")]
    assert job_of(answer) == "jObNumber01"
    assert tracker.outcomes(b"Service Unavailable", 2) == UNKNOWN
    assert job_of(b'{"response": {"id": "Amina Yusuf"}}') is None
    assert Dhis2Tracker().outcomes(answer, 2) == tracker.outcomes(answer, 2)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 3) | st.sampled_from(["OK", "ERROR", "E1007"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["stats", "created", "updated", "deleted", "ignored", "total", "importCount",
             "imported", "status", "response", "conflicts", "indexes", "rejectedIndexes",
             "validationReport", "errorReports", "bundleReport", "typeReportMap", "objectReports",
             "uid", "id", "httpStatusCode"]
        ),
        inner,
        max_size=6,
    ),
    max_leaves=20,
)  # fmt: skip


@given(ANY)
def test_any_answer_has_outcomes(answer: Any) -> None:
    for found in (
        aggregate.outcomes(orjson.dumps(answer), 2),
        tracker.outcomes(orjson.dumps(answer), 2, UIDS),
    ):
        assert all(isinstance(one, Outcome) for one in found)
        assert {one.index for one in found} in ({None}, {0, 1}, {None, 0, 1})


# How an import is asked for


def test_every_choice_is_written_out() -> None:
    parameters = ImportParameters(id_schemes={"orgUnitIdScheme": "CODE", "idScheme": "UID"})

    assert parse_qs(parameters.query()) == {
        "async": ["false"],
        "importStrategy": ["CREATE_AND_UPDATE"],
        "importMode": ["COMMIT"],
        "atomicMode": ["ALL"],
        "reportMode": ["FULL"],
        "skipRuleEngine": ["false"],
        "skipSideEffects": ["false"],
        "skipPatternValidation": ["false"],
        "idScheme": ["UID"],
        "orgUnitIdScheme": ["CODE"],
    }
    query = ImportParameters(wait=False, import_mode="VALIDATE", atomic_mode="OBJECT").query()
    assert "async=true&" in query
    assert "importMode=VALIDATE&atomicMode=OBJECT" in query


@pytest.mark.parametrize(
    ("wrong", "at"),
    [
        ({"import_strategy": "REPLACE"}, "import_strategy"),
        ({"import_mode": "commit"}, "import_mode"),
        ({"atomic_mode": ""}, "atomic_mode"),
        ({"report_mode": "ALL"}, "report_mode"),
        ({"id_schemes": {"orgUnitIdScheme": "ATTRIBUTE:x"}}, "orgUnitIdScheme"),
        ({"id_schemes": {"skipAll": "UID"}}, "id_schemes"),
    ],
)
def test_a_choice_servers_do_not_have_is_refused(wrong: dict[str, Any], at: str) -> None:
    with pytest.raises(OfficerError) as caught:
        ImportParameters(**wrong)

    assert (caught.value.rule, caught.value.at) == ("dhis2.parameter", at)
