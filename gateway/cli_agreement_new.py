"""`corridor agreement new`: the questions in a terminal, or answered from a file."""

from collections.abc import Mapping
from pathlib import Path

import typer
from rich.console import Console
from rich.prompt import Prompt
from rich.table import Table

from gateway.agreement_form import Ask, Query, fits
from gateway.document import parse_yaml
from gateway.errors import OfficerError


def asked_in(console: Console) -> Ask:
    """Ask a person until the answer fits. Every question says why it is asked."""

    def ask(query: Query) -> str:
        console.print(f"\n[bold]{query.text}[/]", highlight=False)
        console.print(f"  {query.why}", style="dim", highlight=False)
        if query.choices:
            console.print(_choices(query))
        while True:
            said = Prompt.ask("  several, with commas" if query.many else "  answer",
                              console=console, default=query.default)  # fmt: skip
            if said is not None and fits(query, said):
                return said
            console.print("  That is none of the answers." if query.choices else
                          "  That has not the form that is asked for.", style="red")  # fmt: skip

    return ask


def _choices(query: Query) -> Table | str:
    if query.labels is None:
        return f"  one of: {', '.join(query.choices)}"
    table = Table(box=None, padding=(0, 1), show_header=False)
    for one in query.choices:
        table.add_row("", one, query.labels[one])
    return table


class Answers:
    """Answers from a file, by the names of the questions."""

    def __init__(self, path: Path) -> None:
        try:
            held = parse_yaml(path.read_bytes(), at=path.name)
        except OSError:
            raise OfficerError("cannot be read", rule="answers.unreadable", at=path.name) from None
        if not isinstance(held, dict):
            raise OfficerError("names and answers", rule="answers.form", at=path.name)
        self._held: Mapping[str, object] = held
        self._name = path.name
        self._used: set[str] = set()

    def ask(self, query: Query) -> str:
        """The answer under the question's name, or the default where there is none."""
        self._used.add(query.key)
        said = self._held.get(query.key, query.default)
        if said is None:
            raise OfficerError("no answer", rule="answers.missing", at=f"{self._name}, {query.key}")
        text = ",".join(map(str, said)) if isinstance(said, list) else str(said)
        if not fits(query, text):
            problem = "none of the answers" if query.choices else "not the form that is asked for"
            raise OfficerError(problem, rule="answers.form", at=f"{self._name}, {query.key}")
        return text

    def check_used(self) -> None:
        """Refuse answers to questions that were not asked: one of them may be misspelled."""
        for key in self._held:
            if key not in self._used:
                # The key is what somebody wrote; how many lines down it stands says enough.
                number = list(self._held).index(key) + 1
                raise OfficerError(
                    "answers a question that was not asked", rule="answers.unknown",
                    at=f"{self._name}, answer {number}",
                )  # fmt: skip


def terminal() -> Console:
    """The terminal, where there is one to ask in. Raises a usage error otherwise."""
    console = Console(highlight=False)
    if not console.is_terminal:
        raise typer.BadParameter("no terminal to ask in: give --answers FILE")
    return console
