"""A deployment's folder: settings, parties, agreements, mappings, places and keys.

The only reader of these files. Nothing is created here but by `init`, and `init` never
replaces anything: a key that is gone is an error that names the command, not a new key.
"""

import hashlib
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.document import read_document
from gateway.errors import GatewayError, OfficerError
from gateway.mapping import Plan, read_mapping
from gateway.note import Signer, render_vkey
from gateway.places import Places, read_places
from gateway.settings import Settings, read_settings

KEY_MODE = 0o600
FOLDERS = (
    *("parties", "officers", "agreements", "classifications", "mappings", "places", "policies"),
    *("routes", "keys", "data"),
)
SECRETS = ("pseudonym.key", "content.key")
"""32 random bytes each, in hexadecimal. Losing the first makes every pseudonym a new one."""
_SECRET = re.compile(r"[0-9a-f]{64}")
_PEM = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
NAMED_SECRETS = "secrets.json"
POLICY_TOKENS = "opa.json"
"""Digests of the bearer keys of policy servers, which speak for no party."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What only this gateway may know."""

    log: Ed25519PrivateKey = field(repr=False)
    pseudonym: bytes = field(repr=False)
    content: bytes = field(repr=False)
    bearer: Mapping[str, str] = field(repr=False)
    """SHA-256 of a bearer key to the party it speaks for."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """Everything people decided, read once and checked."""

    directory: Path
    settings: Settings
    parties: Mapping[str, Mapping[str, Any]]
    agreements: Mapping[str, Mapping[str, Any]]
    mappings: Mapping[str, Plan]
    places: Places = field(repr=False)
    officers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """People who approve, by the id of their function."""
    classifications: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """How sensitive a country's protocol says each record type is, by the protocol's id."""
    routes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Standing orders for what vendors' systems send, by the hook's id."""

    @property
    def data(self) -> Path:
        """The folder of the transfer log."""
        return self.directory / "data"

    @property
    def sealed(self) -> Path:
        """The folder of what is sealed in files: payloads of jobs, and large content."""
        return self.directory / (self.settings.bulk.folder or "data")

    @property
    def local_policies(self) -> Path | None:
        """The operator's own policies, where there are any."""
        folder = self.directory / "policies"
        return folder if any(folder.glob("**/*.rego")) else None

    def vkey(self) -> str:
        """The log's public keys, as auditors get them: one a line, oldest first."""
        return read_key(self.directory / "keys" / "log.vkey").strip()


def read_deployment(directory: Path, *, agreements: bool = True) -> Deployment:
    """Read and check the folder. Raises `OfficerError` with file and place.

    Without `agreements`, everything but these: for whoever looks at one that is not fit yet.
    """
    settings = read_settings(directory / "corridor.toml")
    mappings: dict[str, Plan] = {}
    for path in files(directory / "mappings"):
        plan = read_mapping(path)
        _once(mappings, plan.id, path)
        mappings[plan.id] = plan
    deployment = Deployment(
        directory=directory,
        settings=settings,
        parties=_documents(directory / "parties", "party"),
        agreements=_documents(directory / "agreements", "agreement") if agreements else {},
        mappings=mappings,
        places=read_places(directory / "places"),
        officers=_documents(directory / "officers", "officer"),
        classifications=_documents(directory / "classifications", "classification", "scheme_id"),
        routes=_documents(directory / "routes", "route") if agreements else {},
    )
    _check(deployment)
    _check_people(deployment)
    _check_routes(deployment)
    return deployment


def _documents(folder: Path, schema: str, named: str = "id") -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for path in files(folder):
        document = read_document(path, schema)
        _once(found, document[named], path)
        found[document[named]] = document
    return found


def files(folder: Path) -> list[Path]:
    """The documents of a folder, in the order of their names."""
    return sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])


def _once(found: Mapping[str, Any], name: str, path: Path) -> None:
    if name in found:
        raise OfficerError("the same id in two files", rule="deployment.twice", at=path.name)


def _check(deployment: Deployment) -> None:
    """What no schema can see: names that must exist elsewhere."""
    for party in deployment.parties.values():
        for one in party["formats"]:
            if "mapping" in one and one["mapping"] not in deployment.mappings:
                raise OfficerError(
                    "no such mapping", rule="party.no_mapping", at=f"party {party['id']}"
                )
        named = [one["id"] for one in party.get("endpoints", ())]
        if len(named) != len(set(named)):
            at = f"party {party['id']}"
            raise OfficerError("the same endpoint twice", rule="endpoint.twice", at=at)
    for agreement in deployment.agreements.values():
        at = f"agreement {agreement['id']}"
        members = {one["party"] for one in agreement["parties"]}
        if not members <= deployment.parties.keys():
            raise OfficerError("a party that is not known", rule="agreement.no_party", at=at)
        if agreement["scope"]["start"] >= agreement["scope"]["end"]:
            raise OfficerError("ends before it starts", rule="agreement.scope", at=at)
        for grant in agreement["purposes"]:
            if not {grant["from"], grant["to"]} <= members or grant["from"] == grant["to"]:
                raise OfficerError("a grant to a party outside it", rule="agreement.grant", at=at)


def _check_routes(deployment: Deployment) -> None:
    for route in deployment.routes.values():
        at, terms = f"route {route['id']}", route["terms"]
        if not {route["sender"], *terms["to"]} <= deployment.parties.keys():
            raise OfficerError("a party that is not known", rule="route.no_party", at=at)
        if terms["agreement"] not in deployment.agreements:
            raise OfficerError("no such agreement", rule="route.no_agreement", at=at)
        if terms.get("mapping", "") not in ("", *deployment.mappings):
            raise OfficerError("no such mapping", rule="route.no_mapping", at=at)
        endpoints = {one["id"] for one in deployment.parties[route["sender"]].get("endpoints", ())}
        if "pull" in route and route["pull"]["endpoint"] not in endpoints:
            raise OfficerError("no such endpoint", rule="route.no_endpoint", at=at)


def _check_people(deployment: Deployment) -> None:
    """Who signs: known organisations, and no key that is two parties' or two people's."""
    held: set[str] = set()
    for officer in deployment.officers.values():
        if officer["party"] not in deployment.parties:
            raise OfficerError(
                "a party that is not known", rule="officer.no_party", at=f"officer {officer['id']}"
            )
    for holder in (*deployment.parties.values(), *deployment.officers.values()):
        for key in (*holder.get("keys", ()), *holder.get("request_keys", ())):
            if key["jwk"]["x"] in held:
                # Two approvals would be one person's.
                raise OfficerError("a key that stands twice", rule="keys.twice", at=holder["id"])
            held.add(key["jwk"]["x"])


def read_keys(directory: Path) -> Keys:
    """The private keys. Raises `GatewayError` where one is missing or open to others."""
    folder = directory / "keys"
    key = _log_key(folder / "log.key")
    pseudonym, content = (_secret(folder / name) for name in SECRETS)
    return Keys(key, pseudonym, content, read_bearers(directory))


def read_bearers(directory: Path, file: str = "bearer.json") -> dict[str, str]:
    """Digest of each bearer key in a key file, to whom it speaks for."""
    try:
        held = json.loads(read_key(directory / "keys" / file, private=True))
        return {one["sha256"]: holder for holder, keys in held.items() for one in keys}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _broken(file) from None


def read_secrets(directory: Path) -> dict[str, str]:
    """Passwords and tokens for others' systems, by the names that parties and routes give them.

    An absent file holds none. Raises `GatewayError` for a file that others may read.
    """
    path = directory / "keys" / NAMED_SECRETS
    if not path.exists():
        return {}
    try:
        held = json.loads(read_key(path, private=True))
        return {str(name): str(value) for name, value in held.items()}
    except (ValueError, AttributeError):
        raise _broken(path.name) from None


def _log_key(path: Path) -> Ed25519PrivateKey:
    pem = read_key(path, private=True).encode()
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _broken(path.name) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise GatewayError("not an Ed25519 key", rule="keys.kind", at=path.name)
    return key


def _secret(path: Path) -> bytes:
    text = read_key(path, private=True).strip()
    if not _SECRET.fullmatch(text):
        # A key cut short would still work, and could be guessed.
        raise _broken(path.name)
    return bytes.fromhex(text)


def _broken(name: str) -> GatewayError:
    return GatewayError("this key file is damaged", rule="keys.broken", at=name)


def read_key(path: Path, *, private: bool = False) -> str:
    """A key file's text. A private one that others may read is refused."""
    try:
        if private and path.stat().st_mode & 0o077:
            raise GatewayError(
                "others may read this key: chmod 600", rule="keys.mode", at=path.name
            )
        return path.read_text(encoding="ascii")
    except UnicodeDecodeError:
        raise _broken(path.name) from None
    except OSError:
        raise GatewayError(
            "a key is missing: `corridor init DIR` makes keys", rule="keys.missing", at=path.name
        ) from None


def make_keys(directory: Path, origin: str) -> list[str]:
    """Make the keys that are not there yet; the names of those made."""
    folder = directory / "keys"
    folder.mkdir(mode=0o700, exist_ok=True)
    made: list[str] = []
    used = (directory / "data" / "log.sqlite").exists() or (folder / "log.vkey").exists()
    for name in ("log.key", *SECRETS):
        # A new one would be another key: another log, other pseudonyms for the same people.
        if used and not (folder / name).exists():
            raise GatewayError("there is a log, but not its key", rule="keys.lost", at=name)
    for name in SECRETS:
        if not (folder / name).exists():
            made.append(_write(folder / name, secrets.token_hex(32).encode() + b"\n"))
    if not (folder / "log.key").exists():
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(*_PEM, serialization.NoEncryption())
        made.append(_write(folder / "log.key", pem))
    if not (folder / "log.vkey").exists():
        vkey = render_vkey(Signer.of(origin, _log_key(folder / "log.key")).vkey)
        made.append(_write(folder / "log.vkey", vkey.encode() + b"\n", mode=0o644))
    for name in ("bearer.json", POLICY_TOKENS):
        if not (folder / name).exists():
            made.append(_write(folder / name, b"{}\n"))
    return made + _make_bundle_keys(folder)


def _make_bundle_keys(folder: Path) -> list[str]:
    """The key that signs bundles for policy servers. A lost one is not replaced in silence:
    every server that holds its public key would go on without a new bundle, for ever."""
    made: list[str] = []
    private, public = folder / "bundle.key", folder / "bundle.pub"
    if not private.exists():
        if public.exists():
            raise GatewayError(
                "its key is gone: remove this one too, and give policy servers the new one",
                rule="keys.lost",
                at=public.name,
            )
        key = ec.generate_private_key(ec.SECP256R1())
        made.append(_write(private, key.private_bytes(*_PEM, serialization.NoEncryption())))
    if not public.exists():
        pem = read_key(private, private=True).encode()
        try:
            public_key = serialization.load_pem_private_key(pem, None).public_key()
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise _broken(private.name) from None
        kind = serialization.PublicFormat.SubjectPublicKeyInfo
        made.append(_write(public, public_key.public_bytes(_PEM[0], kind), mode=0o644))
    return made


def _write(path: Path, content: bytes, *, mode: int = KEY_MODE) -> str:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return path.name


def bearer_digest(token: str) -> str:
    """How a bearer key is kept. 256 random bits need no slow hash: there is nothing to guess."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_bearer(directory: Path, party: str, file: str = "bearer.json") -> str:
    """A new bearer key for a party, shown this once; only its digest is kept."""
    path = directory / "keys" / file
    held: dict[str, list[dict[str, str]]] = json.loads(read_key(path, private=True))
    token = f"ck_{secrets.token_urlsafe(32)}"
    held.setdefault(party, []).append({"sha256": bearer_digest(token)})
    partial = path.with_suffix(".new")
    partial.unlink(missing_ok=True)
    _write(partial, json.dumps(held, indent=2, sort_keys=True).encode() + b"\n")
    partial.replace(path)
    return token
