"""`corridor policy replay`, `redecide`, `diff`, `approve`, `activate` and `list`: changing a rule,
seeing what it would have changed, and putting it in force."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gateway.show import told

if TYPE_CHECKING:
    from gateway.replay_reading import Progress

Deployed = Annotated[
    Path, typer.Option("--deployment", "-d", help="Folder of the deployment.", file_okay=False)
]
MaybeDeployed = Annotated[
    Path | None, typer.Option("--deployment", "-d", help="Folder of the deployment.")
]
NewBundle = Annotated[
    str,
    typer.Option(
        "--bundle",
        help="What `corridor policy bundle` wrote, a revision, or `folders`: the policies as"
        " their folders have them now.",
    ),
]
Since = Annotated[
    str, typer.Option("--since", help="`30d`, a date such as 2026-01-01, an instant, or `all`.")
]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Report = Annotated[
    Path, typer.Option("--replay", help="The report of `corridor policy replay --out`.")
]


def register(policy: typer.Typer) -> None:
    """Add the commands to `corridor policy`."""
    for command in (replay, redecide, diff, approve, activate):
        policy.command()(command)
    policy.command(name="list")(list_activations)


@contextmanager
def _progress() -> Iterator["Progress"]:
    """A bar for each thing that is done, on standard error."""
    from rich.console import Console
    from rich.progress import Progress, TaskID

    with Progress(console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def told_progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what)
            bar.update(tasks[what], completed=done, total=total)

        yield told_progress


def _write(text: bytes) -> None:
    typer.echo(text.decode())


@told
def replay(
    deployment: Deployed,
    bundle: NewBundle = "folders",
    since: Since = "30d",
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the report, for approvals.", dir_okay=False)
    ] = None,
    cases: Annotated[
        int, typer.Option(help="Invented questions to try as well.", min=0, max=1_000_000)
    ] = 2_000,
    seed: Annotated[str, typer.Option(help="Which questions are invented.")] = "1",
    json: Json = False,
) -> None:
    """Decide every logged transfer again. Exits 1 if anything widens."""
    from rich.console import Console

    from gateway import replay as replayed
    from gateway.activation import folders, now
    from gateway.bundle_named import named
    from gateway.deployment import read_deployment
    from gateway.replay_reading import recorded
    from gateway.replay_show import show_replay

    read = read_deployment(deployment)
    found = named(bundle, read)
    scope = replayed.Scope(since=replayed.since_of(since, now()), seed=seed, cases=cases)
    with recorded(read.data, read.vkey()) as log, _progress() as progress:
        report = replayed.replay(
            log, found.bundle, scope, known=partial(folders, read), progress=progress
        )
    written = replayed.written(report)
    if out is not None:
        out.write_bytes(written)
    if json:
        _write(written)
    else:
        show_replay(Console(), report, digest=replayed.report_digest(report))
    raise typer.Exit(1 if replayed.widens(report) else 0)


@told
def redecide(
    deployment: Deployed,
    since: Since = "30d",
    engine: Annotated[
        Literal["other", "embedded", "opa"],
        typer.Option(help="Which engine decides again; `other` than the one that did."),
    ] = "other",
    json: Json = False,
) -> None:
    """Decide every logged transfer again, by another engine. Exits 1 for any difference."""
    from dataclasses import asdict

    from rich.console import Console

    from gateway import redecide as again
    from gateway import replay as replayed
    from gateway.activation import folders, now
    from gateway.canonical import canonical
    from gateway.deployment import read_deployment
    from gateway.replay_reading import recorded
    from gateway.replay_show import show_redecided

    read = read_deployment(deployment)
    moment = replayed.milliseconds(replayed.since_of(since, now()))
    with recorded(read.data, read.vkey()) as log, _progress() as progress:
        found = again.redecide(
            log, since=moment, engine=engine, known=partial(folders, read), progress=progress
        )
    if json:
        _write(canonical(asdict(found)))
    else:
        show_redecided(Console(), found)
    raise typer.Exit(1 if found.different else 0)


@told
def diff(
    old: Annotated[str, typer.Argument(help="A folder, a tarball, a revision, or `folders`.")],
    new: Annotated[str, typer.Argument(help="The same.")],
    deployment: MaybeDeployed = None,
    json: Json = False,
) -> None:
    """Show what differs between two bundles, and which red lines and thresholds are weaker."""
    from rich.console import Console

    from gateway import bundle_diff
    from gateway.bundle_named import named
    from gateway.canonical import canonical
    from gateway.deployment import read_deployment
    from gateway.replay_show import show_diff

    read = read_deployment(deployment) if deployment else None
    found = bundle_diff.diff(named(old, read).bundle, named(new, read).bundle)
    if json:
        _write(canonical(found))
    else:
        show_diff(Console(), found)


@told
def approve(
    deployment: Deployed,
    report: Report,
    officer: Annotated[str, typer.Option("--as", help="Your officer id.")],
    role: Annotated[str, typer.Option(help="The role you approve in.")],
    key: Annotated[Path, typer.Option(help="Your private key.", dir_okay=False)],
    reason: Annotated[str, typer.Option(help="Why, in 20 characters or more.")],
    out: Annotated[Path, typer.Option(help="Where the signed approval goes.", dir_okay=False)],
    bundle: NewBundle = "folders",
) -> None:
    """Sign an approval of a bundle, having seen the report of its replay."""
    from gateway import approval
    from gateway.activation import WHAT, now, read_report
    from gateway.bundle_named import named
    from gateway.deployment import read_deployment
    from gateway.replay import report_digest, widens
    from gateway.signing import read_private

    read = read_deployment(deployment)
    made = named(bundle, read).bundle
    seen = read_report(report, made)
    signed = approval.approve(
        what="policy", subject=WHAT, digest=made.revision, report=report_digest(seen),
        officer=officer, role=role, at=now(), reason=reason, key=read_private(key),
    )  # fmt: skip
    out.write_text(signed + "\n", encoding="ascii")
    typer.echo(f"approved {made.revision}, which {'WIDENS' if widens(seen) else 'widens nothing'}")


@told
def activate(
    deployment: Deployed,
    report: Report,
    approval: Annotated[
        list[Path] | None, typer.Option("--approval", help="A signed approval; give each.")
    ] = None,
    bundle: NewBundle = "folders",
) -> None:
    """Test, replay again, count approvals, and put the bundle in force."""
    from gateway import activation
    from gateway.bundle_named import named
    from gateway.deployment import read_deployment

    read = read_deployment(deployment)
    found = named(bundle, read)
    with _progress() as progress:
        done = activation.activate(read, found, report, approval or [], progress=progress)
    if done.index is None:
        typer.echo(f"already active: {done.revision}")
        return
    typer.echo(f"active: {done.revision}")
    typer.echo(f"entry {done.index}, signed by {', '.join(done.signers)}")


@told
def list_activations(deployment: Deployed, json: Json = False) -> None:
    """Show which bundles were put in force, when, and who signed."""
    from rich.console import Console
    from rich.table import Table

    from gateway.canonical import canonical
    from gateway.deployment import read_deployment
    from gateway.replay_reading import recorded

    read = read_deployment(deployment)
    with recorded(read.data, read.vkey()) as log:
        found = [_activation(index, entry) for index, entry in log.activations()]
    if json:
        _write(canonical(found))
        return
    table = Table(box=None, padding=(0, 1), expand=False)
    for title in ("entry", "at", "revision", "signed by"):
        table.add_column(title, overflow="fold")
    for one in found:
        table.add_row(str(one["entry"]), one["at"], one["revision"], " ".join(one["signers"]))
    Console().print(table)


def _activation(index: int, entry: dict[str, Any]) -> dict[str, Any]:
    from datetime import UTC, datetime

    moment = datetime.fromtimestamp(entry["time"] / 1000, UTC)
    return {
        "entry": index,
        "at": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "revision": entry["digest"],
        "signers": entry.get("signers", []),
    }
