"""The kinds of tracker objects: what identifies each, and what may be written into it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.flat.keyed import Keyed
from gateway.mapping import Plan


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind."""

    list: str
    """The list it stands in."""
    uid: str
    """The member that numbers it, which is also how others name it."""
    called: str
    """As errors call it."""
    written: tuple[str, ...]
    """Members an import takes. Others are the server's own notes, or gone."""
    states: frozenset[str] = frozenset()


_CLIENT = ("createdAtClient", "updatedAtClient")

ENTITY = Kind(
    "trackedEntities",
    "trackedEntity",
    "tracked entity",
    ("trackedEntity", "trackedEntityType", "orgUnit", "inactive", "potentialDuplicate", *_CLIENT),
)
ENROLLMENT = Kind(
    "enrollments",
    "enrollment",
    "enrollment",
    (
        "enrollment",
        "trackedEntity",
        "program",
        "orgUnit",
        "status",
        "enrolledAt",
        "occurredAt",
        "completedAt",
        "followUp",
        "attributeOptionCombo",
        *_CLIENT,
    ),
    frozenset({"ACTIVE", "COMPLETED", "CANCELLED"}),
)
EVENT = Kind(
    "events",
    "event",
    "event",
    (
        "event",
        "enrollment",
        "trackedEntity",
        "program",
        "programStage",
        "orgUnit",
        "status",
        "occurredAt",
        "scheduledAt",
        "completedAt",
        "attributeOptionCombo",
        "attributeCategoryOptions",
        "assignedUser",
        *_CLIENT,
    ),
    frozenset({"ACTIVE", "COMPLETED", "VISITED", "SCHEDULE", "OVERDUE", "SKIPPED"}),
)
RELATIONSHIP = Kind(
    "relationships",
    "relationship",
    "relationship",
    ("relationship", "relationshipType", "bidirectional", "createdAtClient"),
)
NOTE = Kind("notes", "note", "note", ("note", "value"))

KINDS = (ENTITY, ENROLLMENT, EVENT, RELATIONSHIP)
BY_LIST: Mapping[str, Kind] = {kind.list: kind for kind in (*KINDS, NOTE)}

KEYED: Mapping[str, Keyed] = {
    "attributes": Keyed("attribute", "value"),
    "dataValues": Keyed("dataElement", "value"),
}
MOMENTS = frozenset(
    {
        "createdAt",
        "updatedAt",
        "enrolledAt",
        "occurredAt",
        "scheduledAt",
        "completedAt",
        "storedAt",
        *_CLIENT,
    }
)
BOOLEANS = frozenset(
    {"inactive", "potentialDuplicate", "followUp", "bidirectional", "providedElsewhere"}
)

UID = re.compile(r"[a-zA-Z][a-zA-Z0-9]{10}")


def unit_of(plan: Plan) -> Kind:
    """What one flat object is: what the mapping takes the first record's id from.

    `event` or `enrollment`; else a tracked entity with everything in it.
    """
    first = plan.made[0].ids[0].slot
    return {EVENT.uid: EVENT, ENROLLMENT.uid: ENROLLMENT}.get(first, ENTITY)
