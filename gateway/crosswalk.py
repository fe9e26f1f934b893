"""docs/crosswalks/*.md: what becomes of each field on the way from one system to another.

A page has one or more `corridor exchange` commands. Below each stands a table, between two
marks, that is made by walking the same way: the payload the command names, the mappings, the
policies and the formats of deploy/crosswalks. Nothing is written into it by hand.

    python -m gateway.crosswalk            # writes the tables
    python -m gateway.crosswalk --check    # exit 1 where a page is not what it would write
"""

import asyncio
import re
import shlex
import shutil
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gateway import session
from gateway.adapter import named
from gateway.content import Content
from gateway.demo import prepare
from gateway.errors import OfficerError
from gateway.exchange import judge
from gateway.mapping import Plan
from gateway.record import Reading
from gateway.show import REASONS
from gateway.terms import Asked, Terms, plan_of, terms_of

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "crosswalks"
DEPLOYMENT = "deploy/crosswalks"

BEGIN = "<!-- made by python -m gateway.crosswalk -->\n"
END = "<!-- end -->\n"
_STEP = re.compile(
    rf"^```sh\n(?P<script>[^`]*?corridor exchange [^`]*?)^```\n(?P<between>(?:(?!^```).)*?)"
    rf"^{re.escape(BEGIN)}.*?^{re.escape(END)}",
    re.MULTILINE | re.DOTALL,
)
_DEFAULT = re.compile(r"\$\{[A-Z_]+:-([^}]*)\}")
"""`${PAYLOAD:-FILE}`: the reader may put another payload there."""
_STRUCTURAL = (".record_type", ".schema_version")
_SAID = ("agreement", "purpose", "format", "into", "basis", "to", "from", "mapping")


@dataclass(frozen=True, slots=True)
class Step:
    """One `corridor exchange` of a page."""

    payload: str
    options: Mapping[str, str]

    @classmethod
    def of(cls, script: str) -> "Step":
        """Read from the lines of a shell block. Raises `OfficerError` for an option twice."""
        words = shlex.split(_DEFAULT.sub(r"\1", script.replace("\\\n", " ")))
        words = words[words.index("exchange") + 1 :]
        names = [word[2:] for word in words if word.startswith("--")]
        if len(set(names)) != len(names):
            raise OfficerError("an option stands twice", rule="crosswalk.option_twice")
        values = {
            word[2:]: words[place + 1] for place, word in enumerate(words) if word[:2] == "--"
        }
        return cls(words[0], values)

    @property
    def asked(self) -> Asked:
        """What the command asks the gateway for."""
        told = {name: self.options.get(name) for name in _SAID}
        return Asked(
            told["from"], told["to"], told["agreement"], told["purpose"], told["basis"],
            told["format"], told["into"], "return", told["mapping"],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """What becomes of one canonical leaf, or of a source field that becomes none."""

    leaf: str
    source: str
    form: str
    """How its field leaves; empty where it does not."""
    target: str
    """Where it is written; empty where it is lost."""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Walked:
    """What one step came to."""

    lines: tuple[Line, ...]
    details: Mapping[str, Any]
    released: bytes = field(repr=False)


def walk(page: str, here: Path) -> Iterator[Walked]:
    """Every step of a page, in order, in a folder that has the deployment. Nothing is logged."""
    for found in _STEP.finditer(page):
        yield asyncio.run(_walked(Step.of(found["script"]), here))


async def _walked(step: Step, here: Path) -> Walked:
    async with session.opened(here / step.options["deployment"]) as gateway:
        terms = terms_of(step.asked, gateway.deployment, gateway.known)
        payload = here / step.payload
        judged = await judge(terms, payload, gateway)
        if judged.written is None:
            raise OfficerError("the transfer is not released", rule="crosswalk.not_released")
        released = judged.written.spool.read()
        judged.close()
        (here / step.options["out"]).write_bytes(released)
        plan = plan_of(terms.mapping, gateway.deployment)
        left = plan.left if plan else frozenset()
        lines = lines_of(judged.details, _read(terms, payload, plan), left)
        return Walked(tuple(lines), judged.details, released)


def _read(terms: Terms, payload: Path, plan: Plan | None) -> Mapping[str, str]:
    """Where each leaf is read from, those that stay behind too."""
    reading = Reading()
    with Content(payload).opened() as file:
        for _ in named(terms.source).parse(file, plan, reading):
            pass
    return reading.lineage


def lines_of(
    details: Mapping[str, Any], read: Mapping[str, str], left: Collection[str]
) -> Iterator[Line]:
    """One line for each leaf that was read or written, then the source fields nobody maps.

    `left` are paths that the mapping leaves out on purpose.
    """
    fields = details["fields"]
    written = {one["field"]: one for one in details["lineage"]}
    leaves = {*read, *written, *details["unrendered"]}
    for leaf in sorted(one for one in leaves if not one.endswith(_STRUCTURAL)):
        name = ".".join(leaf.replace("[]", "").split(".")[:2])
        how = fields.get(name, {"form": "keep"})
        source = written.get(leaf, {"source": read.get(leaf, "")})["source"]
        if "reason" in how:
            yield Line(leaf, source, "", "", REASONS.get(how["reason"], how["reason"]))
        elif leaf in written:
            yield Line(leaf, source, how["form"], written[leaf]["target"])
        elif leaf in details["unrendered"]:
            yield Line(leaf, source, how["form"], "", "the target format has no place for it")
        else:
            yield Line(leaf, source, how["form"], "", "made coarser, or empty in this payload")
    for path in details["unmapped"]:
        why = "left out on purpose" if path in left else "nothing reads it"
        yield Line("", path, "", "", why)


def table(walked: Walked) -> str:
    """What was found, as Markdown."""
    kept = [line for line in walked.lines if line.target]
    lost = [line for line in walked.lines if not line.target]
    records = walked.details["records"]
    text = [
        f"{records['released']} of {records['read']} records of the payload leave. "
        f"{len(kept)} leaves are carried, {len(lost)} are lost.\n",
        "| read from | canonical field | leaves as | written to |",
        "|---|---|---|---|",
        *(_row(_code(one.source), _code(one.leaf), one.form, _code(one.target)) for one in kept),
    ]
    if lost:
        text += [
            "\nLost:\n",
            "| read from | canonical field | because |",
            "|---|---|---|",
            *(_row(_code(one.source), _code(one.leaf), one.why) for one in lost),
        ]
    return "\n".join(text) + "\n"


def _code(text: str) -> str:
    return f"`{text}`" if text else "–"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def made(page: str, here: Path) -> str:
    """The page with its tables as they are now."""
    steps = walk(page, here)

    def replaced(found: re.Match[str]) -> str:
        head = found.group()[: found.group().index(BEGIN)]
        return f"{head}{BEGIN}\n{table(next(steps))}\n{END}"

    return _STEP.sub(replaced, page)


def main(arguments: Sequence[str]) -> int:
    """Write the pages' tables, or with `--check` say whether they are current."""
    if list(arguments) not in ([], ["--check"]):
        sys.stderr.write("usage: python -m gateway.crosswalk [--check]\n")
        return 2
    stale = 0
    for path in sorted(PAGES.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        with TemporaryDirectory() as folder:
            new = made(text, laid_out(Path(folder)))
        if not arguments:
            path.write_text(new, encoding="utf-8")
        elif new != text:
            stale += 1
            sys.stdout.write(
                f"docs/crosswalks/{path.name} is not current: python -m gateway.crosswalk\n"
            )
    if not stale:
        sys.stdout.write("docs/crosswalks are current\n")
    return 1 if stale else 0


def laid_out(folder: Path) -> Path:
    """A folder with the deployment, its keys and an empty log."""
    place = folder / DEPLOYMENT
    shutil.copytree(ROOT / DEPLOYMENT, place, ignore=shutil.ignore_patterns("keys", "data"))
    prepare(place)
    return folder


if __name__ == "__main__":  # pragma: no cover
    sys.exit(main(sys.argv[1:]))
