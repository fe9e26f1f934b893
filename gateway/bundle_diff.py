"""What changed between two bundles: text by text, table by table, and what became weaker.

"Weaker" is said of red lines, thresholds and tables of forms, where the direction is plain. It
is a help for reading, not the test: that is the replay.
"""

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.policy import Bundle

ABSENT = None
"""Stands for what is not there. No table holds null."""

GUARDS = frozenset(
    ("red_lines", "red_declared", "red_kinds", "donor_forms", "authority_kinds", "vendor_kinds",
     "biometric_marks", "prohibited", "refused", "always_drop", "never_public", "special",
     "sensitive_groups", "case_kinds", "gdpr_states", "people_types", "evidence", "case_figures",
     "counts")
)  # fmt: skip
"""Lists and tables of what is restricted: something taken out is weaker."""

GRANTS = frozenset(
    ("ceilings", "matrices", "instruments", "adequate", "biometric_purposes", "single_case",
     "counted_forms", "fields", "facts", "days", "interim_days", "decision_days")
)  # fmt: skip
"""Of what is possible: something put in is weaker."""

FLOORS = frozenset(("k", "l", "min_pop", "risk_floor"))
"""Numbers that must not fall."""

LIMITS = frozenset(("risk_permille", "days", "interim_days", "decision_days", "occasional", "bulk"))
"""Numbers that must not rise."""

ORDERS = frozenset(("forms", "families", "max_ranks", "sensitivity_ranks"))
"""What says which of two is stricter. Any change of it may weaken everything."""


@dataclass(frozen=True, slots=True)
class Changed:
    """One place of the tables that differs."""

    path: str
    before: Any
    after: Any
    weaker: bool


def diff(old: Bundle, new: Bundle) -> dict[str, Any]:
    """Everything that differs, as JSON. Empty lists where nothing does."""
    tables = list(changed(old, new))
    return {
        "from": old.revision,
        "to": new.revision,
        "files": list(_files(dict(old.policies), dict(new.policies))),
        "tables": [
            {"path": one.path, "before": one.before, "after": one.after, "weaker": one.weaker}
            for one in tables
        ],
        "weaker": [one.path for one in tables if one.weaker],
    }


def only_local(old: Bundle, new: Bundle) -> bool:
    """Whether nothing but the operator's own policies differs."""
    return old.data == new.data and _shipped(old) == _shipped(new)


def _shipped(bundle: Bundle) -> list[tuple[str, str]]:
    return [pair for pair in bundle.policies if not pair[0].startswith("local/")]


def _files(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name, ""), new.get(name, "")
        if before != after:
            lines = difflib.unified_diff(
                before.splitlines(), after.splitlines(), f"old/{name}", f"new/{name}", lineterm=""
            )
            yield {"name": name, "diff": list(lines)}


def changed(old: Bundle, new: Bundle) -> Iterator[Changed]:
    """Every place of the tables that differs, by path."""
    before, after = (json.loads(bundle.data) for bundle in (old, new))
    ranks = [held.get("taxonomy", {}) for held in (before, after)]
    for path, was, is_ in _places((), before, after):
        if not any(part.endswith("_comment") for part in path):
            yield Changed("/".join(path), was, is_, _weaker(path, was, is_, ranks))


def _places(
    path: tuple[str, ...], before: Any, after: Any
) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    if before == after and type(before) is type(after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            inner = (before.get(name, ABSENT), after.get(name, ABSENT))
            yield from _places((*path, name), *inner)
    elif _plain(before) and _plain(after) and set(before) != set(after):
        yield from (((*path, one), one, ABSENT) for one in sorted(set(before) - set(after)))
        yield from (((*path, one), ABSENT, one) for one in sorted(set(after) - set(before)))
    else:
        yield path, before, after


def _plain(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _weaker(path: tuple[str, ...], before: Any, after: Any, taxonomies: list[Any]) -> bool:
    if path[0] != "taxonomy":
        return False
    names, last = set(path[1:]), path[-1]
    if names & ORDERS:
        return True
    if type(before) is int and type(after) is int:
        return (last in FLOORS and after < before) or (last in LIMITS and after > before)
    if names & GUARDS and after is ABSENT:
        return True
    if names & GRANTS and before is ABSENT:
        return True
    if last in FLOORS | LIMITS and ABSENT in (before, after):
        return True
    return _looser(before, after, taxonomies)


def _looser(before: Any, after: Any, taxonomies: list[Any]) -> bool:
    """Whether a form became a less strict one, by either bundle."""
    for taxonomy in taxonomies:
        for table in ("forms", "max_ranks"):
            ranks = taxonomy.get(table, {})
            known = isinstance(before, str) and isinstance(after, str)
            if known and before in ranks and after in ranks and ranks[after] < ranks[before]:
                return True
    return False
