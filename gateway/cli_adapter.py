"""`corridor adapter`: for people who teach the gateway a format."""

import importlib.util
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.adapter import Answering, named, outcomes
from gateway.errors import OfficerError
from gateway.kit import EXAMPLES
from gateway.kit.skeleton import NAME, make
from gateway.kit.subject import (
    Subject,
    folder_subjects,
    installed_subject,
    installed_subjects,
)
from gateway.show import told

adapter = typer.Typer(
    help="Adapters: what is installed, a new one, the standard suite.", no_args_is_help=True
)

Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@adapter.command(name="list")
@told
def list_adapters(json: Json = False) -> None:
    """Name, version, media type, record types and package of every installed adapter."""
    found = [_described(subject) for subject in installed_subjects()]
    if json:
        _print_json(found)
        return
    table = Table(box=None, padding=(0, 1), expand=False)
    table.add_column("name", no_wrap=True)
    for title, least in (("version", 7), ("writes", 22), ("record types", 12), ("package", 8)):
        table.add_column(title, overflow="fold", min_width=least)
    for one in found:
        types = one["record_types"]
        shown = "by mapping" if types is None else ", ".join(types)
        table.add_row(one["name"], one["version"], one["media_type"], shown, one["package"])
    Console().print(table)


def _described(subject: Subject) -> dict[str, Any]:
    one = subject.adapter
    return {
        "name": one.name,
        "version": one.version,
        "media_type": one.media_type,
        "record_types": None if one.record_types is None else sorted(one.record_types),
        "package": subject.package,
    }


@adapter.command()
@told
def new(
    name: Annotated[str, typer.Argument(help="Name of the format: lower case, digits, _.")],
    into: Annotated[
        Path, typer.Option("--into", help="Folder to make it in.", file_okay=False)
    ] = Path(),
) -> None:
    """Write a package that works: edit it until it reads your format."""
    if not NAME.fullmatch(name):
        raise typer.BadParameter("lower case letters, digits and _, beginning with a letter")
    if any(subject.entry == name for subject in installed_subjects()):
        raise typer.BadParameter("an adapter of this name is installed")
    folder = make(name, into)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        typer.echo(f"made {path.relative_to(into).as_posix()}")
    typer.echo(f"next: corridor adapter check ./{folder.as_posix()}")


@adapter.command()
@told
def answer(
    name: Annotated[str, typer.Argument(help="Format that was delivered.")],
    file: Annotated[
        Path,
        typer.Argument(metavar="ANSWER", help="The body.", exists=True, dir_okay=False),
    ],
    sent: Annotated[int, typer.Option("--sent", min=0, help="How many objects were sent.")],
    json: Json = False,
) -> None:
    """Say what a server's answer means for each object that was delivered by hand.

    Exits 1 unless every one was accepted. What an answer does not say clearly is unknown.
    """
    adapter_ = named(name)
    if not isinstance(adapter_, Answering):
        raise OfficerError("no answers are understood", rule="adapter.no_answers", at=name)
    found = outcomes(adapter_, file.read_bytes(), sent)
    counts = Counter(one.state for one in found)
    if json:
        _print_json([asdict(one) for one in found])
    else:
        table = Table(box=None, padding=(0, 1), expand=False)
        for title in ("object", "state", "code", "at"):
            table.add_column(title, overflow="fold")
        for one in found:
            place = "all" if one.index is None else str(one.index + 1)
            table.add_row(place, one.state, Text(one.code or ""), Text(one.at or ""))
        Console().print(table)
        typer.echo(", ".join(f"{state} {number}" for state, number in sorted(counts.items())))
    raise typer.Exit(0 if set(counts) == {"accepted"} else 1)


@adapter.command()
@told
def check(
    which: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="An installed adapter, or ./FOLDER of a package.",
            show_default=False,
        ),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every installed adapter.")] = False,
    json: Json = False,
    samples: Annotated[
        Path | None,
        typer.Option("--samples", help="Instead of the package's own samples.", file_okay=False),
    ] = None,
    examples: Annotated[
        int, typer.Option("--examples", help="Generated and damaged examples.", min=1, max=10_000)
    ] = EXAMPLES,
) -> None:
    """Run the standard suite. Exits 1 when it finds something."""
    if (which is None) is not all_:
        raise typer.BadParameter("either NAME or --all")
    if importlib.util.find_spec("hypothesis") is None:
        raise typer.BadParameter("the suite needs hypothesis: pip install 'corridor[kit]'")
    from hypothesis.configuration import set_hypothesis_home_dir

    from gateway.kit.suite import examine

    with tempfile.TemporaryDirectory() as scratch:
        # Otherwise it leaves a folder of its own wherever the command is run.
        set_hypothesis_home_dir(scratch)
        reports = examine(_subjects(which, samples), examples=examples)
        code = _print_reports(reports) if json else _show(reports)
    raise typer.Exit(code)


def _subjects(which: str | None, samples: Path | None) -> Iterable[Subject]:
    if which is None:
        return list(installed_subjects(samples))
    if "/" in which or which == ".":
        return folder_subjects(Path(which), samples)
    return [installed_subject(which, samples)]


def _print_reports(reports: Iterable[Any]) -> int:
    found = [report.told() for report in reports]
    _print_json(found)
    return 1 if any(one["findings"] for one in found) else 0


def _show(reports: Iterable[Any]) -> int:
    console = Console(highlight=False)
    found = 0
    for report in reports:
        console.print(Text(report.subject.entry, style="bold"))
        for direction, losses in (("parse", "unmapped"), ("render", "unrendered")):
            told = report.told()[direction]
            line = f"  {direction:7} {told['samples']} samples, {told['records']} records, "
            line += f"{told['fields']} fields mapped, {len(told[losses])} {losses}"
            console.print(line, markup=False)
        for one in report.findings:
            _finding(console, one)
        found += len(report.findings)
    console.print("no findings" if not found else f"{found} findings")
    return 1 if found else 0


def _finding(console: Console, one: Any) -> None:
    detail = f" ({one.detail})" if one.detail else ""
    head = Text.assemble("  ", (one.rule, "bold red"), f" at {one.at}{detail}")
    console.print(head, soft_wrap=True)
    console.print(f"    {one.meaning}", markup=False, soft_wrap=True)
    console.print(f"    mend: {one.mend}", markup=False, soft_wrap=True)


def _print_json(value: Any) -> None:
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")
