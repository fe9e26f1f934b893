"""The structure: which way imports point, what the gateway must not name, and sizes."""

import ast
import re
from pathlib import Path

import pytest

from gateway.record import RECORD_TYPES, fields

ROOT = Path(__file__).resolve().parent.parent
SURFACE = {
    "app",
    "api_transfers",
    "api_bundles",
    "api_log",
    "api_observe",
    "api_custody",
    "api_delivery",
    "api_reading",
    "openapi",
    "contract",
    "conditional",
    "edge",
    "connection",
    "server",
    "problem",
    "readers",
    "cli",
    "cli_adapter",
    "cli_agreement",
    "cli_agreement_new",
    "cli_agreement_sign",
    "cli_delivery",
    "cli_incident",
    "api_reports",
    "api_routes",
    "cli_pull",
    "cli_log",
    "cli_log_verify",
    "cli_log_publish",
    "cli_log_report",
    "cli_log_upkeep",
    "cli_mapping",
    "cli_migrate",
    "cli_work",
    "cli_officer",
    "cli_party",
    "api_identity",
    "cli_policy",
    "cli_policy_bundle",
    "cli_policy_change",
    "cli_policy_explain",
    "cli_policy_mutate",
    "cli_progress",
    "cli_recall",
    "cli_rights",
    "cli_suggest",
    "crosswalk",
    "demo",
    "start",
    "__main__",
}
"""Speak to people and machines outside."""

STEPS = {
    "mapping": {"canonical", "document", "errors", "record"},
    "records": {"errors", "faults", "marks", "record"},
    "source": {"errors"},
    "content": {"errors"},
    "spool": {"errors"},
    "marks": set(),
    "question": {"agreement", "deployment", "entry", "incoming", "mapping", "policy", "record",
                 "terms"},
    "policy": {"canonical", "errors"},
    "incoming": {"record"},
    "minimize": {"errors", "forms", "incoming", "marks", "places", "record", "remembered"},
    "forms": {"errors", "places", "record"},
    "deliver": {"account", "bulk", "deployment", "errors", "exchange", "log"},
    "log": {"entry", "errors", "high_water", "log_batch", "log_beside", "log_cells", "log_guard",
            "log_index", "log_index_fill", "log_line", "log_place", "log_reader",
            "log_standing", "log_store", "log_subjects", "merkle", "note"},
    "log_batch": {"entry", "errors", "high_water", "log_beside", "log_index",
                  "log_standing", "log_store", "log_waiting", "merkle", "note", "log_subjects"},
    "log_place": {"errors", "log_file", "log_store", "settings"},
    "log_line": {"entry", "errors", "log_waiting"},
    "log_waiting": {"entry", "errors", "log_beside", "log_standing", "log_store"},
    "log_cells": {"log_standing", "log_store"},
    "log_reader": {"errors", "log_batch", "log_cells", "log_standing", "log_store", "merkle"},
    "log_index": set(),
    "log_beside": set(),
    "log_index_fill": {"log_index", "log_store"},
    "log_subjects": set(),
    "log_standing": {"log_index", "log_subjects"},
    "log_store": {"errors", "log_file", "log_index", "log_standing", "merkle", "migrations"},
    "migrations": {"errors", "log_beside", "log_file", "log_store"},
    "log_view": {"log_snapshot"},
    "audit_index": {"log_index"},
    "audit": {"audit_index", "audit_standing", "entry", "errors", "high_water", "log_file",
              "log_keys", "log_place", "log_snapshot", "merkle", "note"},
    "log_guard": {"errors", "high_water", "log_keys", "log_store", "merkle", "note"},
    "log_keys": {"errors", "log_standing", "note"},
    "log_rotation": {"entry", "errors", "high_water", "log_batch", "log_guard", "log_keys",
                     "log_standing", "log_store", "note"},
    "audit_standing": {"log_snapshot", "log_standing"},
    "signing": {"canonical", "deployment", "errors"},
    "approval": {"canonical", "deployment", "errors", "signing"},
    "agreement": {"approval", "canonical", "deployment", "errors", "record", "signing"},
    "risk": {"errors", "record"},
    "figures": {"places", "record"},
    "lattice": {"errors", "figures"},
    "elimination": set(),
    "complement": {"elimination", "lattice"},
    "cell_group": {"complement", "figures", "lattice"},
    "cells": {"cell_group", "figures", "lattice", "places", "record"},
    "minimization": {"record"},
    "receipt": {"audit", "entry", "errors", "log", "note", "record"},
    "merkle": {"errors"},
    "note": {"errors"},
    "entry": {"canonical", "errors"},
    "record": {"errors", "faults"},
    "faults": {"errors"},
    "places": {"errors"},
    "canonical": set(),
    "remembered": set(),
    "errors": set(),
}  # fmt: skip
"""What a module may import of ours, and nothing else. `deliver` names `exchange` and `account`
for types only."""

MAY = {"adapter", "adapters", "errors", "mapping", "marks", "record", "source"}
"""What an adapter may import of ours, wherever it is made."""

REFUSED = ("util", "helper", "common", "manager", "service", "handler", "misc")
NONE = ("none",)
LINES = 340
FUNCTION_LINES = 60


def imports(path: Path) -> set[str]:
    """First parts below `gateway` of everything a module imports of ours."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = node.module.split(".")
            if parts == ["gateway"]:
                found |= {alias.name for alias in node.names}
            elif parts[0] == "gateway":
                found.add(parts[1])
            elif parts[0] == "adapters":
                found.add("adapters")
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("gateway.")}
    return found


def modules(name: str) -> list[Path]:
    folder = ROOT / "gateway" / name
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [ROOT / "gateway" / f"{name}.py"]


@pytest.mark.parametrize("step", STEPS)
def test_a_step_imports_no_other_step(step):
    used = set().union(*(imports(path) for path in modules(step))) - {step, "__version__"}

    assert used <= STEPS[step], f"{step} may not import {sorted(used - STEPS[step])}"


def test_nothing_below_the_surface_imports_it():
    for path in (ROOT / "gateway").rglob("*.py"):
        if not {path.stem, path.parent.name} & SURFACE:
            assert not imports(path) & SURFACE, path.name


def test_adapters_import_only_what_they_may():
    for path in (ROOT / "adapters").rglob("*.py"):
        assert imports(path) <= MAY, path


@pytest.mark.parametrize(
    "forbidden",
    ["time", "datetime.now", "random", "secrets", "socket", "open(", "requests", "httpx", "os."],
)
def test_adapters_are_pure(forbidden):
    # `archive.open(member)` opens what it was given; `open(path)` would go and get something.
    word = re.compile(rf"(?<![\w.]){re.escape(forbidden)}")
    for path in [*(ROOT / "adapters").rglob("*.py"), *(ROOT / "gateway/source").glob("*.py")]:
        names = {
            alias.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        assert forbidden not in names, path
        if not forbidden[-1].isalpha():
            code = re.sub(r'""".*?"""|#.*', "", path.read_text(), flags=re.S)
            assert not word.search(code), path


def test_the_gateway_names_no_field_of_a_person():
    """A new kind of record is a new schema file. Words that every schema has are allowed."""
    general = {"record_id", "source", "protection", "name", "age", "place", "extension", "address"}
    general |= {"outcome", "description", "reason", "status", "location", "note"}
    general |= {"subject", "contact", "addresses"}  # of an entry, of an agreement, of a route
    general |= {"modified_on"}  # of CommCare's envelopes, which say which version came
    personal = [one for kind in RECORD_TYPES for one in fields(kind).values() if one.kinds != NONE]
    names = {one.name for one in personal} - general
    for path in (ROOT / "gateway").rglob("*.py"):
        texts = {
            node.value
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        assert not texts & names, (path.name, texts & names)


def test_schemas_and_policies_hold_no_code():
    for folder in ("schemas", "policies"):
        assert not list((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("folder", ["gateway", "adapters"])
def test_files_and_functions_stay_small(folder):
    for path in (ROOT / folder).rglob("*.py"):
        text = path.read_text()
        assert text.count("\n") <= LINES, path.name
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                assert lines <= FUNCTION_LINES, (path.name, node.name, lines)


def test_no_file_is_named_for_nothing():
    for path in ROOT.glob("[ags]*/**/*.py"):
        assert not any(word in path.stem for word in REFUSED), path.name
