"""People's identifiers are in no file of the store, in any spelling: and the scanner bites."""

import base64
import hashlib
import json
import re
import shutil
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import httpx
import orjson
import psycopg
import pytest

from gateway import log_view
from gateway.demo import served
from gateway.deployment import new_bearer, read_deployment, read_keys
from gateway.entry import parse
from gateway.log import Log
from gateway.log_file import connect

TERMS = {"agreement": "agr:registration-2026", "format": "kobo"}
WAYS = {
    "released": {"purpose": "hum.assist.registration"},
    "kept": {"purpose": "hum.assist.registration", "deliver": "inbox"},
    "refused": {
        "purpose": "hum.assist.registration", "to": "org:border-directorate", "basis": "lb.public",
    },
    "held": {"purpose": "hum.health.care"},
}  # fmt: skip
RECIPIENT = "org:sante-sans-rivages"
DETAILS = "individual_questions/individual_details/"
SEEDED = {
    "full_name_i_c": "Ubaxleey Ñandu Qoriyow",
    "phone_no_i_c": "+252615550917",
    "national_id_no_i_c": "ZQ8841907",
}
"""Of one person; the record's own id is seeded too."""
OWN_ID = "f5b0cafe-9c1d-4c5e-8f42-5eededfeed01"
ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
MAX_INFLATED = 4 << 20


def seeded(payload: bytes) -> bytes:
    page = orjson.loads(payload)
    submission = page["results"][0]
    for name, value in SEEDED.items():
        submission["individual_questions"][0][DETAILS + name] = value
    text = orjson.dumps(page).decode()
    return text.replace(submission["_uuid"], OWN_ID).encode()


def spellings(secret: str) -> dict[str, bytes]:
    """Every form in which a text may stand in a file."""
    raw = secret.encode()
    found = {
        "utf-8": raw,
        "utf-16-le": secret.encode("utf-16-le"),
        "utf-16-be": secret.encode("utf-16-be"),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "percent": quote(secret, safe="").encode(),
        "json": json.dumps(secret)[1:-1].encode(),
        "reversed": raw[::-1],
    }
    for name in ("md5", "sha1", "sha256"):
        bare = hashlib.new(name, raw).digest()
        found |= {name: bare, f"{name}-hex": bare.hex().encode()}
        found[f"{name}-base64"] = base64.b64encode(bare)[:-3]
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw)
        # What the neighbours change is left out.
        inner = coded[(0, 2, 3)[shift] : len(coded) - 4 if len(coded) > 8 else None]
        found[f"base64+{shift}"] = inner
        found[f"base64url+{shift}"] = inner.translate(bytes.maketrans(b"+/", b"-_"))
    return found


PATTERNS = [
    (f"{name}: {how}", spelt)
    for name, value in {**SEEDED, "own id": OWN_ID}.items()
    for how, spelt in spellings(value).items()
]


def inflated(content: bytes) -> Iterator[bytes]:
    """Whatever can be read as compressed, wherever it begins."""
    for match in ZLIB.finditer(content):
        made = zlib.decompressobj()
        try:
            yield made.decompress(content[match.start() :], MAX_INFLATED)
        except zlib.error:
            continue


def found_in(contents: Iterable[bytes]) -> set[str]:
    """Which seeded identifiers stand in any of these, and how."""
    found: set[str] = set()
    for content in contents:
        if not content.strip(b"\0"):
            continue
        for part in (content, *inflated(content)):
            found |= {name for name, spelt in PATTERNS if spelt in part}
    return found


def files(*folders: Path) -> Iterator[bytes]:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield path.read_bytes()


def cells(rows: Iterable[tuple]) -> Iterator[bytes]:
    for row in rows:
        for value in row:
            yield value if isinstance(value, bytes) else str(value).encode()


def stored(directory: Path, database: str) -> Iterator[bytes]:
    """Every value of every table, whole: a file may cut it into pages, or compress it."""
    if database:
        with psycopg.connect(database) as connection:
            schema = connection.execute("SELECT current_schema()").fetchone()
            names = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = %s", schema
            ).fetchall()
            for (name,) in names:
                yield from cells(connection.execute(f"SELECT * FROM {name}").fetchall())
        return
    with closing(connect(directory / "data" / "log.sqlite")) as connection:
        names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        for (name,) in names:
            yield from cells(connection.execute(f"SELECT * FROM {name}"))


def on_postgresql(directory: Path, database: str) -> None:
    """Give a prepared deployment a log in a database instead."""
    shutil.rmtree(directory / "data")
    settings = directory / "corridor.toml"
    said = f'\n[log]\nstore = "postgresql"\ndatabase = "{database}"\n'
    settings.write_text(settings.read_text() + said)
    held = read_deployment(directory)
    name = held.settings.gateway
    key = read_keys(directory).log
    Log.create(held.data, origin=name.origin, key=key, gateway=name.name).close()


def run(directory: Path, token: str, body: bytes) -> list[str]:
    """Every outcome there is, with the log looked at while it is open."""
    recipient = new_bearer(directory, RECIPIENT)
    outcomes = []
    with served(directory) as address, httpx.Client(base_url=address, timeout=60) as client:
        for name, query in WAYS.items():
            # `kept` twice: one is fetched, one goes on waiting.
            for key in ("a", "b"):
                answer = client.post(
                    "/v1/transfers", params={**TERMS, **query}, content=body,
                    headers={
                        "Authorization": f"Bearer {token}", "Idempotency-Key": f"{name}-{key}",
                        **({"Prefer": "return=representation"} if key == "a" else {}),
                    },
                )  # fmt: skip
                outcomes.append(f"{name} {answer.status_code}")
                if (name, key) == ("kept", "a"):
                    held = {"Authorization": f"Bearer {recipient}"}
                    got = client.get(f"{answer.headers['location']}/content", headers=held)
                    assert SEEDED["full_name_i_c"].encode() in got.content
        broken = body.replace(b'"female"', b'"' + OWN_ID.encode() + b'"', 1)
        client.post(
            "/v1/transfers", params={**TERMS, **WAYS["released"]}, content=broken,
            headers={"Authorization": f"Bearer {token}"},
        )  # fmt: skip
        assert found_in(files(directory / "data")) == set()
    return outcomes


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_no_identifier_is_in_any_file_of_the_store(request, deployment, token, payload, store):
    body, database, folders = seeded(payload), "", [deployment / "data"]
    if store == "postgresql":
        database = request.getfixturevalue("database")
        folders.append(request.getfixturevalue("cluster").data)
        on_postgresql(deployment, database)

    outcomes = run(deployment, token, body)

    assert set(outcomes) == {"released 201", "kept 201", "refused 403", "held 202"}
    if database:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("CHECKPOINT")
    else:
        entries = [parse(leaf) for _, leaf in log_view.entries(deployment / "data")]
        assert len([one for one in entries if "subjects" in one]) == 4
    assert found_in(files(*folders)) == set()
    assert found_in(stored(deployment, database)) == set()


@pytest.mark.parametrize("name", ["full_name_i_c", "own id"])
def test_the_scanner_finds_what_is_planted_in_every_spelling(deployment, name):
    secret = SEEDED.get(name, OWN_ID)
    noise = b"\x00\xff{..}" * 50
    planted = deployment / "data" / "left.tmp"
    for how, spelt in spellings(secret).items():
        planted.write_bytes(noise + spelt + noise)
        assert f"{name}: {how}" in found_in(files(deployment / "data")), how
        planted.write_bytes(noise + zlib.compress(noise + spelt) + noise)
        assert f"{name}: {how}" in found_in(files(deployment / "data")), how
    for shift in range(3):
        planted.write_bytes(base64.b64encode(b"x" * shift + secret.encode() + b"yyyy"))
        assert any("base64" in one for one in found_in(files(deployment / "data"))), shift


def test_the_scanner_finds_what_a_file_cuts_into_pages(deployment):
    long = zlib.compress(hashlib.shake_256(b"x").digest(9_000) + SEEDED["phone_no_i_c"].encode())
    with closing(connect(deployment / "data" / "log.sqlite")) as connection:
        row = ("sha256:" + "0" * 64, "question", long)
        connection.execute("INSERT INTO document VALUES (?, ?, ?)", row)

    assert "phone_no_i_c: utf-8" in found_in(stored(deployment, ""))
