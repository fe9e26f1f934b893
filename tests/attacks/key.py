"""What the log says is changed, and all of it is signed again with the log's key."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import entry, merkle, note
from gateway.publication.cosignature import Cosigner
from tests.attacks.attacker import Impossible, spelt
from tests.attacks.world import WORLDS, world
from tests.small_logs import BUNDLES, LOG, ORIGIN, WITNESSES, Author


def resigned(change):
    """Sign all of it again, in one of the ways there are to deal with the witnesses' lines."""

    def attacked(attack):
        before = list(attack.log.leaves)
        change(attack)
        if attack.log.leaves == before:
            raise Impossible
        attack.log.resign()
        way = attack.rng.choice(["none", "stale", "moved", "made up", "keep"])
        size = len(attack.log.leaves)
        if way == "none":
            attack.log.lines.clear()
        elif way == "moved":
            newest = attack.log.lines[max(attack.log.lines)]
            attack.log.lines = {size: newest}
        elif way == "made up":
            key = Ed25519PrivateKey.from_private_bytes(attack.rng.randbytes(32))
            text = note.parse_note(attack.log.notes[size]).text
            names = [one.public.name for one in WITNESSES.values()]
            lines = [Cosigner.of(name, key).cosign(text, attack.log.now // 1000) for name in names]
            attack.log.lines = {size: lines}
        elif way == "keep":  # the last checkpoint that was cosigned and is still true, as head
            attack.log.lines = {n: held for n, held in attack.log.lines.items() if n <= size}
        return attack.log.files()

    return attacked


def edit(attack):
    at = attack.some(b"transfer")
    said = attack.said(at)
    part, value = attack.rng.choice(
        [
            ("purpose", "hum.other.purpose"), ("recipient", {"party": "org:c", "regimes": []}),
            ("count", "1000+"), ("legal_basis", "lb.consent"), ("content", "A" * 43),
            ("outcome", "refused" if said["outcome"] != "refused" else "held"),
            ("released", ["person.name:keep", "person.phone:keep"]), ("obligations", []),
            ("time", said["time"] - 1),
        ]
    )  # fmt: skip
    attack.log.leaves[at] = spelt({**said, part: value}, value if part == "time" else said["time"])


def delete(attack):
    del attack.log.leaves[attack.some()]


def delete_release(attack):
    """A release and everything that names it."""
    name = attack.said(attack.some(b"transfer"))["id"].encode()
    attack.log.leaves = [one for one in attack.log.leaves if name not in one]


def reorder(attack):
    one, other = attack.rng.sample(range(3, len(attack.log.leaves)), 2)
    leaves = attack.log.leaves
    leaves[one], leaves[other] = leaves[other], leaves[one]


def reorder_with_times(attack):
    one, other = attack.rng.sample(range(3, len(attack.log.leaves)), 2)
    first, second = attack.said(one), attack.said(other)
    attack.log.leaves[one] = spelt(second, first["time"])
    attack.log.leaves[other] = spelt(first, second["time"])


def insert(attack):
    at = attack.some(after=4)
    said = Author(attack.rng).transfer()
    attack.log.leaves.insert(at, spelt(said, attack.said(at - 1)["time"]))


def cut(attack):
    del attack.log.leaves[attack.some() :]
    attack.log.notes = {n: t for n, t in attack.log.notes.items() if n <= len(attack.log.leaves)}


def gap(attack):
    """A run of entries is replaced by ones that say nothing."""
    at = attack.some()
    for place in range(at, min(at + attack.rng.randint(1, 30), len(attack.log.leaves))):
        said = attack.author().head("control") | {"what": "start"}
        attack.log.leaves[place] = spelt(said, attack.said(place)["time"])


def fork(attack):
    """Everything from some entry on is another history, as plausible as the true one."""
    at = attack.some(after=4)
    times = [attack.said(place)["time"] for place in range(at, len(attack.log.leaves))]
    author = attack.author()
    attack.log.leaves[at:] = [spelt(author.any(), time) for time in times]


def rebuilt_chain(attack):
    """A whole other log, from its first entry."""
    number = attack.rng.randrange(WORLDS)
    attack.log.leaves = list(world(number)[0].leaves)


def back_dated_policy(attack):
    """Policies stand before they did: the entry that activates them moves to the front."""
    at = attack.some(b"control") if attack.rng.random() < 0.7 else None
    bundle = BUNDLES[1]
    said = attack.author().policy(bundle)
    if at is not None and attack.said(at)["what"] == "policy":
        said = attack.said(at)
        del attack.log.leaves[at]
    place = attack.rng.randint(3, len(attack.log.leaves))
    attack.log.leaves.insert(place, spelt(said, attack.said(place - 1)["time"]))


def release_under_other_policy(attack):
    """A release says that it was decided by other policies than it was."""
    at = attack.some(b"transfer")
    said = attack.said(at)
    other = BUNDLES[1 - BUNDLES.index(said["policy"]["bundle"])]
    policy = said["policy"] | {"bundle": other}
    attack.log.leaves[at] = entry.canonical({**said, "policy": policy})


def back_dated_entry(attack):
    """An entry that was made just now is put where it should have been long ago."""
    at = attack.rng.randint(4, len(attack.log.leaves) - 1)
    said = attack.author().transfer()
    attack.log.leaves.insert(at, spelt(said, attack.said(at - 1)["time"]))
    outcome = attack.author().head("outcome") | {"delivered": [said["id"]]}
    attack.log.leaves.append(spelt(outcome, attack.log.now))


def shifted_times(attack):
    """All times are moved by the same amount."""
    by = attack.rng.choice([-1, 1]) * attack.rng.randint(1, 1_000_000)
    attack.log.leaves = [
        spelt(attack.said(at), attack.said(at)["time"] + by) for at in range(len(attack.log.leaves))
    ]


def rolled_back(attack):
    """Yesterday's backup is restored, with checkpoints and cosignatures that all hold."""
    sizes = sorted(size for size in attack.log.lines if size < len(attack.log.leaves))
    size = attack.rng.choice(sizes or [1])
    attack.log.cut(size)
    return attack.log.files()


def rolled_back_and_on(attack):
    """A backup is restored, and the log goes on from there."""
    rolled_back(attack)
    author = attack.author()
    for _ in range(attack.rng.randint(1, 40)):
        attack.log.now += 500
        attack.log.leaves.append(spelt(author.any(), attack.log.now))
        attack.log.commit()
    return attack.log.files()


def other_key(attack):
    """The log is signed by a key that the auditor was never given."""
    signer = note.Signer.of(ORIGIN, Ed25519PrivateKey.from_private_bytes(attack.rng.randbytes(32)))
    for size in attack.log.notes:
        root = merkle.root(merkle.grow(0, (), _hashes(attack.log.leaves[:size])).edge)
        attack.log.notes[size] = signer.checkpoint(size, root)
    return attack.log.files()


def other_origin(attack):
    """A new log takes the place of the old one, under a name much like it."""
    signer = note.Signer.of(ORIGIN + "-2", LOG.key)
    size = len(attack.log.leaves)
    root = merkle.root(merkle.grow(0, (), _hashes(attack.log.leaves)).edge)
    attack.log.notes, attack.log.lines = {size: signer.checkpoint(size, root)}, {}
    return attack.log.files()


def split_view(attack):
    """From somewhere on, one witness was shown one log and the second another."""
    log, other = attack.log, attack.log.copy()
    at = attack.rng.randint(4, len(log.leaves) - 1)
    times = [attack.said(place)["time"] for place in range(at, len(log.leaves))]
    other.cut(at)
    other.leaves += [spelt(Author(attack.rng).transfer("refused"), time) for time in times]
    other.commit()
    other.witness()
    log.held["w2"] = other.held["w2"]
    size = len(log.leaves)
    shown = log if attack.rng.random() < 0.5 else other
    mine = "w1" if shown is log else "w2"
    line = shown.held[mine][len(shown.notes[size]) :]
    shown.lines = {size: [line]}
    return shown.files()


def _hashes(leaves):
    return [merkle.leaf_hash(one) for one in leaves]


KEY = (
    edit, delete, delete_release, reorder, reorder_with_times, insert, cut, gap, fork,
    rebuilt_chain, back_dated_policy, release_under_other_policy, back_dated_entry, shifted_times,
)  # fmt: skip
WHOLE = (rolled_back, rolled_back_and_on, other_key, other_origin, split_view)
