"""An agreement in plain words: what leaves, to whom, for what, in which form, on what, how long."""

from collections.abc import Mapping, Sequence
from typing import Any

FORMS = {
    "id": "with names",
    "ps": "with numbers instead of names",
    "rec": "as single records without names",
    "agg": "as figures only",
}
BASES = {
    "lb.vital": "somebody's vital interest",
    "lb.public": "a task laid down in law",
    "lb.consent": "each person's consent",
    "lb.legitimate": "a legitimate interest",
    "lb.contract": "a contract",
    "lb.legal": "a legal duty",
    "lb.research": "research with ethics approval",
}
ENDS = {
    "delete": "then it is deleted",
    "return": "then it is returned",
    "archive": "then it is archived",
}


def sentences(
    document: Mapping[str, Any], taxonomy: Mapping[str, Any], names: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Heading and sentence, in the order in which somebody would ask. `names` are of parties."""
    scope = document["scope"]
    where = ", ".join(scope.get("countries", ())) or "no country named"
    said = [("when", f"From {scope['start'][:10]} to {scope['end'][:10]}, in {where}.")]
    for grant in document["purposes"]:
        said.append(("may leave", _grant(grant, document, taxonomy, names)))
    said += [("namely", _type(one, document)) for one in document["data"]]
    said.append(("onward", _onward(document["onward"], names)))
    for held in document["safeguards"]["transfer_instruments"]:
        said.append(("border", f"To {', '.join(held['to'])} under {held['type']}: {held['ref']}."))
    never = "acknowledged" if document["red_lines_acknowledged"] else "NOT acknowledged"
    count = len(taxonomy["red_lines"])
    said.append(("never", f"For {count} uses that nobody can permit, the red lines: {never}."))
    return said


def _grant(
    grant: Mapping[str, Any],
    document: Mapping[str, Any],
    taxonomy: Mapping[str, Any],
    names: Mapping[str, str],
) -> str:
    label = taxonomy["purposes"].get(grant["purpose"], {}).get("label", "unknown purpose")
    sender, recipient = (names.get(grant[side], grant[side]) for side in ("from", "to"))
    basis = BASES.get(grant["legal_basis"], "an unknown legal basis")
    until = [
        one["valid_until"] for one in document["legal_bases"]
        if one["basis"] == grant["legal_basis"]
    ]  # fmt: skip
    proof = f", shown until {max(until)[:10]}" if until else ", of which nothing is shown"
    return f"From {sender} to {recipient}, for: {label}. On the basis of {basis}{proof}."


def _type(one: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    kept: Sequence[Mapping[str, Any]] = [
        each for each in document["retention"] if each["record_type"] == one["record_type"]
    ]
    days = min((each["days"] for each in kept), default=0)
    end = ENDS.get(kept[0].get("at_end", ""), "") if kept else ""
    long = f"kept {days} days" if kept else "kept nobody knows how long"
    most = f", at most {one['volume_limit']} at once" if "volume_limit" in one else ""
    often = f", {one['frequency'].replace('_', ' ')}" if "frequency" in one else ""
    narrowed = one.get("forms", {})
    fields = [f"{name} ({narrowed[name]})" if name in narrowed else name for name in one["fields"]]
    return (
        f"{one['record_type']}, {FORMS[one['max_form']]}{often}{most}; {long}"
        f"{', ' + end if end else ''}. Fields: {', '.join(fields)}."
    )


def _onward(onward: Mapping[str, Any], names: Mapping[str, str]) -> str:
    to = [names.get(one, one) for one in onward.get("recipients", ())]
    if not onward["allowed"] or not to:
        return "The recipient passes nothing on."
    return f"The recipient may pass it on to {', '.join(to)}, and to nobody else."
