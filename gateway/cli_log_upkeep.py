"""`corridor log backup`, `restore` and so on: what keeps a log going for years."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.show import told

DeploymentOption = Annotated[
    Path, typer.Option("--deployment", "-d", help="Folder of the deployment.", file_okay=False)
]
Target = Annotated[Path, typer.Argument(metavar="FILE", help="The copy; must not be there yet.")]
Source = Annotated[Path, typer.Argument(metavar="FILE", help="The copy.", dir_okay=False)]
Checkpoint = Annotated[
    list[Path] | None,
    typer.Option("--checkpoint", help="A checkpoint that a witness or an auditor holds."),
]
ToRead = Annotated[
    bool, typer.Option("--to-read", help="Put it back as evidence; the log does not go on.")
]
Url = Annotated[str | None, typer.Option("--url", help="Instead of log.timestamp_url.")]
Tsa = Annotated[
    Path | None, typer.Option("--tsa", help="Root certificate of the authority, in PEM.")
]
Check = Annotated[bool, typer.Option("--check", help="Check the tokens that are kept; ask nobody.")]
Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="Folder of the archive.", file_okay=False)
]
Origin = Annotated[str, typer.Option("--origin", help="Name of the new log: host/path.")]


def register(log: typer.Typer) -> None:
    """Add the commands to `corridor log`."""
    log.command()(backup)
    log.command()(restore)
    log.command()(restart)
    log.command(name="rotate-key")(rotate_key)
    log.command()(timestamp)
    log.command()(archive)


@told
def backup(file: Target, deployment: DeploymentOption) -> None:
    """Copy the log to a file, while gateways go on, and verify the copy."""
    from gateway.deployment import read_deployment
    from gateway.upkeep.backup import backup as copy

    read = read_deployment(deployment)
    with _progress("copying the log") as progress:
        copied = copy(read.data, file, vkey=read.vkey(), progress=progress)
    typer.echo(f"{file.name}: {copied.size} entries, verified")


@told
def restore(
    file: Source,
    deployment: DeploymentOption,
    checkpoint: Checkpoint = None,
    to_read: ToRead = False,
) -> None:
    """Put a copy in the place of the log, unless the log once said more than it holds."""
    from gateway.deployment import read_deployment, read_keys
    from gateway.errors import OfficerError
    from gateway.log import Log
    from gateway.upkeep import backup

    read = read_deployment(deployment)
    try:
        known = [path.read_text(encoding="utf-8") for path in checkpoint or []]
    except (OSError, UnicodeDecodeError):
        raise OfficerError("cannot be read", rule="backup.checkpoint", at="--checkpoint") from None
    with _progress("checking the copy") as progress:
        copied = backup.restore(
            read.data, file, vkey=read.vkey(), known=known, to_read=to_read, progress=progress
        )
    if to_read:
        typer.echo(f"{copied.size} entries to read; the log goes on with `corridor log restart`")
        return
    gateway = read.settings.gateway.name
    with Log.open(read.data, key=read_keys(deployment).log, gateway=gateway) as opened:
        opened.append(backup.restored(copied, gateway))
    typer.echo(f"{copied.size} entries are back, and the log goes on")


@told
def restart(deployment: DeploymentOption, origin: Origin) -> None:
    """End the log for good, keep it as evidence, and begin another under a new name."""
    from gateway.upkeep.restart import restart as begin

    kept = begin(deployment, origin)
    typer.echo(f"the old log is in {kept.parent.name}/{kept.name}; hand out keys/log.vkey again")


@told
def rotate_key(deployment: DeploymentOption) -> None:
    """Give the log a new key, and say so in the log. Stop all gateways first."""
    from gateway.upkeep.rotation import rotate_key as rotate

    typer.echo(rotate(deployment))


@told
def timestamp(
    deployment: DeploymentOption, url: Url = None, tsa: Tsa = None, check: Check = False
) -> None:
    """Ask a time stamping authority for a token over the newest checkpoint, or check tokens."""
    from gateway.deployment import read_deployment
    from gateway.errors import GatewayError, OfficerError
    from gateway.note import parse_note
    from gateway.publication import reading
    from gateway.upkeep import timestamps

    read = read_deployment(deployment)
    roots = [] if tsa is None else timestamps.read_roots(tsa)
    if check and tsa is None:
        raise typer.BadParameter("tokens are checked with a root certificate: --tsa")
    with reading.opened(read.data) as tree:
        if check:

            def text_of(size: int) -> str | None:
                signed = tree.checkpoint(size)
                return None if signed is None else parse_note(signed).text

            stamped, problems = timestamps.check(read.data / timestamps.FOLDER, roots, text_of)
            for problem in problems:
                typer.echo(f"{problem.rule} at {problem.at}")
            if problems:
                raise GatewayError("a token does not hold", rule="timestamp.broken")
            typer.echo(f"{len(stamped)} tokens hold")
            return
        _, newest = tree.newest()
    address = url or read.settings.log.timestamp_url
    if not address:
        at = "corridor.toml, log.timestamp_url"
        raise OfficerError("no time stamping authority", rule="settings.missing", at=at)
    done = timestamps.stamp(read.data, address, newest, roots)
    moment = datetime.fromtimestamp(done.time / 1000, UTC)
    typer.echo(f"checkpoint {done.size} was there at {moment:%Y-%m-%dT%H:%M:%SZ}")


@told
def archive(directory: Folder, deployment: DeploymentOption) -> None:
    """Write the whole log to a folder, or what it lacks there, and verify it as it stands there."""
    from gateway.deployment import read_deployment
    from gateway.upkeep.archive import archive as write

    with _progress("archiving") as progress:
        made = write(
            read_deployment(deployment), directory, lambda _, done, total: progress(done, total)
        )
    typer.echo(
        f"archive: {made.size} entries hold, {made.new} of them new, {made.tokens} time stamps"
    )


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
