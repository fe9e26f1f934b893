"""Answers of a DHIS2 server, before anyone looks for what they say of each object."""

import io
import re
from collections.abc import Mapping
from typing import Any

from gateway.errors import SenderError
from gateway.source.objects import document

_CODE = re.compile(r"E[0-9]{4}")
_PATH = re.compile(r"[A-Za-z][A-Za-z0-9]{0,40}")
_JOB = re.compile(r"[a-zA-Z][a-zA-Z0-9]{10}")
FAILED = 400


def answered(answer: bytes) -> tuple[dict[str, Any], bool]:
    """The part of an answer that is a report, and whether HTTP says that all went well.

    Empty where it is no JSON object, and so says nothing.
    """
    try:
        found = document(io.BytesIO(answer))
    except SenderError:
        return {}, False
    if not isinstance(found, dict):
        return {}, False
    status = found.get("httpStatusCode", 200)
    inner = found.get("response")
    report = inner if isinstance(inner, dict) else found
    return report, isinstance(status, int) and status < FAILED


def counts(report: Mapping[str, Any], key: str, *names: str) -> int | None:
    """The sum of some counts; None where one of them is no count."""
    found = report.get(key)
    total = 0
    for name in names:
        number = found.get(name) if isinstance(found, dict) else None
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            return None
        total += number
    return total


def listed(report: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """The objects of a list; none where there is no list."""
    found = report.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def code_of(error: Mapping[str, Any]) -> str | None:
    """The code of an error, if it is one: `E1007`."""
    code = error.get("errorCode")
    return code if isinstance(code, str) and _CODE.fullmatch(code) else None


def path_of(text: Any) -> str | None:
    """The name of a property, if it is one."""
    return text if isinstance(text, str) and _PATH.fullmatch(text) else None


def job_of(answer: bytes) -> str | None:
    """The uid of the job that an answer announces: `GET /api/tracker/jobs/{uid}/report` follows."""
    report, _ = answered(answer)
    job = report.get("id")
    return job if isinstance(job, str) and _JOB.fullmatch(job) else None
