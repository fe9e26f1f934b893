"""Whether a mapping can mean anything: its lines against the canonical schemas and each other."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import jsonschema_rs

from gateway.canonical import canonical
from gateway.errors import OfficerError
from gateway.mapping.codes import code_list
from gateway.mapping.convert import Converter
from gateway.mapping.nodes import Made
from gateway.record import Leaf, fields, leaves, structural, validator

Faults = list[OfficerError]


def breaches(document: Any, *, at: str) -> Faults:
    """Everything in which a document breaks `schemas/mapping.json`, each with its place."""
    try:
        canonical(document)
    except ValueError:
        return [OfficerError("has no canonical form", rule="document.form", at=at)]
    found: Faults = []
    for error in validator("mapping").iter_errors(document):
        nearest = _nearest(error)
        place = "/".join(str(step) for step in nearest.instance_path)
        found.append(
            OfficerError(
                f"breaks mapping.json ({nearest.kind.name})",
                rule=f"document.{nearest.kind.name}",
                at=f"{at}, {place}" if place else at,
            )
        )
    return found


def _nearest(error: Any) -> Any:
    """Of the alternatives a value might have been, the fault of the one it comes closest to."""
    context = getattr(error.kind, "context", None)
    if not context:
        return error
    branches = [list(branch) for branch in context]
    # A branch that only says that the type is wrong was never meant.
    meant = [b for b in branches if not any(e.kind.name == "type" and _same(e, error) for e in b)]
    best = min(meant or branches, key=len)
    return _nearest(max(best, key=lambda one: len(one.instance_path)))


def _same(one: Any, other: Any) -> bool:
    return list(one.instance_path) == list(other.instance_path)


def check_records(made: Sequence[Made], faults: Faults, *, at: str) -> None:
    """The first record is the object itself, every other one an item of a repeat."""
    if made[0].each or not made[0].ids:
        faults.append(
            OfficerError(
                "the first record needs an id and no `each`", rule="mapping.no_root", at=at
            )
        )
    if made[0].every and fields(made[0].record_type)["record_id"].kinds != ("none",):
        # The id leaves where other fields are made coarse or stay: it must not repeat them.
        faults.append(
            OfficerError("an id made of what people answered", rule="mapping.id_of_answers", at=at)
        )
    if any(not other.each or other.ids for other in made[1:]):
        faults.append(
            OfficerError(
                "every record after the first needs `each`, and no id",
                rule="mapping.no_each",
                at=at,
            )
        )
    if len({one.record_type for one in made}) != len(made):
        faults.append(OfficerError("a record type stands twice", rule="mapping.type_twice", at=at))


def check_shape(key: str, value: Any, *, at: str) -> None:
    """A list of lines, or one object for each item, fills a field that is a list; else nothing."""
    rows = isinstance(value, list) or (isinstance(value, dict) and "fields" in value)
    if rows != key.endswith("[]") and not is_many(value):
        raise OfficerError("a list needs [], and [] a list", rule="mapping.shape", at=at)
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict) and "fields" in item and item["needs"] not in item["fields"]:
            raise OfficerError("needs a line that is not there", rule="mapping.needs", at=at)


def is_many(value: Any) -> bool:
    """Whether one source value becomes a list."""
    return isinstance(value, dict) and value.get("as") in ("list", "codes")


def check_leaf(record_type: str, leaf: str, *, at: str) -> None:
    """A line fills a field that the schema has and that says something about its subject."""
    if leaf not in leaves(record_type) or leaf.split(".")[0] in _not_ours(record_type):
        raise OfficerError("no such canonical field", rule="mapping.no_field", at=at)


@cache
def _not_ours(record_type: str) -> frozenset[str]:
    return frozenset((*structural(record_type), "record_id"))


def check_members(
    value: Any, each: str | None, made: Sequence[Made], faults: Faults, *, at: str
) -> None:
    """A member is a record that this table makes of the items of the repeat it stands in."""
    if isinstance(value, list):
        for item in value:
            check_members(item, each, made, faults, at=at)
    elif isinstance(value, dict) and isinstance(value.get("member"), str):
        slot = value.get("each", each)
        known = [(one.record_type, one.each.slot) for one in made if one.each]
        if (value["member"], slot) not in known:
            faults.append(OfficerError("no such member", rule="mapping.no_member", at=at))
    elif isinstance(value, dict):
        inner = value.get("each", each)
        for name, item in value.items():
            # Codes are the source's own words, and may be any of ours.
            if isinstance(item, dict | list) and name not in ("codes", "missing"):
                check_members(
                    item, inner if isinstance(inner, str) else each, made, faults, at=f"{at}/{name}"
                )


def check_codes(
    record_type: str,
    leaf: str,
    spec: Mapping[str, Any],
    codes: Mapping[str, Any],
    converter: Converter,
    *,
    at: str,
) -> None:
    """What a line makes is what its leaf takes, and its codes are those of its list."""
    name = f"{leaf}[]" if converter.many and not leaf.endswith("[]") else leaf
    kept = [*codes.values(), *([spec["otherwise"]] if "otherwise" in spec else [])]
    targets = [one for one in kept if one is not None]
    for target in targets:
        check_fits(record_type, name, target, at=at)
    if not targets and converter.makes not in _types(leaves(record_type)[name]):
        raise OfficerError("the field takes another type", rule="mapping.type", at=at)
    if spec.get("fold") and len({key.lower() for key in codes}) != len(codes):
        raise OfficerError("two codes differ in letter case only", rule="mapping.fold_twice", at=at)
    if "list" in spec and not {*targets} <= code_list(spec["list"], at=at):
        raise OfficerError("a target is not in its code list", rule="mapping.code_list", at=at)


def check_fits(record_type: str, leaf: str, value: Any, *, at: str) -> None:
    """A value the table itself writes is one that the schema allows."""
    if not _leaf_validator(record_type, leaf).is_valid(value):
        raise OfficerError("the field does not take this", rule="mapping.not_allowed", at=at)


@cache
def _leaf_validator(record_type: str, leaf: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(dict(leaves(record_type)[leaf].spec))


def _types(leaf: Leaf) -> frozenset[str]:
    """JSON types a leaf takes."""
    spec = leaf.spec
    if "enum" in spec or "const" in spec:
        return frozenset(_named(one) for one in spec.get("enum", [spec.get("const")]))
    stated = spec.get("type", ["string", "integer", "number", "boolean", "object"])
    found = {stated} if isinstance(stated, str) else set(stated)
    # A whole number is a number.
    return frozenset(found | ({"integer"} if "number" in found else set()))


def _named(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return {str: "string", int: "integer", float: "number"}.get(value.__class__, "object")
