"""Cases of CommCare HQ, API v2, one a request: `PUT /a/<domain>/api/case/v2/`.

`ext/<external_id>/` creates or updates. The bulk request is not used: it creates anew what was
taken before its answer was lost, and two cases of one request cannot be told apart when refused.
Forms go to the receiver as OpenRosa.
"""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from gateway.adapter import Outcome
from gateway.delivery import openrosa
from gateway.delivery.parcel import Parcel
from gateway.delivery.singly import each
from gateway.delivery.told import Told, fault, refused, settled


async def push(client: httpx.AsyncClient, parcel: Parcel) -> Told:
    """Cases in JSON, or a form in XML."""
    if not parcel.option("domain"):
        return Told((), "push.option_missing", again=True, begun=False)
    if parcel.format == "commcare.xml":
        return await openrosa.push(client, parcel)
    cases = orjson.loads(parcel.content) if parcel.format == "commcare" else None
    if not isinstance(cases, list):  # a page of forms, which HQ takes from nobody
        return refused("push.format", begun=False)
    return await each(client, parcel, cases, _case)


async def _case(client: httpx.AsyncClient, parcel: Parcel, index: int, case: Any) -> Told:
    body = {name: value for name, value in case.items() if name not in ("create", "case_id")}
    address = f"a/{parcel.option('domain')}/api/case/v2/"
    if case.get("case_id", case.get("external_id")) in (".", ".."):
        # Steps in a path, however they are quoted.
        return settled([Outcome(index, "refused", at="case_id")])
    if "case_id" in case:
        address += f"{quote(case['case_id'], safe='')}/"
    else:
        address += f"ext/{quote(case['external_id'], safe='')}/"
    answer = await client.put(address, json=body)
    if told := fault(answer):
        return told
    # HQ answers 200 with an error inside, too.
    return settled([Outcome(index, _state(answer))])


def _state(answer: httpx.Response) -> Any:
    try:
        said = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return "unknown"
    if not isinstance(said, dict) or answer.status_code not in (HTTPStatus.OK, HTTPStatus.CREATED):
        return "unknown"
    if "error" in said or "errors" in said:
        return "refused"
    return "accepted" if isinstance(said.get("case"), dict) or "xform_id" in said else "unknown"
