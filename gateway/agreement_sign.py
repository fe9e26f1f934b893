"""Signing an agreement for a party: what is checked first, and what is written into its file."""

from collections.abc import Mapping
from typing import Any

from joserfc.jwk import OKPKey

from gateway import document_edit
from gateway.agreement import TYP, check_signature, statement
from gateway.agreement_check import Finding, findings
from gateway.agreement_standing import draft_of
from gateway.deployment import Deployment
from gateway.document import check_document, parse_yaml
from gateway.errors import OfficerError
from gateway.signing import sign

_OWN = ("agreement.signature", "signature.")


def sign_for(
    deployment: Deployment,
    taxonomy: Mapping[str, Any],
    name: str,
    party: str,
    key: OKPKey,
    now: str,
    *,
    hashed: str | None,
    who: Mapping[str, str],
) -> list[Finding]:
    """Sign, and write the signature into the agreement's file; findings that are in the way.

    `hashed` is the SHA-256 of the document that people signed on paper. An older signature of
    the same party is replaced, those of others stay, and count where they are over this text.
    """
    one = draft_of(deployment.directory, name)
    at = one.path.name
    found = findings(one.document, deployment, taxonomy, now, one.source)
    found = [each for each in found if not each.rule.startswith(_OWN)]
    if found:
        return found
    text = document_edit.read_text(one.path)
    text = _with_hash(text, one.document, hashed, at)
    for number, entry in reversed([*enumerate(one.document.get("signed_by", ()))]):
        if entry["party"] == party:
            text = document_edit.without_item(text, "signed_by", number, at=at)
    document = check_document(parse_yaml(text.encode(), at=at), "agreement", at=at)
    entry = {"party": party, **who, "at": now}
    entry["signature"] = sign(statement(document, entry), key, TYP)
    # A key that is not the party's is found here, before anything is written.
    check_signature(document, entry, deployment.parties, now)
    document_edit.replace(one.path, document_edit.with_item(text, "signed_by", entry, at=at))
    return []


def _with_hash(text: str, document: Mapping[str, Any], hashed: str | None, at: str) -> str:
    held = document.get("document_hash")
    if hashed is None or hashed == held:
        return text
    if held is not None:
        raise OfficerError("another document than the one signed", rule="agreement.document", at=at)
    if document.get("signed_by"):
        problem = "somebody signed it without that document"
        raise OfficerError(problem, rule="agreement.document", at=at)
    return document_edit.with_value(text, "document_hash", hashed, at=at)
