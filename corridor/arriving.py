"""An answer on its way, for both clients."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp
from types import TracebackType
from typing import BinaryIO

import httpx

from corridor import calls
from corridor.answers import Answer
from corridor.calls import Call
from corridor.failures import UnreachableError


@contextmanager
def network() -> Iterator[None]:
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise UnreachableError(f"no connection: {type(error).__name__}", sent=False) from None
    except httpx.TransportError as error:
        # Not its text: it may quote what was sent.
        raise UnreachableError(f"the connection broke: {type(error).__name__}") from None


class Arriving:
    """An answer on its way: into memory, or into a file beside the one that is asked for, which
    takes its place when all of it came."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._digest = hashlib.sha256()
        self._size = 0
        self._kept = bytearray()
        self._file: BinaryIO | None = None
        self._beside = ""
        self._answer: httpx.Response | None = None

    def __enter__(self) -> "Arriving":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is None:
            return
        self._file.close()
        if error is None and self._call.into is not None:
            Path(self._beside).replace(self._call.into)
        else:
            Path(self._beside).unlink()

    def began(self, answer: httpx.Response) -> None:
        """Its status and headers are here."""
        self._answer = answer
        into = self._call.into
        if into is not None and answer.status_code < 300:
            # Readable by its owner only, from the first byte on.
            handle, self._beside = mkstemp(dir=into.parent, prefix=".corridor-")
            self._file = os.fdopen(handle, "wb")

    def take(self, part: bytes) -> None:
        """The next bytes of its body."""
        self._digest.update(part)
        self._size += len(part)
        if self._file is None:
            self._kept += part
        else:
            self._file.write(part)

    def whole(self) -> Answer:
        """All of it. Raises `ProblemError` where the gateway did not do what was asked."""
        if self._answer is None:
            raise UnreachableError("no answer")
        status, headers = self._answer.status_code, self._answer.headers
        answer = Answer(status, headers, bytes(self._kept), self._size, self._digest.hexdigest())
        if problem := calls.failed(self._call, answer):
            raise problem
        return answer
