"""`corridor recall`: asking recipients to delete, and signing that one did."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from gateway.approval import moment
from gateway.errors import OfficerError
from gateway.happenings import custody
from gateway.happenings.certificate import TYP, About, Word, statement_of
from gateway.happenings.custody import Desk
from gateway.show import told

if TYPE_CHECKING:
    from gateway.deployment import Deployment
    from gateway.log import Log

recall = typer.Typer(help="Copies at recipients: recalls and deletions.", no_args_is_help=True)

Folder = Annotated[Path, typer.Option("--deployment", "-d", help="Folder of the deployment.")]
As = Annotated[str, typer.Option("--as", help="The officer who says so.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Recipient = Annotated[str, typer.Option(help="Transfers to this party.")]
Agreement = Annotated[str, typer.Option(help="Transfers under this agreement.")]
Purpose = Annotated[str, typer.Option(help="Transfers for this purpose.")]
Start = Annotated[str, typer.Option("--from", help="First moment, 2026-11-22T08:00:00Z or a day.")]
End = Annotated[str, typer.Option("--to", help="Moment or day after the last.")]


def opened(directory: Path) -> "tuple[Log, Deployment]":
    """The log of a deployment, to be closed by the caller, and what people decided."""
    from gateway.deployment import read_deployment, read_keys
    from gateway.log import Log

    held = read_deployment(directory)
    name = held.settings.gateway.name
    return Log.open(held.data, key=read_keys(directory).log, gateway=name), held


def instant(text: str, at: str) -> int:
    """Milliseconds since 1970 of a moment or a day; 0 for nothing said."""
    if not text:
        return 0
    try:
        return int(moment(text if "T" in text else f"{text}T00:00:00Z").timestamp()) * 1000
    except ValueError:
        raise OfficerError("no such moment", rule="recall.moment", at=at) from None


def shown(milliseconds: int) -> str:
    """A moment as people read it."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def printed(found: list[dict[str, Any]], json: bool, columns: tuple[str, ...]) -> None:
    """Rows as a table or as JSON."""
    if json:
        sys.stdout.buffer.write(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
        return
    table = Table(box=None, padding=(0, 1))
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name == columns[0])
    for one in found:
        row = {**one, "due": shown(one["due"]) if "due" in one else ""}
        table.add_row(*(str(row.get(name, "")) for name in columns))
    Console().print(table)


@recall.command()
@told
def ask(
    deployment: Folder,
    by: As,
    reason: Annotated[str, typer.Option(help=f"One of {', '.join(custody.REASONS)}.")],
    transfers: Annotated[
        list[str] | None, typer.Argument(metavar="[TRANSFER]...", help="Transfer ids.")
    ] = None,
    recipient: Recipient = "",
    agreement: Agreement = "",
    purpose: Purpose = "",
    from_: Start = "",
    to: End = "",
    json: Json = False,
) -> None:
    """Ask the recipients of transfers to delete them: those named, or those found."""
    from gateway.happenings.affected import Asked, affected
    from gateway.happenings.incident import active_officer

    asked = Asked(recipient, "", agreement, purpose, instant(from_, "--from"), instant(to, "--to"))
    if bool(transfers) == asked.narrow:
        raise typer.BadParameter("name transfers, or say which to look for")
    log, held = opened(deployment)
    with log:
        active_officer(held.officers, by)
        names = transfers or [one.transfer for one in affected(log, asked)]
        found = custody.recall(Desk(log, held), names, reason, by=by)
    printed(found, json, ("transfer", "party", "state", "due"))


@recall.command("list")
@told
def list_(
    deployment: Folder,
    party: Annotated[str, typer.Option(help="Of this recipient only.")] = "",
    json: Json = False,
) -> None:
    """List recalls that are not done: who was asked, until when, and what was answered."""
    log, _ = opened(deployment)
    with log:
        found = custody.asked_of(log, party, limit=sys.maxsize)
    printed(found, json, ("recall", "party", "reason", "state", "due"))


@recall.command()
@told
def sign(
    what: Annotated[str, typer.Argument(help="acknowledged, deleted or answer.")],
    transfer: Annotated[str, typer.Argument(help="The transfer's id.")],
    party: Annotated[str, typer.Option(help="Who signs.")],
    key: Annotated[Path, typer.Option(help="The party's private key.", dir_okay=False)],
    recall_id: Annotated[str, typer.Option("--recall", help="Of an answer: the recall.")] = "",
    state: Annotated[str, typer.Option(help="acknowledged, done, partial or refused.")] = "",
    reason: Annotated[str, typer.Option(help="Of partial and refused.")] = "",
    method: Annotated[
        str, typer.Option(help="erased, key_destroyed, medium_destroyed or returned.")
    ] = "",
    copies: Annotated[str, typer.Option(help="none_made, erased or will_expire.")] = "",
    subcontractors: Annotated[str, typer.Option(help="none, erased or told.")] = "",
) -> None:
    """Sign a deletion certificate, or another word about copies, for a recipient to send."""
    from pydantic import ValidationError

    from gateway.activation import now
    from gateway.signing import read_private
    from gateway.signing import sign as signed

    parts = {
        "state": state, "reason": reason, "method": method, "copies": copies,
        "subcontractors": subcontractors,
    }  # fmt: skip
    if what not in ("acknowledged", "deleted", "answer") or (what == "answer") != bool(recall_id):
        raise typer.BadParameter("acknowledged, deleted, or answer with --recall")
    try:
        word = Word.model_validate({name: part for name, part in parts.items() if part})
    except ValidationError as error:
        at = "--" + str(next(iter(error.errors(include_input=False)[0]["loc"]), "state"))
        raise OfficerError("a statement that is not fit", rule="custody.form", at=at) from None
    about = About(what, transfer, party, recall_id or None)
    typer.echo(signed(statement_of(about, word, now()), read_private(key), TYP))
