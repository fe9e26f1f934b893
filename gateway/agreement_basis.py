"""The walk to a legal basis: questions a person answers, in the order of the ICRC Handbook.

The handbook (3rd ed., 3.1 to 3.4) does not start from consent. Whoever could not refuse and still
get help did not consent. The gateway asks and keeps the answers; it does not decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.agreement_terms import months_after
from gateway.errors import OfficerError


class Asking(Protocol):
    """What the walk needs of a form."""

    taxonomy: Mapping[str, Any]
    now: str
    emergency: bool
    document: dict[str, Any]

    def one(self, key: str, text: str, why: str, default: str | None = None, **more: Any) -> str:
        """One answer."""
        ...

    def yes(self, key: str, text: str, why: str, default: str | None = None) -> bool:
        """Yes or no."""
        ...


@dataclass(frozen=True, slots=True)
class Basis:
    """The legal basis for a purpose, and the answers that led to it."""

    id: str
    answers: str


# id, question, reason, where yes and no lead: another question, or a basis.
_WALK = {
    "could_refuse": (
        "Could this person refuse and still get the aid or service?",
        "Who cannot refuse does not consent (ICRC Handbook, 3.2).",
        "informed", "at_risk",
    ),
    "informed": (
        "Were they told, in a language and form they understand, the purpose, the recipients, the"
        " risks, and how to withdraw?",
        "Consent without knowing is none.",
        "recorded", "at_risk",
    ),
    "recorded": (
        "Is there a record of consent that names this purpose and this recipient, or its kind?",
        "Without it nothing may be transferred on consent (ICRC Handbook, 3.2.7).",
        "lb.consent", "at_risk",
    ),
    "at_risk": (
        "Without the processing, would somebody's life, health, integrity, dignity or security be"
        " at risk?",
        "Then vital interest may carry it (ICRC Handbook, 3.3).",
        "lb.vital", "laid_down",
    ),
    "laid_down": (
        "Is it a task laid down for this organisation in law?",
        "Then important public interest may carry it (ICRC Handbook, 3.4).",
        "lb.public", "outweighs",
    ),
    "outweighs": (
        "Is it necessary for the mission, and not outweighed by people's rights?",
        "Then legitimate interest may carry it (ICRC Handbook, 3.5). Otherwise nothing does.",
        "lb.legitimate", "",
    ),
}  # fmt: skip


def basis_of(form: Asking, purpose: str, bases: dict[str, dict[str, Any]]) -> Basis:
    """Walk to the basis of a purpose, and ask for its evidence where no other purpose did.

    Raises `OfficerError` where no basis carries it: then it must not be done.
    """
    given: list[str] = []
    # In an emergency consent is out, and the first question is whether people are at risk.
    at = "at_risk" if form.emergency else "could_refuse"
    while at in _WALK:
        text, why, yes, no = _WALK[at]
        said = form.yes(f"{at}/{purpose}", text, why)
        given.append(f"{at} {'yes' if said else 'no'}")
        at = yes if said else no
    if not at:
        raise OfficerError(
            "no legal basis carries this", rule="basis.none", at=f"outweighs/{purpose}"
        )
    if at not in bases:
        bases[at] = _held(form, at)
    who = form.one(
        "answered_by", "Who answers these questions (an officer's id or a function)",
        "Somebody must answer for the legal basis.", pattern=r"[!-~ ]{3,100}",
    )  # fmt: skip
    return Basis(at, f"(Asked: {', '.join(given)}. Answered by {who}, {form.now}.)")


def _held(form: Asking, basis: str) -> dict[str, Any]:
    names = form.taxonomy["bases"][basis]["evidence"]
    crisis = form.document["scope"]["crisis_ref"]
    evidence = {
        name: form.one(
            f"{basis}/{name}", f"Evidence: {name.replace('_', ' ')}",
            "Policy refuses without it, and an auditor will ask for it.",
            crisis if name == "crisis_ref" else None,
        )
        for name in names
    }  # fmt: skip
    months = form.taxonomy["bases"][basis].get("months")
    end: str = form.document["scope"]["end"]
    if months is not None:
        end = min(months_after(form.now, months).strftime("%Y-%m-%dT%H:%M:%SZ"), end)
    return {"basis": basis, "evidence": evidence, "valid_until": end}
