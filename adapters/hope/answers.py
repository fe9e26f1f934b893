"""What HOPE answers to households or people that were sent.

    {"id": "…", "households": 2, "individuals": 7}
    {"id": "…", "processed": 2, "accepted": 1, "errors": 1,
     "households": [{"Household #1": [{"pk": "…"}]}, {"Household #2": [{"members": …}]}]}
    {"id": "…", "processed": 2, "accepted": 1, "errors": 1, "results": [{"pk": "…"}, {…}]}
    {"households": [{"Household #2": [{"members": {"Member #1": [{"birth_date": […]}]}}]}]}
    [{"id": "…", "status": "IN_REVIEW"}]

`upload`, `push` and `push/people` take all or nothing; `push/lax` takes what it can. In its newer
answer the results of households stand in another order than what was sent: refused ones first.
Those count for the objects only where all say the same.
"""

import io
import re
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.adapter import Outcome
from gateway.source.objects import document

_NUMBERED = re.compile(r"(?:Household|Member) #([1-9][0-9]{0,6})|([0-9]{1,7})")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_STATES = frozenset(("IN_REVIEW", "MERGE_SCHEDULED", "MERGING", "MERGED"))
"""Of an import that was completed."""
_LAX = ("processed", "accepted", "errors")


def outcomes(answer: bytes, sent: int) -> list[Outcome]:
    """What became of the `sent` households or people. Raises `SenderError` for what is no JSON."""
    said = document(io.BytesIO(answer))
    if isinstance(said, list):
        return list(_completed(said) or _refused_all(dict(enumerate(said)), sent))
    if not isinstance(said, dict):
        return _unknown(sent)
    if all(_is_count(said.get(key)) for key in _LAX):
        return _lax(said, sent)
    if "id" in said:
        return _whole(said, sent)
    households = said.get("households")
    if isinstance(households, list):
        return _refused(households, sent)
    if said and all(isinstance(key, str) and key.isdecimal() for key in said):
        return list(_refused_all({int(key): value for key, value in said.items()}, sent))
    return [Outcome(None, "unknown")]


def _unknown(sent: int) -> list[Outcome]:
    return [Outcome(index, "unknown") for index in range(sent)]


def _accepted(sent: int) -> list[Outcome]:
    return [Outcome(index, "accepted") for index in range(sent)]


def _whole(said: Mapping[str, Any], sent: int) -> list[Outcome]:
    people = said.get("people")
    count = len(people) if isinstance(people, list) else said.get("households")
    return _accepted(sent) if _is_count(count) and count == sent else _unknown(sent)


def _completed(said: list[Any]) -> list[Outcome]:
    if len(said) != 1 or not isinstance(said[0], dict) or said[0].keys() != {"id", "status"}:
        return []
    status = said[0]["status"]
    known = isinstance(status, str) and status in _STATES
    return [Outcome(None, "accepted", status) if known else Outcome(None, "unknown")]


def _lax(said: Mapping[str, Any], sent: int) -> list[Outcome]:
    processed, accepted, errors = (said[key] for key in _LAX)
    if processed != sent or accepted + errors != sent:
        return _unknown(sent)
    found = _in_order(said, sent)
    if found is not None:
        states = [_is_taken(one) for one in found]
        if states.count(True) != accepted:
            return _unknown(sent)
        return [
            Outcome(index, "accepted") if taken else Outcome(index, "refused", at=_path(one))
            for index, (taken, one) in enumerate(zip(states, found, strict=True))
        ]
    if errors == 0:
        return _accepted(sent)
    if accepted == 0:
        return [Outcome(index, "refused") for index in range(sent)]
    return _unknown(sent)


def _in_order(said: Mapping[str, Any], sent: int) -> list[Any] | None:
    """What is said of each object, where the answer says which one it is."""
    results = said.get("results")
    if isinstance(results, list):
        return results if "individual_id_mapping" in said and len(results) == sent else None
    households = said.get("households")
    found = dict(_numbered(households)) if isinstance(households, list) else {}
    return [found[index] for index in range(sent)] if found.keys() == set(range(sent)) else None


def _refused(households: list[Any], sent: int) -> list[Outcome]:
    """A body that was not taken: some of it is at fault, none of it is there."""
    named = dict(_numbered(households))
    if not named or max(named) >= sent:
        return [Outcome(None, "unknown")]
    return [Outcome(None, "refused"), *_faults(named)]


def _refused_all(said: Mapping[int, Any], sent: int) -> Iterator[Outcome]:
    """Faults by position, as of a list that was not taken; sound objects have none."""
    whole = said and max(said) < sent and all(isinstance(one, dict) for one in said.values())
    if not whole or not any(said.values()):
        yield Outcome(None, "unknown")
        return
    yield Outcome(None, "refused")
    yield from _faults({index: one for index, one in said.items() if one})


def _faults(named: Mapping[int, Any]) -> Iterator[Outcome]:
    for index in sorted(named):
        yield Outcome(index, "refused", at=_path(named[index]))


def _numbered(households: list[Any]) -> Iterator[tuple[int, Any]]:
    for one in households:
        for name, inner in one.items() if isinstance(one, dict) else ():
            match = _NUMBERED.fullmatch(name)
            if match and match[1] and isinstance(inner, list) and len(inner) == 1:
                yield int(match[1]) - 1, inner[0]


def _is_taken(one: Any) -> bool:
    return isinstance(one, dict) and one.keys() == {"pk"}


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _path(fault: Any) -> str | None:
    """The first field that is at fault: `members/2/birth_date`, positions from 0."""
    steps: list[str] = []
    while isinstance(fault, dict) and fault:
        key, fault = min(fault.items())
        number = _NUMBERED.fullmatch(key)
        if number:
            steps.append(str(int(number[1]) - 1) if number[1] else number[2])
        elif _NAME.fullmatch(key):
            steps.append(key)
        else:
            return None
        if isinstance(fault, list) and len(fault) == 1:
            fault = fault[0]
    return "/".join(steps) or None
