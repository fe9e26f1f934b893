"""Flat objects as changes of a transaction: one for the record, one for each sub-form record."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from adapters.activityinfo.envelope import SUBFORMS
from adapters.activityinfo.values import BETWEEN, Several
from adapters.flat.nested import is_geometry, nest
from adapters.flat.typed import Typed
from gateway.errors import SenderError
from gateway.mapping import Plan

Change = dict[str, Any]

SERVERS_OWN = ("lastEditTime",)
"""Keys that only the server writes."""


class Written:
    """Makes the changes. Raises `SenderError` where the mapping names no form."""

    def __init__(self, plan: Plan) -> None:
        self._form = plan.document.get("form", {}).get("id")
        self._typed = Typed(plan, shapes=True)
        self._several = Several(plan)

    def __call__(self, fields: Mapping[str, Any]) -> list[Change]:
        """The changes for one object, the record before its sub-form records."""
        if self._form is None:
            raise SenderError("the mapping names no form", rule="activityinfo.no_form")
        typed = self._typed(fields)
        own = {key: value for key, value in typed.items() if not key.startswith(f"{SUBFORMS}/")}
        root = self._change(own, "", {"formId": self._form})
        changes = [root]
        for key in typed.keys() - own.keys():
            form = key.removeprefix(f"{SUBFORMS}/")
            for number, item in enumerate(typed[key], 1):
                made = sha256(f"{root['recordId']} {form} {number}".encode()).hexdigest()
                head = {"formId": form, "recordId": f"c{made[:24]}"}
                parent = {"parentRecordId": root["recordId"]}
                changes.append(self._change(item, f"{key}/", head) | parent)
        return changes

    def _change(self, fields: Mapping[str, Any], above: str, head: Change) -> Change:
        kept = {
            key.removeprefix(above): self._value(key, value)
            for key, value in fields.items()
            if key.removeprefix(above) not in SERVERS_OWN
        }
        return {**head, **nest({"fields": {}, **kept} if not _has_fields(kept) else kept)}

    def _value(self, key: str, value: Any) -> Any:
        if isinstance(value, list):
            return [nest(item, under=key) for item in value]
        if isinstance(value, dict) and is_geometry(value):
            longitude, latitude = value["coordinates"][:2]
            return {"latitude": latitude, "longitude": longitude}
        if isinstance(value, str) and key in self._several:
            return value.split(BETWEEN)
        return value


def _has_fields(kept: Mapping[str, Any]) -> bool:
    return any(key.startswith("fields/") for key in kept)
