"""What a DHIS2 server also writes as JSON, and is no data. Refused by what it is."""

from collections.abc import Mapping
from typing import Any

from gateway.errors import SenderError

_ANSWER = {"httpStatus", "httpStatusCode", "importCount", "bundleReport", "validationReport"}
_METADATA = {
    "categoryCombos",
    "categoryOptionCombos",
    "dataElements",
    "dataSets",
    "optionSets",
    "organisationUnits",
    "programStages",
    "programs",
    "trackedEntityAttributes",
    "trackedEntityTypes",
}


def refuse_other(document: Any, *, at: str = "") -> None:
    """Raise `SenderError` for a server's answer, for metadata, for a table of analytics."""
    if not isinstance(document, Mapping):
        return
    if _ANSWER & document.keys():
        raise SenderError("a server's answer, not data", rule="dhis2.answer", at=at)
    if any(isinstance(document.get(key), list) for key in _METADATA):
        raise SenderError("metadata, not data", rule="dhis2.metadata", at=at)
    if isinstance(document.get("headers"), list) and isinstance(document.get("rows"), list):
        raise SenderError(
            "a table of analytics: ask the server for data values", rule="dhis2.analytics", at=at
        )
