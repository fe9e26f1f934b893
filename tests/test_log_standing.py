import json
import re
from pathlib import Path

import apsw
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import entry, log_file, note
from gateway.audit import verify_log
from gateway.errors import GatewayError
from gateway.log import Log, Superseded
from gateway.log_standing import Cells, digest_of, month_of

KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
ORIGIN = "gw.example.org/transfers/2027"
VKEY = note.render_vkey(note.Signer.of(ORIGIN, KEY).vkey)
SAMPLE = json.loads((Path(__file__).parent / "vectors/released_transfer.json").read_text())
AGREEMENT, VERSION = SAMPLE["agreement"]["id"], SAMPLE["agreement"]["version"]
PAIR = f"{SAMPLE['sender']['party']}>{SAMPLE['recipient']['party']}"


def released():
    return SAMPLE | {"id": entry.new_id()}


def said(what, state="active", *, name=AGREEMENT, version=VERSION, digest=None, documents=()):
    return entry.control(
        gateway="gw-1",
        what=what,
        digest=digest or "sha256:" + "1" * 64,
        subject={"id": name, "version": version, "state": state},
        signers=["officer:dpo-1"],
        documents=sorted(digest_of(value) for _, value in documents),
    )


def activated(bundle, packed=b"a bundle"):
    return said("policy", name="policy", version="2", digest=bundle, documents=[("bundle", packed)])


def problems(directory):
    return {problem.rule for problem in verify_log(directory, vkey=VKEY).problems}


@pytest.fixture
def directory(tmp_path):
    Log.create(tmp_path / "log", origin=ORIGIN, key=KEY, gateway="gw-1").close()
    return tmp_path / "log"


@pytest.fixture
def log(directory):
    with Log.open(directory, key=KEY, gateway="gw-1") as opened:
        yield opened


@pytest.mark.parametrize("state", ["suspended", "expired", "terminated"])
def test_after_an_agreement_ended_no_process_releases_under_it(directory, log, state):
    log.append(said("agreement"))
    log.append(released())
    with Log.open(directory, key=KEY, gateway="gw-2") as other:
        other.append(said("agreement", state))

        for each in (log, other):
            size = each.size()
            with pytest.raises(Superseded) as caught:
                each.append(released())
            assert caught.value.rule == "log.superseded"
            assert each.size() == size

    log.append(said("agreement"))
    log.append(released())


def test_another_version_that_stands_bars_the_older_one(log):
    log.append(said("agreement", version="99"))

    with pytest.raises(Superseded):
        log.append(released())


def test_refusals_are_logged_whatever_stands(log):
    log.append(said("agreement", "terminated"))

    log.append(released() | {"outcome": "refused"})


def test_a_release_decided_by_policies_that_stand_no_more_is_none(log):
    log.append(activated(SAMPLE["policy"]["bundle"]), documents=[("bundle", b"a bundle")])
    log.append(released())
    log.append(activated("sha256:" + "2" * 64), documents=[("bundle", b"a bundle")])

    with pytest.raises(Superseded):
        log.append(released())


def test_in_one_batch_too_the_end_comes_before_what_follows_it(log):
    first = [log.submit(released()), log.submit(said("agreement", "terminated"))]
    last = log.submit(released())

    released_at, ended_at = (one.result().index for one in first)
    assert ended_at == released_at + 1
    with pytest.raises(Superseded):
        last.result()


def test_what_stands_is_the_last_word_about_it(log):
    assert (log.epoch(), log.standing()) == (-1, {})

    log.append(said("agreement"))
    before = log.epoch()
    log.append(said("agreement", "suspended"))

    held = log.standing()["agreement", AGREEMENT]
    assert (held.state, held.version, held.index) == ("suspended", VERSION, log.epoch())
    assert log.epoch() > before


def test_documents_are_kept_once_under_their_digest(directory, log):
    asked = b'{"a":1}' * 100
    for _ in range(3):
        log.append(released(), documents=[("question", asked)])

    assert log.document(digest_of(asked)) == asked
    assert log.document(digest_of(b"never kept")) is None
    with Log.open(directory, key=KEY, gateway="gw-2") as other:
        other.append(released(), documents=[("question", asked)])
        assert other.document(digest_of(asked)) == asked


def test_a_document_somebody_changed_is_none(directory, log):
    log.append(released(), documents=[("question", b"asked")])
    connection = log_file.connect(directory / log_file.FILE)
    connection.execute("DROP TRIGGER document_update")
    connection.execute("UPDATE document SET value = x'00'")
    connection.close()

    with pytest.raises(GatewayError) as caught:
        log.document(digest_of(b"asked"))
    assert caught.value.rule == "document.digest"


def test_earlier_releases_are_counted_for_a_year(directory):
    now = [month_ms(2027, 1)]
    with Log.open(directory, key=KEY, gateway="gw-1", clock=lambda: now[0]) as log:
        log.append(released())
        vital = SAMPLE["border"] | {"destination": "dest.vital"}
        log.append(released() | {"border": vital})
        log.append(released() | {"outcome": "held"})
        purpose = f"{PAIR}>{SAMPLE['purpose']}"
        counted = [log.tally("transfers", purpose), log.tally("derogations", PAIR)]
        now[0] = month_ms(2028, 1)
        a_year_later = log.tally("transfers", purpose)
        now[0] = month_ms(2028, 2)

        assert [*counted, a_year_later] == [2, 1, 2]
        assert log.tally("transfers", purpose) == 0
        assert log.tally("transfers", "org:nobody") == 0


def test_two_releases_of_figures_to_one_recipient_are_not_decided_side_by_side(directory):
    now = [month_ms(2027, 1)]
    row = (b"line", b"cell", 12, True)
    with Log.open(directory, key=KEY, gateway="gw-1", clock=lambda: now[0]) as log:
        before = log.known_cells("org:b")
        assert (before.empty, before.version, list(before.rows([b"line"]))) == (True, 0, [])
        log.append(released(), cells=Cells("org:b", before.version, [row]))

        with pytest.raises(Superseded):
            log.append(released(), cells=Cells("org:b", before.version, [row]))
        log.append(released(), cells=Cells("org:c", 0, [row]))
        known = log.known_cells("org:b")
        assert (known.empty, list(known.rows([b"line", b"other"]))) == (False, [row])
        log.append(released(), cells=Cells("org:b", known.version, [(b"line", b"cell", 13, False)]))
        assert list(log.known_cells("org:b").rows([b"line"])) == [(b"line", b"cell", 13, False)]

        now[0] = month_ms(2028, 1)
        log.destroy_expired()
        assert len(list(log.known_cells("org:b").rows([b"line"]))) == 1
        now[0] = month_ms(2028, 2)
        assert list(log.known_cells("org:b").rows([b"line"])) == []
        log.destroy_expired()
    connection = log_file.connect(directory / log_file.FILE)
    assert connection.execute("SELECT count(*) FROM cell").fetchall() == [(0,)]
    connection.close()


def month_ms(year, month):
    low = 0
    high = 1 << 43
    while low < high:  # the first millisecond of a month, by the function under test
        middle = (low + high) // 2
        low, high = (low, middle) if month_of(middle) >= year * 12 + month else (middle + 1, high)
    return low


def test_months_are_those_of_the_calendar():
    assert month_of(0) == 1970 * 12 + 1
    assert month_of(1_800_000_000_000) == 2027 * 12 + 1


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("UPDATE standing SET state = 'active'", "standing"),
        ("DELETE FROM standing", "standing"),
        ("UPDATE tally SET n = 0", "tally"),
        ("DELETE FROM tally", "tally"),
        ("DELETE FROM document", "document.missing"),
        ("UPDATE document SET value = x'789c030000000001'", "document.digest"),
        (
            "INSERT INTO standing VALUES ('agreement', 'agr:x', '1', 'active', 'd', '', 1)",
            "standing",
        ),
    ],
)
def test_an_auditor_finds_what_does_not_follow_from_the_entries(directory, change, rule):
    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        asked = b"asked"
        policy = SAMPLE["policy"] | {"template": digest_of(asked), "at": "2027-01-01T00:00:00Z"}
        log.append(released() | {"policy": policy}, documents=[("question", asked)])
        log.append(said("agreement", "terminated"))
    assert problems(directory) == set()

    connection = log_file.connect(directory / log_file.FILE)
    query = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'document'"
    triggers = connection.execute(query).fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(change)
    for _, made in triggers:
        connection.execute(made)
    connection.close()

    assert rule in problems(directory)


def test_a_log_of_an_earlier_version_gets_the_tables_it_lacks(directory):
    connection = apsw.Connection(str(directory / log_file.FILE), vfs=log_file.VFS)
    for lot in ("log_revision", "standing", "delivery"):  # a log with a revision has all of them
        for table in re.findall(r"CREATE TABLE (\w+)", log_file.LATER[lot]):
            connection.execute(f"DROP TABLE {table}")
    connection.close()
    assert problems(directory) == {"file.tables"}

    with Log.open(directory, key=KEY, gateway="gw-1") as log:
        log.append(said("agreement"))
    assert problems(directory) == set()


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"subject": None}, "entry.change"),
        ({"signers": None}, "entry.change"),
        ({"documents": None}, "entry.change"),
        ({"digest": None}, "entry.change"),
    ],
)
def test_a_change_that_nobody_stands_for_is_not_logged(log, change, rule):
    entry_ = {k: v for k, v in (said("agreement") | change).items() if v is not None}

    with pytest.raises(GatewayError) as caught:
        log.append(entry_)
    assert (caught.value.rule, log.standing()) == (rule, {})


@pytest.mark.parametrize("name", ["template", "at"])
def test_a_question_is_named_with_its_moment_or_not_at_all(log, name):
    whole = {"template": "sha256:" + "5" * 64, "at": "2027-01-01T00:00:00Z"}

    with pytest.raises(GatewayError) as caught:
        log.append(released() | {"policy": SAMPLE["policy"] | {name: whole[name]}})
    assert caught.value.rule == "entry.question"
