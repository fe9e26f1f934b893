"""How a question about an agreement is asked, and what its answer must look like."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.deployment import Deployment


@dataclass(frozen=True, slots=True)
class Query:
    """One question."""

    key: str
    """Its name in a file of answers; what stands after `/` repeats for each purpose or party."""
    text: str
    why: str
    default: str | None = None
    choices: Sequence[str] = ()
    labels: Mapping[str, str] | None = None
    """What a choice means, where its id does not say it."""
    many: bool = False
    """Several answers, with commas."""
    pattern: str = ".+"


Ask = Callable[[Query], str]
"""Gives an answer that fits `choices` and `pattern`, or raises."""

YES_NO = ("yes", "no")
DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"


@dataclass
class Form:
    """What was answered so far."""

    ask: Ask
    deployment: Deployment
    taxonomy: Mapping[str, Any]
    now: str
    emergency: bool
    document: dict[str, Any]
    answered: dict[str, str] = field(default_factory=dict)

    def one(self, key: str, text: str, why: str, default: str | None = None, **more: Any) -> str:
        """One answer. Nothing is asked twice."""
        if key not in self.answered:
            self.answered[key] = self.ask(Query(key, text, why, default, **more)).strip()
        return self.answered[key]

    def several(
        self, key: str, text: str, why: str, default: str | None = None, **more: Any
    ) -> list[str]:
        """Answers with commas between them; none of them empty."""
        said = self.ask(Query(key, text, why, default, many=True, **more))
        return [part.strip() for part in said.split(",") if part.strip() and said != "none"]

    def yes(self, key: str, text: str, why: str, default: str | None = None) -> bool:
        """Yes or no."""
        return self.one(key, text, why, default, choices=YES_NO) == "yes"

    @property
    def about_people(self) -> bool:
        """Whether any record type chosen is about people receiving aid."""
        people = self.taxonomy["people_types"]
        return any(one["record_type"] in people for one in self.document["data"])


def fits(query: Query, answer: str) -> bool:
    """Whether an answer is one of the choices, or has the form that is asked for."""
    parts = [one.strip() for one in answer.split(",")] if query.many else [answer.strip()]
    if query.choices:
        return all(one in query.choices for one in parts)
    return all(re.fullmatch(query.pattern, one) for one in parts)
