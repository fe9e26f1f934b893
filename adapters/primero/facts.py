"""What a case says of consent and of its kind. A mapping can make it stricter, never milder.

Consent to sharing with other organisations is `disclosure_other_orgs`; to services at all,
`consent_for_services`. A role that may not see an answer gets none, or asterisks: that is no
consent. Neither is what a record says that was disabled (deleted, to Primero).

A referral, transfer or assignment is told apart by its keys. It says nothing of either, but
that somebody overrode a consent that was not there. Primero makes a referral or a transfer only
where there was consent; an assignment, or a request for a transfer, it makes without asking.

A name that is protected (`hidden_name`) is asterisks in the API and itself in an export. The
parts of it, and other names, are themselves in both: where one is hidden, all are.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

DISCLOSURE = "disclosure_other_orgs"
SERVICES = "consent_for_services"
OVERRIDDEN = "consent_overridden"
MODULE = "module_id"

STATES = frozenset(("enabled", "record_state"))
"""False where a record was disabled: of the API, and of a record itself."""

HIDDEN_NAME = "hidden_name"

FACTS = frozenset((DISCLOSURE, SERVICES, OVERRIDDEN, MODULE))
READ = FACTS | STATES | {HIDDEN_NAME}
"""Fields that are read whether a mapping names them or not. No envelope answers `FACTS`."""

NAMES = frozenset(
    (
        "name", "name_first", "name_middle", "name_last", "name_nickname", "name_other",
        "name_given_post_separation", "nickname", "srch_name",
    )
)  # fmt: skip
"""Fields with the name of the person of a case, or a part of it."""

CHILD_MODULE = "primeromodule-cp"
GBV_MODULE = "primeromodule-gbv"

TRANSITIONS = ("Referral", "Transfer", "TransferRequest", "Assign")
_CONSENTED = ("Referral", "Transfer")
"""Those that Primero makes only where there was consent, or where somebody overrode it."""

TRANSITION_KEYS = frozenset(
    (
        "id", "type", "status", "record_id", "record_type", "transitioned_to",
        "transitioned_to_agency", "transitioned_to_remote", "transitioned_by", "notes", "service",
        "service_record_id", "remote", "is_remote", "consent_overridden",
        "consent_individual_transfer", "created_at", "responded_at", "rejected_reason",
        "rejection_note", "record_access_denied", "user_can_accept_or_reject",
        "type_of_export", "authorized_role_unique_id", "allow_case_creation", "record_owned_by",
        "record_owned_by_agency", "record_owned_by_groups", "transitioned_by_user_agency",
        "transitioned_by_user_groups", "transitioned_to_user_agency",
        "transitioned_to_user_groups",
    )
)  # fmt: skip
"""An object with any other key is held for a case, and needs consent as one."""

_STRICTNESS = {"given": 0, "renewed": 0, "unknown": 1}
_BARS = 2
_KINDS = (None, "child", "gbv")

_GBV_PREFIX = "gbv_"
_GBV_FIELDS = frozenset(("survivor_code_no", "survivor_code", "incidentid_ir"))
"""Fields that only forms of the GBV module have, in a case or in an incident of it."""

_ANSWERED_WITH_NOTHING = (None, "")
_AGREED = (*_ANSWERED_WITH_NOTHING, "true")


def is_transition(fields: Mapping[str, Any]) -> bool:
    """Whether a flat object is a referral, transfer or assignment of a record, and nothing more."""
    return fields.get("type") in TRANSITIONS and fields.keys() <= TRANSITION_KEYS


def consent_of(fields: Mapping[str, Any], said: Iterable[str] = ()) -> str | None:
    """State of consent by the flat object, or by `said`, what its mapping says, where stricter.

    None for a transition of which nobody says anything.
    """
    return max(
        (state for state in (_consent(fields), *said) if state is not None),
        key=lambda state: _STRICTNESS.get(state, _BARS),
        default=None,
    )


def _consent(fields: Mapping[str, Any]) -> str | None:
    if is_transition(fields):
        overridden = fields.get(OVERRIDDEN) not in (*_ANSWERED_WITH_NOTHING, "false")
        return "not_given" if overridden or fields["type"] not in _CONSENTED else None
    answers = list(_consents(fields))
    if "false" in answers:
        return "refused"
    enabled = all(fields.get(state) in _AGREED for state in STATES)
    if fields.get(DISCLOSURE) == "true" and enabled and all(one in _AGREED for one in answers):
        return "given"
    return "not_given"


def _consents(fields: Mapping[str, Any]) -> Iterator[Any]:
    """Every answer of consent, wherever it stands: a subform may ask again. What is none is odd."""
    for names, value in _answers(fields):
        if DISCLOSURE in names or SERVICES in names:
            yield value if names[-1] in (DISCLOSURE, SERVICES) else "odd"


def is_hidden(value: Any) -> bool:
    """Whether an answer is nothing but asterisks, however many a version of Primero writes."""
    return isinstance(value, str) and "*" in value and not any(map(str.isalnum, value))


def hidden_names(fields: Mapping[str, Any]) -> list[str]:
    """The keys of names that nobody may see.

    A name of the GBV module is protected from the start, and stays so until `hidden_name` is
    false: an export of it has the name, and not always that it is protected.
    """
    names = [key for key in fields if not NAMES.isdisjoint(key.split("/"))]
    said = [fields[key] for key in fields if key.rpartition("/")[2] == HIDDEN_NAME]
    said = [one for one in said if one not in _ANSWERED_WITH_NOTHING]
    own = not said and GBV_MODULE in (fields.get(MODULE), fields.get(f"srch_{MODULE}"))
    protected = own or any(one != "false" for one in said)
    if protected or any("***" in str(fields[key]) for key in names):
        return [key for key in names if fields[key] not in _ANSWERED_WITH_NOTHING]
    return []


def kind_of(fields: Mapping[str, Any], said: Iterable[str] = ()) -> str:
    """`gbv` or `child`. What is neither clearly is `gbv`: its rules of secrecy are the strictest.

    Of a transition the mapping alone can say `child`.
    """
    kinds = [*said]
    if not is_transition(fields):
        child = fields.get(MODULE) == CHILD_MODULE and not _is_gbv(fields)
        kinds.append("child" if child else "gbv")
    return max(kinds, key=_KINDS.index, default="gbv")


def _is_gbv(fields: Mapping[str, Any]) -> bool:
    """Whether an answer is of the GBV module, or of an incident of it."""
    for names, value in _answers(fields):
        if MODULE in names and value == GBV_MODULE:
            return True
        own = any(name.startswith(_GBV_PREFIX) or name in _GBV_FIELDS for name in names)
        if own and value not in _ANSWERED_WITH_NOTHING:
            return True
    return False


def _answers(fields: Mapping[str, Any]) -> Iterator[tuple[list[str], Any]]:
    """Every answer with the parts of its path, those of subforms among them."""
    for key, value in fields.items():
        yield key.split("/"), value
        if isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    yield from _answers(item)
