"""A bundle by the name an officer gives it: folders as they are, a file, or a revision.

Whatever it comes from is read as strictly as the shipped policies are: a file that is not Rego,
or is outside the portable subset, is named with its line.
"""

import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gateway.canonical import canonical
from gateway.deployment import Deployment
from gateway.errors import OfficerError
from gateway.policy import Bundle, read_bundle
from gateway.policy.local_check import misshapen
from gateway.policy.portable import findings
from gateway.replay_reading import recorded
from gateway.session import POLICIES

FOLDERS = "folders"
"""The shipped policies with the deployment's own, as they are now."""

MANIFEST = ".manifest"
PACKAGES = ("exchange", "local")
LARGEST = 16 << 20
SHORTEST = 8
"""Digits of a revision, if no other begins with them."""


@dataclass(frozen=True, slots=True)
class Named:
    """A bundle, and where the tests of its rules are."""

    bundle: Bundle
    tests: Path
    """Of the shipped rules."""
    own: Path | None
    """Of the operator's."""


def named(name: str, deployment: Deployment | None) -> Named:
    """Find it. Raises `OfficerError`, with file and line where there are any."""
    own = deployment.local_policies if deployment else None
    path = Path(name)
    if name == FOLDERS:
        return Named(read_bundle(POLICIES, own), POLICIES / "exchange", own)
    if path.is_dir() and not (path / MANIFEST).exists():
        return Named(read_bundle(path, own), path / "exchange", own)
    if path.is_dir():
        bundle = _made(_of_folder(path), path.name)
    elif path.is_file():
        bundle = _made(_of_tarball(path), path.name)
    elif deployment is not None:
        bundle = _kept(name, deployment)
    else:
        raise OfficerError("no such bundle", rule="bundle.missing", at=path.name)
    return Named(bundle, POLICIES / "exchange", own)


def _of_folder(path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    for file in sorted(path.rglob("*")):
        if file.is_file():
            yield file.relative_to(path).as_posix(), file.read_bytes


def _of_tarball(path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                held = archive.extractfile(member) if member.isfile() else None
                if held is None or member.size > LARGEST:
                    raise OfficerError("not a file of a bundle", rule="bundle.file", at=path.name)
                yield member.name.removeprefix("/"), held.read
    except (tarfile.TarError, OSError, EOFError):
        raise OfficerError("not a bundle", rule="bundle.file", at=path.name) from None


def _made(files: Iterator[tuple[str, Callable[[], bytes]]], at: str) -> Bundle:
    """A bundle as `Bundle.write` makes it, with or without a signature."""
    policies: dict[str, str] = {}
    known: dict[str, bytes] = {}
    left = LARGEST
    for name, read in files:
        content = read()
        left -= len(content)
        parts = PurePosixPath(name).parts
        if left < 0 or (policies.keys() | known.keys()) & {name}:
            raise OfficerError("too much, or a file twice", rule="bundle.file", at=at)
        if name in (MANIFEST, "data.json", ".signatures.json"):
            known[name] = content
        elif parts[0] in PACKAGES and len(parts) > 1 and name.endswith(".rego"):
            policies[name] = _text(content, name)
        else:
            raise OfficerError("a file that no bundle has", rule="bundle.file", at=at)
    _checked(policies)
    bundle = Bundle(tuple(sorted(policies.items())), known.get("data.json", b""))
    try:
        told = json.loads(known.get(MANIFEST, b""))["revision"]
        whole = canonical(json.loads(bundle.data)) == bundle.data
    except (ValueError, KeyError, TypeError, RecursionError):
        raise OfficerError("not a bundle", rule="bundle.file", at=at) from None
    if not whole or told != bundle.revision:
        raise OfficerError("not the revision it says it is", rule="bundle.revision", at=at)
    return bundle


def _text(content: bytes, name: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise OfficerError("not UTF-8", rule="bundle.policy", at=name) from None


def _checked(policies: dict[str, str]) -> None:
    for package in PACKAGES:
        files = {name: text for name, text in policies.items() if name.startswith(package + "/")}
        shapes = misshapen(files) if package == "local" else []
        for finding in [*findings(files, package=package), *shapes]:
            raise OfficerError(finding.problem, rule="bundle.policy", at=finding.place)


def _kept(name: str, deployment: Deployment) -> Bundle:
    digits = name.removeprefix("sha256:")
    with recorded(deployment.data, deployment.vkey()) as log:
        found = [
            bundle
            for revision, bundle in log.bundles().items()
            if len(digits) >= SHORTEST and revision.removeprefix("sha256:").startswith(digits)
        ]
    if len(found) != 1:
        # Not the name: it may be anything somebody typed.
        raise OfficerError("no such bundle, or more than one", rule="bundle.missing")
    return found[0]
