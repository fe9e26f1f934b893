"""`corridor log verify` with a folder and with an address: a real server, a real socket."""

import threading
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.errors import CorridorError, GatewayError, OfficerError
from gateway.publication.trust import parse_policy
from gateway.verification import fetch, keys_of
from tests.small_logs import KEYS, ORIGIN, POLICY, VKEY, SmallLog, honest, write

KEY = "an auditor's key"
CLI = CliRunner()


class Served:
    """Files at an address, for those who have the key."""

    def __init__(self):
        self.files, self.key = {}, KEY
        files = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.removeprefix("/v1/log/")
                allowed = files.key in ("", self.headers.get("Authorization", "")[7:])
                content = files.files.get(name) if allowed else None
                self.send_response(403 if not allowed else 200 if content is not None else 404)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/log"


@pytest.fixture
def served():
    one = Served()
    thread = threading.Thread(target=one.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield one
    one.server.shutdown()
    thread.join()
    one.server.server_close()


@pytest.fixture
def auditor(tmp_path):
    """What an auditor has besides the log."""
    (tmp_path / "log.vkey").write_text(VKEY + "\n")
    (tmp_path / "policy").write_bytes(POLICY)
    return ["--key", str(tmp_path / "log.vkey"), "--policy", str(tmp_path / "policy")]


def verify(*words):
    return CLI.invoke(app, ["log", "verify", *map(str, words)])


def bring(served, into, bearer=KEY, keys=KEYS):
    told = []
    fetch.fetch(served.url, keys, into, bearer=bearer, progress=lambda *it: told.append(it))
    return told


def test_a_folder_is_verified(tmp_path, auditor):
    log, _ = honest(40, 40)
    write(tmp_path / "out", log.files() | {"README": b""})
    kept = []
    for name, text in log.held.items():
        (tmp_path / name).write_text(text)
        kept += ["--checkpoint", tmp_path / name]

    done = verify(tmp_path / "out", *auditor, *kept, "--within", 300)

    assert done.exit_code == 0, done.output
    assert "file.unknown at README\n" in done.output
    assert "log: 40 entries hold, root " in done.output
    assert f"checked against {len(log.notes) + 3} checkpoints" in done.output
    assert "witnesses vouch for 40 entries" in done.output
    assert "releases nothing became of yet: " in done.output


def test_a_finding_is_named_and_fails(tmp_path, auditor):
    log, _ = honest(40, 40)
    log.leaves[20] = log.leaves[21]
    write(tmp_path / "out", log.files())

    done = verify(tmp_path / "out", *auditor)

    assert done.exit_code == 1
    assert "log.forked at checkpoint\n" in done.output
    assert "entry.id_twice at entry 21\n" in done.output
    assert "hold, root" not in done.output


def test_releases_under_what_nobody_activated_are_counted(tmp_path, auditor):
    from tests.small_logs import Author, leaf, random

    log, author = SmallLog(), Author(random.Random(1))
    said = [author.head("control") | {"what": "init"}, author.transfer(), author.transfer()]
    log.leaves = [leaf(one, log.now) for one in said]
    log.commit()
    log.witness()
    write(tmp_path / "out", log.files())

    done = verify(tmp_path / "out", *auditor)

    assert "releases under what nobody activated in this log: 2" in done.output


@pytest.mark.parametrize(
    "words",
    [
        ["DIR"], ["--key", "KEY"], ["DIR", "--key", "KEY", "--deployment", "DIR"],
        ["--deployment", "DIR", "--within", "5"], ["--deployment", "DIR", "--ask-witnesses"],
        ["--deployment", "DIR", "--policy", "KEY"], ["--deployment", "DIR", "--checkpoint", "KEY"],
    ],
)  # fmt: skip
def test_what_cannot_be_asked_together_is_refused(tmp_path, auditor, words):
    given = {"DIR": str(tmp_path), "KEY": auditor[1]}

    done = verify(*(given.get(word, word) for word in words))

    assert done.exit_code == 2
    assert "Usage" in done.output or "Invalid" in done.output


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (["--within", "5"], "verify.within"),
        (["--checkpoint", "nowhere"], "verify.unreadable"),
        (["--receipt", "nowhere"], "verify.unreadable"),
        (["--policy", "nowhere"], "witness.policy_missing"),
        (["--ask-witnesses", "--policy", "POLICY"], "witness.no_address"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path, auditor, words, rule):
    words = [auditor[3] if word == "POLICY" else word for word in words]

    done = verify(tmp_path, *auditor[:2], *words)

    assert done.exit_code != 0
    assert rule in done.output


def test_an_address_is_fetched_and_verified(served, auditor, monkeypatch):
    log, _ = honest(600, 600)
    served.files = log.files()
    monkeypatch.setenv("CORRIDOR_BEARER", KEY)

    done = verify(served.url, *auditor)

    assert done.exit_code == 0, done.output
    assert "log: 600 entries hold" in done.output
    monkeypatch.delenv("CORRIDOR_BEARER")
    refused = verify(served.url, *auditor)
    assert refused.exit_code == 1
    assert "fetch.status" in refused.output


def test_only_what_the_log_has_is_fetched(served, tmp_path):
    log, _ = honest(257, 257)
    served.files = log.files() | {"tile/0/002": b"x"}

    told = bring(served, tmp_path)

    here = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert {name for name in here if (tmp_path / name).is_file()} == {
        name for name in log.files() if name == "checkpoint" or name.startswith("tile/")
    }
    assert told[-1] == (5, 5)


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("checkpoint", b"\xff", "fetch.checkpoint"), ("checkpoint", b"", "note.characters"),
        ("tile/0/000.p/8", b"x" * 257, "fetch.length"), ("tile/0/000.p/8", None, "fetch.status"),
    ],
)  # fmt: skip
def test_an_answer_is_no_longer_than_asked_for(served, tmp_path, name, content, rule):
    log, _ = honest(8, 8)
    served.files = log.files() | {name: content}

    with pytest.raises(CorridorError) as failed:
        bring(served, tmp_path)

    assert failed.value.rule == rule


def test_a_log_too_long_to_fetch_is_not_asked_for(served, tmp_path, monkeypatch):
    log, _ = honest(8, 8)
    served.files = log.files()
    monkeypatch.setattr(fetch, "MAX_SIZE", 7)

    with pytest.raises(GatewayError) as failed:
        bring(served, tmp_path)

    assert failed.value.rule == "fetch.size"
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("url", ["file:///etc", "ftp://127.0.0.1"])
def test_an_address_is_one_of_the_web(tmp_path, url):
    with pytest.raises(OfficerError) as refused:
        fetch.fetch(url, KEYS, tmp_path, bearer="", progress=lambda *_: None)
    assert refused.value.rule == "fetch.url"


def test_nobody_there(served, tmp_path):
    served.server.socket.close()
    with pytest.raises(GatewayError) as failed:
        fetch.fetch("http://127.0.0.1:1/log", KEYS, tmp_path, bearer="", progress=lambda *_: None)
    assert failed.value.rule == "fetch.failed"


def test_witnesses_are_asked_for_what_they_hold(served, tmp_path, auditor):
    log, _ = honest(40, 40)
    newer, _ = honest(40, 41)
    served.key = ""
    address = f"/{sha256(ORIGIN.encode()).hexdigest()}/checkpoint"
    policy = b"\n".join(
        line + f" {served.url}/{line.split()[1].decode()}".encode() if b"witness " in line else line
        for line in POLICY.split(b"\n")
    )
    (tmp_path / "policy").write_bytes(policy)
    served.files = {name + address: text.encode() for name, text in log.held.items()}
    write(tmp_path / "out", log.files())

    done = verify(tmp_path / "out", *auditor, "--ask-witnesses")
    assert done.exit_code == 0, done.output

    served.files["w2" + address] = newer.held["w2"].encode()
    done = verify(tmp_path / "out", *auditor, "--ask-witnesses")
    assert done.exit_code == 1
    assert "log.rolled_back at witness w2\n" in done.output

    for answer in (b"\xff", None):
        served.files["w2" + address] = answer
        done = verify(tmp_path / "out", *auditor, "--ask-witnesses")
        assert "witness.answer" in done.output
    assert (
        len(list(zip(("w1",), fetch.ask(keys_of(VKEY, parse_policy(policy))), strict=False))) == 1
    )
