"""`corridor log export|prove|reader` and `corridor log witness`: the log for outsiders."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from gateway.deployment import read_deployment
from gateway.errors import OfficerError
from gateway.show import told

witness = typer.Typer(help="Witnesses: asked by this log, or serving others.", no_args_is_help=True)

DeploymentOption = Annotated[
    Path, typer.Option("--deployment", "-d", help="Folder of the deployment.", file_okay=False)
]
Newest = Annotated[bool, typer.Option("--newest", help="Up to the newest entry, witnessed or not.")]
State = Annotated[Path, typer.Option("--state", help="Folder of the witness.", file_okay=False)]


def register(log: typer.Typer) -> None:
    """Add the commands to `corridor log`."""
    log.command()(export)
    log.command()(prove)
    log.command()(reader)
    log.add_typer(witness, name="witness")


@told
def export(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder to write.", file_okay=False)
    ],
    deployment: DeploymentOption,
    documents: Annotated[
        bool, typer.Option("--documents", help="Also what entries name by digest.")
    ] = False,
    newest: Newest = False,
) -> None:
    """Write the log as files that other tools verify, or what a folder lacks of it."""
    from gateway.publication import export as writing
    from gateway.publication import proofs, reading, trust
    from gateway.upkeep import timestamps

    data = read_deployment(deployment).data
    with reading.opened(data) as tree, _bar("writing the log") as progress:
        checkpoint = proofs.head(tree, trust.policy_of(deployment), newest=newest)
        made = writing.export(tree, directory, checkpoint, documents=documents, progress=progress)
    timestamps.copy(data, directory, made.size)
    typer.echo(f"log: {made.size} entries, {made.size - made.since} of them new in the folder")


@told
def prove(
    deployment: DeploymentOption,
    transfer: Annotated[str | None, typer.Option(help="Transfer to prove.")] = None,
    index: Annotated[int | None, typer.Option(help="Entry to prove.")] = None,
    from_: Annotated[
        int | None, typer.Option("--from", help="Size that the log is to have grown from.")
    ] = None,
    size: Annotated[int | None, typer.Option(help="Size of the checkpoint to prove to.")] = None,
    entry: Annotated[
        Path | None, typer.Option(help="Also write the entry's bytes here.", dir_okay=False)
    ] = None,
    newest: Newest = False,
) -> None:
    """Print the proof that an entry is in the log, or that the log only grew."""
    from gateway.publication import proofs, reading, trust

    if sum(one is not None for one in (transfer, index, from_)) != 1:
        raise typer.BadParameter("give one of --transfer, --index and --from")
    with reading.opened(read_deployment(deployment).data) as tree:
        if size is None:
            checkpoint = proofs.head(tree, trust.policy_of(deployment), newest=newest)
        else:
            checkpoint = proofs.at(tree, size)
        if from_ is not None:
            sys.stdout.write(proofs.consistency(tree, from_, checkpoint))
            return
        at = tree.find(transfer) if transfer is not None else index or 0
        sys.stdout.write(proofs.inclusion(tree, at, checkpoint))
        if entry is not None:
            [(_, leaf)] = tree.entries(at, 1)
            entry.write_bytes(leaf)


@told
def reader(
    name: Annotated[str, typer.Argument(help="Who reads: lower case, digits, dots, dashes.")],
    deployment: DeploymentOption,
) -> None:
    """Make a bearer key for an auditor. It is shown once; it reads the log and nothing else."""
    from gateway.readers import new_reader

    read_deployment(deployment)
    typer.echo(new_reader(deployment, name))


@witness.command()
@told
def init(
    name: Annotated[str, typer.Argument(help="Name of the witness, for example example.org/w1.")],
    state: State,
) -> None:
    """Make a witness: a folder with its key. Prints the public key for those who trust it."""
    from gateway.publication.witness import make_key

    typer.echo(make_key(state, name))


@witness.command()
@told
def serve(
    state: State,
    log: Annotated[list[Path], typer.Option("--log", help="A log's public keys; repeatable.")],
    listen: Annotated[str, typer.Option(help="Address and port.")] = "127.0.0.1:8081",
) -> None:
    """Sign checkpoints of these logs, and refuse those that do not go on from the last one."""
    import uvicorn

    from gateway import journal
    from gateway.deployment import read_key
    from gateway.log_keys import LogKeys
    from gateway.publication.witness import Witness
    from gateway.publication.witness_app import witness_app

    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit():
        raise typer.BadParameter("--listen takes HOST:PORT")
    opened = Witness(state, [LogKeys.parse(read_key(path)) for path in log])
    journal.configure()
    journal.say("witnessing", host=host, port=int(port))
    try:
        uvicorn.run(
            witness_app(opened),
            host=host.strip("[]"),
            port=int(port),
            access_log=False,
            log_config=None,
            server_header=False,
        )
    finally:
        opened.close()


@witness.command()
@told
def add(
    name: Annotated[str, typer.Argument(help="What this deployment calls the witness.")],
    vkey: Annotated[str, typer.Argument(help="Its public key.")],
    url: Annotated[str, typer.Argument(help="Where it takes checkpoints.")],
    deployment: DeploymentOption,
    quorum: Annotated[
        int | None, typer.Option(help="How many of all witnesses must sign from now on.")
    ] = None,
) -> None:
    """Add a witness to `witnesses.policy`. A gateway asks it from its next start on."""
    from gateway.publication import trust

    if not url.startswith(("https://", "http://")):
        raise OfficerError("neither http nor https", rule="witness.url", at="URL")
    policy = trust.add(deployment, read_deployment(deployment).vkey(), name, vkey, url, quorum)
    typer.echo(f"witnesses: {len(policy.witnesses)}, quorum {policy.quorum}")


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
