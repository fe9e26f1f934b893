"""One thing that a form asks, as its definition says it."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

KINDS = frozenset({
    "text", "integer", "decimal", "date", "instant", "boolean", "select_one", "select_multiple",
    "geopoint", "geotrace", "geoshape", "file", "computed", "unknown",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """A question, a column, an attribute."""

    path: str
    """As the mapping names it."""
    kind: str
    """One of `KINDS`."""
    labels: tuple[str, ...] = ()
    """In every language the definition has."""
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Code to its labels."""
    repeat: str = ""
    """Path of the repeat it stands in."""
    hxl: str = ""

    @property
    def name(self) -> str:
        """The last step of the path."""
        return self.path.rsplit("/", 1)[-1]


_BREAK = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[^\W_]+")
_MARKS = re.compile(r"<[^>]*>|\$\{[^}]*\}|[*#`]")
"""Markup of a label, and what it quotes of other answers."""

FILLING = frozenset({
    "the", "of", "what", "is", "are", "your", "you", "please", "enter", "individual", "individuals",
    "respondent", "person", "persons", "s", "le", "la", "de", "du", "des", "l", "d", "el", "los",
    "hh", "pp", "h", "i", "c", "f", "a", "an", "this", "household",
})  # fmt: skip
"""Words that say nothing by themselves. `_h_c` and its kind are suffixes of HOPE forms."""


def words(text: str) -> tuple[str, ...]:
    """The words of a name or label: lower case, no accents, no markup."""
    text = _BREAK.sub(" ", _MARKS.sub(" ", text)).lower()
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(one for one in plain if not unicodedata.combining(one))
    return tuple(_WORD.findall(plain))


def core(found: tuple[str, ...]) -> tuple[str, ...]:
    """The words that say something; all of them where none does."""
    return tuple(word for word in found if word not in FILLING) or found
