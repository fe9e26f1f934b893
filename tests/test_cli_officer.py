"""`corridor officer` and `corridor party sign-key`: keys are made once, and shown to nobody."""

import json

import pytest
import typer
import yaml
from typer.testing import CliRunner

from gateway.cli_officer import officer, party_sign_key
from gateway.deployment import read_deployment
from gateway.errors import OfficerError
from gateway.signing import read_private, sign, thumbprint, verify

app = typer.Typer()
app.add_typer(officer, name="officer")
app.command("sign-key")(party_sign_key)
SENDER = "org:amal-relief"


@pytest.fixture
def run(deployment):
    def runs(*words, code=0):
        done = CliRunner().invoke(app, [*map(str, words), "-d", str(deployment)])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        return done.output

    return runs


def added(run, tmp_path, name="officer:dpo-1", code=0, party=SENDER, roles=("dpo",), key="dpo.key"):
    words = [one for role in roles for one in ("--role", role)]
    out = ("--key-out", tmp_path / key)
    return run("officer", "add", name, "--party", party, *words, *out, code=code)


def test_an_officer_has_a_key_of_their_own(deployment, run, tmp_path):
    said = added(run, tmp_path, roles=("dpo", "legal"))

    key = read_private(tmp_path / "dpo.key")
    held = read_deployment(deployment).officers["officer:dpo-1"]
    assert (held["party"], held["roles"], held["status"]) == (SENDER, ["dpo", "legal"], "active")
    assert verify(sign(b"x", key, "t"), held["keys"], "t") == (b"x", key.thumbprint())
    assert (tmp_path / "dpo.key").stat().st_mode & 0o777 == 0o600
    secret = json.loads((tmp_path / "dpo.key").read_text())["d"]
    assert secret not in said + (deployment / "officers" / "dpo-1.yaml").read_text()


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({"party": "org:nobody"}, "party.unknown"),
        ({"roles": ("king",)}, "document.enum"),
        ({"name": "Amina"}, "document.pattern"),
        ({"key": "taken.key"}, "keys.unwritable"),
    ],
)
def test_what_makes_no_officer(deployment, run, tmp_path, more, rule):
    (tmp_path / "taken.key").touch()

    said = added(run, tmp_path, code=1, **more)

    assert rule in said
    assert "Amina" not in said
    assert list((deployment / "officers").glob("*.yaml")) == []
    assert [path.name for path in tmp_path.glob("*.key")] == ["taken.key"]


def test_an_officer_is_never_replaced(deployment, run, tmp_path):
    added(run, tmp_path)
    before = (deployment / "officers" / "dpo-1.yaml").read_text()

    assert "officer.exists" in added(run, tmp_path, code=1, key="other.key")
    (deployment / "officers" / "dpo-2.yaml").write_text(before.replace("dpo-1", "other"))
    assert "keys.twice" in added(run, tmp_path, "officer:dpo-2", code=1, key="other.key")
    assert (deployment / "officers" / "dpo-1.yaml").read_text() == before


def test_a_file_of_that_name_is_left_alone(deployment, run, tmp_path):
    added(run, tmp_path)
    path = deployment / "officers" / "dpo-1.yaml"
    path.write_text(path.read_text().replace("officer:dpo-1", "officer:other"))

    assert "out.unwritable" in added(run, tmp_path, code=1, key="other.key")
    assert not (tmp_path / "other.key").exists()


def test_the_list(deployment, run, tmp_path):
    added(run, tmp_path)
    path = deployment / "officers" / "dpo-1.yaml"
    one = json.loads(run("officer", "list", "--json"))[0]
    assert one["valid_keys"] == [read_private(tmp_path / "dpo.key").thumbprint()]
    assert "officer:dpo-1" in run("officer", "list")

    path.write_text(path.read_text() + "    revoked_at: 2026-01-01T00:00:00Z\n")
    assert json.loads(run("officer", "list", "--json"))[0]["valid_keys"] == []


def test_a_party_gets_a_key_and_the_rest_of_its_file_stays(deployment, run, tmp_path):
    path = deployment / "parties" / "amal-relief.yaml"
    before = path.read_text()

    run("sign-key", SENDER, "--key-out", tmp_path / "a.key")
    run("sign-key", SENDER, "--key-out", tmp_path / "b.key")

    assert path.read_text().startswith(before)
    held = read_deployment(deployment).parties[SENDER]["keys"]
    made = [read_private(tmp_path / name).thumbprint() for name in ("a.key", "b.key")]
    assert [thumbprint(one["jwk"]) for one in held] == made
    assert yaml.safe_load(path.read_text())["name"] == "Amal Relief"


def test_a_party_that_is_not_known_or_a_key_that_is_there(deployment, run, tmp_path):
    (tmp_path / "a.key").write_text("precious")
    before = (deployment / "parties" / "amal-relief.yaml").read_text()

    assert "party.unknown" in run("sign-key", "org:nobody", "--key-out", tmp_path / "b", code=1)
    assert "keys.unwritable" in run("sign-key", SENDER, "--key-out", tmp_path / "a.key", code=1)
    assert (tmp_path / "a.key").read_text() == "precious"
    assert (deployment / "parties" / "amal-relief.yaml").read_text() == before


# -- what the folder may hold ------------------------------------------------------------------


def test_one_key_is_one_persons(deployment, run, tmp_path):
    added(run, tmp_path)
    path = deployment / "officers" / "dpo-1.yaml"
    other = path.read_text().replace("officer:dpo-1", "officer:programme-1")
    (deployment / "officers" / "programme-1.yaml").write_text(other)

    with pytest.raises(OfficerError) as caught:
        read_deployment(deployment)
    assert (caught.value.rule, caught.value.at) == ("keys.twice", "officer:programme-1")


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (f"party: {SENDER}", "party: org:nobody", "officer.no_party"),
        ("kty: OKP", "kty: RSA", "document.const"),
        ("crv: Ed25519", "crv: Ed448", "document.const"),
        ("crv: Ed25519", 'crv: Ed25519, d: "x"', "document.additionalProperties"),
        ("status: active", "status: busy", "document.enum"),
        ("roles: [dpo]", "roles: []", "document.minItems"),
    ],
)
def test_an_officers_file_is_checked(deployment, run, tmp_path, old, new, rule):
    added(run, tmp_path)
    path = deployment / "officers" / "dpo-1.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))

    with pytest.raises(OfficerError) as caught:
        read_deployment(deployment)
    assert caught.value.rule == rule
