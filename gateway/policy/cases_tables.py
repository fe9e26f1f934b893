"""The tables and the invented ids that generated questions are made of."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

POLICIES = Path(__file__).resolve().parents[2] / "policies"
NOW = "2026-11-22T08:00:00Z"
PAST = ("2026-01-01T00:00:00Z", "2026-11-22T07:59:59Z", NOW)
COMING = ("2026-11-22T08:00:01Z", "2026-12-24T00:00:00Z", "2027-06-30T00:00:00Z")
SENDER, RECIPIENT, OTHER = "org:a", "org:b", "org:c"

STATES, UNBOUND, ORGANISATIONS = ("DE", "FR"), ("KE", "UG", "SO"), ("io:a", "io:b")
KINDS = ("ngo", "ngo", "io", "rcrc", "academic", "gov.health", "gov.social", "payment_provider")
ALWAYS = (
    "human.one:dest.vital",
    "human.dpo:dest.public_interest",
    "human.dpo:standing_flow",
    "human.dpo:archive",
    "human.dpo:bulk_identified",
    "human.dpo:dpia_high",
    "human.two:first_transfer",
)
"""Decisions that any transfer may wait for."""

Document = dict[str, Any]


@cache
def tables() -> Mapping[str, Any]:
    """The taxonomy of the shipped policies."""
    found: dict[str, Any] = {}
    for path in sorted((POLICIES / "taxonomy").glob("*.json")):
        found |= json.loads(path.read_bytes())
    return found


@dataclass(frozen=True, slots=True)
class Context:
    """What whoever changes a question must know of it."""

    known: Mapping[str, Any]
    """The taxonomy."""
    chance: random.Random
    purpose: str
    basis: str
    types: tuple[str, ...]

    def decisions(self) -> list[str]:
        """Every decision that a transfer for this purpose, on this basis, may wait for."""
        special = [
            f"human.dpo:special_category.{kind}.{name}"
            for kind in self.types
            for name, purposes in self.known["special"].get(kind, {}).items()
            if self.purpose in purposes
        ]
        who = self.known["bases"].get(self.basis, {}).get("who", "human:two").replace(":", ".")
        measured = [f"human.dpo:disclosure_risk.{kind}" for kind in self.types]
        severe = [f"human.dpo:sensitivity.severe.{kind}" for kind in self.types]
        return [*special, f"{who}:basis.{self.basis}", *measured, *severe, *ALWAYS]
