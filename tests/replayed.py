"""A small policy with every part of an answer in it, and deployments whose logs it answered.

Real engines, a real log, real keys. Only the policy is small, so that a replay takes
milliseconds, and says itself which transfers of a log must differ.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.transfers import make
from gateway.deployment import Deployment, make_keys, read_deployment, read_keys
from gateway.policy import Bundle, read_bundle
from gateway.signing import new_key, write_private
from tests.conftest import DEMO

DECISION = """package exchange

default decision := {
	"verdict": "refuse",
	"objections": [{"rule": "error.undefined", "fix": "Report this."}],
	"pending": [], "assess": [], "classes": [], "obligations": [],
	"border": {"crosses": true, "destination": "dest.unknown", "instrument": ""},
	"max_form": "agg", "valid_until": "",
}

decision := {
	"verdict": verdict,
	"objections": [{"rule": rule, "fix": "Ask."} | some rule in sort(objections)],
	"pending": pending,
	"assess": [],
	"classes": classes,
	"obligations": [one | some one in data.taxonomy.obligations; verdict != "refuse"],
	"border": {"crosses": false, "destination": "dest.same", "instrument": ""},
	"max_form": "id",
	"valid_until": valid_until,
} if {
	is_array(object.get(input, "classes", []))
	every class in object.get(input, "classes", []) {
		is_string(class.record_type)
		is_object(class.facts)
		is_array(class.fields)
		every field in class.fields {
			is_string(field)
		}
	}
}

default valid_until := ""

valid_until := data.taxonomy.ends if data.taxonomy.ends > input.context.now

objections contains "purpose.not_granted" if input.request.purpose in data.taxonomy.barred

objections contains "agreement.expired" if data.taxonomy.ends <= input.context.now

objections contains "records.none_releasable" if count(object.get(input, "classes", [])) == 0

objections contains one.rule if some one in data.local.objections

default verdict := "allow"

verdict := "refuse" if count(objections) > 0

verdict := "pending" if {
	count(objections) == 0
	count(pending) > 0
}

default pending := []

pending := [{"decision": "human.dpo:large", "who": "human:dpo"}] if {
	count(objections) == 0
	input.records in data.taxonomy.held
}

classes := [answer |
	some class in input.classes
	answer := {
		"record_type": class.record_type,
		"facts": class.facts,
		"verdict": "allow",
		"objections": [],
		"fields": {field: form(class.record_type, field) | some field in class.fields},
		"limits": {"k": data.taxonomy.k, "min_pop": 0},
	}
]

form(_, _) := {"form": "drop", "reason": "objection"} if verdict == "refuse"

form(record_type, field) := said(object.get(forms, [record_type, field], "drop")) if {
	verdict != "refuse"
}

forms := object.union(data.taxonomy.leaving, own)

default own := {}

own := data.local.narrow

said(form) := {"form": form} if form != "drop"

said("drop") := {"form": "drop", "reason": "purpose"}
"""
TEST = """package exchange_test

test_nothing_is_asked if data.exchange.decision.verdict == "refuse"
"""
TAXONOMY: dict[str, Any] = {
    "forms": {"keep": 0, "year": 20, "age_band": 30, "drop": 100},
    "families": {
        "birth": {"keep": 0, "year": 20, "age_band": 30, "drop": 100},
        "plain": {"keep": 0, "drop": 100},
    },
    "fields": {"person": {"record_id": "plain", "birth_date": "birth", "sex": "plain"}},
    "leaving": {"person": {"record_id": "keep", "birth_date": "year", "sex": "keep"}},
    "barred": ["hum.account.audit"],
    "held": ["1000+"],
    "ends": "2027-06-01T00:00:00Z",
    "obligations": ["acknowledge"],
    "k": 5,
    "red_lines": {"red.sale": {"text": "sale"}},
}
SAMPLE = {"unreadable": {"question": {}, "verdict": "refuse", "rules": ["records.none_releasable"]}}


def policies(folder: Path, *, decision: str = DECISION, **changes: Any) -> Path:
    """The folder of a policy with these tables changed."""
    for name in ("exchange", "taxonomy", "samples"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "exchange" / "decision.rego").write_text(decision)
    (folder / "exchange" / "decision_test.rego").write_text(TEST)
    (folder / "taxonomy" / "all.json").write_text(json.dumps(TAXONOMY | changes))
    (folder / "samples" / "questions.json").write_text(json.dumps(SAMPLE))
    return folder


def bundle(folder: Path, **changes: Any) -> Bundle:
    return read_bundle(policies(folder, **changes))


def deployed(directory: Path, answering: Bundle, *, count: int, distinct: int) -> Deployment:
    """A copy of the demo with two officers, and a log that this bundle answered."""
    left = shutil.ignore_patterns("keys", "data", "officers", "agreements", "policies", "routes")
    shutil.copytree(DEMO, directory, ignore=left)
    (directory / "officers").mkdir()
    for name, role in (("dpo-1", "dpo"), ("programme-1", "programme"), ("dpo-2", "dpo")):
        private, public = new_key()
        write_private(directory / f"{name}.jwk", private)
        (directory / "officers" / f"{name}.yaml").write_text(
            json.dumps(officer(name, role, public))
        )
    origin = read_deployment(directory).settings.gateway.origin
    make_keys(directory, origin)
    keys = read_keys(directory)
    make(directory / "data", keys, answering, origin=origin, count=count, distinct=distinct)
    return read_deployment(directory)


def officer(name: str, role: str, public: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": f"officer:{name}",
        "party": "org:amal-relief",
        "roles": [role],
        "status": "active",
        "keys": [{"jwk": public}],
    }
