"""An explanation in words, for a terminal of 80 columns.

Without `rich`, whose import alone would take a quarter of the time an officer waits.
"""

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.policy.explain import Class, Explanation, Fields, Reason

HEADS = {"allow": "ALLOWED", "pending": "HELD", "refuse": "REFUSED"}
SET_BY = {
    "purpose": "the purpose",
    "agreement": "the agreement",
    "max_form": "the form of the record",
    "policy": "policy",
}
MOST = 6
"""Values of a list that are shown."""

WIDTH = 80
LABEL = 10


def told_lines(explanation: Explanation) -> Iterator[str]:
    """The explanation, line by line, without colours."""
    yield from _head(explanation)
    for title, reasons in (
        ("Why it is refused", explanation.objections),
        ("What it waits for", explanation.holds),
    ):
        if reasons:
            yield ""
            yield title
            for reason in reasons:
                yield from _reason(reason, "  ")
    for one in explanation.classes:
        yield ""
        yield from _class(one)
    border = explanation.decision.border
    yield ""
    yield f"The border: {border.destination}"
    yield from _facts(explanation.border, "  ")
    if explanation.obligations:
        yield ""
        yield "What the recipient must do"
        for reason in explanation.obligations:
            yield from _wrapped("  ", f"{reason.title} {_source(reason)}")
            yield from _stands(reason, "    ")


def _head(explanation: Explanation) -> Iterator[str]:
    decision, asked = explanation.decision, explanation.asked
    names = ("sender", "recipient", "purpose", "legal_basis", "agreement")
    sender, recipient, *rest = (str(asked.get(name, "not said")) for name in names)
    yield f"{HEADS[decision.verdict]}  {sender} to {recipient}"
    yield from _wrapped("", ", ".join(rest))
    until = f", holds until {decision.valid_until}" if decision.valid_until else ""
    yield f"asked for {decision.asked.now}{until}"
    yield f"bundle {decision.revision}"
    yield ""
    for axis, rules in explanation.axes.items():
        yield from _labelled("", axis, ", ".join(rules) or "nothing stops it")


def _reason(reason: Reason, margin: str) -> Iterator[str]:
    yield from _wrapped(margin, f"{reason.rule}: {reason.title} {_source(reason)}")
    yield from _facts(reason, f"{margin}  ", title=False)


def _facts(reason: Reason, margin: str, *, title: bool = True) -> Iterator[str]:
    if title:
        yield from _wrapped(margin, f"{reason.title} {_source(reason)}")
    yield from _stands(reason, margin)
    for path in reason.missing:
        yield from _labelled(margin, "missing", path)
    if reason.fix:
        yield from _labelled(margin, "change", reason.fix)


def _stands(reason: Reason, margin: str) -> Iterator[str]:
    for fact in reason.facts:
        yield from _labelled(margin, "fact", f"{fact.path} = {_value(fact.value)}")


def _class(one: Class) -> Iterator[str]:
    facts = ", ".join(f"{name} {_value(value)}" for name, value in sorted(one.facts.items()))
    yield from _wrapped("", f"{one.record_type}: {facts or 'no facts'}")
    for reason in one.objections:
        yield from _reason(reason, "  ")
    for group in one.fields:
        yield from _fields(group)
    limits = ", ".join(f"{name} {value}" for name, value in one.limits.items() if value)
    if limits:
        yield from _labelled("  ", "limits", limits)


def _fields(group: Fields) -> Iterator[str]:
    names = ", ".join(group.names)
    if group.released:
        form = "as it is" if group.form == "keep" else f"as {group.form}"
        why = " and ".join(SET_BY[name] for name in group.set_by)
        yield from _labelled("  ", "leaves", f"{form}{f' by {why}' if why else ''}: {names}")
        return
    marked = ", marked as withheld" if group.form == "null" else ""
    yield from _labelled("  ", "stays", f"{group.reason.title}{marked}: {names}")
    yield from _facts(group.reason, "    ", title=False)


def _source(reason: Reason) -> str:
    return f"({reason.source})" if reason.source else ""


def _labelled(margin: str, label: str, text: str) -> Iterator[str]:
    yield from _wrapped(f"{margin}{label:<{LABEL}}", text)


def _wrapped(first: str, text: str) -> Iterator[str]:
    rest = " " * len(first) if first.strip() else f"{first}  "
    yield from textwrap.wrap(
        text.strip(),
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _value(value: Any) -> str:
    if isinstance(value, list):
        shown = ", ".join(_value(item) for item in value[:MOST]) or "none"
        return f"{shown} and {len(value) - MOST} more" if len(value) > MOST else shown
    if isinstance(value, str):
        return value or "empty"
    if isinstance(value, Mapping) and value and all(_plain(item) for item in value.values()):
        return " ".join(f"{name}:{_value(item)}" for name, item in sorted(value.items()))
    return json.dumps(value, ensure_ascii=False)


def _plain(value: Any) -> bool:
    return isinstance(value, str | int)
