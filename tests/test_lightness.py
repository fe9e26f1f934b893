"""What a process holds of memory because of what it imports, and what it gives back."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SERVERS = {"fastapi", "starlette", "uvicorn", "aiohttp", "prometheus_client", "opentelemetry"}
DATABASES = {"psycopg", "sqlalchemy", "alembic"}
OTHERS = {"polars", "requests", "xlsxwriter", "opa_client"}


def ran(program: str, *arguments: str) -> str:
    """What a new process prints."""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


LOADED = """
import sys
from importlib import import_module
for name in sys.argv[1:]:
    import_module(name)
print(*{name.partition(".")[0] for name in sys.modules})
"""


@pytest.mark.parametrize(
    ("modules", "without"),
    [
        (
            ["gateway.bulk.process", "adapters.kobo", "adapters.fhir_r4"],
            SERVERS | DATABASES | OTHERS | {"asyncio", "rich", "structlog"},
        ),
        (["gateway.app"], {"aiohttp"} | DATABASES | OTHERS),
    ],
    ids=["worker", "server"],
)
def test_a_process_does_not_load_what_it_need_not(modules: list[str], without: set[str]) -> None:
    assert not without & set(ran(LOADED, *modules).split())


FREED = """
import sys
from threading import Thread
from gateway import memory

def resident():
    with open("/proc/self/statm") as told:
        return int(told.read().split()[1]) * 4096 >> 20

def working():
    large = [bytes(600_000) for _ in range(2)]
    del large
    some = [bytes([1]) * 300_000 for _ in range(200)]
    kept.append(bytes([2]) * 200_000)

kept = []
if sys.argv[1] == "told":
    memory.give_back()
before = resident()
for _ in range(3):
    thread = Thread(target=working)
    thread.start()
    thread.join()
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is looked at in /proc")
def test_what_was_freed_goes_back_to_the_system() -> None:
    assert int(ran(FREED, "told")) < 16
