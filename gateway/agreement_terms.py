"""Checks of what an agreement grants: purposes, legal bases, data, thresholds, borders."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from gateway.agreement import sensitivity_of
from gateway.approval import is_moment, moment
from gateway.deployment import Deployment
from gateway.record import RECORD_TYPES, fields, load, structural

Step = tuple[str | int, ...]
Found = Iterator[tuple[str, Step, str]]
SCHEDULED = ("daily", "weekly", "monthly", "continuous")
LARGE = 1000
"""Records in one transfer from which an impact assessment is asked for."""


@dataclass(frozen=True)
class Look:
    """An agreement, and what is needed to judge it."""

    document: Mapping[str, Any]
    deployment: Deployment
    taxonomy: Mapping[str, Any]
    now: str

    @cached_property
    def types(self) -> frozenset[str]:
        """Record types it lets through."""
        return frozenset(one["record_type"] for one in self.document["data"])

    @cached_property
    def about_people(self) -> bool:
        """Whether any of them is about people receiving aid."""
        return not self.types.isdisjoint(self.taxonomy["people_types"])

    def regimes(self, party: str) -> Sequence[Mapping[str, str]]:
        """The laws a party answers to; none where it is not known."""
        found: Sequence[Mapping[str, str]] = self.deployment.parties.get(party, {}).get(
            "regimes", ()
        )
        return found


def checks_of_terms() -> tuple[Callable[[Look], Found], ...]:
    """Each yields rule, path and problem."""
    return (_grants, _bases, _data, _retention, _borders, _assessment, _publication)


def months_after(instant: str, months: int) -> datetime:
    """The same day and time some months later; the last day of the month where it has no such."""
    start = moment(instant)
    year, month = divmod(start.month - 1 + months, 12)
    first = start.replace(year=start.year + year, month=month + 1, day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return min(first + timedelta(days=start.day - 1), following - timedelta(days=1))


def later(instant: str, *, days: int) -> datetime:
    """Some days after an instant."""
    return moment(instant) + timedelta(days=days)


def _grants(look: Look) -> Found:
    members = {one["party"]: one["role"] for one in look.document["parties"]}
    for number, grant in enumerate(look.document["purposes"]):
        path: Step = ("purposes", number)
        for side in ("from", "to"):
            if grant[side] not in members:
                yield "agreement.grant", (*path, side), "a grant to a party outside it"
            elif members[grant[side]] == "observer":
                yield "agreement.grant", (*path, side), "an observer neither sends nor receives"
        if grant["from"] == grant["to"]:
            yield "agreement.grant_self", path, "a grant from a party to itself"
        yield from _purpose(look, grant["purpose"], (*path, "purpose"))
        yield from _recipient(look, grant["to"], (*path, "to"))
    if not look.document["purposes"]:
        yield "agreement.empty", ("purposes",), "grants nothing"


def _purpose(look: Look, purpose: str, path: Step) -> Found:
    grantable = {
        name for one in look.taxonomy["purposes"].values() for name in one.get("covered_by", ())
    }
    if purpose in look.taxonomy["red_declared"] or purpose in look.taxonomy["red_lines"]:
        yield "agreement.red_line", path, "this purpose is a red line"
    elif purpose not in look.taxonomy["purposes"]:
        yield "agreement.purpose_unknown", path, "no such purpose"
    elif purpose not in grantable:
        yield "agreement.purpose_too_broad", path, "names no leaf, and no parent of leaves"


def _recipient(look: Look, name: str, path: Step) -> Found:
    party = look.deployment.parties.get(name, {})
    declared = look.taxonomy["red_declared"].keys() & {*party.get("purposes", ())}
    if party.get("kind") in look.taxonomy["red_kinds"] or declared:
        yield "agreement.red_line", path, "this recipient is a red line"


def _bases(look: Look) -> Found:
    granted = {one["legal_basis"] for one in look.document["purposes"]}
    for number, grant in enumerate(look.document["purposes"]):
        path: Step = ("purposes", number, "legal_basis")
        basis = grant["legal_basis"]
        if basis not in look.taxonomy["bases"]:
            yield "agreement.basis_unknown", path, "no such legal basis"
        elif basis not in {one["basis"] for one in look.document["legal_bases"]}:
            yield "agreement.basis_missing", path, "no evidence is given for this legal basis"
    for number, held in enumerate(look.document["legal_bases"]):
        path = ("legal_bases", number)
        rules = look.taxonomy["bases"].get(held["basis"])
        if rules is None:
            yield "agreement.basis_unknown", path, "no such legal basis"
            continue
        given = {name for name, text in held["evidence"].items() if text.strip()}
        for name in sorted({*rules["evidence"]} - given):
            yield "agreement.evidence_missing", (*path, "evidence"), f"no {name}"
        yield from _evidence_time(look, held, rules.get("months"), (*path, "valid_until"))
        if rules.get("not_for_people") and look.about_people and held["basis"] in granted:
            yield "agreement.basis_people", path, "never for people receiving aid"


def _evidence_time(look: Look, held: Mapping[str, Any], months: int | None, path: Step) -> Found:
    until = held["valid_until"]
    if not is_moment(until):
        yield "agreement.instant", path, "no such day"
    elif until <= look.now:
        yield "agreement.evidence_expired", path, "the evidence has run out"
    elif months is not None and moment(until) > months_after(look.now, months):
        yield "agreement.evidence_long", path, f"more than {months} months ahead"


def _data(look: Look) -> Found:
    seen: set[str] = set()
    for number, one in enumerate(look.document["data"]):
        path: Step = ("data", number)
        record_type = one["record_type"]
        if record_type in seen:
            yield "agreement.type_twice", path, "a record type stands twice"
        seen.add(record_type)
        if record_type not in RECORD_TYPES:
            yield "agreement.type_unknown", path, "no such record type"
            continue
        if not one["fields"]:
            yield "agreement.empty", (*path, "fields"), "lets no field through"
        major = load(record_type)["$id"].rpartition("/")[2]
        if one.get("schema", f"{record_type}@{major}") != f"{record_type}@{major}":
            yield "agreement.schema", (*path, "schema"), "not a schema of this gateway"
        yield from _fields(look, one, path)


def _fields(look: Look, one: Mapping[str, Any], path: Step) -> Found:
    known = {*fields(one["record_type"]), *structural(one["record_type"])}
    for number, name in enumerate(one["fields"]):
        if name not in known:
            yield "agreement.field_unknown", (*path, "fields", number), "no such field"
    for key in ("key_variables", "sensitive"):
        if not {*one.get(key, ())} <= {*one["fields"]}:
            yield "agreement.field_unlisted", (*path, key), "a field that is not let through"
    families = look.taxonomy["fields"].get(one["record_type"], {})
    for name, form in one.get("forms", {}).items():
        if name not in one["fields"]:
            yield "agreement.field_unlisted", (*path, "forms", name), "a field not let through"
        elif form not in look.taxonomy["families"].get(families.get(name), ()):
            yield "agreement.form", (*path, "forms", name), "no such form of this field"


def _retention(look: Look) -> Found:
    kept: set[str] = set()
    for number, one in enumerate(look.document["retention"]):
        if one["record_type"] in kept:
            yield "agreement.retention_twice", ("retention", number), "a record type stands twice"
        kept.add(one["record_type"])
    for number, one in enumerate(look.document["data"]):
        if one["record_type"] not in kept:
            yield (
                "agreement.retention_missing",
                ("data", number),
                "does not say how long it is kept",
            )


def _borders(look: Look) -> Found:
    immunity = look.document["safeguards"].get("immunity", {})
    if immunity.get("status") and not immunity.get("instrument", "").strip():
        path: Step = ("safeguards", "immunity")
        yield "agreement.immunity", path, "does not say which law makes it immune"
    for number, grant in enumerate(look.document["purposes"]):
        mine, theirs = look.regimes(grant["from"]), look.regimes(grant["to"])
        if not mine or not theirs or _ids(mine) == _ids(theirs):
            continue
        path = ("purposes", number)
        if not _ids(theirs).isdisjoint(look.taxonomy["prohibited"]):
            yield "agreement.prohibited", path, "nothing goes there"
        elif not _covered(look, mine, theirs, immune=bool(immunity.get("status"))):
            yield "agreement.instrument", path, "crosses a border of law without an instrument"


def _ids(regimes: Sequence[Mapping[str, str]]) -> frozenset[str]:
    return frozenset(one["id"] for one in regimes)


def _covered(
    look: Look,
    mine: Sequence[Mapping[str, str]],
    theirs: Sequence[Mapping[str, str]],
    *,
    immune: bool,
) -> bool:
    tables = look.taxonomy
    gdpr = any(one["kind"] == "state" and one["id"] in tables["gdpr_states"] for one in mine)
    for held in look.document["safeguards"]["transfer_instruments"]:
        known = tables["instruments"].get(held["type"])
        if known and (known["gdpr"] or not gdpr) and _ids(theirs) <= {*held["to"]}:
            return True
    if gdpr:
        # Immunity is no safeguard in the sense of Chapter V.
        found = {*tables["gdpr_states"], *tables["adequate"]}
        return all(one["kind"] == "state" and one["id"] in found for one in theirs)
    return immune and all(one["kind"] == "io" for one in theirs)


def _assessment(look: Look) -> Found:
    """The UNHCR asks for one before what is large, repeated or structural."""
    safeguards = look.document["safeguards"]
    dpia = safeguards.get("dpia")
    if dpia is not None:
        if dpia["next_review"] <= look.now:
            yield "agreement.dpia", ("safeguards", "dpia"), "the review is overdue"
        if dpia["outcome"] == "high":
            yield "agreement.dpia", ("safeguards", "dpia"), "leaves a high risk"
    elif not safeguards.get("dpia_ref") and look.document["kind"] != "emergency_interim":
        for number, one in enumerate(look.document["data"]):
            if _structural(look, one):
                path: Step = ("data", number)
                yield "agreement.dpia", path, "large or regular, and its risk was not assessed"


def _structural(look: Look, one: Mapping[str, Any]) -> bool:
    if one["record_type"] not in look.taxonomy["people_types"] or one["max_form"] == "agg":
        return False
    small = one.get("volume_limit", LARGE) < LARGE
    return one.get("frequency", SCHEDULED[0]) in SCHEDULED or not small


def _publication(look: Look) -> Found:
    said = look.document.get("publication", {})
    effects = _published(look)
    if said.get("allowed") and any("refused" in one for one in effects):
        yield "agreement.publication", ("publication",), "too sensitive to be published"
    if said.get("allowed") is False:
        for number, grant in enumerate(look.document["purposes"]):
            if grant["purpose"] in ("hum.stat.open", "hum.stat"):
                yield "agreement.publication", ("purposes", number), "publication is not allowed"
    kind = "ordinary" if all(one == {} for one in effects) else "sensitive"
    floor = look.taxonomy["thresholds"]["public"][kind]
    for name, value in said.get("thresholds", {}).items():
        if value > floor[name] if name == "risk_permille" else value < floor[name]:
            path: Step = ("publication", "thresholds", name)
            yield "agreement.thresholds", path, "weaker than the policy or the country allows"


def _published(look: Look) -> list[Mapping[str, Any]]:
    """What publishing figures of each record type means, at the stricter of two levels."""
    tables = look.taxonomy
    ranks, effects = tables["sensitivity_ranks"], tables["sensitivity_effects"]["public"]["figures"]
    said = sensitivity_of(look.deployment, look.document, look.now)
    levels = (
        {tables["type_sensitivity"].get(one, "severe"), said.get(one, "low")} for one in look.types
    )
    return [effects[max(each, key=lambda level: ranks[level])] for each in levels]
