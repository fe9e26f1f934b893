"""A recipient of the demo deployment that is pushed to."""

from pathlib import Path
from typing import Any

import yaml

RECIPIENT = "org:sante-sans-rivages"
AGREEMENT = "agr:registration-2026"
QUICK = "\n[delivery]\nbackoff_seconds = 0.05\nbreaker_seconds = 0.2\nlease_seconds = 2\n"


def register(deployment: Path, **endpoint: Any) -> None:
    """Give the recipient an address."""
    path = deployment / "parties" / "sante-sans-rivages.yaml"
    party = yaml.safe_load(path.read_text())
    one = {"id": "main", "system": "webhook", "formats": ["fhir.r4"], "network": "loopback"}
    party["endpoints"] = [{**one, **endpoint}] if endpoint else []
    path.write_text(yaml.safe_dump(party, allow_unicode=True))


def configure(deployment: Path, text: str = QUICK) -> None:
    """Settings of `[delivery]` that lose no time."""
    path = deployment / "corridor.toml"
    path.write_text(path.read_text() + text)
