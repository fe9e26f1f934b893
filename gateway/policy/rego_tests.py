"""Running the Rego tests on the embedded engine, where no `opa` is installed.

A test passes when it is true. `opa test` runs the same tests and measures coverage; that the
two agree is itself a test.
"""

import json
import re
from pathlib import Path
from typing import Any

import regorus

from gateway.errors import OfficerError
from gateway.policy.bundle import read

RULE = re.compile(r"^(test_[a-z0-9_]+)\b", re.MULTILINE)
PACKAGE = re.compile(r"^package ([a-z_.]+)$", re.MULTILINE)


def run_tests(directory: Path, local: Path | None = None) -> dict[str, bool]:
    """Every test by its full name, and whether it passed.

    The shipped tests run without the operator's policies, which may narrow what they rely on;
    the operator's tests run with them.
    """
    results = _run(directory, None, directory / "exchange")
    if local is not None:
        results |= _run(directory, local, local)
    if not results:
        raise OfficerError("there is no test", rule="policy.no_tests", at=directory.name)
    return results


def _run(directory: Path, local: Path | None, tests: Path) -> dict[str, bool]:
    bundle = read(directory, local)
    engine = regorus.Engine()
    for name, text in bundle.policies:
        engine.add_policy(name, text)
    engine.add_data_json(bundle.data.decode())
    names = [name for path in sorted(tests.rglob("*_test.rego")) for name in _add(engine, path)]
    return {name: _passes(engine, name) for name in names}


def _add(engine: Any, path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    package = PACKAGE.search(text)
    if package is None:
        raise OfficerError("no package", rule="policy.no_package", at=path.name)
    try:
        engine.add_policy(path.name, text)
    except RuntimeError:
        raise OfficerError("does not parse", rule="policy.not_rego", at=path.name) from None
    return [f"data.{package.group(1)}.{name}" for name in dict.fromkeys(RULE.findall(text))]


def _passes(engine: Any, name: str) -> bool:
    try:
        engine.set_input_json("{}")
        return bool(json.loads(engine.eval_rule_as_json(name)) is True)
    except (RuntimeError, ValueError):
        return False
