"""Reports over HTTP, for auditors with a key of their own."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response, StreamingResponse

from gateway.errors import SenderError
from gateway.exchange import Gateway
from gateway.readers import LogReader, auditor_of
from gateway.reports import REPORTS, Asked
from gateway.reports.reading import ENTRIES, Desk
from gateway.reports.written import FORMS, written

router = APIRouter()
Auditor = Annotated[LogReader, Depends(auditor_of)]
Text = Annotated[str, Query(max_length=160)]
Moment = Annotated[str, Query(max_length=20)]


@router.get("/v1/log/reports", summary="Reports by name")
def reports(auditor: Auditor) -> Response:
    """Every report and the question it answers."""
    known = [
        {"report": name, "number": one.number, "question": one.text}
        for name, one in REPORTS.items()
    ]
    return Response(orjson.dumps(known), media_type="application/json")


@router.get("/v1/log/reports/{name}", summary="A report, or all entries")
def report(
    request: Request,
    name: str,
    auditor: Auditor,
    from_: Annotated[str, Query(alias="from", max_length=20)] = "",
    to: Moment = "",
    party: Text = "",
    purpose: Text = "",
    agreement: Text = "",
    transfer: Text = "",
    form: Moment = "json",
) -> Response:
    """Computed from the newest checkpoint, which it names. `entries` is every entry, as CSV or
    one JSON object a line. Each run is written into the log."""
    gateway: Gateway = request.app.state.gateway
    if form not in FORMS:
        raise SenderError("no such form", rule="report.form", at="form")
    asked = Asked.of(
        from_, to, party=party, purpose=purpose, agreement=agreement, transfer=transfer
    )
    desk = Desk(gateway.log, gateway.deployment.settings.gateway.name, auditor.who)
    if name == ENTRIES:
        kind = "application/jsonl" if form == "json" else FORMS[form]
        return StreamingResponse(desk.entries(asked, form), media_type=kind)
    content = written(desk.report(name, asked, form), form)
    return Response(content, media_type=FORMS[form], headers={"Cache-Control": "no-store"})
