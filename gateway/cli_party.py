"""`corridor party`: the keys that partners show, and a sender's signed word."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from gateway.errors import OfficerError
from gateway.show import told

if TYPE_CHECKING:
    from gateway.deployment import Deployment

Folder = Annotated[Path, typer.Option("--deployment", "-d", help="Folder of the deployment.")]
PartyId = Annotated[str, typer.Argument(metavar="PARTY", help="Party id.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(party: typer.Typer) -> None:
    """Add the commands to `corridor party`."""
    party.command(name="request-key")(request_key)
    party.command()(certificate)
    party.command()(keys)
    party.command()(revoke)
    party.command()(evidence)


@told
def request_key(
    party_id: PartyId,
    deployment: Folder,
    public: Annotated[
        Path | None, typer.Option(help="The party's public key, PEM or JWK.", dir_okay=False)
    ] = None,
    key_out: Annotated[
        Path | None,
        typer.Option("--key-out", help="Make a key instead: file for the private one, PEM."),
    ] = None,
) -> None:
    """Enter a public key that a party signs requests and client assertions with."""
    from gateway.document_edit import read_text, replace, with_item

    if (public is None) == (key_out is None):
        raise OfficerError("one of --public and --key-out", rule="party.key", at="--public")
    path = _file_of(deployment, party_id)
    jwk, private = _read_public(public) if public else _made()
    name = _name_of(jwk)
    if name in {one["key"] for one in _listed(deployment)}:
        raise OfficerError("this key is known already", rule="keys.twice", at="--public")
    text = with_item(read_text(path), "request_keys", {"jwk": jwk}, at=path.name)
    if key_out is not None:
        _write_new(key_out, private)
    replace(path, text)
    typer.echo(name)


@told
def certificate(
    party_id: PartyId,
    file: Annotated[Path, typer.Argument(help="The certificate, PEM.", dir_okay=False)],
    deployment: Folder,
) -> None:
    """Enter a client certificate that a party shows in mutual TLS."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    from gateway.document import read_document
    from gateway.document_edit import read_text, replace
    from gateway.identity.certificate import certificate_digest
    from gateway.identity.keyring import certificate_name

    path = _file_of(deployment, party_id)
    try:
        der = x509.load_pem_x509_certificate(file.read_bytes()).public_bytes(Encoding.DER)
    except (OSError, ValueError):
        raise OfficerError("not a certificate", rule="party.certificate", at=file.name) from None
    digest = certificate_digest(der)
    held = read_document(path, "party").get("certificates", [])
    text = read_text(path)
    if digest in held:
        raise OfficerError("this key is known already", rule="keys.twice", at=file.name)
    if held:
        # The list is one of texts: a line after its name is its first item.
        line = next(one for one in text.split("\n") if one.startswith("certificates:"))
        if line.rstrip() != "certificates:":
            raise OfficerError("write the list in lines", rule="party.list", at=path.name)
        text = text.replace(line, f'{line}\n  - "{digest}"', 1)
    else:
        text = f'{text.rstrip()}\ncertificates:\n  - "{digest}"\n'
    replace(path, text)
    typer.echo(certificate_name(digest))


@told
def keys(deployment: Folder, json: Json = False) -> None:
    """List the keys of all parties, by the names that `revoke` takes, and which count now."""
    from rich.console import Console
    from rich.table import Table

    from gateway.cli_recall import opened
    from gateway.identity.keyring import read_keyring

    log, held = opened(deployment)
    with log:
        ring = read_keyring(held, log.standing())
        found = [{**one, "counts": _counts(one["key"], ring)} for one in _listed(deployment)]
    if json:
        sys.stdout.buffer.write(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
        return
    table = Table(box=None, padding=(0, 1))
    for column in ("party", "key", "counts"):
        table.add_column(column, overflow="fold")
    for one in found:
        table.add_row(str(one["party"]), str(one["key"]), "yes" if one["counts"] else "no")
    Console().print(table)


def _counts(name: str, ring: Any) -> bool:
    kind, _, key = name.partition(":")
    if kind == "bearer":
        return any(digest.startswith(key) and ring.bearer(digest) for digest in ring.bearers)
    return bool(ring.request(key) if kind == "request" else ring.certificate(key))


@told
def revoke(
    name: Annotated[str, typer.Argument(metavar="KEY", help="The key, as `keys` names it.")],
    deployment: Folder,
) -> None:
    """End a key for ever, within a second, on every gateway that writes the same log."""
    from gateway.canonical import canonical, short
    from gateway.cli_recall import opened
    from gateway.entry import control
    from gateway.log_standing import digest_of

    [*found] = [one for one in _listed(deployment) if one["key"] == name]
    if not found:
        raise OfficerError("no such key", rule="party.no_key", at="KEY")
    document = canonical({"key": name, "party": found[0]["party"]})
    digest = digest_of(document)
    log, held = opened(deployment)
    with log:
        said = control(
            gateway=held.settings.gateway.name,
            what="key",
            digest=digest,
            subject={
                "id": name,
                "version": short(digest),
                "state": "terminated",
            },
            documents=[digest],
        )
        log.submit(said, documents=[("key", document)]).result()
    typer.echo(f"revoked {name}; take it out of its file when it suits you")


@told
def evidence(
    word: Annotated[Path, typer.Argument(help="The sender's word.", dir_okay=False)],
    receipt: Annotated[Path, typer.Argument(help="The transfer's receipt.", dir_okay=False)],
    key: Annotated[Path, typer.Option("--key", help="The log's public key.", dir_okay=False)],
    content: Annotated[
        Path | None, typer.Option(help="What was sent, byte for byte.", dir_okay=False)
    ] = None,
) -> None:
    """Check what a sender signed, with nothing but the log's public key."""
    from gateway.identity.evidence import verify

    said, held, vkey = (_bytes(one) for one in (word, receipt, key))
    body = None if content is None else _bytes(content)
    found = verify(said, held, vkey=vkey.decode().strip(), content=body)
    typer.echo(f"{found.party} asked for transfer {found.transfer}")
    typer.echo(f"signed by {found.key}")
    if found.content_checked:
        typer.echo("and signed this content")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise OfficerError("cannot be read", rule="evidence.unreadable", at=path.name) from None


def _listed(deployment: Path) -> list[dict[str, str]]:
    from gateway.deployment import read_bearers, read_deployment
    from gateway.identity.keyring import bearer_name

    found = [
        {"party": party, "key": bearer_name(digest)}
        for digest, party in read_bearers(deployment).items()
    ]
    found += _in_files(read_deployment(deployment, agreements=False))
    return sorted(found, key=lambda one: (one["party"], one["key"]))


def _in_files(held: "Deployment") -> Iterator[dict[str, str]]:
    from gateway.identity.keyring import certificate_name

    for party in held.parties.values():
        for one in party.get("request_keys", ()):
            yield {"party": party["id"], "key": _name_of(one["jwk"])}
        for digest in party.get("certificates", ()):
            yield {"party": party["id"], "key": certificate_name(digest)}


def _name_of(jwk: dict[str, str]) -> str:
    from gateway.identity.keyring import request_name
    from gateway.identity.public import public_of

    found = public_of(jwk)
    if found is None:
        raise OfficerError("not an Ed25519 or P-256 public key", rule="keys.kind", at="--public")
    return request_name(found.id)


def _file_of(deployment: Path, party_id: str) -> Path:
    from gateway.deployment import files, read_deployment
    from gateway.document import read_document

    if party_id not in read_deployment(deployment, agreements=False).parties:
        raise OfficerError("no such party", rule="party.unknown", at="PARTY")
    [path] = [
        one
        for one in files(deployment / "parties")
        if read_document(one, "party")["id"] == party_id
    ]
    return path


def _read_public(path: Path) -> tuple[dict[str, str], bytes]:
    """The members of a public key's JWK. Whatever else stands there is left out."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    from gateway.identity.public import MEMBERS

    text = _bytes(path)
    try:
        if text.lstrip().startswith(b"{"):
            held = orjson.loads(text)
            return {name: str(held[name]) for name in MEMBERS[held["kty"]]}, b""
        return _jwk(load_pem_public_key(text)), b""
    except (ValueError, KeyError, TypeError):
        raise OfficerError(
            "not an Ed25519 or P-256 public key", rule="keys.kind", at=path.name
        ) from None


def _jwk(key: Any) -> dict[str, str]:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from gateway.identity.compact import encoded

    if isinstance(key, Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": encoded(key.public_bytes_raw())}
    if isinstance(key, EllipticCurvePublicKey) and key.curve.name == "secp256r1":
        numbers = key.public_numbers()
        x, y = (encoded(one.to_bytes(32, "big")) for one in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    raise ValueError


def _made() -> tuple[dict[str, str], bytes]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return _jwk(key.public_key()), pem


def _write_new(path: Path, content: bytes) -> None:
    import os

    from gateway.deployment import KEY_MODE

    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, KEY_MODE)
    except OSError:
        raise OfficerError(
            "this key file cannot be made; it may be there already",
            rule="keys.unwritable",
            at=path.name,
        ) from None
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@told
def route_key(
    route: Annotated[str, typer.Argument(metavar="ROUTE", help="Route id.")],
    deployment: Folder,
    replace: Annotated[
        bool, typer.Option("--replace", help="The route's older keys count no more.")
    ] = False,
) -> None:
    """Make a password for a route's hook. It is shown once; only a slow hash is kept."""
    from gateway.deployment import read_deployment
    from gateway.identity.hooks import new_route_key

    known = read_deployment(deployment).routes.get(route)
    if known is None:
        raise OfficerError("no such route", rule="route.unknown", at="ROUTE")
    if known.get("auth", {}).get("kind") not in ("basic", "bearer", "header"):
        raise OfficerError("this route takes no password", rule="route.no_password", at="ROUTE")
    typer.echo(new_route_key(deployment, route, replace=replace))
