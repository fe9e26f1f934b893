"""The witness over HTTP: C2SP tlog-witness, and nothing beside it."""

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import journal
from gateway.errors import CorridorError
from gateway.publication.witness import MAX_BODY, Answer, Witness


def witness_app(witness: Witness) -> Starlette:
    """The application of one witness."""

    async def add(request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY:
                return _response(Answer(400, "too long\n"))
        try:
            # In a thread: what is signed is on the disk first.
            answer = await asyncio.to_thread(witness.add, body)
        except (CorridorError, OSError) as error:
            journal.say("witness.failed", rule=getattr(error, "rule", type(error).__name__))
            return _response(Answer(500, "the witness failed; nothing was signed\n"))
        journal.say("witness.asked", status=answer.status)
        return _response(answer)

    async def newest(request: Request) -> Response:
        try:
            answer = await asyncio.to_thread(witness.newest, request.path_params["log"])
        except (CorridorError, OSError) as error:
            journal.say("witness.failed", rule=getattr(error, "rule", type(error).__name__))
            answer = Answer(500, "the witness failed\n")
        return _response(answer)

    return Starlette(
        routes=[
            Route("/add-checkpoint", add, methods=["POST"]),
            Route("/{log}/checkpoint", newest, methods=["GET"]),
        ]
    )


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, {"Content-Type": answer.media_type})
