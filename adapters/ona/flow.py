"""Flow Results (FLOIP 1.0): one row for each answer, put together by session.

    [timestamp, row id, contact id, session id, question id, response, {metadata}]

A session becomes a submission: each question id holds its response, and beside it stand
`session_id`, `contact_id`, and for each question `<question id>/timestamp`, `/row_id` and the
keys of the response's metadata.
"""

from collections.abc import Iterator
from typing import Any

from adapters.openrosa.submission import Submission
from gateway.errors import SenderError

COLUMNS = 7


def sessions(rows: list[Any]) -> Iterator[Submission]:
    """One submission for each session, in order of their first rows."""
    found: dict[str, Submission] = {}
    for number, row in enumerate(rows, 1):
        _check(row, at=f"row {number}")
        _, _, contact, session, *_ = row
        if session not in found:
            fields = {"session_id": session, "contact_id": contact}
            found[session] = Submission(fields, [], f"session {len(found) + 1}")
        elif found[session].fields["contact_id"] != contact:
            raise SenderError("a session of two contacts", rule="ona.flow_rows", at=f"row {number}")
        _add(found[session], row)
    yield from found.values()


def _add(session: Submission, row: list[Any]) -> None:
    time, row_id, _, _, question, response, metadata = row
    held = session.fields.setdefault(question, response)
    if held != response:
        session.twice = [*session.twice, question]
    session.fields[f"{question}/timestamp"] = time
    session.fields[f"{question}/row_id"] = row_id
    for key, value in (metadata or {}).items():
        session.fields[f"{question}/{key}"] = value


def _check(row: Any, *, at: str) -> None:
    if not isinstance(row, list) or len(row) != COLUMNS:
        # Six columns are an earlier draft without sessions: whose answers they are is open.
        raise SenderError("a row that is not of seven columns", rule="ona.flow_rows", at=at)
    _, _, contact, session, question, _, metadata = row
    named = all(isinstance(one, str) and one for one in (contact, session, question))
    if not named or not (metadata is None or isinstance(metadata, dict)):
        raise SenderError("a row without its ids in text", rule="ona.flow_rows", at=at)
