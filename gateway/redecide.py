"""Every logged decision once more, by the other engine, from the bundle that made it.

Three answers must be one: the engine's that answered then, the other's, and what the entry
says. A difference means that an engine, a bundle or an entry is not what it was believed to be.
"""

import json
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.canonical import canonical
from gateway.errors import GatewayError
from gateway.policy import Bundle, Decision, OpaServer
from gateway.policy.fuzz_opa import HOST, serving
from gateway.replay import answering
from gateway.replay_reading import Progress, Recorded
from gateway.replay_window import moment, place
from gateway.replay_work import Engine, template_of

OTHER = {"embedded": "opa", "opa": "embedded"}
VERDICTS = {"released": "allow", "held": "pending", "refused": "refuse"}
DEADLINE = 30.0
LISTED = 100
"""Differences that are listed; all are counted."""


@dataclass(slots=True)
class Redecided:
    """What came out."""

    counted: int = 0
    compared: int = 0
    not_replayable: int = 0
    different: int = 0
    differences: list[dict[str, Any]] = field(default_factory=list)

    def note(self, what: str, first: int, count: int) -> None:
        """Transfers of which something differs."""
        self.different += count
        if len(self.differences) < LISTED:
            self.differences.append({"what": what, "first": first, "transfers": count})


def said(entry: dict[str, Any]) -> bytes:
    """What an entry says of its decision, and which engine made it."""
    names = ("outcome", "rules", "border", "obligations")
    told = {name: entry[name] for name in names if name in entry}
    return canonical([entry.get("policy", {}).get("engine", ""), told])


def redecide(
    recorded: Recorded,
    *,
    since: int,
    engine: str,
    known: Callable[[], Sequence[Bundle]] = tuple,
    progress: Progress = lambda _what, _done, _total: None,
) -> Redecided:
    """Compare. `engine` is `embedded`, `opa`, or `other` than the one that answered.

    Raises `OfficerError` where an OPA is needed and there is none on PATH.
    """
    read = recorded.read(progress, since=since, said=said)
    bundles = answering(recorded, read, known)
    found = Redecided(counted=read.counted, not_replayable=read.older)
    done = 0
    for revision in sorted({key[0] for key in read.groups}):
        groups = {key: held for key, held in read.groups.items() if key[0] == revision}
        if revision not in bundles:
            found.not_replayable += sum(map(len, groups.values()))
            continue
        with _engines(bundles[revision], _needed(groups, engine)) as engines:
            for (_, template, told), moments in sorted(groups.items()):
                document = recorded.document("sha256:" + template.hex())
                if document is None:
                    found.not_replayable += len(moments)
                    continue
                _compare(document, moments, json.loads(told), engines, engine, found)
                done += len(moments)
                progress("deciding again", done, read.counted)
    return found


def _needed(groups: dict[Any, Any], engine: str) -> set[str]:
    answered = {json.loads(told)[0] for _, _, told in groups}
    return answered | ({OTHER[one] for one in answered} if engine == "other" else {engine})


@contextmanager
def _engines(bundle: Bundle, names: set[str]) -> Iterator[dict[str, Engine]]:
    with ExitStack() as undo:
        found = {}
        for name in sorted(names):
            server = None
            if name == "opa":
                port = undo.enter_context(serving(bundle))
                server = OpaServer(HOST, port, revision=bundle.revision, deadline=DEADLINE)
            found[name] = Engine(bundle, server)
            undo.callback(found[name].close)
        yield found


def _compare(
    document: bytes, moments: "array[int]", told: list[Any], engines: dict[str, Engine],
    engine: str, found: Redecided,
) -> None:  # fmt: skip
    template = template_of(document)
    answered = told[0]
    against = OTHER[answered] if engine == "other" else engine
    one, other = engines[answered].answers(template), engines[against].answers(template)
    at = 0
    while at < len(moments):
        now = moment(moments[at])
        (was, until), (again, until_again) = one.at(now), other.at(now)
        end = bisect_left(moments, min(until, until_again), lo=at, key=moment)
        first = min(place(number) for number in moments[at:end])
        found.compared += end - at
        for what in _differs(was, again, told[1]):
            found.note(what, first, end - at)
        at = end


def _differs(was: Decision, again: Decision, told: dict[str, Any]) -> Iterator[str]:
    if was != replace(again, engine=was.engine, asked=was.asked):
        yield "the engines"
    for what, same in _entry(was, told):
        if not same:
            yield f"the entry's {what}"


def _entry(was: Decision, told: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Whether the entry says what was decided. What the gateway found in the records later may
    have kept everything back, which is a refusal after an answer that allowed."""
    rules = set(told["rules"])
    allowed = was.verdict == "allow"
    kept_back = allowed and told["outcome"] == "refused" and bool(rules)
    yield "outcome", kept_back or VERDICTS[told["outcome"]] == was.verdict
    objected = {one.rule for one in was.objections} | {one.decision for one in was.pending}
    if allowed:
        yield "rules", rules >= {one.rule for each in was.classes for one in each.objections}
    else:
        yield "rules", rules == objected
    border = {"crosses": was.border.crosses, "destination": was.border.destination}
    if was.border.instrument:
        border["instrument"] = was.border.instrument
    yield "border", told.get("border") == border
    released = told["outcome"] == "released"
    yield "obligations", told.get("obligations", []) == (list(was.obligations) if released else [])


def check(found: Redecided) -> None:
    """Raise `GatewayError` when anything differs."""
    if found.different:
        raise GatewayError(f"{found.different} differences", rule="redecide.different")
