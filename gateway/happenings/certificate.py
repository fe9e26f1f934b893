"""A recipient's word about its copies: plain, or signed with the key it signs agreements with.

Every part is a code, a digest or a moment. A signed word is kept for ever under its digest, so
there is no room in it for what somebody might write about a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateway.approval import AHEAD, is_moment, moment
from gateway.canonical import canonical
from gateway.errors import OfficerError, SenderError
from gateway.log_standing import digest_of
from gateway.signing import valid_at, verify

FORM = "corridor/custody/v1"
TYP = "corridor-custody+jws"
LARGEST = 32_768
"""Bytes of a body: a signed word at its longest, and room around it."""

UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
Reason = Literal[
    "aggregated", "archiving", "backups", "legal_claim", "legal_obligation", "not_found",
    "onward", "public_health", "security", "subject_protection", "third_party_rights",
    "violations_documentation",
]  # fmt: skip
"""Why copies stay, all or some."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class Word(_Strict):
    """What can be said. Which parts belong to which word is checked."""

    state: Literal["acknowledged", "done", "partial", "refused"] | None = None
    """How far it went: of an answer, and of a deletion (done or partial)."""
    reason: Reason | None = None
    """Of partial and refused."""
    method: Literal["erased", "key_destroyed", "medium_destroyed", "returned"] | None = None
    """How it was deleted."""
    copies: Literal["none_made", "erased", "will_expire"] | None = None
    """What became of backups and other copies."""
    subcontractors: Literal["none", "erased", "told"] | None = None
    """Of others who held it for the recipient."""
    content: str | None = Field(default=None, pattern=r"^sha256:[0-9a-f]{64}$")
    """SHA-256 of the content as it came."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.state in ("partial", "refused")) != (self.reason is not None):
            raise ValueError
        gone = self.state in ("done", "partial")
        if not gone and (self.method or self.copies or self.subcontractors):
            raise ValueError
        return self


class _Statement(Word):
    form: Literal["corridor/custody/v1"]
    what: Literal["acknowledged", "deleted", "answer"]
    transfer: str = Field(pattern=UUID)
    party: str = Field(max_length=160)
    at: str = Field(max_length=20)
    recall: str | None = Field(default=None, pattern=UUID)


class _Body(Word):
    signed: str | None = None


Model = TypeVar("Model", bound=_Strict)


@dataclass(frozen=True, slots=True)
class About:
    """Who says what about which transfer, as the address and the key of a request tell."""

    what: str
    transfer: str
    party: str
    recall: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A word that counts, and the proof of it where it was signed."""

    word: Word
    signer: str = ""
    """Thumbprint of the key."""
    document: bytes = field(default=b"", repr=False)

    @property
    def certificate(self) -> str | None:
        """Under which the signed word is kept."""
        return digest_of(self.document) if self.document else None


def read(
    body: bytes, about: About, keys: Sequence[Mapping[str, Any]], *, since: int, now: int
) -> Said:
    """The word in a request: a JSON object, or `{"signed": JWS}` over one.

    `since` is when the transfer was decided, in milliseconds: nobody deleted it before. Raises
    `SenderError` (`custody.*`, `signature.*`).
    """
    said = _validated(_Body, body or b"{}")
    if said.signed is None:
        parts = {name: getattr(said, name) for name in Word.model_fields}
        return Said(Word(**parts))
    if said.model_fields_set != {"signed"}:
        raise SenderError("something stands beside what was signed", rule="custody.form", at="body")
    try:
        payload, kid = verify(said.signed, keys, TYP)
        statement = _validated(_Statement, payload)
        valid_at(keys, kid, statement.at)
    except OfficerError as error:
        raise SenderError(error.problem, rule=error.rule, at="signed") from None
    _check(statement, payload, about, since, now)
    return Said(statement, kid, said.signed.encode("ascii"))


def statement_of(about: About, word: Word, at: str) -> bytes:
    """What a party signs."""
    head = {"form": FORM, "what": about.what, "transfer": about.transfer, "party": about.party}
    parts = {**head, "at": at, "recall": about.recall, **word.model_dump()}
    return canonical({name: part for name, part in parts.items() if part is not None})


def _check(statement: _Statement, payload: bytes, about: About, since: int, now: int) -> None:
    if not is_moment(statement.at):
        raise SenderError("no such moment", rule="custody.form", at="signed")
    parts = {name: getattr(statement, name) for name in Word.model_fields}
    if payload != statement_of(about, Word(**parts), statement.at):
        # Of another transfer, recall or party, or the same in another spelling.
        raise SenderError("signed for something else", rule="custody.other", at="signed")
    made = moment(statement.at)
    # Statements have whole seconds.
    early = made.timestamp() < since // 1000
    if early or made > datetime.fromtimestamp(now / 1000, UTC) + AHEAD:
        raise SenderError("signed at another time", rule="custody.moment", at="signed")


def _validated(model: type[Model], text: bytes) -> Model:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        # Only names of ours: a name that the sender made up may be anything.
        known = [str(one) for one in first["loc"] if one in model.model_fields]
        raise SenderError(
            "a statement that is not fit", rule="custody.form", at=".".join(known) or "body"
        ) from None
