"""The tree over the log: hashing, growing, and proofs, as in RFC 9162 section 2.1.

Nothing here reads or keeps anything. A tree is known by its size and its *edge*: one hash
for each set bit of the size, largest subtree first. The edge is all that appending needs,
and folding it gives the root.

A *node* is `(level, index)`: the complete subtree over the leaves from `index << level` up
to `(index + 1) << level`. Complete subtrees never change, so they can be stored once. Levels
0, 8, 16, ... are the contents of the tiles of the C2SP tlog-tiles specification.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from gateway.errors import CorridorError

Place = tuple[int, int]
"""`(level, index)` of a node."""

Node = Callable[[Place], bytes]
"""The hash of a complete subtree. Asked only for subtrees that exist."""

EMPTY = hashlib.sha256().digest()
"""The root of a log without entries."""

TILE_LEVELS = 8
"""Levels between two stored ones: a tile is 256 hashes wide."""


class ProofError(CorridorError):
    """A proof does not show what it claims. Whoever presented it must explain."""

    status = 422


def leaf_hash(leaf: bytes) -> bytes:
    """The 0x00 in front keeps a leaf from ever passing for a node."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The 0x01 in front keeps a node from ever passing for a leaf."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(edge: Sequence[bytes]) -> bytes:
    """The root of the tree with this edge."""
    if not edge:
        return EMPTY
    folded = edge[-1]
    for left in reversed(edge[:-1]):
        folded = node_hash(left, folded)
    return folded


@dataclass(frozen=True, slots=True)
class Growth:
    """A tree after a batch was added, with every node an entry of the batch may need.

    A subtree to the left of a new leaf is either made by the batch or lies on the edge the
    tree had before. So the proofs of a batch cost no read of the store.
    """

    size: int
    edge: tuple[bytes, ...]
    tiles: tuple[tuple[int, int, bytes], ...]
    """(tile level, index, hash) of each tile hash the batch completed, lowest level 1."""
    nodes: dict[Place, bytes] = field(repr=False)
    rest: tuple[bytes, ...] = field(repr=False)

    def inclusion(self, index: int) -> tuple[bytes, ...]:
        """The proof for an entry of this batch, in the tree as it is after the batch."""
        return _path(index, self.size, self.nodes.__getitem__, self.rest)


def grow(size: int, edge: Sequence[bytes], leaves: Sequence[bytes]) -> Growth:
    """Add leaf hashes to the right of the tree of `size` leaves with this `edge`."""
    levels = [level for level in reversed(range(size.bit_length())) if size >> level & 1]
    nodes = {
        (level, (size >> level) - 1): hashed for level, hashed in zip(levels, edge, strict=True)
    }
    grown, tiles = list(edge), []
    for hashed in leaves:
        level, index, subtree = 0, size, hashed
        nodes[0, index] = subtree
        while index & 1:
            subtree = node_hash(grown.pop(), subtree)
            level, index = level + 1, index >> 1
            nodes[level, index] = subtree
            if level % TILE_LEVELS == 0:
                tiles.append((level // TILE_LEVELS, index, subtree))
        grown.append(subtree)
        size += 1
    return Growth(size, tuple(grown), tuple(tiles), nodes, _rest(size, nodes.__getitem__))


def inclusion(index: int, size: int, node: Node) -> tuple[bytes, ...]:
    """RFC 9162, section 2.1.3.1: the proof that leaf `index` is in the tree of `size`."""
    if not 0 <= index < size:
        raise ProofError("no such entry in a tree of this size", rule="proof.index")
    return _path(index, size, node, _rest(size, node))


def consistency(old: int, new: int, node: Node) -> tuple[bytes, ...]:
    """RFC 9162, section 2.1.4.1: the proof that the tree of `old` is a beginning of `new`.

    Empty when nothing was added, and when the old tree was empty.
    """
    if not 0 <= old <= new:
        raise ProofError("no such pair of sizes", rule="proof.size")
    if old in (0, new):
        return ()
    low, high, proof = 0, new, []
    while old != high:
        middle = low + (1 << (high - low - 1).bit_length() - 1)
        if old <= middle:
            proof.append(_span(middle, high, node))
            high = middle
        else:
            proof.append(_span(low, middle, node))
            low = middle
    if low:  # else the verifier holds this subtree already: it is the whole old tree
        proof.append(_span(low, high, node))
    return tuple(reversed(proof))


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], tree: bytes
) -> None:
    """RFC 9162, section 2.1.3.2. `leaf` is a leaf hash and `tree` a root. Raises `ProofError`."""
    if not 0 <= index < size:
        raise ProofError("no such entry in a tree of this size", rule="proof.index")
    folded = leaf
    for hashed, is_left in _climb(index, size - 1, proof):
        folded = node_hash(hashed, folded) if is_left else node_hash(folded, hashed)
    if folded != tree:
        raise ProofError("does not lead to the signed root", rule="proof.inclusion")


def verify_consistency(
    old: int, new: int, proof: Sequence[bytes], old_tree: bytes, new_tree: bytes
) -> None:
    """RFC 9162, section 2.1.4.2, and an empty proof for an empty or unchanged tree."""
    if not 0 <= old <= new:
        raise ProofError("a log does not shrink", rule="proof.size")
    if old in (0, new):
        known = old_tree == (EMPTY if old == 0 else new_tree)
        if proof or not known or (new == 0 and new_tree != EMPTY):
            raise ProofError("not the same beginning", rule="proof.consistency")
        return
    path = [old_tree, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        raise ProofError("fewer hashes than the tree is high", rule="proof.length")
    level = ((old - 1) ^ old).bit_length() - 1  # the verifier starts from this whole subtree
    before = after = path[0]
    for hashed, is_left in _climb((old - 1) >> level, (new - 1) >> level, path[1:]):
        if is_left:
            before, after = node_hash(hashed, before), node_hash(hashed, after)
        else:
            after = node_hash(after, hashed)
    if (before, after) != (old_tree, new_tree):
        raise ProofError("not the same beginning", rule="proof.consistency")


def _climb(at: int, last: int, proof: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each hash of a proof with whether it stands left; complete only for the right number."""
    for hashed in proof:
        if last == 0:
            raise ProofError("more hashes than the tree is high", rule="proof.length")
        is_left = bool(at & 1) or at == last
        if is_left:
            while not at & 1 and at:  # levels without a sibling have no hash in the proof
                at, last = at >> 1, last >> 1
        yield hashed, is_left
        at, last = at >> 1, last >> 1
    if last != 0:
        raise ProofError("fewer hashes than the tree is high", rule="proof.length")


def _path(index: int, size: int, node: Node, rest: Sequence[bytes]) -> tuple[bytes, ...]:
    proof, at, end = [], index, size
    for level in range((size - 1).bit_length()):
        sibling = at ^ 1
        if sibling < end:  # end = size >> level: complete subtrees at this level
            proof.append(node((level, sibling)))
        elif sibling == end and rest[level]:
            proof.append(rest[level])
        at, end = at >> 1, end >> 1
    return tuple(proof)


def _rest(size: int, node: Node) -> tuple[bytes, ...]:
    """For each level, the hash of what lies right of its last complete subtree, or nothing."""
    rest, folded = [], b""
    for level in range(size.bit_length()):
        rest.append(folded)
        if size >> level & 1:
            last = node((level, (size >> level) - 1))
            folded = node_hash(last, folded) if folded else last
    return tuple(rest)


def _span(low: int, high: int, node: Node) -> bytes:
    """The root over the leaves from `low` up to `high`; `low` is aligned to the span's width."""
    parts = []
    while low < high:
        level = (high - low).bit_length() - 1
        parts.append(node((level, low >> level)))
        low += 1 << level
    return root(parts)
