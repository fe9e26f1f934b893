"""Messages of one object: a partner's referral, a decision, a notice."""

from collections.abc import Mapping
from typing import Any

from adapters.primero.facts import is_hidden
from adapters.progres.referral import fields, lists
from adapters.progres.referral.filling import (
    Fields,
    Told,
    contradiction,
    fill,
    nothing,
    sources,
)
from adapters.progres.referral.places import Pair
from adapters.progres.referral.risk import is_violence, mark
from gateway.errors import SenderError

LANGUAGE = "language"
INCOMING_KNOWN = sources(fields.INCOMING) | {"id", "request_type", LANGUAGE, fields.CONCERNS}
DECISION_KNOWN = sources(fields.DECISION_ROW) | {
    fields.ORG_REFERRAL,
    fields.REASON,
    *fields.COMMENTS,
}
NOTICE_KNOWN = sources(fields.NOTICE) | {"request_type"}

REASONS: Mapping[str, str] = {
    "125080000": "Individual Not Found",
    "125080001": "Individual Not Match UNHCR ID",
    "125080002": "Not applicable",
}
"""Why UNHCR rejects a referral, as its client has it for case workers."""
_BETWEEN = ": "


def read_incoming(item: Fields, told: Told, at: str) -> Pair:
    """A partner's referral: a person and a case, without their ids."""
    pair: Pair = {"case": {}}
    fill(item, fields.INCOMING, pair, told, at)
    _read_language(item.get(LANGUAGE), pair, told, at)
    _read_concerns(item.get(fields.CONCERNS), pair, told, at)
    mark(pair, told, child=False)
    for name in ("service_type", "service_type_other"):
        if is_violence(item.get(name)):
            pair["case"].setdefault("protection", {})["case_kind"] = "gbv"
            told.line("case.protection.case_kind", name)
    return pair


def _read_language(value: Any, pair: Pair, told: Told, at: str) -> None:
    if nothing(value) or value == []:
        return
    texts = _several(value)
    if not all(isinstance(one, str) for one in texts):
        raise SenderError("not text", rule="progres.text", at=f"{at}, {LANGUAGE}")
    if any(map(is_hidden, texts)):
        person = pair.setdefault("person", {})
        person.setdefault("absent", {})["language_code"] = "withheld"
        return
    person = pair.setdefault("person", {})
    found = [tag for text in texts for tag in lists.names_in(text)]
    if None in found or lists.named(map(str, found)) != value:
        person.setdefault("extension", {})[LANGUAGE] = value
        told.line("person.extension", LANGUAGE)
    tags = list(dict.fromkeys(tag for tag in found if tag is not None))
    if tags:
        person["language_code"] = tags
        told.line("person.language_code[]", LANGUAGE)


def _several(value: Any) -> list[Any]:
    """One or many. A choice that a script could not translate stands as null among the others."""
    return [one for one in (value if isinstance(value, list) else [value]) if not nothing(one)]


def _read_concerns(value: Any, pair: Pair, told: Told, at: str) -> None:
    if nothing(value) or value == []:
        return
    place = f"{at}, {fields.CONCERNS}"
    found = _several(value)
    codes = [lists.need_code(one, place) for one in found if not is_hidden(one)]
    if len(codes) < len(found):
        pair["case"].setdefault("absent", {})["specific_needs"] = "withheld"
    if codes:
        pair["case"]["specific_needs"] = list(dict.fromkeys(codes))
        told.line("case.specific_needs[]", fields.CONCERNS)


def written_incoming(pair: Pair, flat: dict[str, Any]) -> dict[str, Any]:
    """What the table does not write: languages and concerns."""
    person, case = pair.get("person", {}), pair["case"]
    tags = person.get("language_code", [])
    kept = person.get("extension", {}).get(LANGUAGE)
    texts = kept if isinstance(kept, list) else [kept]
    known = kept is not None and all(isinstance(one, str) for one in texts)
    found = [tag for text in texts for tag in lists.names_in(text)] if known else []
    if known and list(dict.fromkeys(tag for tag in found if tag)) == tags:
        flat[LANGUAGE] = kept
    elif lists.named(tags):
        flat[LANGUAGE] = lists.named(tags)
    if case.get("specific_needs"):
        flat[fields.CONCERNS] = list(case["specific_needs"])
    return flat


def read_decision(item: Fields, told: Told, at: str) -> Pair:
    """UNHCR's decision about a partner's referral."""
    pair: Pair = {"case": {}}
    fill(item, fields.DECISION_ROW, pair, told, at)
    _decided(pair, f"{at}, {fields.DECISION}")
    said = _reason(item, at), _comment(item, at)
    if any(said):
        pair["case"]["status_reason"] = _BETWEEN.join(part for part in said if part)
        told.line("case.status_reason", fields.REASON if said[0] else fields.COMMENTS[0])
    return pair


def _reason(item: Fields, at: str) -> str:
    value = item.get(fields.REASON)
    value = str(value) if type(value) is int else value
    if nothing(value):
        return ""
    place = f"{at}, {fields.REASON}"
    if not isinstance(value, str):
        raise SenderError("not text", rule="progres.text", at=place)
    if value.isdigit() and value not in REASONS:
        raise SenderError("a code that is not known", rule="progres.code", at=place)
    return REASONS.get(value, value)


def _comment(item: Fields, at: str) -> str:
    """Under the field's real name, which is misspelt, or under the one of older messages."""
    found = [item[name] for name in fields.COMMENTS if not nothing(item.get(name))]
    place = f"{at}, {fields.COMMENTS[0]}"
    if not all(isinstance(one, str) for one in found):
        raise SenderError("not text", rule="progres.text", at=place)
    if len(set(found)) > 1:
        raise contradiction(place)
    return found[0] if found else ""


def written_decision(pair: Pair, flat: dict[str, Any]) -> dict[str, Any]:
    """The reason as its number and its comment, where the text begins with a reason we know."""
    text = pair["case"].get("status_reason")
    if text is None:
        return flat
    for number, reason in REASONS.items():
        if text == reason or text.startswith(f"{reason}{_BETWEEN}"):
            flat[fields.REASON] = number
            text = text.removeprefix(reason).removeprefix(_BETWEEN)
            break
    if text:
        flat[fields.COMMENTS[0]] = text
    return flat


def read_notice(item: Fields, told: Told, at: str) -> Pair:
    """What a partner tells UNHCR of its referral: that it came, failed, was taken or rejected."""
    pair: Pair = {"case": {}}
    said = {key: value for key, value in item.items() if value != _UNDEFINED}
    for key in item.keys() - said.keys():
        told.left_behind(key)
    fill(said, fields.NOTICE, pair, told, at)
    _decided(pair, f"{at}, status")
    return pair


_UNDEFINED = "Not defined"
"""What a partner's script writes for a case or a user that it did not find. It is no number."""


def _decided(pair: Pair, at: str) -> None:
    """Refuse a message about a state that names none: written again, it would be a new referral."""
    if "status" not in pair["case"]:
        raise SenderError("no decision in it", rule="progres.undecided", at=at)
