"""Money: the budget of an activity and its transactions."""

from decimal import Context, Decimal
from itertools import pairwise
from typing import Any

from adapters.iati import kinds
from adapters.iati.node import Node, broken, said
from adapters.iati.terms import CURRENCIES, TRANSACTIONS, Tongue


def day_of(node: Node, attribute: str = "iso-date") -> str:
    """The day an attribute holds."""
    day = kinds.day(node.get(attribute) or "")
    if day is None:
        raise broken("not a day of a calendar we keep", "iati.date", node, f"@{attribute}")
    return day


def whole_day(moment: Any) -> str | None:
    """The day of a moment of a record, where it is known that closely and exists."""
    day = moment[:10] if isinstance(moment, str) else ""
    return day if kinds.day(day) and kinds.fits(day, "date") else None


def term(record: dict[str, Any]) -> tuple[str, str] | None:
    """First and last day of an activity as far as it is known, else as it is planned."""
    begin = whole_day(record.get("start_date", record.get("planned_start_date")))
    end = whole_day(record.get("end_date", record.get("planned_end_date")))
    return (begin, end) if begin and end else None


def amount(node: Node) -> str | None:
    """The digits of a value."""
    found = kinds.decimal(node.own() or "")
    if found is None:
        node.taken.discard("")
    return found


def take_day(node: Node, day: str | None, attribute: str = "iso-date") -> None:
    """Take an attribute that says nothing new; leave any other behind."""
    if day is not None and kinds.day(node.attributes.get(attribute, "")) == day:
        node.taken.add(attribute)


def read_budget(activity: Node, record: dict[str, Any], tongue: Tongue) -> dict[str, Any]:
    """`budget` and `currency_code`. Several budgets are added up where they are parts of one."""
    default = tongue.code(activity, "default-currency", CURRENCIES)
    found = {"currency_code": default}
    budgets = sorted(activity.all("budget"), key=_time)
    values = [one.all("value")[0] for one in budgets]
    if budgets and _are_parts(budgets) and not any(_is_unlisted(one) for one in values):
        begin, end = term(record) or (None, None)
        found["budget"] = _sum([amount(one) for one in values])
        found["currency_code"] = [_currency(one, default, tongue) for one in values].pop()
        take_day(budgets[0].all("period-start")[0], begin)
        take_day(budgets[-1].all("period-end")[0], end)
        take_day(values[0], begin, "value-date")
    return {key: value for key, value in found.items() if value is not None}


def _time(budget: Node) -> tuple[str, str]:
    begin, end = (budget.all(name)[0].attributes["iso-date"] for name in _ENDS)
    return kinds.day(begin) or "", kinds.day(end) or ""


_ENDS = ("period-start", "period-end")
_EXACT = Context(prec=200)


def _are_parts(budgets: list[Node]) -> bool:
    """Whether budgets, by their time, make one: times apart, one currency, no revised one among
    them, and amounts that a record can hold."""
    times = [_time(one) for one in budgets]
    same = {
        (one.attributes.get("type", "").strip() or "1", _said_currency(one.all("value")[0]))
        for one in budgets
    }
    digits = [kinds.decimal(one.all("value")[0].text) for one in budgets]
    apart = all("" < before[1] < after[0] for before, after in pairwise(times))
    return apart and len(same) == 1 and (None not in digits or len(digits) == 1)


def _sum(digits: list[str | None]) -> str | None:
    if len(digits) == 1:
        return digits[0]
    total = Decimal(0)
    for one in digits:
        total = _EXACT.add(total, Decimal(one or 0))
    return kinds.decimal(format(total, "f"))


def _said_currency(value: Node) -> str:
    return value.attributes.get("currency", "").strip()


def _is_unlisted(value: Node) -> bool:
    """Whether it names a currency that is none: then the default of the activity is not meant."""
    return _said_currency(value) not in CURRENCIES | {""}


def _currency(value: Node, default: str | None, tongue: Tongue) -> str | None:
    known = tongue.code(value, "currency", CURRENCIES)
    return None if _is_unlisted(value) else known or default


def write_budget(activity: Node, record: dict[str, Any]) -> None:
    """A budget for the time of the activity, whose first day is the date of its value."""
    currency = record.get("currency_code")
    currency = currency if currency in CURRENCIES else None
    if currency and all("currency_code" in one for one in record.get("transactions", ())):
        activity.attributes["default-currency"] = currency
    days = term(record)
    if days is None or "budget" not in record:
        return
    budget = activity.add("budget")
    budget.add("period-start", iso_date=days[0])
    budget.add("period-end", iso_date=days[1])
    digits = kinds.decimal_written(record["budget"])
    budget.add("value", digits, currency=currency, value_date=days[0])


def read_transactions(activity: Node, tongue: Tongue) -> dict[str, Any]:
    """`transactions`. The currency is the activity's where a transaction names none."""
    currency = tongue.code(activity, "default-currency", CURRENCIES)
    found = [_transaction(node, currency, tongue) for node in activity.all("transaction")]
    return {"transactions": found} if found else {}


def _transaction(node: Node, currency: str | None, tongue: Tongue) -> dict[str, Any]:
    value = node.all("value")[0]
    day = day_of(node.all("transaction-date")[0])
    take_day(value, day, "value-date")
    found = {
        "transaction_type": tongue.code(node.all("transaction-type")[0], "code", TRANSACTIONS),
        "date": day,
        "value": amount(value),
        "currency_code": _currency(value, currency, tongue),
        "provider_name": tongue.spoken(node.one("provider-org")),
        "receiver_name": tongue.spoken(node.one("receiver-org")),
    }
    return {key: one for key, one in found.items() if one is not None}


def write_transactions(activity: Node, record: dict[str, Any]) -> None:
    """Each that has a type, a day and a value: IATI requires them."""
    for one in record.get("transactions", ()):
        day = whole_day(one.get("date"))
        if day is None or "value" not in one or one.get("transaction_type") not in TRANSACTIONS:
            continue
        node = activity.add("transaction")
        node.add("transaction-type", code=one["transaction_type"])
        node.add("transaction-date", iso_date=day)
        currency = one.get("currency_code")
        digits = kinds.decimal_written(one["value"])
        known = currency if currency in CURRENCIES else None
        node.add("value", digits, currency=known, value_date=day)
        for party in ("provider", "receiver"):
            name = said(one.get(f"{party}_name"))
            if name:
                node.add(f"{party}-org").add("narrative", name)
