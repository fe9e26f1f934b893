"""What the standard suite can find, what each finding means, and how it is mended."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

EXAMPLES = 8
"""Generated and damaged examples of a kind, where nobody says otherwise."""


class Rule(NamedTuple):
    """One rule of the protocol, as a finding tells it."""

    meaning: str
    mend: str


RULES: Mapping[str, Rule] = {
    "protocol.attributes": Rule(
        "name, version, media_type or record_types is not what the protocol asks for",
        "write them as gateway.adapter.Adapter says; the entry point has the adapter's name",
    ),
    "protocol.state": Rule(
        "the adapter object changed while it read or wrote",
        "keep what belongs to one payload in local variables",
    ),
    "protocol.lazy": Rule(
        "the method does not give an iterator, or not one of bytes",
        "make it a generator that yields as it goes",
    ),
    "samples.none": Rule(
        "there is no sample to try", "put an invented payload into the package's folder samples"
    ),
    "samples.mapping": Rule(
        "the mapping of a sample cannot be read", "correct it; `corridor mapping check` says where"
    ),
    "parse.refused": Rule("a sample is refused", "mend the sample or the adapter"),
    "parse.failed": Rule(
        "something else than a SenderError came out of parse",
        "raise SenderError with place and rule where the content breaks the format",
    ),
    "parse.empty": Rule("there is no record in a sample", "give it one"),
    "parse.invalid": Rule(
        "a record breaks its schema", "make what schemas/ says; refuse what has no place there"
    ),
    "parse.unsteady": Rule(
        "the same content read again gives something else",
        "keep nothing between two readings, and use no order of a set",
    ),
    "parse.file": Rule(
        "another file object gives something else",
        "use only read, readline, iteration, seek and tell of the content",
    ),
    "parse.endless": Rule(
        "it yields, or reads at the end, without end", "stop where read gives no more bytes"
    ),
    "lineage.missing": Rule(
        "a leaf of a record has no line in lineage, nor in unrendered where it is written",
        "say where each leaf came from, and where it went or that it stayed",
    ),
    "lineage.unknown": Rule(
        "lineage or unrendered names a leaf that does not occur",
        "name leaves as gateway.record.leaves does, and only those that occur",
    ),
    "render.failed": Rule(
        "something else than a SenderError or GatewayError came out of render",
        "leave out what the format cannot carry and say so in unrendered, or refuse",
    ),
    "render.refused": Rule(
        "render refuses the records of the adapter's own sample",
        "write what parse reads, or give a sample that can go both ways",
    ),
    "render.changed": Rule("render changed the records it was given", "copy before changing"),
    "render.unsteady": Rule(
        "the same records give other bytes", "sort what comes out of a set; keep no state"
    ),
    "render.unread": Rule("parse refuses what render wrote", "let both use one table"),
    "loss.silent": Rule(
        "a leaf did not come back, or came back changed, and unrendered does not name it",
        "carry it, or name it in unrendered",
    ),
    "loss.unreal": Rule(
        "unrendered names a leaf that came back whole", "name only what was not carried"
    ),
    "loss.record": Rule(
        "a record did not come back, or one came back that was never there",
        "carry it, or name all its leaves in unrendered",
    ),
    "told.value": Rule(
        "an error, lineage or unmapped holds a value of the content",
        "name the place and the rule, never the value",
    ),
    "told.key": Rule(
        "an odd key is shown: it may be a name",
        "show a key only where it matches a conservative pattern, else `?`",
    ),
    "told.rule": Rule(
        "an error has no rule, or not one like `format.what`", "name the rule, lower case with dots"
    ),
    "told.chained": Rule(
        "an error carries the one before it, which quotes a value", "raise ... from None"
    ),
    "purity.clock": Rule("it reads a clock", "take times from the content only"),
    "purity.random": Rule("it uses randomness", "derive ids from the content"),
    "purity.environment": Rule("it reads the environment", "take options from the mapping"),
    "purity.disk": Rule("it opens or changes a file", "keep tables in code or beside it"),
    "purity.network": Rule("it opens a connection", "fetching belongs to the gateway"),
    "purity.process": Rule("it starts a process", "do it in Python, or not at all"),
    "purity.differs": Rule(
        "two processes with other hash seed, zone and folder give other results",
        "sort sets before they are written; never convert to local time",
    ),
    "memory.growth": Rule(
        "memory grows with the file", "yield records as they are read; hold no list of them"
    ),
    "memory.hostile": Rule(
        "a small hostile payload takes much memory",
        "read through gateway.source, which has bounds, or set bounds",
    ),
    "memory.died": Rule(
        "the process broke off while it read", "recursion, memory or native code: set bounds"
    ),
}
"""Every rule of the suite by name."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing to mend. Never holds a value of a payload."""

    adapter: str
    rule: str
    at: str
    """Where: a sample, a leaf, a kind of damage, a line of code."""
    detail: str = ""

    @property
    def meaning(self) -> str:
        """What is wrong."""
        return RULES[self.rule].meaning

    @property
    def mend(self) -> str:
        """What to do about it."""
        return RULES[self.rule].mend

    def __str__(self) -> str:
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.rule} at {self.at}{detail}: {self.meaning}; {self.mend}"
