"""The record of processing activities (GDPR, Article 30), from what was really released."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.reports.report import Answer, Flow, Question, category_of, left
from gateway.reports.transfers import grouped, total

DPV = "https://w3id.org/dpv"
COLUMNS = (
    "controller", "recipient", "recipient_kind", "purpose", "legal_basis", "agreement",
    "agreement_version", "record_types", "personal_data_categories", "special_forms", "regimes",
    "crosses_border", "destination", "instrument", "retention_days", "security", "transfers",
)  # fmt: skip


def processing(question: Question) -> Answer:
    """One line for each way, purpose, basis and agreement."""
    flows = question.flows(templates=True)

    def key(flow: Flow) -> tuple[str, ...]:
        agreement = flow.said["agreement"]
        return (flow.sender, flow.recipient, flow.said["purpose"], flow.said["legal_basis"],
                agreement["id"], agreement["version"])  # fmt: skip

    rows = [_row(question, names, part) for names, part in grouped(flows, key).items()]
    unknown = total(f for f in flows if question.source.template(f.said) is None)
    why = [
        "processing that does not pass this gateway: each organisation's own record has it",
        "names and contacts of controllers and data protection officers: they stand in the"
        " deployment's files of parties",
    ]
    why.append(
        "categories of data subjects (Article 30(1)(c)): the log has record types, not whom they"
        " describe"
    )
    if unknown:
        why.append("transfers whose question is not kept: retention and security")
    found = {"transfers": total(flows), "activities": len(rows), "not_known": unknown}
    return Answer(COLUMNS, rows, found, tuple(why))


def _row(question: Question, names: Sequence[str], flows: Sequence[Flow]) -> tuple[Any, ...]:
    sender, recipient, purpose, basis, agreement, version = names
    asked = [question.source.template(flow.said) or {} for flow in flows]
    fields = {(kind, name) for flow in flows for kind, name, _ in left(flow.said)}
    agreed: Sequence[Mapping[str, Any]] = [one.get("agreement", {}) for one in asked]
    kept = {
        (one["record_type"], one["days"]) for each in agreed for one in each.get("retention", ())
    }
    security = {
        name
        for each in agreed
        for name, held in each.get("safeguards", {}).get("security", {}).items()
        if held is True
    }
    borders = [flow.said["border"] for flow in flows]
    return (
        sender, recipient, _joined({one.get("recipient", {}).get("kind", "") for one in asked}),
        purpose, basis, agreement, version, _joined({kind for kind, _ in fields}),
        _joined({category_of(*field) for field in fields}),
        _joined({f"{form}" for flow in flows for *_, form in left(flow.said) if form != "keep"}),
        _joined({one for f in flows for one in f.said["recipient"]["regimes"]}),
        "yes" if any(one["crosses"] for one in borders) else "no",
        _joined({one["destination"] for one in borders}),
        _joined({one.get("instrument", "") for one in borders}),
        _joined({f"{kind}:{days}" for kind, days in kept}), _joined(security), total(flows),
    )  # fmt: skip


def _joined(names: set[str]) -> str:
    return " ".join(sorted(names - {""}))


BASES = {
    "lb.consent": "eu-gdpr:A6-1-a", "lb.contract": "eu-gdpr:A6-1-b", "lb.legal": "eu-gdpr:A6-1-c",
    "lb.vital": "eu-gdpr:A6-1-d", "lb.public": "eu-gdpr:A6-1-e",
    "lb.legitimate": "eu-gdpr:A6-1-f",
}  # fmt: skip


def linked(rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> dict[str, Any]:
    """The record as JSON-LD in the Data Privacy Vocabulary 2."""
    return {
        "@context": {
            "dpv": f"{DPV}#",
            "pd": f"{DPV}/pd#",
            "eu-gdpr": f"{DPV}/legal/eu/gdpr#",
            "dct": "http://purl.org/dc/terms/",
            "corridor": "https://corridor.invalid/terms#",
            "corridor:about": {"@id": "corridor:about", "@type": "@json"},
        },
        # Nothing beside `@graph`: that would make it a graph of its own, which readers of the
        # default graph see as an empty record.
        "@graph": [
            {"@id": "corridor:record", "@type": "corridor:Record", "corridor:about": about},
            *(_activity(row) for row in rows),
        ],
    }


def _activity(row: Mapping[str, Any]) -> dict[str, Any]:
    name = "/".join(row[part] for part in ("agreement", "agreement_version", "purpose",
                                           "legal_basis", "controller", "recipient"))  # fmt: skip
    made: dict[str, Any] = {
        "@id": f"corridor:activity/{name}",
        "@type": "dpv:Process",
        "dpv:hasDataController": {"@id": f"corridor:party/{row['controller']}"},
        "dpv:hasRecipient": {"@id": f"corridor:party/{row['recipient']}"},
        "dpv:hasPurpose": {"@id": f"corridor:purpose/{row['purpose']}"},
        "dpv:hasLegalBasis": {
            "@id": BASES.get(row["legal_basis"], f"corridor:basis/{row['legal_basis']}")
        },
        "dpv:hasPersonalData": [{"@id": one} for one in row["personal_data_categories"].split()],
        "dpv:hasProcessing": {"@id": "dpv:Transfer"},
        "dct:source": {"@id": f"corridor:agreement/{row['agreement']}"},
        "corridor:transfers": row["transfers"],
    }
    if row["crosses_border"] == "yes":
        made["dpv:hasJurisdiction"] = [
            {"@id": f"corridor:regime/{one}"} for one in row["regimes"].split()
        ]
        made["corridor:destination"] = [
            {"@id": f"corridor:destination/{one}"} for one in row["destination"].split()
        ]
        made["dpv:hasLegalBasis"] = [
            made["dpv:hasLegalBasis"],
            *({"@id": f"corridor:instrument/{one}", "@type": "dpv:DataTransferLegalBasis"}
              for one in row["instrument"].split()),
        ]  # fmt: skip
    if row["retention_days"]:
        made["dpv:hasStorageCondition"] = [
            {"@type": "dpv:StorageDuration", "dpv:hasDuration": f"P{one.rpartition(':')[2]}D",
             "dct:subject": one.rpartition(":")[0]}
            for one in row["retention_days"].split()
        ]  # fmt: skip
    if row["security"]:
        made["dpv:hasTechnicalOrganisationalMeasure"] = [
            {"@id": f"corridor:measure/{one}"} for one in row["security"].split()
        ]
    return made
