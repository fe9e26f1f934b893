"""What time alone did, looked at every few minutes."""

import json

from gateway.delivery.outbox import may_have_left
from gateway.errors import SenderError
from gateway.happenings.custody import RECALL, Desk, held
from gateway.happenings.looking import open_work
from gateway.happenings.said import said, step

MAX_LOST = 1000
"""Contents that one round destroys one by one."""


def passed(desk: Desk) -> None:
    """Log what never left because nobody fetched it, and recalls that nobody answered."""
    _never_fetched(desk)
    _overdue(desk)


def _never_fetched(desk: Desk) -> None:
    query = "SELECT key FROM kept WHERE kind = 'content' AND expires BETWEEN 1 AND ? LIMIT ?"
    # All of it: what is left is destroyed after this, and nobody would say that it never left.
    while due := [name for (name,) in desk.log.rows(query, (desk.clock(), MAX_LOST))]:
        # Destroyed here means fetched nowhere: whoever fetches destroys it first, only one can.
        destroyed = [name for name in due if desk.log.destroy("content", name)]
        pushed = may_have_left(desk.log, destroyed)
        desk.log.never_left([name for name in destroyed if name not in pushed])
        for name in pushed:
            desk.log.done(name)  # it was tried: perhaps the recipient has it


def _overdue(desk: Desk) -> None:
    now = desk.clock()
    for key, value in open_work(desk.log, RECALL):
        transfer = json.loads(value)["transfer"]
        recall = held(desk.log, transfer).recalls.get(key)
        if recall is None or recall.state != "requested" or recall.due > now:
            continue
        asked = said(
            "custody", desk.gateway, what="recall", transfer=transfer, party=recall.party,
            state="overdue", recall=key,
        )  # fmt: skip
        try:
            step(desk.log, asked, once=f"answer/{key}/{recall.steps}")
        except SenderError:
            continue  # answered, or said by another process, this very moment
