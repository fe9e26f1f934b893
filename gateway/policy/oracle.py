"""What must hold of every answer, worked out from the tables in plain Python, without the Rego.

It does not say what the answer is. It says what no answer may be: more than what was asked,
agreed, needed for the purpose and consented to. The question may be anything; whatever cannot be
read here permits nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.policy.decision import ClassDecision, Decision
from gateway.policy.oracle_risk import unsafe
from gateway.policy.oracle_terms import Terms, listed, mapped, terms_problems

Tables = Mapping[str, Any]

OPEN_FACTS = ("origin_purpose", "consent_purposes", "consent_recipients")
"""Facts whose values no table lists."""


def problems(document: Any, decision: Decision, known: Tables) -> list[str]:
    """Everything in an answer that must never be; empty when there is nothing."""
    found = [*_consistent(decision)]
    terms = Terms(mapped(document), known)
    if decision.verdict != "refuse":
        found += terms_problems(terms)
        found += _lists(terms, decision)
        found += _undecided(terms, decision)
    asked = listed(terms.document, "classes")
    for number, answer in enumerate(decision.classes):
        one = mapped(asked[number]) if number < len(asked) else {}
        found += _of_class(terms, one, answer, decision.verdict)
    return found


def _consistent(decision: Decision) -> Iterator[str]:
    wanted = "allow"
    if decision.pending or decision.assess:
        wanted = "pending"
    if decision.objections:
        wanted = "refuse"
    if decision.verdict != wanted:
        yield "the verdict is not what its reasons say"
    for one in decision.classes:
        if (one.verdict == "refuse") != bool(one.objections):
            yield "the verdict of a class is not what its reasons say"
        if (decision.verdict == "refuse" or one.verdict == "refuse") and released(one):
            yield "something is released of what is refused"
    if decision.verdict != "refuse" and not any(one.verdict == "allow" for one in decision.classes):
        yield "nothing to release, and no refusal"


def _lists(terms: Terms, decision: Decision) -> Iterator[str]:
    """An empty list permits nothing."""
    for name in ("purposes", "data", "legal_bases", "parties", "retention"):
        if not listed(terms.agreement, name):
            yield f"an empty list of {name} permits"
    if not listed(terms.document, "classes") or not decision.classes:
        yield "no class of records permits"


def _undecided(terms: Terms, decision: Decision) -> Iterator[str]:
    """What only people may decide is decided, or the answer waits."""
    if decision.verdict != "allow":
        return
    needed = {
        "human.dpo:archive": terms.purpose == "hum.archive",
        "human.one:dest.vital": decision.border.destination == "dest.vital",
        "human.dpo:dest.public_interest": decision.border.destination == "dest.public_interest",
    }
    who = terms.basis_rules.get("who")
    if who:
        needed[f"{who.replace(':', '.')}:basis.{terms.basis}"] = True
    for name, asked in needed.items():
        if asked and not terms.decided(name, name.partition(":")[0].replace(".", ":")):
            yield f"{name.partition(':')[2].partition('.')[0]}: nobody decided"


def _of_class(
    terms: Terms, one: Mapping[str, Any], answer: ClassDecision, verdict: str
) -> Iterator[str]:
    if verdict == "refuse" or answer.verdict == "refuse":
        return
    facts = mapped(one.get("facts"))
    yield from _barred(terms, facts)
    yield from _further_use(terms, facts, verdict)
    if len(terms.items(answer.record_type)) != 1:
        yield "a record type that the agreement does not name once"
        return
    if not terms.kept(answer.record_type):
        yield "a record type without a retention period"
    if answer.record_type in listed(mapped(terms.document.get("context")), "above_volume"):
        yield "more records than the agreement lets through"
    yield from unsafe(terms, answer.record_type, facts, verdict)
    for name, form in released(answer).items():
        yield from _of_field(terms, one, name, form)


def _barred(terms: Terms, facts: Mapping[str, Any]) -> Iterator[str]:
    known = terms.known
    says = known["consent"].get(_text(facts.get("consent_status")), "missing")
    if says == "bars":
        yield "consent bars, and something is released"
    if terms.basis == "lb.consent" and says != "stands":
        yield "consent is the basis, and there is none"
    if facts.get("objected") is True or facts.get("expired") is True:
        yield "an objection or an end that has passed is not heeded"
    for name in facts:
        if name not in known["facts"] and name not in OPEN_FACTS:
            yield "a fact that nobody knows is not heeded"
    recipient = terms.party("recipient")
    kind = _text(recipient.get("kind"))
    names = {recipient.get("id"), *(kind[: len(kind) - cut] for cut in range(len(kind)))}
    if not _covers(facts, "consent_purposes", set(terms.rules.get("covered_by", ()))):
        yield "consent was given for other purposes"
    if not _covers(facts, "consent_recipients", names):
        yield "consent was given for other recipients"


def _covers(facts: Mapping[str, Any], fact: str, names: set[Any]) -> bool:
    said = facts.get(fact)
    return fact not in facts or (isinstance(said, list) and bool(names & set(_texts(said))))


def _further_use(terms: Terms, facts: Mapping[str, Any], verdict: str) -> Iterator[str]:
    origin = facts.get("origin_purpose", terms.purpose)
    if origin == terms.purpose or not isinstance(origin, str):
        return
    row = terms.known["further_use"].get(
        terms.known["purposes"].get(origin, {}).get("group"), {"*": "refuse"}
    )
    says = row.get(terms.purpose, row.get(terms.rules.get("group"), row["*"]))
    if says == "noticed":
        noticed = listed(mapped(terms.agreement.get("notice")), "purposes_listed")
        says = "allow" if terms.purpose in noticed else "human:dpo"
    if says == "new_basis":
        says = "human:two"
    if says == "refuse":
        yield "a further use that is not compatible"
    elif says == "consented":
        if terms.known["consent"].get(_text(facts.get("consent_status"))) != "stands":
            yield "a further use without consent"
    elif says != "allow" and verdict == "allow":
        name = f"{says.replace(':', '.')}:further_use.{origin}.{terms.purpose}"
        if not terms.decided(name, says):
            yield "a further use without a decision"


def _of_field(terms: Terms, one: Mapping[str, Any], name: str, form: str) -> Iterator[str]:
    """Released means asked for, agreed, needed, and at least as strict as each list says."""
    known, kind = terms.known, _text(one.get("record_type"))
    [item] = terms.items(kind)
    if name not in listed(one, "fields"):
        yield "a field that nobody asked for"
    if name not in listed(item, "fields"):
        yield "a field that the agreement does not list"
    if name in known["always_drop"].get(kind, ()):
        yield "a field that never leaves"
    family = known["families"].get(known["fields"].get(kind, {}).get(name), {})
    if form not in family:
        yield "a form that the field does not have"
        return
    ceiling = known["ceilings"][terms.ceiling(item)].get(kind, {})
    limits = {"record's form allows": ceiling.get(name)}
    limits["agreement's"] = _text(mapped(item.get("forms")).get(name, "keep"))
    special = known["special"].get(kind, {}).get(name)
    if special is None:
        limits["purpose's"] = known["matrices"].get(terms.purpose, {}).get(kind, {}).get(name)
    elif terms.purpose not in special:
        yield "a special category for another purpose"
    elif not terms.decided(f"human.dpo:special_category.{kind}.{name}", "human:dpo"):
        yield "a special category without a decision"
    for whose, limit in limits.items():
        if family[form] < family.get(limit, 1000):
            yield f"a form looser than the {whose}"


def released(one: ClassDecision) -> dict[str, str]:
    """The fields of a class that leave, with the form of each."""
    return {name: said.form for name, said in one.fields.items() if said.released}


def strictness(known: Tables, record_type: str, name: str, form: str) -> int:
    """How much a form withholds of a field; what nobody knows withholds everything."""
    family = known["families"].get(known["fields"].get(record_type, {}).get(name), {})
    rank: int = family.get(form, 1000)
    return rank


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(values: list[Any]) -> list[str]:
    return [value for value in values if isinstance(value, str)]
