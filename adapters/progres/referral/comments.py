"""Comments, which stand in one text as JSON: who wrote what, and when.

    "[{\\"CreatedBy\\":\\"...\\",\\"Text\\":\\"...\\",\\"CreatedOn\\":\\"2026-08-10T07:26:41Z\\"}]"

A reason for referral is what the partner needs to know. The store of comments is what case
workers write for each other, and is read as such. Names of staff and times are kept apart.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from adapters.progres.referral.fields import REASON_FOR_REFERRAL, STORE
from adapters.progres.referral.filling import Told, nothing
from adapters.progres.referral.places import Pair
from gateway.errors import SenderError
from gateway.record import Record
from gateway.source.objects import document

_TEXT = "Text"
_BESIDE = ("CreatedBy", "CreatedOn")


def read_reason(fields: Mapping[str, Any], pair: Pair, told: Told, at: str) -> None:
    """Each text is a reason, in words."""
    found = _read(fields, REASON_FOR_REFERRAL, pair, told, at)
    if found:
        pair["case"]["reason"] = [{"display": text} for text in found]
        told.line("case.reason[].display", REASON_FOR_REFERRAL)


def read_store(fields: Mapping[str, Any], pair: Pair, told: Told, at: str) -> None:
    """Each text is a note of a case worker."""
    found = _read(fields, STORE, pair, told, at)
    if found:
        pair["case"]["worker_notes"] = found
        told.line("case.worker_notes[]", STORE)


def _read(fields: Mapping[str, Any], key: str, pair: Pair, told: Told, at: str) -> list[str]:
    value = fields.get(key)
    if nothing(value):
        return []
    if not isinstance(value, str):
        raise SenderError("not text", rule="progres.text", at=f"{at}, {key}")
    items = _items(value)
    if items is None:
        return [value]
    if any(one.get(name) for one in items for name in _BESIDE):
        beside = [{name: one[name] for name in _BESIDE if one.get(name)} for one in items]
        pair["case"].setdefault("extension", {})[key] = beside
        told.line("case.extension", key)
    return [one[_TEXT] for one in items]


def _items(value: str) -> list[dict[str, str]] | None:
    """Comments, or None where the text is none of them and says what it says."""
    if not value.lstrip().startswith("["):
        return None
    try:
        found = document(io.BytesIO(value.encode()))
    except SenderError:
        return None
    if not isinstance(found, list) or not found or not all(map(_is_comment, found)):
        return None
    return found


def _is_comment(one: Any) -> bool:
    return (
        isinstance(one, dict)
        and bool(one.get(_TEXT))
        and one.keys() <= {_TEXT, *_BESIDE}
        and all(isinstance(value, str | None) for value in one.values())
    )


def written(case: Record) -> dict[str, str]:
    """Both fields again."""
    reasons = [one["display"] for one in case.get("reason", ()) if one.get("display")]
    made = {
        REASON_FOR_REFERRAL: _written(reasons, case, REASON_FOR_REFERRAL),
        STORE: _written(case.get("worker_notes", ()), case, STORE),
    }
    return {key: value for key, value in made.items() if value}


def _written(texts: Sequence[str], case: Record, key: str) -> str:
    if not texts:
        return ""
    beside = case.get("extension", {}).get(key)
    if not isinstance(beside, list) or len(beside) != len(texts):
        beside = [{}] * len(texts)
    items = [{**_beside(one), _TEXT: text} for one, text in zip(beside, texts, strict=True)]
    return orjson.dumps(items).decode()


def _beside(one: Any) -> dict[str, str]:
    found = one if isinstance(one, dict) else {}
    return {name: found[name] for name in _BESIDE if isinstance(found.get(name), str)}
