"""Writer of findings into an Observation: the first is the resource, the others its components."""

import re
from typing import Any

import orjson

from adapters.fhir_r4.concepts import concept, is_system
from adapters.fhir_r4.draft import UNKNOWN, Draft
from adapters.fhir_r4.moments import is_moment
from adapters.fhir_r4.states import FINDINGS
from adapters.fhir_r4.writers import Json

_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,16})?")
"""Numbers that every JSON reader and HL7's validator take as they stand."""


def observations(draft: Draft, value: Any) -> bool:
    """Findings. Each element is filled with what it can hold, so that any reader sees it."""
    first, *rest = value
    whole = _finding(draft, first, draft.resource, "")
    if first.get("status") in FINDINGS:
        draft.resource["status"] = first["status"]
        draft.note("observations[].status", "status")
    else:
        whole &= "status" not in first
    if "effective" in first and is_moment(first["effective"]):
        draft.resource["effectiveDateTime"] = first["effective"]
        draft.note("observations[].effective", "effectiveDateTime")
    else:
        whole &= "effective" not in first
    components: list[Json] = []
    for item in rest:
        component: Json = {}
        whole &= _finding(draft, item, component, "component.")
        whole &= not item.keys() & {"status", "effective"}
        component.setdefault("code", UNKNOWN)
        components.append(component)
        # R4 allows no value beside a component that says the same code.
        whole &= component["code"] != draft.resource.get("code") and len(component) > 1
    if components and whole:
        draft.resource["component"] = components
    return whole


def _finding(draft: Draft, item: Any, target: Json, path: str) -> bool:
    code, whole = concept(item)
    if code:
        target["code"] = code
        for key in ("system", "code", "display"):
            if key in item:
                place = f"coding.{key}" if "code" in item else "text"
                draft.note(f"observations[].{key}", f"{path}code.{place}")
    elif not item.keys() & {"system", "code", "display"}:
        whole = True
    return _value(draft, item, target, path) and whole


def _value(draft: Draft, item: Any, target: Json, path: str) -> bool:
    number = item.keys() & {"value", "unit"}
    coded = item.keys() & {"value_code", "value_system"}
    if number and (coded or "value_text" in item):
        return False
    if number:
        return _quantity(draft, item, target, path)
    if coded:
        return _coded(draft, item, target, path)
    if "value_text" in item:
        target["valueString"] = item["value_text"]
        draft.note("observations[].value_text", f"{path}valueString")
    return True


def _quantity(draft: Draft, item: Any, target: Json, path: str) -> bool:
    value = item.get("value")
    if value is not None and not _DECIMAL.fullmatch(value):
        return False
    quantity: Json = {} if value is None else {"value": orjson.Fragment(value)}
    if "unit" in item:
        quantity["unit"] = item["unit"]
    target["valueQuantity"] = quantity
    for key in quantity:
        draft.note(f"observations[].{key}", f"{path}valueQuantity.{key}")
    return True


def _coded(draft: Draft, item: Any, target: Json, path: str) -> bool:
    system = item.get("value_system")
    if "value_code" not in item or (system is not None and not is_system(system)):
        return False
    coding = {"code": item["value_code"]}
    if system is not None:
        coding["system"] = system
    written: Json = {"coding": [coding]}
    if "value_text" in item:
        written["text"] = item["value_text"]
        draft.note("observations[].value_text", f"{path}valueCodeableConcept.text")
    target["valueCodeableConcept"] = written
    for key in coding:
        leaf = "value_code" if key == "code" else "value_system"
        draft.note(f"observations[].{leaf}", f"{path}valueCodeableConcept.coding.{key}")
    return True
