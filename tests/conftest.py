"""Real parts in a small world: a copy of the demo deployment with keys and a log of its own."""

import io
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from gateway import journal
from gateway.demo import prepare
from tests.postgres import cluster, database  # noqa: F401 - fixtures

# A run that is repeated says the same. `HYPOTHESIS_PROFILE=default` looks somewhere else each time.
settings.register_profile("repeatable", derandomize=True, max_examples=60, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "deploy" / "demo"


@pytest.fixture(scope="session")
def samples() -> Callable[[str], Path]:
    """Real payloads of real systems, which are never part of this project."""
    folder = Path(os.environ.get("CORRIDOR_SAMPLES", ROOT.parent / "shared" / "samples"))

    def find(relative: str) -> Path:
        if not folder.is_dir():
            pytest.skip(f"no folder of real samples at {folder.name}: set CORRIDOR_SAMPLES")
        return folder / relative

    return find


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, set[Path]]:
    directory = tmp_path_factory.mktemp("prepared") / "demo"
    shutil.copytree(DEMO, directory, ignore=shutil.ignore_patterns("keys", "data"))
    token = prepare(directory)
    return directory, token, set(directory.rglob("*"))


@pytest.fixture(scope="session")
def prepared(original: tuple[Path, str, set[Path]]) -> tuple[Path, str]:
    """A demo deployment that nobody writes to, and a bearer key of its sender."""
    return original[0], original[1]


@pytest.fixture(autouse=True, scope="module")
def nobody_writes_to_it(original: tuple[Path, str, set[Path]]) -> Iterator[None]:
    """What all tests copy stays as it was made: the order of tests changes nothing."""
    yield
    assert set(original[0].rglob("*")) == original[2], "a test wrote into `prepared`"


@pytest.fixture
def deployment(prepared: tuple[Path, str], tmp_path: Path) -> Path:
    """A demo deployment of one test's own."""
    directory = tmp_path / "demo"
    shutil.copytree(prepared[0], directory)
    return directory


@pytest.fixture
def told() -> Iterator[io.TextIOWrapper]:
    """What the operator's log says while a test runs."""
    stream = io.TextIOWrapper(io.BytesIO())
    journal.configure(stream)
    yield stream
    structlog.reset_defaults()


@pytest.fixture
def token(prepared: tuple[Path, str]) -> str:
    """The bearer key of the demo's sender."""
    return prepared[1]


@pytest.fixture
def payload() -> bytes:
    """Three invented households as a Kobo page."""
    return (DEMO / "payloads" / "households.json").read_bytes()
