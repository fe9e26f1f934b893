"""Numbers and truth values, as text or as a typed source has them.

A binary float is refused everywhere but in coordinates: its digits are not the digits that
somebody wrote. A typed source must be read with `decimal.Decimal`.
"""

import re
from decimal import Decimal
from typing import Any

from gateway.mapping.bad import Bad

_INTEGER = re.compile(r"-?[0-9]{1,15}")
_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
LARGEST = 10**15
"""Fifteen digits are exact in every reader of JSON."""


def integer(value: Any) -> int:
    """A whole number, written as text or as a JSON integer. True is not one."""
    if value.__class__ is str and value.isdigit() and value.isascii() and len(value) < 16:
        return int(value)
    if value.__class__ is int and -LARGEST < value < LARGEST:
        return int(value)
    if value.__class__ is float:
        raise Bad("value.float")
    if value.__class__ is not str or not _INTEGER.fullmatch(value):
        raise Bad("value.not_integer")
    return int(value)


def decimal(value: Any) -> str:
    """A decimal number as text, its digits untouched."""
    if value.__class__ is int:
        value = str(value)
    elif isinstance(value, Decimal):
        value = plain(value)
    elif value.__class__ is float:
        raise Bad("value.float")
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise Bad("value.not_decimal")
    return value


def number(value: Any) -> int | float:
    """A JSON number. A decimal that no binary number stands for exactly is `value.not_exact`."""
    written = decimal(value)
    if "." not in written:
        return int(written)
    found = float(written)
    if Decimal(repr(found)) != Decimal(written):
        raise Bad("value.not_exact")
    return found


def number_back(value: Any) -> str:
    """A number as decimal text, without an exponent."""
    if value.__class__ is int:
        return str(value)
    return plain(Decimal(repr(float(value))))


def boolean(value: Any) -> bool:
    """JSON true or false, or the texts `true` and `false`. Never a number, never `yes`."""
    if value is True or value == "true":
        return True
    if value is False or value == "false":
        return False
    raise Bad("value.not_boolean")


def boolean_back(value: Any) -> str:
    """`true` or `false`."""
    return "true" if value else "false"


def plain(value: Decimal) -> str:
    """A decimal's own digits. Raises `Bad` for what is not a number or has hundreds of digits."""
    if not value.is_finite() or abs(value.adjusted()) > 15 or len(value.as_tuple().digits) > 30:
        raise Bad("value.not_decimal")
    return format(value, "f")
