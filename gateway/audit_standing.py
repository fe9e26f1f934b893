"""What stands, what is counted and what is kept under its digest, checked against the entries.

Nobody signed these tables: everything in them must follow from entries, which are signed.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from gateway.log_snapshot import Snapshot
from gateway.log_standing import effects_of, month_of, opened

Found = Callable[[str, str], None]


class StandingAudit:
    """One walk through the entries, and then a look at the tables."""

    def __init__(self, found: Found) -> None:
        self._found = found
        self._standing: dict[tuple[str, str], tuple[Any, ...]] = {}
        self._tally: Counter[tuple[str, str, int]] = Counter()
        self._needed: dict[str, int] = {}

    def entry(self, index: int, said: dict[str, Any]) -> None:
        """Take in one entry, which was checked against its schema."""
        effects = effects_of(said)
        for kind, key in effects.counts:
            self._tally[kind, key, month_of(said["time"])] += 1
        if effects.changes is not None:
            kind, name, version, state, digest, _ = effects.changes
            self._standing[kind, name] = (version, state, digest, index, set(said["documents"]))
        for digest in said.get("documents", ()):
            self._needed.setdefault(digest, index)
        template = said.get("policy", {}).get("template")
        if template is not None:
            self._needed.setdefault(template, index)

    def tables(self, connection: Snapshot) -> None:
        """Compare the tables with what the entries say."""
        kept = set()
        for digest, value in connection.execute("SELECT digest, value FROM document"):
            kept.add(digest)
            if opened(digest, value) is None:
                self._found("document.digest", digest)
        for digest, index in self._needed.items():
            if digest not in kept:
                self._found("document.missing", f"entry {index}")
        rows = {(row[0], row[1]): row[2:] for row in connection.execute("SELECT * FROM standing")}
        for key in rows.keys() | self._standing.keys():
            if not _alike(rows.get(key), self._standing.get(key)):
                self._found("standing", " ".join(key))
        tally = {row[:3]: row[3] for row in connection.execute("SELECT * FROM tally")}
        if tally != dict(self._tally):
            self._found("tally", "")


def _alike(row: tuple[Any, ...] | None, said: tuple[Any, ...] | None) -> bool:
    if row is None or said is None:
        return False
    version, state, digest, document, index = row
    documents = said[-1]
    return (version, state, digest, index) == said[:-1] and (document in documents or not document)
