"""The tutorial of `docs/adapter-developers.md`: every block in it, in its order.

A `shell` block is run, a block whose info names a path is written to that file at its place, and
a `text` block after a `shell` block is what it must have printed (`tests/test_docs.py`). `sh`
blocks are for that test, which runs them beside a server.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.adapter import installed
from gateway.kit import RULES
from tests.test_docs import FENCE, unsaid

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "adapter-developers.md").read_text(encoding="utf-8")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Where `pip install` puts a package into a folder of this test's own."""
    site = tmp_path / "site"
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
        "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)]),
        "PIP_TARGET": str(site),
        "HOME": str(tmp_path),
        "PYTHONUTF8": "1",
        "COLUMNS": "120",
    }


def test_the_tutorial(tmp_path: Path, environment: dict[str, str]) -> None:
    here = tmp_path / "here"
    here.mkdir()
    ran, printed, before = 0, "", ""
    for info, body in FENCE.findall(PAGE):
        kind, _, name = info.partition(" ")
        if name:
            (here / name).write_text(body, encoding="utf-8")
        elif kind == "shell":
            printed = shell(body, here, environment)
            ran += 1
        elif kind == "text" and before == "shell":
            assert unsaid(body, printed) == [], f"{body}\nprinted:\n{printed}"
        before = kind
    assert ran > 8


def shell(script: str, here: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", script],
        cwd=here,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{script}\nprinted, and failed:\n{done.stdout}"
    return done.stdout


def test_every_finding_is_explained() -> None:
    told = PAGE.partition("## The standard suite")[2]
    assert [rule for rule in RULES if f"`{rule}`" not in told] == []


def test_the_table_of_formats_is_what_is_installed() -> None:
    table = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z0-9.]+)` \| `([^`]+)`.*? \| (needed|optional) \|", table, re.M)
    assert {name: (media_type, needed) for name, media_type, needed in rows} == {
        one.name: (one.media_type, "needed" if one.record_types is None else "optional")
        for one in installed().values()
    }
    assert [name for name, _, _ in rows] == list(dict.fromkeys(name for name, _, _ in rows))
