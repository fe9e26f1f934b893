"""What the oracle knows of sensitivity, publication and the risk of disclosure."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.policy.oracle_terms import Terms, mapped


def unsafe(terms: Terms, record_type: str, facts: Mapping[str, Any], verdict: str) -> Iterator[str]:
    """Why a class of records must not leave, or not before a person decided so."""
    public = terms.purpose == "hum.stat.open" or terms.party("recipient").get("kind") == "public"
    [item] = terms.items(record_type)
    form = terms.ceiling(item)
    people = record_type in terms.known["people_types"]
    if public and people and form in terms.known["never_public"]:
        yield "people are published"
    if public and mapped(terms.agreement.get("publication")).get("allowed") is not True:
        yield "a publication that nobody agreed on"
    yield from _sensitive(terms, record_type, facts, verdict, public=public)
    if people and form == terms.known["risk_form"]:
        yield from _measured(terms, record_type, verdict, public=public)
    yield from _secret(terms, record_type, facts)


def _sensitive(
    terms: Terms, record_type: str, facts: Mapping[str, Any], verdict: str, *, public: bool
) -> Iterator[str]:
    known = terms.known
    levels, ranks = known["sensitivity_levels"], known["sensitivity_ranks"]
    country = mapped(mapped(terms.document.get("context")).get("sensitivity"))
    said = (
        facts.get("sensitivity", "low"),
        country.get(record_type, "low"),
        known["type_sensitivity"].get(record_type),
    )
    if not all(isinstance(one, str) and one in ranks for one in said):
        yield "a sensitivity that nobody knows"
        return
    level = levels[max(ranks[one] for one in said)]
    kind = "figures" if record_type in known["figure_types"] else "records"
    effect = known["sensitivity_effects"]["public" if public else "partner"][kind][level]
    if effect.get("refused"):
        yield "too sensitive to be published"
    who = effect.get("who")
    if who and verdict == "allow":
        name = f"{who.replace(':', '.')}:sensitivity.{level}.{record_type}"
        if not terms.decided(name, who):
            yield "sensitive records without a decision"


def _measured(terms: Terms, record_type: str, verdict: str, *, public: bool) -> Iterator[str]:
    """Records said to be de-identified leave only after that was measured."""
    found = mapped(mapped(terms.document.get("context")).get("risk")).get(record_type)
    if found is None:
        if verdict == "allow":
            yield "a risk that nobody measured"
        return
    if mapped(found).get("k", 0) < terms.known["risk_floor"]:
        yield "fewer are alike than the floor"
    bounds = terms.known["thresholds"]["public" if public else "partner"]["ordinary"]
    kept = mapped(found).get("risk_permille", 1000) < bounds["risk_permille"]
    kept = kept and all(mapped(found).get(name, 0) >= bounds[name] for name in ("k", "l"))
    decided = terms.decided(f"human.dpo:disclosure_risk.{record_type}", "human:dpo")
    if verdict == "allow" and not kept and not decided:
        yield "a risk above the threshold without a decision"


def _secret(terms: Terms, record_type: str, facts: Mapping[str, Any]) -> Iterator[str]:
    """Cases under a duty of secrecy leave for their own purpose, a referral, or as figures."""
    kind = facts.get("case_kind")
    secrecy = terms.known["case_kinds"].get(kind) if isinstance(kind, str) else None
    if secrecy is None or terms.purpose in secrecy["purposes"]:
        return
    stands = terms.known["consent"].get(str(facts.get("consent_status"))) == "stands"
    figure = record_type in terms.known["figure_types"] and terms.purpose in secrecy["figures"]
    if figure and terms.agreement.get("kind") == secrecy.get(
        "agreement_kind", terms.agreement.get("kind")
    ):
        return
    if terms.purpose not in secrecy["consented"] or not stands:
        yield "a case under a duty of secrecy leaves it"
