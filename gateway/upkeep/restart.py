"""The end of a log that cannot or must not go on, and a new one under a new name.

The old log is closed with an entry that says so where it can still be opened, and is kept as it
is, as evidence. A name is never used twice: two logs of one name would be a fork.
"""

import re
from contextlib import closing
from pathlib import Path

import apsw

from gateway import high_water, log_place
from gateway.canonical import digest
from gateway.deployment import Deployment, read_deployment, read_key, read_keys
from gateway.entry import control
from gateway.errors import CorridorError, GatewayError, OfficerError
from gateway.high_water import HighWater
from gateway.log import Log
from gateway.note import Signer, parse_checkpoint, parse_note, render_vkey
from gateway.settings import parse_settings
from gateway.upkeep.files import put, settle

SETTINGS = "corridor.toml"
FROZEN = "frozen"
NEXT = "next"
"""Names the log that follows, until it has begun."""
_ORIGIN = re.compile(r'(?m)^(?P<name>origin[ \t]*=[ \t]*)"[^"\n]*"')


def restart(directory: Path, origin: str) -> Path:
    """Freeze the log of a deployment and begin one named `origin`; where the old one is now.

    Whatever stops it halfway, the same command goes on from there.
    """
    deployment = read_deployment(directory)
    if log_place.database_of(deployment.data) is not None:
        problem = "a new log in a database needs a new database"
        raise OfficerError(problem, rule="restart.store")
    keys = read_keys(directory)
    kept = _used(directory, origin)
    if kept is None:
        text = _renamed(directory, origin)
        last = _frozen(deployment)
        kept = _next(directory)
        kept.parent.mkdir(mode=0o700, exist_ok=True)
        put(deployment.data / "log.vkey", read_key(directory / "keys" / "log.vkey").encode())
        put(deployment.data / NEXT, origin.encode() + b"\n")
        # First the settings: with these, whatever makes a log makes the new one.
        put(directory / SETTINGS, text.encode(), mode=0o644)
        deployment.data.rename(kept)
        settle(kept.parent)
        settle(directory)
    else:
        last = _last(kept)
    if not log_place.made(deployment.data):
        Log.create(
            deployment.data, origin=origin, key=keys.log, gateway=deployment.settings.gateway.name
        ).close()
    vkey = render_vkey(Signer.of(origin, keys.log).vkey)
    put(directory / "keys" / "log.vkey", vkey.encode() + b"\n", mode=0o644)
    _say(deployment, last)
    (kept / NEXT).unlink()
    return kept


def _used(directory: Path, origin: str) -> Path | None:
    """The old log that was set aside for this very name, by a run that did not end."""
    for place in sorted((directory / FROZEN).glob(f"*/{NEXT}")):
        if place.read_text(encoding="ascii").strip() == origin:
            return place.parent
    return None


def _renamed(directory: Path, origin: str) -> str:
    """The settings with the new name."""
    text = (directory / SETTINGS).read_text(encoding="utf-8")
    if parse_settings(text, at=SETTINGS).gateway.origin == origin:
        if (directory / "data" / NEXT).exists():
            return text
        raise OfficerError("a new log needs a new name", rule="restart.origin", at="--origin")
    renamed, count = _ORIGIN.subn(rf'\g<name>"{origin}"', text)
    if count != 1 or parse_settings(renamed, at="--origin").gateway.origin != origin:
        problem = "the name cannot be replaced: it must stand on a line of its own"
        raise OfficerError(problem, rule="restart.settings", at=SETTINGS)
    return renamed


def _frozen(deployment: Deployment) -> str:
    """Close the old log for good if it can be opened; the last checkpoint it has."""
    if (deployment.data / high_water.FILE).exists():
        with closing(HighWater(deployment.data)) as noted:
            if not noted.alone():
                raise GatewayError("stop every gateway that has the log open", rule="log.in_use")
    keys = read_keys(deployment.directory)
    try:
        log = Log.open(deployment.data, key=keys.log, gateway=deployment.settings.gateway.name)
    except GatewayError:
        return _last(deployment.data)
    with log:
        return log.freeze().checkpoint


def _last(data: Path) -> str:
    """The newest checkpoint of a log that cannot be opened: of its high-water file, or its own."""
    try:
        return high_water.newest((data / high_water.FILE).read_bytes())[1]
    except (OSError, GatewayError):
        pass
    try:
        with closing(log_place.open_store(data)) as store:
            return str(store.read("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1")[0][0])
    except (apsw.Error, CorridorError, IndexError):
        return ""


def _next(directory: Path) -> Path:
    number = 1
    while (directory / FROZEN / f"{number}").exists():
        number += 1
    return directory / FROZEN / f"{number}"


def _say(deployment: Deployment, last: str) -> None:
    """The first thing the new log says is which log it follows."""
    keys = read_keys(deployment.directory)
    name = deployment.settings.gateway.name
    with Log.open(deployment.data, key=keys.log, gateway=name) as log:
        if last:
            size = parse_checkpoint(parse_note(last).text).size
            named = digest(last.encode())
            log.append(control(gateway=name, what="restore", digest=named, n=size))
