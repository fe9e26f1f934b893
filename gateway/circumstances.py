"""What decides about a transfer beside its terms and its records: what stands, what went before.

Agreements are looked at once, when a gateway opens and whenever the log says that something
else stands; the log is asked for what was released before.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from gateway.agreement import approved_by, sensitivity_of, signed_by, standing_state
from gateway.cell_group import Row
from gateway.deployment import Deployment
from gateway.entry import parse
from gateway.log import Log
from gateway.log_cells import KnownCells
from gateway.question import Circumstances
from gateway.remembered import Remembered
from gateway.terms import Terms


@dataclass(frozen=True, slots=True)
class Stood:
    """An agreement as it stands: what its file says, what was signed, what the log says."""

    state: str
    signed_by: tuple[str, ...]
    approved_by: tuple[str, ...]
    sensitivity: tuple[tuple[str, str], ...]
    volume_limits: Mapping[str, int]


def stood(deployment: Deployment, log: Log) -> Mapping[str, Stood]:
    """Every agreement of the deployment, as it stands now."""
    unsigned = deployment.settings.agreements.unsigned
    rows = log.standing()
    found: dict[str, Stood] = {}
    for name, agreement in deployment.agreements.items():
        row = rows.get(("agreement", name))
        found[name] = Stood(
            state=standing_state(agreement, row, unsigned),
            signed_by=tuple(sorted(signed_by(agreement, deployment.parties))),
            approved_by=() if row is None else _roles(log, row.index),
            sensitivity=tuple(sorted(sensitivity_of(deployment, agreement).items())),
            volume_limits={
                one["record_type"]: one["volume_limit"]
                for one in agreement["data"]
                if "volume_limit" in one
            },
        )
    return found


def _roles(log: Log, index: int) -> tuple[str, ...]:
    """The roles of the officers who approved what stands, out of the approvals kept with it."""
    for _, leaf in log.entries(index, 1):
        kept = [log.document(digest) for digest in parse(leaf).get("documents", ())]
        return approved_by([document for document in kept if document is not None])
    return ()


class Told:
    """What a recipient was told of figures, as rows of `cell_group`."""

    def __init__(self, known: KnownCells) -> None:
        self._known = known

    @property
    def empty(self) -> bool:
        """Whether there is nothing yet."""
        return self._known.empty

    def rows(self, lines: Collection[bytes]) -> Iterator[Row]:
        """Every row with one of these lines."""
        return (Row(*row) for row in self._known.rows(lines))


def circumstances(
    terms: Terms,
    held: Stood,
    *,
    unsigned: str,
    log: Log,
    counts: Mapping[str, int],
    remembered: Remembered,
    month: str,
) -> Circumstances:
    """The circumstances of one transfer. `counts` are its records by type.

    That there was a release before stays true for the rest of the month, so it is remembered;
    that there was none is asked each time. So are derogations, of which two are many.
    """
    pair = f"{terms.sender}>{terms.recipient}"
    purpose = f"{pair}>{terms.purpose}"
    before = remembered.of(
        "before", (purpose, month), lambda: True if log.tally("transfers", purpose) else None
    )
    found = 0

    def many() -> int | None:
        nonlocal found
        found = min(2, log.tally("derogations", pair))
        return found if found == 2 else None

    derogations = remembered.of("derogations", (pair, month), many) or found
    return Circumstances(
        unsigned=unsigned,
        state=held.state,
        signed_by=held.signed_by,
        approved_by=held.approved_by,
        released_before=before is True,
        derogations=derogations,
        above_volume=tuple(
            sorted(
                record_type
                for record_type, limit in held.volume_limits.items()
                if counts.get(record_type, 0) > limit
            )
        ),
        sensitivity=held.sensitivity,
    )
