"""The documents: complete, true, and run.

A `sh` block is run, in order, in a folder with a copy of the demo deployment and a server on it.
A `text` block right after it is what must be printed: every line, in that order, white space
aside, with `…` for anything. A block named `python FILE` or `toml FILE` is written to that file
before. `console` blocks are for people: they install, or need what a test must not start.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import typer
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from gateway.app import create_app
from gateway.cli import app as cli
from gateway.demo import served
from gateway.deployment import new_bearer
from gateway.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
DOCS = sorted((ROOT / "docs").glob("*.md"))
USERS = [ROOT / "README.md", *DOCS]
ALL = [
    *USERS,
    *sorted((ROOT / "docs" / "crosswalks").glob("*.md")),
    *(ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")),
    *(
        ROOT / name / "README.md"
        for name in ("gateway", "adapters", "schemas", "policies", "examples")
    ),
]
OPERATORS = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
WORDS = {path: path.read_text(encoding="utf-8") for path in ALL}
USERS_WORDS = "\n".join(WORDS[path] for path in USERS)
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "=== block"
FAMILIES = (
    *("json", "xml", "table", "value", "code", "source", "record", "schema"),
    *("kobo", "odk", "ona", "openrosa", "commcare", "tabular", "fhir", "geojson", "hxl"),
    *("cap", "pfif", "openmrs", "opencrvs", "godata", "rapidpro", "primero", "errf", "progres"),
    *("hope", "spdci", "g2p", "iati", "dtm", "dhis2", "adx", "activityinfo", "ushahidi"),
    *("document", "settings", "bundle", "mapping", "minimize", "question", "entry"),
    *("checkpoint", "note", "vkey", "receipt", "proof", "demo"),
    *("agreement", "signature", "approval", "officer", "answers", "replay", "activate", "explain"),
    *("risk", "cells", "redecide", "mutate"),
    *("export", "witness", "cosignature", "reader", "report", "index", "custody", "recall"),
    *("incident", "rights", "subject", "backup", "restart", "timestamp"),
    *("fetch", "verify", "file"),
    *("route", "pull", "outbound", "endpoint", "push", "delivery", "evidence", "party"),
    *("limit", "http", "path", "cursor", "bulk", "nats", "observe"),
)
"""Rules a reader treats alike: the documents name the family. All other rules are named."""
FOLDERS = r"(?:gateway|adapters|examples|schemas|policies|deploy|docs|tests|bench|\.ci)"


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command of `corridor` with its options."""

    def walk(command, name):
        children = getattr(command, "commands", {})
        for child, inner in children.items():
            yield from walk(inner, f"{name} {child}")
        if not children:
            flags = [
                flag
                for one in command.params
                for flag in (*one.opts, *one.secondary_opts)
                if flag.startswith("-")
            ]
            yield name, [flag for flag in flags if flag != "--help"]

    yield from walk(typer.main.get_command(cli), "corridor")


def test_every_command_is_in_the_readme():
    known = [name for name, _ in commands()]
    assert len(known) > 8
    assert [name for name in known if f"`{name}`" not in WORDS[ROOT / "README.md"]] == []


def test_every_option_is_in_the_operators_table():
    rows = {
        name: set(re.findall(r"`(--?[a-z-]+)[` ]", text))
        for name, text in re.findall(
            r"^\| `(corridor[a-z -]*)(?: [A-Z]+)*` \| (.*) \|$", OPERATORS, re.MULTILINE
        )
    }
    assert rows == {name: set(flags) for name, flags in commands()}


def settings() -> Iterator[tuple[str, str]]:
    """Every setting with its default, as the table writes it."""
    for section, part in Settings.model_fields.items():
        model = part.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        for name, one in model.model_fields.items():
            default = one.default
            yield (
                f"{section}.{name}",
                "required"
                if default is PydanticUndefined
                else '`""`'
                if default == ""
                else f"`{default}`",
            )


def test_every_setting_is_in_the_operators_table():
    chapter = OPERATORS.partition("\n## `corridor.toml`\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z]+\.[a-z_]+)` \| (\S+) \| \S", chapter, re.MULTILINE)
    assert dict(rows) == dict(settings())
    assert len(rows) == len(dict(rows)) > 8


def test_the_example_settings_are_the_defaults():
    [text] = [body for info, body in FENCE.findall(OPERATORS) if info == "toml corridor.toml"]
    example = Settings.model_validate(tomllib.loads(text))
    assert example == Settings.model_validate({"gateway": example.gateway.model_dump()})
    assert text.count("=") == len(list(settings()))


def routes(directory: Path) -> set[str]:
    found = {
        route.path.replace(":path}", "}")
        for route in create_app(directory).routes
        if hasattr(route, "path")
    }
    return found | set(create_app(directory).openapi()["paths"])


def test_every_route_is_in_the_docs_and_no_other(deployment):
    real = routes(deployment) - {"/docs/oauth2-redirect"}
    assert len(real) > 14
    told = set(re.findall(r"`(?:GET|POST) (/[^`?\s]*)", USERS_WORDS))
    assert real == told


def rules() -> set[str]:
    """Every rule an error can carry, as far as it is written out."""
    found: set[str] = set()
    for folder in ("gateway", "adapters"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            found |= set(re.findall(r"\brule ?= ?\"([a-z0-9_.]+\.[a-z0-9_]+)\"", text))
            found |= set(re.findall(r"Bad\(\"([a-z0-9_.]+\.[a-z0-9_]+)\"\)", text))
    return found


def test_every_rule_of_an_error_is_in_the_docs():
    known = rules()
    assert len(known) > 100
    told = set(re.findall(r"`([a-z_]+\.[a-z0-9_.]+|[a-z0-9_]+\.\*)`", USERS_WORDS))
    assert {f"{family}.*" for family in FAMILIES} <= told
    assert sorted(r for r in known if r not in told and r.split(".")[0] not in FAMILIES) == []


def test_links_and_paths_lead_somewhere():
    lost = []
    for path, text in WORDS.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if target.startswith("https://"):
                continue
            file, _, anchor = target.partition("#")
            found = (path.parent / file).resolve() if file else path
            if not found.exists() or (anchor and anchor not in anchors(found)):
                lost.append(f"{named(path)}: {target}")
        for said in re.findall(rf"`({FOLDERS}/[^\s`*{{]*[^\s`*{{/])/?`", text):
            if not (ROOT / said).exists():
                lost.append(f"{named(path)}: {said}")
    assert lost == []


def anchors(path: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def test_nothing_of_one_machine():
    private = re.compile(r"(?<![\w.])/(?:work|root|home|tmp|Users)/|localhost|pypi|npmjs", re.I)
    found = {named(p): m.group() for p, text in WORDS.items() if (m := private.search(text))}
    assert found == {}


@dataclass
class Block:
    """One block that is run, and what it must print."""

    script: str
    expected: str = ""
    files: dict[str, str] = field(default_factory=dict)


def blocks(text: str) -> list[Block]:
    found: list[Block] = []
    files: dict[str, str] = {}
    before = ""
    for info, body in FENCE.findall(text):
        kind, _, name = info.partition(" ")
        if kind == "sh":
            found.append(Block(body, files=dict(files)))
        elif kind == "text" and before == "sh":
            found[-1].expected = body
        elif kind in ("python", "toml") and name:
            files[name] = body
        before = kind
    return found


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def unsaid(expected: str, printed: str) -> list[str]:
    """Pieces of `expected` that are not in `printed` after those before them."""
    rest, lacking = squeezed(printed), []
    for piece in filter(None, map(squeezed, re.split(r"…|\n", expected))):
        _, hit, after = rest.partition(piece)
        if hit:
            rest = after
        else:
            lacking.append(piece)
    return lacking


def test_what_is_not_printed_is_noticed():
    assert unsaid("a … c\n b", "a x c\nb\n") == []
    assert unsaid("a … c\n d", "a x c\nb\n") == ["d"]
    assert unsaid("b\na", "a\nb") == ["a"]


@pytest.fixture
def place(deployment: Path, token: str, tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A folder like the repository's root, and the variables of the documents."""
    here = tmp_path / "here"
    (here / "deploy").mkdir(parents=True)
    (here / ".venv" / "bin").mkdir(parents=True)
    shutil.move(deployment, here / "deploy" / "demo")
    binaries = Path(sys.executable).parent
    (here / ".venv" / "bin" / "corridor").symlink_to(binaries / "corridor")
    for name in ("gateway", "adapters", "schemas", "policies", "examples"):
        (here / name).symlink_to(ROOT / name)
    demo = here / "deploy" / "demo"
    environment = {
        **{name: os.environ[name] for name in ("LANG", "HOME") if name in os.environ},
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "PYTHONUTF8": "1",
        "COLUMNS": "100",
        "DEPLOYMENT": str(demo),
        "TOKEN": token,
        "RECIPIENT_TOKEN": new_bearer(demo, "org:sante-sans-rivages"),
    }
    return here, environment


@pytest.mark.parametrize("path", USERS, ids=named)
def test_blocks_run(path, place):
    here, environment = place
    todo = blocks(WORDS[path])
    assert todo
    online = any("$ADDRESS" in block.script for block in todo)
    if online and shutil.which("curl") is None:
        pytest.skip("there is no curl on this machine")
    with contextlib.ExitStack() as stack:
        if online:
            server = stack.enter_context(served(here / "deploy" / "demo"))
            environment = {**environment, "ADDRESS": server}
        printed = run(todo, here, environment)
    for number, block in enumerate(todo):
        if lacking := unsaid(block.expected, printed[number]):
            said = f"{block.script}\nprinted:\n{printed[number]}\nand not: {lacking}"
            pytest.fail(said, pytrace=False)


def run(todo: list[Block], here: Path, environment: dict[str, str]) -> list[str]:
    """What each block printed. One shell for all, as a reader has; it stops at a failure."""
    for name, body in {name: body for block in todo for name, body in block.files.items()}.items():
        (here / name).write_text(body, encoding="utf-8")
    script = "set -eu\n" + "".join(f"echo '{MARK}'\n{block.script}" for block in todo)
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script],
        cwd=here,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=400,
        check=False,
    )
    printed = done.stdout.split(f"{MARK}\n")[1:]
    if done.returncode:
        said = f"{todo[len(printed) - 1].script}\nprinted, and failed:\n{printed[-1]}"
        pytest.fail(said, pytrace=False)
    return printed
