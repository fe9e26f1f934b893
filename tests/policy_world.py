"""One deployment with an agreement for each thing that a policy may say, served over HTTP."""

import copy
import json
import shutil
from contextlib import ExitStack

import httpx

from gateway import log_view
from gateway.demo import served
from gateway.deployment import new_bearer, read_deployment
from gateway.document import read_document
from gateway.entry import parse

KENYA, GERMANY = "org:amal-relief", "org:hilfe-ohne-grenzen"
"""A sender under the law of a state that is not bound by the GDPR, and one under one that is."""

FIRST = "hum.assist.registration"
UNTIL = "2027-06-01T00:00:00Z"
SOON = "2026-12-31T00:00:00Z"
EVIDENCE = {
    "lb.vital": ["crisis_ref", "harm_if_not", "notice_plan", "persons_or_group", "why_no_consent"],
    "lb.public": ["mandate_ref", "necessity"],
    "lb.consent": [],
    "lb.legitimate": ["impact", "interest", "necessity", "outcome", "safeguards"],
    "lb.contract": ["contract_ref"],
    "lb.legal": ["authority", "counsel_opinion", "scope", "statute"],
    "lb.research": ["ethics_approval_ref", "output_checks"],
}


def regime(name):
    return {"kind": "io" if name.startswith("io:") else "state", "id": name}


def decision(name, *roles):
    return {
        "decision": name,
        "by": list(roles),
        "valid_until": UNTIL,
        "reason": "Weighed on paper, and kept in the office's file.",
    }


class Builder:
    """Writes parties and agreements into a copy of deploy/demo before it is served."""

    def __init__(self, prepared, directory):
        shutil.copytree(prepared[0], directory)
        self.directory = directory
        folder, parties = directory / "agreements", directory / "parties"
        self._agreement = read_document(folder / "registration-2026.yaml", "agreement")
        for one in folder.glob("*.yaml"):
            one.unlink()
        shutil.rmtree(directory / "routes")
        self._party = read_document(parties / "sante-sans-rivages.yaml", "party")
        sender = read_document(parties / "amal-relief.yaml", "party")
        self.write("parties", GERMANY, sender | {"id": GERMANY, "regimes": [regime("DE")]})
        self._made = set()

    def write(self, folder, name, document):
        # JSON is YAML.
        path = self.directory / folder / f"{name.partition(':')[2]}.yaml"
        path.write_text(json.dumps(document))

    def scene(
        self,
        name,
        *,
        sender=KENYA,
        kind="ngo",
        law="KE",
        declared=(),
        purpose=FIRST,
        basis="lb.public",
        instrument="",
        decisions=(),
        change=None,
    ):
        """A recipient and an agreement with it, both of this name. What it asks for over HTTP."""
        recipient, agreed = f"org:{name}", f"agr:{name}"
        party = {**self._party, "id": recipient, "kind": kind, "regimes": [regime(law)]}
        self.write("parties", recipient, party | {"purposes": list(declared)})
        agreement = copy.deepcopy(self._agreement) | {"id": agreed, "title": name}
        agreement["parties"] = [{"party": one, "role": "controller"} for one in (sender, recipient)]
        agreement["purposes"] = [
            {"purpose": purpose, "from": sender, "to": recipient, "legal_basis": basis}
        ]
        evidence = dict.fromkeys(EVIDENCE[basis], "Written down in the annex of the agreement.")
        until = SOON if basis == "lb.vital" else UNTIL
        agreement["legal_bases"] = [{"basis": basis, "evidence": evidence, "valid_until": until}]
        agreement["safeguards"]["transfer_instruments"] = (
            [{"type": instrument, "ref": "annex 2", "to": [law]}] if instrument else []
        )
        agreement["decisions"] = list(decisions)
        if change:
            change(agreement)
        self.write("agreements", agreed, agreement)
        asked = {"agreement": agreed, "purpose": purpose, "format": "kobo", "to": recipient}
        return sender, asked | {"basis": basis}


class World:
    """The served deployment and what its senders may do."""

    def __init__(self, directory, stack):
        self.directory = directory
        self._keys = {name: new_bearer(directory, name) for name in (KENYA, GERMANY)}
        address = stack.enter_context(served(directory))
        self.client = stack.enter_context(httpx.Client(base_url=address, timeout=60))
        self.vkey = read_deployment(directory).vkey()

    def post(self, scene, content, path="/v1/transfers", **changes):
        sender, asked = scene
        return self.client.post(
            path,
            params=asked | changes,
            content=content,
            headers=self.authorized(sender),
        )

    def authorized(self, party):
        return {"Authorization": f"Bearer {self._keys[party]}"}

    def entry(self, transfer):
        """What the log says of a transfer."""
        for _, leaf in log_view.entries(self.directory / "data"):
            found = parse(leaf)
            if found["type"] == "transfer" and found["id"] == transfer:
                return found
        raise AssertionError("not in the log")


def opened(builder):
    """The world, and what closes it."""
    stack = ExitStack()
    return World(builder.directory, stack), stack
