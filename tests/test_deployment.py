"""A deployment's folder: names that must exist elsewhere, and keys that are never replaced."""

import hashlib
import json
import os
import re

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.deployment import (
    SECRETS,
    bearer_digest,
    make_keys,
    new_bearer,
    read_deployment,
    read_key,
    read_keys,
)
from gateway.errors import GatewayError, OfficerError

ORIGIN = "gateway.amal-relief.example/transfers/2026"
AGREEMENT = "agreements/registration-2026.yaml"
PARTY = "parties/amal-relief.yaml"


def test_the_demo_is_read_whole(deployment):
    found = read_deployment(deployment)

    assert found.parties.keys() == {
        "org:amal-relief",
        "org:border-directorate",
        "org:coordination-office",
        "org:sante-sans-rivages",
    }
    assert list(found.agreements) == ["agr:coordination-2026", "agr:registration-2026"]
    assert list(found.mappings) == ["activities-3w", "hope-registration-kobo"]
    assert found.places.level("SO2502") == 2
    assert found.data == deployment / "data"
    assert found.vkey().startswith(ORIGIN)
    assert "SO2502" not in repr(found)


def test_local_policies_are_those_of_the_operator(deployment):
    assert read_deployment(deployment).local_policies is None

    (deployment / "policies" / "sub").mkdir(parents=True)
    (deployment / "policies" / "sub" / "local.rego").write_text("package local", encoding="utf-8")

    assert read_deployment(deployment).local_policies == deployment / "policies"


def edited(deployment, name, old, new):
    path = deployment / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "old", "new", "rule", "at"),
    [
        (
            PARTY,
            "mapping: hope-registration-kobo",
            "mapping: none",
            "party.no_mapping",
            "party org:amal-relief",
        ),
        (
            PARTY,
            "id: org:amal-relief",
            "id: org:sante-sans-rivages",
            "deployment.twice",
            "sante-sans-rivages.yaml",
        ),
        (
            AGREEMENT,
            "party: org:amal-relief",
            "party: org:nobody",
            "agreement.no_party",
            "agreement agr:registration-2026",
        ),
        (
            AGREEMENT,
            "from: org:amal-relief",
            "from: org:border-directorate",
            "agreement.grant",
            "agreement agr:registration-2026",
        ),
        (
            AGREEMENT,
            "to: org:sante-sans-rivages",
            "to: org:amal-relief",
            "agreement.grant",
            "agreement agr:registration-2026",
        ),
        (
            AGREEMENT,
            "to: org:sante-sans-rivages",
            "to: org:nobody",
            "agreement.grant",
            "agreement agr:registration-2026",
        ),
        (
            AGREEMENT,
            "end: 2027-12-31T23:59:59Z",
            "end: 2026-01-01T00:00:00Z",
            "agreement.scope",
            "agreement agr:registration-2026",
        ),
        (
            AGREEMENT,
            "state: active",
            "state: signed",
            "document.enum",
            "registration-2026.yaml, state",
        ),
        (
            AGREEMENT,
            "state: active",
            "state: active\nstate: draft",
            "document.not_yaml",
            "registration-2026.yaml, line 6",
        ),
        ("corridor.toml", "[gateway]", "[gatevay]", "settings.missing", "corridor.toml, gateway"),
    ],
)
def test_a_deployment_that_contradicts_itself_is_refused(deployment, name, old, new, rule, at):
    edited(deployment, name, old, new)

    with pytest.raises(OfficerError) as caught:
        read_deployment(deployment)

    assert (caught.value.rule, caught.value.at) == (rule, at)


@pytest.mark.parametrize(
    "name", ["agreements/registration-2026", "mappings/hope-registration-kobo"]
)
def test_an_id_in_two_files_is_refused(deployment, name):
    text = (deployment / f"{name}.yaml").read_bytes()
    (deployment / f"{name}-copy.yml").write_bytes(text)

    with pytest.raises(OfficerError) as caught:
        read_deployment(deployment)

    assert caught.value.rule == "deployment.twice"
    assert caught.value.at.startswith(name.split("/")[1])


def test_an_empty_folder_names_the_command(tmp_path):
    with pytest.raises(OfficerError, match="corridor init DIR"):
        read_deployment(tmp_path)


# -- keys --------------------------------------------------------------------------------------


def test_keys_are_made_once_and_never_replaced(tmp_path):
    made = make_keys(tmp_path, ORIGIN)
    files = {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()}

    again = make_keys(tmp_path, ORIGIN)

    policy = {"opa.json", "bundle.key", "bundle.pub"}
    assert set(made) == {"log.key", "log.vkey", *SECRETS, "bearer.json", *policy} == files.keys()
    assert again == []
    assert {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()} == files


def test_only_the_owner_may_read_a_private_key(tmp_path):
    make_keys(tmp_path, ORIGIN)

    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()}

    assert modes.pop("log.vkey") == 0o644
    assert modes.pop("bundle.pub") == 0o644
    assert set(modes.values()) == {0o600}
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


def test_two_deployments_have_two_sets_of_keys(tmp_path):
    keys = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        make_keys(tmp_path / name, ORIGIN)
        keys.append(read_keys(tmp_path / name))

    assert len(keys[0].pseudonym) == len(keys[0].content) == 32
    assert len({key.pseudonym for key in keys} | {key.content for key in keys}) == 4
    assert keys[0].bearer == {}


@pytest.mark.parametrize("left", ["log.vkey", "data/log.sqlite"])
def test_the_lost_key_of_a_log_is_not_replaced(tmp_path, left):
    make_keys(tmp_path, ORIGIN)
    (tmp_path / "keys" / "log.key").unlink()
    if left == "data/log.sqlite":
        (tmp_path / "keys" / "log.vkey").unlink()
        (tmp_path / "data").mkdir()
        (tmp_path / left).touch()

    with pytest.raises(GatewayError) as caught:
        make_keys(tmp_path, ORIGIN)

    assert caught.value.rule == "keys.lost"
    assert not (tmp_path / "keys" / "log.key").exists()


def test_a_key_is_never_written_through_a_link(tmp_path):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "content.key").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(FileExistsError):
        make_keys(tmp_path, ORIGIN)

    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", ["log.key", *SECRETS, "bearer.json"])
def test_a_missing_key_names_the_command(deployment, name):
    (deployment / "keys" / name).unlink()

    with pytest.raises(GatewayError, match="corridor init DIR") as caught:
        read_keys(deployment)

    assert (caught.value.rule, caught.value.at) == ("keys.missing", name)
    assert not (deployment / "keys" / name).exists()


@pytest.mark.parametrize("name", ["log.key", *SECRETS, "bearer.json"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_key_that_others_may_open_is_refused(deployment, name, mode):
    os.chmod(deployment / "keys" / name, mode)

    with pytest.raises(GatewayError) as caught:
        read_keys(deployment)

    assert (caught.value.rule, caught.value.at) == ("keys.mode", name)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pseudonym.key", b""),
        ("pseudonym.key", b"\n"),
        ("pseudonym.key", b"ab" * 31),
        ("pseudonym.key", b"ab" * 33),
        ("content.key", b"zz" * 32),
        ("content.key", b"\xff" * 64),
        ("bearer.json", b"{"),
        ("bearer.json", b"[]"),
        ("bearer.json", b'{"org:a": [{}]}'),
        ("bearer.json", b'{"org:a": 1}'),
        ("log.key", b""),
        ("log.key", b"-----BEGIN PRIVATE KEY-----\nCanary\n-----END PRIVATE KEY-----\n"),
    ],
)
def test_a_damaged_key_is_refused_and_not_quoted(deployment, name, content):
    (deployment / "keys" / name).write_bytes(content)

    with pytest.raises(GatewayError) as caught:
        read_keys(deployment)

    assert (caught.value.rule, caught.value.at) == ("keys.broken", name)
    assert caught.value.__cause__ is None


def test_a_key_of_another_kind_is_refused(deployment):
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (deployment / "keys" / "log.key").write_bytes(pem)

    with pytest.raises(GatewayError) as caught:
        read_keys(deployment)

    assert caught.value.rule == "keys.kind"


def test_the_public_key_may_be_read_by_anyone(deployment):
    os.chmod(deployment / "keys" / "log.vkey", 0o644)

    assert read_key(deployment / "keys" / "log.vkey").startswith(ORIGIN)


def test_keys_are_not_printed(deployment):
    keys = read_keys(deployment)

    assert keys.pseudonym.hex() not in repr(keys)
    assert repr(keys) == "Keys()"


# -- bearer keys -------------------------------------------------------------------------------


def test_only_the_digest_of_a_bearer_key_is_kept(deployment):
    before = read_keys(deployment).bearer

    token = new_bearer(deployment, "org:sante-sans-rivages")

    path = deployment / "keys" / "bearer.json"
    assert re.fullmatch(r"ck_[A-Za-z0-9_-]{43}", token)
    assert token not in path.read_text(encoding="utf-8")
    assert path.stat().st_mode & 0o777 == 0o600
    assert not path.with_suffix(".new").exists()
    assert read_keys(deployment).bearer == {
        **before,
        hashlib.sha256(token.encode()).hexdigest(): "org:sante-sans-rivages",
    }


def test_a_second_bearer_key_leaves_the_first_valid(deployment, token):
    other = new_bearer(deployment, "org:amal-relief")

    held = read_keys(deployment).bearer

    assert other != token
    assert {held[bearer_digest(one)] for one in (token, other)} == {"org:amal-relief"}


def test_a_half_written_bearer_file_is_replaced(deployment):
    (deployment / "keys" / "bearer.new").write_text("{", encoding="utf-8")

    token = new_bearer(deployment, "org:amal-relief")

    held = json.loads((deployment / "keys" / "bearer.json").read_text(encoding="utf-8"))
    assert {"sha256": bearer_digest(token)} in held["org:amal-relief"]
