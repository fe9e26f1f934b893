"""How long an answer holds, so that a million moments need a few thousand decisions.

An answer is asked for again at the instant the policy names (`valid_until`), and at every
text in the question or the bundle that a moment could be compared with. A bundle that does
anything with the moment but compare it is asked at every moment.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from functools import cache

import orjson

from gateway.errors import GatewayError
from gateway.policy import Bundle, Decision, Template

INDEX_BITS = 30
"""A log may hold a thousand million entries; years from 1970 to 2225 fit beside them."""

FIRST_YEAR, YEARS = 1970, 256
DAY = 86_400

_DATED = re.compile(rb'"([0-9]{4}-[0-9]{2}[^"\\]*)')
_STRINGS = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`\n]*`')
_COMPARED = re.compile(r"(?:[<>]=?|[=!]=)\s*now\b(?!\s*[.\[(+*/%&|-])|\bnow\s*(?:[<>]=?|[=!]=)")
_ALIAS = re.compile(r"^\s*now := now\s*$|\binstants_formed\(\[now\]\)", re.MULTILINE)
_MOMENT = re.compile(r"\bnow\b")
_SAMPLES = re.compile(r"\bsamples\b|(?<![.\w])data\b(?!\.[a-z])")
_WHOLE = re.compile(r"\binput\b(?!\.[a-z_]+)|\binput\.context\b(?!\.[a-z_]+)|\bdata\.exchange\b")


def packed(at: str, index: int) -> int:
    """A moment and the place of its entry as one number that sorts by time."""
    return _day(at[:10]) + _second(at[11:19]) << INDEX_BITS | index


def moment(number: int) -> str:
    """The moment of a packed number, as it was written."""
    day, second = divmod(number >> INDEX_BITS, DAY)
    month, day = divmod(day, 31)
    year, month = divmod(month, 12)
    minute, second = divmod(second, 60)
    hour, minute = divmod(minute, 60)
    date = f"{year + FIRST_YEAR:04}-{month + 1:02}-{day + 1:02}"
    return f"{date}T{hour:02}:{minute:02}:{second:02}Z"


def place(number: int) -> int:
    """The index of the entry in a packed number."""
    return number & (1 << INDEX_BITS) - 1


@cache
def _day(date: str) -> int:
    # Not a calendar's days: 31 in each month keep every date that can be written apart.
    year, month, day = int(date[:4]) - FIRST_YEAR, int(date[5:7]) - 1, int(date[8:]) - 1
    if not 0 <= year < YEARS:
        raise GatewayError("a moment of another century", rule="replay.moment")
    return ((year * 12 + month) * 31 + day) * DAY


@cache
def _second(time: str) -> int:
    return (int(time[:2]) * 60 + int(time[3:5])) * 60 + int(time[6:])


class Clock:
    """What one bundle can do with the moment it is asked at."""

    def __init__(self, bundle: Bundle) -> None:
        texts = [_plain(text) for _, text in bundle.policies]
        own = "\n".join(_plain(text) for name, text in bundle.policies if name.startswith("local/"))
        self.every_moment = any(_computes(text) for text in texts) or bool(_WHOLE.search(own))
        """Whether each moment may have an answer of its own."""
        data = orjson.loads(bundle.data)
        if not any(_SAMPLES.search(text) for text in texts):
            # A bundle's own sample questions are compared with nothing.
            data.pop("samples", None)
        policies = [text.encode() for _, text in bundle.policies]
        written = b"\n".join([orjson.dumps(data), *policies])
        self._dated = _edges(_DATED.findall(written))

    def edges(self, template: Template) -> list[str]:
        """Sorted texts at which an answer about this question may become another."""
        return sorted({*self._dated, *_edges(_DATED.findall(template.cache_key))})


def _plain(text: str) -> str:
    """Rego without the content of its strings, without comments, and `now` by one name."""
    lines = _STRINGS.sub('""', text).splitlines()
    code = "\n".join(line.partition("#")[0] for line in lines)
    return code.replace("input.context.now", "now")


def _computes(text: str) -> bool:
    return bool(_MOMENT.search(_COMPARED.sub("", _ALIAS.sub("", text))))


def _edges(found: Iterable[bytes]) -> set[str]:
    # `now < x` changes at x, and `now <= x` right after it.
    texts = {one.decode() for one in found}
    return texts | {text + "\0" for text in texts}


class Answers:
    """One bundle's answers to one question, asked for again only where time may change them."""

    def __init__(
        self, template: Template, clock: Clock, ask: Callable[[Template, str], Decision]
    ) -> None:
        self._template = template
        self._ask = ask
        self._every = clock.every_moment
        self._edges = [] if self._every else clock.edges(template)
        self._until = ""
        self._held: Decision | None = None

    def at(self, now: str) -> tuple[Decision, str]:
        """The answer at a moment, and the text before which it holds. Moments only go forward."""
        if self._held is None or now >= self._until:
            self._held = self._ask(self._template, now)
            self._until = self._next(now, self._held.valid_until)
        return self._held, self._until

    def edge(self, now: str) -> str:
        """The text before which an answer given now may not become another by what it says."""
        if self._every:
            return now + "\0"
        following = bisect_right(self._edges, now)
        return self._edges[following] if following < len(self._edges) else "\U0010ffff"

    def _next(self, now: str, valid_until: str) -> str:
        edge = self.edge(now)
        return min(edge, valid_until) if valid_until > now else edge
