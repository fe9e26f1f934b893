"""`corridor officer`: people who approve; and keys that parties and officers sign with."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.errors import OfficerError
from gateway.show import told

if TYPE_CHECKING:
    from gateway.deployment import Deployment

officer = typer.Typer(help="People who approve policies and agreements.", no_args_is_help=True)

DeploymentOption = Annotated[
    Path, typer.Option("--deployment", "-d", help="Folder of the deployment.")
]
KeyOut = Annotated[
    Path, typer.Option("--key-out", help="File for the private key; never one that is there.")
]


@officer.command()
@told
def add(
    id: Annotated[
        str, typer.Argument(metavar="ID", help="Id of a function, such as officer:dpo-1.")
    ],
    deployment: DeploymentOption,
    party: Annotated[str, typer.Option(help="The organisation the officer speaks for.")],
    role: Annotated[list[str], typer.Option(help="A role; may be said several times.")],
    key_out: KeyOut,
) -> None:
    """Register an officer and make a key. The private half goes into --key-out only."""
    from gateway.deployment import read_deployment
    from gateway.document import check_document
    from gateway.document_edit import replace
    from gateway.signing import new_key, write_private

    held = read_deployment(deployment, agreements=False)
    if party not in held.parties:
        raise OfficerError("no such party", rule="party.unknown", at="--party")
    if id in held.officers:
        raise OfficerError("there is such an officer already", rule="officer.exists", at="ID")
    private, public = new_key()
    document = {
        "id": id, "party": party, "roles": list(role), "status": "active",
        "keys": [{"jwk": public}],
    }  # fmt: skip
    check_document(document, "officer", at="the new officer")
    path = deployment / "officers" / f"{id.removeprefix('officer:')}.yaml"
    if path.exists():
        raise OfficerError("this file is there already", rule="out.unwritable", at=path.name)
    write_private(key_out, private)
    path.parent.mkdir(exist_ok=True)
    replace(path, _written(document))
    typer.echo(f"made officers/{path.name}; the private key is in {key_out.name}")


def _written(document: dict[str, Any]) -> str:
    [key] = document["keys"]
    jwk = key["jwk"]
    return (
        "# An officer's id names a function, never a person: it stands in the log for ever.\n"
        f"id: {document['id']}\nparty: {document['party']}\n"
        f"roles: [{', '.join(document['roles'])}]\nstatus: {document['status']}\n"
        f'keys:\n  - jwk: {{kty: OKP, crv: Ed25519, x: "{jwk["x"]}"}}\n'
    )


@officer.command("list")
@told
def list_(
    deployment: DeploymentOption,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the officers, their roles, and how many keys of each are valid now."""
    import orjson
    from rich.console import Console
    from rich.table import Table

    from gateway.deployment import read_deployment

    listed = _listed(read_deployment(deployment, agreements=False))
    if json:
        sys.stdout.buffer.write(orjson.dumps(listed, option=orjson.OPT_INDENT_2) + b"\n")
        return
    table = Table(box=None, padding=(0, 1))
    for name in ("id", "party", "roles", "status", "keys"):
        table.add_column(name, overflow="fold")
    for one in listed:
        table.add_row(
            one["id"], one["party"].removeprefix("org:"), " ".join(one["roles"]), one["status"],
            str(len(one["valid_keys"])),
        )  # fmt: skip
    Console().print(table)


def _listed(deployment: "Deployment") -> list[dict[str, Any]]:
    from gateway.cli_agreement import now_text
    from gateway.signing import is_valid, thumbprint

    return [
        {
            **{name: one[name] for name in ("id", "party", "roles", "status")},
            "valid_keys": [
                thumbprint(key["jwk"]) for key in one.get("keys", ()) if is_valid(key, now_text())
            ],
        }
        for _, one in sorted(deployment.officers.items())
    ]


@told
def party_sign_key(
    party_id: Annotated[str, typer.Argument(metavar="PARTY", help="Party id.")],
    deployment: DeploymentOption,
    key_out: KeyOut,
) -> None:
    """Make a key that a party signs agreements with; its public half goes into the party's file."""
    from gateway.deployment import files, read_deployment
    from gateway.document import read_document
    from gateway.document_edit import read_text, replace, with_item
    from gateway.signing import new_key, write_private

    if party_id not in read_deployment(deployment, agreements=False).parties:
        raise OfficerError("no such party", rule="party.unknown", at="PARTY")
    [path] = [
        one
        for one in files(deployment / "parties")
        if read_document(one, "party")["id"] == party_id
    ]
    private, public = new_key()
    text = with_item(read_text(path), "keys", {"jwk": public}, at=path.name)
    write_private(key_out, private)
    replace(path, text)
    typer.echo(f"added the public key to parties/{path.name}; the private one is in {key_out.name}")
