"""What is examined: an adapter with its samples."""

import importlib
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from gateway.adapter import GROUP, Adapter
from gateway.errors import CorridorError, OfficerError
from gateway.kit.finding import Finding
from gateway.mapping import Plan, read_mapping

SAMPLES = "samples"
"""Folder of a package: each file is one payload, with mappings beside them."""

ALL = "mapping.yaml"
ONE = ".mapping.yaml"


@dataclass(frozen=True, slots=True)
class Sample:
    """One payload, with the mapping it needs."""

    name: str
    content: bytes = field(repr=False)
    mapping: Plan | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """One adapter. `point`, `root` and `folder` find it again in another process."""

    adapter: Adapter
    entry: str
    """Name of its entry point."""
    point: str
    """`package.module:Class`."""
    root: Path | None
    """Folder to import from, where it is not installed."""
    folder: Path
    """Of its samples."""
    samples: tuple[Sample, ...]
    faults: tuple[Finding, ...] = ()
    """Found while the samples were read."""

    @property
    def package(self) -> str:
        """The package it is in."""
        return self.point.partition(":")[0]

    @property
    def plans(self) -> tuple[Plan | None, ...]:
        """Every mapping of its samples, each once."""
        found = {sample.mapping.digest if sample.mapping else "": sample for sample in self.samples}
        return tuple(sample.mapping for sample in found.values())


def installed_subjects(samples: Path | None = None) -> Iterator[Subject]:
    """Every adapter of this installation, by name."""
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        yield load(point, samples=samples)


def installed_subject(name: str, samples: Path | None = None) -> Subject:
    """One adapter of this installation. Raises `OfficerError` where there is none of this name."""
    for point in entry_points(group=GROUP):
        if point.name == name:
            return load(point, samples=samples)
    raise OfficerError(
        "no adapter of this name is installed; a folder is written with a slash: ./NAME",
        rule="adapter.unknown",
        at="NAME",
    )


def folder_subjects(folder: Path, samples: Path | None = None) -> list[Subject]:
    """The adapters a folder's pyproject.toml declares, imported from there.

    Raises `OfficerError` where there is none or where it cannot be imported.
    """
    try:
        declared = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        points = declared["project"]["entry-points"][GROUP]
    except (OSError, ValueError, KeyError):
        raise OfficerError(
            f"no pyproject.toml with entry points in the group {GROUP}",
            rule="adapter.no_package",
            at=folder.name,
        ) from None
    root = folder / "src" if (folder / "src").is_dir() else folder
    return [
        load(EntryPoint(name, value, GROUP), root=root.resolve(), samples=samples)
        for name, value in sorted(points.items())
    ]


def load(point: EntryPoint, *, root: Path | None = None, samples: Path | None = None) -> Subject:
    """An adapter with its samples. Raises `OfficerError` where it cannot be imported."""
    if root is not None and str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        module = importlib.import_module(point.module)
        adapter: Adapter = getattr(module, point.attr)()
    except Exception as error:
        raise OfficerError(
            f"the adapter cannot be made: {type(error).__name__}",
            rule="adapter.import",
            at=point.name,
        ) from error
    folder = samples or _samples_of(module.__spec__.parent if module.__spec__ else None, point.name)
    found, faults = _read(folder, point.name)
    return Subject(adapter, point.name, f"{point.module}:{point.attr}", root, folder, found, faults)


def _samples_of(package: str | None, name: str) -> Path:
    file = sys.modules[package].__file__ if package else None
    if file is None:
        raise OfficerError("an adapter is a package", rule="adapter.import", at=name)
    folder = Path(file).parent / SAMPLES
    own = folder / name
    return own if own.is_dir() else folder


def _read(folder: Path, name: str) -> tuple[tuple[Sample, ...], tuple[Finding, ...]]:
    samples: list[Sample] = []
    faults: list[Finding] = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not path.is_file() or path.name.startswith(".") or path.name.endswith((ALL, ONE)):
            continue
        try:
            samples.append(Sample(path.name, path.read_bytes(), _mapping(path)))
        except CorridorError as error:
            faults.append(Finding(name, "samples.mapping", path.name, error.rule))
    if not samples and not faults:
        faults.append(Finding(name, "samples.none", folder.name))
    return tuple(samples), tuple(faults)


def _mapping(path: Path) -> Plan | None:
    for beside in (path.with_name(path.name + ONE), path.with_name(ALL)):
        if beside.is_file():
            return read_mapping(beside)
    return None


NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
