"""Signed bundles: OPA's own form, and nothing believed that is not whole and ours."""

import base64
import gzip
import hashlib
import hmac
import io
import json
import subprocess
import tarfile

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from gateway.cli import app
from gateway.deployment import make_keys
from gateway.errors import CorridorError, GatewayError, OfficerError
from gateway.policy import bundle_signing, read_bundle
from gateway.policy.bundle import tarball
from gateway.policy.bundle_signing import (
    ALGORITHM,
    KEYID,
    SIGNATURES,
    file_digest,
    read_signing_key,
    signed,
    verify_bundle,
)
from tests.policy_servers import needs_opa, opa_refuses, opa_server
from tests.strategies_policy import POLICIES

PEM = serialization.Encoding.PEM
LOCAL = 'package local\n\nnarrow := {"person": {"name": "drop"}}\n'


def private_pem(key):
    kind = serialization.PrivateFormat.PKCS8
    return key.private_bytes(PEM, kind, serialization.NoEncryption()).decode()


def public_pem(key):
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(PEM, kind).decode()


KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = public_pem(KEY)


@pytest.fixture(scope="module")
def bundle():
    return read_bundle(POLICIES)


@pytest.fixture(scope="module")
def packed(bundle):
    return signed(bundle, KEY)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Files for OPA: the private key, the public one."""
    folder = tmp_path_factory.mktemp("keys")
    (folder / "bundle.key").write_text(private_pem(KEY))
    (folder / "bundle.pub").write_text(PUBLIC)
    return folder / "bundle.key", folder / "bundle.pub"


def files_of(packed):
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        return {entry.name: archive.extractfile(entry).read() for entry in archive}


def token_of(files):
    return json.loads(files[SIGNATURES])["signatures"][0]


def part(token, number):
    text = token.split(".")[number]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def packed_again(files):
    return tarball(files.items())


def signed_as(files, *, header=None, payload=None, key=KEY):
    """The files under a token somebody else could have made."""
    claims = [
        {"name": name, "hash": file_digest(name, content), "algorithm": "SHA-256"}
        for name, content in files.items()
        if name != SIGNATURES
    ]
    header = {"alg": ALGORITHM, "kid": KEYID, "typ": "JWT"} | (header or {})
    payload = {"files": claims, "keyid": KEYID} | (payload or {})
    said = b".".join(
        base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in (header, payload)
    )
    if header["alg"] == "HS256":
        made = hmac.digest(PUBLIC.encode(), said, "sha256")
    elif header["alg"] == "none":
        made = b""
    else:
        halves = decode_dss_signature(key.sign(said, ec.ECDSA(hashes.SHA256())))
        made = b"".join(half.to_bytes(32, "big") for half in halves)
    token = said + b"." + base64.urlsafe_b64encode(made).rstrip(b"=")
    return files | {SIGNATURES: json.dumps({"signatures": [token.decode()]}).encode()}


def refused(packed, **how):
    with pytest.raises(OfficerError) as caught:
        verify_bundle(packed, **{"public_key": PUBLIC} | how)
    assert caught.value.__cause__ is None
    return caught.value.rule, caught.value.at


# -- the form ----------------------------------------------------------------------------------


def test_what_is_signed_is_the_bundle_and_one_file_more(bundle, packed):
    files = files_of(packed)

    assert verify_bundle(packed, PUBLIC) == bundle
    assert {*files} - {name for name, _ in bundle.files()} == {SIGNATURES}
    claims = json.loads(part(token_of(files), 1))
    assert claims["keyid"] == KEYID
    assert {one["name"] for one in claims["files"]} == {name for name, _ in bundle.files()}


def test_the_same_bundle_and_key_are_the_same_bytes(bundle, packed):
    assert signed(read_bundle(POLICIES), KEY) == packed
    assert signed(bundle, ec.generate_private_key(ec.SECP256R1())) != packed


@needs_opa
def test_the_signature_file_is_what_opa_writes(bundle, packed, keys, tmp_path):
    bundle.write(tmp_path / "bundle.tar.gz")
    (tmp_path / "claims.json").write_text(json.dumps({"keyid": KEYID}))
    opa("sign", "--bundle", tmp_path / "bundle.tar.gz", "--signing-alg", ALGORITHM, "-o", tmp_path,
        "--signing-key", keys[0], "--claims-file", tmp_path / "claims.json")  # fmt: skip

    theirs = (tmp_path / SIGNATURES).read_bytes()
    ours = files_of(packed)[SIGNATURES]

    their_token, our_token = (json.loads(text)["signatures"][0] for text in (theirs, ours))
    assert part(our_token, 1) == part(their_token, 1)
    assert ours.replace(our_token.encode(), b"") == theirs.replace(their_token.encode(), b"")
    assert len(part(our_token, 2)) == len(part(their_token, 2)) == 64


@needs_opa
def test_opa_builds_from_it_and_signs_alike(packed, keys, tmp_path):
    (tmp_path / "in.tar.gz").write_bytes(packed)
    opa("build", "--bundle", tmp_path / "in.tar.gz", "--signing-key", keys[0],
        "--verification-key", keys[1], "--verification-key-id", KEYID,
        "--signing-alg", ALGORITHM, "-o", tmp_path / "out.tar.gz")  # fmt: skip

    theirs = files_of((tmp_path / "out.tar.gz").read_bytes())[f"/{SIGNATURES}"]

    token = json.loads(theirs)["signatures"][0]
    assert part(token, 0) == part(token_of(files_of(packed)), 0)


@needs_opa
@pytest.mark.parametrize("name", ["data.json", "a/data.json", ".manifest", "x.json", "x.rego"])
def test_files_are_digested_as_opa_does(keys, tmp_path, name):
    odd = {
        "z": [1, -5, 2**53 - 1, True, None, "<&>", '"\\/', "\u2028\u2029 \u007f \u00e9 \u0301"],
        "": {"b": "\t\n\r\b\f\u0001", "a": {}, "é": [], "𐀀": 1, "\uffee": 2},
    }
    content = json.dumps(odd, indent=3).encode()
    folder = tmp_path / "b"
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    opa("sign", "--bundle", folder, "--signing-alg", ALGORITHM, "--signing-key", keys[0],
        "-o", tmp_path)  # fmt: skip

    token = json.loads((tmp_path / SIGNATURES).read_text())["signatures"][0]

    [theirs] = json.loads(part(token, 1))["files"]
    assert theirs["hash"] == file_digest(name, content)
    as_bytes = hashlib.sha256(content).hexdigest()
    assert (theirs["hash"] == as_bytes) is (name in ("x.json", "x.rego"))


def opa(*arguments):
    subprocess.run(["opa", *map(str, arguments)], check=True, capture_output=True, timeout=60)


# -- what is refused ---------------------------------------------------------------------------


def test_nobody_signed(packed):
    files = files_of(packed)
    del files[SIGNATURES]

    assert refused(packed_again(files)) == ("bundle.unsigned", SIGNATURES)


@pytest.mark.parametrize(
    ("change", "rule", "at"),
    [
        ({"exchange/decision.rego": b"package exchange\n"}, "digest", "exchange/decision.rego"),
        ({"data.json": b'{"taxonomy":{}}'}, "digest", "data.json"),
        ({"data.json": b"{"}, "not_a_bundle", "data.json"),
        ({"data.json": b'{"x":1.5}'}, "not_a_bundle", "data.json"),
        ({"data.json": b'{"x":NaN}'}, "not_a_bundle", "data.json"),
        ({"data.json": b"[" * 200_000}, "not_a_bundle", "data.json"),
        ({".manifest": b'{"revision":"r"}'}, "digest", ".manifest"),
        ({"more.rego": b"package exchange\n"}, "signature_files", "more.rego"),
        ({"patch.json": b"{}"}, "signature_files", "patch.json"),
        ({"other.signatures.json": b"{}"}, "signature_files", "other.signatures.json"),
        ({"exchange/decision.rego": None}, "signature_files", "exchange/decision.rego"),
        ({".manifest": None}, "signature_files", ".manifest"),
    ],
)
def test_every_file_is_the_one_signed(packed, change, rule, at):
    files = {
        name: content
        for name, content in (files_of(packed) | change).items()
        if content is not None
    }

    assert refused(packed_again(files)) == (f"bundle.{rule}", at)


@pytest.mark.parametrize(
    "how",
    [
        {"key": ec.generate_private_key(ec.SECP256R1())},
        {"header": {"alg": "none"}},
        {"header": {"alg": "HS256"}},
        {"header": {"alg": "ES384"}},
        {"header": {"kid": ""}},
        {"header": {"kid": "other"}},
        {"header": {"crit": ["x"]}},
        {"payload": {"keyid": "other"}},
        {"payload": {"keyid": None}},
        {"payload": {"scope": "write"}},
        {"payload": {"exp": 1}},
        {"payload": {"files": None}},
        {"payload": {"files": [{"name": ["x"], "hash": "", "algorithm": "SHA-256"}]}},
    ],
)
def test_the_signature_is_by_our_key_under_its_name(packed, how):
    files = files_of(packed)
    assert verify_bundle(packed_again(signed_as(files)), PUBLIC)

    assert refused(packed_again(signed_as(files, **how))) == ("bundle.signature", SIGNATURES)


def test_a_weaker_digest_is_none(packed):
    files = files_of(packed)
    claims = json.loads(part(token_of(files), 1))["files"]
    claims[0] |= {"algorithm": "MD5", "hash": ""}

    weak = signed_as(files, payload={"files": claims})

    assert refused(packed_again(weak)) == ("bundle.signature", SIGNATURES)


def test_another_name_for_the_key_is_another_key(packed):
    assert refused(packed, keyid="next") == ("bundle.signature", SIGNATURES)
    assert refused(packed, public_key=public_pem(ec.generate_private_key(ec.SECP256R1())))


@pytest.mark.parametrize(
    "said",
    [
        b"", b"[]", b"{}", b'{"signatures": []}', b'{"signatures": ["x"]}', b'{"signatures": [1]}',
        b'{"signatures": ["a.b.c"]}', b'{"signatures": [".."]}', b'{"signatures": ["W10.W10.x"]}',
        b'{"signatures": ["\xc3\xa9.e30.e30"]}',
    ],
)  # fmt: skip
def test_noise_is_no_signature(packed, said):
    rule, at = refused(packed_again(files_of(packed) | {SIGNATURES: said}))

    assert (rule in ("bundle.signature", "bundle.not_a_bundle"), at) == (True, SIGNATURES)


def test_two_signatures_are_none(packed):
    files = files_of(packed)
    twice = json.dumps({"signatures": [token_of(files)] * 2}).encode()

    assert refused(packed_again(files | {SIGNATURES: twice})) == ("bundle.signature", SIGNATURES)


def test_a_short_signature_is_none(packed):
    files = files_of(packed)
    cut = json.dumps({"signatures": [token_of(files)[:-4]]}).encode()

    assert refused(packed_again(files | {SIGNATURES: cut})) == ("bundle.signature", SIGNATURES)


def test_the_revision_is_that_of_the_content(packed, bundle):
    files = files_of(packed)
    manifest = json.loads(files[".manifest"])
    for change in ({"revision": "sha256:0"}, {"roots": [""]}, {"rego_version": 0}, {"more": 1}):
        files[".manifest"] = json.dumps(manifest | change).encode()

        assert refused(packed_again(signed_as(files))) == ("bundle.revision", ".manifest")


@pytest.mark.parametrize(
    "change",
    [{"note.txt": b"x"}, {"more.rego": b"\xff"}, {"data.json": b'{"x":9007199254740993}'}],
)
def test_even_our_own_signature_makes_no_bundle_of_anything_else(packed, change):
    files = signed_as(files_of(packed) | change)

    assert refused(packed_again(files)) == ("bundle.not_a_bundle", "the tarball")


def test_it_has_the_files_of_a_bundle(packed):
    files = files_of(packed)
    del files["data.json"]

    assert refused(packed_again(signed_as(files)))[0] == "bundle.not_a_bundle"


def test_a_name_stands_once_and_is_a_file(packed):
    files = list(files_of(packed).items())
    assert refused(tarball([*files, files[0]])) == ("bundle.not_a_bundle", "the tarball")

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        link = tarfile.TarInfo(".manifest")
        link.type, link.linkname = tarfile.SYMTYPE, "data.json"
        archive.addfile(link)
    assert refused(buffer.getvalue()) == ("bundle.not_a_bundle", "the tarball")


def test_a_tarball_is_bounded_and_ends_where_it_ends(packed, monkeypatch):
    assert refused(packed + b"x")[0] == "bundle.not_a_bundle"
    assert refused(packed + gzip.compress(b""))[0] == "bundle.not_a_bundle"
    assert refused(packed[:-1])[0] == "bundle.not_a_bundle"
    monkeypatch.setattr(bundle_signing, "MAX_BYTES", 1 << 16)
    assert refused(packed)[0] == "bundle.not_a_bundle"


@given(st.data())
def test_a_damaged_tarball_is_refused_or_the_same(bundle, packed, data):
    content = bytearray(gzip.decompress(packed))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))

    try:
        found = verify_bundle(gzip.compress(bytes(content)), PUBLIC)
    except OfficerError:
        return
    assert found == bundle


@given(st.binary(max_size=300))
def test_noise_is_no_bundle(noise):
    refused(noise)
    refused(gzip.compress(noise))


# -- keys --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pem", "rule"),
    [
        ("", "keys.broken"),
        (PUBLIC, "keys.broken"),
        (private_pem(ec.generate_private_key(ec.SECP384R1())), "keys.kind"),
        (private_pem(ed25519.Ed25519PrivateKey.generate()), "keys.kind"),
    ],
)
def test_another_kind_of_key_signs_nothing(pem, rule):
    with pytest.raises(GatewayError) as caught:
        read_signing_key(pem)

    assert (caught.value.rule, caught.value.at) == (rule, "bundle.key")
    assert read_signing_key(private_pem(KEY)).private_numbers() == KEY.private_numbers()


@pytest.mark.parametrize(
    ("pem", "rule"),
    [
        ("", "keys.broken"),
        (public_pem(ec.generate_private_key(ec.SECP384R1())), "keys.kind"),
        (public_pem(ed25519.Ed25519PrivateKey.generate()), "keys.kind"),
    ],
)
def test_another_kind_of_key_proves_nothing(packed, pem, rule):
    with pytest.raises(GatewayError) as caught:
        verify_bundle(packed, pem)

    assert (caught.value.rule, caught.value.at) == (rule, "bundle.pub")


def test_a_deployment_gets_a_key_of_its_own_once(tmp_path):
    (tmp_path / "keys").mkdir()
    made = make_keys(tmp_path, "log.example.org/one")
    folder = tmp_path / "keys"
    private, public = folder / "bundle.key", folder / "bundle.pub"

    assert {"bundle.key", "bundle.pub", "opa.json"} <= set(made)
    assert public_pem(read_signing_key(private.read_text())) == public.read_text()
    assert (private.stat().st_mode & 0o777, public.stat().st_mode & 0o777) == (0o600, 0o644)
    before = public.read_text()
    public.unlink()
    assert make_keys(tmp_path, "log.example.org/one") == ["bundle.pub"]
    assert public.read_text() == before


def test_a_lost_or_damaged_key_is_not_replaced_in_silence(tmp_path):
    make_keys(tmp_path, "log.example.org/one")
    folder = tmp_path / "keys"
    (folder / "bundle.key").unlink()
    with pytest.raises(GatewayError) as caught:
        make_keys(tmp_path, "log.example.org/one")
    assert (caught.value.rule, caught.value.at) == ("keys.lost", "bundle.pub")
    assert not (folder / "bundle.key").exists()

    (folder / "bundle.pub").unlink()
    (folder / "bundle.key").write_text("x")
    (folder / "bundle.key").chmod(0o600)
    with pytest.raises(GatewayError) as caught:
        make_keys(tmp_path, "log.example.org/one")
    assert (caught.value.rule, caught.value.at) == ("keys.broken", "bundle.key")


# -- the commands ------------------------------------------------------------------------------


def run(*arguments):
    return CliRunner().invoke(app, ["policy", *map(str, arguments)])


def test_with_a_deployment_a_bundle_is_signed(deployment, tmp_path):
    (deployment / "policies").mkdir(exist_ok=True)
    (deployment / "policies" / "own.rego").write_text(LOCAL)
    out = tmp_path / "out.tar.gz"

    done = run("bundle", out, "-d", deployment)

    public = (deployment / "keys" / "bundle.pub").read_text()
    found = verify_bundle(out.read_bytes(), public)
    assert done.exit_code == 0, done.output
    assert done.output.strip() == found.revision
    assert dict(found.policies)["local/own.rego"] == LOCAL
    assert run("bundle", out, "-d", deployment, "--no-sign").exit_code == 0
    assert SIGNATURES not in files_of(out.read_bytes())


def test_without_one_it_is_not(bundle, tmp_path):
    done = run("bundle", tmp_path / "out.tar.gz")

    assert done.output.strip() == bundle.revision
    assert SIGNATURES not in files_of((tmp_path / "out.tar.gz").read_bytes())
    assert run("bundle", tmp_path / "out.tar.gz", "--sign").exit_code == 2


def test_a_folder_is_not_signed(deployment, tmp_path):
    assert run("bundle", tmp_path / "out", "-d", deployment).exit_code == 2
    assert not (tmp_path / "out").exists()
    assert run("bundle", tmp_path / "out", "-d", deployment, "--no-sign").exit_code == 0
    assert (tmp_path / "out" / ".manifest").exists()


def test_nothing_is_written_without_the_key(deployment, tmp_path):
    (deployment / "keys" / "bundle.key").unlink()

    done = run("bundle", tmp_path / "out.tar.gz", "-d", deployment)

    assert (done.exit_code, (tmp_path / "out.tar.gz").exists()) == (1, False)


# -- a real OPA --------------------------------------------------------------------------------


def told(public):
    return ["--verification-key", public, "--verification-key-id", KEYID,
            "--signing-alg", ALGORITHM]  # fmt: skip


@needs_opa
def test_opa_starts_with_it(packed, keys, tmp_path):
    (tmp_path / "good.tar.gz").write_bytes(packed)

    with opa_server("--bundle", tmp_path / "good.tar.gz", *told(keys[1])) as port:
        assert port


@needs_opa
def test_opa_starts_with_no_other(packed, keys, tmp_path):
    files = files_of(packed)
    name = "exchange/decision.rego"
    stripped = {name: content for name, content in files.items() if name != SIGNATURES}
    bad = {
        "tampered": (files | {name: files[name] + b"\n# more\n"}, "digest mismatch"),
        "more": (files | {"more.rego": b"package more\n"}, "not included in bundle signature"),
        "stripped": (stripped, "bundle missing .signatures.json"),
        "foreign": (signed_as(files, key=ec.generate_private_key(ec.SECP256R1())), "verify JWT"),
    }
    for name, (content, said) in bad.items():
        path = tmp_path / f"{name}.tar.gz"
        path.write_bytes(packed_again(content))
        assert said in opa_refuses(path, told(keys[1])), name
        with pytest.raises(CorridorError):
            verify_bundle(path.read_bytes(), PUBLIC)
