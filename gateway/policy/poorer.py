"""A question with less in it: fewer grants, decisions, evidence.

It may never be answered better than the question it is made of.
"""

import copy
import random
from collections.abc import Mapping
from typing import Any

from gateway.policy.oracle_terms import listed, mapped

RANK = {"refuse": 0, "pending": 1, "allow": 2}

LISTS = ("purposes", "legal_bases", "retention", "data", "decisions", "signed_by", "approved_by")
"""Lists of an agreement: what they no longer say is no longer granted."""


def poorer(document: Mapping[str, Any], chance: random.Random) -> dict[str, Any] | None:
    """The question without something that only permits; None where there is nothing of the kind."""
    less = copy.deepcopy(dict(document))
    agreement = mapped(less.get("agreement"))
    lists = [listed(agreement, name) for name in LISTS]
    lists.append(listed(mapped(agreement.get("safeguards")), "transfer_instruments"))
    lists.append(listed(mapped(agreement.get("notice")), "recipients_listed"))
    lists.append(listed(mapped(less.get("context")), "decisions"))
    lists += [listed(basis, "evidence") for basis in listed(agreement, "legal_bases")]
    lists += [listed(item, "fields") for item in listed(agreement, "data")]
    full = [one for one in lists if one]
    if not full:
        return None
    chosen = chance.choice(full)
    # A list of several may hold two that contradict each other, and the worse one may be taken.
    if len(chosen) > 1 and all(isinstance(one, str) for one in chosen):
        chosen.pop(chance.randrange(len(chosen)))
    else:
        chosen.clear()
    return less


def improved(before: str, after: str) -> bool:
    """Whether a refusal became anything else, or a hold became a release without what it needs."""
    return before == "refuse" and RANK[after] > RANK[before]


def smaller(document: dict[str, Any], still: Any) -> dict[str, Any]:
    """The question with everything taken out that a finding does not need.

    `still` says whether what was found is there yet.
    """
    for _ in range(3):
        changed = False
        for path in _paths(document):
            less = copy.deepcopy(document)
            if _without(less, path) and still(less):
                document, changed = less, True
        if not changed:
            break
    return document


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys: list[Any] = []
    if isinstance(value, dict):
        keys = sorted(value, key=str)
    elif isinstance(value, list):
        keys = list(reversed(range(len(value))))
    found = [(*path, key) for key in keys]
    for key in keys:
        found += _paths(value[key], (*path, key))
    return found


def _without(document: dict[str, Any], path: tuple[Any, ...]) -> bool:
    place: Any = document
    try:
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]
    except (KeyError, IndexError, TypeError):
        return False
    return True
