"""Kobo submissions to canonical records, beside reading and writing the same bytes.

    python -m bench.mapping [SUBMISSIONS]

The yardstick is `orjson.loads` and `orjson.dumps` of the whole page: what no exchange in Python
that looks at its content can do without. Ours is parsing and mapping, and drops each record
once it is made: of the page parsed as a whole, of the same submissions as lines parsed one by
one, as a stream is read, and by the adapter with its envelope. In turns, in this process;
medians.
"""

import io
import statistics
import sys
from pathlib import Path

import orjson

from adapters.kobo import Kobo
from bench.bulk import ROUNDS, timed
from bench.people import page
from gateway.mapping import Plan, read_mapping, reader_of
from gateway.record import Reading

MAPPING = (
    Path(__file__).resolve().parent.parent / "deploy/demo/mappings/hope-registration-kobo.yaml"
)


def whole(plan: Plan, content: bytes) -> int:
    """Records made of a page that is parsed at once."""
    read = reader_of(plan).read
    return sum(len(read(one, at="page")) for one in orjson.loads(content)["results"])


def by_line(plan: Plan, content: bytes) -> int:
    """Records made of lines, one parsed after the other."""
    read, loads = reader_of(plan).read, orjson.loads
    return sum(len(read(loads(line), at="line")) for line in io.BytesIO(content))


def adapter(plan: Plan, content: bytes) -> int:
    """Records made by the adapter."""
    return sum(1 for _ in Kobo().parse(io.BytesIO(content), plan, Reading()))


def measure(plan: Plan, content: bytes) -> dict[str, tuple[float, int]]:
    """Medians in seconds and records made; the yardstick makes none."""
    lines = b"\n".join(map(orjson.dumps, orjson.loads(content)["results"]))
    times: dict[str, list[float]] = {}
    made: dict[str, int] = {}
    for _ in range(ROUNDS):
        for name, work in (
            ("orjson loads + dumps", lambda: orjson.dumps(orjson.loads(content)) and 0),
            ("mapped, by line", lambda: by_line(plan, lines)),
            ("mapped, whole page", lambda: whole(plan, content)),
            ("adapter, page", lambda: adapter(plan, content)),
        ):
            counted: list[int] = []
            times.setdefault(name, []).append(timed(lambda: counted.append(work())))  # noqa: B023
            made[name] = counted[0]
    return {name: (statistics.median(several), made[name]) for name, several in times.items()}


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    content = page(count)
    found = measure(read_mapping(MAPPING), content)
    yard = found["orjson loads + dumps"][0]
    print(f"mapping: {count} Kobo submissions, {len(content) / 1e6:.1f} MB")
    for name, (seconds, records) in found.items():
        line = f"  {name:22} {seconds:8.3f} s  {count / seconds:10,.0f} submissions/s"
        if records:
            line += f"  ({records / seconds:,.0f} records/s)  {seconds / yard:5.2f} x the yardstick"
        print(line)
    print("  (aim: at most 1.5)")


if __name__ == "__main__":
    main()
