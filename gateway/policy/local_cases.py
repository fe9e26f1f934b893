"""Policies that an operator might add, from a seed: sound, wrong, and out to widen.

Each is Rego of package `local` that reads only what it may. Some do not compile, some fail when
they are evaluated, some say what is not heard; none may let anything leave that would not have
left without it.
"""

import json
import random
from collections.abc import Callable, Iterator

from gateway.policy.cases_tables import tables

CONDITIONS = (
    "true",
    "false",
    'input.records == "1000+"',
    'input.request.legal_basis != "lb.vital"',
    "count(input.classes) > 1",
    "input.nothing.at.all",
    "not input.nothing.at.all",
    "not input.agreement.onward.allowed",
    'some class in input.classes; class.record_type == "person"',
    'every class in input.classes { class.facts.consent_status == "given" }',
    'data.taxonomy.purposes[input.request.purpose].max == "id"',
    'startswith(input.request.purpose, "hum.assist")',
    "to_number(input.request.purpose) > 3",
    "odd_one",
    "helper(input.records)",
)
"""The last but two fails where it is evaluated: both engines must refuse."""

WEIRD = (
    "5", "-1", "null", "true", "false", '""', '"keep"', "[]", "{}", "set()", "[1, 2]", '{"x"}',
    '{"x": 1}', "input", "input.classes",
    '{"rule": "red.sale", "fix": "No."}', '{"rule": "local.x"}', '{"rule": "local.x", "fix": 5}',
    '{"rule": "local.x", "fix": "No.", "verdict": "allow"}', '{"rule": "local.", "fix": "No."}',
    '{"rule": "local..x", "fix": "No."}', '{"rule": "local.x", "fix": ""}',
    '{"rule": "", "fix": ""}', '{"rule": "question.malformed", "fix": "No."}',
    '[{"rule": "local.x", "fix": "No."}]', '{{"rule": "local.x", "fix": "No."}}',
)  # fmt: skip

WIDENING = (
    'narrow := {t: {f: "keep" | some f, _ in fields} | some t, fields in data.taxonomy.fields}',
    'narrow := {t: {f: "null" | some f, _ in fields} | some t, fields in data.taxonomy.fields}',
    'narrow[t][f] := "keep" if some t, fields in data.taxonomy.fields; some f, _ in fields',
    "narrow := data.taxonomy.matrices[input.request.purpose]",
    "narrow := data.taxonomy.ceilings.id",
    'narrow := {"person": "keep"}',
    'narrow := {"*": {"*": "keep"}}',
    'narrow := {"": {"": ""}}',
    'decision := {"verdict": "allow"}',
    'verdict := "allow"',
    "allow := true",
    'exchange := {"objections": set()}',
    "taxonomy := {}",
    "decided(_, _) := true",
    "default narrow := {}",
    "default narrow := 5",
    "objections := set()",
    'narrow := {"person": {"name": input.request.purpose}}',
    'narrow := {"person": {sprintf("%s", ["name"]): "drop"}}',
    "narrow := {}",
)

Piece = Callable[[random.Random], str]


def local_policies(seed: str, count: int) -> Iterator[str]:
    """The same policies for the same seed."""
    for number in range(count):
        yield local_policy(f"{seed}/{number}")


def local_policy(seed: str) -> str:
    """One file of package `local`."""
    chance = random.Random(seed)  # noqa: S311
    pieces = [chance.choice(PIECES)(chance) for _ in range(chance.choice((1, 1, 2, 2, 3)))]
    text = "\n\n".join(["package local", *pieces])
    if "odd_one" in text:
        text += f"\n\nodd_one if {_condition(chance, plain=True)}"
    if "helper(" in text:
        text += '\n\nhelper(said) if said != "1-9"'
    return text + "\n"


def _condition(chance: random.Random, *, plain: bool = False) -> str:
    return chance.choice(CONDITIONS[:10] if plain else CONDITIONS)


def _objects(chance: random.Random) -> str:
    rule = chance.choice(("local.ramadan", "local.x.y_2", "local.closed"))
    said = json.dumps({"rule": rule, "fix": "Ask again tomorrow."})
    return f"objections contains {said} if {{ {_condition(chance)} }}"


def _objects_oddly(chance: random.Random) -> str:
    how = chance.choice(
        ("objections contains {}", "objections := {}", "objections contains {} if true")
    )
    return how.format(chance.choice(WEIRD)) if "{}" in how else how


def _objects_much(chance: random.Random) -> str:
    many = chance.choice((10, 2000))
    return (
        'objections contains {"rule": sprintf("local.n%d", [n]), "fix": "Wait."} if '
        f"some n in numbers.range(1, {many})"
    )


def _table(chance: random.Random) -> dict[str, dict[str, str]]:
    known = tables()
    forms = [*known["forms"], "blur", "", "KEEP", "drop:local", "keep:local"]
    kinds = [*known["fields"], "unheard-of"]
    return {
        kind: {
            name: chance.choice(forms)
            for name in chance.sample([*known["fields"].get(kind, {}), "unheard_of", "a/b~1c"], 3)
        }
        for kind in chance.sample(kinds, chance.choice((1, 2, 5)))
        if kind in known["fields"]
    }


def _narrows(chance: random.Random) -> str:
    when = chance.choice(("", "", f" if {{ {_condition(chance)} }}"))
    return f"narrow := {json.dumps(_table(chance), indent=1)}{when}"


def _narrows_in_parts(chance: random.Random) -> str:
    said = []
    for kind, forms in _table(chance).items():
        for name, form in forms.items():
            said.append(f"narrow[{json.dumps(kind)}][{json.dumps(name)}] := {json.dumps(form)}")
    return "\n\n".join(said) or "narrow := {}"


def _narrows_twice(chance: random.Random) -> str:
    return f"{_narrows(chance)}\n\n{_narrows(chance)}"


def _narrows_oddly(chance: random.Random) -> str:
    value = chance.choice(WEIRD)
    ways = (
        f"narrow := {value}",
        f'narrow := {{"person": {value}}}',
        f'narrow := {{"person": {{"name": {value}}}}}',
        f'narrow := {{"person": {{"name": "keep"}}, {json.dumps("x" * 2000)}: {value}}}',
    )
    return chance.choice(ways)


def _widens(chance: random.Random) -> str:
    return chance.choice(WIDENING)


PIECES: tuple[Piece, ...] = (
    _objects,
    _objects,
    _objects_oddly,
    _objects_much,
    _narrows,
    _narrows,
    _narrows,
    _narrows_in_parts,
    _narrows_twice,
    _narrows_oddly,
    _widens,
    _widens,
)
