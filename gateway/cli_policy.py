"""`corridor policy`: for data protection officers."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.show import told

policy = typer.Typer(help="Policies.", no_args_is_help=True)

DeploymentOption = Annotated[
    Path | None,
    typer.Option("--deployment", "-d", help="With this deployment's own policies."),
]
WithoutOpa = Annotated[
    bool, typer.Option("--without-opa", help="Do not ask opa and regal, which may be missing.")
]
Coverage = Annotated[
    bool, typer.Option("--coverage", help="Also show, file by file, which lines no test reaches.")
]


def _local(deployment: Path | None) -> Path | None:
    from gateway.deployment import read_deployment

    return read_deployment(deployment).local_policies if deployment else None


@policy.command()
@told
def check(deployment: DeploymentOption = None, without_opa: WithoutOpa = False) -> None:
    """Hold the policies to everything: subset, METADATA, tables, load, samples, opa and regal."""
    from gateway import session
    from gateway.policy.thorough import check as check_all

    bundle, found = check_all(session.POLICIES, _local(deployment), tools=not without_opa)
    for one in found:
        typer.echo(str(one))
    if bundle is not None:
        typer.echo(f"bundle {bundle.revision}")
        typer.echo(f"{len(bundle.policies)} policies, {len(bundle.samples)} sample questions")
    typer.echo(f"{len(found)} findings")
    raise typer.Exit(1 if found else 0)


@policy.command(name="test")
@told
def run_policy_tests(deployment: DeploymentOption = None, coverage: Coverage = False) -> None:
    """Run the Rego tests on the embedded engine. Exits 1 when one fails, or misses a line."""
    from gateway import session
    from gateway.policy.rego_tests import run

    results = run(session.POLICIES, _local(deployment), coverage=coverage)
    for name in results.failed:
        typer.echo(f"failed: {name}")
    for one in results.reached:
        total = len(one.covered) + len(one.missed)
        missed = f"  no test reaches {_runs(one.missed)}" if one.missed else ""
        typer.echo(f"{100 * len(one.covered) // total if total else 100:>3}% {one.name}{missed}")
    if coverage:
        typer.echo(f"{results.coverage:.1f} percent of all lines")
    passed = len(results.passed) - len(results.failed)
    typer.echo(f"{passed} of {len(results.passed)} policy tests passed")
    raise typer.Exit(1 if results.failed or any(one.missed for one in results.reached) else 0)


def _runs(lines: tuple[int, ...]) -> str:
    """Lines as `3, 7-9`."""
    runs: list[list[int]] = []
    for line in sorted(lines):
        if runs and line == runs[-1][-1] + 1:
            runs[-1].append(line)
        else:
            runs.append([line])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
