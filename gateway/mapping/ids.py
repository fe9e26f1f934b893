"""Record ids made of several source values, for rows that have no id of their own."""

from typing import Any
from urllib.parse import quote, unquote

from gateway.mapping.bad import Bad
from gateway.mapping.lookup import answered

BETWEEN = ":"


def part(value: Any) -> str:
    """One value as part of an id: percent-encoded UTF-8, RFC 3986 unreserved characters kept.

    Without a value there is no id (`mapping.no_id`). A whole number is taken as it is written.
    """
    if not answered(value):
        raise Bad("mapping.no_id")
    if value.__class__ is int:
        value = str(value)
    if not isinstance(value, str):
        raise Bad("value.not_text")
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise Bad("value.not_text") from None


def parts(local: str) -> list[str]:
    """The values an id was made of."""
    return [unquote(one) for one in local.split(BETWEEN)]
