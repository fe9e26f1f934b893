"""`corridor rights`: requests of people about their own data. Who they are is never an argument."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from gateway.errors import OfficerError
from gateway.moments import now_ms
from gateway.show import told

if TYPE_CHECKING:
    from gateway.subjects.found import Shared
    from gateway.subjects.requests import Case, Office
    from gateway.subjects.rights import Person

rights = typer.Typer(help="Requests of people about their own data.", no_args_is_help=True)

Folder = Annotated[Path, typer.Option("--deployment", "-d", help="Folder of the deployment.")]
Party = Annotated[str, typer.Option("--from", help="The party whose records these are.")]
RecordIds = Annotated[
    Path,
    typer.Option(
        "--record-id",
        help="A file with the person's record ids, one a line; `-` reads them from standard"
        " input. Never the id itself: commands are remembered.",
    ),
]
By = Annotated[str, typer.Option("--as", help="The officer who answers.")]
CaseId = Annotated[str, typer.Option("--case", help="A case that was received before.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Recall = Annotated[bool, typer.Option("--recall", help="Ask the recipients to delete as well.")]
Transfer = Annotated[str, typer.Option("--transfer", help="The transfer's id.")]
Work = Callable[["Office", "Case", "Person"], "list[Shared]"]

MAX_BYTES = 64 * 1024
"""Of record ids: a hundred, each as long as one may be."""


@contextmanager
def _office(directory: Path, by: str) -> Iterator["Office"]:
    from gateway.deployment import read_deployment, read_keys
    from gateway.log import Log
    from gateway.subjects.requests import Office

    held = read_deployment(directory)
    name = held.settings.gateway.name
    with Log.open(held.data, key=read_keys(directory).log, gateway=name) as log:
        yield Office(log, held, by)


def _person(directory: Path, office: "Office", party: str, record_ids: Path) -> "Person":
    from gateway.deployment import read_keys
    from gateway.subjects.rights import Person

    if party not in office.deployment.parties:
        raise OfficerError("no such party", rule="party.unknown", at="--from")
    return Person.of(read_keys(directory), party, _lines(record_ids))


def _lines(path: Path) -> list[str]:
    try:
        if str(path) == "-":
            content = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        text = content.decode()
    except (OSError, UnicodeDecodeError):
        # The name of the file may be the id, given by mistake: it is not repeated.
        raise OfficerError("cannot be read", rule="rights.unreadable", at="--record-id") from None
    if len(content) > MAX_BYTES:
        raise OfficerError("too long", rule="rights.record_id", at="--record-id")
    return [line.strip() for line in text.splitlines() if line.strip()]


def _answer(
    what: str, directory: Path, party: str, ids: Path, by: str, case: str, json: bool, work: Work
) -> None:
    with _office(directory, by) as office:
        person = _person(directory, office, party, ids)
        held = office.case(case, what) if case else office.receive(what, now_ms())
        found = work(office, held, person)
        _print(held.id, [one.told() for one in found], json)


def _print(case: str, found: list[dict[str, Any]], json: bool) -> None:
    if json:
        _json({"case": case, "transfers": found})
        return
    console = Console()
    console.print(f"case {case}: {len(found)} transfers", highlight=False)
    names = ("transfer", "when", "recipient", "purpose", "keep_until", "copies")
    table = Table(box=None, padding=(0, 1))
    for name in names:
        table.add_column(name.replace("_", " "), overflow="fold")
    for one in found:
        table.add_row(*(one[name] for name in names))
    console.print(table)


def _json(value: Any) -> None:
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")
    sys.stdout.buffer.flush()


@rights.command()
@told
def receive(
    right: Annotated[str, typer.Argument(metavar="RIGHT", help="access, erasure, ...")],
    deployment: Folder,
    by: By,
) -> None:
    """Write down that somebody asks. Nobody is told anything before they are identified."""
    with _office(deployment, by) as office:
        typer.echo(office.receive(right, now_ms()).id)


@rights.command()
@told
def access(
    deployment: Folder, party: Party, record_id: RecordIds, by: By, case: CaseId = "",
    json: Json = False,
) -> None:  # fmt: skip
    """What of a person was shared, with whom, why, until when. They proved who they are."""
    from gateway.subjects.rights import access as work

    _answer("access", deployment, party, record_id, by, case, json, work)


@rights.command()
@told
def erase(
    deployment: Folder, party: Party, record_id: RecordIds, by: By, case: CaseId = "",
    json: Json = False,
) -> None:  # fmt: skip
    """Destroy what finds the person in the log, and ask the recipients to delete."""
    from gateway.subjects.rights import erase as work

    _answer("erasure", deployment, party, record_id, by, case, json, work)


def _stopping(what: str, reason: str) -> Callable[..., None]:
    def command(
        deployment: Folder, party: Party, record_id: RecordIds, by: By, case: CaseId = "",
        recall: Recall = False, json: Json = False,
    ) -> None:  # fmt: skip
        from gateway.subjects import rights as done

        def work(office: "Office", held: "Case", person: "Person") -> "list[Shared]":
            act = done.correct if what == "correction" else done.stop
            found = act(office, held, person)
            if recall:
                done.ask_back(office, found, reason)
            return found

        _answer(what, deployment, party, record_id, by, case, json, work)

    return told(command)


for _name, _what, _reason, _help in (
    ("object", "objection", "objection", "Nothing of the person leaves any more, from now on."),
    ("restrict", "restriction", "objection", "The same, until the restriction is lifted."),
    ("withdraw", "withdrawal", "consent_withdrawn", "The same: the person takes consent back."),
    ("correct", "correction", "wrong_data", "Who must be told of a correction."),
):
    rights.command(name=_name, help=_help)(_stopping(_what, _reason))


@rights.command()
@told
def close(
    deployment: Folder,
    by: By,
    case: Annotated[str, typer.Option("--case", help="The case.")],
    party: Annotated[str, typer.Option("--from", help="With --record-id: lift the stop.")] = "",
    record_id: Annotated[
        Path | None, typer.Option("--record-id", help="The person's record ids: a file, or `-`.")
    ] = None,
) -> None:
    """End a case. A stop goes on, unless the person's record ids are given."""
    from gateway.subjects.rights import lift

    with _office(deployment, by) as office:
        held = office.case(case)
        if held.what == "complaint" and held.state == "received":
            office.step(held, "answered")
        if record_id is None:
            office.step(held, "closed")
        else:
            lift(office, held, _person(deployment, office, party, record_id))


@rights.command()
@told
def refuse(
    deployment: Folder,
    by: By,
    case: Annotated[str, typer.Option("--case", help="The case.")],
    reason: Annotated[str, typer.Option("--reason", help="One of the reasons in operators.md.")],
) -> None:
    """Refuse a request, with the reason that is told to the person."""
    with _office(deployment, by) as office:
        office.refuse(office.case(case), reason)


@rights.command(name="list")
@told
def list_cases(deployment: Folder, json: Json = False) -> None:
    """Every request, how far it is, and whether it is late."""
    from gateway.subjects.requests import cases

    with _office(deployment, "") as office:
        now = now_ms()
        rows = [
            {"case": one.id, "what": one.what, "state": one.state, "due": one.due,
             "late": one.late(now), "reason": one.reason}
            for one in cases(office.log).values()
        ]  # fmt: skip
    if json:
        return _json(rows)
    for row in rows:
        late = "  late" if row["late"] else ""
        typer.echo(f"{row['case']}  {row['what']}  {row['state']}{late}")


@rights.command()
@told
def prove(
    deployment: Folder,
    party: Party,
    record_id: RecordIds,
    transfer: Transfer,
    by: By,
    out: Annotated[Path, typer.Option("--out", help="Where the proof goes.", dir_okay=False)],
) -> None:
    """Write the proof that one record was in a transfer. Give it only to who may have it."""
    from gateway.subjects import proof
    from gateway.subjects.rights import looked

    with _office(deployment, by) as office:
        [token] = _person(deployment, office, party, record_id).tokens[:1]
        looked(office, 1)
        made = proof.prove(office.log, transfer, token)
    try:
        out.touch(mode=0o600, exist_ok=False)
        out.write_bytes(made)
    except OSError:
        raise OfficerError("cannot be written", rule="out.unwritable", at="--out") from None


@rights.command(name="open")
@told
def open_(
    proof_file: Annotated[Path, typer.Argument(metavar="PROOF", dir_okay=False)],
    record: Annotated[Path, typer.Option("--record", help="The record that left, as JSON.")],
    key: Annotated[Path, typer.Option("--key", help="The log's public key, got by another way.")],
) -> None:
    """Check a proof with the record and the log's public key alone."""
    from gateway.deployment import read_key
    from gateway.subjects.proof import open_proof

    try:
        body, held = proof_file.read_bytes(), orjson.loads(record.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        raise OfficerError("cannot be read", rule="rights.unreadable", at="--record") from None
    opened = open_proof(body, held, vkey=read_key(key).strip())
    typer.echo(f"the record was in transfer {opened.entry['id']}, entry {opened.index}")
