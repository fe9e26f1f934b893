"""Primero's case as it was stored before it was made a referral: one referral a service.

The case says what a referral does not: whether the child agreed that others see it. That is read
as Primero's own cases are: whatever does not clearly agree does not, names that are protected are
withheld, and a case that is not surely one of child protection counts as one of gender-based
violence. Services that another organisation is asked for are none of UNHCR's, and stay.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.primero import facts
from adapters.progres.referral.bodies import INCOMING_KNOWN
from adapters.progres.referral.envelope import SERVICES
from adapters.progres.referral.fields import CONCERNS
from adapters.progres.referral.filling import WITHHELD, Fields, Told, nothing
from adapters.progres.referral.places import Pair
from adapters.progres.referral.risk import is_violence
from adapters.progres.referral.values import NUMBER
from gateway.errors import SenderError

_USER = {
    "full_name": "user/full_name",
    "position": "user/position",
    "email": "user/email",
    "phone": "user/phone",
    "primero_user": "owned_by",
}
_AGENCY = "service_implementing_agency"
_OF_SERVICE = (
    _AGENCY,
    "service_response_day_time",
    "service_type",
    "service_type_other",
    "service_referral_notes",
)
STATUS = "unhcr_referral_status"
RENAMED: Mapping[str, str] = {
    **_USER,
    **{name: f"{SERVICES}/{name}" for name in (*_OF_SERVICE, STATUS)},
    "id": "case_id",
}
"""Fields of a referral to where they stand in a case."""

_STATES: Mapping[str, str] = {
    "pending": "requested",
    "accepted": "accepted",
    "rejected": "rejected",
}
_UNHCR = "unhcr"
"""In the code of the agency, which every deployment makes for itself."""

_OPT_IN = "unhcr_export_opt_in"
_NEEDS = "unhcr_needs_codes"
SAID = facts.FACTS | {_OPT_IN}
"""What a referral need not say. One that says any of it is guarded by all of it, as a case is."""
_READ = frozenset((*facts.READ, _OPT_IN, "case_id", SERVICES, "owned_by", "user"))
_TOP = INCOMING_KNOWN - _USER.keys() - set(_OF_SERVICE) - {"id"}
_TAIL = 12
_MOST_COPIED = 16 << 20
"""Characters of a case that its services take with them, all together."""
_TRUTH = {True: "true", False: "false"}


def referrals_of(
    case: Fields, guard: "Guard", told: Told, at: str
) -> Iterator[tuple[Mapping[str, Any], str | None]]:
    """A referral for each service of UNHCR's, as the partner's side would send it, and its state.

    Raises `SenderError` for a case without such a service.
    """
    user = case.get("user")
    if not isinstance(user, dict | None) or not isinstance(case[SERVICES], list):
        raise SenderError("a case without services", rule="progres.not_a_referral", at=at)
    top = {name: case.get(name) for name in _TOP}
    top |= dict.fromkeys(guard.hidden & _TOP, WITHHELD)
    told.left(case, _TOP | _READ | {CONCERNS})
    user = user or {}
    told.left({f"user/{key}": value for key, value in user.items()}, frozenset(_USER.values()))
    if len(repr(top)) * len(case[SERVICES]) > _MOST_COPIED:
        raise SenderError(
            "one case that fills more than a message", rule="progres.too_large", at=at
        )
    people = {name: user.get(path.removeprefix("user/")) for name, path in _USER.items()}
    known = {f"{SERVICES}/{name}" for name in (*_OF_SERVICE, STATUS, "unique_id")}
    for place, service in _services(case[SERVICES], told, at):
        told.left({f"{SERVICES}/{key}": value for key, value in service.items()}, known)
        referral = {
            **top,
            **people,
            "primero_user": case.get("owned_by"),
            **{name: service.get(name) for name in _OF_SERVICE},
            "id": _number(case, service, place),
        }
        yield referral, _state(service.get(STATUS), place)


def _services(services: list[Any], told: Told, at: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Where each service that UNHCR is asked for stands, and the service."""
    found = 0
    for number, service in enumerate(services, 1):
        place = f"{at}, service {number}"
        if not isinstance(service, dict):
            raise SenderError("not a service", rule="progres.not_a_referral", at=place)
        agency = service.get(_AGENCY)
        if isinstance(agency, str) and agency and _UNHCR not in agency.casefold():
            told.left_behind(SERVICES)
            continue
        found += 1
        yield place, service
    if not found:
        raise SenderError(
            "a case without a service of UNHCR's", rule="progres.not_a_referral", at=at
        )


def _state(value: Any, at: str) -> str | None:
    """None where the service does not say how far its referral is."""
    if nothing(value):
        return None
    if not isinstance(value, str) or value not in _STATES:
        raise SenderError("a code that is not known", rule="progres.code", at=f"{at}, {STATUS}")
    return _STATES[value]


def _number(case: Fields, service: Mapping[str, Any], at: str) -> str:
    """The number UNHCR gives back with its decision: the case's, and the end of the service's."""
    parts = (case.get("case_id"), service.get("unique_id"))
    if not all(NUMBER.accepts(part) and part for part in parts):
        raise SenderError("a service without a number", rule="progres.no_id", at=at)
    return f"{parts[0]}#{str(parts[1])[-_TAIL:]}"


@dataclass(frozen=True, slots=True)
class Guard:
    """What a case says of itself, which every referral of it keeps."""

    consent: str | None
    kind: str
    because: str
    """The field the kind was read from."""
    objected: bool | None
    hidden: frozenset[str]
    """Names that nobody may see."""

    @classmethod
    def of(cls, case: Fields, at: str) -> "Guard":
        """Raises `SenderError` for an answer about UNHCR itself that is neither yes nor no."""
        answers = _answers(case)
        violent = is_violence(case.get(_NEEDS))
        return cls(
            facts.consent_of(answers),
            facts.kind_of(answers, ["gbv"] if violent else []),
            _NEEDS if violent else facts.MODULE,
            _objected(answers.get(_OPT_IN), at),
            frozenset(facts.hidden_names(answers)),
        )

    def put(self, pair: Pair, told: Told) -> None:
        """Consent and kind of the case, on both records. A stricter mark of theirs stays."""
        for record_type, record in pair.items():
            protection = record.setdefault("protection", {})
            if protection.get("case_kind") != "gbv":
                protection["case_kind"] = self.kind
                told.line(f"{record_type}.protection.case_kind", self.because)
            protection["consent"] = {"status": self.consent}
            told.line(f"{record_type}.protection.consent.status", facts.DISCLOSURE)
            if self.objected is not None:
                protection["objected"] = self.objected
                told.line(f"{record_type}.protection.objected", _OPT_IN)


def _objected(value: Any, at: str) -> bool | None:
    """Whether the child does not want UNHCR to have the case. Asterisks say nothing of it."""
    if nothing(value) or facts.is_hidden(value):
        return None
    if value not in _TRUTH.values():
        raise SenderError("neither yes nor no", rule="progres.code", at=f"{at}, {_OPT_IN}")
    return bool(value == "false")


def _answers(case: Fields, under: str = "") -> dict[str, Any]:
    """The case flat, yes and no in words."""
    flat: dict[str, Any] = {}
    for name, value in case.items():
        key = f"{under}{name}"
        if isinstance(value, dict):
            flat |= _answers(value, f"{key}/")
        elif isinstance(value, list):
            flat[key] = [
                _answers(one, f"{key}/") if isinstance(one, dict) else one for one in value
            ]
        else:
            flat[key] = _TRUTH[value] if isinstance(value, bool) else value
    return flat
