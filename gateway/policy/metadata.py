"""What a policy says of itself in its METADATA comments."""

import re
from dataclasses import dataclass
from typing import Any

import yaml

from gateway.errors import OfficerError

BLOCK = re.compile(r"^# METADATA\n((?:#.*\n)+)(.*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Metadata:
    """One METADATA block. What it does not say is empty."""

    line: int
    title: str
    description: str
    sources: tuple[str, ...]
    """The descriptions of its related resources, in their order."""
    rules: tuple[str, ...]
    """Every objection the file raises; `red.*` stands for a family."""
    of_package: bool


def metadata_of(name: str, text: str) -> tuple[Metadata, ...]:
    """Every block of a file. Raises `OfficerError` for one that is no YAML."""
    return tuple(
        _block(name, text.count("\n", 0, found.start()) + 1, found)
        for found in BLOCK.finditer(text)
    )


def _block(name: str, line: int, found: re.Match[str]) -> Metadata:
    written = "\n".join(row[2:] for row in found[1].splitlines())
    try:
        held: Any = yaml.safe_load(written)
        resources = held.get("related_resources", [])
        return Metadata(
            line,
            str(held.get("title") or ""),
            " ".join(str(held.get("description") or "").split()),
            tuple(str(one["description"]) for one in resources),
            tuple(str(rule) for rule in (held.get("custom") or {}).get("rules", [])),
            found[2].startswith("package "),
        )
    except (yaml.YAMLError, AttributeError, TypeError, KeyError):
        raise OfficerError(
            "METADATA that is none", rule="policy.metadata", at=f"{name}:{line}"
        ) from None
