"""Converters: from a source value to a canonical one, and back where a way back exists.

A converter never guesses and never repairs. It raises `Bad` with a rule; whoever called it
knows the place. `None` as a result means that the source said something for which the
canonical record has no value (a code declared as not carried).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.mapping.bad import Bad
from gateway.mapping.codes import coded, coded_many, reverse_codes
from gateway.mapping.figures import (
    boolean,
    boolean_back,
    decimal,
    integer,
    number,
    number_back,
)
from gateway.mapping.shapes import line, line_back, point_back, points
from gateway.mapping.times import day, instants, partial_day, written_day, zone_assumed

Forward = Callable[[Any], Any]
Back = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Converter:
    """One column's way in, and its way out where it has one."""

    name: str
    forward: Forward
    back: Back | None = None
    """To text. None where several source values become one: nothing could be written back."""
    makes: str = "string"
    """JSON type of what comes out, of one item where it makes a list."""
    may_drop: bool = False
    """`forward` can answer None."""
    many: bool = False
    """Makes a list."""
    inline: str = ""
    """`text`, `date` or `utc` where the compiled reading writes the conversion out."""
    quick: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Answers known beforehand, by source text. Only for speed: `forward` gives the same."""
    loss: str = ""
    """What writing back cannot restore, for people."""


def text(value: Any) -> str:
    """Text as it is. A number is refused: leading zeros may be gone already (`value.not_text`)."""
    if not isinstance(value, str):
        raise Bad("value.not_text")
    return value


def build(
    spec: Mapping[str, Any], codes: Mapping[str, Any] | None = None, authority: str = ""
) -> Converter:
    """The converter a mapping's field asks for with `as`. The schema has checked the spec.

    `codes` is the table of a `code` or `codes` line, `authority` the one of the mapping.
    """
    kind = spec.get("as", "text")
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind == "instant":
        assume = spec.get("assume")
        return Converter(kind, instants(assume), text, inline="utc" if assume else "")
    if kind == "reference":
        return _reference(spec.get("authority", authority), spec.get("without", ""))
    if kind in ("point", "geometry"):
        return _shape(kind, spec["order"], spec.get("shape", ""))
    if kind == "list":
        by = spec["by"]
        return Converter(
            kind,
            lambda value: [p for p in text(value).split(by) if p] or None,
            by.join,
            may_drop=True,
            many=True,
        )
    return _coding(kind, spec, codes or {})


def _reference(authority: str, without: str) -> Converter:
    """The id of another record, from its own number in the numbering of `authority`."""
    start = authority + "/"

    def forward(value: Any) -> str:
        local = text(value).removeprefix(without)
        if not local or local.startswith("/") or any(map(str.isspace, local)):
            raise Bad("value.not_reference")
        return start + local

    def back(value: Any) -> str:
        if not value.startswith(start):
            raise Bad("value.no_way_back")
        return without + str(value.removeprefix(start))

    return Converter("reference", forward, back)


def _shape(kind: str, order: str, shape: str) -> Converter:
    if kind == "point":
        return Converter(
            kind,
            points(order),
            lambda value: point_back(value, order),
            makes="object",
            loss=ACCURACY,
        )
    return Converter(
        kind,
        lambda value: line(value, order, shape),
        lambda value: line_back(value, order, shape),
        makes="object",
        loss=ACCURACY,
    )


ACCURACY = "the accuracy is not kept"


def _coding(kind: str, spec: Mapping[str, Any], table: Mapping[str, Any]) -> Converter:
    fold = spec.get("fold") == "lower"
    codes = {key.lower() if fold else key: value for key, value in table.items()}
    otherwise = spec.get("otherwise")
    one = coded(codes, otherwise=otherwise, fold=fold)
    back = reverse_codes(table)
    targets = [*table.values(), *([otherwise] if otherwise is not None else [])]
    makes = "boolean" if any(isinstance(one, bool) for one in targets) else "string"
    kept = [target for target in targets if target is not None]
    loss = []
    if len(kept) > len({(target.__class__, target) for target in kept}):
        loss.append("several source codes become one: the first is written back")
    if otherwise is not None:
        loss.append("codes the table does not name become one, which has no way back")
    if fold:
        loss.append("letter case is not kept")
    drops = None in codes.values()
    if kind == "code":
        quick = {key: value for key, value in (codes | dict(table)).items() if value is not None}
        if fold:
            quick = {key: value for key, value in quick.items() if codes[key.lower()] == value}
        return Converter(kind, one, back, makes, drops, quick=quick, loss="; ".join(loss))
    by = spec["by"]
    return Converter(
        kind,
        coded_many(one, by),
        lambda values: by.join(back(value) for value in values),
        makes,
        may_drop=True,
        many=True,
        loss="; ".join(loss),
    )


_PLAIN: Mapping[str, Converter] = {
    "text": Converter("text", text, text, inline="text"),
    "integer": Converter("integer", integer, str, "integer"),
    "decimal": Converter("decimal", decimal, text),
    "number": Converter("number", number, number_back, "number"),
    "boolean": Converter("boolean", boolean, boolean_back, "boolean"),
    "date": Converter("date", day, text, inline="date"),
    "partial_date": Converter("partial_date", partial_day, text),
    "written_date": Converter("written_date", written_day, loss="the time of day is not kept"),
    "zone_assumed": Converter(
        "zone_assumed", zone_assumed, may_drop=True, loss="says only how an instant was written"
    ),
}
