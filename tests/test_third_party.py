"""Other people's programs on what we publish: Tessera's fsck, and Go's own tree and notes.

`.ci/run` installs both from `.ci/tlog`; where they are missing these tests are skipped.
"""

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import merkle, note
from gateway.log import Log
from gateway.log_reader import Reader
from gateway.note import render_vkey
from gateway.publication.cosignature import Cosigner
from gateway.publication.export import export
from gateway.publication.tree import Tree
from tests.proof.places import KEY, ROOT, VKEY, refused

SIZES = (255, 256, 257, 700)
TIME = 1_795_324_005
SECONDS = 60
"""Until a verifier counts as hanging: fsck does on a corrupt tile, with one worker."""

WITNESSES = [
    Cosigner.of(f"witness.example.net/w{number}", Ed25519PrivateKey.from_private_bytes(seed * 32))
    for number, seed in ((1, b"\x08"), (2, b"\x09"))
]


def tool(name: str) -> Path:
    # Not from PATH: every machine has another program that is called fsck.
    path = ROOT / ".tools" / name
    if not path.exists():
        pytest.skip(f"no {name}: run .ci/run, or go install it from .ci/tlog into .tools")
    return path


def fsck(directory: Path, vkey: Path) -> bool:
    """What Tessera's program says. Its exit status is 0 whatever it found (1.0.4)."""
    done = subprocess.run(
        [tool("fsck"), f"--storage_url=file://{directory}/", f"--public_key={vkey}",
         "--ui=false", "--N=64"],
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    said = [word for word in ("Successfully fsck'd", "fsck failed") if word in done.stderr]
    assert len(said) == 1, done.stderr
    return said == ["Successfully fsck'd"]


def check(directory: Path, vkey: Path, *options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [tool("tlog-check"), *map(str, options), vkey, directory],
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip


def published(log: Reader, directory: Path) -> None:
    tree = Tree(log._store.read)
    text = tree.checkpoint(tree.newest()[0])
    assert text is not None
    export(tree, directory, text)


def grown(log: Log, size: int) -> None:
    waiting = [log.submit(refused()) for _ in range(size - log.size())]
    for one in waiting:
        one.result()


@pytest.fixture(scope="module")
def vkey(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "log.vkey"
    path.write_text(note.render_vkey(VKEY) + "\n")
    return path


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """One log, published at several sizes, and a proof of one of its entries."""
    folder = tmp_path_factory.mktemp("exports")
    tool("tlog-check")
    Log.create(folder / "log", origin=VKEY.name, key=KEY, gateway="gw-1").close()
    with Log.open(folder / "log", key=KEY, gateway="gw-1") as log:
        for size in SIZES:
            grown(log, size)
            published(log, folder / str(size))
        appended = log.append(refused())
        (folder / "leaf").write_bytes(appended.leaf)
        proof = note.Proof(appended.index, appended.proof, appended.checkpoint)
        (folder / "proof").write_text(note.render_proof(proof))
        published(log, folder / "all")
    return folder


@pytest.fixture
def copy(exports, tmp_path):
    shutil.copytree(exports / "all", tmp_path / "copy")
    return tmp_path / "copy"


@pytest.mark.parametrize("size", SIZES)
def test_others_accept_the_log_at_every_width_of_its_edge(exports, vkey, size):
    ours = check(exports / str(size), vkey)
    theirs = fsck(exports / str(size), vkey)

    assert ours.stdout.startswith(f"ok {size} entries"), ours.stderr
    assert theirs


def test_every_kept_checkpoint_is_a_beginning_of_the_log(exports, vkey):
    kept = len(list((exports / "all" / "checkpoints").iterdir()))

    done = check(exports / "all", vkey)

    assert kept > len(SIZES)
    assert f"{kept} kept checkpoints" in done.stdout, done.stderr


def test_a_proof_that_a_partner_holds_leads_into_the_log(exports, vkey, tmp_path):
    proof, leaf = exports / "proof", exports / "leaf"
    assert check(exports / "all", vkey, "-proof", proof, "-leaf", leaf).returncode == 0

    other = tmp_path / "leaf"
    other.write_bytes(leaf.read_bytes().replace(b"refused", b"held---"))
    done = check(exports / "all", vkey, "-proof", proof, "-leaf", other)

    assert (done.returncode, "the proof" in done.stderr) == (1, True)


def test_the_commands_of_the_auditors_page_do_what_it_says(exports, vkey, tmp_path):
    page = (ROOT / "docs" / "auditors.md").read_text(encoding="utf-8")
    lines = [
        line
        for line in page.splitlines()
        if line.startswith(("timeout 600 .tools/", ".tools/tlog-check"))
    ]
    assert len(lines) == 2
    assert tool("fsck").parent == tool("tlog-check").parent
    (tmp_path / ".tools").symlink_to(ROOT / ".tools")
    shutil.copytree(exports / "257", tmp_path / "published")
    shutil.copy(vkey, tmp_path / "log.vkey")

    said = [
        subprocess.run(
            ["bash", "-c", line],
            capture_output=True, text=True, timeout=SECONDS, check=True, cwd=tmp_path,
        )
        for line in lines
    ]  # fmt: skip

    assert "Successfully fsck'd" in said[0].stderr
    assert said[1].stdout


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def edit_a_full_bundle(copy):
    flip(copy / "tile/entries/000", 300)


def edit_the_last_bundle(copy):
    [last] = (copy / "tile/entries").glob("*.p/*")
    flip(last, 100)


def edit_a_tile(copy):
    flip(copy / "tile/0/001", 40)


def edit_a_level_above(copy):
    [top] = (copy / "tile/1").glob("*.p/*")
    flip(top, 33)


def swap_bundles(copy):
    one, two = copy / "tile/entries/000", copy / "tile/entries/001"
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)


def tear_a_bundle(copy):
    path = copy / "tile/entries/001"
    path.write_bytes(path.read_bytes()[:-10])


def edit_the_signature(copy):
    path = copy / "checkpoint"
    text = path.read_text()
    path.write_text(text[:-10] + ("A" if text[-10] != "A" else "B") + text[-9:])


def take_back_entries(copy):
    sizes = sorted(int(path.name) for path in (copy / "checkpoints").iterdir())
    shutil.copy(copy / "checkpoints" / str(sizes[-1]), copy / "checkpoint")
    [last] = (copy / "tile/entries").glob("*.p/*")
    last.unlink()


TAMPERING = [
    edit_a_full_bundle,
    edit_the_last_bundle,
    edit_a_tile,
    edit_a_level_above,
    swap_bundles,
    tear_a_bundle,
    edit_the_signature,
    take_back_entries,
]


@pytest.mark.parametrize("tamper", TAMPERING, ids=lambda one: one.__name__)
def test_others_refuse_a_copy_that_was_tampered_with(copy, vkey, tamper):
    tamper(copy)

    ours, theirs = check(copy, vkey), fsck(copy, vkey)

    assert (ours.returncode, "tlog-check:" in ours.stderr) == (1, True)
    assert not theirs


def test_what_fsck_lets_pass_the_other_does_not(copy, vkey):
    """An entry more than the last bundle should hold, and a second history that was signed."""
    [last] = (copy / "tile/entries").glob("*.p/*")
    content = last.read_bytes()
    last.write_bytes(content + content[: 2 + int.from_bytes(content[:2], "big")])
    assert fsck(copy, vkey)
    assert "entries and not" in check(copy, vkey).stderr
    last.write_bytes(content)

    forked = note.Signer.of(VKEY.name, KEY).checkpoint(3, merkle.EMPTY)
    (copy / "checkpoints" / "3").write_text(forked)
    assert fsck(copy, vkey)
    assert "signed at size 3" in check(copy, vkey).stderr


def test_cosignatures_and_the_policy_are_read_by_others(copy, vkey, tmp_path):
    path = copy / "checkpoint"
    alone = path.read_text()
    text = note.parse_note(alone).text
    keys = [render_vkey(one.public) for one in WITNESSES]
    policy = tmp_path / "policy"
    policy.write_text(
        f"log {note.render_vkey(VKEY)}\n"
        + "".join(
            f"witness w{number} {key} http://127.0.0.1/{number}\n"
            for number, key in enumerate(keys, 1)
        )
        + "group both all w1 w2\nquorum both\n"
    )
    options = ["-policy", policy, "-witness", keys[0], "-witness", keys[1]]
    path.write_text(alone + "".join(one.cosign(text, TIME) for one in WITNESSES))

    both = check(copy, vkey, *options)
    path.write_text(alone + WITNESSES[0].cosign(text, TIME))
    one = check(copy, vkey, *options)
    few = check(copy, vkey, "-policy", policy, "-witness", keys[0])
    path.write_text(alone + WITNESSES[0].cosign(text + "more\n", TIME))
    false = check(copy, vkey, "-witness", keys[0])

    assert "2 cosignatures" in both.stdout, both.stderr
    assert "1 of 2 witnesses" in one.stderr
    assert "too few witnesses" in few.stderr
    assert false.returncode == 1


def test_a_log_of_nothing_is_one_too(tmp_path, vkey):
    """No log of ours stays empty: its first entry says that it was made."""
    (tmp_path / "checkpoint").write_text(note.Signer.of(VKEY.name, KEY).checkpoint(0, merkle.EMPTY))

    assert check(tmp_path, vkey).stdout.startswith("ok 0 entries")
    assert fsck(tmp_path, vkey)
