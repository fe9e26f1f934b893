"""What a server says became of data values: the import summary of `/api/dataValueSets`.

HTTP 200 is no acceptance: a summary with conflicts and the state WARNING comes with it.
"""

from collections.abc import Mapping
from typing import Any

from adapters.dhis2.web_message import answered, code_of, counts, job_of, listed, path_of
from gateway.adapter import Outcome

_DONE = ("SUCCESS", "OK", "WARNING")
_SUMMARIES = "system/taskSummaries/DATAVALUE_IMPORT"
"""Where the summary of an import stands that was asked for with `async=true`."""


def outcomes(answer: bytes, sent: int) -> list[Outcome]:
    """One outcome for each data value, or one of the whole where nothing tells them apart.

    Accepted is only what the counts leave no doubt about: taken and rejected are together all
    that was sent, and every rejected one is named by its index. Older servers name none.
    """
    report, well = answered(answer)
    rejected = _rejected(report)
    taken = counts(report, "importCount", "imported", "updated", "deleted")
    ignored = counts(report, "importCount", "ignored")
    if taken is None or ignored is None:
        job = job_of(answer)
        return [Outcome(None, "unknown", code_of(report), f"{_SUMMARIES}/{job}" if job else None)]
    options = report.get("importOptions")
    if isinstance(options, dict) and options.get("dryRun") not in (None, False):
        return [Outcome(None, "unknown")]
    if any(index >= sent for index in rejected) or taken + ignored != sent:
        return [Outcome(None, "unknown")]
    others = "unknown"
    if report.get("status") in _DONE and well and ignored == len(rejected):
        others = "accepted"
    elif taken == 0 and report.get("status") == "ERROR":
        # Without an error, what was ignored may also be what the server has already.
        others = "refused"
    return [
        rejected.get(index) or Outcome(index, others)  # type: ignore[arg-type]
        for index in range(sent)
    ]


def _rejected(report: Mapping[str, Any]) -> dict[int, Outcome]:
    found: dict[int, Outcome] = {}
    for conflict in listed(report, "conflicts"):
        for index in _indexes(conflict.get("indexes")):
            code, at = code_of(conflict), path_of(conflict.get("property"))
            found.setdefault(index, Outcome(index, "refused", code, at))
    for index in _indexes(report.get("rejectedIndexes")):
        found.setdefault(index, Outcome(index, "refused"))
    return found


def _indexes(value: Any) -> list[int]:
    items = value if isinstance(value, list) else []
    return [item for item in items if item.__class__ is int and item >= 0]
