"""A log that is published over HTTP, brought into a folder; and what witnesses hold of it.

Only what the signed checkpoint says there is gets asked for, and no answer may be longer than
what was asked for can be. The folder is then verified like one that came on a disk.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from itertools import islice
from pathlib import Path

import httpx

from gateway.errors import CorridorError, GatewayError, OfficerError
from gateway.publication.tiles import Tile, pieces
from gateway.verification import folder
from gateway.verification.walk import Progress
from gateway.verification.witnessed import Keys, judged

TIMEOUT = 30.0
AT_ONCE = 8
MAX_SIZE = 1 << 32
"""Entries; a log that says it has more is not fetched."""


def fetch(url: str, keys: Keys, into: Path, *, bearer: str, progress: Progress) -> None:
    """Write the published log into a folder. Raises `CorridorError`."""
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    with _client(url, headers) as client:
        content = _get(client, folder.HEAD, folder.MAX_NOTE)
        try:
            size = judged(content.decode(), keys, at=folder.HEAD).size
        except UnicodeDecodeError:
            raise GatewayError("not a checkpoint", rule="fetch.checkpoint") from None
        if size > MAX_SIZE:
            raise GatewayError("more entries than can be fetched", rule="fetch.size")
        (into / folder.HEAD).write_bytes(content)
        total = sum(1 for _ in pieces(size))

        def bring(tile: Tile) -> None:
            path = into / tile.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_get(client, tile.path, folder.longest(tile)))

        waiting = pieces(size)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            done = 0
            while some := tuple(islice(waiting, 8 * AT_ONCE)):
                list(pool.map(bring, some))
                done += len(some)
                progress(done, total)


def ask(keys: Keys) -> Iterator[tuple[str, str]]:
    """The checkpoint of this log that each witness holds. Raises `CorridorError` for silence.

    A witness that does not answer may be the one that saw another log.
    """
    if not keys.policy.urls:
        raise OfficerError("no witness of the policy has an address", rule="witness.no_address")
    log = sha256(keys.log.origin.encode()).hexdigest()
    for name, url in keys.policy.urls.items():
        try:
            with _client(url, {}) as client:
                yield f"witness {name}", _get(client, f"{log}/checkpoint", folder.MAX_NOTE).decode()
        except UnicodeDecodeError:
            raise GatewayError("not a checkpoint", rule="witness.answer", at=name) from None
        except CorridorError as error:
            raise GatewayError(error.problem, rule="witness.answer", at=name) from None


def _client(url: str, headers: dict[str, str]) -> httpx.Client:
    if not url.startswith(("https://", "http://")):
        raise OfficerError("not an address of the web", rule="fetch.url")
    # No redirects: a bearer key goes to whom it was meant for.
    return httpx.Client(
        base_url=url.rstrip("/") + "/", headers=headers, timeout=TIMEOUT, follow_redirects=False
    )


def _get(client: httpx.Client, path: str, limit: int) -> bytes:
    content = bytearray()
    try:
        with client.stream("GET", path) as answer:
            if answer.status_code != httpx.codes.OK:
                problem = f"answered with status {answer.status_code}"
                raise GatewayError(problem, rule="fetch.status", at=path)
            for part in answer.iter_bytes():
                content += part
                if len(content) > limit:
                    raise GatewayError("longer than it can be", rule="fetch.length", at=path)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        problem = f"no answer ({type(error).__name__})"
        raise GatewayError(problem, rule="fetch.failed", at=path) from None
    return bytes(content)
