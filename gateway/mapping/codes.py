"""Codes: a mapping's own tables, vendors' tables that come with the gateway, and code lists.

`schemas/codes/<list>.json` is a code list: canonical codes with their labels.
`schemas/codes/<list>.<vendor>.json` is a table: a vendor's codes to codes of that list.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from gateway.canonical import canonical, digest
from gateway.errors import OfficerError
from gateway.mapping.bad import Bad
from gateway.record import SCHEMAS

_LIST = re.compile(r"[a-z][a-z0-9_]*")
_TABLE = re.compile(r"[a-z][a-z0-9_]*\.[a-z0-9_]+")
_MISSING = object()

Coder = Callable[[Any], Any]


def coded(codes: Mapping[str, Any], *, otherwise: str | None = None, fold: bool = False) -> Coder:
    """One code to one code. A code the table does not name is refused (`code.unknown`)."""

    def forward(value: Any) -> Any:
        if not isinstance(value, str):
            raise Bad("value.not_text")
        found = codes.get(value.lower() if fold else value, _MISSING)
        if found is _MISSING:
            if otherwise is None:
                raise Bad("code.unknown")
            return otherwise
        return found

    return forward


def coded_many(one: Coder, separator: str) -> Coder:
    """A list of codes written in one text, for example the answers of a select_multiple."""

    def forward(value: Any) -> Any:
        if not isinstance(value, str):
            raise Bad("value.not_text")
        found = [one(part) for part in value.split(separator) if part]
        kept = [code for code in found if code is not None]
        return kept or None

    return forward


def reverse_codes(codes: Mapping[str, Any]) -> Coder:
    """Canonical code to the first source code that means it."""
    back: dict[Any, str] = {}
    for source, target in codes.items():
        if target is not None:
            back.setdefault((target.__class__, target), source)

    def backward(value: Any) -> str:
        found = back.get((value.__class__, value))
        if found is None:
            raise Bad("code.no_way_back")
        return found

    return backward


@cache
def code_list(name: str, *, at: str = "") -> frozenset[str]:
    """The codes of a list. Raises `OfficerError` where there is none."""
    if not _LIST.fullmatch(name):
        raise OfficerError("no such code list", rule="mapping.no_code_list", at=at)
    return frozenset(_document(name, "mapping.no_code_list", at)["codes"])


@cache
def code_table(name: str, *, at: str = "") -> Mapping[str, str | None]:
    """A vendor's codes to codes of the list it is named after; None: known and not carried."""
    if not _TABLE.fullmatch(name):
        raise OfficerError("no such code table", rule="mapping.no_code_table", at=at)
    codes: Mapping[str, str | None] = _document(name, "mapping.no_code_table", at)["codes"]
    return codes


@cache
def table_digest(name: str) -> str:
    """Of a table's codes: a mapping that uses it changes when the table does."""
    return digest(canonical(code_table(name)))


def _document(name: str, rule: str, at: str) -> Mapping[str, Any]:
    path = SCHEMAS / "codes" / f"{name}.json"
    if not path.is_file():
        raise OfficerError("no such code list or table", rule=rule, at=at)
    found: Mapping[str, Any] = json.loads(path.read_bytes())
    return found
