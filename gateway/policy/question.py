"""The question policy is asked: one document for a transfer, written in one way only.

What makes two engines agree is that they read the same bytes: canonical JSON (RFC 8785
subset), NFC, no floats, whole numbers below 2**53, bounded depth and size, and the present
moment as `YYYY-MM-DDTHH:MM:SSZ`. The shape beyond that is the policy's to judge.
"""

import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from gateway.canonical import canonical, digest
from gateway.policy.faults import QuestionUnfit

MAX_DEPTH = 64
MAX_BYTES = 1 << 20
"""A question states facts about classes of records; a real one has a few thousand bytes."""

INSTANT = re.compile(
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z",
    re.ASCII,
)
"""Compared as text, so there is one spelling; whether February has a 30th does not matter."""


@dataclass(frozen=True, slots=True)
class Template:
    """A question but for the moment it is asked, so that a route builds it once."""

    head: bytes
    """Canonical bytes up to the moment's first digit."""
    tail: bytes
    """Canonical bytes from the quote that ends the moment."""
    cache_key: bytes
    """`head` and `tail`: everything that decides the answer but time."""

    @classmethod
    def of(cls, document: Any) -> "Template":
        """Check a question once; its own `context.now`, if any, is left out."""
        if not isinstance(document, dict) or not isinstance(document.get("context"), dict):
            raise QuestionUnfit("not a question", rule="question.shape")
        _shallow(document)
        context = {**document["context"], "now": ""}
        head, tail = _around(context, "now", b'""')
        outer_head, outer_tail = _around({**document, "context": 0}, "context", b"0")
        head, tail = outer_head + head + b'"', b'"' + tail + outer_tail
        if len(head) + len(tail) > MAX_BYTES:
            raise QuestionUnfit("a question too big", rule="question.size")
        return cls(head, tail, head + tail)

    def at(self, now: str) -> "Question":
        """The same question at a moment."""
        if type(now) is not str or not INSTANT.fullmatch(now):
            raise QuestionUnfit("not an instant", rule="question.instant", at="context.now")
        return Question(self, now)


@dataclass(frozen=True, slots=True)
class Question:
    """One question at one moment. Equal questions have equal bytes."""

    template: Template
    now: str
    """Stamped by the gateway once for each request; no policy reads a clock."""

    @classmethod
    def of(cls, document: Any) -> "Question":
        """Check a whole document. Raises `QuestionUnfit`, which names a rule and no value."""
        template = Template.of(document)
        return template.at(document["context"].get("now"))

    @property
    def canonical(self) -> bytes:
        """What every engine reads and what the log's digest is made of."""
        return self.template.head + self.now.encode() + self.template.tail

    @property
    def digest(self) -> str:
        """`sha256:` of the canonical bytes, moment included."""
        return digest(self.canonical)

    @property
    def cache_key(self) -> bytes:
        """The canonical bytes without the moment."""
        return self.template.cache_key

    @property
    def document(self) -> dict[str, Any]:
        """A fresh copy: changing it changes no question."""
        document: dict[str, Any] = json.loads(self.canonical)
        return document


def _around(document: dict[str, Any], name: str, value: bytes) -> tuple[bytes, bytes]:
    """The canonical bytes before and after the value of one of the document's own keys."""
    # Two halves by key order, because the same text may stand in another value.
    keys = sorted(document, key=lambda text: text.encode("utf-16-be", "surrogatepass"))
    middle = keys.index(name)
    before = _written({key: document[key] for key in keys[:middle]})[1:-1]
    after = _written({key: document[key] for key in keys[middle + 1 :]})[1:-1]
    head = b"{" + before + (b"," if before else b"") + f'"{name}":'.encode()
    return head, (b"," if after else b"") + after + b"}"


def _written(value: Any) -> bytes:
    try:
        return canonical(value)
    except ValueError:
        raise QuestionUnfit("no canonical form", rule="question.not_canonical") from None


def _shallow(document: Any) -> None:
    """Refuse depth and text that engines differ on, before anything recurses into it."""
    level = [document]
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner.extend(value)
                inner.extend(value.values())
            elif isinstance(value, list | tuple):
                inner.extend(value)
            elif isinstance(value, str) and not unicodedata.is_normalized("NFC", value):
                raise QuestionUnfit("text not in NFC", rule="question.not_nfc")
        if not inner:
            return
        level = inner
    raise QuestionUnfit("a question too deep", rule="question.depth")
