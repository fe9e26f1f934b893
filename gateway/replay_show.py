"""What an officer is shown of a replay, a comparison of bundles, and a second decision."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.redecide import Redecided
from gateway.replay import totals, unknown, widens

TRANSFERS = (
    ("gained", "now allowed"),
    ("lost", "now refused"),
    ("held", "now held"),
    ("freed", "no longer held"),
)
FIELDS = ("gained", "widened", "narrowed", "lost")
OTHERS = (
    ("rule.gained", "rule objects now"),
    ("rule.lost", "rule objects no more"),
    ("decision.gained", "a person must decide"),
    ("decision.changed", "another person decides"),
    ("decision.lost", "nobody has to decide any more"),
    ("obligation.gained", "the recipient must"),
    ("obligation.narrowed", "the recipient must, sooner"),
    ("obligation.widened", "the recipient must, later"),
    ("obligation.lost", "the recipient need not"),
    ("class.gained", "records leave now"),
    ("class.lost", "records stay now"),
    ("limit.narrowed", "a higher threshold"),
    ("limit.widened", "a lower threshold"),
    ("form.narrowed", "a stricter form of the whole record"),
    ("form.widened", "a less strict form of the whole record"),
    ("border.changed", "the border counts otherwise"),
)
ROWS = 30
"""Of one table. The report has all."""


def show_replay(console: Console, report: Mapping[str, Any], *, digest: str) -> None:
    """The difference, by what changes and for whom."""
    counts = _transfers(report)
    changed = sum(row["transfers"] for row in report["differences"])
    head = Text(f"{report['counted']:,} transfers", "bold")
    head.append(f", {changed:,} would have had another answer", "default")
    console.print(head)
    _not_replayable(console, report)
    told = [f"{counts[name]:,} {words}" for name, words in TRANSFERS if counts[name]]
    console.print("transfers: " + (", ".join(told) or "none changes its verdict"), highlight=False)
    _parties(console, report)
    _fields(console, report)
    _others(console, report["differences"])
    _corpus(console, report["corpus"])
    wider = widens(report)
    said = "something widens" if wider else "nothing widens"
    console.print(Text(said, "bold red" if wider else "bold green"))
    console.print(f"report {digest}", highlight=False, soft_wrap=True)


def _not_replayable(console: Console, report: Mapping[str, Any]) -> None:
    if unknown(report):
        lost = report["not_replayable"]
        console.print(
            f"not replayed: {lost['older']:,} of an older version without a question, "
            f"{lost['bundle']:,} without their bundle, {lost['question']:,} without their question",
            style="yellow",
            highlight=False,
        )


def _transfers(report: Mapping[str, Any]) -> Counter[str]:
    found: Counter[str] = Counter()
    for row in report["differences"]:
        for change in row["changes"]:
            what, _, way = change["kind"].partition(".")
            if what == "transfer":
                found[way] += row["transfers"]
                if change["before"] == "pending":
                    found["freed"] += row["transfers"]
    return found


def _parties(console: Console, report: Mapping[str, Any]) -> None:
    for name in ("sender", "recipient", "purpose"):
        found = totals(report, by=_by(name))
        if not found:
            continue
        table = Table(box=None, padding=(0, 1), expand=False)
        table.add_column(name, overflow="fold", style="bold")
        for title in ("allowed", "refused", "held", "fields +", "looser", "stricter", "fields -"):
            table.add_column(title, justify="right", no_wrap=True)
        for who, counts in sorted(found.items())[:ROWS]:
            numbers = [counts[f"transfer.{way}"] for way, _ in TRANSFERS[:3]]
            numbers += [counts[f"field.{way}"] for way in FIELDS]
            table.add_row(who, *(f"{number:,}" if number else "" for number in numbers))
        console.print(table)
        _more(console, len(found))


def _by(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda row: str(row[name])


def _fields(console: Console, report: Mapping[str, Any]) -> None:
    found: Counter[tuple[str, str, str, str]] = Counter()
    for row in report["differences"]:
        for one in row["changes"]:
            if one["kind"].startswith("field."):
                found[one["name"], one["kind"][6:], one["before"], one["after"]] += row["transfers"]
    if not found:
        return
    table = Table(box=None, padding=(0, 1), expand=False)
    for title in ("field", "change", "left as", "would leave as"):
        table.add_column(title, overflow="fold")
    table.add_column("transfers", justify="right")
    for (name, way, before, after), count in sorted(found.items())[:ROWS]:
        style = "red" if way in ("gained", "widened") else "green"
        table.add_row(name, Text(way, style), before, after, f"{count:,}")
    console.print(table)
    _more(console, len(found))


def _others(console: Console, rows: list[dict[str, Any]]) -> None:
    for kind, words in OTHERS:
        found: Counter[str] = Counter()
        for row in rows:
            for one in row["changes"]:
                if one["kind"] == kind:
                    moved = f" {one['before']} > {one['after']}" if one["before"] else ""
                    found[f"{one['name']}{moved}".strip()] += row["transfers"]
        if found:
            told = ", ".join(f"{name} ({count:,})" for name, count in sorted(found.items())[:ROWS])
            console.print(Text(f"{words}: ", style="bold").append(told, "default"))


def _corpus(console: Console, corpus: Mapping[str, Any]) -> None:
    if not corpus["tried"]:
        return
    told = f"{corpus['tried']:,} invented questions: {corpus['widened']:,} widen"
    console.print(told, style="red" if corpus["widened"] else "default", highlight=False)
    wider = [one for one in corpus["differences"] if one["widens"]]
    for one in wider[:ROWS]:
        moved = f" {one['before']} > {one['after']}" if one["before"] or one["after"] else ""
        console.print(f"  {one['kind']} {one['name']}{moved} ({one['cases']:,})", highlight=False)
    _more(console, len(wider))


def _more(console: Console, count: int) -> None:
    if count > ROWS:
        console.print(f"  and {count - ROWS:,} more: see the report", style="dim")


def show_redecided(console: Console, found: Redecided) -> None:
    """Identical, or what differs and where."""
    console.print(
        f"{found.compared:,} of {found.counted:,} decisions compared, "
        f"{found.not_replayable:,} not replayable",
        highlight=False,
    )
    for one in found.differences:
        console.print(
            f"  {one['what']}: {one['transfers']:,} transfers, the first is entry {one['first']}",
            highlight=False,
        )
    console.print(
        Text("identical", "bold green")
        if not found.different
        else Text(f"{found.different:,} differences", "bold red")
    )


def show_diff(console: Console, found: Mapping[str, Any]) -> None:
    """Rego as text, tables by path."""
    if not found["files"] and not found["tables"]:
        console.print("the same bundle")
    for file in found["files"]:
        for line in file["diff"]:
            style = {"+": "green", "-": "red"}.get(line[:1], "default")
            console.print(Text(line, style))
    for one in found["tables"]:
        mark = Text("weaker ", "bold red") if one["weaker"] else Text("")
        mark.append(f"{one['path']}: {_short(one['before'])} > {_short(one['after'])}", "default")
        console.print(mark)


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
