"""What a mapping asks of CommCare data: cases or forms, which types, which repeats."""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from gateway.errors import OfficerError
from gateway.mapping import Plan

KEY = re.compile(
    r"(?!.*[0-9]{7})[@#]?[A-Za-z_][A-Za-z0-9_.:-]{0,99}(/[@#]?[A-Za-z_][A-Za-z0-9_.:-]{0,99}){0,30}"
)
"""A path as the author of an app named it: each step an element name of XML, no long number in
it. Anything else is shown as `?`: a key may be a place where somebody put a name."""

CASE_TYPE = "properties/case_type"

CASE_KEYS = frozenset(
    {
        "case_id",
        "child_cases",
        "closed",
        "date_closed",
        "date_modified",
        "last_modified",
        "server_date_modified",
        "create",
        "temporary_id",
    }
)
CASE_PARTS = frozenset({"properties", "indices", "child_cases"})
STRUCTURE = frozenset(
    {"form", "properties", "indices", "index", "case", "create", "update", "close", "meta"}
    | {"last_modified", "server_last_modified"}
)
"""Keys that hold what has another key in a mapping."""
FORM_PARTS = frozenset({"form", "metadata", "case"})


def shown(key: str) -> str:
    """A key as reports may show it."""
    return key if KEY.fullmatch(key) else "?"


def origin(plan: Plan) -> str:
    """The namespace of a form that only we write. A name and no address (RFC 2606)."""
    return f"https://corridor.invalid/commcare/{plan.id}"


class Scope:
    """One plan, seen by this adapter."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        levels = plan.levels()
        slots = {slot for found in levels.values() for slot in found}
        self._named = {slot for slot in slots if not slot.startswith("*/")}
        self._last = {slot[2:] for slot in slots if slot.startswith("*/")}
        self.repeats = frozenset(level for level in levels if level is not None)
        self._repeats_last = {slot[2:] for slot in self.repeats if slot.startswith("*/")}
        self._steps = {step for slot in slots for step in slot.split("/")}
        top = {slot.split("/", 1)[0] for slot in levels[None] if not slot.startswith("*/")}
        self.cases = bool(top & (CASE_KEYS | CASE_PARTS))
        """The mapping is for cases; else it is for forms."""
        if self.cases and top & FORM_PARTS:
            raise OfficerError(
                "a mapping is for cases or for forms, not for both",
                rule="commcare.mixed_mapping",
                at=plan.id,
            )

    @cached_property
    def types(self) -> frozenset[str]:
        """Case types the mapping names. Empty where it is for any."""
        spec = self.plan.document["records"][0]
        return frozenset(_types({key: spec[key] for key in ("fields", "when") if key in spec}))

    @cached_property
    def linked(self) -> frozenset[str]:
        """Repeats of linked cases the mapping walks: `child_cases`, `child_cases/<type>`."""
        return self._virtual("child_cases")

    @cached_property
    def blocks(self) -> frozenset[str]:
        """Repeats of case blocks the mapping walks: `case`, `case/<type>`."""
        return self._virtual("case")

    def names(self, key: str) -> bool:
        """Whether some line reads this key."""
        return key in self._named or key.rsplit("/", 1)[-1] in self._last

    def says(self, key: str) -> bool:
        """Whether a line names this very key, not `*/` and its last part."""
        return key in self._named

    def repeats_at(self, path: str) -> bool:
        """Whether the mapping walks this path item by item."""
        return path in self.repeats or path.rsplit("/", 1)[-1] in self._repeats_last

    def touches(self, key: str) -> bool:
        """Whether a JSON key that stands twice may have hidden something some line reads.

        A line of the form `*/name` may read below any key.
        """
        return bool(self._last) or key in self._steps or key in STRUCTURE

    def _virtual(self, name: str) -> frozenset[str]:
        return frozenset(
            slot for slot in self.repeats if slot == name or slot.startswith(f"{name}/")
        )


def _types(spec: Any) -> Iterator[str]:
    if isinstance(spec, list):
        for item in spec:
            yield from _types(item)
    if not isinstance(spec, dict):
        return
    if _reads_type(spec.get("from")):
        # `otherwise` takes every type there is.
        yield from spec.get("codes", ()) if "otherwise" not in spec else ()
        yield from spec.get("is", ())
    for item in spec.values():
        yield from _types(item)


def _reads_type(paths: Any) -> bool:
    return CASE_TYPE in (paths if isinstance(paths, list) else [paths])
