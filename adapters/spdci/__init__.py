"""SPDCI (Digital Convergence Initiative): reads what registries answer, writes an on-search.

    {"signature": "", "header": {...}, "message": {"search_response": [
      {"data": {"reg_records": [{"@type": "Group", "member_list": [...], ...}]}}]}}

Read are the records of social, civil, disability, farmer and beneficiary registries: in answers to
searches, in notifications and in lists of beneficiaries, one message or several as lines. A group
becomes a household and its members persons. Each enrolment, benefit and payment becomes a record
of assistance. What registries spell in their own ways is read where it can mean one thing only
(`fields`, `values`): names of other versions and of the standard's own samples, `02.05.2004` as
day, month and year, `EUR 85`, one object instead of a list, an object put around another, the
example of a schema where records should be. Two different values for one field, several people who
may be one beneficiary, unknown codes and numbers where texts belong are refused. Requests,
subscriptions, acknowledgements, rejections and encrypted messages hold no records and are refused
by rules that say so. A signature is not looked at here: see `signature`.

Record ids are an identifier with its type, of the person or of the group: the UIN where there is
one, else the first. A group's head and relatives may be named by any number of its members. Labels
where codes belong stay behind, as does everything the vocabularies call additional.

Written are Groups with their Members inside, Members, and Beneficiaries. `@id` holds the record
id. Who gets a message, its number and its moment are put in by `envelope.addressed`.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO

from adapters.spdci import answers, envelope, messages
from adapters.spdci.naming import NOBODY
from adapters.spdci.nesting import Nesting, Survey
from adapters.spdci.written import Object, Written
from gateway.adapter import Outcome
from gateway.errors import SenderError
from gateway.record import Reading, Record, Writing

if TYPE_CHECKING:
    from gateway.mapping import Plan


class Spdci:
    """See the module. Of a mapping, only its authority is used: it stands before record ids."""

    name = "spdci"
    version = "1"
    media_type = "application/json"
    record_types = frozenset({"person", "household", "assistance"})

    def parse(
        self, content: BinaryIO, mapping: "Plan | None", reading: Reading
    ) -> Iterator[Record]:
        yield from messages.read(content, _authority(mapping), reading)

    def render(
        self, records: Iterable[Record], mapping: "Plan | None", writing: Writing
    ) -> Iterator[bytes]:
        sender = _authority(mapping) or NOBODY
        yield from envelope.answer(_objects(records, Written(writing)), sender)

    def outcomes(self, answer: bytes, sent: int) -> list[Outcome]:
        """What a partner says of a message of records. See `adapters.spdci.answers`."""
        return answers.outcomes(answer, sent)


def _objects(records: Iterable[Record], written: Written) -> Iterator[Object]:
    survey = Survey(records)
    nesting = Nesting(survey, written)
    for record in records:
        if record["record_type"] == "person":
            yield from nesting.person(record)
        elif record["record_type"] == "household":
            yield from nesting.household(record)
        elif record["record_type"] == "assistance":
            is_group = record.get("beneficiary") in survey.households
            yield written.assistance(record, is_group=is_group)
        else:
            written.lost(record)
    yield from nesting.rest()


def _authority(mapping: "Plan | None") -> str | None:
    if mapping is None:
        return None
    if mapping.format != Spdci.name:
        raise SenderError("the mapping is for another format", rule="mapping.other_format")
    return mapping.authority
