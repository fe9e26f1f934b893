"""One object of Primero as the flat object a mapping reads.

| Primero has | a mapping reads |
|---|---|
| `true`, `false` | the texts `true` and `false`: radio buttons answer with either |
| `["a", "b"]`, a multi-select | the text `a|b`: `as: codes` or `list` with `by: "|"` |
| `[]` | the empty text: asked, and nothing chosen |
| a subform | a repeat; the keys of its items begin with its name |
| a tally, an object | `tally/boys`, `tally/total` |
| `*******`, a name that is protected | nothing, and why: `withheld` |
| `12`, where a text should be | the number, which a line of text refuses: its zeros may be gone |

The repeat `@record` is the object once more, as the one item of a list, for a mapping that makes
a person of a case. It is there where the object answers anything that the person's lines read.

A mapping whose id stands in a subform (`services_section/unique_id`) reads an object for each of
its items: one referral for each service. The item's fields are then fields of the object, beside
the case's own. Where the line of `case_type` has a condition, only items that meet it are read:
what was asked of others stays. Such a mapping writes the subform as a list of this one item.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from adapters.flat.nested import Flat
from adapters.flat.reading import Found, shown
from adapters.primero.facts import READ, consent_of, hidden_names, is_hidden, kind_of
from adapters.primero.plan import CONSENT, HIDDEN, KIND, SELF, for_reading, own_facts
from gateway.errors import SenderError
from gateway.mapping import Plan, reader_of
from gateway.mapping.lookup import MAX_KEYS, Keys, answered
from gateway.mapping.nodes import Constant, Value, When

SEPARATOR = "|"
"""Between the choices of a multi-select. No option's id has it."""

_TRUTH = {True: "true", False: "false"}
_MAX_COPIED = 1_000_000
"""Answers of one case that the items of its subform take with them, all together."""


class Objects:
    """Makes flat objects for one mapping."""

    def __init__(self, plan: Plan) -> None:
        self.plan = for_reading(plan)
        self.hidden: set[str] = set()
        """Paths that held asterisks, as they may be shown."""
        self.left: set[str] = set()
        """Subforms of which items were not read."""
        levels = self.plan.levels()
        self._flat = Flat(self.plan, _chosen)
        self._root = Keys(levels[None])
        self._self = Keys(levels[SELF]) if SELF in levels else None
        own = own_facts(plan)
        self._own = reader_of(own) if own else None
        self._split = split_of(plan)
        self._when = _condition(plan) if self._split else None

    def __call__(self, value: Any, *, at: str, every: bool = False) -> Iterator[Found]:
        """The flat objects of one record. With `every`, conditions on items do not count.

        What is no object stays for the mapping to refuse.
        """
        if not isinstance(value, dict):
            yield Found(value, (), at)
            return
        found = self._flat(value, at=at)
        fields = {key: self._plain(key, one) for key, one in found.items()}
        if any(key.startswith("@") for key in fields):
            # Ours begin so: nobody answers for the adapter.
            raise SenderError("no name of a field begins so", rule="primero.reserved_key", at=at)
        # An answer to these is one answer: in a list it is none.
        listed = {key: HIDDEN for key in READ if isinstance(value.get(key), list) and value[key]}
        consent, kind = self._facts(fields | listed, at)
        names = hidden_names(fields | listed)
        self.hidden.update(map(shown, names))
        fields |= dict.fromkeys(names, HIDDEN)
        for one, place in self._items(fields, at, every=every):
            if self._self is not None:
                one = _with_self(one, self._root, self._self)
            yield Found(one | {CONSENT: consent, KIND: kind}, (), place)

    def _items(
        self, fields: dict[str, Any], at: str, *, every: bool
    ) -> Iterator[tuple[dict[str, Any], str]]:
        if self._split is None:
            yield fields, at
            return
        items = fields.pop(self._split, None)
        if not answered(items):
            self._leave(fields, at)
            return
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise SenderError("not a subform", rule="source.not_repeat", at=f"{at}, {self._split}")
        # Every item takes the case with it: what no line reads, and more than one can be, stays.
        kept = {key: value for key, value in fields.items() if self._reads(key)}
        self._leave(fields.keys() - kept.keys(), at)
        size = sum(len(value) if isinstance(value, list) else 1 for value in kept.values())
        if len(items) * size > _MAX_COPIED:
            raise SenderError("too many items", rule="source.repeat_too_long", at=at)
        for number, item in enumerate(items, 1):
            if every or self._when is None or _meets(item | kept, self._when):
                yield kept | item, f"{at}, {self._split}[{number}]"
            else:
                self.left.add(self._split)

    def _reads(self, key: str) -> bool:
        lines = (self._root, self._self)
        return any(keys is not None and keys.line(key) is not None for keys in lines)

    def _leave(self, keys: Iterable[str], at: str) -> None:
        self.left.update(map(shown, keys))
        if len(self.left) > MAX_KEYS:
            raise SenderError(
                "more different keys than any form has", rule="source.too_many_keys", at=at
            )

    def _facts(self, fields: dict[str, Any], at: str) -> tuple[str | None, str]:
        said = self._own.read(fields, at=at) if self._own else ()
        ours = [record.get("protection", {}) for record in said]
        states = [one["consent"]["status"] for one in ours if "consent" in one]
        kinds = [one["case_kind"] for one in ours if "case_kind" in one]
        return consent_of(fields, states), kind_of(fields, kinds)

    def _plain(self, key: str, value: Any) -> Any:
        if isinstance(value, bool):
            return _TRUTH[value]
        if isinstance(value, list) and not value:
            return ""
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return [{name: self._plain(name, one) for name, one in item.items()} for item in value]
        if is_hidden(value):
            self.hidden.add(shown(key))
            return HIDDEN
        return value


def split_of(plan: Plan) -> str | None:
    """The subform each of whose items is an object of its own: the one that holds the id."""
    slot = plan.made[0].ids[0].slot
    return slot.partition("/")[0] if "/" in slot.removeprefix("*/") else None


def _condition(plan: Plan) -> When | None:
    node = plan.made[0].body.fields.get("case_type")
    return node.when if isinstance(node, Constant | Value) else None


def _meets(fields: Mapping[str, Any], when: When) -> bool:
    value = fields.get(when.source.slot)
    return (value.__class__, value) in when.pairs


def _chosen(choices: list[Any]) -> Any:
    """A multi-select as one text. Other lists stay lists, which every line refuses."""
    if any(map(is_hidden, choices)):
        return HIDDEN
    texts = [_TRUTH[one] if isinstance(one, bool) else one for one in choices]
    if all(isinstance(one, str) and one and SEPARATOR not in one for one in texts):
        return SEPARATOR.join(texts)
    return choices


def _with_self(fields: Mapping[str, Any], root: Keys, own: Keys) -> dict[str, Any]:
    """The object with itself as a repeat. A key that only the item's lines read moves there."""
    item = {key: value for key, value in fields.items() if own.line(key) is not None}
    kept = {
        key: value for key, value in fields.items() if key not in item or root.line(key) is not None
    }
    return kept | ({SELF: [item]} if any(map(answered, item.values())) else {})
