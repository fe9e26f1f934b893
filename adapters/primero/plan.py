"""The mapping as this adapter uses it: with what it must say whatever the table says.

Three things are added to a table, in the table's own terms, so that reading, writing and the
account of losses need not know of them:

    @consent   the state of consent, for every record of an object (`facts`)
    @kind      the kind of case, likewise
    ~subject   that the record in `subject` is written with the case

On the way in every line reads asterisks as a value that is withheld.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from gateway.mapping import Plan
from gateway.mapping.convert import build
from gateway.mapping.nodes import (
    Each,
    Listed,
    Made,
    Member,
    Missing,
    Node,
    Object,
    Source,
    Value,
)
from gateway.record import Record

CONSENT = "@consent"
KIND = "@kind"
SELF = "@record"
"""A repeat of one item: the object once more. A second record is made from it (`each`)."""

HIDDEN = "*******"
"""What Primero answers instead of a value that the role may not see."""

STATUS_LEAF = "protection.consent.status"
KIND_LEAF = "protection.case_kind"

_LINK = "~"
_TEXT = build({"as": "text"})


def for_reading(plan: Plan) -> Plan:
    """The plan with facts, and with withheld values known in every line."""
    made = [replace(one, body=_hiding(one.body)) for one in map(_with_facts, plan.made)]
    return replace(plan, made=tuple(made), digest=f"{plan.digest}+reading")


def for_writing(plan: Plan) -> Plan:
    """The plan with facts, and with the records that a line names one by one."""
    made = [_with_facts(one) for one in plan.made]
    links = {
        _LINK + name: Each(node.each, Object({"member": Member(None)}))
        for name, node in made[0].body.fields.items()
        if isinstance(node, Member) and node.each
    }
    made[0] = replace(made[0], body=Object({**made[0].body.fields, **links}))
    return replace(plan, made=tuple(made), digest=f"{plan.digest}+writing")


class Linked:
    """Records with what `for_writing` added: writing back looks for members in lists only."""

    def __init__(self, plan: Plan, records: Iterable[Record]) -> None:
        self._root = plan.made[0].record_type
        self._links = [name for name in plan.made[0].body.fields if name.startswith(_LINK)]
        self._records = records
        self._silent: set[str] = set()
        self._telling: set[str] = set()

    def __iter__(self) -> Iterator[Record]:
        for record in self._records:
            self._note(record)
            if record["record_type"] == self._root:
                links = {link: record.get(link[1:]) for link in self._links}
                yield record | {link: [{"member": one}] for link, one in links.items() if one}
            else:
                yield record

    def unheard(self, leaf: str) -> bool:
        """Whether a leaf path is ours, or a fact that no record of its type had."""
        return f".{_LINK}" in leaf or leaf in self._silent - self._telling

    def _note(self, record: Record) -> None:
        protection = record.get("protection", {})
        has_state = "status" in protection.get("consent", {})
        for leaf, has in ((STATUS_LEAF, has_state), (KIND_LEAF, "case_kind" in protection)):
            (self._telling if has else self._silent).add(f"{record['record_type']}.{leaf}")


def own_facts(plan: Plan) -> Plan | None:
    """What the table itself says of consent and kind, and nothing else; None where it does not."""
    made = [replace(one, body=_own(one.body)) for one in plan.made]
    if not any(one.body.fields for one in made):
        return None
    hiding = [replace(one, body=_hiding(one.body)) for one in made]
    return replace(plan, made=tuple(hiding), digest=f"{plan.digest}+facts")


def _own(body: Object) -> Object:
    protection = _fields(body.fields.get("protection"))
    consent = _fields(protection.get("consent"))
    found: dict[str, Node] = {}
    if "status" in consent:
        found["consent"] = Object({"status": consent["status"]})
    if "case_kind" in protection:
        found["case_kind"] = protection["case_kind"]
    return Object({"protection": Object(found)} if found else {})


def _with_facts(made: Made) -> Made:
    fields = dict(made.body.fields)
    protection = dict(_fields(fields.get("protection")))
    consent = _fields(protection.get("consent"))
    protection["consent"] = Object({**consent, "status": _fact(CONSENT, made)})
    protection["case_kind"] = _fact(KIND, made)
    fields["protection"] = Object(protection)
    return replace(made, body=Object(fields))


def _fact(slot: str, made: Made) -> Value:
    return Value((Source(slot, parent=made.each is not None),), _TEXT, top="protection")


def _fields(node: Node | None) -> Mapping[str, Node]:
    return node.fields if isinstance(node, Object) else {}


def _hiding(node: Object) -> Object:
    return replace(node, fields={name: _hidden(child) for name, child in node.fields.items()})


def _hidden(node: Node) -> Node:
    if isinstance(node, Value):
        missing = node.missing
        reasons = {**missing.reasons, HIDDEN: "withheld"}
        return replace(node, missing=Missing(missing.texts | {HIDDEN}, reasons, missing.fold))
    if isinstance(node, Object):
        return _hiding(node)
    if isinstance(node, Listed):
        return replace(node, items=tuple(map(_hidden, node.items)))
    if isinstance(node, Each):
        return replace(node, item=_hiding(node.item))
    return node
