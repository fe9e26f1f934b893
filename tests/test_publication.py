"""The log as a folder: what stands in it, what it refuses, and what others make of it."""

import os
from contextlib import suppress
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway import entry, merkle, note
from gateway.cli import app
from gateway.errors import GatewayError, OfficerError, SenderError
from gateway.log import Log
from gateway.publication import folder as folder_files
from gateway.publication import proofs, reading
from gateway.publication.export import export
from gateway.publication.folder import alone
from gateway.publication.tiles import ENTRIES, Tile, parse, pieces
from gateway.publication.trust import Policy
from tests.log_database import gateway_on
from tests.published import KEY, ORIGIN, VKEY, a_log, fill, naive_root, tree_of, unbundled

ROOT = Path(__file__).resolve().parent.parent
NOBODY = Policy()


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 273, 112), "tile/0/273.p/112"),
        (Tile(1, 1, 17), "tile/1/001.p/17"),
        (Tile(ENTRIES, 1234067), "tile/entries/x001/x234/067"),
        (Tile(ENTRIES, 1000, 1), "tile/entries/x001/000.p/1"),
    ],
)
def test_paths_are_those_of_the_specification(tile, path):
    assert tile.path == path
    assert parse(path.removeprefix("tile/")) == tile


@pytest.mark.parametrize(
    "path",
    ["0/0", "0/x000/001", "0/000.p/0", "0/000.p/256", "0/000.p/01", "8/000", "data/000", "0/000/",
     "entries/0000", "0/../0/000", "0/000.p/257", ""],
)  # fmt: skip
def test_a_path_has_one_spelling(path):
    assert parse(path) is None


def test_the_pieces_of_70000_entries():
    paths = [tile.path for tile in pieces(70_000)]

    assert len(paths) == 274 + 274 + 2 + 1
    assert paths[273] == "tile/entries/273.p/112"
    assert paths[-3:] == ["tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]
    assert [tile.path for tile in pieces(70_000, 69_999)] == [
        "tile/entries/273.p/112", "tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1",
    ]  # fmt: skip


def test_the_folder_grows_with_the_log_and_holds_it(tmp_path):
    folder = tmp_path / "out"
    with a_log(tmp_path / "log") as log:
        tree = tree_of(log)
        for size in (1, 2, 255, 256, 257, 600):
            fill(log, size)
            checkpoint = proofs.head(tree, NOBODY)
            made = export(tree, folder, checkpoint)
            fresh = tmp_path / f"fresh-{size}"
            export(tree, fresh, checkpoint)

            assert made.size == size
            assert {p: (folder / p).read_bytes() for p in files(folder)} == {
                p: (fresh / p).read_bytes() for p in files(fresh)
            }
            bundles = [tile.path for tile in pieces(size) if tile.level == ENTRIES]
            leaves = [leaf for p in bundles for leaf in unbundled((folder / p).read_bytes())]
            signed = note.open_checkpoint((folder / "checkpoint").read_text(), VKEY)
            assert leaves == [leaf for _, leaf in log.entries()]
            assert (signed.size, signed.root) == (size, naive_root(leaves))


def test_level_one_holds_what_level_zero_hashes_to(tmp_path):
    with a_log(tmp_path, 520) as log:
        tree = tree_of(log)
        zero = [tree.content(Tile(0, index)) for index in (0, 1)]
        one = tree.content(Tile(1, 0, 2))

    for number, tile in enumerate(zero):
        hashes = [tile[at : at + 32] for at in range(0, len(tile), 32)]
        while len(hashes) > 1:
            hashes = [merkle.node_hash(*two) for two in zip(hashes[::2], hashes[1::2], strict=True)]
        assert one[32 * number : 32 * number + 32] == hashes[0]


def test_what_was_exported_is_never_replaced(tmp_path):
    folder = tmp_path / "out"
    with a_log(tmp_path / "log", 300) as log:
        tree = tree_of(log)
        export(tree, folder, log.checkpoint())
        fill(log, 310)
        (folder / "tile/0/001.p").mkdir(exist_ok=True)
        (folder / "tile/0/001.p/54").write_bytes(b"another")
        with pytest.raises(GatewayError) as caught:
            export(tree, folder, log.checkpoint())

    assert (caught.value.rule, caught.value.at) == ("export.changed", "tile/0/001.p/54")
    assert note.open_checkpoint((folder / "checkpoint").read_text(), VKEY).size == 300


def test_a_folder_of_another_history_is_refused(tmp_path):
    folder = tmp_path / "out"
    with a_log(tmp_path / "one", 5) as log:
        export(tree_of(log), folder, log.checkpoint())
        first = log.checkpoint()
        fill(log, 7)
        export(tree_of(log), folder, log.checkpoint())
        with pytest.raises(GatewayError, match="more of the log") as caught:
            export(tree_of(log), folder, first)
        assert caught.value.rule == "export.longer"
    with a_log(tmp_path / "two", 9) as log, pytest.raises(GatewayError) as caught:
        export(tree_of(log), folder, log.checkpoint())
    assert caught.value.rule == "export.forked"

    other = (folder / "checkpoint").read_text().replace(ORIGIN, "gw.example.org/other")
    (folder / "checkpoint").write_text(other)
    with a_log(tmp_path / "three", 9) as log:
        with pytest.raises(GatewayError) as caught:
            export(tree_of(log), folder, log.checkpoint())
        assert caught.value.rule == "export.origin"
        (folder / "checkpoint").write_bytes(b"\xff")
        with pytest.raises(GatewayError) as caught:
            export(tree_of(log), folder, log.checkpoint())
        assert caught.value.rule == "export.checkpoint"


def test_kept_checkpoints_gain_cosignatures_and_nothing_else(tmp_path):
    folder = tmp_path / "out"
    with a_log(tmp_path / "log", 3) as log:
        tree = tree_of(log)
        export(tree, folder, log.checkpoint())
        line = "— w1 AAAAAAA=\n"
        log.beside(lambda store: store.add_cosignature(3, "w1", 7, line))
        log.beside(lambda store: store.add_cosignature(3, "w1", 9, "— w1 BBBBBBA=\n"))
        export(tree, folder, log.checkpoint())
        kept = folder / "checkpoints" / "3"

        assert kept.read_text() == log.checkpoint() + line
        assert {path.name for path in kept.parent.iterdir()} >= {"0", "1", "3"}
        kept.write_text(kept.read_text().replace("AAAAAAA=", "CCCCCCA="))
        with pytest.raises(GatewayError) as caught:
            export(tree, folder, log.checkpoint())
    assert (caught.value.rule, caught.value.at) == ("export.changed", "checkpoints/3")


@pytest.mark.parametrize("failing", range(1, 16))
def test_an_interrupted_export_is_run_again(tmp_path, monkeypatch, failing):
    """Every flush fails in turn: what can be read is the log of before, or of after."""
    folder, calls = tmp_path / "out", []
    flush = os.fsync

    def broken(handle: int) -> None:
        calls.append(handle)
        if len(calls) == failing:
            raise OSError(5, "no")
        flush(handle)

    with a_log(tmp_path / "log", 3) as log:
        tree = tree_of(log)
        export(tree, folder, log.checkpoint())
        fill(log, 6)
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", broken)
            with suppress(GatewayError):
                export(tree, folder, log.checkpoint())
        size = note.open_checkpoint((folder / "checkpoint").read_text(), VKEY).size
        held = {tile.path for tile in pieces(size)}
        assert held <= files(folder)
        export(tree, folder, log.checkpoint())
        export(tree, tmp_path / "fresh", log.checkpoint())

    assert files(folder) == files(tmp_path / "fresh")


def test_every_name_is_on_the_disk_before_the_checkpoint_has_its_own(tmp_path, monkeypatch):
    done: list[tuple[str, Path]] = []
    replace, sync = Path.replace, folder_files._sync

    def replacing(path: Path, target: Path) -> None:
        replace(path, target)
        done.append(("named", target))

    def syncing(folder: Path) -> None:
        sync(folder)
        done.append(("synced", folder))

    monkeypatch.setattr(Path, "replace", replacing)
    monkeypatch.setattr(folder_files, "_sync", syncing)
    with a_log(tmp_path / "log", 300) as log:
        export(tree_of(log), tmp_path / "out", log.checkpoint())

    last = done.index(("named", tmp_path / "out/checkpoint"))
    named = [(at, path) for at, (what, path) in enumerate(done[:last]) if what == "named"]
    assert len(named) > 6
    for at, path in named:
        assert ("synced", path.parent) in done[at:last], path
    assert done[last + 1] == ("synced", tmp_path / "out")


def test_one_writes_at_a_time_and_elsewhere_nobody(tmp_path):
    with alone(tmp_path / "out"), pytest.raises(GatewayError) as caught, alone(tmp_path / "out"):
        pass
    assert caught.value.rule == "export.busy"
    (tmp_path / "file").touch()
    with pytest.raises(OfficerError) as refused, alone(tmp_path / "file"):
        pass
    assert refused.value.rule == "export.folder"


def test_proofs_are_in_the_standard_form_and_hold(tmp_path):
    with a_log(tmp_path, 4) as log:
        fill(log, 300)
        tree = tree_of(log)
        text = proofs.inclusion(tree, 3, proofs.head(tree, NOBODY))
        grown = proofs.consistency(tree, 4, log.checkpoint())
        leaf = tree.entries(3, 1)[0][1]
        old = note.open_checkpoint(proofs.at(tree, 4), VKEY)
        with pytest.raises(SenderError):
            proofs.inclusion(tree, 300, log.checkpoint())
        with pytest.raises(SenderError):
            proofs.consistency(tree, 301, log.checkpoint())
        with pytest.raises(SenderError):
            proofs.at(tree, 1000)
        assert proofs.root_at(tree, 4) == old.root

    held = note.parse_proof(text)
    signed = note.open_checkpoint(held.checkpoint, VKEY)
    merkle.verify_inclusion(merkle.leaf_hash(leaf), 3, signed.size, held.hashes, signed.root)
    assert len(text) < 2048
    assert grown.startswith("old 4\n")
    assert grown.endswith(f"\n\n{held.checkpoint}")


def test_a_missing_piece_is_never_published(tmp_path):
    with a_log(tmp_path, 3) as log:
        tree = tree_of(log)
        for tile in (Tile(ENTRIES, 0, 4), Tile(0, 0, 4)):
            with pytest.raises(GatewayError) as caught:
                tree.content(tile)
            assert caught.value.rule == "log.incomplete"
        with pytest.raises(SenderError):
            tree.find("no such transfer")


def test_the_commands_export_and_prove(deployment, tmp_path):
    run = CliRunner().invoke
    folder, leaf = tmp_path / "out", tmp_path / "leaf"
    made = run(app, ["log", "export", str(folder), "-d", str(deployment), "--documents"])
    assert made.exit_code == 0, made.output
    proof = run(app, ["log", "prove", "-d", str(deployment), "--index", "0", "--entry", str(leaf)])
    assert proof.exit_code == 0, proof.output

    vkey = note.parse_vkey((deployment / "keys/log.vkey").read_text().strip())
    held = note.parse_proof(proof.stdout)
    signed = note.open_checkpoint(held.checkpoint, vkey)
    hashed = merkle.leaf_hash(leaf.read_bytes())
    merkle.verify_inclusion(hashed, 0, signed.size, held.hashes, signed.root)
    assert (folder / "checkpoint").read_text() == held.checkpoint
    assert (folder / "schema/entry.json").read_bytes() == (ROOT / "schemas/entry.json").read_bytes()

    grown = run(app, ["log", "prove", "-d", str(deployment), "--from", "1", "--size", "1"])
    assert grown.stdout.startswith("old 1\n\n")
    missing = run(app, ["log", "prove", "-d", str(deployment), "--transfer", "none"])
    assert (missing.exit_code, "transfer.unknown" in missing.output) == (1, True)
    assert run(app, ["log", "prove", "-d", str(deployment)]).exit_code == 2
    (deployment / "data" / "log.sqlite").unlink()
    gone = run(app, ["log", "export", str(folder), "-d", str(deployment)])
    assert (gone.exit_code, "log.missing" in gone.output) == (1, True)


def test_documents_are_exported_under_their_digests(tmp_path):
    content = b"what an entry names"
    with a_log(tmp_path / "log") as log:
        log.append(entry.control(gateway="gw-1", what="clock"), documents=[("question", content)])
        export(tree_of(log), tmp_path / "out", log.checkpoint(), documents=True)
        [path] = (tmp_path / "out/documents/question").iterdir()
        assert path.read_bytes() == content
        log.beside(lambda store: store.write("DROP TRIGGER document_update", [()]))
        log.beside(lambda store: store.write("UPDATE document SET value = x'00'", [()]))
        with pytest.raises(GatewayError) as caught:
            export(tree_of(log), tmp_path / "out", log.checkpoint(), documents=True)
    assert caught.value.rule == "document.digest"


def test_a_log_in_postgresql_is_published_alike(tmp_path, database):
    data = gateway_on(tmp_path / "gateway", database)
    with Log.create(data, origin=ORIGIN, key=KEY, gateway="gw-1") as log:
        fill(log, 300)
        log.beside(lambda store: store.add_cosignature(300, "w1", 7, "— w1 AAAAAAA=\n"))
        log.append(entry.control(gateway="gw-1", what="clock"), documents=[("question", b"asked")])
        with reading.opened(data) as tree:
            made = export(tree, tmp_path / "out", log.checkpoint(), documents=True)
            assert tree.cosigned(1000, 5) == [300]
            assert tree.checkpoint(300).endswith("— w1 AAAAAAA=\n")
            proof = note.parse_proof(proofs.inclusion(tree, 7, log.checkpoint()))
            leaf = tree.entries(7, 1)[0][1]
        signed = note.open_checkpoint(log.checkpoint(), VKEY)
        merkle.verify_inclusion(merkle.leaf_hash(leaf), 7, signed.size, proof.hashes, signed.root)

    folder = tmp_path / "out"
    bundles = [tile.path for tile in pieces(made.size) if tile.level == ENTRIES]
    leaves = [one for path in bundles for one in unbundled((folder / path).read_bytes())]
    assert naive_root(leaves) == signed.root
    assert (folder / "checkpoints/300").read_text().endswith("— w1 AAAAAAA=\n")
    assert [path.read_bytes() for path in (folder / "documents/question").iterdir()] == [b"asked"]
