"""A log as a folder of files that any C2SP tool reads, and an auditor takes home.

    checkpoint                   the newest one, written last: all it covers is there
    tile/<level>/<n>[.p/<w>]     hashes
    tile/entries/<n>[.p/<w>]     entries
    checkpoints/<size>           every checkpoint the log signed, with its cosignatures
    schema/entry.json            what an entry may say
    documents/<kind>/<digest>    on request: what entries name by digest

The public key and the witnesses' policy are not in it: an auditor gets them another way.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway import merkle, note
from gateway.entry import SCHEMA
from gateway.errors import CorridorError, GatewayError
from gateway.publication.folder import Folder, alone
from gateway.publication.tiles import WIDTH, pieces
from gateway.publication.tree import Tree

HEAD = "checkpoint"
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    size: int
    """Entries that the folder holds."""
    since: int
    """Entries that it held before."""


def export(
    tree: Tree,
    directory: Path,
    checkpoint: str,
    *,
    documents: bool = False,
    progress: Progress = lambda _done, _total: None,
) -> Exported:
    """Write the log up to this checkpoint, or what a folder written before lacks of it.

    Raises `GatewayError` where the folder holds another log, a longer one, or a file that was
    changed. Interrupted, it leaves the folder as it was read before, and is to be run again.
    """
    new = note.parse_checkpoint(note.parse_note(checkpoint).text)
    with alone(directory) as folder:
        since = _before(folder, tree, new)
        total = max(1, -(-(new.size - since) // WIDTH))
        for done, tile in enumerate(pieces(new.size, since)):
            folder.keep(tile.path, tree.content(tile))
            progress(min(done, total), total)
        for size, text in tree.checkpoints(-1, new.size):
            _checkpoint(folder, f"checkpoints/{size}", text)
        folder.put("schema/entry.json", SCHEMA.read_bytes())
        if documents:
            for kind, digest, content in tree.documents():
                folder.keep(f"documents/{kind}/{digest.removeprefix('sha256:')}", content)
        folder.settle()
        folder.put(HEAD, checkpoint.encode())
        folder.settle()
        _tidy(folder, new.size)
        progress(total, total)
    return Exported(new.size, since)


def _before(folder: Folder, tree: Tree, new: note.Checkpoint) -> int:
    """How many entries the folder has, which must be the first ones of this log."""
    path = folder.root / HEAD
    if not path.exists():
        return 0
    try:
        old = note.parse_checkpoint(note.parse_note(path.read_text(encoding="utf-8")).text)
    except (CorridorError, UnicodeDecodeError):
        raise GatewayError("not a checkpoint", rule="export.checkpoint", at=HEAD) from None
    if old.origin != new.origin:
        raise GatewayError("the folder holds another log", rule="export.origin", at=HEAD)
    if old.size > new.size:
        raise GatewayError("the folder holds more of the log", rule="export.longer", at=HEAD)
    try:
        proof = merkle.consistency(old.size, new.size, tree.node)
        merkle.verify_consistency(old.size, new.size, proof, old.root, new.root)
    except merkle.ProofError:
        problem = "the folder does not hold the beginning of this log"
        raise GatewayError(problem, rule="export.forked", at=HEAD) from None
    return old.size


def _checkpoint(folder: Folder, name: str, text: str) -> None:
    """A checkpoint may gain cosignatures, and nothing else about it changes."""
    path = folder.root / name
    if path.exists():
        held = path.read_text(encoding="utf-8")
        if held == text:
            return
        # What is there first may not change: text and signature of the log, then witnesses.
        body, _, lines = held.rpartition("\n\n")
        new_body, _, new_lines = text.rpartition("\n\n")
        if body != new_body or not set(lines.splitlines()) <= set(new_lines.splitlines()):
            raise GatewayError("a file is not what it was", rule="export.changed", at=name)
    folder.put(name, text.encode())


def _tidy(folder: Folder, size: int) -> None:
    """Remove partial pieces of earlier sizes: whoever has the later one has those, too."""
    needed = {folder.root / tile.path for tile in pieces(size)}
    for outdated in sorted((folder.root / "tile").rglob("*.p/*")):
        if outdated not in needed:
            outdated.unlink()
    for empty in sorted((folder.root / "tile").rglob("*.p")):
        if not any(empty.iterdir()):
            empty.rmdir()
