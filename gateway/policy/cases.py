"""Questions by the hundred thousand, from a seed: what policies are tried on.

Most are sound but for a few flaws, so that a good share is allowed, some wait for a person, and
the rest is refused for as many reasons as there are. Some are hostile: no gateway of ours would
build them. Every id is invented; a question holds nobody's data.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.policy.cases_flaws import FLAWS
from gateway.policy.cases_hostile import spoil
from gateway.policy.cases_sound import sound

SOUND = 0.36
"""The share of cases without a flaw put in on purpose."""


@dataclass(frozen=True, slots=True)
class Case:
    """One generated question."""

    seed: str
    """Makes the same case again."""
    document: dict[str, Any]
    hostile: bool
    """Whether something was done to it that no gateway of ours would do."""


def cases(seed: int, count: int, *, hostile: float = 0.15) -> Iterator[dict[str, Any]]:
    """The same questions for the same seed, whatever `count`. About `hostile` of them are hostile.

    A hostile one may be no question at all: `Question.of` refuses it.
    """
    for number in range(count):
        yield case(f"{seed}/{number}", hostile=hostile).document


def case(seed: str, *, hostile: float = 0.15) -> Case:
    """One of them. Seeds are texts, so that processes can share the work."""
    # Chance here is for trying things out; nothing secret is made of it.
    chance = random.Random(seed)  # noqa: S311
    spoiled = chance.random() < hostile
    document, context = sound(chance)
    if chance.random() > SOUND:
        for flaw in chance.sample(FLAWS, chance.choice((1, 1, 1, 2, 2, 4))):
            flaw(document, context)
    if spoiled:
        spoil(document, context)
    return Case(seed, document, spoiled)
