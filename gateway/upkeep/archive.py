"""The whole log moved to a folder that somebody else keeps, and proven to be whole there.

An archive is an export with its documents and time stamps. It is read back and verified with the
public keys alone before the log says that it was made: what nobody has read back is no archive.
Its files never change once a later one is complete, so any tool carries them to an object store.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway import entry
from gateway.canonical import digest
from gateway.deployment import Deployment, read_keys
from gateway.errors import GatewayError
from gateway.log import Log
from gateway.publication import export, reading
from gateway.upkeep import timestamps
from gateway.verification import keys_of, verify_export

Progress = Callable[[str, int, int], None]
NO_MORE = 5
"""Problems that are named; more are not needed to know that the archive is none."""


@dataclass(frozen=True, slots=True)
class Archived:
    """An archive that holds."""

    size: int
    """Entries in it."""
    new: int
    """Entries that it did not have before."""
    tokens: int
    """Time stamps in it."""


def archive(deployment: Deployment, target: Path, progress: Progress) -> Archived:
    """Write the log to a folder, or what the folder lacks; verify it; log that it was made."""
    with reading.opened(deployment.data) as tree:
        _, checkpoint = tree.newest()
        made = export.export(
            tree,
            target,
            checkpoint,
            documents=True,
            progress=lambda done, total: progress("writing the archive", done, total),
        )
    tokens = timestamps.copy(deployment.data, target)
    keys = keys_of(deployment.vkey())
    verdict = verify_export(
        target,
        keys,
        progress=lambda done, total: progress("reading it back", done, total),
    )
    if verdict.problems:
        at = " ".join(problem.rule for problem in verdict.problems[:NO_MORE])
        raise GatewayError("the archive does not hold", rule="archive.broken", at=at)
    if verdict.size != made.size:
        raise GatewayError("the archive is not whole", rule="archive.broken")
    gateway = deployment.settings.gateway.name
    named = digest(checkpoint.encode())
    said = entry.control(gateway=gateway, what="archive", digest=named, n=made.size)
    with Log.open(deployment.data, key=read_keys(deployment.directory).log, gateway=gateway) as log:
        log.append(said)
    return Archived(made.size, made.size - made.since, tokens)
