"""The fields of a disbursement and the canonical ones they are."""

import re
from typing import Any

from adapters.spdci import values
from adapters.spdci.fields import Item
from adapters.spdci.values import Kind, UnfitError, text

_ADDRESS = re.compile(r"[^\s]{1,200}@[^\s@]{1,100}")
_AMOUNT = re.compile(r"[0-9]{1,13}(?P<fraction>\.[0-9]{1,2})?")
_LOCALE = re.compile(r"[a-z]{3}")
_INSTANT = re.compile(r".{10}T[0-9:]{8}(\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])")


def _address(value: Any) -> str:
    """`id-type:id@provider`. The schema means a pattern that its own examples break.

    The id may be an address of e-mail: `email:amina@mail.example@wallet`.
    """
    if not _ADDRESS.fullmatch(text(value)):
        raise UnfitError
    return str(value)


def _amount_written(value: str) -> str:
    """With two digits after the point where there was none. Never rounded, never below nothing."""
    found = _AMOUNT.fullmatch(value)
    if not found:
        raise UnfitError
    return value if found["fraction"] else f"{value}.00"


def _amount(value: Any) -> str:
    amount = values.SCORE.read(value)
    if amount.startswith("-"):
        raise UnfitError
    return str(amount)


def _instant(value: str) -> str:
    if not _INSTANT.fullmatch(values.moment(value)):
        raise UnfitError
    return value


def _at_most(length: int) -> Kind:
    def fit(value: str) -> str:
        if len(value) > length:
            raise UnfitError
        return value

    return Kind("text", text, fit)


def _language(value: str) -> str:
    if not _LOCALE.fullmatch(value):
        raise UnfitError
    return value


ADDRESS = Kind("financial_address", _address, _address)
AMOUNT = Kind("amount", _amount, _amount_written)
WHEN = Kind("scheduled", values.moment, _instant)
CURRENCY = Kind("currency", values.currency, values.currency)
LOCALE = Kind("locale", values.language, _language)

NEEDED = (
    Item("benefit_id", ("reference_id",), values.TEXT),
    Item("payer_fa", ("payer_fa",), ADDRESS),
    Item("payee_fa", ("payee_fa",), ADDRESS),
    Item("benefit_value", ("amount",), AMOUNT),
)
SCHEDULED = Item("scheduled_date", ("scheduled_timestamp",), WHEN)
OTHERS = (
    Item("payer_name", ("payer_name",), values.TEXT),
    Item("payee_name", ("payee_name",), values.TEXT),
    Item("note", ("note",), _at_most(99)),
    Item("programme_name", ("purpose",), _at_most(99)),
    Item("instruction", ("instruction",), _at_most(999)),
    Item("currency_code", ("currency_code",), CURRENCY),
    Item("language_code", ("locale",), LOCALE),
)
