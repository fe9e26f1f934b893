"""Reading reports for somebody: each run is an entry of the log before anything is told."""

from collections.abc import Iterator
from typing import Any

from gateway import entry
from gateway.log import Log
from gateway.moments import now_ms
from gateway.reports import run
from gateway.reports.report import ENDLESS, Asked, Report
from gateway.reports.source import Source
from gateway.reports.written import entries

ENTRIES = "entries"
"""The name under which all entries are read."""


class Desk:
    """An open log, and who asks."""

    def __init__(self, log: Log, gateway: str, who: str) -> None:
        self._log = log
        self._gateway = gateway
        self._who = who

    def report(self, name: str, asked: Asked, form: str) -> Report:
        """A report. Raises `SenderError` for a name or a period that is none."""
        report = run(name, asked, self._log, now_ms())
        self._say(asked, "report", name, form, report.size, len(report.answer.rows))
        return report

    def entries(self, asked: Asked, form: str) -> Iterator[bytes]:
        """All entries of the period, as a stream."""
        source = Source(self._log, now_ms())
        found = entries(source, asked, form)
        self._say(asked, "entries", ENTRIES, form, source.size, None)
        return found

    def _say(
        self, asked: Asked, what: str, name: str, form: str, size: int, rows: int | None
    ) -> None:
        said: dict[str, Any] = {
            "v": 1, "type": "access", "id": entry.new_id(), "gateway": self._gateway,
            "what": what, "who": self._who, "report": name, "form": form, "size": size,
        }  # fmt: skip
        said |= {"party": asked.party} if asked.party else {}
        said |= {"from": asked.start} if asked.start else {}
        said |= {"to": asked.end} if asked.end < ENDLESS else {}
        said |= {"rows": entry.bucket(rows)} if rows is not None else {}
        self._log.append(said)
