"""The questions about what protects people: instruments, assessment, notice, rights, red lines."""

from typing import Any

from gateway.agreement_form import DAY, Form


def ask_promises(form: Form) -> None:
    """Ask them, after purposes and data are known."""
    for part in (_borders, _assessment, _onward, _notice, _promises):
        part(form)


def _borders(form: Form) -> None:
    found: list[dict[str, Any]] = []
    for grant in form.document["purposes"]:
        mine, theirs = (_regimes(form, grant[side]) for side in ("from", "to"))
        covered = {one for held in found for one in held["to"]}
        if mine == theirs or theirs <= covered:
            continue
        found.append(_instrument(form, grant["to"], mine, theirs))
    form.document["safeguards"] = {
        "transfer_instruments": found,
        "security": {
            "encryption_in_transit": True, "at_rest": True, "key_custody": "recipient",
            "mfa_required": True, "staff_vetting": True,
        },
    }  # fmt: skip


def _regimes(form: Form, party: str) -> frozenset[str]:
    return frozenset(one["id"] for one in form.deployment.parties[party]["regimes"])


def _instrument(
    form: Form, to: str, mine: frozenset[str], theirs: frozenset[str]
) -> dict[str, Any]:
    tables = form.taxonomy
    gdpr = not mine.isdisjoint(tables["gdpr_states"])
    kinds = [name for name, one in tables["instruments"].items() if one["gdpr"] or not gdpr]
    return {
        "type": form.one(
            f"instrument/{to}", f"Instrument for crossing to {to} ({', '.join(sorted(theirs))})",
            "The two answer to different laws, so something must bind the recipient.",
            None if gdpr else "own_clauses", choices=kinds,
        ),
        "ref": form.one(
            f"instrument_ref/{to}", "Where it is found", "Somebody will want to read it."
        ),
        "to": sorted(theirs),
    }  # fmt: skip


def _assessment(form: Form) -> None:
    if form.emergency or not form.about_people:
        return
    form.document["safeguards"]["dpia"] = {
        "ref": form.one("dpia", "Impact assessment (where it is found)",
                        "Asked for before what is large, repeated or regular."),
        "date": form.one("dpia_date", "Made on", "Old ones do not fit any more.", form.now[:10],
                         pattern=DAY),
        "outcome": form.one("dpia_outcome", "The risk that is left", "High means: not like this.",
                            choices=("low", "medium", "high")),
        "next_review": form.one("dpia_review", "Next review", "After it, it does not count.",
                                form.document["scope"]["end"][:10], pattern=DAY) + "T00:00:00Z",
    }  # fmt: skip


def _onward(form: Form) -> None:
    said: list[str] = []
    if not form.emergency:
        said = form.several(
            "onward", "Parties the recipient may pass it on to (or none)",
            "Whoever is not listed gets nothing from the recipient.", "none",
            choices=[*sorted(form.deployment.parties), "none"],
        )  # fmt: skip
    form.document["onward"] = {"allowed": bool(said), "recipients": said}
    form.document["publication"] = {"allowed": _open(form)}


def _open(form: Form) -> bool:
    return any(one["purpose"] == "hum.stat.open" for one in form.document["purposes"])


def _notice(form: Form) -> None:
    if not form.about_people:
        return
    grants = form.document["purposes"]
    recipients = sorted({one["to"] for one in grants})
    told = form.yes(
        "told", f"Were people told of these recipients: {', '.join(recipients)}?",
        "Without it they cannot object (ICRC Handbook, 2.10.2).",
    )  # fmt: skip
    form.document["notice"] = {
        "version": "1",
        "languages": form.several(
            "notice_languages", "In which languages", "In one they understand.",
            pattern=r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}",
        ),
        "channels": form.several(
            "notice_channels", "How", "Not everybody reads.",
            choices=("leaflet", "poster", "radio", "group", "sms", "web", "in_person"),
        ),
        "recipients_listed": recipients if told else [],
        "purposes_listed": sorted({one["purpose"] for one in grants}) if told else [],
        "date": form.one("notice_date", "Since", "Who came earlier was not told.", form.now[:10],
                         pattern=DAY),
    }  # fmt: skip


def _promises(form: Form) -> None:
    document = form.document
    sender = document["parties"][0]["party"]
    if document["kind"] == "consolidation":
        document["release_requires"] = {"all_contributors": True}
    document["rights"] = {
        "handled_by": sender,
        "contact": form.one("rights_contact", "Where people ask what is held about them",
                            "By phone or in person too, in their language."),
        "response_days": 30,
        "objection_effect": "The person's records stay until it is answered.",
    }  # fmt: skip
    document["incidents"] = {
        "notify_within_hours": 24,
        "contact": form.one("incidents_contact", "Who is told of an incident",
                            "Within 24 hours. A function, not a name."),
        "incident_register_shared": True,
    }  # fmt: skip
    document["audit"] = {
        "log_visible_to": [one["party"] for one in document["parties"]],
        "on_site": True,
        "logs_kept_years": 10,
    }
    document["compelled"] = {"on_government_request": "refuse_and_notify"}
    document["exit"] = {"days": 30, "schema_export": True, "deletion_certificate": True,
                        "keys": "destroyed"}  # fmt: skip
    lines = "; ".join(one["text"] for one in form.taxonomy["red_lines"].values())
    document["red_lines_acknowledged"] = form.yes(
        "red_lines", f"Do all parties acknowledge that the data are never used for: {lines}?",
        "No decision of anybody opens these.",
    )  # fmt: skip
    document["funding_does_not_buy_identified_data"] = True
    document["decisions"] = []
