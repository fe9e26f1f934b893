"""An entry of any kind, and the steps of a case, each of which is taken once."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.entry import new_id
from gateway.errors import SenderError
from gateway.log import Appended, Duplicate, Keep, Log
from gateway.log_standing import Document


def said(kind: str, gateway: str, **parts: Any) -> dict[str, Any]:
    """An entry. Parts that are None are left out."""
    known = {name: part for name, part in parts.items() if part is not None}
    return {"v": 1, "type": kind, "id": new_id(), "gateway": gateway, **known}


def step(
    log: Log,
    entry: Mapping[str, Any],
    *,
    once: str,
    keep: Sequence[Keep] = (),
    documents: Sequence[Document] = (),
) -> Appended:
    """Append one step of a case. Raises 409 where somebody took this step meanwhile."""
    try:
        return log.append(entry, keep=keep, once=once, documents=documents)
    except Duplicate:
        raise SenderError("somebody was faster", rule="case.taken", status=409) from None
