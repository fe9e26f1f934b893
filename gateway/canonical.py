"""One way to write a value down, so that a digest of it means the same everywhere.

RFC 8785 (JCS) for the subset we allow ourselves: strings, integers below 2**53, booleans,
null, arrays, and objects with string keys. Floats are refused, because two languages may
print one number in two ways. Within the subset, the sorted and compact form of orjson and of
the standard library is RFC 8785's (compared with the `rfc8785` package in the tests).
"""

import hashlib
import json
from typing import Any

import orjson

NO_FORM = "not a value with one canonical form"


def canonical(value: Any) -> bytes:
    """UTF-8 canonical JSON of `value`. Raises `ValueError` for floats, big integers, odd keys."""
    try:
        if _plain(value):
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        pass  # deeper than orjson writes, or a lone surrogate: the slow way decides
    except RecursionError:
        raise ValueError(NO_FORM) from None
    try:
        return json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":")).encode()
    except RecursionError:
        raise ValueError(NO_FORM) from None


def digest(value: bytes) -> str:
    """`sha256:` and 64 hexadecimal digits."""
    return "sha256:" + hashlib.sha256(value).hexdigest()


def short(digest_: str) -> str:
    """A digest as people read it, and as versions of what is named by its digest are written."""
    return digest_.removeprefix("sha256:")[:12]


def _ordered(value: Any) -> Any:
    # RFC 8785 section 3.2.3 sorts by UTF-16 code units, which differs from Python's order
    # (by code point) for characters beyond the basic plane.
    if isinstance(value, dict):
        return {
            key: _ordered(value[key])
            for key in sorted(value, key=lambda text: text.encode("utf-16-be"))
        }
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    return value


def _plain(value: Any) -> bool:
    """Whether every key is ASCII, so that bytes sort like UTF-16. Raises `ValueError` (NO_FORM)."""
    kind = value.__class__
    if kind is dict:
        plain = True
        for key, item in value.items():
            if key.__class__ is not str:
                raise ValueError(NO_FORM)
            if item.__class__ is not str:
                plain = _plain(item) and plain  # every item is looked at
            plain = plain and key.isascii()
        return plain
    if kind is list or kind is tuple:
        return all([item.__class__ is str or _plain(item) for item in value])
    if kind is int and abs(value) >= 2**53:
        raise ValueError(NO_FORM)
    if kind not in _SCALARS:
        raise ValueError(NO_FORM)
    return True


_SCALARS = frozenset((str, int, bool, type(None)))
