"""From flat submissions to records, with an account of every key."""

import re
from collections.abc import Iterable, Iterator

from adapters.flat import reading as flat
from adapters.flat.reading import Found as Submission
from adapters.flat.reading import needed, shown
from gateway.errors import SenderError
from gateway.mapping import Plan
from gateway.record import Reading, Record

__all__ = ["Submission", "needed", "records_of", "shown"]

ENVELOPE = re.compile(r"\A(base64EncryptedKey|encryptedXmlFile)\Z|/(base64EncryptedKey)\Z")
"""Keys of an encrypted submission's envelope: there are no answers in it."""


def records_of(
    found: Iterable[Submission], plan: Plan, reading: Reading, *, form: str
) -> Iterator[Record]:
    """The records of each submission. `form` is the first part of the rules it may break."""
    keys = yield from flat.records_of(found, plan, reading, called="submission")
    if any(map(ENVELOPE.search, keys)):
        raise SenderError("a submission is encrypted", rule=f"{form}.encrypted")
