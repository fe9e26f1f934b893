"""`corridor agreement`: what people put their keys to. Importing this adds the commands."""

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli_agreement import (
    DeploymentOption,
    Id,
    agreement,
    now_text,
    print_findings,
    write_new,
)
from gateway.errors import OfficerError
from gateway.show import told

As = Annotated[str, typer.Option("--as", help="Who signs: a party, or an officer.")]
KeyFile = Annotated[Path, typer.Option("--key", help="Private key of who signs.", dir_okay=False)]
Reason = Annotated[str, typer.Option(help="Why, in at least 20 characters.")]


@agreement.command()
@told
def sign(
    id: Id,
    deployment: DeploymentOption,
    as_: As,
    key: KeyFile,
    document: Annotated[
        Path | None, typer.Option(help="The document that people signed; its hash is compared.")
    ] = None,
    officer: Annotated[str | None, typer.Option(help="The officer who signs for it.")] = None,
    role: Annotated[str | None, typer.Option(help="In which role.")] = None,
) -> None:
    """Sign an agreement for a party, and write the signature into its file."""
    from gateway.agreement_sign import sign_for
    from gateway.agreement_standing import shipped_tables
    from gateway.deployment import read_deployment
    from gateway.signing import read_private

    held = read_deployment(deployment, agreements=False)
    hashed = None if document is None else _hash(document)
    who = {name: text for name, text in (("officer", officer), ("role", role)) if text}
    found = sign_for(
        held, shipped_tables(), id, as_, read_private(key), now_text(), hashed=hashed, who=who
    )
    if found:
        print_findings(found)
        raise OfficerError("not fit to be signed", rule=found[0].rule, at=found[0].at)
    typer.echo(f"signed {id} for {as_}")


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        raise OfficerError("cannot be read", rule="document.unreadable", at=path.name) from None


@agreement.command()
@told
def approve(
    id: Id,
    deployment: DeploymentOption,
    as_: As,
    role: Annotated[str, typer.Option(help="In which of the officer's roles.")],
    key: KeyFile,
    reason: Reason,
    out: Annotated[Path, typer.Option(help="File for the approval.", dir_okay=False)],
) -> None:
    """Approve an agreement as an officer. It counts for 72 hours, for exactly this text."""
    from gateway import approval
    from gateway.agreement import content_digest
    from gateway.agreement_check import read
    from gateway.agreement_standing import path_of
    from gateway.deployment import read_deployment
    from gateway.signing import read_private

    held = read_deployment(deployment, agreements=False)
    now, digest = now_text(), content_digest(read(path_of(deployment, id))[0])
    signed = approval.approve(
        what="agreement", subject=id, digest=digest, report="",
        officer=as_, role=role, at=now, reason=reason, key=read_private(key),
    )  # fmt: skip
    # Whoever approves with a key that is not theirs is told now, and not when it is needed.
    approval.verified(signed, held, what="agreement", subject=id, digest=digest, report="", now=now)
    write_new(out, signed + "\n")
    typer.echo(f"approved {id} as {as_}, {role}: {out.name}")


@agreement.command()
@told
def activate(
    id: Id,
    deployment: DeploymentOption,
    approval: Annotated[
        list[Path], typer.Option("--approval", help="An approval; two officers, two roles.")
    ],
) -> None:
    """Bring an agreement into force: signed, approved, and written into the log."""
    from gateway import agreement_standing

    try:
        index = agreement_standing.activate(deployment, id, approval, now_text())
    except agreement_standing.NotReadyError as error:
        print_findings(error.found)
        raise
    if index is None:
        typer.echo(f"{id} is in force already")
    else:
        typer.echo(f"{id} is in force: entry {index} of the log")


@agreement.command()
@told
def suspend(id: Id, deployment: DeploymentOption, as_: As, key: KeyFile, reason: Reason) -> None:
    """Stop releases under an agreement until it is activated again. One party or officer can."""
    _stop(id, deployment, as_, key, reason, "suspended")


@agreement.command()
@told
def end(
    id: Id,
    deployment: DeploymentOption,
    as_: As,
    key: KeyFile,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
) -> None:
    """End an agreement for good. Either party can, alone."""
    _stop(id, deployment, as_, key, reason, "terminated")


def _stop(id: str, directory: Path, as_: str, key: Path, reason: str, state: str) -> None:
    from gateway import agreement_standing
    from gateway.deployment import read_deployment, read_keys
    from gateway.signing import read_private

    held, keys = read_deployment(directory, agreements=False), read_keys(directory)
    said = agreement_standing.stop(
        held, keys, id, "suspended" if state == "suspended" else "terminated",
        by=as_, reason=reason, key=read_private(key), now=now_text(),
    )  # fmt: skip
    if said is None:
        typer.echo(f"{id} is {state} already")
        return
    typer.echo(f"{id} is {state}: entry {said} of the log")
    typer.echo(
        "Nothing is released under it any more: the log refuses it from that entry on, in every"
        " process, and running gateways say so within a second."
    )
