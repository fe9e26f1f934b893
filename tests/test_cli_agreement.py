"""`corridor agreement` from the first question to the end, with real keys and a real log."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from gateway import cli_agreement_sign, log_view
from gateway.agreement import content, content_digest
from gateway.agreement_check import read
from gateway.agreement_standing import standing_of
from gateway.canonical import digest
from gateway.cli_agreement import agreement
from gateway.deployment import read_deployment, read_keys
from gateway.entry import control, parse
from gateway.errors import GatewayError
from gateway.log import Log
from gateway.signing import write_private
from tests.signed_world import AGREEMENT, ANSWERS, RECIPIENT, SENDER, World, made

app = typer.Typer()
app.add_typer(agreement, name="agreement")
assert cli_agreement_sign  # its commands are registered by importing it

REASON = "Read whole; the notice is given and the clinic was visited."
DPO, PROGRAMME, OTHER_DPO = "officer:dpo-1", "officer:programme-1", "officer:dpo-2"


class Shell:
    """A world with key files, and the command line."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        folder.mkdir()
        for name, key in world.keys.items():
            write_private(self.key(name), {**key.as_dict(private=True), "kty": "OKP"})

    def key(self, name: str) -> Path:
        return self.folder / f"{name.partition(':')[2]}.key"

    def run(self, *words: object, code: int = 0) -> str:
        directory = str(self.world.directory)
        done = CliRunner().invoke(app, ["agreement", *map(str, words), "-d", directory])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        return done.output

    def sign(self, *parties: str, code: int = 0, **more: object) -> str:
        extra = [one for name, value in more.items() for one in (f"--{name}", value)]
        said = [
            self.run("sign", AGREEMENT, "--as", one, "--key", self.key(one), *extra, code=code)
            for one in parties
        ]
        return "".join(said)

    def approve(self, name: str, role: str, code: int = 0, **more: object) -> Path:
        number = len(list(self.folder.glob("*.jws")))
        out = self.folder / f"{number}.jws"
        said = {"as": name, "role": role, "key": self.key(name), "reason": REASON, "out": out}
        words = [one for key, value in {**said, **more}.items() for one in (f"--{key}", value)]
        self.said = self.run("approve", AGREEMENT, *words, code=code)
        return out

    def activate(self, *approvals: Path, code: int = 0) -> str:
        words = [one for path in approvals for one in ("--approval", path)]
        return self.run("activate", AGREEMENT, *words, code=code)

    def in_force(self) -> str:
        self.sign(SENDER, RECIPIENT)
        return self.activate(self.approve(DPO, "dpo"), self.approve(PROGRAMME, "programme"))

    def refuse_unsigned(self) -> None:
        self.edit("corridor.toml", 'unsigned = "allow"', 'unsigned = "refuse"')

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.world.directory / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def state(self) -> str:
        listed = json.loads(self.run("list", "--json"))
        return next(one["state"] for one in listed if one.get("id") == AGREEMENT)

    def log(self) -> list[dict]:
        found = [parse(leaf) for _, leaf in log_view.entries(self.world.directory / "data")]
        return [one for one in found if one.get("what") == "agreement"]

    def document(self) -> dict:
        return read(self.world.path)[0]


@pytest.fixture
def shell(prepared, tmp_path):
    return Shell(made(prepared[0], tmp_path / "demo"), tmp_path / "people")


# -- the whole way -----------------------------------------------------------------------------


def test_from_the_questions_to_the_end(prepared, tmp_path):
    shell = Shell(made(prepared[0], tmp_path / "demo"), tmp_path / "people")
    shell.refuse_unsigned()
    shell.world.path.unlink()
    answers = tmp_path / "answers.yaml"
    answers.write_text(json.dumps(ANSWERS))

    assert "made clinics-2026.yaml" in shell.run("new", "--answers", answers)
    assert shell.run("check", AGREEMENT) == "agreements: 1 checked, nothing found\n"
    assert shell.state() == "draft"
    assert "signed" in shell.sign(SENDER, RECIPIENT)
    said = shell.activate(shell.approve(DPO, "dpo"), shell.approve(PROGRAMME, "programme"))
    assert "in force: entry" in said
    assert shell.state() == "active"
    suspend = ("--as", DPO, "--key", shell.key(DPO), "--reason", REASON)
    assert "the log refuses it from that entry on" in shell.run("suspend", AGREEMENT, *suspend)
    assert shell.state() == "suspended"
    again = shell.activate(shell.approve(DPO, "dpo"), shell.approve(PROGRAMME, "programme"))
    assert "in force: entry" in again
    end = ("--as", RECIPIENT, "--key", shell.key(RECIPIENT))
    assert "terminated: entry" in shell.run("end", AGREEMENT, *end)
    assert "already" in shell.run("end", AGREEMENT, *end)

    assert shell.state() == "terminated"
    states = [one["subject"]["state"] for one in shell.log()]
    assert states == ["active", "suspended", "active", "terminated"]


def test_what_the_log_keeps_of_an_activation(shell):
    said = shell.in_force()

    [entry] = shell.log()
    document = shell.document()
    assert entry["subject"] == {"id": AGREEMENT, "version": "1", "state": "active"}
    assert entry["digest"] == content_digest(document)
    assert entry["signers"] == [DPO, PROGRAMME, SENDER, RECIPIENT]
    held = read_deployment(shell.world.directory)
    with Log.open(held.data, key=read_keys(held.directory).log, gateway="demo-1") as log:
        row = log.standing()["agreement", AGREEMENT]
        kept = [log.document(one) for one in entry["documents"]]
        assert log.document(row.document) == content(document)
    assert (row.state, row.version, row.digest) == ("active", "1", entry["digest"])
    assert f"entry {row.index} of" in said
    assert kept[0] == content(document)
    approvals = [path.read_bytes().strip() for path in sorted(shell.folder.glob("*.jws"))]
    assert kept[1:3] == approvals
    assert json.loads(kept[3]) == {"signed_by": document["signed_by"]}
    assert [digest(one) for one in kept] == entry["documents"]
    assert standing_of(held.data) == {AGREEMENT: row}


def test_comments_and_every_other_line_stay(shell):
    before = shell.world.path.read_text().splitlines()
    shell.in_force()
    after = shell.world.path.read_text().splitlines()

    assert [row for row in before if row not in after] == ["state: draft"]
    assert after[: len(before)] == [
        "state: active" if row == "state: draft" else row for row in before
    ]
    assert after[len(before)] == "signed_by:"


def test_activating_twice_is_one_entry(shell):
    shell.in_force()
    approvals = sorted(shell.folder.glob("*.jws"))

    assert "already" in shell.activate(*approvals)
    shell.edit("agreements/clinics-2026.yaml", "state: active", "state: draft")
    assert "already" in shell.activate(*approvals)
    assert shell.document()["state"] == "active"
    assert len(shell.log()) == 1


# -- new and check -----------------------------------------------------------------------------


def test_a_draft_replaces_no_file_and_needs_a_terminal(shell, tmp_path):
    answers = tmp_path / "answers.yaml"
    answers.write_text(json.dumps(ANSWERS))

    assert "out.unwritable" in shell.run("new", "--answers", answers, code=1)
    shell.run("new", "--answers", answers, "--emergency", "--out", tmp_path / "x.yaml", code=1)
    assert not (tmp_path / "x.yaml").exists()
    shell.run("new", code=2)


def test_an_emergency_draft(shell, tmp_path):
    unasked = ("could_refuse/hum.health.care", "dpia", "dpia_outcome")
    said = {key: one for key, one in ANSWERS.items() if key not in unasked}
    answers = tmp_path / "answers.yaml"
    answers.write_text(json.dumps(said))
    out = tmp_path / "x.yaml"

    shell.run("new", "--answers", answers, "--emergency", "--out", out)

    assert "nothing found" in shell.run("check", out)
    assert read(out)[0]["kind"] == "emergency_interim"


def test_findings_have_file_line_and_rule(shell):
    shell.edit("agreements/clinics-2026.yaml", "allowed: false", "allowed: true")
    broken = shell.world.directory / "agreements" / "broken.yaml"
    broken.write_text("id: agr:broken\nkind: [\n")
    rows = shell.world.path.read_text().splitlines()
    line = rows.index("onward:") + 1

    one = shell.run("check", AGREEMENT, code=1)
    whole = shell.run("check", code=1)

    assert one.startswith(f"clinics-2026.yaml:{line}: agreement.onward: ")
    assert "broken.yaml, line 3: document.not_yaml: not YAML that we read" in whole
    assert "clinics-2026.yaml" in whole
    assert "agreement.unknown" in shell.run("check", "agr:nobody", code=1)


def test_two_files_of_one_id(shell):
    copy = shell.world.directory / "agreements" / "copy.yaml"
    copy.write_text(shell.world.path.read_text())

    assert "copy.yaml:2: deployment.twice" in shell.run("check", code=1)
    assert "deployment.twice" in shell.run("check", AGREEMENT, code=1)
    assert "deployment.twice" in shell.run("show", AGREEMENT, code=1)


def test_an_agreement_can_be_ended_beside_a_broken_one(shell):
    shell.in_force()
    (shell.world.directory / "agreements" / "broken.yaml").write_text("id: [")

    shell.run("end", AGREEMENT, "--as", SENDER, "--key", shell.key(SENDER))

    assert [one["subject"]["state"] for one in shell.log()] == ["active", "terminated"]
    assert "unreadable" in shell.run("list")


# -- signing -----------------------------------------------------------------------------------


def test_the_hash_of_the_signed_document(shell, tmp_path):
    paper, other = tmp_path / "signed.pdf", tmp_path / "other.pdf"
    paper.write_bytes(b"the text on paper")
    other.write_bytes(b"another text")

    shell.sign(SENDER, document=paper)
    assert "agreement.document" in shell.sign(RECIPIENT, document=other, code=1)
    shell.sign(RECIPIENT, document=paper, officer=OTHER_DPO, role="director")

    document = shell.document()
    assert document["document_hash"] == digest(b"the text on paper")
    assert [one["party"] for one in document["signed_by"]] == [SENDER, RECIPIENT]
    assert document["signed_by"][1]["role"] == "director"
    assert "document.unreadable" in shell.sign(SENDER, document=tmp_path / "none", code=1)


def test_a_document_that_comes_after_a_signature_is_another_agreement(shell, tmp_path):
    paper = tmp_path / "signed.pdf"
    paper.write_bytes(b"the text on paper")
    shell.sign(SENDER)

    assert "agreement.document" in shell.sign(RECIPIENT, document=paper, code=1)


def test_a_party_that_signs_again_replaces_its_signature(shell):
    shell.sign(SENDER, RECIPIENT)
    shell.edit("agreements/clinics-2026.yaml", "title: Clinics", "title: The clinics")
    assert shell.run("check", AGREEMENT, code=1).count("agreement.signature") == 2

    shell.sign(SENDER)

    assert shell.run("check", AGREEMENT, code=1).count("agreement.signature") == 1
    shell.sign(RECIPIENT)
    assert "nothing found" in shell.run("check", AGREEMENT)


def test_nobody_signs_with_anothers_key_or_for_a_stranger(shell):
    before = shell.world.path.read_text()
    key = ("--key", shell.key(SENDER))

    wrong = shell.run("sign", AGREEMENT, "--as", RECIPIENT, *key, code=1)
    stranger = shell.run("sign", AGREEMENT, "--as", "org:coordination-office", *key, code=1)

    assert "signature.unknown_key" in wrong
    assert "agreement.signature" in stranger
    assert shell.world.path.read_text() == before


def test_what_is_not_fit_is_not_signed(shell):
    shell.edit("agreements/clinics-2026.yaml", "allowed: false", "allowed: true")

    said = shell.sign(SENDER, code=1)

    assert "agreement.onward" in said
    assert "signed_by" not in shell.document()


# -- approving and activating ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "role", "more", "rule"),
    [
        (DPO, "programme", {}, "approval.role"),
        (DPO, "dpo", {"reason": "too short"}, "approval.reason"),
        ("officer:nobody", "dpo", {"key": DPO}, "approval.officer"),
        (DPO, "dpo", {"key": PROGRAMME}, "signature.unknown_key"),
    ],
)
def test_an_approval_that_would_not_count_is_not_written(shell, name, role, more, rule):
    more = {key: shell.key(one) if key == "key" else one for key, one in more.items()}

    out = shell.approve(name, role, code=1, **more)

    assert rule in shell.said
    assert not out.exists()


def test_two_people_in_two_roles_must_approve(shell):
    shell.sign(SENDER, RECIPIENT)
    dpo = shell.approve(DPO, "dpo")
    programme = shell.approve(PROGRAMME, "programme")
    other = shell.approve(OTHER_DPO, "dpo")
    same = shell.approve(PROGRAMME, "dpo")
    outsider = shell.approve("officer:outsider", "security")

    assert "approval.two" in shell.activate(dpo, code=1)
    assert "approval.two" in shell.activate(dpo, other, code=1)
    assert "approval.twice" in shell.activate(programme, same, code=1)
    assert "approval.twice" in shell.activate(dpo, dpo, code=1)
    assert "approval.outsider" in shell.activate(dpo, outsider, code=1)
    assert shell.log() == []
    assert shell.document()["state"] == "draft"
    shell.activate(dpo, programme)
    assert len(shell.log()) == 1


def test_an_approval_of_another_text_does_not_count(shell):
    dpo, programme = shell.approve(DPO, "dpo"), shell.approve(PROGRAMME, "programme")
    shell.edit("agreements/clinics-2026.yaml", "title: Clinics", "title: The clinics")
    shell.sign(SENDER, RECIPIENT)

    said = shell.activate(dpo, programme, code=1)

    assert "approves another digest at 0.jws (approval.digest)" in said
    assert shell.log() == []


def test_what_nobody_signed_is_not_activated(shell):
    approvals = shell.approve(DPO, "dpo"), shell.approve(PROGRAMME, "programme")
    shell.refuse_unsigned()
    shell.sign(SENDER)

    assert "agreement.unsigned" in shell.activate(*approvals, code=1)
    assert shell.log() == []
    shell.sign(RECIPIENT)
    shell.activate(*approvals)
    assert shell.state() == "active"


def test_where_unsigned_ones_count_two_officers_are_enough(shell):
    shell.activate(shell.approve(DPO, "dpo"), shell.approve(PROGRAMME, "programme"))

    [entry] = shell.log()
    assert entry["signers"] == [DPO, PROGRAMME]
    assert len(entry["documents"]) == 3


def test_what_has_findings_is_not_activated(shell):
    shell.sign(SENDER, RECIPIENT)
    approvals = shell.approve(DPO, "dpo"), shell.approve(PROGRAMME, "programme")
    shell.edit("corridor.toml", "[agreements]", "[agreements]")
    shell.edit("parties/sante-sans-rivages.yaml", "status: active", "status: suspended")

    said = shell.activate(*approvals, code=1)

    assert "agreement.party_suspended" in said
    assert "not ready to be activated" in said
    assert shell.log() == []


def test_a_changed_text_needs_another_version(shell):
    shell.in_force()
    shell.edit("agreements/clinics-2026.yaml", "title: Clinics", "title: The clinics")
    shell.sign(SENDER, RECIPIENT)
    assert shell.state() == "draft"

    approvals = shell.approve(DPO, "dpo"), shell.approve(PROGRAMME, "programme")
    assert "agreement.version" in shell.activate(*approvals, code=1)
    shell.edit("agreements/clinics-2026.yaml", "version: '1'\n", "version: '2'\n")
    shell.sign(SENDER, RECIPIENT)
    approvals = shell.approve(DPO, "dpo"), shell.approve(PROGRAMME, "programme")
    assert "agreement.supersedes" in shell.activate(*approvals, code=1)
    shell.edit("agreements/clinics-2026.yaml", "version: '2'\n", "version: '2'\nsupersedes: '1'\n")
    shell.sign(SENDER, RECIPIENT)
    approvals = shell.approve(DPO, "dpo"), shell.approve(PROGRAMME, "programme")
    shell.activate(*approvals)

    assert [one["subject"]["version"] for one in shell.log()] == ["1", "2"]
    assert shell.state() == "active"


def test_a_log_that_fails_leaves_the_draft_a_draft(shell, monkeypatch):
    shell.sign(SENDER, RECIPIENT)
    approvals = shell.approve(DPO, "dpo"), shell.approve(PROGRAMME, "programme")
    before = shell.world.path.read_bytes()

    def full(*_args, **_more):
        assert b"state: active" in shell.world.path.read_bytes()
        raise GatewayError("the disk is full", rule="log.unavailable")

    monkeypatch.setattr(Log, "append", full)

    assert "log.unavailable" in shell.activate(*approvals, code=1)
    assert shell.world.path.read_bytes() == before


def test_an_activated_policy_is_the_one_that_judges(shell):
    from gateway.session import bundle_of

    held = read_deployment(shell.world.directory)
    bundle = bundle_of(held)
    text = bundle.data.replace(b'"prohibited":[]', b'"prohibited":["FR"]')
    stricter = replace(bundle, data=text)
    assert stricter.revision != bundle.revision
    kept = [("bundle", stricter.packed())]
    said = control(
        gateway="demo-1", what="policy", digest=stricter.revision,
        subject={"id": "policy", "version": "2", "state": "active"}, signers=[DPO],
        documents=[digest(kept[0][1])],
    )  # fmt: skip
    with Log.open(held.data, key=read_keys(held.directory).log, gateway="demo-1") as log:
        log.append(said, documents=kept)
    shell.sign(SENDER, RECIPIENT)
    approvals = shell.approve(DPO, "dpo"), shell.approve(PROGRAMME, "programme")

    assert "agreement.prohibited" in shell.activate(*approvals, code=1)


# -- stopping ----------------------------------------------------------------------------------


def stop(shell, verb, name, code=0, key=None, **more):
    words = ["--as", name, "--key", shell.key(key or name)]
    words += [one for option, value in more.items() for one in (f"--{option}", value)]
    return shell.run(verb, AGREEMENT, *words, code=code)


@pytest.mark.parametrize("party", [SENDER, RECIPIENT])
def test_either_party_alone_can_end_it(shell, party):
    shell.in_force()

    stop(shell, "end", party)

    entry = shell.log()[-1]
    assert (entry["subject"]["state"], entry["signers"]) == ("terminated", [party])
    assert entry["digest"] == content_digest(shell.document())
    assert shell.document()["state"] == "terminated"


def test_what_was_ended_is_never_activated_again(shell):
    shell.in_force()
    stop(shell, "end", SENDER)
    approvals = sorted(shell.folder.glob("*.jws"))

    assert "agreement.ended" in shell.activate(*approvals, code=1)
    shell.edit("agreements/clinics-2026.yaml", "state: terminated", "state: active")
    assert "ended for good" in shell.activate(*approvals, code=1)
    assert shell.state() == "terminated"
    assert "agreement.ended" in stop(shell, "suspend", SENDER, code=1, reason=REASON)


def test_what_stands_is_ended_even_while_another_version_is_written(shell):
    shell.in_force()
    standing = content_digest(shell.document())
    shell.edit("agreements/clinics-2026.yaml", "version: '1'", "version: '2'")

    stop(shell, "end", SENDER)

    entry = shell.log()[-1]
    assert (entry["subject"]["version"], entry["digest"]) == ("1", standing)
    assert shell.document()["state"] == "active"  # the draft of version 2 is left alone
    assert shell.state() == "terminated"


def test_one_that_never_was_in_the_log_can_be_ended(shell):
    stop(shell, "end", SENDER)

    assert [one["subject"]["state"] for one in shell.log()] == ["terminated"]
    assert shell.state() == "terminated"


@pytest.mark.parametrize(
    ("verb", "name", "key", "rule"),
    [
        ("end", RECIPIENT, SENDER, "signature.unknown_key"),
        ("end", DPO, None, "agreement.who"),
        ("end", "officer:outsider", None, "agreement.who"),
        ("suspend", "officer:outsider", None, "agreement.who"),
        ("end", "org:coordination-office", SENDER, "signature.unknown_key"),
        ("end", "org:nobody", SENDER, "agreement.who"),
    ],
)
def test_nobody_else_stops_it(shell, verb, name, key, rule):
    shell.in_force()

    assert rule in stop(shell, verb, name, code=1, key=key, reason=REASON)
    assert [one["subject"]["state"] for one in shell.log()] == ["active"]
    assert shell.state() == "active"


def test_an_officer_who_left_suspends_nothing(shell):
    shell.in_force()
    shell.edit("officers/dpo-1.yaml", "status: active", "status: left")

    assert "agreement.who" in stop(shell, "suspend", DPO, code=1, reason=REASON)


def test_a_pause_needs_a_reason(shell):
    assert "approval.reason" in stop(shell, "suspend", SENDER, code=1, reason="because")


# -- looking -----------------------------------------------------------------------------------


def test_the_list(shell):
    shell.in_force()

    listed = {one["id"]: one for one in json.loads(shell.run("list", "--json"))}
    table = shell.run("list")

    one = listed[AGREEMENT]
    assert (one["state"], one["version"], one["findings"]) == ("active", "1", 0)
    assert one["signed_by"] == [SENDER, RECIPIENT]
    assert 360 < one["days_left"] < 367
    assert AGREEMENT in table


def test_a_list_without_a_log_or_with_a_day_that_is_none(shell):
    shell.edit(
        "agreements/clinics-2026.yaml",
        f"end: '{shell.document()['scope']['end'][:10]}",
        "end: '2027-02-30",
    )
    for path in (shell.world.directory / "data").iterdir():
        path.unlink()

    [one] = [row for row in json.loads(shell.run("list", "--json")) if row["id"] == AGREEMENT]
    assert (one["days_left"], one["findings"], one["state"]) == (0, 1, "draft")


def test_it_is_shown_in_plain_words(shell):
    shell.in_force()

    said = shell.run("show", AGREEMENT)
    whole = json.loads(shell.run("show", AGREEMENT, "--json"))

    assert f"{AGREEMENT} version 1: active" in said
    assert "signed by Amal Relief, Santé sans rivages; 0 findings" in said
    assert "somebody's vital interest" in said
    assert whole["digest"] == content_digest(shell.document())
    assert [head for head, _ in whole["says"] if head == "may leave"] == ["may leave"]


def test_exports(shell):
    shell.in_force()

    assert shell.run("export", AGREEMENT).encode() == content(shell.document())
    found = json.loads(shell.run("export", AGREEMENT, "--odrl"))
    assert found["@type"] == "odrl:Agreement"
    assert found["dpv:hasStatus"]["@id"].endswith("#ContractActive")


def test_no_message_quotes_what_somebody_wrote(shell):
    shell.edit("agreements/clinics-2026.yaml", "title: Clinics for", "title: CANARY for")
    shell.edit("agreements/clinics-2026.yaml", "contact: data protection desk", "contact: CANARY")
    said = shell.sign(SENDER, RECIPIENT)
    said += shell.activate(shell.approve(DPO, "dpo"), shell.approve(PROGRAMME, "programme"))
    said += shell.run("list") + shell.run("check", AGREEMENT)
    said += stop(shell, "end", SENDER, reason="CANARY " * 4)

    assert "CANARY" not in said
    assert all("CANARY" not in json.dumps(one) for one in shell.log())
