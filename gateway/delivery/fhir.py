"""Resources for a FHIR R4 server: one transaction, in which each is put under its own id.

All or nothing, and the same again where an answer was lost. The option `bundle: batch` lets the
server take what it can.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import orjson

from gateway.adapter import Outcome
from gateway.delivery.parcel import Parcel
from gateway.delivery.told import Told, fault, refused, settled

MEDIA_TYPE = "application/fhir+json"
_CODE = re.compile("[a-z]{1,40}(-[a-z]{1,40}){0,4}")
_STATUS = re.compile("([0-9]{3})( .*)?", re.DOTALL)
_OK, _REFUSED = "2", "4"


async def push(client: httpx.AsyncClient, parcel: Parcel) -> Told:
    """Post the bundle to the base address of the server."""
    if parcel.format != "fhir.r4":
        return refused("push.format", begun=False)
    bundle = orjson.loads(parcel.content)
    kind = "batch" if parcel.option("bundle") == "batch" else "transaction"
    entries = [_entry(one) for one in bundle.get("entry", ())]
    content = orjson.dumps({**bundle, "type": kind, "entry": entries})
    answer = await client.post(
        str(client.base_url).rstrip("/"),
        content=content,
        headers={
            "Content-Type": MEDIA_TYPE,
            "Accept": MEDIA_TYPE,
            "X-Request-Id": parcel.transfer,  # FHIR R4, 3.1.0.1.4: for whoever searches both logs
        },
    )
    if told := fault(answer, _faults(answer.content)):
        return told
    return settled(_outcomes(answer.content, len(entries)))


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    resource = entry["resource"]
    address = f"{resource['resourceType']}/{resource['id']}"
    return {**entry, "request": {"method": "PUT", "url": address}}


def _outcomes(answer: bytes, sent: int) -> list[Outcome]:
    said = _object(answer)
    entries = said.get("entry")
    if said.get("resourceType") != "Bundle" or not isinstance(entries, list):
        return [Outcome(None, "unknown")]
    if len(entries) != sent:
        return [Outcome(None, "unknown")]
    return [_outcome(index, one) for index, one in enumerate(entries)]


def _outcome(index: int, entry: Any) -> Outcome:
    response = entry.get("response") if isinstance(entry, dict) else None
    status = response.get("status") if isinstance(response, dict) else None
    found = _STATUS.fullmatch(status) if isinstance(status, str) else None
    if found is None or response is None:
        return Outcome(index, "unknown")
    if found[1].startswith(_OK):
        return Outcome(index, "accepted", found[1])
    outcome = response.get("outcome")
    code = next(iter(_codes(outcome)), found[1])
    return Outcome(index, "refused" if found[1].startswith(_REFUSED) else "unknown", code)


def _faults(answer: bytes) -> Sequence[Outcome]:
    """Why the whole was refused."""
    return [Outcome(None, "refused", code) for code in _codes(_object(answer))]


def _codes(outcome: Any) -> list[str]:
    """Codes of an OperationOutcome. Its texts quote."""
    issues = outcome.get("issue") if isinstance(outcome, dict) else None
    found = [one.get("code") for one in issues or () if isinstance(one, dict)]
    return [one for one in found if isinstance(one, str) and _CODE.fullmatch(one)]


def _object(answer: bytes) -> dict[str, Any]:
    try:
        said = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}
