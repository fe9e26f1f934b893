"""What a machine can find wrong in an agreement before anybody signs it, with file and line.

A finding names a rule and a place, never what stands there. No finding does not mean a good
agreement: whether the data are needed, and whether people are safe, is for people to say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.agreement import check_signature
from gateway.agreement_terms import Look, Step, checks_of_terms, later, months_after
from gateway.approval import is_moment, moment
from gateway.deployment import Deployment
from gateway.document import Lines, check_document, parse_with_lines
from gateway.errors import OfficerError

MONTHS = 24
INTERIM_DAYS = 30
DECISION_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not right."""

    rule: str
    at: str
    """`file:line`, where there is a file."""
    problem: str


@dataclass(frozen=True, slots=True)
class Source:
    """The file an agreement was read from."""

    name: str
    lines: Lines

    def at(self, path: Step) -> str:
        """File and line of a value, or of what should hold it."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.name}:{self.lines.get(path, 1)}"


def read(path: Path) -> tuple[dict[str, Any], Source]:
    """An agreement, and where everything stands in its file. Errors name the line."""
    try:
        text = path.read_bytes()
    except OSError:
        raise OfficerError("cannot be read", rule="document.unreadable", at=path.name) from None
    document, lines = parse_with_lines(text, at=path.name)
    source = Source(path.name, lines())
    try:
        return check_document(document, "agreement", at=path.name), source
    except OfficerError as error:
        place = error.at.partition(", ")[2]
        steps = tuple(int(one) if one.isdigit() else one for one in place.split("/") if one)
        problem = f"{error.problem} in {place}" if place else error.problem
        raise OfficerError(problem, rule=error.rule, at=source.at(steps)) from None


def findings(
    document: Mapping[str, Any],
    deployment: Deployment,
    taxonomy: Mapping[str, Any],
    now: str,
    source: Source | None = None,
) -> list[Finding]:
    """Everything found, in the order of the file.

    `taxonomy` is that of the bundle in force, `now` an instant. The deployment's agreements are
    not looked at, so one that is not fit may be among them, or this one not yet.
    """
    look = Look(document, deployment, taxonomy, now)
    said = source or Source(f"agreement {document['id']}", {})
    found = [
        (said.lines.get(path, 0), Finding(rule, said.at(path), problem))
        for check in (_people, _period, _signatures, _decisions, _promises, *checks_of_terms())
        for rule, path, problem in check(look)
    ]
    return [one for _, one in sorted(found, key=lambda each: each[0])]


Found = Iterator[tuple[str, Step, str]]


def _people(look: Look) -> Found:
    """Who is in it, and every other place that names a party."""
    seen: set[str] = set()
    for number, one in enumerate(look.document["parties"]):
        path: Step = ("parties", number)
        party = look.deployment.parties.get(one["party"])
        if one["party"] in seen:
            yield "agreement.party_twice", path, "a party stands twice"
        seen.add(one["party"])
        if party is None:
            yield "agreement.no_party", path, "a party that is not known"
        elif party["status"] != "active":
            yield "agreement.party_suspended", path, "a party that is suspended"
        elif "regimes" in one and _regimes(one) != _regimes(party):
            yield "agreement.regimes", (*path, "regimes"), "not the laws of the party's own file"
    bound = [one for one in look.document["parties"] if one["role"] != "observer"]
    if look.document["kind"] == "bilateral" and len(bound) != 2:
        yield "agreement.parties", ("parties",), "a bilateral agreement has two parties"
    roles = {one["role"] for one in look.document["parties"]}
    if roles.isdisjoint(("controller", "joint_controller")):
        yield "agreement.parties", ("parties",), "nobody in it is a controller"
    for path, name in _named(look.document):
        if name not in look.deployment.parties:
            yield "agreement.no_party", path, "a party that is not known"


def _regimes(one: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(regime["kind"], regime["id"]) for regime in one["regimes"]}


def _named(document: Mapping[str, Any]) -> Iterator[tuple[Step, str]]:
    lists = (
        ("notice", "recipients_listed"), ("onward", "recipients"), ("audit", "log_visible_to"),
    )  # fmt: skip
    for group, name in lists:
        for number, party in enumerate(document.get(group, {}).get(name, ())):
            yield (group, name, number), party
    for group, name in (("rights", "handled_by"), ("succession", "to")):
        if name in document.get(group, {}):
            yield (group, name), document[group][name]
    for number, one in enumerate(document.get("release_given", ())):
        yield ("release_given", number), one["party"]


def _period(look: Look) -> Found:
    """When it holds, and what it replaces."""
    scope = look.document["scope"]
    broken = [name for name in ("start", "end") if not is_moment(scope[name])]
    for name in broken:
        yield "agreement.instant", ("scope", name), "no such day"
    if broken:
        return
    if scope["start"] >= scope["end"]:
        yield "agreement.scope", ("scope", "end"), "ends before it starts"
    if moment(scope["end"]) > months_after(scope["start"], MONTHS):
        yield "agreement.too_long", ("scope", "end"), f"longer than {MONTHS} months"
    if scope["end"] <= look.now:
        yield "agreement.ended", ("scope", "end"), "the end has passed"
    interim = look.document["kind"] == "emergency_interim"
    if interim and later(scope["start"], days=INTERIM_DAYS) < moment(scope["end"]):
        yield "agreement.interim", ("scope", "end"), f"longer than {INTERIM_DAYS} days"
    if "supersedes" in look.document:
        old, new = (_numbers(look.document[name]) for name in ("supersedes", "version"))
        if old >= new:
            yield "agreement.supersedes", ("supersedes",), "replaces no earlier version"


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _signatures(look: Look) -> Found:
    seen: set[str] = set()
    for number, entry in enumerate(look.document.get("signed_by", ())):
        path: Step = ("signed_by", number)
        if entry["party"] in seen:
            yield "agreement.signed_twice", path, "a party signed twice"
        seen.add(entry["party"])
        try:
            check_signature(look.document, entry, look.deployment.parties, look.now)
        except OfficerError as error:
            yield error.rule, path, error.problem


def _decisions(look: Look) -> Found:
    for number, made in enumerate(look.document.get("decisions", ())):
        path: Step = ("decisions", number)
        start = made.get("at", look.now)
        if not (is_moment(start) and is_moment(made["valid_until"])):
            yield "agreement.instant", path, "no such day"
        elif moment(made["valid_until"]) > months_after(start, DECISION_MONTHS):
            yield "agreement.decision_long", path, f"holds longer than {DECISION_MONTHS} months"
        if made["decision"].startswith("human.two") and len(made["by"]) < 2:
            yield "agreement.decision_roles", path, "needs two people in two roles"
        yield from _deciders(look, made, path)


def _deciders(look: Look, made: Mapping[str, Any], path: Step) -> Found:
    officers = made.get("officers")
    if officers is None:
        return
    known = [look.deployment.officers.get(one) for one in officers]
    if None in known or len(officers) < len(made["by"]):
        yield "agreement.decision_officers", path, "not an officer for each role"
    elif not all(role in one["roles"] for role, one in zip(made["by"], known, strict=False) if one):
        yield "agreement.decision_officers", path, "not a role of the officer"
    if made.get("requested_by") in officers:
        yield "agreement.decision_requester", path, "decided by who asked for it"


def _promises(look: Look) -> Found:
    """What the parties must have said to people and to each other."""
    document = look.document
    if not document["red_lines_acknowledged"]:
        yield (
            "agreement.red_lines",
            ("red_lines_acknowledged",),
            "the red lines are not acknowledged",
        )
    onward = document["onward"]
    if onward["allowed"] != bool(onward.get("recipients")):
        yield "agreement.onward", ("onward",), "says both that it may and that nobody may"
    if document["kind"] == "consolidation":
        yield from _consolidation(look)
    if not look.about_people:
        return
    yield from _notice(look)
    if not document["scope"].get("countries"):
        yield "agreement.countries", ("scope",), "does not say for which countries"
    interim = document["kind"] == "emergency_interim"
    for group in (
        ("rights", "incidents") if interim else ("rights", "incidents", "compelled", "exit")
    ):
        if not document.get(group):
            yield "agreement.incomplete", (group,), f"says nothing about {group}"


def _consolidation(look: Look) -> Found:
    if not look.document.get("release_requires", {}).get("all_contributors"):
        yield "agreement.contributors", ("kind",), "a consolidation needs every contributor"
    members = {one["party"] for one in look.document["parties"]}
    for number, given in enumerate(look.document.get("release_given", ())):
        if given["party"] not in members:
            yield "agreement.contributors", ("release_given", number), "no contributor"


def _notice(look: Look) -> Found:
    notice = look.document.get("notice")
    if notice is None:
        yield "agreement.notice", ("notice",), "does not say what people were told"
        return
    # A purpose people were not told of is no contradiction: policy asks an officer each time.
    recipients = {grant["to"] for grant in look.document["purposes"]}
    if recipients - {*notice.get("recipients_listed", ())}:
        yield "agreement.notice", ("notice",), "people were not told of every recipient"
