"""How easily somebody could be found again in records that are about to leave.

Records are grouped by their key variables: what a recipient may already know of somebody. The
measures are those of statistical disclosure control, for a *register*: the batch is taken as
everybody there is, so that being alone in it means being alone. No record type carries sampling
weights, so risk is never divided by them; what a survey really risks is at most what stands here.

Missing values are a value of their own. That is the careful reading for key variables: groups
are never larger than where a missing value may stand for any other (as `freqCalc` of sdcMicro
reads it). For sensitive attributes a missing value is none: what nobody knows protects nobody.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, partial
from hashlib import blake2b
from os import urandom
from typing import TYPE_CHECKING, Any

import orjson

from gateway.errors import GatewayError, OfficerError
from gateway.record import RECORD_TYPES, Record, fields, leaves, load, resolve, walk

if TYPE_CHECKING:
    import polars as pl

METHOD = "register"
"""Global risk is the mean over all records of one divided by the size of its group."""

KS = (3, 5, 10)
"""Group sizes below which records are counted."""

CAP = 100
"""The most that policy is told of k and l."""

CHUNK = 65_536
"""Records grouped at a time."""

_KEY = urandom(16)
_SORTED = orjson.OPT_SORT_KEYS

Reader = Callable[[Record], bytes]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What people chose for one record type in an agreement. None, and an empty list as well,
    leave it open: to choose nothing is no choice that could make anybody safer."""

    key_fields: Sequence[str] | None = None
    """Fields (`place`) or leaves (`place.admin2_code`); what an age band is written into is meant
    with the date it is made of. Else every field that the schema calls a quasi-identifier."""
    sensitive: Sequence[str] | None = None
    """Else every field that the schema calls sensitive. Key variables are never among them."""


@dataclass(frozen=True, slots=True)
class Risk:
    """The risk of one batch of records of one type. Numbers and names of fields only."""

    key_vars: tuple[str, ...]
    """Those chosen, or else those that some record carries. Direct identifiers that some record
    carries are among them, whoever chose: who is named needs no finding."""
    sensitive: tuple[str, ...]
    """Sensitive attributes that some record carries."""
    rows: int
    groups: int
    k_min: int
    """Size of the smallest group; 0 where there is no record."""
    uniques: int
    """Records alone in their group."""
    l_min: int | None
    """The fewest distinct values of a sensitive attribute in a group. Groups of which nothing is
    said do not count; None where no group is left."""
    below: Mapping[int, int]
    """Group size to the number of records in smaller groups, for 3, 5 and 10."""
    method: str = METHOD

    @property
    def global_risk(self) -> Fraction:
        """Mean over all records of one divided by the size of its group; 0 for no record."""
        return Fraction(self.groups, self.rows) if self.rows else Fraction(0)

    @property
    def global_risk_permille(self) -> int:
        """In thousandths, rounded up."""
        return _permille(self.groups, self.rows)

    def facts(self) -> dict[str, int]:
        """What policy is told (`context.risk`): capped, so that large values are one question.

        Where nothing leaves there is nothing to find, and where no attribute is sensitive there
        is nothing to be diverse: both count as the cap.
        """
        return {
            "k": min(self.k_min, CAP) if self.rows else CAP,
            "l": CAP if self.l_min is None else min(self.l_min, CAP),
            "risk_permille": self.global_risk_permille,
        }

    def report(self) -> dict[str, Any]:
        """What the parties are told. Follows `risk` of schemas/receipt.json."""
        told: dict[str, Any] = {
            "key_vars": list(self.key_vars),
            "sensitive": list(self.sensitive),
            "method": self.method,
            "rows": self.rows,
            "k_min": self.k_min,
            "uniques": self.uniques,
            "global_risk_permille": self.global_risk_permille,
            "below_permille": {str(k): _permille(n, self.rows) for k, n in self.below.items()},
        }
        if self.l_min is not None:
            told["l_min"] = self.l_min
        return told


def _permille(part: int, whole: int) -> int:
    return -(-1000 * part // whole) if whole else 0


def measure(
    records: Iterable[Record],
    record_type: str,
    *,
    key_fields: Sequence[str] | None = None,
    sensitive: Sequence[str] | None = None,
) -> Risk:
    """The risk of the records of one type; others are passed over. See `measured`."""
    return measured(records, {record_type: Chosen(key_fields, sensitive)})[record_type]


def measured(records: Iterable[Record], chosen: Mapping[str, Chosen]) -> dict[str, Risk]:
    """The risk of each record type in `chosen`, in one walk over what is about to leave.

    Memory is bounded by the number of groups (about 60 bytes each, and as much for each distinct
    pair of a group and a sensitive value), not by what records hold. Raises `OfficerError`
    (`risk.field`) where a chosen field is none of the record type's.
    """
    batches = {name: _Batch(name, how) for name, how in chosen.items()}
    for record in records:
        batch = batches.get(record["record_type"])
        if batch is not None:
            batch.add(record)
    return {name: batch.risk() for name, batch in batches.items()}


class _Batch:
    """Records of one type, by the marks of their key variables and sensitive values."""

    def __init__(self, record_type: str, chosen: Chosen) -> None:
        keys = _named(record_type, chosen.key_fields, "quasi")
        names = [*keys, *(name for name in _direct(record_type) if name not in keys)]
        taken = {*names, *([] if chosen.sensitive else map(_field, names))}
        asked = [n for n in _named(record_type, chosen.sensitive, "sensitive") if n not in taken]
        self._keys = [(name, _reader(record_type, name)) for name in names]
        self._sensitive = [(name, _reader(record_type, name, alike=True)) for name in asked]
        self._stated = frozenset(keys if chosen.key_fields else ())
        self._met: set[str] = set()
        self._columns = _columns(2 + len(asked))
        self._groups = _Groups(len(asked))

    def add(self, record: Record) -> None:
        parts = [read(record) for _, read in self._keys]
        digest = blake2b(b"\x00".join(parts), digest_size=16, key=_KEY).digest()
        self._met.update(record)
        columns = self._columns
        columns[0].append(int.from_bytes(digest[:8], "big"))
        columns[1].append(int.from_bytes(digest[8:], "big"))
        for place, (_, read) in enumerate(self._sensitive, 2):
            value = read(record)
            columns[place].append(_mark(value) if value else 0)
        if len(columns[0]) >= CHUNK:
            self._flush()

    def _flush(self) -> None:
        self._groups.merge(self._columns)
        self._columns = _columns(len(self._columns))

    def risk(self) -> Risk:
        if len(self._columns[0]):
            self._flush()
        sizes = self._groups.sizes()
        return Risk(
            key_vars=tuple(n for n, _ in self._keys if n in self._stated or self._carried(n)),
            sensitive=tuple(name for name, _ in self._sensitive if self._carried(name)),
            rows=sum(size * many for size, many in sizes),
            groups=sum(many for _, many in sizes),
            k_min=min((size for size, _ in sizes), default=0),
            uniques=sum(many for size, many in sizes if size == 1),
            l_min=self._groups.diversity(),
            below={k: sum(size * many for size, many in sizes if size < k) for k in KS},
        )

    def _carried(self, name: str) -> bool:
        return _field(name) in self._met


def _field(name: str) -> str:
    """The field that a leaf belongs to."""
    return name.partition(".")[0].removesuffix("[]")


def _columns(many: int) -> list["array[int]"]:
    return [array("Q") for _ in range(many)]


def _mark(value: bytes) -> int:
    # Zero stands for no value.
    return int.from_bytes(blake2b(value, digest_size=8, key=_KEY).digest(), "big") or 1


class _Groups:
    """Group sizes, and the distinct sensitive values in each group, merged chunk by chunk."""

    def __init__(self, sensitive: int) -> None:
        self._sizes: pl.DataFrame | None = None
        self._values: list[pl.DataFrame | None] = [None] * sensitive

    def merge(self, columns: Sequence["array[int]"]) -> None:
        # Here and not above: most transfers measure nothing, and polars takes a while to load.
        import polars as pl

        chunk = pl.DataFrame(
            {str(n): pl.Series(column, dtype=pl.UInt64) for n, column in enumerate(columns)}
        )
        sizes = chunk.group_by("0", "1").agg(pl.len().cast(pl.UInt32).alias("size"))
        if self._sizes is not None:
            both = pl.concat([self._sizes, sizes])
            sizes = both.group_by("0", "1").agg(pl.col("size").sum())
        self._sizes = sizes
        for place, known in enumerate(self._values):
            name = str(place + 2)
            pairs = chunk.filter(pl.col(name) != 0).select("0", "1", pl.col(name).alias("value"))
            both = pairs if known is None else pl.concat([known, pairs])
            self._values[place] = both.unique()

    def sizes(self) -> list[tuple[int, int]]:
        """Group size and how many groups have it."""
        if self._sizes is None:
            return []
        found = self._sizes.group_by("size").len().sort("size")
        return [(int(size), int(many)) for size, many in found.iter_rows()]

    def diversity(self) -> int | None:
        """The fewest distinct values of a sensitive attribute in a group that has any."""
        found = [
            values.group_by("0", "1").len()["len"].min()
            for values in self._values
            if values is not None and values.height
        ]
        return min((int(one) for one in found if isinstance(one, int)), default=None)


# -- fields as bytes that are equal exactly where values are ------------------------------------


def _named(record_type: str, chosen: Sequence[str] | None, kind: str) -> list[str]:
    """The chosen fields and leaves in schema order, or else the fields of a kind."""
    if record_type not in RECORD_TYPES:
        raise GatewayError("no such record type", rule="risk.record_type")
    known = fields(record_type)
    if not chosen:
        return [name for name, one in known.items() if kind in one.kinds]
    properties = load(record_type)["properties"]
    for name in chosen:
        if name not in known and name not in leaves(record_type):
            raise OfficerError("no such field", rule="risk.field", at=record_type)
    # A chosen date leaves as an age band in another field, and is no less known for that.
    bands = [properties[n]["x-band-into"] for n in chosen if "x-band-into" in properties.get(n, {})]
    named = dict.fromkeys((*known, *leaves(record_type)))
    return [name for name in named if name in {*chosen, *bands}]


def _direct(record_type: str) -> list[str]:
    """Fields that name somebody. Record ids do not: where they may be joined, policy says."""
    return [
        name
        for name, one in fields(record_type).items()
        if "direct" in one.kinds and one.family != "id"
    ]


@cache
def _reader(record_type: str, name: str, *, alike: bool = False) -> Reader:
    """Reads one variable; empty bytes where a record has none of it.

    A list is read as it stands; `alike` reads it as a set, so that order makes no difference.
    Record ids in it are passed over: each is another, and says nothing.
    """
    properties = load(record_type)["properties"]
    if name not in properties:
        return partial(_leaf, leaves(record_type)[name].path, alike=alike)
    refs = frozenset(
        leaf.path[-1]
        for leaf in leaves(record_type).values()
        if leaf.path[0] == name and "x-ref" in leaf.spec
    )
    listed = resolve(properties[name]).get("type") == "array"
    if refs or (alike and listed):
        return partial(_pruned, name, refs, alike=alike)
    return partial(_whole, name)


def _whole(name: str, record: Record) -> bytes:
    value = record.get(name)
    return b"" if value is None else orjson.dumps(value, option=_SORTED)


def _leaf(path: tuple[str, ...], record: Record, *, alike: bool) -> bytes:
    found = [orjson.dumps(value, option=_SORTED) for value in walk(record, path)]
    return b",".join(sorted(set(found)) if alike else found)


def _pruned(name: str, refs: frozenset[str], record: Record, *, alike: bool) -> bytes:
    value = record.get(name)
    if value is None:
        return b""
    found = [orjson.dumps(_without(item, refs), option=_SORTED) for item in _items(value)]
    return b",".join(sorted(set(found)) if alike else found)


def _items(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        yield from value
    else:
        yield value


def _without(item: Any, refs: frozenset[str]) -> Any:
    if isinstance(item, Mapping):
        return {name: part for name, part in item.items() if name not in refs}
    return None if refs else item
