"""`corridor migrate`: the log's tables, brought to this version of the gateway."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from gateway.errors import GatewayError
from gateway.show import told

DeploymentOption = Annotated[
    Path, typer.Option("--deployment", "-d", help="Folder of the deployment.", file_okay=False)
]
Check = Annotated[bool, typer.Option("--check", help="Only say whether there is work to do.")]


@told
def migrate(deployment: DeploymentOption, check: Check = False) -> None:
    """Bring the log's tables to this version. With `--check`, exits 1 where they are older."""
    from gateway.deployment import read_deployment
    from gateway.log_file import REVISION

    data = read_deployment(deployment).data
    found = _revision(data)
    if found == REVISION:
        typer.echo(f"the tables are at revision {REVISION}")
        return
    if check:
        typer.echo(f"the tables are at revision {found or '0001 or older'}, not {REVISION}")
        raise typer.Exit(1)
    _upgrade(data)
    typer.echo(f"brought the tables to revision {REVISION}")


def _revision(data: Path) -> str:
    from gateway import log_file, log_place
    from gateway.log_store.connection import connect, failing, revision_of
    from gateway.log_store.sqlite import revision_of as revision_of_file

    database = log_place.database_of(data)
    if database is not None:
        with failing(), closing(connect(database, reads=True)) as connection:
            return revision_of(connection)
    path = data / log_file.FILE
    if not path.is_file():
        raise GatewayError("there is no log here; make one first", rule="log.missing")
    with log_file.failing("log.unavailable"), closing(log_file.connect(path)) as file:
        return revision_of_file(file)


def _upgrade(data: Path) -> None:
    from gateway import log_file, log_place
    from gateway.migrations.upgrade import upgrade_database, upgrade_file

    database = log_place.database_of(data)
    if database is not None:
        upgrade_database(database)
        return
    with (
        log_file.failing("log.unavailable"),
        closing(log_file.connect(data / log_file.FILE)) as file,
    ):
        upgrade_file(file)
