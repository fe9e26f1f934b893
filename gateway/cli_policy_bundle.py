"""`corridor policy bundle` and `token`: the policies for an OPA server."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.show import told

Out = Annotated[Path, typer.Argument(metavar="OUT", help="A folder, or a file ending in .tar.gz.")]
DeploymentOption = Annotated[
    Path | None,
    typer.Option(
        "--deployment", "-d", help="With this deployment's own policies, signed with its key."
    ),
]
Sign = Annotated[
    bool | None,
    typer.Option(
        "--sign/--no-sign", help="Sign it; so it is with a deployment.", show_default=False
    ),
]


def register(policy: typer.Typer) -> None:
    """Add the commands to `corridor policy`."""
    policy.command()(bundle)
    policy.command()(token)


@told
def bundle(out: Out, deployment: DeploymentOption = None, sign: Sign = None) -> None:
    """Write the bundle for an OPA server, as the policies' folders have it now."""
    from gateway import session
    from gateway.deployment import read_deployment, read_key
    from gateway.policy import read_bundle
    from gateway.policy.bundle_signing import read_signing_key, signed

    if sign and deployment is None:
        raise typer.BadParameter("only a deployment has a key to sign with: --deployment")
    signing = deployment is not None and sign is not False
    if signing and not out.name.endswith(".tar.gz"):
        # OPA reads a folder's signature under the name the folder has on its own command line.
        raise typer.BadParameter("a folder is not signed: OUT.tar.gz, or --no-sign")
    local = read_deployment(deployment).local_policies if deployment else None
    made = read_bundle(session.POLICIES, local)
    if deployment is not None and signing:
        key = read_signing_key(read_key(deployment / "keys" / "bundle.key", private=True))
        out.write_bytes(signed(made, key))
    else:
        made.write(out)
    typer.echo(made.revision)


@told
def token(
    deployment: Annotated[
        Path, typer.Option("--deployment", "-d", help="Folder of the deployment.", file_okay=False)
    ],
) -> None:
    """Make a bearer key for a policy server. It fetches bundles and opens nothing else."""
    from gateway.deployment import POLICY_TOKENS, new_bearer, read_deployment

    read_deployment(deployment)
    typer.echo(new_bearer(deployment, "policy server", POLICY_TOKENS))
