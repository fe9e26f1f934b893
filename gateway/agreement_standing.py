"""Bringing an agreement into force, and ending it: what the log writes down for ever.

To bring one into force takes every party's signature and two officers in two roles. To stop
one takes one party alone, or for a pause one officer, and nobody's consent. The log has the last
word: gateways in every process ask it, and a file that says more than the log is not believed.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from joserfc.jwk import OKPKey

from gateway import document_edit, entry, log_place
from gateway.agreement import content, content_digest, signatories, signed_by
from gateway.agreement_check import Finding, Source, findings, read
from gateway.approval import REASON, Approval, moment, people, read_approvals
from gateway.canonical import canonical, digest
from gateway.deployment import Deployment, Keys, files, read_deployment, read_keys
from gateway.errors import OfficerError
from gateway.log import Log
from gateway.log_snapshot import live
from gateway.log_standing import Standing
from gateway.recorded import has_documents
from gateway.session import POLICIES, standing_bundle
from gateway.signing import claimed, sign, valid_at, verify

FORM = "corridor/agreement-state/v1"
TYP = "corridor-agreement-state+jws"
ENDED = ("terminated", "expired")
_MEMBERS = frozenset(("form", "agreement", "version", "state", "by", "at", "reason"))
Stop = Literal["suspended", "terminated"]


@dataclass(frozen=True, slots=True)
class Draft:
    """An agreement's file, read and checked against the schema."""

    path: Path
    document: Mapping[str, Any]
    source: Source


@dataclass(frozen=True, slots=True)
class Notice:
    """A party's or an officer's signed word that an agreement stops."""

    agreement: str
    version: str
    state: str
    by: str
    at: str
    document: bytes


class NotReadyError(OfficerError):
    """An agreement that cannot be brought into force, with everything that is in the way."""

    def __init__(self, found: Sequence[Finding]) -> None:
        super().__init__("not ready to be activated", rule=found[0].rule, at=found[0].at)
        self.found = tuple(found)


def draft_of(directory: Path, name: str) -> Draft:
    """The agreement with this id. Raises `OfficerError` where there is none, or two.

    Files that cannot be read are passed over: an agreement must end even where another is broken.
    """
    found: list[Draft] = []
    for path in files(directory / "agreements"):
        if name.encode() not in path.read_bytes():
            continue  # reading them all whole would take longer than everything else
        try:
            one = Draft(path, *read(path))
        except OfficerError:
            continue
        if one.document["id"] == name:
            found.append(one)
    if not found:
        raise OfficerError("no readable agreement of this id", rule="agreement.unknown", at="ID")
    if len(found) > 1:
        raise OfficerError("the same id in two files", rule="deployment.twice", at="ID")
    return found[0]


def path_of(directory: Path, name: str) -> Path:
    """The file of the agreement with this id."""
    return draft_of(directory, name).path


def standing_of(data: Path) -> dict[str, Standing]:
    """The last word of the log about agreements, by id, without opening the log for writing."""
    if not log_place.present(data):
        return {}
    with live(data) as log:
        if not has_documents(log):
            return {}
        query = "SELECT kind, id, version, state, digest, document, idx FROM standing"
        rows = [Standing(*row) for row in log.execute(query) if row[0] == "agreement"]
    return {row.id: row for row in rows}


def taxonomy_of(deployment: Deployment, log: Log) -> Mapping[str, Any]:
    """The tables of the policies that stand; before any were activated, the shipped ones."""
    if ("policy", "policy") not in log.standing():
        return shipped_tables()
    tables: Mapping[str, Any] = json.loads(standing_bundle(deployment, log).data)["taxonomy"]
    return tables


def shipped_tables() -> dict[str, Any]:
    """The tables beside the shipped policies. The policies themselves are not read."""
    tables: dict[str, Any] = {}
    for path in sorted((POLICIES / "taxonomy").glob("*.json")):
        tables |= json.loads(path.read_bytes())
    return tables


def activate(directory: Path, name: str, approvals: Sequence[Path], now: str) -> int | None:
    """Bring an agreement into force; the index of the entry, None where it is in force already.

    The file says so first, and counts for nothing until the log does: a gateway that looks
    between the two finds an agreement that nobody activated.
    """
    deployment = read_deployment(directory, agreements=False)
    one = draft_of(directory, name)
    with Log.open(
        deployment.data, key=read_keys(directory).log, gateway=deployment.settings.gateway.name
    ) as log:
        row = log.standing().get(("agreement", name))
        _check_ready(one, deployment, taxonomy_of(deployment, log), row, now)
        before = document_edit.read_text(one.path)
        after = document_edit.with_value(before, "state", "active", at=one.path.name)
        if row is not None and _same(row, one.document) and row.state == "active":
            document_edit.replace(one.path, after)
            return None
        given = _approvals(one.document, deployment, approvals, now)
        document_edit.replace(one.path, after)
        try:
            return _log_activation(log, deployment, one.document, given, now)
        except Exception:
            document_edit.replace(one.path, before)
            raise


def _check_ready(
    one: Draft,
    deployment: Deployment,
    taxonomy: Mapping[str, Any],
    row: Standing | None,
    now: str,
) -> None:
    found = findings(one.document, deployment, taxonomy, now, one.source)
    found += [
        Finding(rule, one.source.at(place), problem)
        for rule, place, problem in _hindrances(one.document, deployment, row, now)
    ]
    if found:
        raise NotReadyError(found)


def _hindrances(
    document: Mapping[str, Any], deployment: Deployment, row: Standing | None, now: str
) -> list[tuple[str, tuple[str | int, ...], str]]:
    found: list[tuple[str, tuple[str | int, ...], str]] = []
    if document["state"] in ENDED:
        found.append(("agreement.ended", ("state",), "its own file says that it ended"))
    missing = signatories(document) - {*signed_by(document, deployment.parties, now)}
    if missing and deployment.settings.agreements.unsigned == "refuse":
        found.append(("agreement.unsigned", ("signed_by",), "not every party signed it"))
    if row is None:
        return found
    if row.version == document["version"]:
        if row.state in ENDED:
            found.append(("agreement.ended", ("version",), "this version was ended for good"))
        elif row.digest != content_digest(document):
            problem = "changed, and is still called the same version"
            found.append(("agreement.version", ("version",), problem))
    elif row.state not in ENDED and document.get("supersedes") != row.version:
        found.append(("agreement.supersedes", ("supersedes",), "does not replace what stands"))
    return found


def _same(row: Standing, document: Mapping[str, Any]) -> bool:
    return (row.version, row.digest) == (document["version"], content_digest(document))


def _approvals(
    document: Mapping[str, Any], deployment: Deployment, paths: Sequence[Path], now: str
) -> tuple[Approval, ...]:
    given = read_approvals(
        paths, deployment, what="agreement", subject=document["id"],
        digest=content_digest(document), report="", now=now,
    )  # fmt: skip
    members = {one["party"] for one in document["parties"]}
    for path, one in zip(paths, given, strict=True):
        if deployment.officers[one.officer]["party"] not in members:
            problem = "an officer of nobody in this agreement"
            raise OfficerError(problem, rule="approval.outsider", at=path.name)
    if people(given) < 2:
        raise OfficerError(
            "two officers in two roles must approve", rule="approval.two", at="--approval"
        )
    return given


def _log_activation(
    log: Log,
    deployment: Deployment,
    document: Mapping[str, Any],
    given: Sequence[Approval],
    now: str,
) -> int:
    signed = signed_by(document, deployment.parties, now)
    kept = [("agreement", content(document)), *(("approval", one.document) for one in given)]
    if signed:
        # The signatures are beside the content, not in it.
        kept.append(("report", canonical({"signed_by": document["signed_by"]})))
    signers = sorted({*signed, *(one.officer for one in given)})
    return _append(log, deployment, document, "active", signers, kept)


def _append(
    log: Log,
    deployment: Deployment,
    document: Mapping[str, Any],
    state: str,
    signers: Sequence[str],
    kept: Sequence[tuple[str, bytes]],
) -> int:
    said = entry.control(
        gateway=deployment.settings.gateway.name,
        what="agreement",
        digest=content_digest(document),
        subject={"id": document["id"], "version": document["version"], "state": state},
        signers=signers,
        documents=[digest(value) for _, value in kept],
    )
    return log.append(said, documents=kept).index


def notice(
    document: Mapping[str, Any], *, state: Stop, by: str, at: str, reason: str, key: OKPKey
) -> str:
    """A signed word that this version of an agreement stops."""
    said = {
        "form": FORM, "agreement": document["id"], "version": document["version"],
        "state": state, "by": by, "at": at, "reason": reason,
    }  # fmt: skip
    return sign(canonical(said), key, TYP)


def read_notice(signed: str, deployment: Deployment, document: Mapping[str, Any]) -> Notice:
    """Who says that this agreement stops. Raises `OfficerError` where it is not theirs to say."""
    said = _said(claimed(signed))
    by, members = said["by"], {one["party"] for one in document["parties"]}
    holder = deployment.parties.get(by) or deployment.officers.get(by)
    if holder is None:
        raise OfficerError("signed by somebody not known here", rule="agreement.who", at="--as")
    payload, kid = verify(signed, holder.get("keys", ()), TYP)
    valid_at(holder.get("keys", ()), kid, said["at"])
    if _said(payload)["agreement"] != document["id"] or said["version"] != document["version"]:
        raise OfficerError("says it of another agreement or version", rule="agreement.notice_of")
    mine = holder.get("party", by) in members
    officer = "party" in holder
    if not mine or (officer and (holder["status"] != "active" or said["state"] != "suspended")):
        raise OfficerError("not theirs to say", rule="agreement.who", at="--as")
    parts = {name: said[name] for name in ("agreement", "version", "state", "by", "at")}
    return Notice(**parts, document=signed.encode("ascii"))


def _said(payload: bytes) -> dict[str, str]:
    try:
        said: Any = json.loads(payload)
        fit = canonical(said) == payload and said.keys() == _MEMBERS and said["form"] == FORM
        moment(said["at"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        fit = False
    if not fit or said["state"] not in ("suspended", "terminated"):
        raise OfficerError("not a notice", rule="agreement.notice_form")
    return dict(said)


def stop(
    deployment: Deployment,
    keys: Keys,
    name: str,
    state: Stop,
    *,
    by: str,
    reason: str,
    key: OKPKey,
    now: str,
) -> int | None:
    """Suspend or end an agreement; the index of the entry, None where it stood so already.

    The log says so first. Should the file not follow, it is not believed.
    """
    if state == "suspended" and len(reason.strip()) < REASON:
        raise OfficerError(
            f"a reason of at least {REASON} characters", rule="approval.reason", at="--reason"
        )
    one = draft_of(deployment.directory, name)
    settings = deployment.settings.gateway
    with Log.open(deployment.data, key=keys.log, gateway=settings.name) as log:
        row = log.standing().get(("agreement", name))
        standing = _standing(log, row, one.document)
        signed = notice(standing, state=state, by=by, at=now, reason=reason, key=key)
        said = read_notice(signed, deployment, standing)
        if row is not None and row.state in ENDED and state == "suspended":
            raise OfficerError("ended already", rule="agreement.ended", at="ID")
        index = None
        if row is None or row.state != state:
            kept = [("agreement", content(standing)), ("approval", said.document)]
            index = _append(log, deployment, standing, state, [by], kept)
    if content_digest(one.document) == content_digest(standing):
        text = document_edit.read_text(one.path)
        new = document_edit.with_value(text, "state", state, at=one.path.name)
        document_edit.replace(one.path, new)
    return index


def _standing(log: Log, row: Standing | None, document: Mapping[str, Any]) -> Mapping[str, Any]:
    """What stands: what is in the file, unless a later version is being written there."""
    if row is None or _same(row, document):
        return document
    kept = log.document(row.document)
    return document if kept is None else dict(json.loads(kept))
