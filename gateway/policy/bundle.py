"""The policies and their tables as one immutable thing, named by its digest.

A bundle is what is tested, approved and activated. The embedded engine and an OPA server
load the same one: `write` makes the directory or tarball that `opa run --bundle` accepts.
An operator's own policies may stand beside ours, in package `local` only.
"""

import gzip
import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from gateway.canonical import canonical, digest
from gateway.errors import OfficerError
from gateway.policy.local_check import misshapen
from gateway.policy.portable import findings
from gateway.policy.question import Question

ROOTS = ("exchange", "local", "samples", "taxonomy")
TABLES = ("samples", "taxonomy")
"""Folders of JSON files; each folder is a root of `data`."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A question whose answer is known, kept inside the bundle."""

    name: str
    question: Question
    verdict: str
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Bundle:
    """Rego files by name, and one document of tables."""

    policies: tuple[tuple[str, str], ...] = field(repr=False)
    data: bytes = field(repr=False)
    """Canonical JSON."""

    @cached_property
    def revision(self) -> str:
        """`sha256:` over every file name and text, in order."""
        return digest(canonical([[list(pair) for pair in self.policies], self.data.decode()]))

    @cached_property
    def samples(self) -> tuple[Sample, ...]:
        """What the bundle must answer before it may answer anything else."""
        held = json.loads(self.data)["samples"]
        return tuple(
            Sample(name, _question(item["question"]), item["verdict"], tuple(item["rules"]))
            for name, item in sorted(held.items())
            if isinstance(item, dict)
        )

    @cached_property
    def packed_digest(self) -> str:
        """The digest of `packed`."""
        return digest(self.packed())

    def packed(self) -> bytes:
        """The bundle as one document, which `unpacked` reads again."""
        return canonical(
            {"policies": [list(pair) for pair in self.policies], "data": self.data.decode()}
        )

    @classmethod
    def unpacked(cls, document: bytes) -> "Bundle":
        """A bundle out of the document store, whose digest was checked."""
        held = json.loads(document)
        policies = tuple((name, text) for name, text in held["policies"])
        return cls(policies, held["data"].encode())

    def write(self, path: Path) -> None:
        """As a tarball when the name ends in `.tar.gz`, as a directory otherwise."""
        if path.name.endswith(".tar.gz"):
            path.write_bytes(tarball(self.files()))
            return
        for name, text in self.files():
            target = path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text)

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Name and content of every file OPA reads, in the order they are packed."""
        manifest = {"revision": self.revision, "roots": list(ROOTS), "rego_version": 1}
        yield ".manifest", canonical(manifest)
        yield "data.json", self.data
        for name, text in self.policies:
            yield name, text.encode()


def read(directory: Path, local: Path | None = None) -> Bundle:
    """Read `policies/`, and an operator's own directory beside it.

    Raises `OfficerError` for a table that does not parse, a policy outside the portable
    subset, and an operator's policy in another package than `local`.
    """
    bundle = gathered(directory, local, canonical_tables=True)
    for package in ("exchange", "local"):
        files = {name: text for name, text in bundle.policies if name.startswith(f"{package}/")}
        shapes = misshapen(files) if package == "local" else []
        for finding in [*findings(files, package=package), *shapes]:
            raise OfficerError(finding.problem, rule="bundle.policy", at=finding.place)
    return bundle


def gathered(
    directory: Path, local: Path | None = None, *, canonical_tables: bool = False
) -> Bundle:
    """What `read` reads, without looking at what the policies say: for those who explain what was
    read and checked before."""
    if not (directory / "exchange").is_dir():
        raise OfficerError("no policies", rule="bundle.missing", at=str(directory))
    policies = _rego(directory / "exchange", "exchange")
    if local is not None:
        policies |= _rego(local, "local")
    policies.setdefault("local/none.rego", "package local\n")
    tables = {root: _tables(directory / root, canonical_tables) for root in TABLES}
    return Bundle(tuple(sorted(policies.items())), canonical(tables))


def _rego(folder: Path, package: str) -> dict[str, str]:
    return {
        f"{package}/{path.relative_to(folder).as_posix()}": path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.rego"))
        if not path.name.endswith("_test.rego")
    }


def _tables(folder: Path, checked: bool) -> dict[str, Any]:
    tables: dict[str, Any] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            table = orjson.loads(path.read_bytes())
            if checked:
                canonical(table)
        except ValueError:
            raise OfficerError("not a table", rule="bundle.table", at=path.name) from None
        if not isinstance(table, dict) or tables.keys() & table.keys():
            raise OfficerError("a name given twice", rule="bundle.table", at=path.name)
        tables |= table
    return tables


def _question(document: dict[str, Any]) -> Question:
    # A sample without a moment tests how an unreadable question is refused.
    if "context" in document:
        return Question.of(document)
    return Question.of({**document, "context": {"now": "2026-01-01T00:00:00Z"}})


def tarball(files: Iterable[tuple[str, bytes]]) -> bytes:
    """The files as OPA fetches them. The same files are the same bytes."""
    buffer = io.BytesIO()
    # No time and no owner in it, so that one bundle is one file.
    with (
        gzip.GzipFile("", "wb", fileobj=buffer, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, text in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    return buffer.getvalue()
