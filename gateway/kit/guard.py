"""Watching an adapter for what it must not touch. Works only in a process of its own.

Files, sockets and processes are seen through Python's audit events; clocks, randomness and the
environment through a profile of calls. Reading files of installed packages is allowed, for that
is how modules and the tables beside them are loaded.
"""

import os
import random
import site
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import FrameType
from typing import Any

from gateway.record import SCHEMAS

_CLOCKS = frozenset(
    (
        *("time", "monotonic", "perf_counter", "process_time", "clock_gettime"),
        *("time_ns", "monotonic_ns", "perf_counter_ns", "process_time_ns"),
        *("localtime", "gmtime", "sleep"),
    )
)
_NOW = frozenset(("now", "utcnow", "today"))
_CHANGES = (
    "os.remove",
    "os.rename",
    "os.mkdir",
    "os.rmdir",
    "os.truncate",
    "os.link",
    "os.symlink",
)
_STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.spawn")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

Seen = set[tuple[str, str]]
"""Rule and place of everything that was touched."""


def watch(seen: Seen, roots: list[Path]) -> Callable[[bool], None]:
    """Note files, sockets and processes from now on; the result switches it on and off.

    An audit hook can never be taken away again, so this belongs into a process that ends.
    """
    readable = tuple(str(path.resolve()) for path in (*_installed(), *roots))
    on = False

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if not on:
            return
        rule = _rule(event, arguments, readable)
        if rule is not None and not _importing():
            seen.add((rule, _caller()))

    def switch(state: bool) -> None:
        nonlocal on
        on = state

    sys.addaudithook(hook)
    return switch


def _installed() -> Iterator[Path]:
    yield from (Path(sys.prefix), Path(sys.base_prefix), SCHEMAS.parent)
    yield from (Path(path) for path in sysconfig.get_paths().values())
    yield from (Path(path) for path in (*site.getsitepackages(), site.getusersitepackages()))


def _rule(event: str, arguments: tuple[Any, ...], readable: tuple[str, ...]) -> str | None:
    if event == "open":
        return None if _may_read(arguments, readable) else "purity.disk"
    if event.startswith(_CHANGES):
        return "purity.disk"
    if event.startswith("socket."):
        return "purity.network"
    return "purity.process" if event.startswith(_STARTS) else None


def _may_read(arguments: tuple[Any, ...], readable: tuple[str, ...]) -> bool:
    name, mode, flags = (*arguments, None, None, None)[:3]
    if isinstance(name, int):
        return True
    if isinstance(mode, str) and set(mode) & set("wax+"):
        return False
    if isinstance(flags, int) and flags & _WRITES:
        return False
    path = os.path.realpath(os.fsdecode(name))
    return any(path == root or path.startswith(root + os.sep) for root in readable)


def _frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def _importing() -> bool:
    return any("importlib._bootstrap" in frame.f_code.co_filename for frame in _frames())


def _caller() -> str:
    """The innermost line that is neither ours nor of the standard library."""
    library = sysconfig.get_path("stdlib")
    for frame in _frames():
        name = Path(frame.f_code.co_filename)
        standard = str(name).startswith(library) and "site-packages" not in str(name)
        if name.parent.name == "kit" or standard or str(name).startswith("<"):
            continue
        return f"{name.parent.name}/{name.name}, line {frame.f_lineno}"
    return "?"


@contextmanager
def profiled(seen: Seen) -> Iterator[None]:
    """Note calls of clocks, randomness and the environment. What is imported lazily must be."""

    def look(frame: FrameType, event: str, argument: Any) -> None:
        rule = None
        if event == "c_call":
            rule = _called(argument)
        elif event == "call" and _reads_environment(frame):
            rule = "purity.environment"
        if rule is not None and not _importing():
            seen.add((rule, _caller()))

    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(None)


def _called(function: Any) -> str | None:
    name = getattr(function, "__name__", "")
    owner = getattr(function, "__self__", None)
    module = getattr(function, "__module__", None) or getattr(owner, "__name__", None)
    if module == "time" and name in _CLOCKS:
        return "purity.clock"
    if name in _NOW and isinstance(owner, type) and issubclass(owner, date):
        return "purity.clock"
    if name in ("urandom", "getrandom") or isinstance(owner, random.Random):
        return "purity.random"
    return "purity.environment" if module == "posix" and name in ("getpid", "getcwd") else None


def _reads_environment(frame: FrameType) -> bool:
    owner = frame.f_locals.get("self") if frame.f_code.co_argcount else None
    return owner is os.environ and frame.f_code.co_name in ("__getitem__", "get", "__contains__")
