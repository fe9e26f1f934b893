"""The programs of `examples/` as a partner runs them, against a real gateway."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli_party import request_key
from gateway.demo import SENDER, served
from gateway.deployment import new_bearer

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
OPENFN = ROOT / ".tools" / "openfn" / "node_modules"
MADE = "released 8 records\nfetched application/fhir+json: 12 resources\n"


@pytest.fixture(scope="module")
def world(prepared, tmp_path_factory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A payload, and what a partner's environment holds."""
    directory = tmp_path_factory.mktemp("examples") / "demo"
    shutil.copytree(prepared[0], directory)
    other = new_bearer(directory, "org:border-directorate")
    key = tmp_path_factory.mktemp("key") / "request.pem"
    request_key(SENDER, directory, key_out=key)
    with served(directory) as address:
        yield (
            directory / "payloads" / "households.json",
            {
                **os.environ,
                "ADDRESS": address,
                "TOKEN": prepared[1],
                "OTHER": other,
                "PEM": str(key),
            },
        )


def needed(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"there is no {program} on this machine")
    return found


@pytest.fixture(params=["python", "node", "go", "openfn"])
def example(request, tmp_path_factory) -> tuple[list[str], Path]:
    """How an example is run, and where."""
    folder = EXAMPLES / request.param
    match request.param:
        case "python":
            return [sys.executable, "transfer.py"], folder
        case "node":
            return [needed("node"), "transfer.mjs"], folder
        case "go":
            return [needed("go"), "run", "."], folder
        case _:
            needed("node")
            if not OPENFN.is_dir():
                pytest.skip("OpenFn's packages are not installed: see .ci/run")
            # Packages stand beside the program that imports them.
            place = tmp_path_factory.mktemp("openfn")
            for path in folder.iterdir():
                shutil.copy(path, place)
            (place / "node_modules").symlink_to(OPENFN)
            return [needed("npm"), "run", "--silent", "job", "--"], place


def run(example: tuple[list[str], Path], payload: Path, environment: dict[str, str]):
    command, folder = example
    return subprocess.run(
        [*command, str(payload)],
        cwd=folder,
        env={**environment, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "GOPROXY": "off"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_transfer_is_made_and_fetched(example, world):
    payload, environment = world

    done = run(example, payload, environment)

    assert done.stdout.endswith(MADE), (done.stdout, done.stderr)
    assert done.returncode == 0


@pytest.mark.parametrize("example", ["node", "go"], indirect=True)
def test_requests_are_signed(example, world):
    payload, environment = world

    done = run(example, payload, {**environment, "TOKEN": "", "KEY": environment["PEM"]})

    assert done.stdout == MADE, done.stderr


def test_a_failure_is_said(example, world):
    payload, environment = world

    done = run(example, payload, {**environment, "TOKEN": environment["OTHER"]})

    assert "released" not in done.stdout
    assert "422" in done.stdout
    assert done.returncode == 1


def test_packages_are_pinned():
    lock = (EXAMPLES / "openfn" / "package-lock.json").read_text(encoding="utf-8")

    assert lock.count('"integrity"') == lock.count('"version"') > 50
