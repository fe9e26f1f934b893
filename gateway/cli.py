"""The command line. Nothing is decided here: whatever it can do, the API or a module can.

Exit codes: 0 done, 1 a finding or a refusal, 2 wrong usage.
"""

import asyncio
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from gateway import (
    cli_agreement,
    cli_log_publish,
    cli_log_report,
    cli_log_upkeep,
    cli_party,
    cli_policy_bundle,
    cli_policy_change,
    cli_policy_explain,
    cli_policy_mutate,
    journal,
    log_place,
    session,
)
from gateway import (
    cli_agreement_sign as _sign,  # noqa: F401 - adds the commands that sign
)
from gateway import (
    cli_suggest as _,  # noqa: F401 - adds `mapping suggest`
)
from gateway.cli_adapter import adapter
from gateway.cli_delivery import delivery
from gateway.cli_incident import incident
from gateway.cli_log import log
from gateway.cli_mapping import mapping
from gateway.cli_migrate import migrate
from gateway.cli_officer import officer, party_sign_key
from gateway.cli_policy import policy
from gateway.cli_progress import shown
from gateway.cli_pull import pull, route
from gateway.cli_recall import recall
from gateway.cli_rights import rights
from gateway.cli_work import work
from gateway.deployment import make_keys, new_bearer, read_deployment, read_keys
from gateway.entry import new_id
from gateway.errors import OfficerError, RecipientError
from gateway.exchange import Judged, Outcome, Transfer, exchange, judge
from gateway.log import Log
from gateway.settings import GatewaySettings, parse_settings
from gateway.show import show_details, told
from gateway.terms import Asked, terms_of

app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
app.add_typer(log, name="log")
app.command()(migrate)
app.command()(work)
cli_log_publish.register(log)
cli_log_report.register(log)
cli_log_upkeep.register(log)
app.add_typer(adapter, name="adapter")
app.add_typer(mapping, name="mapping")
app.add_typer(policy, name="policy")
for commands in (cli_policy_explain, cli_policy_change, cli_policy_mutate, cli_policy_bundle):
    commands.register(policy)
app.add_typer(cli_agreement.agreement, name="agreement")
app.add_typer(officer, name="officer")
app.add_typer(recall, name="recall")
app.add_typer(delivery, name="delivery")
app.add_typer(route, name="route")
route.command(name="key")(cli_party.route_key)
app.command()(pull)
app.add_typer(rights, name="rights")
app.add_typer(incident, name="incident")
party = typer.Typer(help="Parties and their keys.", no_args_is_help=True)
app.add_typer(party, name="party")
party.command(name="sign-key")(party_sign_key)
cli_party.register(party)

Deployment = Annotated[
    Path, typer.Option("--deployment", "-d", help="Folder of the deployment.", file_okay=False)
]
Payload = Annotated[Path, typer.Argument(help="The vendor's payload.", dir_okay=False)]
Format = Annotated[str, typer.Option("--format", help="Format of the payload.")]
Into = Annotated[str | None, typer.Option("--into", help="Format to write.")]
Agreement = Annotated[str, typer.Option("--agreement", help="Agreement id.")]
Purpose = Annotated[str, typer.Option("--purpose", help="One leaf of the purpose taxonomy.")]
Basis = Annotated[str | None, typer.Option("--basis", help="Legal basis.")]
To = Annotated[str | None, typer.Option("--to", help="Recipient's party id.")]
From = Annotated[str | None, typer.Option("--from", help="Sender's party id.")]
MappingName = Annotated[str | None, typer.Option("--mapping", help="Mapping name.")]
Lenient = Annotated[
    bool, typer.Option("--lenient", help="Leave out records that are not sound, and list them.")
]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]

DEMO = Path(__file__).resolve().parent.parent / "deploy" / "demo"
SKELETON = """\
# Settings of this deployment. Every key is explained in docs/operators.md.

[gateway]
name = "{name}"
origin = "{origin}"
"""


@app.command()
@told
def init(
    directory: Annotated[Path, typer.Argument(help="Folder of the deployment.", file_okay=False)],
    name: Annotated[str, typer.Option(help="Name of this gateway.")] = "gw-1",
    origin: Annotated[
        str | None, typer.Option(help="Name of the transfer log: host/path, new for each log.")
    ] = None,
    join: Annotated[
        bool, typer.Option("--join", help="Join a log in PostgreSQL that other gateways write.")
    ] = False,
) -> None:
    """Make a deployment, or the keys and the log that an existing one lacks."""
    settings = directory / "corridor.toml"
    if not settings.exists():
        if origin is None:
            raise typer.BadParameter("a new deployment needs --origin")
        text = SKELETON.format(name=name, origin=origin)
        parse_settings(text, at="--name or --origin")
        for folder in ("parties", "agreements", "mappings", "places", "policies"):
            (directory / folder).mkdir(parents=True, exist_ok=True)
        settings.write_text(text, encoding="utf-8")
        typer.echo(f"made {settings.name}")
    deployment = read_deployment(directory)
    for key in make_keys(directory, deployment.settings.gateway.origin):
        typer.echo(f"made keys/{key}")
    if not log_place.present(deployment.data):
        _make_log(deployment.data, deployment.settings.gateway, join=join)


def _make_log(data: Path, gateway: GatewaySettings, *, join: bool) -> None:
    key = read_keys(data.parent).log
    if join:
        Log.join(data, key=key, gateway=gateway.name).close()
        typer.echo("joined the log")
    else:
        Log.create(data, origin=gateway.origin, key=key, gateway=gateway.name).close()
        typer.echo(f"made {log_place.called(data)}")


@app.command()
@told
def serve(
    deployment: Deployment,
    host: Annotated[str | None, typer.Option(help="Instead of server.host.")] = None,
    port: Annotated[int | None, typer.Option(help="Instead of server.port.")] = None,
) -> None:
    """Serve the HTTP API of a deployment."""
    from gateway import memory
    from gateway.app import create_app
    from gateway.identity.certificate import tls_options
    from gateway.server import server_of

    memory.give_back()
    settings = read_deployment(deployment).settings
    host, port = host or settings.server.host, settings.server.port if port is None else port
    journal.configure()
    journal.say("serving", host=host, port=port)
    tls = tls_options(deployment, settings.identity)
    server_of(create_app(deployment), settings, host=host, port=port, **tls).run()


@app.command(name="exchange")
@told
def exchange_file(
    payload: Payload,
    deployment: Deployment,
    format: Format,
    agreement: Agreement,
    purpose: Purpose,
    out: Annotated[Path, typer.Option("--out", help="Where the released content goes.")],
    receipt: Annotated[Path, typer.Option("--receipt", help="Where the receipt goes.")],
    into: Into = None,
    basis: Basis = None,
    to: To = None,
    from_: From = None,
    mapping: MappingName = None,
    lenient: Lenient = False,
    json: Json = False,
) -> None:
    """Carry one transfer from a file to a file. Exits 1 when it is refused or held."""
    asked = Asked(from_, to, agreement, purpose, basis, format, into, "return", mapping)
    outcome = asyncio.run(_exchange(deployment, asked, payload, out, receipt, lenient=lenient))
    if json:
        _print_json({"outcome": outcome.outcome, "transfer": outcome.transfer, **outcome.details})
    else:
        show_details(Console(), outcome.outcome, outcome.details, transfer=outcome.transfer)
    if outcome.released is None and out.exists():
        typer.echo(f"{out.name} was not written; what it holds is older", err=True)
    raise typer.Exit(0 if outcome.outcome == "released" else 1)


@app.command()
@told
def preview(
    payload: Payload,
    deployment: Deployment,
    format: Format,
    agreement: Agreement,
    purpose: Purpose,
    into: Into = None,
    basis: Basis = None,
    to: To = None,
    from_: From = None,
    mapping: MappingName = None,
    json: Json = False,
) -> None:
    """Show what a transfer would release. Nothing is logged, nothing leaves."""
    asked = Asked(from_, to, agreement, purpose, basis, format, into, "return", mapping)
    judged = asyncio.run(_preview(deployment, asked, payload))
    if json:
        _print_json({"outcome": judged.outcome, **judged.details})
    else:
        show_details(Console(), judged.outcome, judged.details)
    raise typer.Exit(0 if judged.outcome == "released" else 1)


@party.command(name="key")
@told
def party_key(
    party_id: Annotated[str, typer.Argument(metavar="PARTY", help="Party id.")],
    deployment: Deployment,
) -> None:
    """Make a bearer key for a party. It is shown once; only its digest is kept."""
    if party_id not in read_deployment(deployment).parties:
        raise OfficerError("no such party", rule="party.unknown", at="PARTY")
    typer.echo(new_bearer(deployment, party_id))


@app.command()
@told
def demo(
    keep: Annotated[
        Path | None, typer.Option(help="Keep the demo's deployment in this new folder.")
    ] = None,
) -> None:
    """Show one release, one refusal and one hold over HTTP, and check the log."""
    from gateway.demo import run

    if keep is not None and keep.exists():
        raise OfficerError("this folder is there already", rule="demo.exists", at="--keep")
    run(DEMO, Console(width=min(Console().width, 100)), keep)


async def _exchange(
    directory: Path, asked: Asked, payload: Path, out: Path, receipt: Path, *, lenient: bool
) -> Outcome:
    for path in (out, receipt):
        if not path.resolve().parent.is_dir():
            raise RecipientError("no such folder", rule="out.no_folder", at="--out or --receipt")
    async with session.opened(directory) as gateway:
        terms = terms_of(asked, gateway.deployment, gateway.known)
        with shown(payload):
            transfer = Transfer(new_id(), terms, payload, lenient=lenient)
            outcome = await exchange(transfer, gateway)
        _write(receipt, [outcome.receipt])
        if outcome.released is not None:
            _write(out, outcome.released.chunks())
            outcome.released.close()
            gateway.log.done(outcome.transfer)
        return outcome


async def _preview(directory: Path, asked: Asked, payload: Path) -> Judged:
    async with session.opened(directory) as gateway:
        judged = await judge(terms_of(asked, gateway.deployment, gateway.known), payload, gateway)
        judged.close()
        return judged


def _write(path: Path, content: Iterable[bytes]) -> None:
    """Whole or not at all, and for its owner only."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.writelines(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise RecipientError("cannot be written", rule="out.unwritable", at=path.name) from None


def _print_json(value: Any) -> None:
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")


def main() -> None:
    """The `corridor` command."""
    app()
