"""`corridor policy explain`: why an answer is what it is."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.show import told

Target = Annotated[
    str,
    typer.Argument(
        metavar="TRANSFER|QUESTION.json",
        help="A transfer's id in the log, or a file with one question.",
    ),
]
DeploymentOption = Annotated[
    Path | None, typer.Option("--deployment", "-d", help="Folder of the deployment.")
]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def register(policy: typer.Typer) -> None:
    """Add the command to `corridor policy`."""
    policy.command()(explain)


@told
def explain(target: Target, deployment: DeploymentOption = None, json: Json = False) -> None:
    """Say why: every objection, hold and field with its rule, facts and what would change it.

    A transfer is explained by the question and the bundle recorded for it; a question by the
    policies in force, or, without a deployment, by those that come with Corridor.
    """
    from gateway.explained import explained

    typer.echo(explained(target, deployment, json=json))
