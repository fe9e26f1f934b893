"""What entries change besides the tree: what stands, and how often something happened.

An agreement or a bundle stands as the last entry about it says. A release that relies on
another version, or on what was suspended or ended, is refused inside the transaction that
would log it: after the entry that ends an agreement, no entry says that it released anything.
"""

import hashlib
import zlib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gateway.log_index import Indexed, indexed
from gateway.log_subjects import Subjects

Key = tuple[str, str]
"""`policy` or `agreement`, and the id."""

Document = tuple[str, bytes]
"""Kind (question, bundle, agreement, approval, report) and content."""

DEROGATIONS = ("dest.vital", "dest.public_interest")
"""Destinations that rest on an exception (GDPR, Article 49), which must not become a habit."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The last word about an agreement or the policies."""

    kind: str
    id: str
    version: str
    state: str
    digest: str
    """Of what was agreed, or the revision of the bundle."""
    document: str
    """Digest under which the agreement or the packed bundle is kept; empty where it is not."""
    index: int
    """Of the entry that said so."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Figures a release adds to what its recipient knows, decided on one version of that."""

    recipient: str
    version: int
    rows: Sequence[tuple[bytes, bytes, int, bool]] = field(repr=False)
    """Line, cell, value, and whether it was released. See `log_cells`."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What an entry relies on, counts and changes."""

    agreement: Key | None = None
    """Id and version a release relies on."""
    bundle: str = ""
    """Revision a release relies on."""
    counts: tuple[Key, ...] = ()
    changes: tuple[str, str, str, str, str, str] | None = None
    """Columns of `standing` but the index."""
    documents: tuple[tuple[str, str, bytes], ...] = field(default=(), repr=False)
    """Rows of `document`: digest, kind, compressed content."""
    cells: "Cells | None" = field(default=None, repr=False)
    """Figures the recipient is told, or denied."""
    index: Indexed | None = None
    """What is found of the entry when somebody searches."""
    subjects: Subjects | None = None
    """What it does to the rows about people."""

    def superseded(self, standing: Mapping[Key, Standing]) -> bool:
        """Whether a release relies on what stands no more."""
        bundle = standing.get(("policy", "policy"))
        if self.bundle and bundle is not None and bundle.digest != self.bundle:
            return True
        if self.agreement is None:
            return False
        name, version = self.agreement
        held = standing.get(("agreement", name))
        return held is not None and (held.state, held.version) != ("active", version)


NONE = Effects()
_OWN = {"policy": "bundle", "agreement": "agreement"}


def effects_of(
    entry: Mapping[str, Any],
    documents: Sequence[Document] = (),
    known: Container[str] = (),
    cells: Cells | None = None,
) -> Effects:
    """The effects of an entry that is about to be logged, with the documents it brings.

    Documents whose digest is `known` are kept already.
    """
    named = [(digest_of(value), kind, value) for kind, value in documents]
    rows = tuple(
        (digest, kind, zlib.compress(value)) for digest, kind, value in named if digest not in known
    )
    if entry["type"] == "transfer":
        return _of_transfer(entry, rows, cells)
    if entry["type"] != "control" or "subject" not in entry:
        return Effects(documents=rows, index=indexed(entry))
    kind, subject = entry["what"], entry["subject"]
    own = next((digest for digest, its_kind, _ in named if its_kind == _OWN.get(kind, kind)), "")
    said = (subject["id"], subject["version"], subject["state"], entry["digest"], own)
    return Effects(changes=(kind, *said), documents=rows, index=indexed(entry))


def _of_transfer(
    entry: Mapping[str, Any], rows: tuple[tuple[str, str, bytes], ...], cells: Cells | None
) -> Effects:
    if entry["outcome"] != "released":
        return Effects(documents=rows, index=indexed(entry))
    agreement = entry["agreement"]
    pair = f"{entry['sender']['party']}>{entry['recipient']['party']}"
    counts = [("transfers", f"{pair}>{entry['purpose']}")]
    if entry["border"]["destination"] in DEROGATIONS:
        counts.append(("derogations", pair))
    return Effects(
        agreement=(agreement["id"], agreement["version"]),
        bundle=entry["policy"]["bundle"],
        counts=tuple(counts),
        documents=rows,
        cells=cells,
        index=indexed(entry),
    )


def digest_of(value: bytes) -> str:
    """The name of a document: `sha256:` of its bytes."""
    return "sha256:" + hashlib.sha256(value).hexdigest()


def opened(digest: str, value: bytes) -> bytes | None:
    """A kept document, if it is the one it is named after."""
    try:
        content = zlib.decompress(value)
    except zlib.error:
        return None
    return content if digest_of(content) == digest else None


def month_of(time_ms: int) -> int:
    """Months since year 0, for an instant in milliseconds since 1970."""
    moment = datetime.fromtimestamp(time_ms / 1000, UTC)
    return moment.year * 12 + moment.month
