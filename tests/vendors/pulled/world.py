"""A deployment with routes of every system, and a mapping of one household for each."""

from pathlib import Path
from typing import Any

import yaml

SENDER = "org:amal-relief"
TO = "org:sante-sans-rivages"
AGREEMENT = "agr:registration-2026"
SIZES = {
    "odk": (["__id", "meta/instanceID"], "size"),
    "ona": (["meta/instanceID", "_uuid"], "size"),
    "commcare": (["case_id"], "properties/size"),
    "commcare-forms": (["id"], "form/size"),
    "primero": (["id", "record_id"], "size"),
    "rapidpro": (["run/uuid", "uuid"], "results/size/value"),
    "ushahidi": (["id"], "values/size"),
    "dhis2": (["trackedEntity"], "attributes/hOuseSize01"),
}
FORMATS = {"dhis2": "dhis2.tracker", "commcare-forms": "commcare"}


def add_mappings(directory: Path) -> None:
    for name, (ids, size) in SIZES.items():
        household = {
            "type": "household",
            "id": {"first": ids, "without": "uuid:"},
            "fields": {
                "group_type": {"constant": "household"},
                "group_size": {"from": size, "as": "integer"},
                "protection.purpose": {"constant": "hum.assist.registration"},
                "protection.consent.status": {"constant": "given"},
            },
        }
        mapping = {
            "mapping": f"{name}-households",
            "version": "1",
            "title": "Households",
            "format": FORMATS.get(name, name),
            "authority": f"{name}.amal-relief.example",
            "records": [household],
        }
        write(directory / "mappings" / f"{name}-households.yaml", mapping)


def add_route(directory: Path, name: str, system: str, **more: Any) -> None:
    """A route to the clinics' inbox; `more` overrides, `terms` and all."""
    terms: dict[str, Any] = {
        "agreement": AGREEMENT,
        "purpose": "hum.assist.registration",
        "format": FORMATS.get(system, system),
        "to": [TO],
        "deliver": "inbox",
        **more.pop("terms", {}),
    }
    if system in SIZES:
        terms.setdefault("mapping", f"{system}-households")
    route = {
        "id": name,
        "system": system,
        "status": "active",
        "sender": SENDER,
        "terms": terms,
        "auth": {"kind": "party"},
        **more,
    }
    (directory / "routes").mkdir(exist_ok=True)
    write(directory / "routes" / f"{name}.yaml", route)


def add_endpoint(directory: Path, system: str, url: str) -> None:
    """Where the sender's system is asked."""
    path = directory / "parties" / "amal-relief.yaml"
    party = yaml.safe_load(path.read_text())
    auth = {"kind": "token", "secret": "vendor"}
    one = {"id": system, "system": system, "url": url, "network": "loopback", "auth": auth}
    party["endpoints"] = [*party.get("endpoints", []), one]
    write(path, party)
    secrets = directory / "keys" / "secrets.json"
    secrets.write_text('{"vendor": "s3cret"}')
    secrets.chmod(0o600)


def write(path: Path, document: Any) -> None:
    path.write_text(yaml.safe_dump(document, allow_unicode=True))
