"""What a log proves to those who hold only its key: which checkpoint to rely on, and why."""

import base64

from gateway import merkle, note
from gateway.errors import SenderError
from gateway.publication.tree import Tree
from gateway.publication.trust import NONE, Policy

LOOK = 64


def witnessed(tree: Tree, policy: Policy) -> int | None:
    """How long the log was in the newest checkpoint that enough witnesses signed.

    Every signature is verified again: a row that says so is nobody's word.
    """
    below = tree.newest()[0] + 1
    while sizes := tree.cosigned(below, LOOK, policy.least()):
        for size in sizes:
            text = tree.checkpoint(size)
            if text is not None and policy.enough(policy.judged(note.parse_note(text))):
                return size
        below = sizes[-1]
    return None


def head(tree: Tree, policy: Policy, *, newest: bool = False) -> str:
    """The checkpoint to hand out: the newest one that enough witnesses signed.

    Where no witness is asked for, and until enough signed for the first time, simply the
    newest, as with `newest`.
    """
    size = None if newest or policy.quorum == NONE else witnessed(tree, policy)
    return at(tree, tree.newest()[0] if size is None else size)


def at(tree: Tree, size: int) -> str:
    """The checkpoint of this size. Raises `SenderError` where none was signed."""
    text = tree.checkpoint(size)
    if text is None:
        raise SenderError("no checkpoint of this size", rule="log.sizes", at="size", status=404)
    return text


def size_of(checkpoint: str) -> int:
    """How many entries a checkpoint covers."""
    return note.parse_checkpoint(note.parse_note(checkpoint).text).size


def inclusion(tree: Tree, index: int, checkpoint: str) -> str:
    """A tlog-proof that the entry at `index` is in the log of this checkpoint."""
    size = size_of(checkpoint)
    if not 0 <= index < size:
        problem = "not in this checkpoint; one that witnesses signed may come, or take the newest"
        raise SenderError(problem, rule="log.index", at="index", status=404)
    hashes = merkle.inclusion(index, size, tree.node)
    return note.render_proof(note.Proof(index, hashes, checkpoint))


def consistency(tree: Tree, old: int, checkpoint: str) -> str:
    """That the log of `old` entries is the beginning of the one of this checkpoint.

    In the form that tlog-witness takes: `old`, the hashes, an empty line, the checkpoint.
    """
    size = size_of(checkpoint)
    if not 0 <= old <= size:
        raise SenderError("the log is not that long", rule="log.sizes", at="old", status=404)
    hashes = merkle.consistency(old, size, tree.node)
    lines = [base64.b64encode(one).decode() + "\n" for one in hashes]
    return f"old {old}\n{''.join(lines)}\n{checkpoint}"


def root_at(tree: Tree, size: int) -> bytes:
    """The root over the first `size` entries."""
    levels = [level for level in reversed(range(size.bit_length())) if size >> level & 1]
    return merkle.root([tree.node((level, (size >> level) - 1)) for level in levels])
