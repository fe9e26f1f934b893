"""The terms of a transfer, read by the oracle: who, to whom, for what, on which basis."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any


def mapped(value: Any) -> Mapping[str, Any]:
    """An object, or an empty one."""
    return value if isinstance(value, dict) else {}


def listed(place: Any, name: str) -> list[Any]:
    """A list under a name, or an empty one."""
    value = mapped(place).get(name)
    return value if isinstance(value, list) else []


@dataclass(frozen=True)
class Terms:
    """A question, and the tables it is measured against."""

    document: Mapping[str, Any]
    known: Mapping[str, Any]

    @cached_property
    def request(self) -> Mapping[str, Any]:
        return mapped(self.document.get("request"))

    @cached_property
    def purpose(self) -> str:
        value = self.request.get("purpose")
        return value if isinstance(value, str) else ""

    @cached_property
    def basis(self) -> str:
        value = self.request.get("legal_basis")
        return value if isinstance(value, str) else ""

    @cached_property
    def rules(self) -> Mapping[str, Any]:
        """What the taxonomy says of the purpose."""
        return mapped(self.known["purposes"].get(self.purpose))

    @cached_property
    def basis_rules(self) -> Mapping[str, Any]:
        """What the taxonomy says of the basis."""
        return mapped(self.known["bases"].get(self.basis))

    @cached_property
    def agreement(self) -> Mapping[str, Any]:
        """The one the request names, or an empty one."""
        said = mapped(self.document.get("agreement"))
        return said if said.get("id") == self.request.get("agreement") else {}

    def party(self, side: str) -> Mapping[str, Any]:
        """Sender or recipient, under the id of the request, or an empty one."""
        said = mapped(self.document.get(side))
        return said if said.get("id") == self.request.get(side) else {}

    @cached_property
    def now(self) -> str:
        return str(mapped(self.document.get("context"))["now"])

    def items(self, record_type: str) -> list[Mapping[str, Any]]:
        """What the agreement says of a record type: once, or it is none."""
        held = [mapped(item) for item in listed(self.agreement, "data")]
        return [item for item in held if item.get("record_type") == record_type]

    def kept(self, record_type: str) -> bool:
        """Whether the agreement says how long the recipient keeps a record type."""
        held = [mapped(item) for item in listed(self.agreement, "retention")]
        days = [item.get("days") for item in held if item.get("record_type") == record_type]
        return any(isinstance(one, int) and one > 0 for one in days)

    def ceiling(self, item: Mapping[str, Any]) -> str:
        """The stricter of the purpose's form and the agreement's; a form nobody knows is `agg`."""
        ranks = self.known["max_ranks"]
        said = [str(place.get("max_form", "agg")) for place in (item,)]
        said.append(str(self.rules.get("max", "agg")))
        worst: int = max(ranks.get(form, 3) for form in said)
        form: str = self.known["max_forms"][worst]
        return form

    def decided(self, decision: str, who: str) -> bool:
        """Whether people with the roles it needs made a decision that still stands."""
        roles: set[str] = set()
        officers: set[str] = set()
        places = (mapped(self.document.get("context")), self.agreement)
        for made in (mapped(one) for place in places for one in listed(place, "decisions")):
            if made.get("decision") == decision and self._stands(made):
                roles |= {role for role in listed(made, "by") if role in self.known["roles"]}
                officers |= {str(one) for one in listed(made, "officers")}
        if who == "human:dpo":
            return "dpo" in roles
        return len(roles) >= (2 if who == "human:two" else 1) and not (
            who == "human:two" and len(officers) == 1
        )

    def _stands(self, made: Mapping[str, Any]) -> bool:
        """Not yet run out, not made later, and made by somebody who did not ask for it."""
        until, since = made.get("valid_until"), made.get("at", "")
        if not isinstance(until, str) or until <= self.now:
            return False
        if not isinstance(since, str) or since > self.now:
            return False
        named = made.get("officers")
        asker = made.get("requested_by")
        return named != [] and not (asker is not None and asker in listed(made, "officers"))


def terms_problems(terms: Terms) -> Iterator[str]:
    """Why a transfer under these terms must be refused, whatever a person decided."""
    yield from _red(terms)
    yield from _parties(terms)
    yield from _purpose(terms)
    yield from _basis(terms)
    yield from _agreement(terms)
    yield from _crossing(terms)


def _red(terms: Terms) -> Iterator[str]:
    recipient = terms.party("recipient")
    declared = [terms.purpose, *listed(recipient, "purposes")]
    red = terms.known["red_declared"]
    if any(isinstance(one, str) and (one in red or one.startswith("red.")) for one in declared):
        yield "a red line is crossed"
    kind = recipient.get("kind")
    if isinstance(kind, str) and kind in terms.known["red_kinds"]:
        yield "a recipient whose kind is a red line"
    if kind == "donor" and terms.rules.get("max") in terms.known["donor_forms"]:
        yield "a donor is given data about people"


def _parties(terms: Terms) -> Iterator[str]:
    for side in ("sender", "recipient"):
        party = terms.party(side)
        if not party:
            yield f"an unknown {side}"
        if party.get("status") != "active":
            yield f"a {side} that is not active"


def _purpose(terms: Terms) -> Iterator[str]:
    if terms.rules.get("leaf") is not True:
        yield "a purpose that is no leaf"
    if not any(True for _ in _grants(terms)):
        yield "a purpose that is not granted in this direction, on this basis"


def _grants(terms: Terms) -> Iterator[Mapping[str, Any]]:
    sides = (terms.request.get("sender"), terms.request.get("recipient"))
    for grant in map(mapped, listed(terms.agreement, "purposes")):
        covered = grant.get("purpose") in terms.rules.get("covered_by", ())
        direction = (grant.get("from"), grant.get("to")) == sides
        if covered and direction and grant.get("legal_basis") == terms.basis:
            yield grant


def _basis(terms: Terms) -> Iterator[str]:
    if not terms.basis_rules:
        yield "an unknown basis"
        return
    needed = set(terms.basis_rules["evidence"])
    held = [
        one
        for one in map(mapped, listed(terms.agreement, "legal_bases"))
        if one.get("basis") == terms.basis
    ]
    sound = [
        one
        for one in held
        if needed <= {name for name in listed(one, "evidence") if isinstance(name, str)}
        and isinstance(one.get("valid_until"), str)
        and one["valid_until"] > terms.now
    ]
    if not sound:
        yield "a basis without all its evidence, in force"


def _agreement(terms: Terms) -> Iterator[str]:
    agreement = terms.agreement
    if not agreement or agreement.get("state") != "active":
        yield "no agreement in force"
    scope = mapped(agreement.get("scope"))
    start, end = scope.get("start"), scope.get("end")
    if not (isinstance(start, str) and isinstance(end, str) and start <= terms.now < end):
        yield "an agreement that has not started or has ended"
    bound = [one.get("party") for one in map(mapped, listed(agreement, "parties"))]
    if any(terms.request.get(side) not in bound for side in ("sender", "recipient")):
        yield "an agreement between others"
    if agreement.get("red_lines_acknowledged") is not True:
        yield "red lines that nobody acknowledged"
    waived = mapped(terms.document.get("context")).get("unsigned") == "allow"
    held = [mapped(one) for one in listed(agreement, "parties")]
    bound = [one.get("party") for one in held if one.get("role") != "observer"]
    if not waived and any(one not in listed(agreement, "signed_by") for one in bound):
        yield "an agreement that a party did not sign"
    if agreement.get("kind") == "consolidation":
        given = [mapped(one) for one in listed(agreement, "release_given")]
        said = [one.get("party") for one in given if str(one.get("valid_until", "")) > terms.now]
        others = [one for one in held if one.get("role") not in terms.known["roles_for_others"]]
        if any(one.get("party") not in said for one in others):
            yield "a release without every contributor"


def _crossing(terms: Terms) -> Iterator[str]:
    """A border of law is crossed only with an instrument, on a finding, or on a derogation."""
    here, there = (_regimes(terms, side) for side in ("sender", "recipient"))
    if not here or not there:
        yield "a party that answers to no law"
        return
    names = {name for _, name in there}
    if names & {*terms.known["prohibited"], *terms.known["refused"]}:
        yield "a destination that is prohibited"
    origins = listed(mapped(terms.agreement.get("scope")), "origin_countries")
    kind = terms.party("recipient").get("kind")
    if kind in terms.known["authority_kinds"] and any(one in names for one in _texts(origins)):
        yield "the authorities people fled from"
    if (here == there and kind != "public") or _covered(terms, here, there):
        return
    bound = _bound(terms, here)
    adequate = {*terms.known["gdpr_states"], *terms.known["adequate"]}
    if bound and all(what == "state" and name in adequate for what, name in there):
        return
    immunity = mapped(mapped(terms.agreement.get("safeguards")).get("immunity"))
    if not bound and immunity.get("status") is True and all(what == "io" for what, _ in there):
        return
    if terms.basis not in ("lb.vital", "lb.public"):
        yield "a crossing without a safeguard"


def _regimes(terms: Terms, side: str) -> set[tuple[str, str]]:
    held = list(listed(terms.party(side), "regimes"))
    for one in map(mapped, listed(terms.agreement, "parties")):
        if held and one.get("party") == terms.request.get(side):
            held += listed(one, "regimes")
    return {(str(mapped(one).get("kind")), str(mapped(one).get("id"))) for one in held}


def _bound(terms: Terms, regimes: set[tuple[str, str]]) -> bool:
    return any(kind == "state" and name in terms.known["gdpr_states"] for kind, name in regimes)


def _covered(terms: Terms, here: set[tuple[str, str]], there: set[tuple[str, str]]) -> bool:
    instruments = terms.known["instruments"]
    for held in listed(mapped(terms.agreement.get("safeguards")), "transfer_instruments"):
        kind = mapped(held).get("type")
        said = instruments.get(kind) if isinstance(kind, str) else None
        counts = said is not None and (said["gdpr"] or not _bound(terms, here))
        if counts and {name for _, name in there} <= set(_texts(listed(held, "to"))):
            return True
    return False


def _texts(values: list[Any]) -> list[str]:
    return [value for value in values if isinstance(value, str)]
