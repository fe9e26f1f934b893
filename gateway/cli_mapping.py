"""`corridor mapping`: for whoever writes or reviews a mapping."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import orjson
import typer
from rich.console import Console
from rich.text import Text

from gateway.adapter import named
from gateway.errors import OfficerError, RecipientError
from gateway.mapping.explain import Explained, explain
from gateway.mapping.nodes import Plan
from gateway.mapping.sampled import Sampled, sampled
from gateway.mapping.table import examined
from gateway.show import told

mapping = typer.Typer(help="Mappings.", no_args_is_help=True)


@mapping.callback()
def _group() -> None:
    """Mappings."""


MappingFile = Annotated[Path, typer.Argument(metavar="MAPPING", help="The file.", dir_okay=False)]
SampleFile = Annotated[
    Path | None, typer.Option("--sample", help="A payload to try it on.", dir_okay=False)
]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@mapping.command()
@told
def check(file: MappingFile, sample: SampleFile = None, json: Json = False) -> None:
    """Read a mapping, explain it line by line, and try it on a sample.

    Exits 1 where it has a fault or an open question, or where a sample would be refused.
    """
    _, plan, faults = examined(_content(file), at=file.name)
    if plan is None:
        _tell_faults(faults, as_json=json)
        raise typer.Exit(1)
    explained = explain(plan)
    tried = _tried(plan, sample) if sample else None
    if json:
        _print({"mapping": _head(plan), "faults": [], **_said(explained), **_outcome(tried)})
    else:
        _show(plan, explained, tried)
    raise typer.Exit(1 if explained.questions or (tried and not tried.fits) else 0)


def _tried(plan: Plan, sample: Path) -> Sampled:
    adapter = named(plan.format)
    with _opened(sample) as content:
        return sampled(plan, lambda watched, reading: adapter.parse(content, watched, reading))


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        content = path.open("rb")
    except OSError:
        raise RecipientError("cannot be read", rule="payload.unreadable", at="--sample") from None
    with content:
        yield content


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise OfficerError("cannot be read", rule="document.unreadable", at=path.name) from None


def _head(plan: Plan) -> dict[str, Any]:
    return {"id": plan.id, "version": plan.version, "format": plan.format, "digest": plan.digest}


def _said(explained: Explained) -> dict[str, Any]:
    return {
        "lines": [asdict(line) for line in explained.lines],
        "not_filled": explained.not_filled,
        "open": explained.questions,
        "left": explained.left,
    }


def _outcome(tried: Sampled | None) -> dict[str, Any]:
    if tried is None:
        return {}
    error = tried.error
    return {
        "sample": {
            "records": tried.records,
            "error": error and {"problem": error.problem, "rule": error.rule, "at": error.at},
            "refused": [
                {"leaf": leaf, "source": source, "rule": rule, "count": count}
                for (leaf, source, rule), count in sorted(tried.refused.items())
            ],
            "broken": [
                {"at": at, "rule": rule, "count": count}
                for (at, rule), count in sorted(tried.broken.items())
            ],
            "unmapped": tried.unmapped,
            "never_filled": tried.never,
        }
    }


def _print(value: Any) -> None:
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")
    sys.stdout.buffer.flush()


def _tell_faults(faults: list[OfficerError], *, as_json: bool) -> None:
    if as_json:
        listed = [{"problem": one.problem, "rule": one.rule, "at": one.at} for one in faults]
        _print({"mapping": None, "faults": listed})
        return
    for one in faults:
        typer.echo(f"{one.at}: {one.problem} ({one.rule})")


def _show(plan: Plan, explained: Explained, tried: Sampled | None) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(f"{plan.id} {plan.version}, for {plan.format}", "bold"))
    lossy: dict[str, list[str]] = {}
    for line in explained.lines:
        about = ", ".join(filter(None, (line.converter, line.codes, line.when and _if(line.when))))
        sources = f" <- {' | '.join(line.sources)}" if line.sources else ""
        console.print(Text(f"  {line.leaf}{sources}").append(f"  ({about})", "dim"))
        if line.why:
            lossy.setdefault(f"{line.back}: {line.why}", []).append(line.leaf)
    if lossy:
        console.print(Text("not all of these can be written back:", "bold"))
    for why, names in lossy.items():
        console.print(Text(f"  {why}: ", "yellow").append(_short(names), "default"))
    for record_type, unfilled in explained.not_filled.items():
        _list(console, f"{record_type}: not filled", unfilled)
    _list(console, "left out on purpose", explained.left)
    for one in explained.questions:
        console.print(Text(f"question about {one['source']}: ", "yellow").append(one["question"]))
        _list(console, "  perhaps", one.get("candidates", ()))
    if tried is not None:
        _show_sample(console, tried)


def _if(path: str) -> str:
    return f"only by {path}"


def _short(names: list[str]) -> str:
    distinct = list(dict.fromkeys(names))
    shown = ", ".join(distinct[:SHOWN])
    return f"{shown} and {len(distinct) - SHOWN} more" if len(distinct) > SHOWN else shown


SHOWN = 8
"""Names on one line; `--json` has all of them."""


def _show_sample(console: Console, tried: Sampled) -> None:
    counted = ", ".join(f"{count} {kind}" for kind, count in sorted(tried.records.items()))
    console.print(Text("sample: ", "bold").append(counted or "no records"))
    for (leaf, source, rule), count in sorted(tried.refused.items()):
        console.print(Text(f"refused {count} times: {leaf} from {source} ({rule})", "red"))
    for (at, rule), count in sorted(tried.broken.items()):
        console.print(Text(f"breaks the schema {count} times: {at} ({rule})", "red"))
    if tried.error is not None:
        console.print(Text(f"the reading stopped: {tried.error} ({tried.error.rule})", "red"))
    _list(console, "source fields nobody mapped", tried.unmapped)
    _list(console, "never filled", tried.never)


def _list(console: Console, title: str, names: Any) -> None:
    if names:
        console.print(Text(f"{title}: ", "bold").append(", ".join(names), "default"))
