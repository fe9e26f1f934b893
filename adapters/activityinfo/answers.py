"""What ActivityInfo answers to `POST /resources/update`.

A transaction is taken or refused as a whole. Only a refusal says so in the body: `{"code": ...,
"message": ...}`. So nothing is called accepted here; whoever sent it asks for the records.
"""

from io import BytesIO

from adapters.flat.answered import code
from gateway.adapter import Outcome
from gateway.errors import SenderError
from gateway.source.objects import document


def outcomes(answer: bytes, sent: int) -> list[Outcome]:
    """One outcome, of the whole."""
    try:
        found = document(BytesIO(answer))
    except SenderError:
        return [Outcome(None, "unknown")]
    if not isinstance(found, dict) or found.get("code") is None:
        return [Outcome(None, "unknown")]
    return [Outcome(None, "refused", code(found["code"]))]
