"""The witnesses a log asks: what their answers do to it, good, bad and missing ones."""

import asyncio
import json
import shutil
import socket
import time

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import entry, note, session
from gateway.deployment import read_deployment, read_keys
from gateway.errors import GatewayError, OfficerError
from gateway.log import Log
from gateway.log_keys import LogKeys
from gateway.note import render_vkey
from gateway.publication import proofs, trust, witnessing
from gateway.publication.cosignature import Cosigner
from gateway.publication.trust import Policy
from gateway.publication.witness import address_of
from gateway.publication.witnessing import Witnessing
from tests.published import KEY, KEYS, VKEY, a_log, a_witness, fill, served, tree_of

FALSE = Cosigner.of("witness.example.net/false", Ed25519PrivateKey.generate())
DOWN = "http://127.0.0.1:9"  # nobody listens at the discard port


def asks(urls, quorum=None):
    """A policy of these witnesses, by their public keys, of which so many are needed."""
    keys = {f"w{at}": key for at, key in enumerate(urls)}
    lines = [f"witness {name} {key} {urls[key]}\n" for name, key in keys.items()]
    lines += [f"group enough {quorum or len(keys)} {' '.join(keys)}\nquorum enough\n"]
    return trust.parse_policy("".join(lines).encode())


def round_of(log, policy, evidence, *, limit=0, transport=None, clock=time.time):
    """One round of questions to the witnesses of this policy."""
    made = Witnessing(log, policy, KEYS, limit=limit, evidence=evidence, clock=clock)

    async def ask():
        async with httpx.AsyncClient(transport=transport, timeout=5) as client:
            await made.round(client)

    asyncio.run(ask())
    return made


def lines(told):
    told.seek(0)
    return [json.loads(line) for line in told]


def test_the_checkpoint_that_enough_signed_is_the_one_shown(tmp_path, told):
    one, two = a_witness(tmp_path / "1"), a_witness(tmp_path / "2", "w.example.org/2")
    with a_log(tmp_path / "log", 3) as log, served(one) as first:
        tree = tree_of(log)
        with served(two) as second:
            policy = asks({one.vkey: first, two.vkey: second})
            assert proofs.head(tree, policy) == log.checkpoint()  # nobody has signed yet
            round_of(log, policy, tmp_path)
        fill(log, 9)
        round_of(log, asks({one.vkey: first, two.vkey: DOWN}), tmp_path)
        head = proofs.head(tree, policy)

        assert (proofs.size_of(head), proofs.witnessed(tree, policy)) == (3, 3)
        assert policy.judged(note.parse_note(head)).keys() == {"w0", "w1"}
        assert note.open_checkpoint(head, VKEY).size == 3
        assert proofs.size_of(proofs.head(tree, policy, newest=True)) == 9
        assert proofs.witnessed(tree, asks({one.vkey: first})) == 9
        assert proofs.witnessed(tree, asks({render_vkey(FALSE.public): DOWN})) is None
    assert [line["event"] for line in lines(told)].count("witness.unreachable") == 1
    one.close()
    two.close()


def test_a_row_that_nobody_signed_is_nobodys_word(tmp_path):
    with a_log(tmp_path / "log", 3) as log:
        tree = tree_of(log)
        text = note.parse_note(log.checkpoint()).text.replace("\n3\n", "\n4\n")
        line = FALSE.cosign(text, 5)
        log.beside(lambda store: store.add_cosignature(3, "false", 5, line))
        with pytest.raises(note.NoteError):
            proofs.witnessed(tree, asks({render_vkey(FALSE.public): DOWN}))


def test_a_witness_that_is_further_names_its_size_and_is_asked_from_there(tmp_path):
    witness = a_witness(tmp_path / "w")
    with a_log(tmp_path / "log", 3) as log, served(witness) as url:
        # Signed before, and the row lost: as with another gateway on the same log.
        witness.add(proofs.consistency(tree_of(log), 0, log.checkpoint()).encode())
        fill(log, 9)
        policy = asks({witness.vkey: url})
        made = round_of(log, policy, tmp_path)

        assert proofs.witnessed(tree_of(log), policy) == 9
        fill(log, 12)
        round_of(log, policy, tmp_path)  # and a new one begins where the rows say
        assert proofs.witnessed(tree_of(log), policy) == 12
        assert not log.stopped
        assert made.asks
    witness.close()


@pytest.mark.parametrize(("theirs", "rule"), [(3, "log.forked"), (9, "log.forked"),
                                              (12, "log.rolled_back")])  # fmt: skip
def test_a_log_whose_witness_holds_another_history_is_stopped(tmp_path, told, theirs, rule):
    witness = a_witness(tmp_path / "w")
    with a_log(tmp_path / "fork", 3) as fork:
        fill(fork, theirs)
        witness.add(proofs.consistency(tree_of(fork), 0, fork.checkpoint()).encode())
        shown = fork.checkpoint()
    log = a_log(tmp_path / "log", 9)
    with served(witness) as url:
        round_of(log, asks({witness.vkey: url}), tmp_path)
    with pytest.raises(GatewayError) as caught:
        log.append(entry.control(gateway="gw-1", what="clock"))
    log.close()
    witness.close()

    assert (log.stopped, caught.value.rule) == (True, "log.stopped")
    assert [line["rule"] for line in lines(told) if line["event"] == "log.halted"] == [rule]
    kept = (tmp_path / f"fork-{theirs}.checkpoint").read_text()
    assert kept.startswith(shown)


def test_a_restored_backup_is_stopped(tmp_path, told):
    """Log and high-water file together: nothing in them shows it, and a witness does."""
    witness = a_witness(tmp_path / "w")
    a_log(tmp_path / "log", 3).close()
    shutil.copytree(tmp_path / "log/data", tmp_path / "backup")
    with served(witness) as url:
        policy = asks({witness.vkey: url})
        with Log.open(tmp_path / "log/data", key=KEY, gateway="gw-1") as log:
            fill(log, 20)
            round_of(log, policy, tmp_path)
        with Log.open(tmp_path / "backup", key=KEY, gateway="gw-1") as log:
            round_of(log, policy, tmp_path)
            assert log.stopped
    witness.close()


def answering(post, get=(404, "")):
    """A witness that says the same to everybody."""

    def answer(request):
        status, text = post(request) if request.method == "POST" and callable(post) else post
        if request.method == "GET":
            status, text = get
        return httpx.Response(status, content=text if isinstance(text, bytes) else text.encode())

    return httpx.MockTransport(answer)


def signing(time_, text=None):
    def sign(request):
        body = request.content.decode().partition("\n\n")[2].partition("\n\n")[0] + "\n"
        return 200, FALSE.cosign(text or body, time_)

    return sign


@pytest.mark.parametrize(
    ("post", "rule"),
    [
        ((500, "no"), "witness.refused"),
        ((200, ""), "witness.answer"),
        ((200, "no line"), "note.characters"),
        ((200, b"\xff"), "witness.answer"),
        ((200, "x" * 70_000), "witness.answer"),
        ((409, "many"), "witness.answer"),
        (signing(int(time.time()) - 7000), "witness.clock"),
        (signing(int(time.time()), "another text\n"), "cosignature.signature"),
    ],
)
def test_a_witness_in_error_stops_nothing_and_signs_nothing(tmp_path, told, post, rule):
    policy = asks({render_vkey(FALSE.public): "http://w.example.org"})
    with a_log(tmp_path / "log", 3) as log:
        round_of(log, policy, tmp_path, transport=answering(post))
        assert not log.stopped
        assert proofs.witnessed(tree_of(log), policy) is None
    [line] = [line for line in lines(told) if line["event"] == "witness.failed"]
    assert line["rule"] == rule


def test_a_witness_that_keeps_moving_is_left_alone(tmp_path, told):
    sizes = iter([1, 2, 1, 2])
    policy = asks({render_vkey(FALSE.public): "http://w.example.org"})
    with a_log(tmp_path / "log", 3) as log:
        transport = answering(lambda _: (409, f"{next(sizes)}\n"))
        round_of(log, policy, tmp_path, transport=transport)
        assert not log.stopped
    assert lines(told)[-1]["rule"] == "witness.refused"


def test_a_witness_is_believed_unless_it_shows_that_it_is_wrong(tmp_path, told):
    policy = asks({render_vkey(FALSE.public): "http://w.example.org"})
    with a_log(tmp_path / "log", 3) as log:
        shown = (200, log.checkpoint())
        fill(log, 9)
        round_of(log, policy, tmp_path, transport=answering((422, "no"), shown))
        assert not log.stopped
        assert lines(told)[-1]["rule"] == "witness.mistaken"
        round_of(log, policy, tmp_path, transport=answering((422, "no"), (404, "")))
        assert log.stopped


def test_a_witness_that_hangs_up_when_asked_for_evidence_is_believed(tmp_path):
    def answer(request):
        if request.method == "GET":
            raise httpx.ConnectError("gone")
        return httpx.Response(422)

    policy = asks({render_vkey(FALSE.public): "http://w.example.org"})
    with a_log(tmp_path / "log", 3) as log:
        round_of(log, policy, tmp_path, transport=httpx.MockTransport(answer))
        assert log.stopped


def test_nothing_is_released_when_witnesses_are_silent_for_too_long(tmp_path):
    witness = a_witness(tmp_path / "w")
    late = [0.0]

    def clock():
        return time.time() + late[0]

    with a_log(tmp_path / "log", 3) as log, served(witness) as url:
        policy = asks({witness.vkey: url})
        made = Witnessing(log, policy, KEYS, limit=20, evidence=tmp_path, clock=clock)
        made.permit()
        late[0] = 21
        with pytest.raises(GatewayError) as caught:
            made.permit()
        assert (caught.value.rule, caught.value.http_status) == ("log.unwitnessed", 503)
        asked = round_of(log, policy, tmp_path, limit=20, clock=clock)
        asked.permit()
        made.permit()  # another process asked: the rows say so
        late[0] = 300
        made.permit()  # nothing is unwitnessed, however long ago that was
        fill(log, 4)
        made.permit()
        late[0] = 500
        with pytest.raises(GatewayError):
            made.permit()
    with pytest.raises(OfficerError) as refused:
        Witnessing(log, Policy(), KEYS, limit=1, evidence=tmp_path)
    assert refused.value.rule == "witness.none"
    Witnessing(log, Policy(), KEYS, limit=0, evidence=tmp_path).permit()
    witness.close()


def test_a_gateway_asks_when_it_opens_and_then_follows(deployment, tmp_path, monkeypatch):
    keys = LogKeys.parse(read_deployment(deployment).vkey())
    witness = a_witness(tmp_path / "w", "witness.example.net/w1", keys)
    monkeypatch.setattr(witnessing, "EVERY_SECONDS", 0.05)
    settings = deployment / "corridor.toml"
    settings.write_text(settings.read_text() + "\n[log]\nmax_unwitnessed_seconds = 60\n")
    address = address_of(keys.origin)

    async def run():
        async with session.opened(deployment) as gateway:
            first = proofs.size_of(witness.newest(address).body)
            await asyncio.to_thread(fill, gateway.log, gateway.log.size() + 3)
            for _ in range(200):
                await asyncio.sleep(0.02)
                if proofs.size_of(witness.newest(address).body) == gateway.log.size():
                    return first, gateway.log.size()
        raise AssertionError

    with served(witness) as url:
        trust.add(deployment, keys.render(), "w1", witness.vkey, url)
        first, last = asyncio.run(run())
    assert 0 < first < last
    witness.close()


def test_a_slow_witness_does_not_keep_a_gateway_from_opening(deployment, monkeypatch, told):
    key = read_keys(deployment).log
    monkeypatch.setattr(witnessing, "FIRST_SECONDS", 0.05)

    async def run(url):
        vkey = render_vkey(FALSE.public)
        trust.add(deployment, read_deployment(deployment).vkey(), "w1", vkey, url)
        read = read_deployment(deployment)
        with Log.open(read.data, key=key, gateway="gw-1") as log:
            async with witnessing.witnessed(read, log):
                pass

    with socket.create_server(("127.0.0.1", 0)) as silent:  # it takes calls and says nothing
        asyncio.run(run(f"http://127.0.0.1:{silent.getsockname()[1]}"))
    assert [line["event"] for line in lines(told)] == ["witness.slow"]
