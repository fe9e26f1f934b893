"""Tokens of a time stamping authority (RFC 3161) over checkpoints of the log.

A token says that a checkpoint, and so every entry below it, was there at a moment that somebody
else's clock shows. It is over the text of the checkpoint, without the signatures below it, which
witnesses may add to. Tokens are kept beside the log as `timestamps/<size>.tsr` and are checked
with the authority's root certificate alone.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimeStampRequest,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from gateway.audit import Problem
from gateway.errors import GatewayError, OfficerError
from gateway.note import NoteError, parse_checkpoint, parse_note
from gateway.upkeep.files import put

FOLDER = "timestamps"
SUFFIX = ".tsr"
MAX_TOKEN = 1 << 16
SECONDS = 10
_QUERY = {"content-type": "application/timestamp-query"}


@dataclass(frozen=True, slots=True)
class Stamped:
    """A checkpoint that was there at a time of somebody else's."""

    size: int
    time: int
    """Milliseconds since 1970."""


def stamp(data: Path, url: str, checkpoint: str, roots: Sequence[x509.Certificate] = ()) -> Stamped:
    """Ask an authority for a token over a checkpoint, and keep it. Raises `GatewayError`.

    Without `roots`, who signed the token is left to whoever checks it later.
    """
    text = parse_note(checkpoint).text
    asked = (
        TimestampRequestBuilder().data(text.encode()).hash_algorithm(HashAlgorithm.SHA256).build()
    )
    token = _asked(url, asked)
    answer = _read(token)
    _expect(PKIStatus(answer.status) == PKIStatus.GRANTED, "timestamp.refused")
    _expect(answer.tst_info.nonce == asked.nonce, "timestamp.nonce")
    imprint = answer.tst_info.message_imprint.message
    _expect(imprint == hashlib.sha256(text.encode()).digest(), "timestamp.imprint")
    size = parse_checkpoint(text).size
    if roots:
        _expect(_signed(token, text, roots), "timestamp.signature")
    folder = data / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    put(folder / f"{size}{SUFFIX}", token)
    return Stamped(size, _time(answer))


def check(
    folder: Path, roots: Sequence[x509.Certificate], text_of: Callable[[int], str | None]
) -> tuple[list[Stamped], list[Problem]]:
    """What the tokens in a folder show, and what is wrong with them.

    `text_of` gives the checkpoint of a size, without signatures, as the log is known to have it.
    """
    stamped: list[Stamped] = []
    problems: list[Problem] = []
    for size, token in tokens(folder):
        at = f"{FOLDER}/{size}{SUFFIX}"
        text = text_of(size)
        if text is None:
            problems.append(Problem("timestamp.checkpoint", at))
        elif not _signed(token, text, roots):
            problems.append(Problem("timestamp.signature", at))
        else:
            stamped.append(Stamped(size, _time(_read(token))))
    return stamped, problems


def in_export(root: Path) -> Callable[[int], str | None]:
    """The checkpoints of an exported log, for `check`. For one that was verified."""

    def text_of(size: int) -> str | None:
        path = root / "checkpoints" / f"{size}"
        try:
            return parse_note(path.read_text(encoding="utf-8")).text
        except (OSError, UnicodeDecodeError, NoteError):
            return None

    return text_of


def copy(data: Path, root: Path, end: int | None = None) -> int:
    """Copy the tokens of a log into an export of it, up to its size; how many are there."""
    count = 0
    for size, token in tokens(data / FOLDER):
        if end is not None and size > end:
            continue
        (root / FOLDER).mkdir(exist_ok=True)
        put(root / FOLDER / f"{size}{SUFFIX}", token, mode=0o644)
        count += 1
    return count


def tokens(folder: Path) -> Iterator[tuple[int, bytes]]:
    """Size and bytes of each token in a folder, by size."""
    named = {path.name.removesuffix(SUFFIX): path for path in folder.glob(f"*{SUFFIX}")}
    sizes = {int(name): path for name, path in named.items() if name.isdecimal()}
    for size, path in sorted(sizes.items()):
        with path.open("rb") as file:
            yield size, file.read(MAX_TOKEN)


def read_roots(path: Path) -> list[x509.Certificate]:
    """Root certificates of authorities, in PEM."""
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        raise OfficerError("no certificates", rule="timestamp.roots", at=path.name) from None
    return found


def _asked(url: str, request: TimeStampRequest) -> bytes:
    try:
        with httpx.stream(
            "POST", url, content=request.as_bytes(), headers=_QUERY, timeout=SECONDS
        ) as answer:
            _expect(answer.status_code == httpx.codes.OK, "timestamp.refused")
            token = b""
            for part in answer.iter_bytes():
                token += part
                _expect(len(token) < MAX_TOKEN, "timestamp.form")
            return token
    except (httpx.HTTPError, httpx.InvalidURL):
        problem = "the time stamping authority gave no answer"
        raise GatewayError(problem, rule="timestamp.unavailable") from None


def _read(token: bytes) -> TimeStampResponse:
    try:
        return decode_timestamp_response(token)
    except ValueError:
        raise GatewayError("not an answer of RFC 3161", rule="timestamp.form") from None


def _signed(token: bytes, text: str, roots: Sequence[x509.Certificate]) -> bool:
    try:
        verifier = VerifierBuilder(roots=list(roots)).build()
        return verifier.verify_message(decode_timestamp_response(token), text.encode())
    except (VerificationError, ValueError):
        return False


def _time(answer: TimeStampResponse) -> int:
    return int(answer.tst_info.gen_time.timestamp() * 1000)


def _expect(holds: bool, rule: str) -> None:
    if not holds:
        raise GatewayError("the time stamping authority gave no token", rule=rule)
