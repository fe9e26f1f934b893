"""Ways round the log's promises that were tried once and must stay closed."""

import asyncio
import hashlib
import shutil
import time
import zlib

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import entry, note
from gateway.deployment import read_deployment, read_keys
from gateway.errors import GatewayError
from gateway.log import Log
from gateway.log_keys import LogKeys
from gateway.note import render_vkey
from gateway.publication import export, proofs, trust, witnessing
from gateway.publication.cosignature import Cosigner
from gateway.publication.tree import Tree
from gateway.verification import keys_of, verify_export
from tests import authority
from tests.log_database import gateway_on
from tests.postgres import Cluster, binaries
from tests.published import VKEY, a_log, a_witness, fill, served, tree_of
from tests.test_log import KEY, ORIGIN
from tests.test_upkeep_backup import grow, run
from tests.test_verification import honest, made, rules
from tests.test_witnessing import DOWN, FALSE, answering, asks, round_of, signing


def test_a_copy_put_back_to_be_read_is_no_proof_of_itself(deployment, tmp_path):
    grow(deployment)
    run("backup", tmp_path / "copy", "-d", deployment)
    grow(deployment)
    assert run("restore", tmp_path / "copy", "-d", deployment, "--to-read").exit_code == 0

    assert "backup.unproven" in run("restore", tmp_path / "copy", "-d", deployment).output


def test_a_kind_of_document_leads_nowhere_else(tmp_path):
    content = b"* * * * * root id\n"
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    (tmp_path / "x").mkdir()
    row = (digest, "../../outside", zlib.compress(content))
    with a_log(tmp_path / "log", 3) as log:
        log.beside(lambda store: store.write("INSERT INTO document VALUES (?, ?, ?)", [row]))
        out = tmp_path / "x" / "export"
        with pytest.raises(GatewayError):
            export.export(tree_of(log), out, log.checkpoint(), documents=True)

    assert not (tmp_path / "x" / "outside").exists()


@pytest.mark.parametrize("kinds", [("agreement", "zzz"), ("zzz", "agreement")])
def test_of_two_documents_of_one_digest_both_are_read(tmp_path, kinds):
    log, _ = honest(5, 3)
    made(log, tmp_path)
    digest = hashlib.sha256(b"{}").hexdigest()
    for kind, content in zip(kinds, (b"forged", b"{}"), strict=True):
        folder = tmp_path / "documents" / kind
        folder.mkdir(parents=True)
        (folder / digest).write_bytes(content)

    assert "document.digest" in rules(tmp_path, log)


def test_a_fork_that_was_shown_once_stops_every_later_start(deployment, tmp_path):
    read = read_deployment(deployment)
    keys, private = LogKeys.parse(read.vkey()), read_keys(deployment).log
    witness = a_witness(tmp_path / "w", "witness.example.net/w1", keys)
    other = Log.create(tmp_path / "fork", origin=keys.origin, key=private, gateway="gw-1")
    fill(other, 40)
    witness.add(proofs.consistency(tree_of(other), 0, other.checkpoint()).encode())
    other.close()

    async def stopped() -> bool:
        with Log.open(read.data, key=private, gateway="gw-1") as log:
            async with witnessing.witnessed(read, log):
                return log.stopped

    with served(witness) as url:
        trust.add(deployment, read.vkey(), "w1", witness.vkey, url)
        assert asyncio.run(stopped())
    with pytest.raises(GatewayError) as found:
        asyncio.run(stopped())
    assert found.value.rule == "log.forked"


def test_a_witness_whose_clock_is_wrong_is_not_taken(tmp_path):
    key = render_vkey(FALSE.public)
    policy = asks({key: "http://w.example.org"})
    with a_log(tmp_path / "log", 3) as log:
        late = answering(signing(int(time.time()) + 45))
        round_of(log, policy, tmp_path, transport=late)
        fill(log, 5)
        export.export(tree_of(log), tmp_path / "x", log.checkpoint())
    known = trust.parse_policy(f"witness w {key}\nquorum none\n".encode())
    verdict = verify_export(tmp_path / "x", keys_of(note.render_vkey(VKEY), known))

    assert (verdict.problems, verdict.witnessed) == ((), 0)


@pytest.mark.parametrize("address", ["http://a:b/", "http://127.0.0.1:99999/", "http://xn--/"])
def test_a_witness_with_an_odd_address_harms_nobody(tmp_path, address):
    policy = asks({render_vkey(FALSE.public): address})
    with a_log(tmp_path / "log", 3) as log:
        round_of(log, policy, tmp_path)
        assert not log.stopped


def test_checkpoints_that_too_few_signed_are_not_looked_at(tmp_path):
    cosigners = [Cosigner.of(f"w.example.net/{n}", Ed25519PrivateKey.generate()) for n in range(2)]
    policy = asks({render_vkey(one.public): DOWN for one in cosigners})
    with a_log(tmp_path / "log", 1) as log:
        fill(log, 60)
        texts = list(tree_of(log).checkpoints(0, 60))
        rows = [
            (size, "w0", 5, cosigners[0].cosign(note.parse_note(text).text, 5))
            for size, text in texts
        ]
        log.beside(lambda store: [store.add_cosignature(*row) for row in rows])
        asked = []

        def read(query, bindings=()):
            asked.append(query)
            return log.rows(query, bindings)

        assert proofs.witnessed(Tree(read), policy) is None
        assert len(asked) < 5
        assert policy.least() == 2


def test_no_time_stamp_is_no_time_stamp_that_holds(deployment, tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the tokens")
    root = authority.make(tmp_path / "auth")
    out, key = tmp_path / "x", deployment / "keys" / "log.vkey"
    assert run("export", out, "-d", deployment).exit_code == 0

    found = run("verify", out, "--key", key, "--tsa", root)
    assert (found.exit_code, "timestamp.none at timestamps" in found.output) == (1, True)


def test_a_server_told_to_answer_early_does_not_do_so_here(tmp_path):
    if binaries() is None:
        pytest.skip("PostgreSQL is not installed")
    with Cluster.made() as cluster:
        database = cluster.database()
        log = Log.create(
            gateway_on(tmp_path / "one", database), origin=ORIGIN, key=KEY, gateway="gw-1"
        )
        with log, psycopg.connect(database, autocommit=True) as admin:
            admin.execute("ALTER SYSTEM SET synchronous_commit = off")
            admin.execute("SELECT pg_reload_conf()")
            log.append(entry.control(gateway="gw-1", what="clock"))
            writer = log._store._writer
            assert writer.execute("SHOW synchronous_commit").fetchall() == [("on",)]
