"""What is asked of records once they are read, before anyone decides about them."""

from collections.abc import Sequence

from gateway.errors import SenderError
from gateway.record import RECORD_TYPES, Record, check, validator


def distinct(records: Sequence[Record]) -> tuple[list[Record], int]:
    """Valid records, each id once, and how many came a second time exactly alike.

    Vendors send at least once, so the same record twice is ordinary. The same id with other
    content is not: which one is true cannot be known here (`record.conflict`).
    """
    seen: dict[str, Record] = {}
    twice = 0
    for position, record in enumerate(records, 1):
        record_type = record.get("record_type", "")
        if record_type not in RECORD_TYPES or not validator(record_type).is_valid(record):
            check(record, at=f"record {position}")
            raise SenderError("not a record", rule="schema.record_type", at=f"record {position}")
        first = seen.setdefault(record["record_id"], record)
        if first is not record:
            if first != record:
                raise SenderError(
                    "two records of one id say different things",
                    rule="record.conflict",
                    at=f"record {position}",
                )
            twice += 1
    if not seen:
        raise SenderError("there is no record in it", rule="record.none")
    return list(seen.values()), twice
