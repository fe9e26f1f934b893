"""Whether the tests notice when a policy is wrong.

Every mutant is put in the place of its file and meets the tests until one fails. A mutant
that passes them all, samples included, is a survivor: a fault nobody would have seen.
What no engine would load is no mutant and is not counted.
"""

import json
import os
import random
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import regorus

from gateway.errors import OfficerError
from gateway.policy.bundle import Bundle
from gateway.policy.evaluation import ENTRY_POINT
from gateway.policy.mutants import Mutant, of_policy
from gateway.policy.rego_tests import RegoTests, passes, read_tests
from gateway.policy.table_mutants import of_tables

THRESHOLD = 95.0
"""Percent that have to be noticed."""

TABLE_MUTANTS = 40
"""At most so many of each table."""

CHUNK = 12
"""Mutants handed to a process at once: enough to share what is built for a file."""

UNBUILT = (
    "unsafe",
    "could not find function",
    "could not schedule",
    "used before definition",
    "expecting",
)
"""What an engine says of a policy it would not compile."""

TAXONOMY = "taxonomy"
"""The file of a table's mutants."""

Fate = Literal["killed", "survived", "unbuilt"]


@dataclass(frozen=True, slots=True)
class Suite:
    """Everything a process needs to judge a mutant."""

    policies: tuple[tuple[str, str], ...] = field(repr=False)
    data: str = field(repr=False)
    tests: tuple[RegoTests, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Report:
    """What became of the mutants that were tried."""

    killed: int
    """Of the policies' mutants; those of tables are counted apart, for one test counts them all."""
    killed_tables: int
    survived: tuple[Mutant, ...]
    equivalent: tuple[Mutant, ...]
    """Survivors that `mutants.json` names, each with the reason no test can kill it."""
    unbuilt: int
    stale: tuple[str, ...]
    """What `mutants.json` names, and is killed or no longer made."""

    @property
    def percent(self) -> float:
        """Of the policies' mutants that mean something."""
        return _percent(self.killed, self._alive(tables=False))

    @property
    def percent_tables(self) -> float:
        """The same of the tables' mutants."""
        return _percent(self.killed_tables, self._alive(tables=True))

    @property
    def sound(self) -> bool:
        return min(self.percent, self.percent_tables) >= THRESHOLD and not self.stale

    def _alive(self, *, tables: bool) -> int:
        return sum((mutant.file == TAXONOMY) == tables for mutant in self.survived)

    def lines(self) -> Iterator[str]:
        """In words: the survivors where they stand, then the figures."""
        for mutant in self.survived:
            yield f"{mutant.file}:{mutant.place}: {mutant.change}: {mutant.source}"
        for name in self.stale:
            yield f"mutants.json names what is killed or no longer made: {name}"
        for what, killed, tables in (
            ("policies", self.killed, False),
            ("tables", self.killed_tables, True),
        ):
            if counted := killed + self._alive(tables=tables):
                percent = _percent(killed, counted - killed)
                yield f"{what}: {killed} of {counted} mutants killed, {percent:.1f} percent"
        yield (
            f"{len(self.survived)} survived, {len(self.equivalent)} mean the same as the policy"
            f" (mutants.json), {self.unbuilt} no engine would load"
        )

    def document(self) -> dict[str, Any]:
        """The same for a machine."""
        return {
            "killed": self.killed,
            "percent": round(self.percent, 2),
            "killed_tables": self.killed_tables,
            "percent_tables": round(self.percent_tables, 2),
            "survived": [_said(mutant) for mutant in self.survived],
            "equivalent": [_said(mutant) for mutant in self.equivalent],
            "unbuilt": self.unbuilt,
            "stale": list(self.stale),
        }


def suite_of(bundle: Bundle, tests: Path) -> Suite:
    """Raises `OfficerError` when a test fails before anything was changed."""
    suite = Suite(bundle.policies, bundle.data.decode(), read_tests(tests))
    failed = _Bench(suite).failing()
    if failed:
        raise OfficerError("a test fails as it is", rule="mutate.baseline", at=failed)
    return suite


def mutants_of(bundle: Bundle, package: str, *, seed: int = 0) -> list[Mutant]:
    """Every mutant of a package's policies, and a sample of those of the shipped tables."""
    found = [
        mutant
        for name, text in bundle.policies
        if name.startswith(f"{package}/")
        for mutant in of_policy(name, text)
    ]
    if package == "exchange":
        found += of_tables(json.loads(bundle.data), most=TABLE_MUTANTS, seed=seed)
    return found


def sampled(mutants: list[Mutant], count: int | None, *, seed: int) -> list[Mutant]:
    """So many of them, the same ones for one seed, in their order."""
    if count is None or count >= len(mutants):
        return mutants
    # To be repeated, not to be secret.
    chosen = random.Random(seed).sample(range(len(mutants)), count)  # noqa: S311
    return [mutants[at] for at in sorted(chosen)]


def judge(
    suite: Suite, mutants: Iterable[Mutant], *, workers: int
) -> Iterator[tuple[Mutant, Fate]]:
    """What becomes of each, as it is known. Without workers, in this process."""
    chunks = list(_chunks(mutants))
    if not workers:
        bench = _Bench(suite)
        for chunk in chunks:
            yield from zip(chunk, bench.fates(chunk), strict=True)
        return
    # Not a fork: an engine may be alive in this process.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _begin, (suite,))
    with pool:
        for chunk, fates in zip(chunks, pool.map(_judge_chunk, chunks), strict=True):
            yield from zip(chunk, fates, strict=True)


def report(
    judged: Iterable[tuple[Mutant, Fate]], known: Mapping[tuple[str, str, str], str], *, whole: bool
) -> Report:
    """Count. `known` is `read_known`; only a `whole` run can say that an entry is stale."""
    fates: dict[Fate, list[Mutant]] = {"killed": [], "survived": [], "unbuilt": []}
    for mutant, fate in judged:
        fates[fate].append(mutant)
    surviving = {mutant.key for mutant in fates["survived"]}
    stale = sorted(" | ".join(key) for key in known if key not in surviving) if whole else []
    in_tables = sum(mutant.file == TAXONOMY for mutant in fates["killed"])
    return Report(
        len(fates["killed"]) - in_tables,
        in_tables,
        tuple(one for one in fates["survived"] if one.key not in known),
        tuple(one for one in fates["survived"] if one.key in known),
        len(fates["unbuilt"]),
        tuple(stale),
    )


def read_known(path: Path) -> dict[tuple[str, str, str], str]:
    """Mutants that mean the same as the policy, with the reason. Empty when there is no list."""
    if not path.exists():
        return {}
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))["mutants"]
        known = {(one["file"], one["source"], one["change"]): one["reason"] for one in listed}
    except (ValueError, KeyError, TypeError):
        raise OfficerError("not a list of mutants", rule="mutate.list", at=path.name) from None
    if not all(isinstance(reason, str) and len(reason) >= 20 for reason in known.values()):
        raise OfficerError("a mutant without a reason", rule="mutate.reason", at=path.name)
    return known


def _percent(killed: int, alive: int) -> float:
    return 100 * killed / (killed + alive) if killed + alive else 100.0


def _said(mutant: Mutant) -> dict[str, str]:
    return {
        "file": mutant.file,
        "place": mutant.place,
        "change": mutant.change,
        "source": mutant.source,
    }


class _Bench:
    """Engines with every file but one, to which the mutants of that one are added."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite
        self._orders: dict[str, list[str]] = {}
        self._base: tuple[str, Any] = ("?", None)
        samples = json.loads(suite.data)["samples"].values()
        self._samples = [one for one in samples if isinstance(one, dict)]

    def fates(self, mutants: Iterable[Mutant]) -> list[Fate]:
        return [self._fate(mutant) for mutant in mutants]

    def order(self, file: str) -> list[str]:
        """The tests beside the file first; then what last killed a mutant of it comes first."""
        if file not in self._orders:
            beside = f"{Path(file).stem}_test.rego"
            files = sorted(self.suite.tests, key=lambda one: one.name != beside)
            self._orders[file] = [name for one in files for name in one.tests]
        return self._orders[file]

    def failing(self) -> str:
        """The first test that fails with nothing changed; empty when none does."""
        engine = self._engine("", None)
        return next((test for test in self.order("") if not _passes(engine, test)), "")

    def _fate(self, mutant: Mutant) -> Fate:
        try:
            engine = self._engine(mutant.file, mutant.text)
            order = self.order(mutant.file)
            for at, test in enumerate(order):
                if not _passes(engine, test):
                    order.insert(0, order.pop(at))
                    return "killed"
            return "survived" if self._answers_samples(engine) else "killed"
        except RuntimeError as error:
            if any(words in str(error) for words in UNBUILT):
                return "unbuilt"
            return "killed"

    def _answers_samples(self, engine: Any) -> bool:
        for sample in self._samples:
            engine.set_input_json(json.dumps(sample["question"]))
            answer = json.loads(engine.eval_rule_as_json(ENTRY_POINT))
            try:
                said = answer["verdict"], sorted({one["rule"] for one in answer["objections"]})
            except (KeyError, TypeError):
                return False
            if said != (sample["verdict"], sorted(sample["rules"])):
                return False
        return True

    def _engine(self, file: str, text: str | None) -> Any:
        """A fresh engine that has `text` for the file; for `taxonomy`, as its tables."""
        if self._base[0] != file:
            self._base = (file, self._without(file))
        engine = self._base[1].clone()
        if file == TAXONOMY:
            engine.add_data_json(text)
        elif text is not None:
            engine.add_policy(file, text)
        return engine

    def _without(self, file: str) -> Any:
        engine = regorus.Engine()
        for name, text in self.suite.policies:
            if name != file:
                engine.add_policy(name, text)
        for tests in self.suite.tests:
            engine.add_policy(tests.name, tests.text)
        if file != TAXONOMY:
            engine.add_data_json(self.suite.data)
        return engine


def _passes(engine: Any, test: str) -> bool:
    try:
        return passes(engine, test)
    except ValueError:
        return False


def _chunks(mutants: Iterable[Mutant]) -> Iterator[list[Mutant]]:
    for _, group in groupby(mutants, key=lambda mutant: mutant.file):
        held = list(group)
        yield from (held[at : at + CHUNK] for at in range(0, len(held), CHUNK))


_benches: list[_Bench] = []
"""The one of a process of the pool, which lives for one run."""


def _begin(suite: Suite) -> None:
    # The engine writes about some mutants to a stream of its own that is not for readers.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    _benches.append(_Bench(suite))


def _judge_chunk(chunk: list[Mutant]) -> list[Fate]:
    return _benches[-1].fates(chunk)
