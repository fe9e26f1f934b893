"""Deployments whose log is in a database."""

from pathlib import Path

from tests.test_log import ORIGIN

SETTINGS = '[gateway]\norigin = "{}"\n[log]\nstore = "postgresql"\ndatabase = "{}"\n'


def gateway_on(folder: Path, database: str) -> Path:
    """A data folder whose settings name this database."""
    folder.mkdir()
    (folder / "corridor.toml").write_text(SETTINGS.format(ORIGIN, database))
    return folder / "data"
