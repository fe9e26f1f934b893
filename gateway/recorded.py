"""One logged transfer's question, and the bundle that answered it, out of the log's documents.

Reads those rows and no others, and writes nothing; a gateway may be running. What is read
counts because it hashes to what the entry says: `corridor log verify` is what says that the
entry is the one that was logged.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import orjson

from gateway.errors import GatewayError, OfficerError
from gateway.log_place import present
from gateway.log_snapshot import Snapshot, live
from gateway.log_standing import opened
from gateway.policy.bundle import Bundle
from gateway.policy.question import Question, Template


def asked(directory: Path, transfer: str, folders: Callable[[], Bundle]) -> tuple[Question, Bundle]:
    """The question of a transfer and the bundle that answered.

    `folders` reads the policies as they are now: until a bundle is activated, it is likely the
    one. It counts as any other only when its digest is the one logged.
    """
    with live(directory) as connection:
        query = "SELECT leaf FROM transfer_state JOIN entry USING (idx) WHERE transfer_state.id = ?"
        rows = _rows(connection, query, transfer)
        if not rows:
            raise OfficerError("no such transfer in the log", rule="explain.unknown")
        policy = orjson.loads(rows[0][0])["policy"]
        if "template" not in policy:
            raise OfficerError(
                "this transfer was logged before questions were kept", rule="explain.no_question"
            )
        template = _document(connection, policy["template"])
        if template is None:
            raise GatewayError("the question is not kept", rule="explain.lost")
        question = Template.of(orjson.loads(template)).at(policy["at"])
        if question.digest != policy["question"]:
            raise GatewayError("the question is not the one logged", rule="explain.question")
        return question, _bundle(connection, policy["bundle"], folders)


def standing(directory: Path) -> Bundle | None:
    """The bundle activated last; none before the first activation, or where there is no log."""
    if not present(directory):
        return None
    with live(directory) as connection:
        if not has_documents(connection):
            return None
        query = "SELECT digest FROM standing WHERE kind = 'policy' AND id = 'policy'"
        rows = _rows(connection, query)
        return _bundle(connection, rows[0][0], None) if rows else None


def _bundle(connection: Snapshot, revision: str, folders: Callable[[], Bundle] | None) -> Bundle:
    for bundle in _bundles(connection, folders):
        if bundle.revision == revision:
            return bundle
    raise GatewayError("the bundle that answered is not kept", rule="explain.lost")


def _bundles(connection: Snapshot, folders: Callable[[], Bundle] | None) -> Iterator[Bundle]:
    """The activated one first, then that of the folders, then every other."""
    queries = (
        "SELECT document FROM standing WHERE kind = 'policy'",
        "SELECT digest FROM document WHERE kind = 'bundle'",
    )
    for at, query in enumerate(queries):
        for (name,) in _rows(connection, query) if has_documents(connection) else ():
            content = _document(connection, name)
            if content is not None:
                yield Bundle.unpacked(content)
        if at == 0 and folders is not None:
            yield folders()


def _document(connection: Snapshot, digest: str) -> bytes | None:
    rows = _rows(connection, "SELECT value FROM document WHERE digest = ?", digest)
    if not rows:
        return None
    content = opened(digest, rows[0][0])
    if content is None:
        raise GatewayError("a kept document was changed", rule="document.digest")
    return content


def has_documents(connection: Snapshot) -> bool:
    """Whether the log has tables for them: one last opened by an older version does not."""
    query = "SELECT 1 FROM sqlite_schema WHERE name = 'standing'"
    return not isinstance(connection, apsw.Connection) or bool(_rows(connection, query))


def _rows(connection: Snapshot, query: str, *bindings: str) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = connection.execute(query, bindings).fetchall()
    return rows
