"""A small world with real keys: two parties, four officers, and one agreement nobody signed yet."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from joserfc.jwk import OKPKey

from gateway.agreement_draft import written
from gateway.agreement_form import Query
from gateway.agreement_questions import interview
from gateway.agreement_standing import shipped_tables
from gateway.deployment import Deployment, read_deployment
from gateway.document_edit import read_text, replace, with_item
from gateway.signing import new_key

NOW = "2026-11-22T08:00:00Z"
SENDER, RECIPIENT = "org:amal-relief", "org:sante-sans-rivages"
OFFICERS = {
    "officer:dpo-1": (SENDER, ["dpo"]),
    "officer:programme-1": (SENDER, ["programme", "dpo"]),
    "officer:dpo-2": (RECIPIENT, ["dpo"]),
    "officer:outsider": ("org:coordination-office", ["security"]),
}
AGREEMENT = "agr:clinics-2026"

ANSWERS = {
    "id": AGREEMENT,
    "title": "Clinics for displaced families",
    "parties": f"{SENDER}, {RECIPIENT}",
    f"contact_24h/{SENDER}": "duty desk",
    f"contact_24h/{RECIPIENT}": "duty desk of the clinics",
    "crisis": "cr:horn-2026",
    "countries": "SO",
    "purposes": "hum.health.care",
    "necessity/hum.health.care": "A clinic cannot treat somebody it cannot call up.",
    "could_refuse/hum.health.care": "no",
    "at_risk/hum.health.care": "yes",
    "answered_by": "officer:dpo-1",
    "lb.vital/harm_if_not": "Chronically ill people lose their treatment.",
    "lb.vital/notice_plan": "Leaflet and radio before the first transfer.",
    "lb.vital/persons_or_group": "Displaced families in Baidoa.",
    "lb.vital/why_no_consent": "The clinics are the only help there is.",
    "record_types": "person",
    f"instrument_ref/{RECIPIENT}": "annex 2 of the agreement",
    "dpia": "DPIA-2026-07",
    "dpia_outcome": "medium",
    "told": "yes",
    "notice_languages": "so, en",
    "notice_channels": "leaflet, radio",
    "rights_contact": "the clinic's door, in Somali",
    "incidents_contact": "data protection desk",
    "red_lines": "yes",
}
"""What a person would answer; everything else is left at what is offered."""


def answering(answers: dict[str, str]) -> Any:
    """Ask of a dictionary, as `gateway.cli_agreement_new.Answers` does of a file."""

    def ask(query: Query) -> str:
        found = answers.get(query.key, query.default)
        assert found is not None, query.key
        return found

    return ask


@dataclass
class World:
    """A deployment, and everybody's private keys."""

    directory: Path
    keys: dict[str, OKPKey] = field(default_factory=dict)

    @property
    def deployment(self) -> Deployment:
        return read_deployment(self.directory)

    @property
    def path(self) -> Path:
        return self.directory / "agreements" / "clinics-2026.yaml"

    def copy(self, directory: Path) -> "World":
        shutil.copytree(self.directory, directory)
        return World(directory, self.keys)


_MADE: dict[Path, World] = {}


def made(prepared: Path, directory: Path) -> World:
    """A world of one's own, beside a prepared deployment. Keys are made once for all tests."""
    if prepared not in _MADE:
        first = prepared.with_name("signed")
        shutil.copytree(prepared, first)
        _MADE[prepared] = _made(first)
    return _MADE[prepared].copy(directory)


def _made(directory: Path) -> World:
    world = World(directory)
    for party in (SENDER, RECIPIENT):
        path = directory / "parties" / f"{party.removeprefix('org:')}.yaml"
        replace(path, with_item(read_text(path), "keys", key_of(world, party), at=path.name))
    (directory / "officers").mkdir()
    for name, (party, roles) in OFFICERS.items():
        held = orjson.dumps(key_of(world, name)).decode()
        (directory / "officers" / f"{name.removeprefix('officer:')}.yaml").write_text(
            f"id: {name}\nparty: {party}\nroles: [{', '.join(roles)}]\nstatus: active\n"
            f"keys:\n  - {held}\n"
        )
    deployment = read_deployment(directory, agreements=False)
    document = interview(answering(ANSWERS), deployment, shipped_tables(), NOW, emergency=False)
    world.path.write_text(written(document, at="draft"))
    return world


def key_of(world: World, name: str) -> dict[str, Any]:
    private, public = new_key()
    world.keys[name] = OKPKey.import_key({**private})
    return {"jwk": public}
