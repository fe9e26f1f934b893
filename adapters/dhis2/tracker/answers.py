"""What a server says became of tracker objects: the import report, or the job that will make it.

An object that was sent is one of the list the body begins with, with everything nested in it: a
tracked entity is refused if one of its events was.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import orjson

from adapters.dhis2.web_message import answered, code_of, counts, job_of, listed
from gateway.adapter import Outcome

LISTS = ("trackedEntities", "enrollments", "events", "relationships")
TYPES = ("TRACKED_ENTITY", "ENROLLMENT", "EVENT", "RELATIONSHIP")
_UIDS = ("trackedEntity", "enrollment", "event", "relationship")

State = Literal["accepted", "refused", "unknown"]


def numbered(body: bytes) -> dict[str, int]:
    """The uid of every object of a body we wrote, to the position of what it stands in."""
    document = orjson.loads(body)
    found: dict[str, int] = {}
    for name in LISTS:
        for index, one in enumerate(document.get(name, ())):
            for uid in _inside(one, _UIDS[LISTS.index(name)]):
                found.setdefault(uid, index)
    return found


def _inside(one: Mapping[str, Any], kind: str) -> Iterator[str]:
    if kind in one:
        yield one[kind]
    for name, uid in zip(LISTS, _UIDS, strict=True):
        for inner in one.get(name, ()):
            yield from _inside(inner, uid)


def outcomes(answer: bytes, sent: int, uids: Mapping[str, int] | None = None) -> list[Outcome]:
    """One outcome for each object sent, or one of the whole where nothing tells them apart.

    `uids` is what `numbered` said of the body: reports name objects by uid. An answer that only
    names a job is `unknown`, with the job's address. `at` is the kind of object with the error.
    """
    report, well = answered(answer)
    taken = counts(report, "stats", "created", "updated", "deleted")
    ignored, total = counts(report, "stats", "ignored"), counts(report, "stats", "total")
    if taken is None or ignored is None or total is None:
        job = job_of(answer)
        return [Outcome(None, "unknown", code_of(report), f"tracker/jobs/{job}" if job else None)]
    known = uids or {}
    refused, lost = _refused(report, known, sent)
    state: State = "unknown"
    if taken + ignored != total or total < sent:
        pass
    elif taken == 0 and total:
        # All or nothing, or nothing was right; with VALIDATE nothing is taken either.
        state = "refused" if report.get("status") == "ERROR" else "unknown"
    elif report.get("status") in ("OK", "WARNING") and well and not ignored:
        state = "unknown" if refused or lost else "accepted"
    done = _done(report, known) if state == "unknown" and taken and not lost else set()
    each = [
        refused.get(index) or Outcome(index, "accepted" if index in done else state)
        for index in range(sent)
    ]
    return [*lost, *each]


def _errors(report: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    validation = report.get("validationReport")
    if isinstance(validation, dict):
        yield from listed(validation, "errorReports")
    for one in _objects(report):
        for error in listed(one, "errorReports"):
            yield {"trackerType": one.get("trackerType"), "uid": one.get("uid"), **error}


def _objects(report: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    bundle = report.get("bundleReport")
    types = bundle.get("typeReportMap") if isinstance(bundle, dict) else None
    for one in types.values() if isinstance(types, dict) else ():
        if isinstance(one, dict):
            yield from listed(one, "objectReports")


def _refused(
    report: Mapping[str, Any], uids: Mapping[str, int], sent: int
) -> tuple[dict[int, Outcome], list[Outcome]]:
    """The objects with an error by their position, and errors of nobody knows which."""
    found: dict[int, Outcome] = {}
    lost: list[Outcome] = []
    for error in _errors(report):
        kind = error.get("trackerType")
        at = kind if kind in TYPES else None
        index = uids.get(str(error.get("uid")), -1)
        if 0 <= index < sent:
            found.setdefault(index, Outcome(index, "refused", code_of(error), at))
        else:
            lost.append(Outcome(None, "refused", code_of(error), at))
    return found, lost


def _done(report: Mapping[str, Any], uids: Mapping[str, int]) -> set[int]:
    """Objects of which every part was reported without an error."""
    parts: dict[int, set[str]] = {}
    for uid, index in uids.items():
        parts.setdefault(index, set()).add(uid)
    said = {str(one.get("uid")) for one in _objects(report) if one.get("errorReports") == []}
    return {index for index, some in parts.items() if some <= said}
