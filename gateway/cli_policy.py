"""`corridor policy`: for data protection officers."""

from pathlib import Path
from typing import Annotated

import typer

from gateway import session
from gateway.deployment import read_deployment
from gateway.policy import Embedded, read_bundle
from gateway.policy.rego_tests import run_tests
from gateway.show import told

policy = typer.Typer(help="Policies.", no_args_is_help=True)

DeploymentOption = Annotated[
    Path | None,
    typer.Option("--deployment", "-d", help="With this deployment's own policies."),
]


def _local(deployment: Path | None) -> Path | None:
    return read_deployment(deployment).local_policies if deployment else None


@policy.command()
@told
def check(deployment: DeploymentOption = None) -> None:
    """Read the policies, hold them to the portable subset, load them, ask their samples."""
    bundle = read_bundle(session.POLICIES, _local(deployment))
    Embedded(bundle, inline=True)
    typer.echo(f"bundle {bundle.revision}")
    typer.echo(f"{len(bundle.policies)} policies, {len(bundle.samples)} sample questions answered")


@policy.command(name="test")
@told
def run_policy_tests(deployment: DeploymentOption = None) -> None:
    """Run the Rego tests on the embedded engine. Exits 1 when one fails."""
    results = run_tests(session.POLICIES, _local(deployment))
    failed = [name for name, passed in results.items() if not passed]
    for name in failed:
        typer.echo(f"failed: {name}")
    typer.echo(f"{len(results) - len(failed)} of {len(results)} policy tests passed")
    raise typer.Exit(1 if failed else 0)


@policy.command()
@told
def bundle(
    out: Annotated[Path, typer.Argument(help="A folder, or a file ending in .tar.gz.")],
    deployment: DeploymentOption = None,
) -> None:
    """Write the bundle for an OPA server: `opa run --server --bundle OUT`."""
    made = read_bundle(session.POLICIES, _local(deployment))
    made.write(out)
    typer.echo(made.revision)
