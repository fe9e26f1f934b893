"""The states of a case, and the states of the R4 resources it can be.

A canonical state is one of `Task.status`. Other resources have fewer states, or others; what a
state of theirs leaves open is kept in `source_status`.
"""

from collections.abc import Mapping

State = tuple[str | None, str | None]
"""`status` and `source_status`."""

_SAME = (
    "draft",
    "requested",
    "received",
    "accepted",
    "rejected",
    "ready",
    "cancelled",
    "in-progress",
    "on-hold",
    "failed",
    "completed",
    "entered-in-error",
)

READ: Mapping[str, Mapping[str, State]] = {
    "Task": {code: (code, None) for code in _SAME},
    "ServiceRequest": {
        "draft": ("draft", None),
        "active": ("requested", "active"),
        "on-hold": ("on-hold", None),
        "revoked": ("cancelled", "revoked"),
        "completed": ("completed", None),
        "entered-in-error": ("entered-in-error", None),
        "unknown": (None, None),
    },
    "Encounter": {
        "planned": ("ready", "planned"),
        "arrived": ("in-progress", "arrived"),
        "triaged": ("in-progress", "triaged"),
        "in-progress": ("in-progress", None),
        "onleave": ("on-hold", "onleave"),
        "finished": ("completed", "finished"),
        "cancelled": ("cancelled", None),
        "entered-in-error": ("entered-in-error", None),
        "unknown": (None, None),
    },
}
"""What a state of a resource says."""

_NEAREST: Mapping[str, Mapping[str, str]] = {
    "Task": {},
    "ServiceRequest": {
        "requested": "active",
        "received": "active",
        "accepted": "active",
        "ready": "active",
        "in-progress": "active",
        "rejected": "revoked",
        "cancelled": "revoked",
        "failed": "revoked",
    },
    "Encounter": {
        "draft": "planned",
        "requested": "planned",
        "received": "planned",
        "accepted": "planned",
        "ready": "planned",
        "rejected": "cancelled",
        "failed": "cancelled",
        "on-hold": "onleave",
        "completed": "finished",
    },
}


def write(root: str, state: State) -> tuple[str | None, bool]:
    """The resource's state for a canonical one, and whether it says all of it.

    None where R4 has no way to say that a state is not known: a Task must have one.
    """
    codes = READ[root]
    status, source_status = state
    for code in (source_status, status):
        if code is not None and codes.get(code) == state:
            return code, True
    if status is None:
        return ("unknown" if "unknown" in codes else None), source_status is None
    return _NEAREST[root].get(status, status), False


INTENTS: Mapping[str, frozenset[str]] = {
    "ServiceRequest": frozenset(
        {
            "proposal",
            "plan",
            "directive",
            "order",
            "original-order",
            "reflex-order",
            "filler-order",
            "instance-order",
            "option",
        }
    ),
    "Task": frozenset(
        {
            "unknown",
            "proposal",
            "plan",
            "order",
            "original-order",
            "reflex-order",
            "filler-order",
            "instance-order",
            "option",
        }
    ),
}
PRIORITIES: Mapping[str, str] = {"routine": "R", "urgent": "UR", "asap": "A", "stat": "S"}
"""To HL7's act priority, which an Encounter uses."""
FINDINGS = frozenset(
    {
        "registered",
        "preliminary",
        "final",
        "amended",
        "corrected",
        "cancelled",
        "entered-in-error",
        "unknown",
    }
)
"""States of an Observation."""
