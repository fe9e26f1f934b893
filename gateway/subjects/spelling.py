"""The one spelling of a record: RFC 8785, with numbers as every language writes them.

`gateway.canonical` refuses floats, since what it spells need not have them. Records do: places
have coordinates. What is done about them here is compared with the `rfc8785` package in tests.
"""

from decimal import Decimal
from typing import Any

import orjson

from gateway.canonical import canonical

EXACT = 2**53
_LARGE = 1e21
_SMALL = 1e-6
_ALIKE = 1e-5
"""From here on, up to `EXACT`, orjson writes a fraction as RFC 8785 does."""


def spelt(record: Any) -> bytes:
    """The bytes of a record that a commitment is made to."""
    try:
        return canonical(record)
    except ValueError:
        return orjson.dumps(_ordered(record))


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return {key: _ordered(value[key]) for key in keys}
    if isinstance(value, list):
        return [_ordered(item) for item in value]
    return _number(value) if isinstance(value, float) else value


def _number(value: float) -> Any:
    """A float as ECMAScript writes it, where orjson would not."""
    if value.is_integer() and abs(value) < EXACT:
        return int(value)
    if _ALIKE <= abs(value) < EXACT:
        return value
    text = repr(value)
    if _SMALL <= abs(value) < _LARGE:
        return orjson.Fragment(f"{Decimal(text):f}")
    return orjson.Fragment(text.replace("e-0", "e-"))
