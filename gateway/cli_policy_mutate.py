"""`corridor policy mutate`: would the tests notice if a policy were wrong?"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from gateway.show import told

DeploymentOption = Annotated[
    Path | None,
    typer.Option("--deployment", "-d", help="This deployment's own policies and their tests."),
]
Judged = TypeVar("Judged")
Seed = Annotated[int, typer.Option(help="Chooses among the mutants of long tables.")]
Limit = Annotated[
    int | None,
    typer.Option("--limit", "--sample", min=1, help="Only so many mutants, chosen by the seed."),
]
List = Annotated[bool, typer.Option("--list", help="Print the mutants and run nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes.")]


def register(policy: typer.Typer) -> None:
    """Add the command to `corridor policy`."""
    policy.command()(mutate)


@told
def mutate(
    deployment: DeploymentOption = None,
    seed: Seed = 0,
    limit: Limit = None,
    list_: List = False,
    json: Json = False,
    workers: Workers = 2,
) -> None:
    """Change each policy in small ways and see whether a test fails. Exits 1 under 95 percent."""
    import orjson

    from gateway import session
    from gateway.deployment import read_deployment
    from gateway.errors import OfficerError
    from gateway.policy import mutate as mutation
    from gateway.policy import read_bundle

    local = read_deployment(deployment).local_policies if deployment else None
    if deployment and local is None:
        raise OfficerError("this deployment has no policies", rule="mutate.none", at="policies")
    bundle = read_bundle(session.POLICIES, local)
    package, tests = ("local", local) if local else ("exchange", session.POLICIES / "exchange")
    mutants = mutation.mutants_of(bundle, package, seed=seed)
    chosen = mutation.sampled(mutants, limit, seed=seed)
    if list_:
        for mutant in chosen:
            typer.echo(f"{mutant.file}:{mutant.place}: {mutant.change}")
        return
    known = mutation.read_known((local or session.POLICIES) / "mutants.json")
    suite = mutation.suite_of(bundle, tests)
    judged = _watched(mutation.judge(suite, chosen, workers=workers), len(chosen))
    report = mutation.report(judged, known, whole=len(chosen) == len(mutants))
    if json:
        sys.stdout.buffer.write(orjson.dumps(report.document(), option=orjson.OPT_INDENT_2) + b"\n")
    else:
        for line in report.lines():
            typer.echo(line)
    raise typer.Exit(0 if report.sound else 1)


def _watched(judged: Iterable[Judged], total: int) -> Iterator[Judged]:
    """With a progress bar on the terminal's other stream, so that the report can be piped."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(judged, "mutants", total, console=console, transient=True)
