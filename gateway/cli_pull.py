"""`corridor pull`: asking partners' systems. `corridor route`: the routes there are."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from gateway.approval import moment
from gateway.errors import CorridorError, OfficerError
from gateway.show import told

if TYPE_CHECKING:
    from starlette.datastructures import State

    from gateway.deployment import Deployment
    from gateway.routes.pulling import Report

route = typer.Typer(help="Routes: what vendors' systems send, and are asked.", no_args_is_help=True)

Folder = Annotated[
    Path, typer.Option("--deployment", "-d", help="Folder of the deployment.", file_okay=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(metavar="[ROUTE]", help="The route's id.")]


@told
def pull(
    deployment: Folder,
    name: Name = "",
    all_: Annotated[
        bool, typer.Option("--all", help="Every active route that can be asked.")
    ] = False,
    since: Annotated[
        str, typer.Option(help="Ask from this moment on, 2026-11-22T08:00:00Z, not the cursor's.")
    ] = "",
    json: Json = False,
) -> None:
    """Ask the systems of routes for records whose webhooks were lost. Exit 1 where some stay."""
    from gateway import journal

    if bool(name) == all_:
        raise typer.BadParameter("name a route, or say --all")
    if since:
        try:
            moment(since)
        except ValueError:
            raise typer.BadParameter("2026-11-22T08:00:00Z", param_hint="--since") from None
    journal.silence()
    reports = asyncio.run(_pulled(deployment, name, since))
    if json:
        said = [report.said() for report in reports]
        sys.stdout.buffer.write(orjson.dumps(said, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        for report in reports:
            _show(report)
    if any(report.rule or report.counts["faulty"] for report in reports):
        raise typer.Exit(1)


async def _pulled(directory: Path, name: str, since: str) -> "list[Report]":
    from starlette.datastructures import State

    from gateway import following, session

    async with session.opened(directory) as gateway:
        state = State({"gateway": gateway})
        try:
            return [await _one(state, one, since) for one in _chosen(gateway.deployment, name)]
        finally:
            await following.close(state)


async def _one(state: "State", route: Mapping[str, Any], since: str) -> "Report":
    from gateway.routes.pulling import Report, pull

    try:
        return await pull(state, route, since)
    except CorridorError as error:
        # The other routes are asked all the same.
        return Report(route["id"], rule=error.rule)


def _chosen(deployment: "Deployment", name: str) -> list[Mapping[str, Any]]:
    """The route of this name, or all that can be asked."""
    if not name:
        known = deployment.routes.values()
        return [one for one in known if one["status"] == "active" and "pull" in one]
    one = deployment.routes.get(name)
    if one is None or one["status"] != "active":
        raise OfficerError("no active route of this name", rule="route.unknown", at="ROUTE")
    return [one]


def _show(report: "Report") -> None:
    console = Console(highlight=False)
    told_ = ", ".join(f"{number} {what}" for what, number in report.counts.items() if number)
    console.print(f"{report.route}: {report.records} records, {told_ or 'nothing new'}")
    for one in report.faults:
        where = f"page {one['page']}, record {one['index'] + 1}"
        console.print(f"  left behind: {where}: {one['rule']} {one.get('at', '')}", markup=False)
    if report.rule:
        console.print(f"  stopped halfway: {report.rule}")


@route.command("list")
@told
def list_(deployment: Folder, json: Json = False) -> None:
    """List routes: what sends, to whom, and how far their systems were asked."""
    from gateway.cli_recall import opened
    from gateway.routes import cursor

    log, held = opened(deployment)
    found: list[dict[str, Any]] = []
    with log:
        for one in held.routes.values():
            kept = cursor.read(log, one["id"])
            row = {
                "route": one["id"],
                "system": one["system"],
                "status": one["status"],
                "sender": one["sender"],
                "to": one["terms"]["to"],
                "hook": one.get("auth", {}).get("kind", "none"),
                "asked": _instant(kept.asked) if "pull" in one else "",
                "cursor": _instant(kept.at // 1000) if "pull" in one else "",
                "left": kept.left,
                "left_since": _instant(kept.left_since // 1000),
                "rule": kept.rule,
            }
            found.append(row)
    if json:
        sys.stdout.buffer.write(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
        return
    table = Table(box=None, padding=(0, 1))
    for column in ("route", "system", "status", "to", "hook", "cursor", "left", "rule"):
        table.add_column(column, overflow="fold", no_wrap=column == "route")
    for row in found:
        shown = {**row, "to": "\n".join(row["to"])}
        table.add_row(*(str(shown[str(one.header)]) for one in table.columns))
    Console().print(table)


def _instant(milliseconds: int) -> str:
    from datetime import UTC, datetime

    if not milliseconds:
        return ""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@route.command()
@told
def check(deployment: Folder, json: Json = False) -> None:
    """Check that every route can do its work: terms, mapping, adapter, secrets, options."""
    from gateway.deployment import read_deployment, read_secrets
    from gateway.routes.fit import problems
    from gateway.session import bundle_of, known_of

    held = read_deployment(deployment)
    known, secrets = known_of(bundle_of(held)), read_secrets(deployment)
    found: list[dict[str, str]] = []
    for one in held.routes.values():
        for error in problems(one, held, known, secrets):
            found.append(_finding(one["id"], error))
    if json:
        sys.stdout.buffer.write(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        for row in found:
            typer.echo(f"{row['route']}: {row['problem']} at {row['at']} ({row['rule']})")
        if not found:
            typer.echo(f"{len(held.routes)} routes are fit")
    if found:
        raise typer.Exit(1)


def _finding(name: str, error: CorridorError) -> dict[str, str]:
    return {"route": name, "rule": error.rule, "at": error.at, "problem": error.problem}
