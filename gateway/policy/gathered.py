"""The folders of policies and tables as one bundle, not yet held to anything.

For those who explain what was read and checked before; `bundle.read` is for all others.
"""

from pathlib import Path
from typing import Any

import orjson

from gateway.canonical import canonical
from gateway.errors import OfficerError
from gateway.policy.bundle import TABLES, Bundle


def gathered(directory: Path, local: Path | None = None) -> Bundle:
    """What `bundle.read` reads, without looking at what the policies say."""
    if not (directory / "exchange").is_dir():
        raise OfficerError("no policies", rule="bundle.missing", at=str(directory))
    policies = _rego(directory / "exchange", "exchange")
    if local is not None:
        policies |= _rego(local, "local")
    policies.setdefault("local/none.rego", "package local\n")
    tables = {root: _tables(directory / root) for root in TABLES}
    return Bundle(tuple(sorted(policies.items())), canonical(tables))


def _rego(folder: Path, package: str) -> dict[str, str]:
    return {
        f"{package}/{path.relative_to(folder).as_posix()}": path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.rego"))
        if not path.name.endswith("_test.rego")
    }


def _tables(folder: Path) -> dict[str, Any]:
    tables: dict[str, Any] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            table = orjson.loads(path.read_bytes())
        except ValueError:
            raise OfficerError("not a table", rule="bundle.table", at=path.name) from None
        if not isinstance(table, dict) or tables.keys() & table.keys():
            raise OfficerError("a name given twice", rule="bundle.table", at=path.name)
        tables |= table
    return tables
