"""Canonical moments and FHIR's dateTime: which of them are both, and which come first."""

from datetime import datetime

from adapters.fhir_r4.carriable import is_date, is_instant


def is_moment(value: str) -> bool:
    """Whether a canonical moment is a FHIR dateTime. One with a time and no zone is not."""
    return is_date(value) if len(value) <= len("2026-01-01") else is_instant(value)


def in_order(start: str | None, end: str | None) -> bool:
    """Whether R4 takes a period: it must not end before it starts, nor leave that open."""
    if start is None or end is None:
        return True
    if not is_moment(start) or not is_moment(end):
        return False
    if "T" in start and "T" in end:
        return datetime.fromisoformat(start) <= datetime.fromisoformat(end)
    return "T" not in start and "T" not in end and len(start) == len(end) and start <= end


def is_reversed(start: str | None, end: str | None) -> bool:
    """Whether a period surely ends before it starts."""
    if start is None or end is None:
        return False
    if "T" in start and "T" in end:
        return datetime.fromisoformat(start) > datetime.fromisoformat(end)
    days = min(len(start), len(end), len("2026-01-01"))
    return "T" not in start and "T" not in end and start[:days] > end[:days]
