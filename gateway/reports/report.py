"""What a report is asked, and what it says."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gateway.errors import SenderError
from gateway.record import RECORD_TYPES, load
from gateway.reports.source import Count, Source

Value = str | int | bool | None
DAY = 86_400_000
LISTED = 10_000
"""Transfers that a report lists one by one. It always says how many there are."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_CODE = re.compile(r"[A-Za-z0-9:._/@+-]{1,160}")
ENDLESS = 2**53 - 1
LAST = 253_402_300_799_999
"""The last moment that can be written as a date."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is narrowed to. Moments are milliseconds since 1970."""

    start: int = 0
    end: int = ENDLESS
    """The first moment after it."""
    party: str = ""
    purpose: str = ""
    agreement: str = ""
    transfer: str = ""

    @classmethod
    def of(cls, from_: str = "", to: str = "", **names: str) -> "Asked":
        """As people write it: a day (`to` is its end), or an instant in UTC. Raises
        `SenderError`, which names the option."""
        for name, value in names.items():
            if value and not _CODE.fullmatch(value):
                raise SenderError("not an identifier", rule="report.identifier", at=name)
        start = max(0, _moment(from_, "from")) if from_ else 0
        end = ENDLESS
        if to:
            end = min(_moment(to, "to") + (DAY if _DAY.fullmatch(to) else 1000), LAST)
        if end <= start:
            raise SenderError("it ends before it starts", rule="report.period", at="to")
        return cls(start, end, **names)

    def said(self) -> dict[str, str]:
        """As a report repeats it."""
        known = {"party": self.party, "purpose": self.purpose, "agreement": self.agreement}
        known |= {"transfer": self.transfer}
        known |= {"from": said(self.start) if self.start else ""}
        known |= {"before": said(self.end) if self.end < ENDLESS else ""}
        return {name: value for name, value in known.items() if value}


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found."""

    columns: tuple[str, ...] = ()
    rows: Sequence[Sequence[Value]] = ()
    found: Mapping[str, Value] = field(default_factory=dict)
    """Totals, so that an empty table says of how many it found none."""
    not_answered: tuple[str, ...] = ()
    """What of the question the log cannot answer, and who can."""


@dataclass(frozen=True, slots=True)
class Report:
    """An answer with the checkpoint it was computed from."""

    name: str
    number: int
    question: str
    asked: Mapping[str, str]
    at: str
    size: int
    root: str
    note: str
    answer: Answer

    def document(self) -> dict[str, Any]:
        """For machines."""
        answer = self.answer
        return {
            "report": self.name,
            "question": self.question,
            "asked": dict(self.asked),
            "computed_at": self.at,
            "checkpoint": {"size": self.size, "root": self.root, "note": self.note},
            "found": dict(answer.found),
            "not_answered": list(answer.not_answered),
            "columns": list(answer.columns),
            "rows": [dict(zip(answer.columns, row, strict=True)) for row in answer.rows],
        }


@dataclass(frozen=True, slots=True)
class Flow:
    """Transfers of one profile, as many as the report is about."""

    id: int
    said: Mapping[str, Any]
    count: Count

    @property
    def sender(self) -> str:
        return str(self.said["sender"]["party"])

    @property
    def recipient(self) -> str:
        return str(self.said["recipient"]["party"])

    @property
    def agreement(self) -> str:
        return str(self.said.get("agreement", {}).get("id", ""))

    @property
    def released(self) -> bool:
        return bool(self.said["outcome"] == "released")

    @property
    def types(self) -> list[str]:
        """Record types that left."""
        return sorted({one.partition(".")[0] for one in self.said.get("released", ())})


class Question:
    """One question to one log: the source, and what it is narrowed to."""

    def __init__(self, source: Source, asked: Asked) -> None:
        self.source = source
        self.asked = asked
        self.low = source.at(asked.start) if asked.start else 0
        self.high = source.at(asked.end) if asked.end < ENDLESS else source.size

    @property
    def moment(self) -> int:
        """What is due is so at the end of the period, or now."""
        return min(self.asked.end, self.source.now)

    def flows(self, released: bool = True, *, templates: bool = False) -> list[Flow]:
        """Transfers of the period by profile, the released ones, or all."""
        profiles = self.source.profiles
        found = [
            Flow(number, profiles[number], self._sent(number, count, released))
            for number, count in self.source.counts(self.low, self.high).items()
            if self.fits(profiles[number], released)
        ]
        found = [flow for flow in found if flow.count.n]
        if templates:
            self.source.read_templates(flow.said for flow in found)
        return found

    def _sent(self, number: int, count: Count, released: bool) -> Count:
        away = self.source.never_left(number, self.low, self.high) if released else 0
        return Count(count.n - away, count.first, count.last, away)

    def fits(self, profile: Mapping[str, Any], released: bool) -> bool:
        """Whether a profile is one the question is about."""
        asked = self.asked
        sides = (profile["sender"]["party"], profile["recipient"]["party"])
        purpose = profile["purpose"]
        return (
            (not released or profile["outcome"] == "released")
            and (not asked.party or asked.party in sides)
            and (not asked.purpose or f"{purpose}.".startswith(f"{asked.purpose}."))
            and asked.agreement in ("", profile.get("agreement", {}).get("id"))
        )

    def control(self, whats: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Control entries of the period about these."""
        indexes = self.source.kinds(("control",), self.low, self.high)
        for index, entry in self.source.entries(indexes):
            if entry["what"] in whats:
                yield index, entry


Ask = Callable[[Question], Answer]


def said(moment: int) -> str:
    """A moment as people read it."""
    return datetime.fromtimestamp(moment / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def milliseconds(instant: str) -> int:
    """An instant or a day of an agreement; 0 for what is none."""
    try:
        return _moment(instant, "")
    except SenderError:
        return 0


def _moment(text: str, at: str) -> int:
    if _DAY.fullmatch(text):
        text += "T00:00:00Z"
    if _INSTANT.fullmatch(text):
        try:
            moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
            return int(moment.timestamp()) * 1000
        except ValueError:
            pass
    raise SenderError("a day, or an instant such as 2026-11-22T08:00:00Z", rule="report.moment",
                      at=at)  # fmt: skip


def kinds_of(record_type: str, name: str) -> tuple[str, ...]:
    """What a field is for a person: direct, quasi, sensitive, none."""
    if record_type not in RECORD_TYPES:
        return ()
    return tuple(load(record_type)["properties"].get(name, {}).get("x-kind", ()))


def category_of(record_type: str, name: str) -> str:
    """The category of personal data a field is of, as a term of DPV; empty for none."""
    if record_type not in RECORD_TYPES:
        return ""
    return str(load(record_type)["properties"].get(name, {}).get("x-category") or "")


def left(profile: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Record type, field and form of each field that left."""
    for one in profile.get("released", ()):
        path, _, form = one.rpartition(":")
        record_type, _, name = path.partition(".")
        yield record_type, name, form
