"""Questions that somebody wrote to see what breaks: no gateway of ours builds them.

Some are no questions at all and are refused before an engine sees them; the others must be
answered alike by every engine, and released on none of them.
"""

import copy
from collections.abc import Callable
from typing import Any

from gateway.policy.cases_tables import COMING, PAST, Context, Document

Place = tuple[Any, Any]
"""A dict or list of the question, and a key or index of it."""

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 7, 2**53 - 1, 1 - 2**53, "", " ", "é", "\u0663", "\U0001f600",
    "null", "true", "*", [], {}, [[]], [{}], [None], {"a": []}, ["x", None], [1, "1"], {"": ""},
)  # fmt: skip
KEYS = (
    "__proto__", "constructor", "a/b~1c", "/", "~0", "..", "", " ", "data", "input", "exchange",
    "allow", "verdict", "objections", "local", "data.taxonomy", "é", "\u0000", "*",
)  # fmt: skip
INSTANTS = (
    "2027-06-30T00:00:00+00:00", "2027-06-30 00:00:00Z", "2027-06-30T00:00:00z", "2027-06-30",
    "2027-06-30T00:00:00.000Z", "2027-06-30T00:00:00Z\n", " 2027-06-30T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "20270630T000000Z", "+002027-06-30T00:00:00Z", "٢٠٢٧-06-30T00:00:00Z", "2027-13-45T99:99:99Z",
    "0000-00-00T00:00:00Z", 1782777600, "never", "",
)  # fmt: skip
UNFIT: tuple[Any, ...] = (0.5, 2**53, -(2**63), 1e300, "e\u0301", "\ud800", float("inf"))
"""Values that have no canonical form."""

LIKENESS = str.maketrans({"a": "а", "o": "о", "e": "е", "r": "г", "l": "1", ":": "："})
"""Letters of other scripts that look the same."""


def spoil(document: Document, context: Context) -> None:
    """Do one hostile thing to a question, or a few."""
    for _ in range(context.chance.choice((1, 1, 1, 2, 3))):
        context.chance.choice(TRICKS)(document, context)


def places(value: Any) -> list[Place]:
    """Every place of a question, the outermost first."""
    found: list[Place] = []
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        keys = list(inner) if isinstance(inner, dict) else range(len(inner))
        found += [(inner, key) for key in keys]
        waiting += [inner[key] for key in keys if isinstance(inner[key], dict | list)]
    return found


def somewhere(
    document: Document, context: Context, kind: type | tuple[type, ...] = object
) -> Place | None:
    """A place whose value is of a type; mostly one that rules look at, so not a field's name."""
    fitting = [place for place in places(document) if isinstance(place[0][place[1]], kind)]
    seldom = [place for place in fitting if not isinstance(place[0], list)]
    if not fitting:
        return None
    return context.chance.choice(seldom if seldom and context.chance.random() < 0.8 else fitting)


def replaced(
    kind: type | tuple[type, ...], made: Callable[[Any, Context], Any]
) -> Callable[[Document, Context], None]:
    """A trick that puts something else in the place of a value."""

    def trick(document: Document, context: Context) -> None:
        place = somewhere(document, context, kind)
        if place is not None:
            holder, key = place
            holder[key] = made(holder[key], context)

    return trick


def missing(document: Document, context: Context) -> None:
    place = somewhere(document, context)
    if place is not None:
        del place[0][place[1]]


def odd(_: Any, context: Context) -> Any:
    return copy.deepcopy(context.chance.choice(ODD))


def unfit(_: Any, context: Context) -> Any:
    return context.chance.choice(UNFIT)


def retyped(value: Any, _: Context) -> Any:
    if isinstance(value, dict):
        return [[key, inner] for key, inner in value.items()]
    if isinstance(value, list):
        return {str(number): inner for number, inner in enumerate(value)}
    return [value] if isinstance(value, str) else str(value)


def alike(value: str, context: Context) -> str:
    other = (
        value.translate(LIKENESS),
        value.upper(),
        f" {value}",
        f"{value}\u200b",
        f"\u202e{value}",
        f"{value}\n",
        value[:-1],
        f"{value}.x",
        f"{value}\u0000",
    )
    return context.chance.choice(other)


def long(_: Any, context: Context) -> str:
    letter = context.chance.choice(("a", "é", "\U0001f600", "../", '"', "\\"))
    return letter * context.chance.choice((1_000, 20_000))


def deep(value: Any, context: Context) -> Any:
    inner: Any = value
    for level in range(context.chance.choice((3, 30, 60, 70))):
        inner = [inner] if level % 2 else {"inner": inner}
    return inner


def strange_key(document: Document, context: Context) -> None:
    place = somewhere(document, context, dict)
    if place is not None:
        holder, key = place
        holder[key][context.chance.choice(KEYS)] = odd(None, context)


def renamed_key(document: Document, context: Context) -> None:
    holder = document
    place = somewhere(document, context, dict)
    if place is not None and context.chance.random() < 0.8:
        holder = place[0][place[1]]
    if holder:
        key = context.chance.choice(sorted(holder))
        holder[context.chance.choice((*KEYS, key.upper(), f"{key} "))] = holder.pop(key)


def twice(document: Document, context: Context) -> None:
    """An item of a list again, exactly or a little different."""
    place = somewhere(document, context, list)
    if place is None or not place[0][place[1]]:
        return
    items = place[0][place[1]]
    again = copy.deepcopy(context.chance.choice(items))
    if isinstance(again, dict) and again and context.chance.random() < 0.5:
        again[context.chance.choice(sorted(again))] = odd(None, context)
    items.insert(context.chance.randrange(len(items) + 1), again)


def emptied(value: Any, _: Context) -> Any:
    return type(value)()


def another_instant(document: Document, context: Context) -> None:
    instants = (*PAST, *COMING)
    found = [(holder, key) for holder, key in places(document) if holder[key] in instants]
    if found:
        holder, key = context.chance.choice(found)
        holder[key] = context.chance.choice(INSTANTS)


def contradiction(document: Document, context: Context) -> None:
    """An agreement that says yes and no."""
    agreement = document["agreement"] if isinstance(document.get("agreement"), dict) else {}
    for name, key, no in (
        ("data", "fields", []), ("retention", "days", 0), ("retention", "days", "365"),
        ("legal_bases", "valid_until", PAST[0]), ("legal_bases", "evidence", []),
        ("purposes", "to", "org:nobody"), ("parties", "role", "observer"),
    ):  # fmt: skip
        items = agreement.get(name)
        if isinstance(items, list) and items and context.chance.random() < 0.4:
            first = items[0]
            if isinstance(first, dict):
                items.append({**copy.deepcopy(first), key: copy.deepcopy(no)})


def one_person_twice(document: Document, context: Context) -> None:
    """Two decisions where one person stands for two."""
    ways: tuple[list[Any], ...] = ([["legal"], ["legal"]], [["legal", "legal"]], [[None]], [{}])
    made = [
        {"decision": name, "by": by, "valid_until": COMING[-1]}
        for name in context.decisions()
        for by in context.chance.choice(ways)
    ]
    if isinstance(document.get("context"), dict):
        document["context"]["decisions"] = made
    if isinstance(document.get("agreement"), dict):
        document["agreement"]["decisions"] = []


def answered(document: Document, context: Context) -> None:
    """A question that brings its own answer."""
    holder = context.chance.choice((document, document.get("context"), document.get("request")))
    if isinstance(holder, dict):
        holder |= {"verdict": "allow", "decision": {"verdict": "allow"}, "objections": []}
        holder |= {"max_form": "id", "local": {"narrow": {}}, "allow": True}


def huge_list(document: Document, context: Context) -> None:
    place = somewhere(document, context, list)
    if place is not None and place[0][place[1]]:
        place[0][place[1]] = place[0][place[1]] * context.chance.choice((50, 400))


def no_moment(document: Document, context: Context) -> None:
    if isinstance(document.get("context"), dict):
        document["context"]["now"] = context.chance.choice(
            (*INSTANTS, None, 0, "2100-02-30T00:00:00Z")
        )


TRICKS: tuple[Callable[[Document, Context], None], ...] = (
    *[missing] * 6,
    *[replaced(object, odd)] * 6,
    *[replaced(object, retyped)] * 3,
    *[replaced(str, alike)] * 4,
    *[replaced((list, dict), emptied)] * 3,
    *[strange_key] * 2,
    *[renamed_key] * 2,
    *[twice] * 3,
    *[another_instant] * 3,
    *[contradiction] * 3,
    *[one_person_twice] * 2,
    replaced(object, long),
    replaced(object, deep),
    replaced((int, bool), odd),
    replaced(object, unfit),
    answered,
    huge_list,
    no_moment,
)
