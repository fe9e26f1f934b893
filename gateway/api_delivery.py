"""`GET /v1/transfers/{id}/delivery`: what became of a push, for the parties of its transfer."""

import orjson
from fastapi import APIRouter
from starlette.responses import Response

from gateway.api_reading import Open, Party
from gateway.delivery.ledger import shown
from gateway.delivery.outbox import row_of
from gateway.errors import SenderError
from gateway.happenings.custody import transfer_of

router = APIRouter()


@router.get("/v1/transfers/{transfer}/delivery", summary="What became of a push")
def transfer_delivery(transfer: str, party: Party, gateway: Open) -> Response:
    """State, attempts, and what the recipient's system said of each record it did not take.

    `waiting` has the time of the `next` attempt, in milliseconds since 1970; `dead` waits for an
    operator, or for the recipient to fetch it from its inbox.
    """
    transfer_of(gateway.log, transfer, party)
    row = row_of(gateway.log, transfer)
    if row is None:
        raise SenderError("it is not pushed", rule="delivery.none", status=404)
    return Response(orjson.dumps(shown(row)), media_type="application/json")
