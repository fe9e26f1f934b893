import json
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.merkle import (
    EMPTY,
    ProofError,
    consistency,
    grow,
    inclusion,
    leaf_hash,
    node_hash,
    root,
    verify_consistency,
    verify_inclusion,
)

# The eight leaves and roots that implementations of RFC 6962 check each other with.
RFC_LEAVES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
RFC_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LIMIT = 65
LEAVES = [leaf_hash(b"%d" % number) for number in range(LIMIT)]


@cache
def naive(low, high):
    """The definition in RFC 9162, section 2.1.1, word for word."""
    if low == high:
        return EMPTY
    if high - low == 1:
        return LEAVES[low]
    middle = low + max(1 << bit for bit in range(8) if 1 << bit < high - low)
    return node_hash(naive(low, middle), naive(middle, high))


def node(place):
    level, index = place
    assert (index + 1) << level <= LIMIT, "asked for a subtree that is not complete"
    return naive(index << level, (index + 1) << level)


def test_roots_are_those_of_the_rfc_vectors():
    hashes = [leaf_hash(bytes.fromhex(leaf)) for leaf in RFC_LEAVES]

    roots = [root(grow(0, (), hashes[:size]).edge).hex() for size in range(1, 9)]

    assert roots == RFC_ROOTS
    assert (
        root(())
        == EMPTY
        == bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    )


def test_the_design_vector_of_three_leaves():
    leaves = [
        b'{"agr":{"dig":"sha256:'
        + b"a1" * 32
        + b'","id":"dsa-2027-014","ver":"3.1"},"cnt":"10-99",'
        b'"dec":"permit","from":{"jur":"KE","org":"org:a","sys":"registry-1"},"gw":"gw-1",'
        b'"id":"0198f0c2-7d0a-7c3e-9b1e-3a5a0c0d1e2f","lb":"vital-interest","obl":["no-onward"],'
        b'"pc":"mvg14iRDJheygcchTWzJhNVeZYPNxUMJgqhExEr7jEA","pol":{"dig":"sha256:'
        + b"b2"
        * 32
        + b'","rule":"7"},"purp":"cash-dedup","rel":["age_band","hh_size"],'
        b'"sd":["tRKYT4BTpGHNxptOXFpNjF7QzldphKYBz2_POZAXUco"],"t":"release",'
        b'"to":{"jur":"SO","org":"org:b","sys":"registry-9"},"ts":1795324000123,"v":1,'
        b'"wh":[["name","not-needed"],["phone","policy"]]}',
        b'{"id":"0198f0c2-7d0b-7000-8000-000000000001","t":"outcome","v":1}',
        b'{"id":"0198f0c2-7d0b-7000-8000-000000000002","t":"control","v":1}',
    ]
    assert json.loads(leaves[0])["v"] == 1

    hashes = [leaf_hash(leaf) for leaf in leaves]
    grown = grow(0, (), hashes)

    assert [hashed.hex() for hashed in hashes] == [
        "5b497f0251e67e0a0e5516f47924b2ac974cf69c90d1895db7b733dd1eed5267",
        "d8e8cdb304af3b9f3305d1a17ae51e7284f4165dbee9766e53f216c9712723bb",
        "c386fcb638b87449e5f402c00082fd1d2091fa66961c38947800c7a4e0ac792f",
    ]
    assert [hashed.hex() for hashed in grown.edge] == [
        "db421df9330f3c688c03255f0aac4643f75dd1eb0ea4ef2aa964ec9bace31f25",
        "c386fcb638b87449e5f402c00082fd1d2091fa66961c38947800c7a4e0ac792f",
    ]
    assert root(grown.edge).hex() == (
        "9ad04609ab3894f54730e2e68c9722f27fd6cddad350d68dda9005c6bf0af0dc"
    )
    assert grown.inclusion(0) == tuple(hashes[1:])


def test_growing_in_any_two_steps_gives_the_naive_tree_and_its_proofs():
    for new in range(LIMIT + 1):
        for old in range(new + 1):
            before = grow(0, (), LEAVES[:old])
            grown = grow(old, before.edge, LEAVES[old:new])
            assert (grown.size, root(grown.edge)) == (new, naive(0, new))
            for index in {old, new - 1} & set(range(old, new)):
                assert grown.inclusion(index) == inclusion(index, new, node)


def test_every_inclusion_proof_holds_and_for_no_other_place():
    for size in range(1, LIMIT + 1):
        for index in range(size):
            proof = inclusion(index, size, node)
            tree = naive(0, size)
            verify_inclusion(LEAVES[index], index, size, proof, tree)
            for other in {index + 1, index ^ 1, size - 1 - index} - {index}:
                with pytest.raises(ProofError):
                    verify_inclusion(LEAVES[index], other, size, proof, tree)


def test_every_consistency_proof_holds():
    for new in range(LIMIT + 1):
        for old in range(new + 1):
            proof = consistency(old, new, node)
            verify_consistency(old, new, proof, naive(0, old), naive(0, new))


@pytest.mark.parametrize(("old", "new"), [(1, 2), (3, 7), (4, 8), (6, 8), (33, 65), (64, 65)])
def test_a_changed_consistency_proof_is_refused(old, new):
    proof = consistency(old, new, node)
    trees = naive(0, old), naive(0, new)
    changed = [(), proof[:-1], (*proof, LEAVES[0]), tuple(reversed(proof)), (LEAVES[9], *proof[1:])]

    for wrong in changed:
        if wrong != proof:
            with pytest.raises(ProofError):
                verify_consistency(old, new, wrong, *trees)
    with pytest.raises(ProofError):
        verify_consistency(new, old, proof, *trees)
    with pytest.raises(ProofError):
        verify_consistency(old, new, proof, naive(0, old - 1), trees[1])
    with pytest.raises(ProofError):
        verify_consistency(old, new, proof, trees[0], naive(0, old))


@pytest.mark.parametrize(("index", "size"), [(0, 2), (3, 7), (6, 7), (12, 33), (64, 65)])
def test_a_changed_inclusion_proof_is_refused(index, size):
    proof, tree = inclusion(index, size, node), naive(0, size)

    for wrong in [(), proof[:-1], (*proof, LEAVES[0]), (LEAVES[9], *proof[1:])]:
        with pytest.raises(ProofError):
            verify_inclusion(LEAVES[index], index, size, wrong, tree)
    with pytest.raises(ProofError):
        verify_inclusion(LEAVES[index], index, size, proof, naive(0, size - 1))
    with pytest.raises(ProofError):
        verify_inclusion(LEAVES[index - 1], index, size, proof, tree)


def test_an_empty_or_unchanged_tree_needs_no_proof_and_allows_none():
    verify_consistency(0, 5, (), EMPTY, naive(0, 5))
    verify_consistency(5, 5, (), naive(0, 5), naive(0, 5))
    for old, new, proof, before, after in [
        (0, 5, (LEAVES[0],), EMPTY, naive(0, 5)),
        (0, 5, (), LEAVES[0], naive(0, 5)),
        (5, 5, (), naive(0, 5), naive(0, 4)),
        (0, 0, (), EMPTY, LEAVES[0]),
        (3, 5, (), naive(0, 3), naive(0, 5)),
        (-1, 5, (), EMPTY, naive(0, 5)),
    ]:
        with pytest.raises(ProofError):
            verify_consistency(old, new, proof, before, after)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 5)])
def test_no_proof_for_an_entry_that_is_not_there(index, size):
    with pytest.raises(ProofError):
        inclusion(index, size, node)
    with pytest.raises(ProofError):
        verify_inclusion(LEAVES[0], index, size, (), LEAVES[0])


@pytest.mark.parametrize(("old", "new"), [(-1, 3), (4, 3)])
def test_no_consistency_proof_backwards(old, new):
    with pytest.raises(ProofError):
        consistency(old, new, node)


@pytest.mark.parametrize("size", [255, 256, 257, 511, 512, 65535, 65536, 65537])
def test_tile_hashes_are_the_complete_subtrees_at_every_eighth_level(size):
    grown = grow(0, (), [LEAVES[number % LIMIT] for number in range(size)])

    found = {(level, index) for level, index, _ in grown.tiles}

    expected = {(1, index) for index in range(size >> 8)} | {(2, i) for i in range(size >> 16)}
    assert found == expected
    assert all(grown.nodes[level * 8, index] == hashed for level, index, hashed in grown.tiles)


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_a_leaf_never_passes_for_a_node(left, right):
    assert leaf_hash(left + right) != node_hash(left, right)
