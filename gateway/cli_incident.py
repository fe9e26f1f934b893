"""`corridor incident`: what happened, who must be told until when, and demands by authorities."""

from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
import typer

from gateway.cli_recall import (
    Agreement,
    As,
    End,
    Folder,
    Json,
    Purpose,
    Recipient,
    Start,
    instant,
    opened,
    printed,
    shown,
)
from gateway.errors import OfficerError
from gateway.happenings import incident as incidents
from gateway.happenings.affected import Affected, Asked, affected
from gateway.show import told

incident = typer.Typer(help="Incidents and demands by authorities.", no_args_is_help=True)

Severity = Annotated[
    int | None,
    typer.Option(min=1, max=4, help="4: could get somebody harmed. 1: a rule broken, no exposure."),
]
Party = Annotated[str, typer.Option(help="The organisation concerned.")]
Number = Annotated[int | None, typer.Option("--count", min=0, help="How many, if not looked for.")]
Out = Annotated[Path | None, typer.Option("--out", help="File for the list of affected transfers.")]


@incident.command("open")
@told
def open_(
    deployment: Folder,
    by: As,
    kind: Annotated[str, typer.Option(help="What kind of event, as docs/operators.md lists them.")],
    severity: Severity = None,
    compelled: Annotated[bool, typer.Option(help="An authority demanded data.")] = False,
    party: Party = "",
    recipient: Recipient = "",
    agreement: Agreement = "",
    purpose: Purpose = "",
    from_: Start = "",
    to: End = "",
    count: Number = None,
    out: Out = None,
) -> None:
    """Open a case, and list the transfers it affects from the log."""
    what: Literal["incident", "compelled"] = "compelled" if compelled else "incident"
    asked = Asked(recipient, "", agreement, purpose, instant(from_, "--from"), instant(to, "--to"))
    if asked.narrow and count is not None:
        raise typer.BadParameter("--count is for what the log does not know")
    log, held = opened(deployment)
    with log:
        found = list(affected(log, asked))
        number = len(found) if asked.narrow else count
        opening = incidents.Opening(what, kind, severity, party, number)
        entry = orjson.loads(incidents.open_case(log, held, opening, by).leaf)
    typer.echo(f"case {entry['case']}")
    if asked.narrow:
        typer.echo(f"{len(found)} transfers affected")
        _listed(found, out)
    case = incidents.Case(entry["case"], what, kind, entry["time"], states=[("opened", 0, "")])
    for state, due in case.due().items():
        typer.echo(f"{state} by {shown(due)}")


def _listed(found: list[Affected], out: Path | None) -> None:
    lines = [f"{one.transfer} {one.recipient} {shown(one.time)}" for one in found]
    if out is None:
        for line in lines:
            typer.echo(line)
        return
    try:
        out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError:
        raise OfficerError("cannot be written", rule="out.unwritable", at=out.name) from None


@incident.command()
@told
def update(
    case: Annotated[str, typer.Argument(help="The case, as `open` named it.")],
    deployment: Folder,
    by: As,
    state: Annotated[
        str,
        typer.Option(
            help="contained, partner_told, authority_told, people_told or closed; of a demand "
            "refused, disclosed, partner_told or closed."
        ),
    ],
    severity: Severity = None,
    party: Party = "",
) -> None:
    """Say the next step of a case: contained, somebody told, or closed."""
    log, held = opened(deployment)
    with log:
        incidents.update(log, held, case, state, by, party=party, severity=severity)
        known = incidents.cases(log)[case]
    typer.echo(f"case {case}: {state}")
    for missing, due in known.due().items():
        typer.echo(f"{missing} by {shown(due)}")


@incident.command("list")
@told
def list_(deployment: Folder, json: Json = False) -> None:
    """List every case: how grave, how far, who must still be told, and whether that is late."""
    log, _ = opened(deployment)
    with log:
        found = [_row(one) for one in incidents.cases(log).values()]
    columns = ("case", "kind", "severity", "state", "next")
    printed(found, json, columns)


def _row(case: incidents.Case) -> dict[str, Any]:
    due = case.due()
    row = {
        "case": case.id, "what": case.what, "kind": case.kind, "severity": case.severity,
        "party": case.party, "transfers": case.transfers, "opened": case.opened,
        "state": case.states[-1][0], "to_tell": due,
    }  # fmt: skip
    late = [f"{state} by {shown(moment)}" for state, moment in due.items()]
    told_late = [f"{state} was late" for state in case.late()]
    return {**row, "next": ", ".join([*late, *told_late])}
