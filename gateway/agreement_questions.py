"""The questions to ask before an agreement is written, in their order, each with its reason.

Nothing is read or written here: whoever asks may be a terminal or a file of answers. What comes
out is an agreement in state draft, with what was answered and the defaults of the design.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.agreement_basis import Basis, basis_of
from gateway.agreement_form import DAY, Ask, Form
from gateway.agreement_promises import ask_promises
from gateway.agreement_terms import later, months_after
from gateway.deployment import Deployment
from gateway.errors import OfficerError

ROLES = ("controller", "joint_controller", "processor", "sub_processor", "observer")
KINDS = ("bilateral", "multilateral", "consolidation", "referral_list")
INTERIM_DAYS = 30


def interview(
    ask: Ask, deployment: Deployment, taxonomy: Mapping[str, Any], now: str, *, emergency: bool
) -> dict[str, Any]:
    """Ask everything, and return the draft. `now` is an instant."""
    form = Form(ask, deployment, taxonomy, now, emergency, {})
    for part in (_name, _parties, _scope, _purposes, _data, ask_promises):
        part(form)
    return form.document


def _name(form: Form) -> None:
    form.document |= {
        "id": form.one(
            "id", "Id of the agreement", "It stands in the log for ever, so it never changes.",
            pattern=r"agr:[a-z0-9][a-z0-9.-]{0,62}",
        ),
        "version": "1",
        "title": form.one("title", "Title", "For the people who sign it."),
        "language": form.one(
            "language", "Language of the signed document", "The text people signed decides.", "en",
            pattern=r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}",
        ),
        "state": "draft",
    }  # fmt: skip


def _parties(form: Form) -> None:
    known = sorted(form.deployment.parties)
    names = form.several(
        "parties", "Parties, the one that sends first",
        "Who is not named here neither sends nor receives.", choices=known,
    )  # fmt: skip
    if len(names) < 2:
        raise OfficerError("an agreement has two parties", rule="answers.few", at="parties")
    form.document["kind"] = _kind(form, len(names))
    form.document["parties"] = [_party(form, name) for name in names]


def _kind(form: Form, parties: int) -> str:
    if form.emergency:
        return "emergency_interim"
    return form.one(
        "kind", "Kind of agreement",
        "A consolidation of cases releases nothing until every contributor agrees.",
        "bilateral" if parties == 2 else "multilateral", choices=KINDS,
    )  # fmt: skip


def _party(form: Form, name: str) -> dict[str, str]:
    role = form.one(
        f"role/{name}", f"Role of {name}", "A controller answers to people; a processor to it.",
        "controller", choices=ROLES,
    )  # fmt: skip
    contact = form.one(
        f"contact_24h/{name}", f"Whom of {name} to call at any hour",
        "An incident at night does not wait for the office. A function, not a name.",
    )  # fmt: skip
    return {"party": name, "role": role, "contact_24h": contact}


def _scope(form: Form) -> None:
    countries = {"pattern": r"[A-Z]{2}"}
    start = form.one("start", "First day", "Nothing leaves before.", form.now[:10], pattern=DAY)
    longest = _last_day(form, start)
    form.document["scope"] = {
        "crisis_ref": form.one(
            "crisis", "The crisis it is for", "Data given in one crisis are not for another.",
            pattern=r"[!-~]{1,96}",
        ),
        "countries": form.several(
            "countries", "Countries (two letters)",
            "The information sharing protocols of these countries count.", **countries,
        ),
        "origin_countries": form.several(
            "origin_countries", "Countries that people fled from (two letters, or none)",
            "Their authorities must never receive anything.", "none", pattern=r"[A-Z]{2}|none",
        ),
        "start": f"{start}T00:00:00Z",
        "end": form.one(
            "end", f"Last day, {longest} or earlier", "An agreement without an end is none.",
            longest, pattern=DAY,
        ) + ("T00:00:00Z" if form.emergency else "T23:59:59Z"),
        "review_every_days": 30 if form.emergency else 180,
    }  # fmt: skip


def _last_day(form: Form, start: str) -> str:
    try:
        first = f"{start}T00:00:00Z"
        last = later(first, days=INTERIM_DAYS) if form.emergency else months_after(first, 12)
    except ValueError:
        raise OfficerError("no such day", rule="answers.form", at="start") from None
    return last.strftime("%Y-%m-%d")


def _purposes(form: Form) -> None:
    leaves = {
        name: one["label"] for name, one in form.taxonomy["purposes"].items() if one.get("leaf")
    }
    asked = form.several(
        "purposes", "Purposes",
        "One for each thing that is done with the data. What is not named here is refused.",
        choices=list(leaves), labels=leaves,
    )  # fmt: skip
    if not asked:
        raise OfficerError("an agreement has a purpose", rule="answers.few", at="purposes")
    names = [one["party"] for one in form.document["parties"]]
    bases: dict[str, dict[str, Any]] = {}
    form.document["purposes"] = [_grant(form, one, names, bases) for one in asked]
    form.document["legal_bases"] = list(bases.values())


def _grant(
    form: Form, purpose: str, names: Sequence[str], bases: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    sender = form.one(
        f"from/{purpose}", f"Who sends for {purpose}", "Each grant has one direction.", names[0],
        choices=names,
    )  # fmt: skip
    others = [one for one in names if one != sender]
    recipient = form.one(
        f"to/{purpose}", "Who receives", "Nobody else does.", others[0], choices=others
    )
    necessity = form.one(
        f"necessity/{purpose}", "Why it cannot be done without these data",
        "Convenient is not necessary (ICRC Handbook, 3.4).",
    )  # fmt: skip
    basis: Basis = basis_of(form, purpose, bases)
    return {
        "purpose": purpose, "from": sender, "to": recipient, "legal_basis": basis.id,
        "necessity": f"{necessity} {basis.answers}".strip(),
    }  # fmt: skip


def _data(form: Form) -> None:
    purposes = [one["purpose"] for one in form.document["purposes"]]
    matrices = form.taxonomy["matrices"]
    offered = sorted({name for one in purposes for name in matrices.get(one, {})})
    if not offered:
        raise OfficerError("no record leaves for these purposes", rule="answers.few", at="purposes")
    types = form.several(
        "record_types", "Record types", "What is not named here never leaves.", ",".join(offered),
        choices=offered,
    )  # fmt: skip
    form.document["data"] = [_type(form, one, purposes) for one in types]
    form.document["retention"] = [_kept(form, one) for one in types]
    form.document["deletion_certificate_required"] = True


def _type(form: Form, record_type: str, purposes: Sequence[str]) -> dict[str, Any]:
    matrices = form.taxonomy["matrices"]
    offered = {
        name: None for one in purposes for name in matrices.get(one, {}).get(record_type, ())
    }
    names = form.several(
        f"fields/{record_type}", f"Fields of {record_type}",
        "The profile of the purposes is offered. Leave out whatever is not needed.",
        ",".join(offered), choices=list(offered),
    )  # fmt: skip
    forms = form.taxonomy["max_forms"]
    most = min((form.taxonomy["purposes"][one]["max"] for one in purposes), key=forms.index)
    said: dict[str, Any] = {
        "record_type": record_type,
        "fields": names,
        "max_form": form.one(
            f"max_form/{record_type}", "Most identifying form",
            "id names people, ps replaces names, rec has no names, agg is figures only.", most,
            choices=forms[forms.index(most):],
        ),
        "frequency": form.one(
            f"frequency/{record_type}", "How often",
            "What is regular or large needs an impact assessment.", "on_demand",
            choices=("once", "on_demand", "daily", "weekly", "monthly", "continuous"),
        ),
        "volume_limit": int(form.one(
            f"volume/{record_type}", "Most records in one transfer",
            "What is more waits for a person.", "999", pattern=r"[1-9][0-9]{0,8}",
        )),
    }  # fmt: skip
    return said


def _kept(form: Form, record_type: str) -> dict[str, Any]:
    days = form.one(
        f"days/{record_type}", f"Days the recipient keeps {record_type}",
        "Then it deletes, and signs that it did (ICRC Handbook, 2.7).",
        "30" if form.emergency else "365", pattern=r"[1-9][0-9]{0,4}",
    )  # fmt: skip
    return {"record_type": record_type, "days": int(days), "at_end": "delete"}
