"""Files are changed, and nothing is signed again."""

from tests.attacks.attacker import Impossible, spelt
from tests.small_logs import packed


def _piece(attack, files, *kinds):
    names = [name for name in sorted(files) if name.startswith(kinds)]
    return attack.rng.choice(names)


def bit_in_entry(attack, files):
    name = _piece(attack, files, "tile/entries/")
    files[name] = flipped(attack.rng, files[name])


def bit_in_tile(attack, files):
    name = _piece(attack, files, "tile/0/", "tile/1/")
    files[name] = flipped(attack.rng, files[name])


def bit_in_checkpoint(attack, files):
    name = _piece(attack, files, "checkpoint")
    at = files[name].index(b"\n\n")
    # Of the text and the log's own signature: a witness's line that is destroyed says nothing.
    end = files[name].index(b"\n", at + 2)
    files[name] = flipped(attack.rng, files[name][:end]) + files[name][end:]


def flipped(rng, content):
    changed = bytearray(content)
    changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def torn_file(attack, files):
    name = _piece(attack, files, "tile/", "checkpoint")
    files[name] = files[name][: attack.rng.randrange(len(files[name]))]
    if name.startswith("checkpoint"):  # a whole line of a witness less is no damage to a log
        files[name] = files[name][: files[name].rfind(b"\n\n") + 20]


def longer_file(attack, files):
    name = _piece(attack, files, "tile/", "checkpoint")
    files[name] += attack.rng.randbytes(attack.rng.randint(1, 64))


def missing_file(attack, files):
    name = _piece(attack, files, "tile/", "checkpoint")
    while name.startswith("checkpoints/"):  # to keep fewer is no change of the log
        name = _piece(attack, files, "tile/", "checkpoint")
    del files[name]


def swapped_files(attack, files):
    names = [name for name in sorted(files) if name.startswith(("tile/", "checkpoints/"))]
    one, other = attack.rng.sample(names, 2)
    files[one], files[other] = files[other], files[one]


def swapped_hashes(attack, files):
    name = _piece(attack, files, "tile/0/")
    parts = [files[name][at : at + 32] for at in range(0, len(files[name]), 32)]
    if len(parts) < 2:
        raise Impossible
    one, other = attack.rng.sample(range(len(parts)), 2)
    parts[one], parts[other] = parts[other], parts[one]
    files[name] = b"".join(parts)


def reordered_in_bundle(attack, files):
    start = attack.rng.randrange(0, len(attack.log.leaves), 256)
    bundle = attack.log.leaves[start : start + 256]
    if len(bundle) < 2:
        start, bundle = 0, attack.log.leaves[:256]
    one, other = attack.rng.sample(range(len(bundle)), 2)
    bundle[one], bundle[other] = bundle[other], bundle[one]
    files[_bundle(files, start)] = packed(bundle)


def extra_entry_in_bundle(attack, files):
    name = sorted(name for name in files if name.startswith("tile/entries/"))[-1]
    said = attack.author().transfer()
    files[name] += packed([spelt(said, attack.log.now)])


def extra_piece(attack, files):
    level = attack.rng.choice(["entries", "0", "1", "2"])
    name = f"tile/{level}/{attack.rng.randint(100, 999)}"
    files[name + attack.rng.choice(["", ".p/7"])] = attack.rng.randbytes(32)


def newer_partial_bundle(attack, files):
    """One more entry in a partial bundle under its proper name, beside the true one."""
    size = len(attack.log.leaves)
    said = spelt(attack.author().transfer(), attack.log.now)
    last = attack.log.leaves[size // 256 * 256 :]
    files[f"tile/entries/{size // 256:03d}.p/{len(last) + 1}"] = packed([*last, said])


def gap_of_nothing(attack, files):
    """An entry is emptied, and its place kept."""
    at = attack.some()
    start = at // 256 * 256
    bundle = attack.log.leaves[start : start + 256]
    bundle[at - start] = b""
    files[_bundle(files, start)] = packed(bundle)


def _bundle(files, start):
    stem = f"tile/entries/{start // 256:03d}"
    return next(name for name in files if name == stem or name.startswith(f"{stem}.p/"))


DISK = (
    bit_in_entry, bit_in_tile, bit_in_checkpoint, torn_file, longer_file, missing_file,
    swapped_files, swapped_hashes, reordered_in_bundle, extra_entry_in_bundle, extra_piece,
    newer_partial_bundle, gap_of_nothing,
)  # fmt: skip
