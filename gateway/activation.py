"""Putting a bundle in force: tested, replayed, approved by the people it needs, and logged.

From the entry on, every gateway on this log answers from this bundle, and a release that rests
on another is refused. Nothing is written unless every step holds.
"""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from gateway import replay as replayed
from gateway.approval import Approval, people, read_approvals
from gateway.bundle_diff import only_local
from gateway.bundle_named import Named
from gateway.canonical import canonical, short
from gateway.deployment import Deployment, read_keys
from gateway.entry import control
from gateway.errors import OfficerError
from gateway.log import Log
from gateway.log_standing import digest_of
from gateway.policy import Bundle
from gateway.policy.rego_tests import run_tests
from gateway.replay import INSTANT, REPORT, Scope, report_digest, scope_of, widens, written
from gateway.replay_reading import Progress, Recorded, recorded
from gateway.replay_work import Engine
from gateway.session import bundle_of

WHAT = "policy"
LARGEST = 64 << 20
SHOWN = 20
"""Failed tests that are named."""


@dataclass(frozen=True, slots=True)
class Activated:
    """What was put in force; `index` is the place of the entry, none when nothing was to do."""

    revision: str
    index: int | None
    signers: tuple[str, ...] = ()


def now() -> str:
    """The present moment."""
    return datetime.now(UTC).strftime(INSTANT)


def read_report(path: Path, bundle: Bundle) -> dict[str, Any]:
    """A report of a replay of this bundle. Raises `OfficerError` for any other file."""
    try:
        content = path.read_bytes() if path.stat().st_size <= LARGEST else b""
        report = json.loads(content)
        whole = content.rstrip(b"\n") == canonical(report)
    except (OSError, ValueError, RecursionError):
        whole = False
    if not whole or not isinstance(report, dict) or report.keys() != REPORT:
        raise OfficerError("not a report of a replay", rule="replay.form", at=path.name)
    if report["form"] != replayed.FORM:
        raise OfficerError("a report of another version", rule="replay.form", at=path.name)
    scope_of(report)
    if report["to"] != bundle.revision:
        raise OfficerError("a replay of another bundle", rule="replay.bundle", at=path.name)
    return report


def activate(
    deployment: Deployment,
    named: Named,
    report_file: Path,
    approval_files: Sequence[Path],
    *,
    progress: Progress = lambda _what, _done, _total: None,
) -> Activated:
    """Check everything, then log it. Raises `CorridorError`, and then nothing happened."""
    bundle = named.bundle
    with recorded(deployment.data, deployment.vkey()) as log:
        standing = log.standing()
        if standing == bundle.revision:
            return Activated(bundle.revision, None)
        report = read_report(report_file, bundle)
        approvals = read_approvals(
            approval_files, deployment, what="policy", subject=WHAT, digest=bundle.revision,
            report=report_digest(report), now=now(),
        )  # fmt: skip
        enough(approvals, report, _predecessor(log, standing), bundle)
        tested(named)
        same(log, report, bundle, partial(folders, deployment), progress)
    return _logged(deployment, bundle, report, approvals, standing)


def enough(
    approvals: Sequence[Approval], report: Mapping[str, Any], old: Bundle | None, bundle: Bundle
) -> None:
    """Whether the people who must agree did. Two, unless only the operator's own policies change
    and nothing that could be tried lets more leave (protection.md 6.1)."""
    reasons = []
    if widens(report):
        reasons.append("something widens")
    if replayed.unknown(report):
        reasons.append("what changes is not known of every transfer")
    if old is None:
        reasons.append("no bundle was activated before")
    elif not only_local(old, bundle):
        reasons.append("more changes than the operator's own policies")
    needed = 2 if reasons else 1
    if people(approvals) < needed:
        why = f" ({', '.join(reasons)})" if reasons else ""
        words = "two officers in two roles" if reasons else "one officer"
        raise OfficerError(f"needs the approval of {words}{why}", rule="activate.people")


def _predecessor(log: Recorded, standing: str) -> Bundle | None:
    if not standing:
        return None
    held = log.bundles().get(standing)
    if held is None:
        raise OfficerError("the bundle in force is not kept", rule="bundle.lost")
    return held


def folders(deployment: Deployment) -> list[Bundle]:
    """What the folders have now may have answered before bundles were kept."""
    try:
        return [bundle_of(deployment)]
    except OfficerError:
        return []


def tested(named: Named) -> None:
    """Run the bundle's self-test and its Rego tests. Raises when one fails."""
    Engine(named.bundle).close()
    with tempfile.TemporaryDirectory() as scratch:
        directory, own = Path(scratch) / "policies", Path(scratch) / "own"
        _laid_out(named, directory, own)
        has_own = any(own.rglob("*_test.rego"))
        results = run_tests(directory, own if has_own else None)
    failed = [name for name, passed in results.items() if not passed]
    if failed:
        shown = ", ".join(failed[:SHOWN])
        raise OfficerError(f"{len(failed)} policy tests fail", rule="activate.tests", at=shown)


def _laid_out(named: Named, directory: Path, own: Path) -> None:
    """The bundle as folders, with the tests beside its rules."""
    own.mkdir()
    tables = json.loads(named.bundle.data)
    for table, content in tables.items():
        (directory / table).mkdir(parents=True)
        (directory / table / "all.json").write_text(json.dumps(content))
    for name, text in named.bundle.policies:
        package, _, rest = name.partition("/")
        target = directory / name if package == "exchange" else own / rest
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    places = [(named.tests, directory / "exchange")]
    places += [(named.own, own)] if named.own else []
    for source, beside in places:
        for path in sorted(source.rglob("*_test.rego")):
            copy = beside / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(path.read_text())


def same(
    log: Recorded, report: Mapping[str, Any], bundle: Bundle,
    known: Callable[[], Sequence[Bundle]],
    progress: Progress,
) -> None:  # fmt: skip
    """Make the report once more, and look at what was logged since."""
    scope = scope_of(report)
    if report["log"]["origin"] != log.origin():
        raise OfficerError("a replay of another log", rule="replay.log")
    again = replayed.replay(log, bundle, scope, known=known, progress=progress)
    if written(again) != written(report):
        raise OfficerError("the replay comes out another way: replay again", rule="replay.stale")
    later = replayed.replay(
        log, bundle, Scope(start=scope.size or 0, cases=0), known=known, progress=progress
    )
    if later["widens"] and not widens(report):
        raise OfficerError(
            "what was logged since the replay widens: replay again", rule="replay.stale"
        )


def _logged(
    deployment: Deployment,
    bundle: Bundle,
    report: Mapping[str, Any],
    approvals: Sequence[Approval],
    standing: str,
) -> Activated:
    documents = [("bundle", bundle.packed()), ("report", written(report))]
    documents += [("approval", one.document) for one in approvals]
    signers = tuple(sorted(one.officer for one in approvals))
    gateway = deployment.settings.gateway.name
    entry = control(
        gateway=gateway,
        what=WHAT,
        digest=bundle.revision,
        subject={"id": WHAT, "version": short(bundle.revision), "state": "active"},
        signers=signers,
        documents=[digest_of(content) for _, content in documents],
    )
    with Log.open(deployment.data, key=read_keys(deployment.directory).log, gateway=gateway) as log:
        held = log.standing().get((WHAT, WHAT))
        if (held.digest if held else "") != standing:
            raise OfficerError("another bundle was activated meanwhile", rule="activate.superseded")
        index = log.append(entry, documents=documents).index
    return Activated(bundle.revision, index, signers)
