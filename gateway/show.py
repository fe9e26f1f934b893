"""What a terminal of 80 columns is shown: tables, and an error as one line."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.errors import CorridorError

STYLE = {"released": "green", "held": "yellow", "refused": "red"}
REASONS = {
    "agreement": "not in the agreement",
    "purpose": "not needed for the purpose",
    "max_form": "too identifying",
    "always": "never leaves",
    "objection": "the record stays",
    "local": "the operator's own policy",
    "pending": "a person must decide",
}


def show_details(
    console: Console, outcome: str, details: Mapping[str, Any], *, transfer: str = ""
) -> None:
    """What crossed, what stayed, and why."""
    head = Text.assemble((outcome.upper(), f"bold {STYLE[outcome]}"))
    counts = details["records"]
    head.append(f"  {counts['released']} of {counts['read']} records")
    if transfer:
        head.append(f"  {transfer}", style="dim")
    console.print(head)
    if details["objections"] or details["pending"]:
        console.print(_reasons(details))
    if details["fields"]:
        console.print(_fields(details["fields"]))
    for name, title in (
        ("held_back", "records held back"),
        ("unmapped", "source fields nobody mapped"),
        ("unrendered", "not carried by the target format"),
        ("repeated", "repeated in the source"),
        ("obligations", "the recipient must"),
    ):
        if details[name]:
            console.print(Text(f"{title}: ", style="bold").append(_short(details[name]), "default"))
    if faults := details.get("faults"):
        title = f"{faults['count']} left out, not sound: "
        listed = _short([_fault(one) for one in faults["first"]])
        console.print(Text(title, style="bold").append(listed, "default"))


def _fault(one: Mapping[str, Any]) -> str:
    """A fault of one record; behind the last one without a number, nothing can be read."""
    place = f"record {one['record']}" if "record" in one else "the rest"
    return " ".join(filter(None, (place, one["rule"], f"({one['at']})" if "at" in one else "")))


def _reasons(details: Mapping[str, Any]) -> Table:
    table = Table(box=None, padding=(0, 1), show_header=True, expand=False)
    table.add_column("rule", style="red", overflow="fold", max_width=34)
    table.add_column("what would change it", overflow="fold")
    for one in details["objections"]:
        table.add_row(one["rule"], one["fix"])
    for one in details["pending"]:
        table.add_row(Text(one["decision"], style="yellow"), f"a decision by {one['who']}")
    return table


def _fields(fields: Mapping[str, Mapping[str, str]]) -> Table:
    table = Table(box=None, padding=(0, 1), expand=False)
    table.add_column("field", style="bold")
    table.add_column("leaves as")
    table.add_column("or stays, because")
    left = {name: one for name, one in fields.items() if "reason" not in one}
    for name, one in sorted(left.items()):
        table.add_row(name, Text(one["form"], style="green"), "")
    for name, one in sorted(fields.items()):
        if name not in left:
            table.add_row(
                name, Text("stays", style="red"), REASONS.get(one["reason"], one["reason"])
            )
    return table


def _short(value: Any) -> str:
    names = [f"{key} ({n})" for key, n in value.items()] if isinstance(value, dict) else value
    shown = ", ".join(names[:6])
    return f"{shown} and {len(names) - 6} more" if len(names) > 6 else shown


Command = TypeVar("Command", bound=Callable[..., None])


def told(command: Command) -> Command:
    """Print an error of ours as one line and exit 1. No trace: it could quote a value."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except CorridorError as error:
            fail(error)

    return run  # type: ignore[return-value] # the same command, wrapped


def fail(error: CorridorError) -> NoReturn:
    """Exit 1 with the problem, the place and the rule; and each record that is not sound."""
    console = Console(stderr=True, highlight=False)
    console.print(f"corridor: {error} ({error.rule})", markup=False)
    if len(error.faults) > 1:
        for one in error.faults:
            console.print(f"  {_fault(one)}", markup=False)
    raise typer.Exit(1)
