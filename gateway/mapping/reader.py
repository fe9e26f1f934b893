"""Reading a payload's source objects through one plan.

A plan is compiled once. What a payload's keys were is kept by its own reader, so two payloads
of one plan may be read side by side, in one thread or in several.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from gateway.errors import GatewayError
from gateway.mapping.interpret import interpret
from gateway.mapping.lookup import Keys, Lookup, Stale
from gateway.mapping.narrow import levels as narrow_levels
from gateway.mapping.narrow import narrowed
from gateway.mapping.nodes import Plan, Slot
from gateway.mapping.source import Bind, bound, compile_plan
from gateway.mapping.trace import Trace, trace
from gateway.record import Record

MAX_TRACES = 256
"""Different sets of keys whose lineage is remembered. A form has a handful."""

MAX_PROGRAMS = 512
"""Compiled plans kept. One of a thousand lines takes some hundred kilobytes."""


MAX_NARROWED = 16
"""Narrowed programs kept for one plan. A form has one or two."""

LOOK_AFTER = 400
"""Objects after which a payload has shown its keys, and compiling for them begins to pay."""


@dataclass(frozen=True, slots=True)
class Program:
    """A plan, compiled. Shared between readers; nothing of a payload is in it but names of keys."""

    levels: Mapping[Slot | None, Keys]
    bind: Bind = field(repr=False)
    traces: dict[tuple[Any, ...], Trace] = field(default_factory=dict, repr=False)
    narrowed: dict[Any, "Program"] = field(default_factory=dict, repr=False)
    """For payloads that have keys for some lines only."""


class Reader:
    """One payload through one plan. Remembers which source keys it met."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._program = program = program_of(plan)
        self._lookups = {level: Lookup(keys) for level, keys in program.levels.items()}
        self._read = bound(program.bind, self._lookups)
        self._look_after = self._until = LOOK_AFTER

    def read(self, source: Any, *, at: str, base: str | None = None) -> list[Record]:
        """The records of one source object. Raises `SenderError` with place and rule.

        `base` is the id of the first record, where it is known and need not be read.
        """
        self._until -= 1
        if not self._until:
            self._narrow(source)
        try:
            return self._read(source, base)
        except Stale:
            self._widen()
            return self.read(source, at=at, base=base)
        except Exception:
            # Whatever went wrong, the slow reading finds it and says where. No value is quoted.
            interpret(self.plan, self._lookups, source, at=at, base=base)
        raise GatewayError("the two readings of a mapping disagree", rule="mapping.disagree", at=at)

    def _narrow(self, source: Any) -> None:
        """Read on with only the lines that this payload has shown keys for.

        `source` is an object like any other, so the keys it has are probably usual.
        """
        met = {level: frozenset(lookup.by_line()) for level, lookup in self._lookups.items()}
        usual = self._usual(source)
        known = self._program.narrowed
        key = (frozenset(met.items()), frozenset(usual.items()))
        program = known.get(key)
        if program is None:
            if len(known) >= MAX_NARROWED:
                known.clear()
            plan = narrowed(self.plan, met)
            program = known[key] = _compiled(
                plan, narrow_levels(plan, met), self._program.levels, met, usual
            )
        lookups = {
            level: Lookup(keys, self._lookups[level].met) for level, keys in program.levels.items()
        }
        self._read = bound(program.bind, lookups)

    def _usual(self, source: Any) -> Mapping[Slot | None, tuple[str, ...]]:
        """The keys of an object and of the first item of each of its repeats."""
        if not isinstance(source, dict):
            return {}
        found: dict[Slot | None, tuple[str, ...]] = {}
        levels = self._program.levels
        for level, keys in levels.items():
            values = (
                [source]
                if level is None
                else [value for key, value in source.items() if levels[None].line(key) == level]
            )
            one = values[0] if values else None
            one = one[0] if isinstance(one, list) and one else one
            if isinstance(one, dict) and self._lookups[level].met.issuperset(one):
                lines = [line for key in one if (line := keys.line(key)) is not None]
                if len(set(lines)) == len(lines):
                    found[level] = tuple(one)
        return found

    def _widen(self) -> None:
        """Read on with every line, and look again after more objects than the last time."""
        self._read = bound(self._program.bind, self._lookups)
        self._look_after *= 8
        self._until = self._look_after

    def names(self, key: str) -> bool:
        """Whether some line of the table reads this source key."""
        return any(keys.line(key) is not None for keys in self._program.levels.values())

    def trace(self, shown: Callable[[str], str]) -> Trace:
        """What this payload's keys fill, and those that fill nothing, as `shown` writes them."""
        traces = self._program.traces
        met = (shown, *(frozenset(lookup.met) for lookup in self._lookups.values()))
        found = traces.get(met)
        if found is None:
            if len(traces) >= MAX_TRACES:
                traces.clear()
            found = traces[met] = trace(self.plan, self._lookups, shown)
        return found


_programs: dict[str, Program] = {}
_compiling = threading.Lock()


def program_of(plan: Plan) -> Program:
    """The compiled plan. The first call for a plan costs milliseconds, every other nothing."""
    found = _programs.get(plan.digest)
    if found is None:
        with _compiling:
            found = _programs.get(plan.digest)
            if found is None:
                if len(_programs) >= MAX_PROGRAMS:
                    _programs.clear()
                found = _compiled(plan, plan.levels())
                if plan.digest:
                    _programs[plan.digest] = found
    return found


def _compiled(
    plan: Plan,
    slots: Mapping[Slot | None, frozenset[Slot]],
    within: Mapping[Slot | None, Keys] = MappingProxyType({}),
    met: Mapping[Slot | None, frozenset[Slot]] = MappingProxyType({}),
    usual: Mapping[Slot | None, tuple[str, ...]] = MappingProxyType({}),
) -> Program:
    told = plan.told()
    levels = {
        level: Keys(some, told.get(level, frozenset()), within.get(level), met.get(level))
        for level, some in slots.items()
    }
    return Program(levels, compile_plan(plan, levels, usual))


def reader_of(plan: Plan) -> Reader:
    """A reader for one payload."""
    return Reader(plan)
