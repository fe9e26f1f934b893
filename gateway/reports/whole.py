"""Questions about the log itself, and those it cannot answer."""

from gateway import merkle
from gateway.errors import CorridorError
from gateway.log_keys import LogKeys
from gateway.reports.report import Answer, Question, said

CHECKED = 50
"""Checkpoints of the period that are tied to the newest one by a proof, evenly chosen."""


def unchanged(question: Question) -> Answer:
    """Checkpoints since a day: each a beginning of the newest, by a proof that was checked."""
    source = question.source
    sizes = [
        int(row[0])
        for row in source.log.rows(
            "SELECT size FROM checkpoint WHERE size >= ? AND size <= ? ORDER BY size",
            (question.low, source.size),
        )
    ]
    step = max(1, -(-len(sizes) // CHECKED))
    chosen = sorted({*sizes[::step], *sizes[-1:]})
    notes: dict[int, str] = dict(
        source.listed("SELECT size, note FROM checkpoint WHERE size IN", chosen)
    )
    witnessed: dict[int, int] = dict(
        source.listed(
            "SELECT size, count(*) FROM cosignature WHERE size IN", chosen, " GROUP BY size"
        )
    )
    [(text,)] = source.log.rows("SELECT vkey FROM log")
    keys = LogKeys.parse(text)
    rows = []
    for size in chosen:
        holds = _holds(question, keys, notes[size], size)
        time = source.times([size - 1])[size - 1] if size else None
        rows.append((size, said(time) if time else "", holds, witnessed.get(size, 0)))
    found = {
        "checkpoints": len(sizes),
        "checked": len(chosen),
        "do_not_hold": sum(row[2] != "holds" for row in rows),
    }
    return Answer(
        ("size", "last_entry", "proof", "cosignatures"),
        rows,
        found,
        (
            "a proof by the log's own word: check it with keys got another way, and the witnesses'"
            " checkpoints (`corridor log verify`)",
            "whether recipients' receipts match: compare theirs (`corridor log verify --receipt`)",
        ),
    )


def _holds(question: Question, keys: LogKeys, text: str, size: int) -> str:
    newest = question.source.checkpoint
    try:
        keys.opened(question.source.note)
        old = keys.opened(text)
        proof = question.source.log.consistency(size, newest.size)
        merkle.verify_consistency(size, newest.size, proof, old.root, newest.root)
    except CorridorError as error:
        return error.rule
    return "holds" if old.size == size else "checkpoint.size"


def person(question: Question) -> Answer:
    """One person's own data: not in the log."""
    return Answer(
        not_answered=(
            "what was shared about one person: nothing in the log says who. With the person's"
            " own number at the source, `corridor rights access` finds the transfers, to whom, "
            "why, and whether it can be deleted",
        )
    )


def forbidden_fields(question: Question) -> Answer:
    """Adapters that sent fields the schema forbids: refused before anything is logged."""
    return Answer(
        not_answered=(
            "content with fields the schema forbids is refused before anything is logged, so no"
            " such transfer exists. The sender got the field's place and rule; what an adapter"
            " could not map stands in each receipt (`unmapped`)",
        )
    )
