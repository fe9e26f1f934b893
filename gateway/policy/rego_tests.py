"""Running the Rego tests on the embedded engine, where no `opa` is installed.

A test passes when it is true. `opa test` runs the same tests and measures coverage; that the
two agree is itself a test.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import regorus

from gateway.errors import OfficerError
from gateway.policy.bundle import Bundle, read
from gateway.policy.portable import line_of, nodes, syntax

RULE = re.compile(r"^(test_[a-z0-9_]+)\b", re.MULTILINE)
PACKAGE = re.compile(r"^package ([a-z_.]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RegoTests:
    """One file of tests, and the full names of the tests in it."""

    name: str
    text: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reached:
    """Which lines of one policy some test evaluated."""

    name: str
    covered: tuple[int, ...]
    missed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """Every test by its full name and whether it passed; lines only where they were asked for."""

    passed: Mapping[str, bool]
    reached: tuple[Reached, ...] = ()

    @property
    def failed(self) -> list[str]:
        return [name for name, passed in self.passed.items() if not passed]

    @property
    def coverage(self) -> float:
        """Of all lines that can be evaluated, in percent."""
        covered = sum(len(one.covered) for one in self.reached)
        missed = sum(len(one.missed) for one in self.reached)
        return 100 * covered / (covered + missed) if covered + missed else 0


def run_tests(directory: Path, local: Path | None = None) -> dict[str, bool]:
    """Every test by its full name, and whether it passed."""
    return dict(run(directory, local).passed)


def run(directory: Path, local: Path | None = None, *, coverage: bool = False) -> Results:
    """Run all tests, on request with the lines they reach.

    The shipped tests run without the operator's policies, which may narrow what they rely on;
    the operator's tests run with them.
    """
    found = [_run(read(directory), read_tests(directory / "exchange"), "exchange/", coverage)]
    if local is not None:
        found.append(_run(read(directory, local), read_tests(local), "local/", coverage))
    passed = {name: one for results in found for name, one in results.passed.items()}
    if not passed:
        raise OfficerError("there is no test", rule="policy.no_tests", at=directory.name)
    return Results(passed, tuple(one for results in found for one in results.reached))


def read_tests(folder: Path) -> tuple[RegoTests, ...]:
    """The test files below a folder, in the order of their names."""
    return tuple(_read(path) for path in sorted(folder.rglob("*_test.rego")))


def passes(engine: Any, name: str) -> bool:
    """Whether one test is true. Raises what the engine raises, in the engine's words."""
    engine.set_input_json("{}")
    return bool(json.loads(engine.eval_rule_as_json(name)) is True)


def _read(path: Path) -> RegoTests:
    text = path.read_text(encoding="utf-8")
    package = PACKAGE.search(text)
    if package is None:
        raise OfficerError("no package", rule="policy.no_package", at=path.name)
    names = dict.fromkeys(RULE.findall(text))
    return RegoTests(path.name, text, tuple(f"data.{package[1]}.{name}" for name in names))


def _run(bundle: Bundle, files: tuple[RegoTests, ...], own: str, coverage: bool) -> Results:
    engine = regorus.Engine()
    for name, text in bundle.policies:
        engine.add_policy(name, text)
    engine.add_data_json(bundle.data.decode())
    for file in files:
        try:
            engine.add_policy(file.name, file.text)
        except RuntimeError:
            raise OfficerError("does not parse", rule="policy.not_rego", at=file.name) from None
    engine.set_enable_coverage(coverage)
    passed = {name: _passes(engine, name) for file in files for name in file.tests}
    return Results(passed, _reached(engine, bundle, own) if coverage else ())


def _passes(engine: Any, name: str) -> bool:
    try:
        return passes(engine, name)
    except (RuntimeError, ValueError):
        return False


def _reached(engine: Any, bundle: Bundle, own: str) -> tuple[Reached, ...]:
    report = json.loads(engine.get_coverage_report_as_json())
    told = {one["path"]: one for one in report["files"]}
    found = []
    for name, text in bundle.policies:
        if name.startswith(own):
            covered = set(told.get(name, {}).get("covered", ()))
            missed = set(told.get(name, {}).get("not_covered", ()))
            for first, last in _statements(name, text):
                # The engine leaves out what it never came near, and of what stands on several
                # lines it counts the first one as missed.
                here = set(range(first, last + 1))
                missed = missed - {first} if here & covered else missed | {first}
            found.append(Reached(name, tuple(sorted(covered)), tuple(sorted(missed - covered))))
    return tuple(found)


def _statements(name: str, text: str) -> list[tuple[int, int]]:
    """First and last line of every condition, and of every rule that has none."""
    rules = syntax(name, text)["rules"]
    held = [node for kind, node in nodes(rules) if kind == "stmts"]
    held += [rule["Spec"] for rule in rules if "Spec" in rule and not rule["Spec"]["bodies"]]
    written = text.encode()
    return [(line_of(node), _last_line(node, written)) for node in held]


def _last_line(node: Any, text: bytes) -> int:
    return text.count(b"\n", 0, node["span"]["end"]) + 1
