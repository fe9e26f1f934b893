"""What a worker is told of a payload, and what it may answer instead of doing it."""

from collections.abc import Mapping
from typing import Any

from gateway.account import Answer
from gateway.asking import Asking
from gateway.bulk.work import spelt
from gateway.errors import CorridorError, GatewayError, SenderError
from gateway.forms import today_of
from gateway.incoming import Class
from gateway.subjects import Stops, subject_key
from gateway.terms import plan_of


def header(
    asking: Asking,
    rulings: Mapping[Class, Answer],
    *,
    key: bytes,
    stops: Stops,
    marks: str | None,
    transfer: str | None,
) -> dict[str, Any]:
    """The header of a task. `key` is of the pseudonyms, `marks` that of ids in parts; without it
    there is one part. `transfer` is what records are committed to, if they are."""
    terms, gateway = asking.terms, asking.gateway
    into = plan_of(terms.target_mapping, gateway.deployment)
    return {
        "epoch": gateway.epoch,
        "source": terms.source,
        "target": terms.target,
        "mapping": asking.plan and [asking.plan.id, asking.plan.digest],
        "into": into and [into.id, into.digest],
        "today": today_of(asking.now),
        "part": marks is not None,
        "marks": marks or "",
        "rulings": spelt(rulings),
        "key": key.hex(),
        "stops": b"".join(sorted(stops.tokens)).hex(),
        "subjects": subject_key(gateway.keys, terms.sender).hex(),
        "commit": transfer is not None,
        "transfer": transfer or "",
    }


def fault(said: Mapping[str, Any]) -> CorridorError:
    """What a worker found wrong, as it is told."""
    problem, rule, at, status = said["fault"]
    kind = SenderError if said["sender"] else GatewayError
    error = kind(problem, rule=rule, at=at, status=status)
    error.faults = tuple(said["faults"])
    return error
