"""Everything a policy is held to before anybody relies on it, as findings with file and line.

The embedded engine and our own reading first; then `opa` and `regal`, whose judgement nothing
here replaces: where one of them is missing, that is a finding too.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs

from gateway.errors import CorridorError
from gateway.policy.bundle import Bundle, read
from gateway.policy.embedded import Embedded
from gateway.policy.metadata import Metadata, metadata_of
from gateway.policy.portable import findings

QUESTION = Path(__file__).resolve().parents[2] / "schemas" / "question.json"
OBJECTION = re.compile(r'^(?:class_)?objections contains (?:\[i, )?"([a-z_.]+)"', re.MULTILINE)
LOCAL_OBJECTION = re.compile(r'"rule": "(local\.[a-z0-9_.]+)"')
SECONDS = 120
"""That one of the tools may take."""

TOOLS = ("opa", "regal")


@dataclass(frozen=True, slots=True)
class Found:
    """One finding."""

    place: str
    """`file:line` below the folder that was checked, or a tool."""
    problem: str
    rule: str

    def __str__(self) -> str:
        return f"{self.place}: {self.problem} ({self.rule})"


def check(directory: Path, local: Path | None, *, tools: bool) -> tuple[Bundle | None, list[Found]]:
    """The bundle, unless it cannot be loaded, and everything found."""
    folders = {"exchange": directory / "exchange"} | ({"local": local} if local else {})
    found = [one for package, folder in folders.items() for one in _portable(folder, package)]
    bundle = None
    try:
        bundle = read(directory, local)
        found += _schemas(bundle)
        Embedded(bundle, inline=True)
    except CorridorError as error:
        if not any(one.place == error.at for one in found):
            found.append(Found(error.at or "bundle", error.problem, error.rule))
    for package, folder in folders.items():
        found += _metadata(folder, package, directory)
    if tools:
        found += [one for tool in TOOLS for one in _tool(tool, directory, local)]
    return bundle, found


def _portable(folder: Path, package: str) -> Iterator[Found]:
    files = {
        f"{package}/{path.relative_to(folder).as_posix()}": path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.rego"))
        if not path.name.endswith("_test.rego")
    }
    for one in findings(files, package=package):
        yield Found(one.place, one.problem, "bundle.policy")


def _schemas(bundle: Bundle) -> Iterator[Found]:
    """What a sample states is what `schemas/question.json` knows.

    What it leaves out is for the rules to refuse, and one that is refused may state anything.
    """
    validator = jsonschema_rs.Draft202012Validator(json.loads(QUESTION.read_bytes()))
    for sample in bundle.samples:
        if sample.verdict == "refuse":
            continue
        for error in validator.iter_errors(sample.question.document):
            if error.schema_path[-1] != "required":
                where = ".".join(str(step) for step in error.instance_path)
                yield Found(f"samples:{sample.name}", f"no question at {where}", "schema.question")


def _metadata(folder: Path, package: str, directory: Path) -> Iterator[Found]:
    table = _table(directory, "rules.json", "rules")
    fixes = _table(directory, "fixes.json", "fixes")
    for path in sorted(folder.rglob("*.rego")):
        if path.name.endswith("_test.rego"):
            continue
        name = f"{package}/{path.relative_to(folder).as_posix()}"
        text = path.read_text(encoding="utf-8")
        try:
            blocks = metadata_of(name, text)
        except CorridorError as error:
            yield Found(error.at, error.problem, error.rule)
            continue
        yield from _of_blocks(name, text, blocks, package)
        if package == "exchange":
            yield from _in_tables(name, path.stem, blocks, table, fixes)


def _of_blocks(name: str, text: str, blocks: tuple[Metadata, ...], package: str) -> Iterator[Found]:
    if not blocks:
        yield Found(f"{name}:1", "no METADATA", "policy.metadata")
    for block in blocks:
        for key in ("title", "description"):
            if not getattr(block, key) and not (package == "local" and key == "description"):
                yield Found(f"{name}:{block.line}", f"METADATA without {key}", "policy.metadata")
    said = {rule for block in blocks for rule in block.rules}
    families = tuple(rule.removesuffix("*") for rule in said if rule.endswith(".*"))
    for raised in OBJECTION.finditer(text) if package == "exchange" else ():
        if raised[1] not in said and not raised[1].startswith(families or ("*",)):
            line = text.count("\n", 0, raised.start()) + 1
            yield Found(f"{name}:{line}", f"METADATA does not name {raised[1]}", "policy.metadata")


def _in_tables(
    name: str,
    stem: str,
    blocks: tuple[Metadata, ...],
    table: dict[str, Any],
    fixes: dict[str, Any],
) -> Iterator[Found]:
    """What METADATA says stands in `rules.json` word for word, and each rule has a fix."""
    own = [block for block in blocks if not block.of_package]
    named = {rule for block in own for rule in block.rules if not rule.endswith(".*")}
    at = f"{name}:{own[0].line if own else 1}"
    entry = table.get(stem, {})
    listed = entry.get("objections", {})
    for rule in sorted(named):
        if rule not in fixes:
            yield Found(at, f"nothing in fixes.json for {rule}", "policy.fix")
        if rule not in listed:
            yield Found(at, f"nothing in rules.json for {rule}", "policy.explained")
    sources = "; ".join(source for block in own for source in block.sources)
    if own and entry and (entry.get("title"), entry.get("source")) != (own[0].title, sources):
        yield Found(at, "another title or source in rules.json", "policy.explained")


def _table(directory: Path, name: str, key: str) -> dict[str, Any]:
    """One table; empty where it is none, which `read` has said already."""
    try:
        held = json.loads((directory / "taxonomy" / name).read_bytes())[key]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return held if isinstance(held, dict) else {}


def _tool(tool: str, directory: Path, local: Path | None) -> Iterator[Found]:
    binary = shutil.which(tool)
    if binary is None:
        yield Found(tool, "not found on PATH, so it was not asked", f"check.no_{tool}")
        return
    folders = [str(folder) for folder in (directory, local) if folder is not None]
    commands = {
        "opa": [["check", "--strict", *folders], ["fmt", "--fail", "--list", *folders]],
        "regal": [["lint", "--format", "json", str(directory)]],
    }
    if local is not None:
        # How an operator writes is the operator's affair; what cannot be meant is not.
        bugs = ["--disable-all", "--enable-category", "bugs"]
        commands["regal"].append(["lint", "--format", "json", *bugs, str(local)])
    for arguments in commands[tool]:
        # The tool is the one on PATH, and its arguments are our own folders.
        run = subprocess.run(  # noqa: S603
            [binary, *arguments], capture_output=True, text=True, timeout=SECONDS
        )
        if run.returncode:
            yield from _said(tool, arguments[0], run.stdout, run.stderr)


def _said(tool: str, command: str, out: str, err: str) -> Iterator[Found]:
    if tool == "regal" and out.startswith("{"):
        for one in json.loads(out)["violations"]:
            place = f"{one['location']['file']}:{one['location']['row']}"
            yield Found(place, one["description"], f"regal.{one['title']}")
    elif command == "fmt":
        for name in out.split():
            yield Found(name, "not written as `opa fmt` writes it", "opa.fmt")
    else:
        for line in re.findall(r"^(\S+\.rego:\d+): (.+)$", err or out, re.MULTILINE):
            yield Found(line[0], line[1], "opa.check")
        if not re.search(r"\.rego:\d+: ", err or out):
            yield Found(tool, f"{command} failed", f"{tool}.{command}")
