"""A verified copy of a log while a gateway writes to it, and the way back.

A copy is older than the log from its first moment on. A log that went on from an older copy would
sign a second history, so a copy is put back only where something proves that nothing was
signed after it: the high-water file that is still there, or checkpoints that others hold. Where
nothing proves it, the copy is put back to be read, and the log is not opened again.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import apsw

from gateway import high_water, log_file, log_place, note
from gateway.audit import verify_log
from gateway.canonical import digest
from gateway.entry import control
from gateway.errors import CorridorError, GatewayError, OfficerError
from gateway.high_water import HighWater
from gateway.log_keys import LogKeys
from gateway.log_snapshot import open_unchanging
from gateway.upkeep.files import absent, put, settle

STEP = 1024
"""Pages that are copied between two looks at the clock."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy that holds."""

    size: int
    """Entries in it."""
    checkpoint: str
    """The newest it holds."""


def backup(data: Path, target: Path, *, vkey: str, progress: Progress) -> Copied:
    """Copy the log of a data folder to a file that must not be there yet, and verify the copy."""
    _of_a_file(data)
    absent(target, "backup.exists")
    source = data / log_file.FILE
    if not source.is_file():
        raise GatewayError("there is no log here", rule="log.missing", at=source.name)
    with _stage(target.with_name(target.name + ".part")) as stage:
        # Before the log is copied, so that the copy can be held against it.
        put(stage / high_water.FILE, (data / high_water.FILE).read_bytes())
        copy = stage / log_file.FILE
        with log_file.failing("backup.failed"):
            _copy(source, copy, progress)
        copied = _verified(stage, vkey, progress)
        settle(copy)
        copy.rename(target)
        settle(target.parent)
    return copied


def _copy(source: Path, copy: Path, progress: Progress) -> None:
    with (
        closing(log_file.connect(source)) as reading,
        closing(log_file.connect(copy, new=True)) as writing,
    ):
        # One transaction: what is committed meanwhile does not make the copy begin anew.
        reading.execute("BEGIN")
        reading.execute("SELECT size FROM log_head").fetchall()
        with writing.backup("main", reading, "main") as copying:
            while not copying.done:
                copying.step(STEP)
                progress(copying.page_count - copying.remaining, copying.page_count)


def restore(
    data: Path,
    source: Path,
    *,
    vkey: str,
    known: Sequence[str],
    to_read: bool,
    progress: Progress,
) -> Copied:
    """Put a backup in the place of the log. Nobody may have the log open.

    `known` are checkpoints that others hold. With `to_read`, a backup that may be too old is put
    back without a high-water file. Raises `GatewayError`, and then nothing was changed.
    """
    _of_a_file(data)
    if not source.is_file():
        raise OfficerError("no such file", rule="backup.missing", at=source.name)
    data.mkdir(mode=0o700, exist_ok=True)
    mark = data / high_water.FILE
    with _stage(data / "restore.part") as stage, _alone(data):
        staged = stage / log_file.FILE
        shutil.copyfile(source, staged)
        staged.chmod(0o600)
        if mark.exists() and not to_read:
            put(stage / high_water.FILE, mark.read_bytes())
        else:
            HighWater.create(stage, _newest(staged))
        copied = _verified(stage, vkey, progress)
        _proven_new(staged, vkey, known, data, to_read=to_read)
        settle(staged)
        _set_aside(data)
        staged.rename(data / log_file.FILE)
        if to_read:
            mark.unlink(missing_ok=True)
        elif not mark.exists():
            (stage / high_water.FILE).rename(mark)
        settle(data)
    return copied


def restored(copied: Copied, gateway: str) -> dict[str, object]:
    """The entry that says that a log goes on from a copy."""
    named = digest(copied.checkpoint.encode())
    return control(gateway=gateway, what="restore", digest=named, n=copied.size)


def _of_a_file(data: Path) -> None:
    if log_place.database_of(data) is not None:
        problem = "the log is in a database, which has backups of its own"
        raise OfficerError(problem, rule="backup.store")


@contextmanager
def _stage(folder: Path) -> Iterator[Path]:
    """A folder for what is not verified yet; what an earlier attempt left is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    if not (data / high_water.FILE).exists():
        yield
        return
    with closing(HighWater(data)) as noted:
        if not noted.alone():
            raise GatewayError("stop every gateway that has the log open", rule="log.in_use")
        yield


def _verified(stage: Path, vkey: str, progress: Progress) -> Copied:
    findings = verify_log(stage, vkey=vkey, progress=progress)
    for problem in findings.problems:
        if problem.rule == "log.rolled_back":
            said = "the log once said more than this backup holds"
            raise GatewayError(said, rule="backup.older", status=409)
        raise GatewayError("the copy does not hold", rule="backup.broken", at=problem.rule)
    return Copied(findings.size, _newest(stage / log_file.FILE))


def _newest(path: Path) -> str:
    """The newest checkpoint in a file that nobody verified."""
    try:
        with closing(open_unchanging(path)) as connection:
            query = "SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1"
            return str(connection.execute(query).fetchall()[0][0])
    except (apsw.Error, IndexError):
        raise GatewayError("this is no log", rule="backup.broken", at=path.name) from None


def _proven_new(
    staged: Path, vkey: str, known: Sequence[str], data: Path, *, to_read: bool
) -> None:
    """Nothing that anybody holds may be missing in the backup, and somebody must hold something."""
    if to_read:
        return
    keys = LogKeys.parse(vkey)
    held = list(known)
    if (data / log_file.FILE).exists():
        held += _readable(data)
    with closing(open_unchanging(staged)) as connection:
        for text in held:
            try:
                checkpoint = keys.opened(text)
            except CorridorError as error:
                problem = "not a checkpoint of this log"
                raise OfficerError(problem, rule="backup.checkpoint", at=error.rule) from None
            query = "SELECT note FROM checkpoint WHERE size = ?"
            rows = connection.execute(query, (checkpoint.size,)).fetchall()
            if not rows or note.parse_note(str(rows[0][0])).text != note.parse_note(text).text:
                said = "somebody holds a checkpoint that this backup does not contain"
                raise GatewayError(said, rule="backup.older", status=409)
    if not known and not (data / high_water.FILE).exists():
        problem = "nothing says how far the log had come: bring a checkpoint that others hold"
        raise GatewayError(problem, rule="backup.unproven", status=409)


def _readable(data: Path) -> list[str]:
    """The newest checkpoint of the log that is to be replaced, if that can still be read."""
    try:
        with closing(log_file.connect(data / log_file.FILE)) as connection:
            query = "SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1"
            return [str(row[0]) for row in connection.execute(query)]
    except (apsw.Error, GatewayError):
        return []


def _set_aside(data: Path) -> None:
    """Keep what is replaced: it is evidence."""
    files = sorted(data.glob(f"{log_file.FILE}*"))
    if not files:
        return
    number = 1
    while (data / f"replaced-{number}").exists():
        number += 1
    folder = data / f"replaced-{number}"
    folder.mkdir(mode=0o700)
    for file in files:
        file.rename(folder / file.name)
