"""Messages to records, each with its id."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from adapters.progres.referral import bodies, envelope, fields, stored
from adapters.progres.referral.envelope import Message
from adapters.progres.referral.filling import Fields, Told, nothing, settled
from adapters.progres.referral.places import Pair
from adapters.progres.referral.risk import strictest
from adapters.progres.referral.rows import Group, grouped, read_group
from adapters.progres.referral.values import NUMBER, is_individual, is_number
from gateway.errors import SenderError
from gateway.marks import Marks
from gateway.record import Reading, Record

_INDIVIDUAL = ("individuals.progres_id", "progres_individual/Name")


@dataclass(frozen=True, slots=True)
class Authorities:
    """Whose numbering the ids are: one for all where a mapping says it."""

    unhcr: str = "progres.invalid"
    partner: str = "partner.progres.invalid"


def records_of(pairs: Iterable[Pair]) -> Iterator[Record]:
    """The person, then the case, of each pair.

    One person of several cases is given once, if every time the same is said of them. Persons
    that differ are all given: the gateway refuses one id with two contents.
    """
    given = Marks()
    for pair in pairs:
        if "person" in pair:
            said = orjson.dumps(pair["person"], option=orjson.OPT_SORT_KEYS).decode()
            if said not in given:
                given.add(said)
                yield pair["person"]
        yield pair["case"]


class Reader:
    """Reads the messages of one payload."""

    def __init__(self, authorities: Authorities, reading: Reading) -> None:
        self._authorities = authorities
        self._told = Told(reading)
        self._case = Told(reading, stored.RENAMED)

    def read(self, message: Message) -> Iterator[Pair]:
        """A case, and the person it is about, for each that the message is about."""
        for pair in self._pairs(message):
            settled(pair)
            yield pair

    def _pairs(self, message: Message) -> Iterator[Pair]:
        if message.shape == envelope.ROWS:
            yield from self._interventions(message)
            return
        [item] = message.items
        at = message.at
        if message.shape == envelope.CASE:
            yield from self._stored(item, at)
        elif message.shape == envelope.INCOMING:
            self._told.left(item, bodies.INCOMING_KNOWN | stored.SAID)
            pair = self._incoming(item, self._told, at)
            if item.keys() & stored.SAID:
                stored.Guard.of(item, at).put(pair, self._told)
            yield pair
        elif message.shape == envelope.DECISIONS:
            self._told.left(item, bodies.DECISION_KNOWN)
            pair = bodies.read_decision(item, self._told, at)
            yield self._numbered(pair, self._authorities.partner, _first(item, _DECIDED, at), at)
        else:
            self._told.left(item, bodies.NOTICE_KNOWN)
            pair = bodies.read_notice(item, self._told, at)
            number = _first(item, (fields.INTERVENTION_NO,), at)
            yield self._numbered(pair, self._authorities.unhcr, number, at)

    def _interventions(self, message: Message) -> Iterator[Pair]:
        groups = list(grouped(message.items, message.at, self._told))
        kinds = _kinds(groups)
        for group in groups:
            pair = read_group(group, self._told)
            if message.asks == envelope.REFERRED:
                pair["case"]["status"] = "requested"
                self._told.line("case.status", "request_type")
            number = _first(group.one, _INTERVENTION, group.at)
            individual = _individual(group.one)
            self._numbered(pair, self._authorities.unhcr, number, group.at, individual)
            if "person" in pair and individual and individual[1] in kinds:
                pair["person"]["protection"] = {"case_kind": kinds[individual[1]]}
            yield pair

    def _stored(self, item: Fields, at: str) -> Iterator[Pair]:
        guard = stored.Guard.of(item, at)
        for referral, status in stored.referrals_of(item, guard, self._case, at):
            pair = self._incoming(referral, self._case, at)
            if status is not None:
                pair["case"]["status"] = status
                self._case.line("case.status", stored.STATUS)
            guard.put(pair, self._told)
            yield pair

    def _incoming(self, item: Fields, told: Told, at: str) -> Pair:
        """About whom UNHCR numbered, or a person of the partner's without a number of its own."""
        pair = bodies.read_incoming(item, told, at)
        pair["case"]["status"] = "requested"
        told.line("case.status", "request_type" if item.get("request_type") else "id")
        number = _first(item, ("id",), at)
        person = ("id", f"{part_of(number[1])[0] or number[1]}.1")
        individual = item.get(fields.INDIVIDUAL_NO)
        if is_individual(individual):
            person = (fields.INDIVIDUAL_NO, str(individual))
        return self._numbered(pair, self._authorities.partner, number, at, person, told)

    def _numbered(
        self,
        pair: Pair,
        authority: str,
        number: tuple[str, str],
        at: str,
        person: tuple[str, str] | None = None,
        told: Told | None = None,
    ) -> Pair:
        """The records with their ids, the id first and the person tied to the case."""
        told = told or self._told
        whole, local = part_of(number[1]) if number[0] in _PARTNERS else (None, number[1])
        case = _headed("case", authority, local)
        pair["case"] = {**case, "case_type": "referral", **pair["case"]}
        told.line("case.record_id", number[0])
        told.line("case.case_type", number[0])
        if whole:
            related = {"relation": "part_of", "related": f"{authority}/{whole}"}
            pair["case"]["related_cases"] = [related]
            told.line("case.related_cases[].relation", number[0])
            told.line("case.related_cases[].related", number[0])
        if not pair.get("person"):
            pair.pop("person", None)
            return pair
        source, local = person or (number[0], f"{local}.1")
        if source == fields.INDIVIDUAL_NO:
            authority = self._authorities.unhcr
        pair["person"] = {**_headed("person", authority, local), **pair["person"]}
        pair["case"]["subject"] = pair["person"]["record_id"]
        told.line("person.record_id", source)
        told.line("case.subject", source)
        return pair


def _headed(record_type: str, authority: str, local: str) -> Record:
    return {"record_type": record_type, "record_id": f"{authority}/{local}"}


_INTERVENTION = (fields.INTERVENTION_NO, fields.INTERVENTION_ID)
_DECIDED = (fields.ORG_REFERRAL, fields.REFERRAL_NO)
_PARTNERS = ("id", fields.ORG_REFERRAL)


def part_of(number: str) -> tuple[str | None, str]:
    """A partner's number of a referral: `CASE#SERVICE` where it is one of a case's several."""
    whole, _, local = number.partition("#")
    return (whole, local) if is_number(whole) and is_number(local) else (None, number)


def _first(item: Fields, names: Sequence[str], at: str) -> tuple[str, str]:
    """The first of these fields that has a number in it. Raises `SenderError` for none."""
    for name in names:
        value = item.get(name)
        if nothing(value):
            continue
        place = f"{at}, {name}"
        if not NUMBER.accepts(value):
            raise SenderError("a number that is not text", rule="progres.text", at=place)
        try:
            return name, str(NUMBER.read(value))
        except ValueError:
            raise SenderError(
                "a number with white space in it", rule="progres.number", at=place
            ) from None
    raise SenderError("an object without a number of its own", rule="progres.no_id", at=at)


def _individual(flat: Mapping[str, Any]) -> tuple[str, str] | None:
    """UNHCR's number of a person. Whether it is one has been looked at."""
    for name in _INDIVIDUAL:
        if not nothing(flat.get(name)):
            return name, str(flat[name])
    return None


def _kinds(groups: Sequence[Group]) -> Mapping[str, str]:
    """The strictest mark of everybody of several cases: what one shows, all must guard."""
    of: dict[str, list[Group]] = {}
    for group in groups:
        individual = _individual(group.one)
        if individual:
            of.setdefault(individual[1], []).append(group)
    found: dict[str, str] = {}
    quiet = Told(Reading())
    for number, several in of.items():
        pairs = [read_group(group, quiet) for group in several] if len(several) > 1 else []
        kinds = [kind for pair in pairs if (kind := _kind(pair["case"]))]
        if kinds:
            found[number] = strictest(kinds)
    return found


def _kind(case: Record) -> str | None:
    kind: str | None = case.get("protection", {}).get("case_kind")
    return kind
