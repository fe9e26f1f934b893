"""How urgent a case is, and whether it is of a kind with rules of its own."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from adapters.progres.referral.fields import NEED_ROW, PRIORITY
from adapters.progres.referral.filling import Told, nothing
from adapters.progres.referral.places import Pair
from gateway.errors import SenderError
from gateway.mapping.codes import code_table
from gateway.record import Record

_LABELS: Mapping[str, str] = {
    "Emergency": "stat",
    "High": "asap",
    "Medium": "urgent",
    "Low": "routine",
}
_NUMBERS = frozenset(f"12508000{number}" for number in range(4))
"""Which of them means an emergency is nowhere published. They are kept as codes; no priority is
made of them."""

_GBV = "SV"
"""Category of specific needs: sexual and gender-based violence."""
_CODES = code_table("specific_need.progres_referral")
_CATEGORIES = frozenset(str(code).partition("-")[0] for code in _CODES.values())
_WORDS = re.compile(
    r"gbv|gender[ _-]*based|(?<![a-z])rape|genital|survival[ _]sex|honou?r[ _-]"
    r"|sexual(ly)?[ _]+(and[ _]+gender|violence|assault|abuse|exploit)"
    r"|(child|early|forced)[ _/]+(or[ _]+forced[ _]+)?marriage"
)
"""Names of needs, of concerns and of services that only survivors of such violence have."""
_STRICT = ("child", "gbv")


def read_priority(fields: Mapping[str, Any], pair: Pair, told: Told, at: str) -> None:
    """The source's own code, and what it means where that is known."""
    value = fields.get(PRIORITY)
    if nothing(value):
        return
    code = str(value) if type(value) is int else value
    if not isinstance(code, str) or code not in _NUMBERS | _LABELS.keys():
        raise SenderError("a code that is not known", rule="progres.code", at=f"{at}, {PRIORITY}")
    pair["case"]["risk_level"] = code
    told.line("case.risk_level", PRIORITY)
    if code in _LABELS:
        pair["case"]["priority"] = _LABELS[code]
        told.line("case.priority", PRIORITY)


def written_priority(case: Record) -> str | None:
    """The source's code again, or the label of a priority."""
    code = case.get("risk_level")
    if code in _NUMBERS or code in _LABELS:
        return str(code)
    labels = {ours: theirs for theirs, ours in _LABELS.items()}
    return labels.get(case.get("priority", ""))


def is_violence(said: Any) -> bool:
    """Whether a code, a name or one of several is of gender-based violence."""
    if isinstance(said, list | tuple):
        return any(map(is_violence, said))
    if not isinstance(said, str):
        return False
    return _category(said) == _GBV or bool(_WORDS.search(said.casefold()))


def _category(said: str) -> str:
    """Of a code as proGres writes it, as Primero does (`sv-va`, `sm_ad__addiction`), or a name."""
    return re.split("[-_]", _CODES.get(said) or said)[0].upper()


def of_needs(rows: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a need is because of gender-based violence, or of a category that nobody knows."""
    for row in rows:
        said = [value for key, value in row.items() if key in NEED_ROW and key[-3:] != "/Id"]
        if is_violence(said) or not any(_category(one) in _CATEGORIES for one in said):
            return True
    return False


def mark(pair: Pair, told: Told, *, child: bool, violence: bool = False) -> None:
    """Mark cases with rules of their own, and whoever they are about.

    `child`: it came from a child protection case. `violence`, or a need because of it, is the
    stricter mark.
    """
    violence = violence or is_violence(pair["case"].get("specific_needs"))
    if not violence and not child:
        return
    for record_type, record in pair.items():
        record.setdefault("protection", {})["case_kind"] = "gbv" if violence else "child"
        told.line(f"{record_type}.protection.case_kind", "specificneeds" if violence else PRIORITY)


def strictest(kinds: list[str]) -> str:
    """Of the marks of several cases about one person."""
    return max(kinds, key=_STRICT.index)
